//! Stack traces, one line at a time: frames of Python, Java, JavaScript, Go and Rust, the line that
//! names the exception, and the source lines in between, of which nothing is kept (they print
//! literals).

use super::{Outcome, Text, Value, Visit, header};

/// Spaces in front of a line that make it the continuation of another.
const INDENT_MIN: usize = 4;

/// Endings of the names of exceptions.
const ENDINGS: [&str; 9] = [
    "Error",
    "Exception",
    "Timeout",
    "Warning",
    "Interrupt",
    "Exit",
    "Fault",
    "Failure",
    "Refused",
];

/// Visits `source` and `function` of a frame, or `exception` and `message` of the line that names
/// one. An indented line that is no frame is taken and nothing of it visited.
pub(crate) fn walk(text: &str, visit: &mut impl Visit) -> Outcome {
    let line = text.trim_start_matches([' ', '\t']);
    let indent = text.len() - line.len();
    if python_frame(line, visit) || at_frame(line, visit) || go_frame(text, visit) {
        return Outcome::Whole;
    }
    if indent >= INDENT_MIN || text.starts_with('\t') {
        if let Some(class) = raised(line) {
            put(visit, "exception", class);
        }
        visit.value(Text::plain("continuation"), Value::Array);
        return Outcome::Whole;
    }
    let named = line.strip_prefix("Caused by: ").unwrap_or(line);
    let Some(class) = exception(named) else { return Outcome::Foreign };
    put(visit, "exception", class);
    let rest = named.get(class.len()..).unwrap_or("");
    put(visit, "message", rest.strip_prefix(": ").unwrap_or(""));
    Outcome::Whole
}

fn put(visit: &mut impl Visit, key: &str, value: &str) {
    if !value.is_empty() {
        visit.value(Text::plain(key), Value::Text(Text::plain(value)));
    }
}

/// The class at the start of `s`, if it is named like an exception and a colon or the end follows.
pub(crate) fn exception(s: &str) -> Option<&str> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'$');
    let name = s.get(..s.bytes().take_while(|&b| plain(b)).count())?;
    let after = s.get(name.len()..)?;
    let class = name.rsplit(['.', '$']).next()?;
    let first = name.bytes().next()?.is_ascii_alphabetic();
    let upper = class.bytes().next()?.is_ascii_uppercase();
    let ends = after.is_empty() || after.starts_with(": ") || after == ":";
    let named = ENDINGS.iter().any(|e| class.ends_with(e));
    (first && upper && ends && named && name.len() <= 128).then_some(name)
}

/// The class of `raise ValueError("…")` and `throw new IllegalStateException("…")`.
fn raised(line: &str) -> Option<&str> {
    let rest = ["raise ", "throw new "].iter().find_map(|lead| line.strip_prefix(*lead))?;
    rest.split_once('(').and_then(|(class, _)| exception(class))
}

/// `File "/srv/app.py", line 5, in handler`
fn python_frame(line: &str, visit: &mut impl Visit) -> bool {
    let Some((path, rest)) = line.strip_prefix("File \"").and_then(|s| s.split_once("\", line "))
    else {
        return false;
    };
    let n = rest.bytes().take_while(u8::is_ascii_digit).count();
    let number = rest.get(..n).unwrap_or("");
    let file = path.rsplit(['/', '\\']).next().unwrap_or("");
    frame(visit, file, number);
    if let Some(function) = rest.get(n..).and_then(|s| s.strip_prefix(", in ")) {
        put(visit, "function", function.trim());
    }
    true
}

fn frame(visit: &mut impl Visit, file: &str, line: &str) {
    visit.value(Text::plain("file"), Value::Text(Text::plain(file)));
    visit.value(Text::plain("line"), Value::Text(Text::plain(line)));
}

/// `at fr.essai.Pool.get(Pool.java:42)`, `at handler (app.js:3:5)`
fn at_frame(line: &str, visit: &mut impl Visit) -> bool {
    let Some(rest) = line.strip_prefix("at ") else { return false };
    let Some((function, place)) = rest.split_once('(') else { return false };
    let place = place.split(')').next().unwrap_or("");
    let file = place.rsplit('/').next().unwrap_or("");
    let Some(n) = header::location(file) else { return false };
    put(visit, "source", file.get(..n).unwrap_or(""));
    put(visit, "function", function.trim());
    true
}

/// `\t/usr/local/go/src/net/http/server.go:2136 +0x1d`
fn go_frame(text: &str, visit: &mut impl Visit) -> bool {
    let Some(rest) = text.strip_prefix('\t') else { return false };
    let path = rest.split(' ').next().unwrap_or("");
    let file = path.rsplit('/').next().unwrap_or("");
    let Some(n) = header::location(file).filter(|n| *n == file.len()) else { return false };
    put(visit, "source", file.get(..n).unwrap_or(""));
    true
}

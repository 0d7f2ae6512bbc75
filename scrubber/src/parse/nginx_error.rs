//! nginx error log:
//! `2026/11/22 06:24:04 [error] 755#755: *2 message, client: …, server: …, request: "…", host: "…"`

use super::{Outcome, Text, Value, Visit, header, request};

/// Where the fixed tail of a message can start.
const TAIL: [&str; 2] = [", client: ", ", server: "];

/// Visits `level`, `pid`, `message`, then `client`, `server`, `method`, `path`, `upstream`, `host`,
/// `referrer`, so far as they are there.
pub(crate) fn walk(text: &str, visit: &mut impl Visit) -> Outcome {
    let Some((level, pid, rest)) = head(text) else { return Outcome::Foreign };
    put(visit, "level", Some(level));
    put(visit, "pid", Some(pid));
    let rest = connection(rest).unwrap_or(rest);
    let cut = TAIL.iter().filter_map(|t| rest.find(t)).min().unwrap_or(rest.len());
    put(visit, "message", rest.get(..cut));
    let mut tail = rest.get(cut..).unwrap_or("");
    while let Some(item) = tail.strip_prefix(", ") {
        let Some((key, value)) = item.split_once(": ") else { break };
        let (value, after) = value_at(value);
        match key {
            "request" => {
                let line = request::line(value);
                put(visit, "method", line.map(|l| l.0));
                put(visit, "path", line.map(|l| l.1));
            }
            "client" | "server" | "upstream" | "host" | "referrer" => put(visit, key, Some(value)),
            _ => visit.value(Text::plain("unknown"), Value::Array),
        }
        tail = after;
    }
    Outcome::Whole
}

/// Whether the line has nginx's time, level and process ids.
pub(crate) fn looks(text: &str) -> bool {
    head(text).is_some()
}

fn put(visit: &mut impl Visit, key: &str, value: Option<&str>) {
    if let Some(v) = value.filter(|v| !v.is_empty()) {
        visit.value(Text::plain(key), Value::Text(Text::plain(v)));
    }
}

/// Level, process id and the rest.
fn head(text: &str) -> Option<(&str, &str, &str)> {
    let after = text.get(header::slash_time(text)?..)?;
    let (level, rest) = after.trim_start().strip_prefix('[')?.split_once("] ")?;
    let (ids, rest) = rest.split_once(": ")?;
    let (pid, tid) = ids.split_once('#')?;
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    (digits(pid) && digits(tid) && level.len() < 8).then_some((level, pid, rest))
}

/// What follows the connection number `*123 `.
fn connection(rest: &str) -> Option<&str> {
    let (number, after) = rest.strip_prefix('*')?.split_once(' ')?;
    number.bytes().all(|b| b.is_ascii_digit()).then_some(after)
}

/// A quoted or bare value, and what follows it.
fn value_at(s: &str) -> (&str, &str) {
    if let Some(quoted) = s.strip_prefix('"') {
        return quoted.split_once('"').unwrap_or((quoted, ""));
    }
    s.find(", ").map_or((s, ""), |i| s.split_at(i))
}

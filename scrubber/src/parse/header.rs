//! The head of a line of text: time, level, logger, source location, in the orders that Python,
//! Java, Rust, Go, C++ loggers and their kin write them.
//!
//! A word becomes a logger only where the punctuation says so; a name that merely stands first in a
//! sentence stays in the message.

use super::{Outcome, Text, Value, Visit};

/// Bytes that a logger or location may have.
const NAME_MAX: usize = 96;

/// Items that a head may have.
const ITEMS_MAX: usize = 8;

/// Spellings that stand for a level at the head of a line.
const LEVELS: [&str; 18] = [
    "TRACE", "DEBUG", "INFO", "NOTICE", "WARN", "WARNING", "ERROR", "ERR", "CRITICAL", "FATAL",
    "PANIC", "SEVERE", "ALERT", "EMERG", "DBG", "INF", "WRN", "LOG",
];

/// File name endings that a source location may have.
const EXTENSIONS: [&str; 18] = [
    ".go", ".py", ".rs", ".java", ".js", ".mjs", ".ts", ".tsx", ".c", ".cc", ".cpp", ".h", ".kt",
    ".rb", ".php", ".cs", ".scala", ".ex",
];

/// Visits `level`, `logger`, `source`, then `message` with what is left. Never foreign.
pub(crate) fn walk(text: &str, visit: &mut impl Visit) -> Outcome {
    let mut head = Head { rest: text, timed: false, level: false, logger: false, source: false };
    for _ in 0..ITEMS_MAX {
        if !head.item(visit) {
            break;
        }
    }
    let rest = head.rest.trim_start_matches([' ', '\t', '|']);
    let message = rest.strip_prefix("- ").unwrap_or(rest);
    put(visit, "message", message);
    Outcome::Whole
}

fn put(visit: &mut impl Visit, key: &str, value: &str) {
    if !value.is_empty() {
        visit.value(Text::plain(key), Value::Text(Text::plain(value)));
    }
}

struct Head<'a> {
    rest: &'a str,
    timed: bool,
    level: bool,
    logger: bool,
    source: bool,
}

impl<'a> Head<'a> {
    /// Takes one item off the front. `false` when the message starts here.
    fn item(&mut self, visit: &mut impl Visit) -> bool {
        let s = self.rest.trim_start_matches([' ', '|']);
        let s = s.strip_prefix("- ").or_else(|| s.strip_prefix("--- ")).unwrap_or(s).trim_start();
        self.time(s) || self.take_level(s, visit) || self.take_colons(s, visit) || {
            if self.timed || self.level {
                self.take_source(s, visit)
                    || self.take_thread(s)
                    || self.take_pid(s)
                    || self.take_logger(s, visit)
            } else {
                self.take_class(s, visit)
            }
        }
    }

    fn time(&mut self, s: &'a str) -> bool {
        if self.timed {
            return false;
        }
        let bare = s.strip_prefix('[').unwrap_or(s);
        let Some(n) = time(bare).or_else(|| slash_time(bare)).or_else(|| clock(bare)) else {
            return false;
        };
        let after = bare.get(n..).unwrap_or("");
        // `[2022-03-01T15:50:13Z INFO  logger] message`: the bracket stays open over all items.
        self.rest = after.strip_prefix(']').unwrap_or(after);
        self.timed = true;
        true
    }

    fn take_level(&mut self, s: &'a str, visit: &mut impl Visit) -> bool {
        if self.level {
            return false;
        }
        let bracket = s.starts_with('[') || s.starts_with('(');
        let t = if bracket { s.get(1..).unwrap_or("") } else { s };
        let word = word(t);
        let after = t.get(word.len()..).unwrap_or("");
        let known = LEVELS.iter().any(|l| l.eq_ignore_ascii_case(word));
        let upper = word.bytes().all(|b| b.is_ascii_uppercase());
        let ends = match after.bytes().next() {
            Some(b']' | b')') => bracket,
            Some(b':') => upper || self.timed,
            Some(b' ' | b'|' | b'\t') => upper || (self.timed && after.starts_with("  ")),
            _ => false,
        };
        if !(known && ends) {
            return false;
        }
        put(visit, "level", word);
        self.level = true;
        self.rest = after.trim_start_matches([']', ')', ':']);
        true
    }

    /// `name:ERROR: file.py:12 - message`, as `logging.basicConfig` and LiteLLM write it; the
    /// latter's names have a space (`LiteLLM Proxy`).
    fn take_colons(&mut self, s: &'a str, visit: &mut impl Visit) -> bool {
        if self.level {
            return false;
        }
        let Some((name, after)) = s.split_once(':').filter(|(n, _)| n.len() <= NAME_MAX) else {
            return false;
        };
        let level = word(after);
        let plain = |b: u8| is_name(b) || b == b' ' && name.starts_with("LiteLLM");
        let fits = !name.is_empty() && name.bytes().all(plain) && LEVELS.contains(&level);
        if !fits || after.as_bytes().get(level.len()) != Some(&b':') {
            return false;
        }
        put(visit, "logger", name);
        put(visit, "level", level);
        (self.level, self.logger) = (true, true);
        self.rest = after.get(level.len()..).unwrap_or("").trim_start_matches(':');
        true
    }

    /// `routes.go:208`, `logger.py:36]`, `[logger.py:49]`.
    fn take_source(&mut self, s: &'a str, visit: &mut impl Visit) -> bool {
        if self.source {
            return false;
        }
        let t = s.strip_prefix('[').unwrap_or(s);
        let Some(n) = location(t) else { return false };
        let after = t.get(n..).unwrap_or("");
        let after = after.strip_prefix(']').or_else(|| after.strip_prefix(':')).unwrap_or(after);
        if !(after.is_empty() || after.starts_with(' ')) {
            return false;
        }
        put(visit, "source", t.get(..n).unwrap_or(""));
        self.source = true;
        self.rest = after;
        true
    }

    /// `[main]`, `[pool-2-thread-9]`: passed over.
    fn take_thread(&mut self, s: &'a str) -> bool {
        let Some((inside, after)) = s.strip_prefix('[').and_then(|t| t.split_once(']')) else {
            return false;
        };
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'#');
        let thread = inside.trim();
        let fits = !thread.is_empty() && thread.len() <= 48 && thread.bytes().all(plain);
        if fits && after.starts_with(' ') {
            self.rest = after;
        }
        fits && after.starts_with(' ')
    }

    /// The process id of Spring Boot: `INFO 1 --- [main] logger : message`.
    fn take_pid(&mut self, s: &'a str) -> bool {
        let n = s.bytes().take_while(u8::is_ascii_digit).count();
        let after = s.get(n..).unwrap_or("");
        let fits = (1..=7).contains(&n) && after.starts_with(" --- ");
        if fits {
            self.rest = after.get(4..).unwrap_or("");
        }
        fits
    }

    /// `sqlalchemy.engine.Engine SELECT …`: a class with its packages needs no time in front.
    fn take_class(&mut self, s: &'a str, visit: &mut impl Visit) -> bool {
        let n = s.bytes().take_while(|&b| is_name(b)).count();
        let (name, after) = (s.get(..n).unwrap_or(""), s.get(n..).unwrap_or(""));
        if self.logger || n > NAME_MAX || !is_package(name, 2) || !after.starts_with(' ') {
            return false;
        }
        put(visit, "logger", name);
        self.logger = true;
        self.rest = after;
        true
    }

    fn take_logger(&mut self, s: &'a str, visit: &mut impl Visit) -> bool {
        if self.logger {
            return false;
        }
        let n = s.bytes().take_while(|&b| is_name(b)).count();
        let name = s.get(..n).unwrap_or("").trim_end_matches(':');
        let after = s.get(name.len()..).unwrap_or("");
        let first = name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
        if !first || name.len() > NAME_MAX {
            return false;
        }
        let compound = name.contains("::") || name.contains('.');
        let next = after.trim_start();
        let level_next = LEVELS.contains(&word(next)) && self.timed && !self.level;
        let dash_level = next.strip_prefix("- ").is_some_and(|t| LEVELS.contains(&word(t)));
        let said = match () {
            () if after.starts_with("] ") => true,
            () if after.starts_with(" - ") => self.timed && (self.level || dash_level),
            () if after.starts_with(": ") => self.timed && self.level && compound,
            () if next.starts_with(": ") => self.timed && self.level,
            () if after.starts_with(' ') => level_next || (self.level && compound && is_code(name)),
            () => false,
        };
        if !said {
            return false;
        }
        put(visit, "logger", name);
        self.logger = true;
        let after = after.strip_prefix(']').unwrap_or(after);
        let trimmed = after.trim_start();
        self.rest = trimmed.strip_prefix(": ").unwrap_or(after);
        true
    }
}

/// Dotted parts in front of a class, of which `at_least` so many.
fn is_package(name: &str, at_least: usize) -> bool {
    is_code(name) && name.bytes().filter(|b| *b == b'.').count() >= at_least
}

/// Several dotted parts of which the last is a class, as in `sqlalchemy.engine.Engine`.
fn is_code(name: &str) -> bool {
    let mut parts = name.rsplit('.');
    let class =
        parts.next().is_some_and(|p| p.bytes().next().is_some_and(|b| b.is_ascii_uppercase()));
    class && parts.clone().count() >= 1 && parts.all(|p| p.bytes().all(|b| b.is_ascii_lowercase()))
}

fn is_name(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b':' | b'-' | b'$' | b'<' | b'>')
}

/// The letters that `s` starts with.
fn word(s: &str) -> &str {
    s.get(..s.bytes().take_while(u8::is_ascii_alphabetic).count()).unwrap_or("")
}

/// Length of `dir/file.ext:line` at the start of `s`.
pub(crate) fn location(s: &str) -> Option<usize> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b'/');
    let n = s.bytes().take(NAME_MAX).take_while(|&b| plain(b)).count();
    let file = s.get(..n)?;
    let digits = s.get(n..)?.strip_prefix(':')?.bytes().take_while(u8::is_ascii_digit).count();
    let known = EXTENSIONS.iter().any(|e| file.ends_with(e) && file.len() > e.len());
    (known && (1..=6).contains(&digits)).then_some(n + 1 + digits)
}

/// Length of a date and time at the start of `s`: `2026-11-22 06:25:34.356 UTC`,
/// `2024-04-10T14:01:09.909179Z`, `2024-03-20 12:42:34,549`, with any zone.
pub(crate) fn time(s: &str) -> Option<usize> {
    date_time(s, b'-', &[b" ", b"T"])
}

/// Length of `2026/11/22 06:24:04`, also with ` - ` between date and time.
pub(crate) fn slash_time(s: &str) -> Option<usize> {
    date_time(s, b'/', &[b" - ", b" "])
}

fn date_time(s: &str, sep: u8, between: &[&[u8]]) -> Option<usize> {
    let b = s.as_bytes();
    let date = digits(b, 0, 4) && digits(b, 5, 2) && digits(b, 8, 2);
    if !(date && b.get(4) == Some(&sep) && b.get(7) == Some(&sep)) {
        return None;
    }
    let gap = between.iter().find(|g| b.get(10..).is_some_and(|t| t.starts_with(g)))?;
    let start = 10 + gap.len();
    let n = clock(s.get(start..)?)?;
    Some(start + n + zone(s.get(start + n..)?))
}

/// Length of `06:21:20`, with a fraction if there is one; also `10-01 18:43:27`.
fn clock(s: &str) -> Option<usize> {
    let b = s.as_bytes();
    if digits(b, 0, 2) && b.get(2) == Some(&b'-') && digits(b, 3, 2) && b.get(5) == Some(&b' ') {
        return s.get(6..).and_then(clock).map(|n| n + 6);
    }
    let ok = digits(b, 0, 2) && digits(b, 3, 2) && digits(b, 6, 2);
    if !(ok && b.get(2) == Some(&b':') && b.get(5) == Some(&b':')) {
        return None;
    }
    let fraction = match b.get(8) {
        Some(b'.' | b',') => {
            1 + b.get(9..)?.iter().take(9).take_while(|b| b.is_ascii_digit()).count()
        }
        _ => 0,
    };
    let n = 8 + fraction;
    b.get(n).is_none_or(|c| !c.is_ascii_digit()).then_some(n)
}

fn digits(b: &[u8], from: usize, len: usize) -> bool {
    b.get(from..from + len).is_some_and(|d| d.iter().all(u8::is_ascii_digit))
}

/// Length of `Z`, ` UTC`, ` CET`, `+02:00`, ` +0000` at the start of `s`.
fn zone(s: &str) -> usize {
    let t = s.strip_prefix(' ').unwrap_or(s);
    let lead = s.len() - t.len();
    let b = t.as_bytes();
    match b.first() {
        Some(b'Z') if lead == 0 => 1,
        Some(b'+' | b'-') if digits(b, 1, 4) => lead + 5,
        Some(b'+' | b'-') if digits(b, 1, 2) && b.get(3) == Some(&b':') && digits(b, 4, 2) => {
            lead + 6
        }
        Some(b'+' | b'-') if lead == 0 && digits(b, 1, 2) => 3,
        _ if lead == 1 => ["UTC", "GMT", "CET", "CEST"]
            .iter()
            .rfind(|z| t.starts_with(**z) && t.len() > z.len())
            .map_or(0, |z| 1 + z.len()),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::Step;

    #[derive(Default)]
    struct Tape(String);

    impl Visit for Tape {
        fn enter(&mut self, _: Text<'_>) -> Step {
            Step::Skip
        }
        fn leave(&mut self) {}
        fn value(&mut self, key: Text<'_>, value: Value<'_>) {
            if let Value::Text(t) = value {
                self.0.push_str(&format!("{}={};", key.raw(), t.raw()));
            }
        }
    }

    #[test]
    fn heads_of_many_loggers() {
        let rows = [
            (
                "2024-03-20 12:42:34,549 - filelock - DEBUG - Lock 1",
                "logger=filelock;level=DEBUG;message=Lock 1;",
            ),
            (
                "2026-10-06 18:55:32,328 rag.ingest WARNING rendez-vous",
                "logger=rag.ingest;level=WARNING;message=rendez-vous;",
            ),
            (
                "2026-04-02 19:46:27,084 DEBUG [main] fr.essai.Pool - evicting",
                "level=DEBUG;logger=fr.essai.Pool;message=evicting;",
            ),
            (
                "2024-04-10T14:01:09.909179Z  INFO actix_web::middleware::logger: hello",
                "level=INFO;logger=actix_web::middleware::logger;message=hello;",
            ),
            (
                "[2022-03-01T15:50:13Z INFO  actix_web::logger] hello",
                "level=INFO;logger=actix_web::logger;message=hello;",
            ),
            (
                "2025-04-29 09:15:04.409 | INFO     | uvicorn.protocols:send:476 - hello",
                "level=INFO;logger=uvicorn.protocols:send:476;message=hello;",
            ),
            (
                "06:21:31 - LiteLLM Proxy:ERROR: auth.py:197 - No db",
                "logger=LiteLLM Proxy;level=ERROR;source=auth.py:197;message=No db;",
            ),
            (
                "INFO 10-01 18:43:27 logger.py:36] Received",
                "level=INFO;source=logger.py:36;message=Received;",
            ),
            (
                "2025/02/11 08:14:46 routes.go:1187: INFO server config",
                "source=routes.go:1187;level=INFO;message=server config;",
            ),
            ("INFO:     Application startup", "level=INFO;message=Application startup;"),
            ("[ERROR] cannot", "level=ERROR;message=cannot;"),
            (
                "2024-01-01T00:00:00.123+01:00  INFO 1 --- [main] o.s.b.Tomcat : started",
                "level=INFO;logger=o.s.b.Tomcat;message=started;",
            ),
            ("2026-11-22 06:25:34.356 UTC hello", "message=hello;"),
            ("Jean Dupont called", "message=Jean Dupont called;"),
            ("error in jean: x", "message=error in jean: x;"),
            ("2026-10-06 18:55:32 INFO jean: hello", "level=INFO;message=jean: hello;"),
            ("2026-10-06 18:55:32 INFO jean.dupont hello", "level=INFO;message=jean.dupont hello;"),
            (
                "INFO sqlalchemy.engine.Engine SELECT",
                "level=INFO;logger=sqlalchemy.engine.Engine;message=SELECT;",
            ),
            ("", ""),
        ];
        for (line, want) in rows {
            let mut tape = Tape::default();
            walk(line, &mut tape);
            assert_eq!(tape.0, want, "{line}");
        }
    }
}

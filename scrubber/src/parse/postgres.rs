//! PostgreSQL's stderr log: `time [pid] prefix SEVERITY:  message`, and what its messages, details
//! and statements say that is technical.
//!
//! Statements, parameters, rows and continued lines (they start with a tab) never leave as text.

use super::{Outcome, Text, Value, Visit, header};

/// Severities, then the parts that follow a message under the same prefix.
const SEVERITIES: [&str; 12] = [
    "LOG", "ERROR", "FATAL", "PANIC", "WARNING", "NOTICE", "INFO", "DEBUG1", "DEBUG2", "DEBUG3",
    "DEBUG4", "DEBUG5",
];

/// Name in the log, and the key it is handed on by.
const PARTS: [(&str, &str); 6] = [
    ("DETAIL", "detail"),
    ("HINT", "hint"),
    ("CONTEXT", "context"),
    ("STATEMENT", "statement"),
    ("QUERY", "statement"),
    ("LOCATION", "location"),
];

/// Bytes after time and process id within which the severity must come: user, database, host,
/// application.
const PREFIX_MAX: usize = 400;

/// Whether `s` is a severity.
pub(crate) fn is_severity(s: &str) -> bool {
    SEVERITIES.contains(&s)
}

/// Visits `pid`, `level`, `state_code` and `message`, or `part` and the part's key. A line that is
/// no more than a continuation is taken and nothing of it visited.
pub(crate) fn walk(text: &str, visit: &mut impl Visit) -> Outcome {
    if text.starts_with('\t') {
        visit.value(Text::plain("continuation"), Value::Array);
        return Outcome::Whole;
    }
    let start = header::time(text).unwrap_or(0);
    let rest = text.get(start..).unwrap_or("");
    let Some((prefix, name, message)) = severity(rest) else { return Outcome::Foreign };
    put(visit, "pid", pid(prefix));
    if let Some((part, key)) = PARTS.iter().find(|p| p.0 == name) {
        put(visit, "part", Some(part));
        put(visit, key, Some(message));
        return Outcome::Whole;
    }
    put(visit, "level", Some(name));
    let (state, message) = match message.split_once(": ") {
        Some((s, m)) if is_sqlstate(s) => (Some(s), m),
        _ => (None, message),
    };
    put(visit, "state_code", state);
    put(visit, "message", Some(message));
    Outcome::Whole
}

/// Time, process id in brackets, and a severity.
pub(crate) fn looks(text: &str) -> bool {
    header::time(text).and_then(|n| text.get(n..)).is_some_and(|rest| {
        rest.starts_with(" [") && severity(rest).is_some_and(|(prefix, ..)| pid(prefix).is_some())
    })
}

fn put(visit: &mut impl Visit, key: &str, value: Option<&str>) {
    if let Some(v) = value.filter(|v| !v.is_empty()) {
        visit.value(Text::plain(key), Value::Text(Text::plain(v)));
    }
}

/// Prefix, severity or part, and message.
fn severity(rest: &str) -> Option<(&str, &'static str, &str)> {
    let mut from = 0;
    while let Some(at) = memchr::memmem::find(rest.as_bytes().get(from..)?, b":  ") {
        let colon = from + at;
        if colon > PREFIX_MAX {
            return None;
        }
        let head = rest.get(..colon)?;
        let start = head.rfind(' ').map_or(0, |i| i + 1);
        let word = head.get(start..)?;
        let names = SEVERITIES.iter().copied().chain(PARTS.iter().map(|p| p.0));
        if let Some(name) = names.into_iter().find(|n| *n == word) {
            return Some((head.get(..start)?, name, rest.get(colon + 3..)?));
        }
        from = colon + 3;
    }
    None
}

/// The process id: the first number in brackets.
fn pid(prefix: &str) -> Option<&str> {
    let inside = prefix.split_once('[')?.1.split_once(']')?.0;
    let inside = inside.split('-').next()?;
    (!inside.is_empty() && inside.bytes().all(|b| b.is_ascii_digit())).then_some(inside)
}

/// Five characters of which the first two are the class: `23505`, `42P01`.
pub(crate) fn is_sqlstate(s: &str) -> bool {
    s.len() == 5
        && s.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
        && s.bytes().any(|b| b.is_ascii_digit())
}

/// What a message says besides its words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Message<'a> {
    /// The sentence, without statement, parameters and client.
    pub(crate) sentence: &'a str,
    /// Milliseconds of `duration: 301.615 ms`.
    pub(crate) duration_ms: Option<&'a str>,
    /// The SQL text of `statement: …` and `execute <unnamed>: …`.
    pub(crate) statement: Option<&'a str>,
    /// Name of a constraint, quoted after that word.
    pub(crate) constraint: Option<&'a str>,
    /// Name of a table, quoted after `relation` or `table`.
    pub(crate) relation: Option<&'a str>,
}

/// Takes a server message apart.
pub(crate) fn message(text: &str) -> Message<'_> {
    let mut m = Message { sentence: text, ..Message::default() };
    if let Some(rest) = text.strip_prefix("duration: ") {
        let (number, rest) = rest.split_once(" ms").unwrap_or((rest, ""));
        m.duration_ms = Some(number);
        m.sentence = "";
        m.statement = after_statement(rest.trim_start());
        return m;
    }
    if let Some(sql) = after_statement(text) {
        m.statement = Some(sql);
        m.sentence = "";
        return m;
    }
    m.constraint = quoted_after(text, "constraint \"");
    // What does not exist was typed by somebody.
    if !text.contains("does not exist") {
        m.relation =
            quoted_after(text, "relation \"").or_else(|| quoted_after(text, "on table \""));
    }
    for cut in [" statement: ", ": host=", ": identity=", ": user=", " parameters: "] {
        if let Some(i) = m.sentence.find(cut) {
            m.sentence = m.sentence.get(..i).unwrap_or("");
        }
    }
    m
}

fn after_statement(text: &str) -> Option<&str> {
    if let Some(sql) = text.strip_prefix("statement: ") {
        return Some(sql);
    }
    let verb = ["execute ", "parse ", "bind "].iter().find_map(|v| text.strip_prefix(*v))?;
    Some(verb.split_once(": ").map_or("", |(_, sql)| sql))
}

fn quoted_after<'a>(text: &'a str, lead: &str) -> Option<&'a str> {
    let rest = text.get(text.find(lead)? + lead.len()..)?;
    rest.split_once('"').map(|(name, _)| name)
}

/// What a DETAIL says, as one of our own sentences. Its values are never looked at.
pub(crate) fn detail(text: &str) -> Option<&'static str> {
    const SAID: [(&str, &str, &str); 8] = [
        ("Key (", "already exists", "key already exists"),
        ("Key (", "is not present in table", "key is not present in table"),
        ("Key (", "is still referenced from table", "key is still referenced from table"),
        ("Key (", "conflicts with existing key", "key conflicts with existing key"),
        ("Failing row contains", "", "failing row"),
        ("Role \"", "does not exist", "role does not exist"),
        ("Process ", "waits for", "process waits for lock"),
        ("parameters:", "", "parameters"),
    ];
    SAID.iter().find(|(a, b, _)| text.starts_with(a) && text.contains(b)).map(|s| s.2)
}

/// The verb of an SQL text, in capitals, if it is one of the usual.
pub(crate) fn operation(sql: &str) -> Option<&'static str> {
    const VERBS: [&str; 22] = [
        "SELECT", "INSERT", "UPDATE", "DELETE", "COPY", "CREATE", "ALTER", "DROP", "BEGIN",
        "COMMIT", "ROLLBACK", "WITH", "TRUNCATE", "VACUUM", "ANALYZE", "GRANT", "REVOKE", "SET",
        "SHOW", "MERGE", "EXPLAIN", "LISTEN",
    ];
    let word = sql.trim_start();
    let word = word.get(..word.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(word.len()))?;
    VERBS.iter().copied().find(|v| v.eq_ignore_ascii_case(word))
}

/// The table that an SQL text names first, unquoted.
pub(crate) fn table(sql: &str) -> Option<&str> {
    const LEADS: [&str; 4] = ["FROM ", "INTO ", "UPDATE ", "TABLE "];
    let at = |lead: &&str| sql.find(*lead).map(|i| i + lead.len());
    let rest = sql.get(LEADS.iter().filter_map(at).min()?..)?.trim_start();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let name = rest.get(..rest.find(|c| !plain(c)).unwrap_or(rest.len()))?;
    (!name.is_empty()).then_some(name)
}

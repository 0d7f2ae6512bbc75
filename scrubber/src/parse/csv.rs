//! PostgreSQL's csvlog: 23 to 26 columns in a fixed order, quotes doubled inside quotes. The
//! columns are handed on under the keys of PostgreSQL's jsonlog, so that one profile reads both.

use super::{Outcome, Text, Value, Visit, header, postgres};

/// Columns as jsonlog names them.
const COLUMNS: [&str; 26] = [
    "timestamp",
    "user",
    "dbname",
    "pid",
    "remote_host",
    "session_id",
    "line_num",
    "ps",
    "session_start",
    "vxid",
    "txid",
    "error_severity",
    "state_code",
    "message",
    "detail",
    "hint",
    "internal_query",
    "internal_position",
    "context",
    "statement",
    "cursor_position",
    "func_name",
    "application_name",
    "backend_type",
    "leader_pid",
    "query_id",
];

/// Column of the severity.
const SEVERITY: usize = 11;

/// Visits the columns that are not empty.
pub(crate) fn walk(text: &str, visit: &mut impl Visit) -> Outcome {
    if !looks(text) {
        return Outcome::Foreign;
    }
    let mut rest = Some(text);
    for key in COLUMNS {
        let Some(s) = rest else { return Outcome::Whole };
        let Some((value, after)) = column(s) else { return Outcome::Broken };
        if !value.raw().is_empty() {
            visit.value(Text::plain(key), Value::Text(value));
        }
        rest = after;
    }
    Outcome::Whole
}

/// A timestamp in front, and a severity in its column.
pub(crate) fn looks(text: &str) -> bool {
    if header::time(text).is_none_or(|n| !text.get(n..).is_some_and(|s| s.starts_with(','))) {
        return false;
    }
    let mut rest = Some(text);
    for _ in 0..SEVERITY {
        rest = rest.and_then(column).and_then(|(_, after)| after);
    }
    rest.and_then(column).is_some_and(|(v, _)| postgres::is_severity(v.raw()))
}

/// The first column of `s`, and what follows its comma if there is one. `None` when quotes do not
/// close.
fn column(s: &str) -> Option<(Text<'_>, Option<&str>)> {
    let Some(quoted) = s.strip_prefix('"') else {
        return Some(match s.split_once(',') {
            Some((v, after)) => (Text::plain(v), Some(after)),
            None => (Text::plain(s), None),
        });
    };
    let bytes = quoted.as_bytes();
    let mut i = 0;
    loop {
        i += memchr::memchr(b'"', bytes.get(i..)?)?;
        if bytes.get(i + 1) == Some(&b'"') {
            i += 2;
            continue;
        }
        let after = quoted.get(i + 1..)?;
        return Some((Text::doubled(quoted.get(..i)?), after.strip_prefix(',')));
    }
}

//! Access logs: common and combined log format, and Traefik's longer form.
//! `client ident user [time] "METHOD target HTTP/1.1" status size "referer" "agent" …`

use super::{Outcome, Text, Value, Visit, request};

/// Bytes before the time within which `[` must come: client, ident, user, perhaps a host.
const PREFIX_MAX: usize = 300;

/// Visits `client`, `method`, `path`, `status`, `size` and `duration`; user, referer and agent are
/// handed on by their keys too, so that dropping them is counted.
pub(crate) fn walk(text: &str, visit: &mut impl Visit) -> Outcome {
    let Some((head, rest)) = split(text) else { return Outcome::Foreign };
    let mut words = head.split(' ').filter(|w| !w.is_empty());
    put(visit, "client", words.next());
    let user = words.next_back().filter(|u| *u != "-");
    put(visit, "user", user);
    let Some(r) = request::quoted(rest).filter(|r| r.before.trim().is_empty()) else {
        return Outcome::Broken;
    };
    put(visit, "method", Some(r.method));
    put(visit, "path", Some(r.target));
    put(visit, "status", r.status);
    put(visit, "size", r.size);
    let mut quotes = r.after.split('"');
    for key in ["referer", "user_agent"] {
        put(visit, key, quotes.nth(1).filter(|v| *v != "-"));
    }
    let last = r.after.trim_end().rsplit(' ').next();
    put(visit, "duration", last.filter(|w| w.ends_with("ms") && !w.contains('"')));
    Outcome::Whole
}

/// Whether the line has a client, and a time in brackets.
pub(crate) fn looks(text: &str) -> bool {
    split(text).is_some()
}

fn put(visit: &mut impl Visit, key: &str, value: Option<&str>) {
    if let Some(v) = value {
        visit.value(Text::plain(key), Value::Text(Text::plain(v)));
    }
}

/// What stands before the time, and what stands after it.
fn split(text: &str) -> Option<(&str, &str)> {
    let open = text.bytes().take(PREFIX_MAX).position(|b| b == b'[')?;
    let (head, time) = (text.get(..open)?, text.get(open + 1..)?);
    let t = time.as_bytes();
    // 22/Nov/2026:06:24:04 +0000
    let at = |i: usize, b: u8| t.get(i) == Some(&b);
    let shape = at(2, b'/') && at(6, b'/') && at(11, b':') && at(14, b':') && at(17, b':');
    let close = time.find(']')?;
    (shape && close <= 30 && !head.trim().is_empty()).then_some((head, time.get(close + 1..)?))
}

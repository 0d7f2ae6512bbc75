//! Gin, the router of Ollama and others:
//! `[GIN] 2024/08/30 - 10:28:57 | 200 |   82.985212ms |       127.0.0.1 | POST     "/v1/embed"`
//! and, at start, `[GIN-debug] POST   /api/chat --> pkg/server.(*Server).Chat-fm (5 handlers)`.

use super::{Outcome, Text, Value, Visit};

/// Visits `status`, `duration`, `client`, `method`, `path`, or for the start lines `method`,
/// `declared_path`, `function`, `handlers`; any other debug line is a `message`.
pub(crate) fn walk(text: &str, visit: &mut impl Visit) -> Outcome {
    if let Some(rest) = text.strip_prefix("[GIN] ") {
        return request(rest, visit);
    }
    let Some(rest) = text.strip_prefix("[GIN-debug]") else { return Outcome::Foreign };
    let rest = rest.trim();
    if let Some((route, handler)) = rest.split_once("-->") {
        let mut words = route.split_whitespace();
        put(visit, "method", words.next());
        put(visit, "declared_path", words.next());
        let mut words = handler.split_whitespace();
        put(visit, "function", words.next().and_then(|f| f.rsplit('/').next()));
        put(visit, "handlers", words.next().map(|w| w.trim_start_matches('(')));
        return Outcome::Whole;
    }
    match rest.strip_prefix("[WARNING]") {
        Some(warning) => {
            put(visit, "level", Some("WARNING"));
            put(visit, "message", Some(warning.trim_start()));
        }
        None => put(visit, "message", Some(rest)),
    }
    Outcome::Whole
}

fn request(rest: &str, visit: &mut impl Visit) -> Outcome {
    let mut columns = rest.splitn(5, '|').map(str::trim);
    let _time = columns.next();
    for key in ["status", "duration", "client"] {
        put(visit, key, columns.next());
    }
    let Some((method, path)) = columns.next().and_then(|c| c.split_once('"')) else {
        return Outcome::Broken;
    };
    put(visit, "method", Some(method.trim()));
    put(visit, "path", path.split('"').next());
    Outcome::Whole
}

fn put(visit: &mut impl Visit, key: &str, value: Option<&str>) {
    if let Some(v) = value.filter(|v| !v.is_empty()) {
        visit.value(Text::plain(key), Value::Text(Text::plain(v)));
    }
}

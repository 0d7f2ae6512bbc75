//! HTTP requests inside other text: `"GET /path HTTP/1.1" 200 17`, as access logs, uvicorn,
//! actix and error messages quote them, and the bare `GET https://host/path -> 429`.

/// Methods that are taken for one.
pub(crate) const METHODS: [&str; 9] =
    ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT", "TRACE"];

/// A request found in a text. Everything but the method and the status is still raw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Request<'a> {
    /// Text before the request.
    pub(crate) before: &'a str,
    /// One of [`METHODS`].
    pub(crate) method: &'static str,
    /// Path or URL, with query.
    pub(crate) target: &'a str,
    /// Status code, three digits, where one follows.
    pub(crate) status: Option<&'a str>,
    /// Digits that follow the status.
    pub(crate) size: Option<&'a str>,
    /// Text after all of these.
    pub(crate) after: &'a str,
}

/// The first quoted request line of `text`.
pub(crate) fn quoted(text: &str) -> Option<Request<'_>> {
    let mut from = 0;
    while let Some(at) = memchr::memchr(b'"', text.as_bytes().get(from..)?) {
        let open = from + at;
        let inside = text.get(open + 1..)?;
        if let Some((method, target, used)) = line(inside) {
            let after = inside.get(used..)?;
            let after = after.strip_prefix('"').unwrap_or(after);
            let (status, after) = number(after, 3);
            let (size, after) = if status.is_some() { number(after, 0) } else { (None, after) };
            return Some(Request {
                before: text.get(..open)?,
                method,
                target,
                status,
                size,
                after,
            });
        }
        from = open + 1;
    }
    None
}

/// The first request of `text` without quotes: a method, and a path or URL.
pub(crate) fn bare(text: &str) -> Option<Request<'_>> {
    let mut from = 0;
    while let Some(at) = memchr::memchr2(b'/', b':', text.as_bytes().get(from..)?) {
        let slash = from + at;
        from = slash + 1;
        let start = text.get(..slash)?.rfind([' ', '\t', '"', '\'']).map_or(0, |i| i + 1);
        let head = text.get(..start)?.trim_end();
        let before = head.trim_end_matches(|c: char| c.is_ascii_uppercase());
        let word = head.get(before.len()..)?;
        let Some(method) = METHODS.iter().find(|m| **m == word) else { continue };
        if before.ends_with(char::is_alphanumeric) {
            continue;
        }
        let rest = text.get(start..)?;
        if !(rest.starts_with('/') || rest.starts_with("http")) {
            continue;
        }
        let end = rest.find([' ', '\t', '"', '\'', ')', ',']).unwrap_or(rest.len());
        let after = rest.get(end..)?;
        let after = version(after).map_or(after, |(_, tail)| tail);
        let arrow = after.trim_start().strip_prefix("->");
        let (status, after) = arrow.map_or((None, after), |tail| number(tail, 3));
        return Some(Request {
            before,
            method,
            target: rest.get(..end)?,
            status,
            size: None,
            after,
        });
    }
    None
}

/// Method, target and length of the request line at the start of `s`, up to its closing quote.
pub(crate) fn line(s: &str) -> Option<(&'static str, &str, usize)> {
    let method = METHODS.iter().find(|m| s.starts_with(**m))?;
    let rest = s.get(method.len()..)?.strip_prefix(' ')?;
    let end = memchr::memchr(b'"', rest.as_bytes()).unwrap_or(rest.len());
    let inside = rest.get(..end)?;
    let target = inside.find(" HTTP/").and_then(|i| inside.get(..i)).unwrap_or(inside);
    Some((method, target, method.len() + 1 + end))
}

fn version(s: &str) -> Option<(&str, &str)> {
    let rest = s.trim_start().strip_prefix("HTTP/")?;
    let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
    Some(rest.split_at(end))
}

/// The whole number after spaces, of exactly `digits` digits unless that is 0, and what follows.
fn number(s: &str, digits: usize) -> (Option<&str>, &str) {
    let t = s.trim_start_matches([' ', '-']);
    let end = t.find(|c: char| !c.is_ascii_digit()).unwrap_or(t.len());
    let (n, after) = t.split_at(end);
    let ends = after.bytes().next().is_none_or(|b| !b.is_ascii_alphanumeric() && b != b'.');
    let fits = end > 0 && ends && s.len() > t.len() && (digits == 0 || end == digits);
    if fits { (Some(n), after) } else { (None, s) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_found() {
        let r = quoted(r#"127.0.0.1:43328 - "POST /v1/chat?user=x HTTP/1.1" 200 17 "-" "ua""#);
        let r = r.unwrap();
        assert_eq!(
            (r.before, r.method, r.target),
            ("127.0.0.1:43328 - ", "POST", "/v1/chat?user=x")
        );
        assert_eq!((r.status, r.size, r.after), (Some("200"), Some("17"), r#" "-" "ua""#));
        let r = quoted(r#""a" "GET /x" - then"#).unwrap();
        assert_eq!((r.target, r.status, r.after), ("/x", None, " - then"));
        assert!(quoted(r#"say "hello" "POSTAL /""#).is_none());
        let r = quoted(r#""GET /cut off"#).unwrap();
        assert_eq!((r.target, r.status), ("/cut off", None));
    }

    #[test]
    fn bare_requests_are_found() {
        let r = bare("GET https://h.example.org/search?q=1 -> 429 in 5939.4ms").unwrap();
        assert_eq!((r.before, r.target), ("", "https://h.example.org/search?q=1"));
        assert_eq!((r.status, r.after), (Some("429"), " in 5939.4ms"));
        let r = bare("outgoing GET /v1/models HTTP/1.1 | Cookie: a=b").unwrap();
        assert_eq!((r.before, r.target, r.after), ("outgoing ", "/v1/models", " | Cookie: a=b"));
        assert!(bare("budGET /x").is_none());
        assert!(bare("see http://x/").is_none());
    }
}

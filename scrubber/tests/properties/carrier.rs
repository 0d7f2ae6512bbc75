//! Lines as services print them, with a place for a value, written as that structure demands.

use super::canary::Canary;

/// A line around a value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Carrier {
    pub(crate) name: &'static str,
    pub(crate) write: fn(&[u8], &Canary) -> Vec<u8>,
}

macro_rules! carriers {
    ($($name:literal = $write:expr;)*) => {
        /// Every carrier.
        pub(crate) const CARRIERS: &[Carrier] =
            &[$(Carrier { name: $name, write: $write }),*];
    };
}

carriers! {
    "text" = |v, _| around("2026-09-03T08:14:02Z INFO relance ", v, " sans suite (3 essais)");
    "logfmt" = |v, c| around(&format!("level=info ok=true {}=\"", c.key), &json(v), "\" n=3");
    "json" = |v, c| object(v, c);
    "json in json" = |v, c| object(&object(v, c), c);
    "json thrice" = |v, c| object(&object(&object(v, c), c), c);
    "json text" = |v, _| around(r#"{"level":30,"msg":"appel de "#, &json(v), r#" fini"}"#);
    "python" = |v, c| around(&format!("DEBUG {{'{}': b'", c.key), &python(v), "', 'n': 3}");
    "go" = |v, c| around(&format!("req={{ID:7 Data:map[{}:", c.key), v, "] Retries:0}");
    "rust" = |v, c| around(&format!("Req {{ {}: Some(\"", c.key), &json(v), "\"), n: 3 }");
    "sql" = |v, _| around("INSERT INTO fiche VALUES (7, '", &double(v, b'\''), "', now())");
    "csv" = |v, _| around("7,2026-09-03,\"", &double(v, b'"'), "\",ouvert");
    "xml element" = |v, c| {
        around(&format!("<fiche><{}>", c.key), &xml(v), &format!("</{}></fiche>", c.key))
    };
    "xml attribute" = |v, c| around(&format!("<fiche {}=\"", c.key), &xml(v), "\" n=\"3\"/>");
    "xml cdata" = |v, c| {
        around(&format!("<{}><![CDATA[", c.key), v, &format!("]]></{}>", c.key))
    };
    "url" = |v, c| around(&format!("GET /fiche?{}=", c.key), &url(v), "&page=2 HTTP/1.1");
    "utf-16 little" = |v, _| utf16(v, u16::to_le_bytes);
    "utf-16 big" = |v, _| utf16(v, u16::to_be_bytes);
    "header" = |v, _| around("POST /fiche x-detail: ", v, "; q=1 200 12ms");
}

fn around(before: &str, v: &[u8], after: &str) -> Vec<u8> {
    [before.as_bytes(), v, after.as_bytes()].concat()
}

/// A whole line; a value in another encoding stays as it is.
fn utf16(v: &[u8], order: fn(u16) -> [u8; 2]) -> Vec<u8> {
    let line = around("2026-09-03 INFO relance ", v, " sans suite");
    match std::str::from_utf8(&line) {
        Ok(text) if !v.contains(&0) => text.encode_utf16().flat_map(order).collect(),
        _ => line,
    }
}

fn object(v: &[u8], canary: &Canary) -> Vec<u8> {
    around(&format!("{{\"n\":7,\"{}\":\"", canary.key), &json(v), "\",\"ok\":true}")
}

/// As a JSON string: quotes, backslashes and control characters escaped.
fn json(v: &[u8]) -> Vec<u8> {
    each(v, |b| match b {
        b'"' | b'\\' => vec![b'\\', b],
        b'\n' => b"\\n".to_vec(),
        b'\r' => b"\\r".to_vec(),
        8 => b"\\b".to_vec(),
        0..0x20 => format!("\\u{b:04x}").into_bytes(),
        _ => vec![b],
    })
}

/// As Python writes bytes.
fn python(v: &[u8]) -> Vec<u8> {
    each(v, |b| match b {
        b'\'' | b'\\' => vec![b'\\', b],
        b' '..=b'~' => vec![b],
        _ => format!("\\x{b:02x}").into_bytes(),
    })
}

fn xml(v: &[u8]) -> Vec<u8> {
    each(v, |b| match b {
        b'<' => b"&lt;".to_vec(),
        b'>' => b"&gt;".to_vec(),
        b'&' => b"&amp;".to_vec(),
        b'"' => b"&quot;".to_vec(),
        _ => vec![b],
    })
}

fn url(v: &[u8]) -> Vec<u8> {
    each(v, |b| match b {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => vec![b],
        _ => format!("%{b:02X}").into_bytes(),
    })
}

fn double(v: &[u8], quote: u8) -> Vec<u8> {
    each(v, |b| if b == quote { vec![b, b] } else { vec![b] })
}

fn each(v: &[u8], write: impl Fn(u8) -> Vec<u8>) -> Vec<u8> {
    v.iter().flat_map(|&b| write(b)).collect()
}

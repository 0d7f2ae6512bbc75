//! Secrets by the name of their key: passwords, tokens, cookies.

use super::Value;
use crate::detect::Scan;
use crate::detect::text::{at, digits_in, has, is_word, skip, sub};
use crate::detect::words::*;
use crate::report::Kind;

/// Longest cookie.
const COOKIE_MAX: usize = 4096;
/// Cookies read from one header.
const COOKIES_MAX: usize = 64;

/// Whether the value is a secret by its key.
pub(super) fn is_secret(scan: &Scan<'_>, tags: Tags, value: &Value, text: &[u8]) -> bool {
    let key_of = tags & KEY != 0 && tags & KEY_OF != 0;
    if tags & (PASSWORD | TOKEN) == 0 && !key_of
        || tags & (NOT_VALUE | NAME) != 0 && text.len() < 24
    {
        return false;
    }
    let technical = scan.tables.words.of(text) & (TECHNICAL | NOT_VALUE) != 0;
    let digits = digits_in(text);
    let symbol = text.iter().any(|b| b.is_ascii_punctuation() && !b"-_.:,;()".contains(b));
    let upper = text.iter().skip(1).any(u8::is_ascii_uppercase);
    let bare_word = digits == 0 && !symbol && !upper;
    if technical || text.iter().all(|b| b"*x.-<>[]{}#".contains(b)) || opens(text) {
        return false;
    }
    if value.prose && (bare_word || text.len() < 4) && text.len() < 16 {
        return false;
    }
    let ok = if tags & PASSWORD != 0 {
        !(digits == text.len() && text.len() < 4)
    } else {
        let hex = text.iter().all(|b| b.is_ascii_hexdigit() || *b == b'.');
        let long = text.len() >= if hex { 20 } else { 16 };
        let numeric = digits == text.len();
        text.len() >= 4
            && (!numeric || long)
            && (long || digits > 0 && text.len() >= 8 && !hex && !is_ratio(text))
            || numeric && text.len() >= 4 && text.len() <= 8 && text_is_code(tags, value)
    };
    ok && !text.contains(&b' ') || tags & PASSWORD != 0 && value.quoted || ok && value.quoted
}

/// A structure, not a value: `{`, `[`, `$VAR`, `<name>`, or a call.
fn opens(text: &[u8]) -> bool {
    let close = matches!(text.last(), Some(b'}' | b']' | b'>' | b')')) || text.len() < 6;
    matches!(text.first(), Some(b'{' | b'[' | b'<')) && close
        || text.starts_with(b"${")
        || text.starts_with(b"/run/")
}

/// One-time codes are short numbers; only quoted or paired ones count.
fn text_is_code(tags: Tags, value: &Value) -> bool {
    tags & (CLOCK | NOT_VALUE | KEY) == 0 && !value.prose
}

/// A decimal number or duration.
fn is_ratio(text: &[u8]) -> bool {
    text.iter().all(|b| b.is_ascii_digit() || b".:ms+-".contains(b))
}

/// Reports a secret without its scheme (`Bearer `) or, in a cookie, without the cookies' names.
pub(super) fn hit(scan: &mut Scan<'_>, start: usize, end: usize) {
    let body = sub(scan.text, start, end);
    const SCHEMES: [&[u8]; 5] = [b"bearer ", b"basic ", b"digest ", b"token ", b"negotiate "];
    if let Some(s) = SCHEMES.iter().find(|s| has(body, 0, s)) {
        return scan.hit(start + s.len(), end, Kind::Secret);
    }
    scan.hit(start, end, Kind::Secret);
}

/// The values of the cookies that start at `from`: `name=value; name=value`.
pub(super) fn cookies(scan: &mut Scan<'_>, from: usize) {
    let text = scan.text;
    let mut i = skip(text, from, 8, |b| matches!(b, b' ' | b'"' | b'\'' | b'[' | b'\\'));
    for _ in 0..COOKIES_MAX {
        let name = skip(text, i, 64, |b| is_word(b) || b"_-.$!".contains(&b));
        if name == i || at(text, name) != b'=' {
            return;
        }
        let end = skip(text, name + 1, COOKIE_MAX, |b| b > b' ' && !b"\"';,|\\".contains(&b));
        const ATTRIBUTES: [&[u8]; 5] = [b"path", b"domain", b"expires", b"max-age", b"samesite"];
        let attribute = ATTRIBUTES.iter().any(|a| sub(text, i, name).eq_ignore_ascii_case(a));
        if !attribute && end > name + 3 && !crate::detect::is_placeholder(text, name + 1, end) {
            scan.hit(name + 1, end, Kind::Secret);
        }
        let next = skip(text, end, 2, |b| matches!(b, b';' | b' '));
        if at(text, end) != b';' {
            return;
        }
        i = next;
    }
}

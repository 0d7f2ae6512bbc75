//! Secrets by the name of their key: passwords, tokens, codes, cookies, `Authorization`.
//!
//! How much a value must look like a secret depends on how sure its key is: any text after
//! `password`, anything but a name or a path after `api_key`, only something random after `token`
//! or `session`, which also name things that are no secret.

use super::Value;
use crate::detect::Scan;
use crate::detect::context;
use crate::detect::secret::shape::{self, Mix};
use crate::detect::text::{at, back, before, digits_in, has, is_letter, is_word, prior, skip, sub};
use crate::detect::words::*;
use crate::report::Kind;

/// Longest cookie.
const COOKIE_MAX: usize = 4096;
/// Cookies read from one header.
const COOKIES_MAX: usize = 64;
/// Parameters read from one `Authorization`.
const PARAMETERS_MAX: usize = 32;
/// Longest parameter of an `Authorization`.
const PARAMETER_MAX: usize = 2048;
/// Spaces between a key and its separator in a column of pairs.
const SPACES_MAX: usize = 24;
/// Names of secrets.
const SECRET: Tags = PASSWORD | TOKEN | WEAK | CODE;
/// Last words of a key that names something about a secret.
const ABOUT: Tags = NOT_VALUE | NAME | CLOCK | VERSION | PUBLIC | POINTER;

/// The meanings of the key before the separator at `p`, its last word decides: `password_file` is
/// no password, `file_password` is one.
pub(super) fn of_pair(scan: &Scan<'_>, p: usize, tags: Tags) -> Tags {
    let text = scan.text;
    if tags & SECRET == 0 && tags & (KEY | PASSWORD) == 0 {
        return tags | odd(scan, p);
    }
    if tags & ABOUT == 0 {
        return tags;
    }
    let (start, end) = context::key_range(text, p);
    qualified(scan, sub(text, start, end), tags)
}

/// The meanings of a key, without those that its last word takes away.
pub(super) fn qualified(scan: &Scan<'_>, key: &[u8], tags: Tags) -> Tags {
    if tags & ABOUT == 0 || tags & (SECRET | KEY) == 0 || tags & PUBLIC != 0 {
        return tags;
    }
    let mut last = 0;
    scan.tables.words.parts(key, |_, _, t| last = t);
    if last & (SECRET | KEY) != 0 && last & (NOT_VALUE | PUBLIC) == 0 {
        tags & !(NOT_VALUE | CLOCK | NAME)
    } else if last & ABOUT != 0 && tags & TOKEN == 0 {
        tags & !(SECRET | KEY)
    } else {
        tags
    }
}

/// The key behind an odd operator or a type: `token ?= x`, `token .= x`, `var token string = x`.
fn odd(scan: &Scan<'_>, p: usize) -> Tags {
    let text = scan.text;
    let sign = |b: u8| matches!(b, b' ' | b'?' | b'+' | b'.' | b'|' | b':' | b'=');
    let end = back(text, p, SPACES_MAX, sign);
    let head = sub(text, end.saturating_sub(16), end);
    let types = [&b" string"[..], b" str", b" &str", b" String"];
    let typed = types.iter().find(|t| head.ends_with(t)).map_or(0, |t| t.len());
    let end = end.saturating_sub(typed);
    // `mot de passe de connexion : x`
    let phrase = sub(text, p.saturating_sub(32), p);
    let words = |b: &u8| is_letter(*b) || *b == b' ' || *b == b'\'';
    let spoken = before(text, p) == b' '
        && phrase
            .windows(6)
            .rposition(|w| w == b"passe ")
            .is_some_and(|i| sub(phrase, i, 32).iter().all(words));
    if spoken {
        return PASSWORD;
    }
    let aligned = prior(text, p, 4) == b' ' && before(text, p) == b' ';
    if typed == 0 && !aligned && !matches!(before(text, p), b'?' | b'+' | b'.' | b'|' | b':') {
        return 0;
    }
    let end = back(text, end, 2, |b| b == b':' || b == b' ');
    let start = back(text, end, 48, |b| is_word(b) || matches!(b, b'_' | b'-'));
    let key = sub(text, start, end);
    let tags = scan.tables.words.of_key(key);
    qualified(scan, key, tags) & (SECRET | KEY | KEY_OF | NOT_VALUE | PUBLIC | NAME)
}

/// Whether the value is a secret by its key.
pub(super) fn is_secret(scan: &Scan<'_>, tags: Tags, value: &Value, text: &[u8]) -> bool {
    let of = tags & KEY_OF != 0;
    let sure = tags & TOKEN != 0 || tags & (KEY | WEAK) != 0 && of;
    if tags & SECRET == 0 && !sure || tags & PUBLIC != 0 || text.is_empty() {
        return false;
    }
    if shape::is_placeholder(text) || shape::is_state(scan, text) {
        return false;
    }
    // What is left of a qualifier after `of_pair` speaks against the key.
    if tags & (NOT_VALUE | NAME) != 0 {
        return text.len() >= 24 && Mix::of(text).is_random() && !shape::is_place(text);
    }
    if shape::is_reference(scan, text, value.quoted) {
        return false;
    }
    if tags & PASSWORD != 0 {
        return is_password(scan, value, text);
    }
    if tags & CODE != 0 && is_code(value, tags, text) {
        return true;
    }
    if sure {
        return is_token(value, text);
    }
    tags & WEAK != 0 && is_likely(value, text)
}

/// Anything but a short number, a directory, or a sentence.
fn is_password(scan: &Scan<'_>, value: &Value, text: &[u8]) -> bool {
    let digits = digits_in(text);
    let key = |name: &[u8]| {
        let end = back(scan.text, value.start, 8, |b| !is_letter(b));
        let start = back(scan.text, end, 12, is_letter);
        sub(scan.text, start, end).eq_ignore_ascii_case(name)
    };
    if text.len() < 3 || digits == text.len() && (digits < 4 || key(b"pass")) {
        return false;
    }
    if key(b"pwd") && matches!(text.first(), Some(b'/' | b'~')) || shape::is_path(text) {
        return false;
    }
    if !value.prose {
        return true;
    }
    let mix = Mix::of(text);
    let plain = mix.digit == 0 && mix.upper <= 1 && mix.other == 0;
    !plain || text.len() >= 4 && ends_clause(scan.text, value.end)
}

/// Whether nothing of a sentence follows.
fn ends_clause(text: &[u8], end: usize) -> bool {
    let next = skip(text, end, 2, |b| b == b' ');
    let word = skip(text, next, 32, |b| is_word(b) || matches!(b, b'_' | b'-' | b'.'));
    !is_word(at(text, next)) && at(text, next) != b'(' || matches!(at(text, word), b'=' | b':')
}

/// A one-time code: a short number that is given, not measured.
fn is_code(value: &Value, tags: Tags, text: &[u8]) -> bool {
    let digits = digits_in(text);
    let sign = |b: &u8| b.is_ascii_digit() || matches!(b, b' ' | b'-');
    tags & (NOT_VALUE | CLOCK | KEY) == 0
        && (3..=10).contains(&digits)
        && text.iter().all(sign)
        && !(value.prose && digits < 4)
}

/// After a key that means a token: no number, no path, no sentence.
fn is_token(value: &Value, text: &[u8]) -> bool {
    let mix = Mix::of(text);
    let least = if value.prose { 6 } else { 3 };
    if text.starts_with(b"-----BEGIN ") {
        return true;
    }
    if text.len() < least || text.contains(&b' ') && scheme(text) == 0 || shape::is_place(text) {
        return false;
    }
    if mix.lower + mix.upper == 0 {
        return text.len() >= 16;
    }
    !shape::is_numeric(text) && !(value.prose && mix.digit == 0 && text.len() < 16)
}

/// After a key that may mean a token: only what looks like one.
fn is_likely(value: &Value, text: &[u8]) -> bool {
    let mix = Mix::of(text);
    if text.len() < 6
        || text.contains(&b' ') && scheme(text) == 0
        || shape::is_place(text)
        || shape::is_numeric(text)
    {
        return false;
    }
    let hex = mix.digit + mix.other < text.len() && text.iter().all(u8::is_ascii_hexdigit);
    let mixed = mix.digit > 0 && mix.lower + mix.upper > 0;
    let constant = mix.lower == 0 && text.contains(&b'_');
    match text.len() {
        6 | 7 => !value.prose && mixed && !hex && mix.turns >= 2,
        8..16 => mixed && !hex && !constant || hex && mix.turns >= 4 && !value.prose,
        16..20 => mixed || mix.upper > 2 && mix.lower > 2,
        _ => mixed || mix.upper > 3 && mix.lower > 3 || mix.other * 2 < text.len() && !constant,
    }
}

/// The length of an authentication scheme and its space at the start of a value, 0 for none.
fn scheme(text: &[u8]) -> usize {
    const SCHEMES: [&[u8]; 17] = [
        b"bearer ",
        b"basic ",
        b"digest ",
        b"token ",
        b"negotiate ",
        b"ntlm ",
        b"apikey ",
        b"api-key ",
        b"key ",
        b"hawk ",
        b"oauth ",
        b"sharedkey ",
        b"sharedkeylite ",
        b"ssws ",
        b"geniekey ",
        b"jwt ",
        b"aws4-hmac-sha256 ",
    ];
    SCHEMES.iter().find(|s| has(text, 0, s)).map_or(0, |s| s.len())
}

/// Reports a secret without its scheme; one without quotes up to where it really ends.
pub(super) fn hit(scan: &mut Scan<'_>, value: &Value, start: usize, end: usize) {
    let start = start + scheme(sub(scan.text, start, end));
    let end = if value.quoted { end } else { more(scan.text, end) };
    scan.hit(start, end, Kind::Secret);
}

/// Where a secret without quotes ends: signs that end other values are part of it, unless they
/// start markup or another pair.
fn more(text: &[u8], end: usize) -> usize {
    let mut end = end;
    for _ in 0..8 {
        let next = at(text, end + 1);
        let goes_on = match at(text, end) {
            b'>' | b'|' | b'`' => is_word(next) || matches!(next, b'-' | b'_' | b'!' | b'#' | b'$'),
            b'<' => is_word(next) && !next.is_ascii_alphabetic(),
            _ => false,
        };
        let stop = skip(text, end + 1, 256, |b| b > b' ' && !b"\"'<>|`,;&".contains(&b));
        if !goes_on || sub(text, end, stop).iter().any(|b| matches!(b, b'=' | b':')) {
            return end;
        }
        end = back(text, stop, 4, |b| matches!(b, b')' | b']' | b'\\'));
    }
    end
}

/// `Authorization: scheme credentials`, from after the separator. Returns whether it was read.
pub(super) fn authorization(scan: &mut Scan<'_>, sep: usize, from: usize) -> bool {
    let text = scan.text;
    let (start, end) = context::key_range(text, sep);
    let key = sub(text, start, end);
    if key.len() > 24 || !key.len().checked_sub(13).is_some_and(|i| has(key, i, b"authorization")) {
        return false;
    }
    let i = skip(text, from, 8, |b| matches!(b, b' ' | b'"' | b'\'' | b'[' | b'\\' | b'('));
    let name = skip(text, i, 24, |b| is_word(b) || matches!(b, b'-' | b'_'));
    if name == i || at(text, name) != b' ' {
        return false;
    }
    let end = parameters(text, name + 1);
    let body = sub(text, name + 1, end);
    if shape::is_placeholder(body) || shape::is_state(scan, body) || body.len() < 3 {
        return true;
    }
    let known = scheme(sub(text, i, end)) > 0;
    if known || body.len() >= 8 && digits_in(body) > 0 {
        scan.hit(name + 1, end, Kind::Secret);
    }
    true
}

/// The end of `credentials` or of `name="value", name=value`.
fn parameters(text: &[u8], from: usize) -> usize {
    let mut end = from;
    let mut i = from;
    for _ in 0..PARAMETERS_MAX {
        let name = skip(text, i, 64, |b| is_word(b) || matches!(b, b'_' | b'-'));
        let sep = skip(text, name, 2, |b| b == b' ');
        let slashes = skip(text, sep + 1, 8, |b| b == b'\\');
        let quoted = at(text, sep) == b'=' && at(text, slashes) == b'"';
        end = if quoted {
            let close = skip(text, slashes + 1, PARAMETER_MAX, |b| b != b'"' && b != b'\n');
            (close + 1).min(text.len())
        } else {
            skip(text, i, PARAMETER_MAX, |b| b > b' ' && !b"\"',;\\)]}".contains(&b))
        };
        let next = skip(text, end, 3, |b| matches!(b, b',' | b' '));
        let pair = skip(text, next, 64, |b| is_word(b) || matches!(b, b'_' | b'-'));
        if at(text, end) != b',' || at(text, pair) != b'=' || pair == next {
            return end;
        }
        i = next;
    }
    end
}

/// At a quote: `password 'x'`, `api_key "x";`, `IDENTIFIED BY 'x'`, `("api_key", "x")`.
pub(super) fn at_quote(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    let gap = back(text, p, 8, |b| b == b'\\');
    let head = sub(text, gap.saturating_sub(16), gap);
    let called = |name: &[u8]| head.len() >= name.len() && has(head, head.len() - name.len(), name);
    let (tags, sure) = match before(text, gap) {
        b' ' if called(b"identified by ") => (PASSWORD, true),
        b' ' if head.ends_with(b", ") => (listed(scan, gap.saturating_sub(2)), false),
        b' ' => (worded(scan, gap.saturating_sub(1)), true),
        b',' => (listed(scan, gap.saturating_sub(1)), false),
        b'(' if called(b"password(") => (PASSWORD, true),
        _ => return,
    };
    if tags & (SECRET | KEY) == 0 {
        return;
    }
    let value = Value::quoted(scan, p, at(text, p), p - gap);
    let body = sub(text, value.start, value.end.min(value.start + super::HEAD_MAX));
    if sure || Mix::of(body).is_random() || scheme(body) > 0 {
        super::judge(scan, tags, &value);
    }
}

/// The meanings of the word that ends at `end`.
fn worded(scan: &Scan<'_>, end: usize) -> Tags {
    let word = back(scan.text, end, 24, |b| is_letter(b) || matches!(b, b'_' | b'-'));
    let key = sub(scan.text, word, end);
    let tags = scan.tables.words.of_key(key);
    qualified(scan, key, tags) & (PASSWORD | TOKEN | KEY | KEY_OF | PUBLIC | NOT_VALUE)
}

/// The meanings of the quoted name that ends at `end`, as in `("name", "value")`.
fn listed(scan: &Scan<'_>, end: usize) -> Tags {
    let text = scan.text;
    let close = back(text, end, 8, |b| matches!(b, b'"' | b'\'' | b'\\'));
    if close == end {
        return 0;
    }
    let start = back(text, close, 32, |b| is_word(b) || matches!(b, b'_' | b'-'));
    let key = sub(text, start, close);
    let tags = scan.tables.words.of_key(key);
    qualified(scan, key, tags) & (SECRET | KEY | KEY_OF | PUBLIC | NOT_VALUE)
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
        let placed = crate::detect::is_placeholder(text, name + 1, end);
        if !attribute && end > name + 3 && !placed {
            scan.hit(name + 1, end, Kind::Secret);
        }
        let next = skip(text, end, 2, |b| matches!(b, b';' | b' '));
        if at(text, end) != b';' {
            return;
        }
        i = next;
    }
}

//! Values by the name of their key: `"nir": "…"`, `password=…`, `<nom>…</nom>`, `Key (iban)=(…)`,
//! the columns of an SQL `INSERT`. The key says what the value is, so its shape may be anything
//! plausible; the text around a value without quotes decides where it ends.

mod secret;

use super::context;
use super::person;
use super::text::{
    at, back, before, digits_in, has, is_letter, is_space, is_word, prior, skip, sub,
};
use super::words::*;
use super::{Scan, Walk};
use crate::report::Kind;

/// Bytes of a value that are judged; other values than secrets are shorter.
const HEAD_MAX: usize = 512;
/// Longest text of an element.
const ELEMENT_MAX: usize = 2048;
/// Longest list of columns.
const COLUMNS_MAX: usize = 1024;

/// Kinds that a key names and whose value is a number of at least so many digits.
const NUMBERS: &[(Tags, Kind, usize)] = &[
    (NIR, Kind::Nir, 6),
    (IBAN, Kind::Iban, 8),
    (RIB, Kind::Rib, 8),
    (SIRET, Kind::Siret, 9),
    (SIREN, Kind::Siren, 9),
    (TVA, Kind::Tva, 8),
    (NIF, Kind::Nif, 9),
    (PASSPORT, Kind::Passport, 4),
    (LICENCE, Kind::Licence, 4),
    (CNI, Kind::Cni, 2),
    (CARD, Kind::Card, 12),
    (PHONE, Kind::Phone, 6),
    (PLATE, Kind::Plate, 2),
    (OTHER_ID, Kind::Id, 6),
    (DOB, Kind::Dob, 4),
];

/// At `:` or `=`: the pair's key and value.
pub(crate) fn at_pair(scan: &mut Scan<'_>, p: usize) {
    let next = at(scan.text, p + 1);
    let after = before(scan.text, p) == b':'
        && (at(scan.text, p) == b':' || prior(scan.text, p, 2) != b':');
    if after || next == b':' || next == b'=' && at(scan.text, p) == b'=' {
        return;
    }
    // A placeholder names nothing: `[SECRET]:80` is what is left of a URL.
    if super::ends_placeholder(scan.text, p) {
        return;
    }
    let tags = secret::of_pair(scan, p, context::key(scan.text, p, scan.tables));
    if tags == 0 {
        return;
    }
    let from = p + 1 + usize::from(next == b'>' || next == b'=');
    if tags & COOKIE != 0 {
        return secret::cookies(scan, from);
    }
    if tags & TOKEN != 0 && secret::authorization(scan, p, from) {
        return;
    }
    let value = Value::read(scan, from, at(scan.text, p) == b':');
    if tags & NUMBER != 0 && tags & PHONE == 0 && split_phone(scan, p) {
        return judge(scan, PHONE, &value);
    }
    judge(scan, tags, &value);
}

/// At a quote: `password 'secret'`, as statements write it.
pub(crate) fn at_quote(scan: &mut Scan<'_>, p: usize) {
    secret::at_quote(scan, p);
}

/// At `>`: the text of the element that it opens.
pub(crate) fn at_element(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    let name = back(text, p, 48, |b| is_word(b) || matches!(b, b'_' | b'-' | b'.' | b':'));
    if name == p || before(text, name) != b'<' {
        return;
    }
    let key = sub(text, name, p);
    let tags = secret::qualified(scan, key, scan.tables.words.of_key(key));
    let start = skip(text, p + 1, 64, |b| b.is_ascii_whitespace());
    let end = skip(text, start, ELEMENT_MAX, |b| b != b'<' && b != b'\n');
    let close = skip(text, end, 64, |b| b.is_ascii_whitespace());
    if tags != 0 && at(text, close) == b'<' {
        judge(scan, tags, &Value { start, end, quoted: true, prose: false });
    }
}

/// At `(`: `(nir, email) VALUES ('…', '…')`, columns paired with values.
pub(crate) fn at_paren(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    let word = back(text, p, 2, |b| b == b' ');
    if !has(text, word.saturating_sub(6), b"values") {
        return;
    }
    let close = back(text, word.saturating_sub(6), 4, |b| b == b' ');
    if before(text, close) != b')' {
        return;
    }
    let open = back(text, close - 1, COLUMNS_MAX, |b| b != b'(' && b != b')');
    let mut i = p + 1;
    for column in sub(text, open, close - 1).split(|&b| b == b',') {
        let value = Value::read(scan, i, false);
        let tags = secret::qualified(scan, column, scan.tables.words.of_key(column));
        if tags != 0 {
            judge(scan, tags, &value);
        }
        i = skip(text, value.end, 64, |b| !matches!(b, b',' | b')')) + 1;
        if before(text, i) != b',' {
            return;
        }
    }
}

/// `"indicatif":"+33","numero":"639985454"`: the prefix just before makes the number a phone's.
fn split_phone(scan: &Scan<'_>, p: usize) -> bool {
    let (start, _) = context::key_range(scan.text, p);
    let from = start.saturating_sub(48);
    let near = sub(scan.text, from, start);
    near.split(|&b| !is_letter(b) && b != b'_').any(|w| scan.tables.words.of_key(w) & PREFIX != 0)
}

/// Where a value is, and what surrounds it.
struct Value {
    start: usize,
    end: usize,
    quoted: bool,
    prose: bool,
}

impl Value {
    /// Reads the value that starts at `from`, after spaces, brackets and quotes.
    fn read(scan: &mut Scan<'_>, from: usize, colon: bool) -> Value {
        let text = scan.text;
        let i = skip(text, from, 16, |b| b == b' ');
        let i = folded(text, i);
        let spaced = i > from;
        let i = skip(text, i, 2, |b| matches!(b, b'[' | b'('));
        let bracket = before(text, i);
        let i = if matches!(at(text, i), b'b' | b'u' | b'r' | b'@')
            && matches!(at(text, i + 1), b'\'' | b'"')
        {
            i + 1
        } else {
            i
        };
        let slashes = skip(text, i, 16, |b| b == b'\\');
        let quote = at(text, slashes);
        if matches!(quote, b'"' | b'\'' | b'`') {
            return Value::quoted(scan, slashes, quote, slashes - i);
        }
        if matches!(bracket, b'(' | b'[') && i > from {
            let close = if bracket == b'(' { b')' } else { b']' };
            let end = skip(text, i, 256, |b| b != close && b != b'"');
            if at(text, end) == close && !is_word(at(text, end + 1)) {
                return Value { start: i, end, quoted: true, prose: false };
            }
        }
        let i = if i > from && matches!(bracket, b'(' | b'[') { i - 1 } else { i };
        let end = scan.walk(Walk::Bare, i, 0, bare_end).max(i);
        let (a, z) = context::key_range(text, from.saturating_sub(1));
        let key = sub(text, a, z).iter().any(|b| matches!(b, b'-' | b'_'));
        Value { start: i, end, quoted: false, prose: colon && spaced && !key }
    }

    /// A value between quotes that carry `slashes` backslashes each.
    fn quoted(scan: &mut Scan<'_>, open: usize, quote: u8, slashes: usize) -> Value {
        let text = scan.text;
        // CSV writes `""nir"":""1850…""`.
        let doubled = usize::from(quote == b'"' && slashes == 0 && at(text, open + 1) == b'"')
            & usize::from(is_word(at(text, open + 2)));
        let start = open + 1 + doubled;
        let of = usize::from(quote) << 8 | slashes;
        let i = scan.walk(Walk::Quoted, start, of, |text, i| close(text, i, quote, slashes));
        let end = back(text, i, slashes, |b| b == b'\\').max(start);
        Value { start, end, quoted: true, prose: false }
    }
}

/// The start of a value that YAML writes on the next line: `key: |`, `key: >-`.
fn folded(text: &[u8], i: usize) -> usize {
    if !matches!(at(text, i), b'|' | b'>') {
        return i;
    }
    let end = skip(text, i + 1, 2, |b| matches!(b, b'+' | b'-' | b'0'..=b'9'));
    let next = skip(text, end, 64, |b| b.is_ascii_whitespace());
    if at(text, end) == b'\n' { next } else { i }
}

/// The quote that closes a value whose quotes carry `slashes` backslashes.
fn close(text: &[u8], start: usize, quote: u8, slashes: usize) -> usize {
    let mut i = start;
    while i < text.len() {
        if at(text, i) == quote && back(text, i, 32, |b| b == b'\\') + slashes >= i {
            // A doubled quote is SQL's escape.
            if at(text, i + 1) != quote || quote != b'\'' || slashes > 0 || i == start {
                return i;
            }
            i += 1;
        }
        i += 1;
    }
    i
}

/// Where a value without quotes ends: at a space, a quote, or a delimiter that starts another pair.
fn bare_end(text: &[u8], start: usize) -> usize {
    let mut i = start;
    while i < text.len() {
        match at(text, i) {
            b' ' | b'\t' | b'"' | b'\n' | b'\r' | b'<' | b'>' | b'|' | b'`' => break,
            b'&' | b',' | b';' if ends_pair(text, i + 1) => break,
            _ => i += 1,
        }
    }
    // A closing bracket belongs to what surrounds the value unless it was opened in it.
    while let Some(open) = match before(text, i) {
        b')' => Some(b'('),
        b']' => Some(b'['),
        b'}' => Some(b'{'),
        b'\'' | b',' | b';' | b'\\' => Some(0),
        _ => None,
    } {
        if i <= start || open != 0 && sub(text, start, i).contains(&open) {
            break;
        }
        i -= 1;
    }
    i
}

/// Whether what follows a delimiter is another pair, or nothing of the value.
fn ends_pair(text: &[u8], i: usize) -> bool {
    let end = skip(text, i, 48, |b| is_word(b) || matches!(b, b'_' | b'-' | b'.' | b'[' | b']'));
    matches!(at(text, i), b' ' | b'"' | b'\'' | 0)
        || end > i && matches!(at(text, end), b'=' | b':')
}

/// Reports the value if it is plausible for what its key means.
fn judge(scan: &mut Scan<'_>, tags: Tags, value: &Value) {
    let (start, end) = trim(scan.text, value.start, value.end);
    // Long values are judged by their head: only a secret has no longest form.
    let text = sub(scan.text, start, end.min(start + HEAD_MAX));
    // A value of signs alone is no value: more likely the grammar between two.
    let signs_only = !text.iter().any(|b| b.is_ascii_alphanumeric() || *b >= 0x80);
    if signs_only || super::is_placeholder(scan.text, start, end) {
        return;
    }
    if secret::is_secret(scan, tags, value, text) {
        return secret::hit(scan, value, start, end);
    }
    if text.len() == HEAD_MAX {
        return;
    }
    if (tags & (NOT_VALUE | NAME) == 0 || tags & (EMAIL | PHONE | DOB | PLATE) != 0)
        && let Some(kind) = number(tags, text)
    {
        return scan.hit(start, end, kind);
    }
    let whole = value.quoted || !text.iter().any(|b| b"?&;,/".contains(b));
    if tags & EMAIL != 0 && text.len() <= 320 && text.contains(&b'@') && whole {
        return scan.hit(start, end, Kind::Email);
    }
    if tags & ADDRESS != 0 && tags & (HOSTLIKE | EMAIL) == 0 && is_postal(text) {
        return scan.hit(start, end, Kind::Address);
    }
    names(scan, tags, value, start, end);
}

/// Names and logins.
fn names(scan: &mut Scan<'_>, tags: Tags, value: &Value, start: usize, end: usize) {
    let text = scan.text;
    let person = tags & PERSON != 0 || tags & NAME != 0 && tags & (WHOSE | LOGIN) != 0;
    if !person && tags & LOGIN == 0 || tags & (NOT_VALUE | HOSTLIKE | VERSION) != 0 {
        return;
    }
    let end = if value.quoted { end } else { more_name(text, end) };
    let body = sub(text, start, end);
    let letters = body.iter().filter(|b| is_letter(**b)).count();
    let plain = |b: &u8| is_word(*b) || is_space(*b) || b".,'-_@/".contains(b);
    if letters < 2 || body.len() > 128 || !body.iter().all(plain) {
        return;
    }
    let capital = at(text, start).is_ascii_uppercase() || at(text, start) >= 0x80;
    let login = body.iter().any(|b| matches!(b, b'.' | b'_') || b.is_ascii_digit());
    if value.prose && !(person && capital || login) {
        return;
    }
    if !person && (digits_in(body) > letters || body.contains(&b'/')) {
        return;
    }
    let strong = person && value.quoted && !scan.technical(start, end);
    if strong || person::is_login(scan, start, end) {
        scan.hit(start, end, Kind::Person);
    }
}

/// Capitalised words that follow a name without quotes, a comma before at most one.
fn more_name(text: &[u8], end: usize) -> usize {
    let mut end = end;
    for k in 0..3 {
        let comma = usize::from(k == 0 && at(text, end) == b',');
        let from = end + comma + 1;
        let stop = skip(text, from, 24, |b| is_letter(b) || matches!(b, b'-' | b'\''));
        let capital = at(text, from).is_ascii_uppercase() || at(text, from) == 0xC3;
        let key = skip(text, stop, 24, |b| is_word(b) || matches!(b, b'_' | b'.' | b'-'));
        if at(text, from - 1) != b' '
            || !capital
            || stop < from + 2
            || matches!(at(text, key), b'=' | b':')
        {
            break;
        }
        end = stop;
    }
    end
}

/// A number whose kind the key names.
fn number(tags: Tags, text: &[u8]) -> Option<Kind> {
    let digits = digits_in(text);
    if text.len() > 96 {
        return None;
    }
    let allowed = |b: &u8| b.is_ascii_alphanumeric() || *b >= 0x80 || b" +.-/_():*\\#%".contains(b);
    if !text.iter().all(allowed) || text.iter().all(|b| b.is_ascii_hexdigit()) && text.len() > 34 {
        return None;
    }
    let letters = text.iter().filter(|b| b.is_ascii_alphabetic()).count();
    NUMBERS
        .iter()
        .filter(|(bit, _, least)| tags & bit != 0 && digits >= *least)
        .find(|(_, kind, _)| match kind {
            Kind::Phone => letters <= 5 && tags & CLOCK == 0,
            Kind::Card => letters <= 2,
            Kind::Plate => letters >= 1 && digits + letters <= 10,
            Kind::Cni => (6..=14).contains(&(digits + letters)),
            Kind::Dob => letters <= 12 && tags & (NAME | PERSON) == 0,
            Kind::Nif | Kind::Nir => letters <= 3,
            _ => true,
        })
        .map(|(_, kind, _)| *kind)
}

/// Whether a value under a key `address` is one of a place: not a host, a pointer or a path.
fn is_postal(text: &[u8]) -> bool {
    let words = text.split(|b| is_space(*b) || *b == b',').filter(|w| w.len() > 1).count();
    let letters = text.iter().filter(|b| is_letter(**b)).count();
    words >= 2 && letters >= 4 && !text.contains(&b'@') && text.len() <= 256
}

/// Without spaces, escapes and dots around it.
fn trim(text: &[u8], start: usize, end: usize) -> (usize, usize) {
    let start = skip(text, start, end.saturating_sub(start), |b| is_space(b) && b != b'+');
    (start, back(text, end, end.saturating_sub(start), |b| b == b' ' || b == b'\t'))
}

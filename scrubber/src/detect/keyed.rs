//! Values by the name of their key: `"nir": "…"`, `password=…`, `<nom>…</nom>`, `Key (iban)=(…)`,
//! the columns of an SQL `INSERT`. The key says what the value is, so its shape may be anything
//! plausible; the text around a value without quotes decides where it ends.

mod number;
mod secret;

use super::context;
use super::email;
use super::person;
use super::phone;
use super::text::{
    at, back, before, digits_in, has, is_letter, is_space, is_word, prior, skip, sub,
};
use super::words::*;
use super::{Scan, Walk};
use crate::report::Kind;

/// Bytes of a value that are judged; other values than secrets are shorter.
const HEAD_MAX: usize = 512;
/// Strings read from one list.
const LIST_MAX: usize = 32;
/// Rows read from one statement.
const ROWS_MAX: usize = 256;
/// Longest opening tag.
const TAG_MAX: usize = 60;
/// Longest text of an element.
const ELEMENT_MAX: usize = 2048;

/// Longest list of columns.
const COLUMNS_MAX: usize = 1024;

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
    if tags & HINT != 0 && has(scan.text, p.saturating_sub(6), b" : TTY") {
        return person::login::before_tty(scan, p);
    }
    if tags & COOKIE != 0 {
        return secret::cookies(scan, from);
    }
    if tags & TOKEN != 0 && secret::authorization(scan, p, from) {
        return;
    }
    // `user=<jdupont>`
    let from = from + usize::from(tags & LOGIN != 0 && at(scan.text, from) == b'<');
    let value = Value::read(scan, from, at(scan.text, p) == b':');
    // `"passport":{"number":"…"}`
    let tags = if tags & NUMBER != 0 { tags | outer(scan, p) } else { tags };
    if tags & NUMBER != 0 && tags & PHONE == 0 && split_phone(scan, p) {
        return judge(scan, PHONE, &value);
    }
    judge(scan, tags, &value);
    if value.quoted {
        list(scan, tags, p, from, value.end);
    }
}

/// The meanings of the key of the object that the pair at `p` is the first of.
fn outer(scan: &Scan<'_>, p: usize) -> Tags {
    let text = scan.text;
    let (start, _) = context::key_range(text, p);
    let open = back(text, start, 8, |b| matches!(b, b'"' | b'\'' | b'\\' | b' '));
    let key = back(text, open.saturating_sub(1), 2, |b| matches!(b, b' ' | b':' | b'='));
    let inner = before(text, open) == b'{' && key + 1 < open;
    if inner { context::key(text, key, scan.tables) & !(NOT_VALUE | NAME) } else { 0 }
}

/// The other strings of a list that starts at `from` and whose first ends at `end`.
fn list(scan: &mut Scan<'_>, tags: Tags, key: usize, from: usize, end: usize) {
    let text = scan.text;
    if at(text, skip(text, from, 2, |b| b == b' ')) != b'[' {
        return;
    }
    let mut i = end;
    for _ in 0..LIST_MAX {
        i = skip(text, i, 6, |b| matches!(b, b'"' | b'\'' | b'\\'));
        if at(text, i) != b',' {
            return;
        }
        let value = Value { key, ..Value::read(scan, i + 1, false) };
        if !value.quoted || value.end <= i {
            return;
        }
        judge(scan, tags, &value);
        i = value.end;
    }
}

/// At a quote: `password 'secret'`, as statements write it.
pub(crate) fn at_quote(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    secret::at_quote(scan, p);
    let gap = back(text, p, 8, |b| b == b'\\');
    if before(text, gap) != b' ' {
        return;
    }
    let word = back(text, gap - 1, 16, is_letter);
    let name = sub(text, word, gap - 1);
    if name.eq_ignore_ascii_case(b"like") || name.eq_ignore_ascii_case(b"ilike") {
        // `nom LIKE 'Dup%'`
        let end = back(text, word, 2, |b| b == b' ');
        let column = back(text, end, 48, |b| is_word(b) || matches!(b, b'_' | b'.'));
        let tags = scan.tables.words.of_key(sub(text, column, end));
        if tags != 0 {
            let value = Value::quoted(scan, p, at(text, p), p - gap);
            judge(scan, tags, &value);
        }
    }
}

/// At `>`: the text of the element that it opens.
pub(crate) fn at_element(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    let name = back(text, p, 48, |b| is_word(b) || matches!(b, b'_' | b'-' | b'.' | b':'));
    // `<nom xsi:type="…">`
    let open = back(text, p, TAG_MAX, |b| b != b'<' && b != b'>' && b != b'\n');
    let stop = skip(text, open, 48, |b| is_word(b) || matches!(b, b'_' | b'-' | b'.' | b':'));
    let (name, stop) = if at(text, stop) == b' ' { (open, stop) } else { (name, p) };
    if name == stop || before(text, name) != b'<' {
        return;
    }
    let key = sub(text, name, stop);
    let tags = secret::qualified(scan, key, scan.tables.words.of_key(key));
    let start = skip(text, p + 1, 64, |b| b.is_ascii_whitespace());
    let end = skip(text, start, ELEMENT_MAX, |b| b != b'<' && b != b'\n');
    let close = skip(text, end, 64, |b| b.is_ascii_whitespace());
    if tags != 0 && at(text, close) == b'<' {
        judge(scan, tags, &Value { sep: 0, key: 0, start, end, quoted: true, prose: false });
    }
}

/// At `(`: `(nir, email) VALUES ('…', '…')`, columns paired with values.
pub(crate) fn at_paren(scan: &mut Scan<'_>, p: usize) {
    phone::at_paren(scan, p);
    person::login::at_paren(scan, p);
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
    let columns = sub(text, open, close - 1);
    let mut i = p + 1;
    for _ in 0..ROWS_MAX {
        let end = row(scan, columns, i);
        i = skip(text, end, 3, |b| matches!(b, b',' | b' '));
        if end <= i && at(text, i) == b'(' && before(text, end) == b')' {
            i += 1;
        } else {
            return;
        }
    }
}

/// The values of one row that starts at `from`, each under its column. Returns where it ends.
fn row(scan: &mut Scan<'_>, columns: &[u8], from: usize) -> usize {
    let text = scan.text;
    let mut i = from;
    for column in columns.split(|&b| b == b',') {
        let value = Value::read(scan, i, false);
        let tags = secret::qualified(scan, column, scan.tables.words.of_key(column));
        if tags != 0 {
            judge(scan, tags, &value);
        }
        i = skip(text, value.end, 64, |b| !matches!(b, b',' | b')')) + 1;
        if before(text, i) != b',' {
            break;
        }
    }
    i
}

/// `"indicatif":"+33","numero":"639985454"`: the prefix just before makes the number a phone's.
fn split_phone(scan: &Scan<'_>, p: usize) -> bool {
    let (start, _) = context::key_range(scan.text, p);
    let from = start.saturating_sub(48);
    let near = sub(scan.text, from, start);
    near.split(|&b| !is_letter(b) && b != b'_').any(|w| {
        let country = [&b"country_code"[..], b"countryCode", b"code_pays"].contains(&w);
        country || scan.tables.words.of_key(w) & PREFIX != 0
    })
}

/// Where a value is, and what surrounds it.
struct Value {
    /// The sign just before the value, 0 if there is none.
    sep: usize,
    /// The sign after the key, 0 if there is no key.
    key: usize,
    start: usize,
    end: usize,
    quoted: bool,
    prose: bool,
}

impl Value {
    /// Reads the value that starts at `from`, after spaces, brackets and quotes.
    fn read(scan: &mut Scan<'_>, from: usize, colon: bool) -> Value {
        let text = scan.text;
        let sep = from.saturating_sub(1);
        let i = skip(text, from, 16, |b| b == b' ' || b == b'\t');
        let i = folded(text, i);
        let spaced = i > from;
        // `Some("…")`, `Optional[…]`
        const WRAPPERS: [&[u8]; 4] = [b"Some(", b"Just(", b"Optional[", b"Optional("];
        let wrapper = WRAPPERS.iter().find(|w| sub(text, i, i + w.len()) == **w);
        let i = i + wrapper.map_or(0, |w| w.len() - 1);
        let i = skip(text, i, 2, |b| matches!(b, b'[' | b'('));
        let bracket = before(text, i);
        let i = if matches!(at(text, i), b'b' | b'u' | b'r' | b'@' | b'N' | b'E')
            && matches!(at(text, i + 1), b'\'' | b'"')
        {
            i + 1
        } else {
            i
        };
        let slashes = skip(text, i, 16, |b| b == b'\\');
        let quote = at(text, slashes);
        if matches!(quote, b'"' | b'\'' | b'`') {
            return Value { key: sep, ..Value::quoted(scan, slashes, quote, slashes - i) };
        }
        if matches!(bracket, b'(' | b'[') && i > from {
            let close = if bracket == b'(' { b')' } else { b']' };
            let end = skip(text, i, 256, |b| b != close && b != b'"');
            if at(text, end) == close && !is_word(at(text, end + 1)) {
                return Value { sep, key: sep, start: i, end, quoted: true, prose: false };
            }
        }
        let i = if i > from && matches!(bracket, b'(' | b'[') { i - 1 } else { i };
        let end = scan.walk(Walk::Bare, i, 0, bare_end).max(i);
        let (a, z) = context::key_range(text, sep);
        // `X-Forwarded-User`, `sAMAccountName`: a key, not the end of a sentence.
        let key = sub(text, a, z);
        let humps = key
            .windows(2)
            .any(|w| w.is_sorted_by(|x, y| x.is_ascii_lowercase() && y.is_ascii_uppercase()));
        let key = humps || key.iter().any(|b| matches!(b, b'-' | b'_'));
        Value { sep, key: sep, start: i, end, quoted: false, prose: colon && spaced && !key }
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
        Value { sep: 0, key: 0, start, end, quoted: true, prose: false }
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
    if tags & (NOT_VALUE | CLOCK) == 0
        && let Some(kind) = number::coded(scan, tags, value, start, end)
    {
        return scan.hit(start, end, kind);
    }
    if (tags & (NOT_VALUE | NAME) == 0 || tags & (EMAIL | PHONE | DOB | PLATE) != 0)
        && let Some(kind) = number::number(tags, text)
    {
        return scan.hit(start, end, kind);
    }
    let whole = value.quoted || !text.iter().any(|b| b"?&;,/".contains(b));
    if tags & EMAIL != 0 && text.len() <= 320 && text.contains(&b'@') && whole {
        return scan.hit(start, end, Kind::Email);
    }
    if tags & ADDRESS != 0 && tags & (HOSTLIKE | REMOTE | EMAIL) == 0 && is_postal(text) {
        return scan.hit(start, end, Kind::Address);
    }
    names(scan, tags, value, start, end);
}

/// Names and logins.
fn names(scan: &mut Scan<'_>, tags: Tags, value: &Value, start: usize, end: usize) {
    let text = scan.text;
    if tags & (PERSON | NAME | WHOSE | LOGIN | BY | HINT) == 0
        || tags & (NOT_VALUE | HOSTLIKE | VERSION) != 0
    {
        return;
    }
    let owner = Owner::read(scan, tags, value, start, end);
    if owner == Owner::Nobody {
        return;
    }
    let person = owner != Owner::Login;
    let paired = at(text, value.sep) == b'=';
    let end = if person && !value.quoted { more_name(scan, end, paired) } else { end };
    let body = sub(text, start, end);
    let letters = body.iter().filter(|b| is_letter(**b)).count();
    let plain = |b: &u8| is_word(*b) || is_space(*b) || b".,'-_@/\\%".contains(b);
    if letters < 2 || body.len() > 128 || !body.iter().all(plain) {
        return;
    }
    let sign = body.iter().position(|&b| b == b'@');
    if sign.is_some_and(|i| email::technical(text, start, start + i, end)) || is_file(scan, body) {
        return;
    }
    // `nom: de Villiers`
    let first = skip(text, start, 6, is_letter);
    let small = first < end && scan.tables.words.of(sub(text, start, first)) & PARTICLE != 0;
    let capital = at(text, start).is_ascii_uppercase() || at(text, start) >= 0x80 || small;
    let login = body.iter().any(|b| matches!(b, b'.' | b'_') || b.is_ascii_digit());
    if value.prose && !(person && capital || login || owner == Owner::Label) {
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

/// Whose name a value is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    Person,
    /// A person's, by a label of several words.
    Label,
    Login,
    Nobody,
}

impl Owner {
    /// What the key says, and where it says too little, what stands around it.
    fn read(scan: &Scan<'_>, tags: Tags, value: &Value, start: usize, end: usize) -> Owner {
        let text = scan.text;
        let (from, to) = context::key_range(text, value.key);
        let key = sub(text, from, to);
        let body = sub(text, start, end);
        let ordinary = || person::is_ordinary(body) && !person::has_given(scan, body);
        let yes = |ok: bool, owner| if ok { owner } else { Owner::Nobody };
        match () {
            () if key.eq_ignore_ascii_case(b"cn") => {
                yes(person::is_subject(scan, start), Owner::Person)
            }
            () if tags & PERSON != 0 || tags & NAME != 0 && tags & (WHOSE | LOGIN) != 0 => {
                Owner::Person
            }
            () if tags & BY != 0 => yes(!ordinary(), Owner::Person),
            () if tags & LOGIN != 0 => Owner::Login,
            () if key.eq_ignore_ascii_case(b"uid") => {
                let entry = [&b",ou="[..], b",cn=", b",dc=", b",o=", b")"];
                yes(entry.iter().any(|e| has(text, end, e)), Owner::Login)
            }
            // FHIR and vCard: `"family":"Dupont","given":["Jean"]`.
            () if key.eq_ignore_ascii_case(b"family") => {
                yes(person::is_near(scan, from, end, b"given"), Owner::Person)
            }
            () if key.eq_ignore_ascii_case(b"given") => {
                yes(person::is_near(scan, from, end, b"family"), Owner::Person)
            }
            // `Account Name: jdupont`, `First name: Jean`.
            () if tags & NAME != 0 && person::is_whose(scan, from) => {
                yes(!ordinary(), Owner::Label)
            }
            () if tags & NAME != 0 && !ordinary() => {
                yes(person::is_named(scan, from, start, end), Owner::Person)
            }
            () => Owner::Nobody,
        }
    }
}

/// Where the word behind small words of names starts (`de la |Tour`), and whether there are some
/// and a capital after them.
fn particles(scan: &Scan<'_>, end: usize) -> (usize, bool) {
    let text = scan.text;
    let mut i = end + 1;
    for _ in 0..2 {
        let stop = skip(text, i, 6, is_letter);
        let word = sub(text, i, stop);
        let small = at(text, i).is_ascii_lowercase() && scan.tables.words.of(word) & PARTICLE != 0;
        if at(text, i - 1) != b' ' || !small || at(text, stop) != b' ' {
            break;
        }
        i = stop + 1;
    }
    let capital = at(text, i).is_ascii_uppercase() || at(text, i) == 0xC3;
    (i, i > end + 1 && capital)
}

/// Whether a value is the name of a file or host.
fn is_file(scan: &Scan<'_>, body: &[u8]) -> bool {
    let mut parts = body.rsplit(|&b| b == b'.');
    let last = parts.next().unwrap_or_default();
    parts.next().is_some()
        && !body.contains(&b'@')
        && person::login::ENDINGS.iter().any(|e| last.eq_ignore_ascii_case(e))
        && !person::has_given(scan, body)
}

/// Capitalised words that follow a name without quotes, a comma before at most one; after `=`,
/// where a value ends at a space more often than not, no technical ones.
fn more_name(scan: &Scan<'_>, end: usize, paired: bool) -> usize {
    let text = scan.text;
    let mut end = end;
    for k in 0..4 {
        let (from, particle) = particles(scan, end);
        end = if particle { from - 1 } else { end };
        let comma = usize::from(k == 0 && at(text, end) == b',');
        let from = end + comma + 1;
        let stop = skip(text, from, 24, |b| is_letter(b) || matches!(b, b'-' | b'\''));
        let capital = at(text, from).is_ascii_uppercase() || at(text, from) == 0xC3;
        let key = skip(text, stop, 24, |b| is_word(b) || matches!(b, b'_' | b'.' | b'-'));
        if at(text, from - 1) != b' '
            || !capital
            || stop < from + 2
            || matches!(at(text, key), b'=' | b':' | b'/') && !has(text, key, b":mailto")
            || paired && person::is_ordinary(sub(text, from, stop))
        {
            break;
        }
        end = stop;
    }
    end
}

/// Whether a value under a key `address` is one of a place: not a host, a pointer or a path.
fn is_postal(text: &[u8]) -> bool {
    let words = text.split(|b| is_space(*b) || *b == b',').filter(|w| w.len() > 1).count();
    let letters = text.iter().filter(|b| is_letter(**b)).count();
    let proper = text.iter().any(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    proper && words >= 2 && letters >= 4 && !text.contains(&b'@') && text.len() <= 256
}

/// Without spaces, escapes and dots around it.
fn trim(text: &[u8], start: usize, end: usize) -> (usize, usize) {
    let start = skip(text, start, end.saturating_sub(start), |b| is_space(b) && b != b'+');
    (start, back(text, end, end.saturating_sub(start), |b| b == b' ' || b == b'\t'))
}

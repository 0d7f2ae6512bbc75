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
const SECRET: Tags = PASSWORD | PASS | TOKEN | WEAK | LOOSE | SESSION | CODE;
/// Last words of a key that names something about a secret.
const ABOUT: Tags = NOT_VALUE | NAME | CLOCK | VERSION | PUBLIC | POINTER;

/// The meanings of the key before the separator at `p`, its last word decides: `password_file` is
/// no password, `file_password` is one.
pub(super) fn of_pair(scan: &Scan<'_>, p: usize, tags: Tags) -> Tags {
    let text = scan.text;
    if tags & (SECRET | KEY | KEY_OF) == 0 {
        return tags | odd(scan, p);
    }
    let (start, end) = context::key_range(text, p);
    // `"/forgot-password": "x"` is a route.
    if before(text, start) == b'/' && matches!(at(text, end), b'"' | b'\'') {
        return tags & !(SECRET | KEY);
    }
    let key = sub(text, start, end);
    if is_file(key) {
        return tags & !(SECRET | KEY);
    }
    let tags = tags | beside(scan, start, tags);
    if tags & (ABOUT | PASS) == 0 {
        return tags;
    }
    qualified(scan, key, tags)
}

/// `PasswordTest.java: x`
fn is_file(key: &[u8]) -> bool {
    const ENDS: [&[u8]; 20] = [
        b"java", b"py", b"go", b"rs", b"js", b"ts", b"c", b"cc", b"cpp", b"h", b"rb", b"php",
        b"cs", b"kt", b"exp", b"sh", b"html", b"sql", b"ex", b"scala",
    ];
    let dot = key.iter().rposition(|b| *b == b'.');
    dot.is_some_and(|i| ENDS.contains(&sub(key, i + 1, key.len())))
}

/// What the word before a key adds to it: `secret key: x`, `clé API : x`.
fn beside(scan: &Scan<'_>, start: usize, tags: Tags) -> Tags {
    let both = tags & (KEY | WEAK) != 0 && tags & KEY_OF != 0;
    let Some(gap) = start.checked_sub(1).filter(|i| !both && at(scan.text, *i) == b' ') else {
        return 0;
    };
    let word = sub(scan.text, back(scan.text, gap, 16, is_letter), gap);
    let of = scan.tables.words.of(word);
    match tags & KEY_OF {
        0 if of & STATE == 0 => of & KEY_OF,
        0 => 0,
        _ => of & KEY,
    }
}

/// The meanings of a key, without those that its last word takes away.
pub(super) fn qualified(scan: &Scan<'_>, key: &[u8], tags: Tags) -> Tags {
    if tags & (ABOUT | PASS) == 0 || tags & (SECRET | KEY) == 0 || tags & PUBLIC != 0 {
        return tags;
    }
    let (mut last, mut second) = (0, 0);
    scan.tables.words.parts(key, |_, _, t| (second, last) = (last, t));
    // `ASP.NET_SessionId`: of a session the id is the secret.
    if last & CLOCK != 0 && second & LOOSE != 0 {
        return tags & !(NOT_VALUE | CLOCK | NAME);
    }
    // `db_pass` is a password, `pass_through` is not.
    let tags = match tags & PASS {
        0 => tags,
        _ if last & PASS != 0 => tags & !PASS | PASSWORD,
        _ => tags & !PASS,
    };
    if last & (SECRET | KEY) != 0 && last & (NOT_VALUE | PUBLIC) == 0 {
        tags & !(NOT_VALUE | CLOCK | NAME)
    } else if last & ABOUT != 0 && tags & (TOKEN | SESSION) == 0 {
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
    if tags & (SECRET | KEY) == 0 || tags & PUBLIC != 0 || text.is_empty() {
        return false;
    }
    if shape::is_placeholder(text) || shape::is_state(scan, text) {
        return false;
    }
    // The quote that closes `'Password: '` opens nothing.
    let closing = matches!(text, [b',' | b')' | b';' | b'+' | b']', b' ' | b')' | b':', ..])
        || matches!(text, [b',', .., b':']);
    if value.quoted && closing {
        return false;
    }
    if !value.quoted && is_pair(scan.text, value.start, text) {
        return false;
    }
    // What is left of a qualifier after `of_pair` speaks against the key.
    if tags & (NOT_VALUE | NAME) != 0 {
        return text.len() >= 24 && Mix::of(text).is_random() && !shape::is_place(text);
    }
    if shape::is_reference(scan, text, value.quoted, tags & PASSWORD != 0) {
        return false;
    }
    if tags & PASSWORD != 0 {
        return is_password(scan, value, text);
    }
    if tags & CODE != 0 && is_code(scan, value, tags, text) {
        return true;
    }
    if sure {
        return is_token(scan, value, text);
    }
    tags & (WEAK | LOOSE | SESSION) != 0 && is_likely(value, text)
        || tags & KEY != 0 && !value.prose && is_mixed(text)
}

/// The next pair after a value that is empty: `password= user=x`.
fn is_pair(text: &[u8], start: usize, value: &[u8]) -> bool {
    let name = |b: &u8| b.is_ascii_alphabetic() || b"_.-".contains(b);
    let sign = value.iter().position(|b| !name(b)).unwrap_or(0);
    let more = value.get(sign + 1).is_some_and(|b| *b != b'=');
    let mix = Mix::of(sub(value, 0, sign));
    let more = more && mix.turns * 4 < sign && value.len() < 40;
    before(text, start) == b' ' && sign > 1 && value.get(sign) == Some(&b'=') && more
}

/// Anything but a short number, a directory, or a sentence.
fn is_password(scan: &Scan<'_>, value: &Value, text: &[u8]) -> bool {
    let digits = digits_in(text);
    let key = |name: &[u8]| {
        let end = back(scan.text, value.start, 8, |b| !is_letter(b));
        let start = back(scan.text, end, 12, is_letter);
        sub(scan.text, start, end).eq_ignore_ascii_case(name)
    };
    // `credentials = credentials` is code.
    if !value.quoted && key(text) {
        return false;
    }
    if text.len() < 3
        || digits == text.len() && digits < 4
        || shape::is_numeric(text) && key(b"pass")
    {
        return false;
    }
    if key(b"pwd") && matches!(text.first(), Some(b'/' | b'~')) || shape::is_path(text) {
        return false;
    }
    let mix = Mix::of(text);
    // `check_password: Checking it for bob` is a function's name before what it says.
    let spaced = !value.quoted && before(scan.text, value.start) == b' ';
    let said = spaced && prior(scan.text, value.start, 2) == b':';
    let plain = mix.digit + mix.other == 0 && !ends_clause(scan.text, value.end);
    if said && (plain || !value.prose && shape::goes_on(scan.text, value.end)) {
        return false;
    }
    // `--password=PASS sets it` is a help text.
    let flag = back(scan.text, value.start, 40, |b| is_word(b) || matches!(b, b'-' | b'_' | b'='));
    if !value.quoted && mix.upper == text.len() && has(scan.text, flag, b"--") {
        return false;
    }
    if !value.prose {
        return true;
    }
    if key(b"pass") {
        let name = text.iter().any(|b| matches!(b, b'/' | b'.'));
        return mix.digit > 0 && mix.lower + mix.upper > 0 && !name;
    }
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
fn is_code(scan: &Scan<'_>, value: &Value, tags: Tags, text: &[u8]) -> bool {
    let digits = digits_in(text);
    let sign = |b: &u8| b.is_ascii_digit() || matches!(b, b' ' | b'-');
    tags & (NOT_VALUE | CLOCK | KEY) == 0
        && (3..=10).contains(&digits)
        && text.iter().all(sign)
        && (!value.prose || digits >= 4 && ends_clause(scan.text, value.end))
}

/// After a key that means a token: no number, no path, no sentence.
fn is_token(scan: &Scan<'_>, value: &Value, text: &[u8]) -> bool {
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
    // `python3-jwt:all`
    let gap = back(scan.text, value.start, 4, |b| b == b' ');
    let small = !value.quoted && mix.lower == text.len() && before(scan.text, gap) == b':';
    let name = (value.prose || small) && mix.digit == 0 && text.len() < 16;
    !name && !shape::is_numeric(text)
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
    let hex = text.iter().all(|b| b.is_ascii_hexdigit() || *b == b'.');
    let mixed = mix.digit > 0 && mix.lower + mix.upper > 0;
    let constant = mix.lower == 0 && text.contains(&b'_');
    match text.len() {
        6 | 7 => !value.prose && mixed && !hex && mix.turns >= 2,
        8..16 => mixed && !hex && !constant,
        _ => {
            let signs = text.iter().any(|b| matches!(b, b'+' | b'/' | b'='));
            let cases = mix.upper > 2 && mix.lower > 2 && signs;
            mixed && !constant || cases || mix.is_random()
        }
    }
}

/// After `key` alone: what only a random token is, with capitals, small letters and digits.
fn is_mixed(text: &[u8]) -> bool {
    let mix = Mix::of(text);
    let signs = text.iter().all(|b| b.is_ascii_alphanumeric() || b"+/=_-".contains(b));
    let classes = mix.upper > 2 && mix.lower > 2 && mix.digit > 1;
    text.len() >= 20 && classes && signs && mix.is_random() && !shape::is_place(text)
}

/// Schemes of `Authorization` before their credentials.
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

/// The length of an authentication scheme and its space at the start of a value, 0 for none.
fn scheme(text: &[u8]) -> usize {
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
        let word = sub(text, i, name);
        let alone = |s: &&[u8]| s.strip_suffix(b" ").is_some_and(|s| s.eq_ignore_ascii_case(word));
        return SCHEMES.iter().any(alone);
    }
    let end = parameters(text, name + 1);
    let body = sub(text, name + 1, end);
    // `Bearer <your API token>`
    let opens = matches!(body.first(), Some(b'<' | b'{' | b'[' | b'$'));
    if opens || shape::is_placeholder(body) || shape::is_state(scan, body) || body.len() < 3 {
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
            // `SignedHeaders=host;range`
            let lists = at(text, sep) == b'=' && sep > i;
            let part = |b: u8| b > b' ' && !b"\"',\\)]}".contains(&b) && (lists || b != b';');
            skip(text, i, PARAMETER_MAX, part)
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
        b' ' if at(text, p + 1) != b' ' => (worded(scan, gap.saturating_sub(1)), true),
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
    // `secret "name" not found` names one, `pass 'x'` is a verb.
    if has(key, 0, b"secret") && key.len() <= 7 || key.eq_ignore_ascii_case(b"pass") {
        return 0;
    }
    let tags = scan.tables.words.of_key(key);
    qualified(scan, key, tags) & (PASSWORD | TOKEN | KEY | KEY_OF | PUBLIC | NOT_VALUE)
}

/// The meanings of the quoted name that ends at `end`, as in `("name", "value")`.
fn listed(scan: &Scan<'_>, end: usize) -> Tags {
    let text = scan.text;
    let end = back(text, end, 2, |b| b == b' ');
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
        let placed = placed || shape::is_placeholder(sub(text, name + 1, end));
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

//! What the text of a value looks like: a placeholder, a reference to a secret kept elsewhere, a
//! name, or something random. Looks at the first bytes only, so each answer costs a constant.

use crate::detect::Scan;
use crate::detect::text::{has, is_letter, is_word, sub};
use crate::detect::words::{PASSWORD, STATE, TOKEN, Tags, WEAK};

/// What a byte of a token can be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Lower,
    Upper,
    Digit,
    Other,
}

/// How a text is made of letters and digits.
#[derive(Default)]
pub(crate) struct Mix {
    pub(crate) lower: usize,
    pub(crate) upper: usize,
    pub(crate) digit: usize,
    /// Everything else.
    pub(crate) other: usize,
    /// Places where one class follows another; a sign between them does not count.
    pub(crate) turns: usize,
    /// Different characters.
    pub(crate) distinct: u32,
}

impl Mix {
    pub(crate) fn of(text: &[u8]) -> Mix {
        let (mut mix, mut prev, mut seen) = (Mix::default(), Class::Other, 0u128);
        for &b in text {
            let class = match b {
                b'a'..=b'z' => Class::Lower,
                b'A'..=b'Z' => Class::Upper,
                b'0'..=b'9' => Class::Digit,
                _ => Class::Other,
            };
            match class {
                Class::Lower => mix.lower += 1,
                Class::Upper => mix.upper += 1,
                Class::Digit => mix.digit += 1,
                Class::Other => mix.other += 1,
            }
            if class != Class::Other && prev != Class::Other && class != prev {
                mix.turns += 1;
            }
            seen |= 1 << (b & 0x7F);
            prev = class;
        }
        mix.distinct = seen.count_ones();
        mix
    }

    fn letters(&self) -> usize {
        self.lower + self.upper
    }

    /// Few different characters: `XXXXXXXX/0000`.
    pub(crate) fn is_masked(&self) -> bool {
        self.distinct < 6
    }

    /// Letters and digits in an order that no name has.
    pub(crate) fn is_random(&self) -> bool {
        let n = self.letters() + self.digit;
        let turns = self.turns * 4 >= n || self.turns >= 8 && self.turns * 6 >= n;
        let digits = self.digit > 0 && self.letters() > 0 && n >= 8 && self.turns >= 3;
        let cases = self.upper > 2 && self.lower > 2 && n >= 20;
        (digits || cases) && turns && self.distinct as usize * 8 >= n.min(64)
    }
}

/// `***`, `xxxx`, `<redacted>`, `[FILTERED]`, `${VAR}`, `$VAR`, `{{ var }}`, `%s`, `%(name)s`, `?`,
/// `:name`, or the start of a structure.
pub(crate) fn is_placeholder(text: &[u8]) -> bool {
    let name = |b: &u8| b.is_ascii_alphanumeric() || b"_ .:|()'/-".contains(b);
    let mask = |b: &u8| b"*xX.-_<>[]{}()#?,;".contains(b) || !b.is_ascii();
    let enclosed = |open: &[u8], close: &[u8]| {
        let inner = text.strip_prefix(open).and_then(|t| t.strip_suffix(close));
        inner.is_some_and(|t| t.iter().all(name))
    };
    let after = |open: &[u8], ok: fn(&u8) -> bool| {
        text.strip_prefix(open).is_some_and(|t| !t.is_empty() && t.iter().all(ok))
    };
    let pairs: [(&[u8], &[u8]); 11] = [
        (b"{{", b"}}"),
        (b"{", b"}"),
        (b"${{", b"}}"),
        (b"${", b"}"),
        (b"#{", b"}"),
        (b"$(", b")"),
        (b"<", b">"),
        (b"[", b"]"),
        (b"%(", b")s"),
        (b"%", b"%"),
        (b"@", b"@"),
    ];
    let capitals = |b: &u8| b.is_ascii_uppercase() || *b == b'_';
    let smalls = |b: &u8| b.is_ascii_lowercase() || *b == b'_';
    text.iter().all(mask)
        || text.len() >= 8
            && text.iter().filter(|b| b"xX*#".contains(b)).count() * 4 > text.len() * 3
        || is_advice(text)
        || pairs.iter().any(|(open, close)| enclosed(open, close))
        || after(b"$", capitals)
        || after(b"$", smalls)
        || after(b"$", |b| b.is_ascii_digit())
        || after(b":", smalls)
        || after(b"$env:", |b| is_word(*b))
        || text.first() == Some(&b'%') && text.len() == 2
        || opens(text)
}

/// What documentation writes: `your_api_key`, `insert_key_here`, `REPLACE_ME`.
fn is_advice(text: &[u8]) -> bool {
    let heads = [&b"your"[..], b"insert", b"replace", b"enter_"];
    let name = |b: &u8| b.is_ascii_alphabetic() || b"_- ".contains(b);
    let head = heads.iter().any(|h| has(text, 0, h));
    let tail = text.len() > 5 && has(text, text.len() - 5, b"_here");
    (head || tail) && text.len() > 6 && text.iter().all(name)
}

/// The start of a structure or of an expression: `{"a"`, `["a"`, `${VAR:-`.
fn opens(text: &[u8]) -> bool {
    let inner = |b: &u8| matches!(b, b'"' | b'\'' | b'\\' | b' ' | b'\n');
    match text.first() {
        Some(b'{' | b'[') => text.len() < 4 || text.get(1).is_some_and(inner),
        Some(b'<') => text.len() < 4,
        Some(b'$') => text.starts_with(b"${") || text.starts_with(b"$("),
        _ => false,
    }
}

/// A password or token written elsewhere: `self.password`, `os.environ[`, `get_token()`,
/// `DB_PASSWORD`, `/run/secrets/db`.
pub(crate) fn is_reference(scan: &Scan<'_>, text: &[u8], quoted: bool) -> bool {
    let name = |b: &u8| b.is_ascii_alphanumeric() || b"_.-".contains(b);
    let words = &scan.tables.words;
    if has(text, 0, b"/run/") || text.starts_with(b"~/") || text.starts_with(b"./") {
        return true;
    }
    let secret: Tags = PASSWORD | TOKEN | WEAK;
    let capitals = text.iter().all(|b| b.is_ascii_uppercase() || *b == b'_');
    let smalls = text.first().is_some_and(u8::is_ascii_lowercase);
    let parts = text.iter().skip(1).any(|b| b"_.-".contains(b) || b.is_ascii_uppercase());
    let named = capitals || smalls && text.iter().all(|b| name(b) && !b.is_ascii_digit());
    if named && parts && words.of_key(text) & secret != 0 {
        return true;
    }
    if quoted {
        return false;
    }
    let head = text.iter().position(|b| !name(b)).unwrap_or(text.len());
    let call = matches!(text.get(head), Some(b'(' | b'['))
        && head >= 2
        && matches!(text.last(), Some(b'(' | b')' | b'[' | b']' | b',' | b';'));
    call || head == text.len() && has_owner(text)
}

/// Whether a dotted name starts with something that holds settings.
fn has_owner(text: &[u8]) -> bool {
    const OWNERS: [&[u8]; 22] = [
        b"self",
        b"this",
        b"env",
        b"config",
        b"conf",
        b"process",
        b"os",
        b"settings",
        b"options",
        b"opts",
        b"args",
        b"params",
        b"request",
        b"req",
        b"ctx",
        b"props",
        b"app",
        b"var",
        b"vars",
        b"local",
        b"module",
        b"data",
    ];
    let dot = text.iter().position(|b| *b == b'.').unwrap_or(0);
    dot > 0 && OWNERS.iter().any(|o| sub(text, 0, dot).eq_ignore_ascii_case(o))
}

/// Words about a secret, not a secret: `incorrect`, `is required`, `must not be empty`.
pub(crate) fn is_state(scan: &Scan<'_>, text: &[u8]) -> bool {
    let words = &scan.tables.words;
    if !text.contains(&b' ') {
        let end = text.iter().rposition(|b| !b".,;:!?)".contains(b)).map_or(0, |i| i + 1);
        return words.of(sub(text, 0, end)) & STATE != 0;
    }
    let mut parts = text.split(|b| *b == b' ').filter(|w| !w.is_empty());
    let plain = !text.iter().any(|b| b.is_ascii_digit());
    plain && parts.any(|w| SENTENCE.iter().any(|s| w.eq_ignore_ascii_case(s)))
}

/// Words that make a sentence about a password of what could be a pass phrase.
const SENTENCE: [&[u8]; 24] = [
    b"must",
    b"should",
    b"cannot",
    b"can't",
    b"may",
    b"required",
    b"required.",
    b"invalid",
    b"incorrect",
    b"mismatch",
    b"expired",
    b"not",
    b"n'est",
    b"doit",
    b"doivent",
    b"trop",
    b"too",
    b"obligatoire",
    b"requis",
    b"requise",
    b"oubli\xC3\xA9",
    b"characters",
    b"is",
    b"est",
];

/// `/etc/ssl/private`, `C:\keys`, and no base64 that starts with a slash.
pub(crate) fn is_path(text: &[u8]) -> bool {
    let drive = text.get(1) == Some(&b':') && text.get(2) == Some(&b'\\');
    let lower = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"/._-".contains(b);
    let slashes = text.iter().filter(|b| **b == b'/').count();
    let plain = text.iter().all(lower) || slashes >= 2 && slashes * 16 >= text.len();
    drive || text.first() == Some(&b'/') && slashes >= 2 && plain
}

/// A path, a URL, or a name with dots that is no token: `/etc/ssl`, `C:\x`, `https://x`, `a.b.c`.
pub(crate) fn is_place(text: &[u8]) -> bool {
    let url = sub(text, 0, 12).windows(3).any(|w| w == b"://");
    let dots = text.contains(&b'.') && text.iter().all(|b| is_letter(*b) || b"._-".contains(b));
    url || is_path(text) || dots && text.len() < 40
}

/// Digits and signs of a number, a date, a duration or a version.
pub(crate) fn is_numeric(text: &[u8]) -> bool {
    text.iter().all(|b| b.is_ascii_digit() || b".:,-+/ %TZemsukKMG".contains(b))
        && text.first().is_some_and(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+'))
}

//! Cuts a message into tokens: words, numbers, identifiers, quoted and opaque text.
//!
//! Invariants: tokens are in order and do not overlap; every letter, digit and non-ASCII character
//! of the message belongs to a token, so what lies between tokens is ASCII punctuation and white
//! space and may be copied; one pass, linear in the message.

use super::ident::{self, Shape};
use super::number::{self, Digits};
use super::tables::{Tables, Word, flag};

/// What a token is before it is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One word, known or not.
    Word,
    /// Digits, with or without a unit.
    Number(Digits),
    /// Identifier or path segment, every part of it known.
    Ident { parts: u8, is_strong: bool },
    /// `routes.go:208`, every part known.
    Source,
    /// Text that is never kept.
    Opaque,
    /// Quoted text that is no known identifier.
    Quoted,
    /// A placeholder of this or the second wall.
    Placeholder,
}

/// A piece of the message; offsets are bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) kind: Kind,
    /// The table's entry, for words.
    pub(super) word: Option<Word>,
    /// Starts with an upper-case letter and is not all upper case.
    pub(super) is_capital: bool,
    pub(super) keep: bool,
    pub(super) is_forced: bool,
}

impl Token {
    fn new(start: usize, end: usize, kind: Kind) -> Self {
        Token {
            start: start as u32,
            end: end as u32,
            kind,
            word: None,
            is_capital: false,
            keep: false,
            is_forced: false,
        }
    }

    pub(super) fn has(&self, bits: u8) -> bool {
        self.word.is_some_and(|w| w.flags & bits != 0)
    }

    /// A word of the table that may be kept.
    pub(super) fn known(&self) -> Option<Word> {
        self.word.filter(|w| w.flags & flag::BANNED == 0)
    }

    pub(super) fn is_function(&self) -> bool {
        self.kind == Kind::Word && self.has(flag::FUNCTION)
    }

    pub(super) fn range(&self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Space,
    Quote,
    /// Ends a piece: brackets, commas, operators.
    Cut,
    /// Letters, digits, joiners, non-ASCII.
    Piece,
}

const fn class_of(b: u8) -> Class {
    match b {
        b' ' | b'\t' | b'\r' | b'\n' | 0..=8 | 11 | 12 | 14..=31 | 127 => Class::Space,
        b'"' | b'`' => Class::Quote,
        b'=' | b',' | b';' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'<' | b'>' | b'|'
        | b'&' | b'?' | b'!' | b'*' => Class::Cut,
        _ => Class::Piece,
    }
}

static CLASSES: [Class; 256] = {
    let mut table = [Class::Space; 256];
    let mut b = 0;
    while b < 256 {
        table[b] = class_of(b as u8);
        b += 1;
    }
    table
};

/// Appends the tokens of `text` to `out`.
pub(super) fn tokenize(text: &str, tables: &Tables, out: &mut Vec<Token>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&b) = bytes.get(at) {
        // Proof: CLASSES has one entry per byte value.
        match CLASSES[b as usize] {
            Class::Space if b == 0x1b => at += escape_len(bytes.get(at..).unwrap_or(&[])),
            Class::Space => at += 1,
            Class::Quote => at = quoted(text, at, b, tables, out),
            Class::Cut => at = placeholder(text, at, out).unwrap_or(at + 1),
            Class::Piece if b == b'\'' => {
                at = match opens_quote(bytes, at) {
                    true => quoted(text, at, b, tables, out),
                    false => at + 1,
                }
            }
            Class::Piece => {
                let end = piece_end(bytes, at);
                piece(text, at, end, tables, out);
                at = end;
            }
        }
    }
}

/// Length of a terminal escape such as `ESC [ 31 m`, which is dropped.
pub(super) fn escape_len(bytes: &[u8]) -> usize {
    if bytes.get(1) != Some(&b'[') {
        return 1;
    }
    let parameters = bytes.iter().skip(2).take_while(|b| matches!(b, b'0'..=b';' | b'?')).count();
    let has_end = bytes.get(2 + parameters).is_some_and(u8::is_ascii_alphabetic);
    2 + parameters + usize::from(has_end)
}

/// First byte after a piece; an apostrophe stays inside only between letters.
fn piece_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(&b) = bytes.get(at) {
        // Proof: CLASSES has one entry per byte value.
        if CLASSES[b as usize] != Class::Piece || b == b'\'' && at > start && !is_inner(bytes, at) {
            break;
        }
        at += 1;
    }
    at.max(start + 1)
}

fn is_letter(b: Option<&u8>) -> bool {
    b.is_some_and(|b| b.is_ascii_alphanumeric() || *b >= 0x80)
}

fn is_inner(bytes: &[u8], at: usize) -> bool {
    at > 0 && is_letter(bytes.get(at - 1)) && is_letter(bytes.get(at + 1))
}

/// A single quote opens quoted text unless it stands inside or after a word.
fn opens_quote(bytes: &[u8], at: usize) -> bool {
    at == 0 || !is_letter(bytes.get(at - 1))
}

/// Quoted text: one token, kept only as an identifier. Without a closing quote the rest of the
/// message is quoted, since a cut value must not pass as text.
fn quoted(text: &str, open: usize, quote: u8, tables: &Tables, out: &mut Vec<Token>) -> usize {
    let bytes = text.as_bytes();
    let mut at = open + 1;
    while let Some(&b) = bytes.get(at) {
        if b == b'\\' {
            at += 2;
            continue;
        }
        if b == quote && (b != b'\'' || !is_letter(bytes.get(at + 1))) {
            break;
        }
        at += 1;
    }
    let close = at.min(bytes.len());
    // Proof: open and close are at an ASCII quote or at the end, except after a final backslash
    // escape, where `get` answers None and the text counts as no identifier.
    let inner = text.get(open + 1..close).unwrap_or(" ");
    if close == open + 1 {
        return close + 1;
    }
    let kind = match ident::shape(inner, tables) {
        Shape::Known { parts: 0 | 1, is_strong: false } | Shape::Unknown => Kind::Quoted,
        Shape::Known { parts, is_strong } => Kind::Ident { parts, is_strong },
        Shape::Source => Kind::Source,
    };
    out.push(Token::new(open + 1, close, kind));
    close + 1
}

/// `[EMAIL]`, `[NIR:k3:9f2c4b1a77de0c11]`, `<w>`, `<n>`, `<str>`, `<unnamed>`.
fn placeholder(text: &str, at: usize, out: &mut Vec<Token>) -> Option<usize> {
    let rest = text.get(at..)?;
    let len = if rest.starts_with('<') {
        ["<w>", "<n>", "<str>", "<unnamed>", "<nil>", "<none>", "<null>"]
            .iter()
            .find(|p| rest.starts_with(**p))
            .map(|p| p.len())?
    } else if rest.starts_with('[') {
        bracket_len(rest.as_bytes())?
    } else {
        return None;
    };
    out.push(Token { keep: true, ..Token::new(at, at + len, Kind::Placeholder) });
    Some(at + len)
}

/// Longest placeholder of other tools, brackets included.
const PLACEHOLDER_BYTES_MAX: usize = 24;

/// What stands in brackets where something was removed, by us or by other tools.
const KINDS: [&str; 31] = [
    "EMAIL",
    "NIR",
    "IBAN",
    "BIC",
    "RIB",
    "PHONE",
    "CARD",
    "SIREN",
    "SIRET",
    "TVA",
    "VAT",
    "NIF",
    "IP",
    "IPV4",
    "IPV6",
    "MAC",
    "SECRET",
    "DOB",
    "PASSPORT",
    "CNI",
    "ID_CARD",
    "LICENCE",
    "LICENSE",
    "DRIVING_LICENCE",
    "PLATE",
    "ADDRESS",
    "PERSON",
    "NAME",
    "REDACTED",
    "CUSTOM",
    "HOST",
];

fn bracket_len(bytes: &[u8]) -> Option<usize> {
    if let Some(len) = crate::placeholder::len(bytes) {
        return Some(len);
    }
    let window = bytes.get(..bytes.len().min(PLACEHOLDER_BYTES_MAX))?;
    let end = memchr::memchr(b']', window)?;
    let inner = std::str::from_utf8(window.get(1..end)?).ok()?;
    KINDS.contains(&inner).then_some(end + 1)
}

const EDGE: [char; 15] =
    ['.', ':', '-', '\'', '/', '\\', '_', '~', '+', '#', '$', '%', '^', '@', '…'];

/// One run of letters, digits and joiners; `key:value` without a space is two of them.
fn piece(text: &str, start: usize, end: usize, tables: &Tables, out: &mut Vec<Token>) {
    let Some(raw) = text.get(start..end) else { return };
    if raw.bytes().all(|b| b.is_ascii_lowercase()) {
        return word(raw, start, tables, out);
    }
    let is_whole = memchr::memchr(b':', raw.as_bytes()).is_none()
        || raw.contains("::")
        || raw.contains("://")
        || raw.contains('@')
        || raw.starts_with(|c: char| c.is_ascii_digit());
    if is_whole {
        return leaf(raw, start, tables, out);
    }
    if let Shape::Source = ident::shape(raw.trim_end_matches(EDGE), tables) {
        let end = start + raw.trim_end_matches(EDGE).len();
        out.push(Token::new(start, end, Kind::Source));
        return;
    }
    let mut at = start;
    for part in raw.split(':') {
        leaf(part, at, tables, out);
        at += part.len() + 1;
    }
}

fn leaf(raw: &str, start: usize, tables: &Tables, out: &mut Vec<Token>) {
    let tail = raw.trim_end_matches(EDGE);
    let core = tail.trim_start_matches(EDGE);
    if core.is_empty() {
        return;
    }
    let lead = tail.len() - core.len();
    let at = start + lead;
    let is_path = tail.get(..lead).is_some_and(|l| l.ends_with(['/', '\\']));
    if core.contains(['@', '%']) || core.contains("://") {
        out.push(Token::new(at, at + core.len(), Kind::Opaque));
    } else if is_path || core.contains(['/', '\\']) && !number::is_fraction(core) {
        path(core, at, tables, out);
    } else if core.starts_with(|c: char| c.is_ascii_digit()) {
        digits_first(core, at, tables, out);
    } else if is_plain(core) {
        words(core, at, tables, out);
    } else {
        identifier(core, at, tables, out);
    }
}

fn digits_first(core: &str, at: usize, tables: &Tables, out: &mut Vec<Token>) {
    let kind = match number::digits(core) {
        Digits::Opaque if tables.find_any_case(core).is_some() => {
            return word(core, at, tables, out);
        }
        Digits::Opaque if core.bytes().any(|b| !b.is_ascii_digit() && !b".:,/-".contains(&b)) => {
            Kind::Opaque
        }
        digits => Kind::Number(digits),
    };
    out.push(Token::new(at, at + core.len(), kind));
}

/// Letters with hyphens or apostrophes only, and no capital after a small letter.
fn is_plain(core: &str) -> bool {
    let mut was_lower = false;
    core.chars().all(|c| {
        let is_hump = was_lower && c.is_uppercase();
        was_lower = c.is_lowercase();
        !is_hump && (c.is_alphabetic() || c == '-' || c == '\'')
    })
}

fn words(core: &str, at: usize, tables: &Tables, out: &mut Vec<Token>) {
    let mut start = 0;
    for part in core.split(['-', '\'']) {
        if !part.is_empty() {
            word(part, at + start, tables, out);
        }
        start += part.len() + 1;
    }
}

fn word(part: &str, at: usize, tables: &Tables, out: &mut Vec<Token>) {
    let mut token = Token::new(at, at + part.len(), Kind::Word);
    token.word = tables.find_any_case(part);
    let first = part.bytes().next().is_some_and(|b| b.is_ascii_uppercase());
    token.is_capital = first && part.bytes().skip(1).any(|b| b.is_ascii_lowercase());
    out.push(token);
}

fn path(core: &str, at: usize, tables: &Tables, out: &mut Vec<Token>) {
    let mut start = 0;
    for part in core.split(['/', '\\']) {
        if !part.is_empty() {
            let kind = ident_kind(part, tables);
            out.push(Token::new(at + start, at + start + part.len(), kind));
        }
        start += part.len() + 1;
    }
}

/// `camelCase`, `snake_case`, dotted names, `name.rs:12`, `sha256`.
fn identifier(core: &str, at: usize, tables: &Tables, out: &mut Vec<Token>) {
    if tables.find_any_case(core).is_some() {
        return word(core, at, tables, out);
    }
    out.push(Token::new(at, at + core.len(), ident_kind(core, tables)));
}

fn ident_kind(text: &str, tables: &Tables) -> Kind {
    match ident::shape(text, tables) {
        Shape::Known { parts, is_strong } => Kind::Ident { parts, is_strong },
        Shape::Source => Kind::Source,
        Shape::Unknown => Kind::Opaque,
    }
}

//! Escapes of one character: backslashes, entities, quoted-printable, UTF-7.

use super::super::text::{at, before, has, is_word, skip, sub};
use super::{Shadow, byte, is_latin, number, surrogates, token};

/// Backslashes looked at in a row: deeper nestings of JSON are read as several runs.
const BACKSLASHES_MAX: usize = 64;
/// Digits after `\x` that hardly are one escape and a word.
const BYTEA_SURE: usize = 24;
/// Characters between two escapes of quoted-printable that vouch for each other.
const SOFT_NEAR: usize = 24;
/// Hexadecimal digits behind `=` that are a value.
const SOFT_VALUE: usize = 16;
/// The same escape in that stretch that makes a control character one.
const SOFT_MANY: usize = 2;
/// Characters of a run of UTF-7 that vouch for the rest.
const UTF7_MAX: usize = 512;

impl Shadow {
    /// A run of backslashes and what it escapes: as in every nesting of JSON, each two are one, and
    /// an odd one escapes what follows.
    pub(super) fn backslash(&mut self, source: &[u8], i: usize) -> usize {
        let j = skip(source, i, BACKSLASHES_MAX, |b| b == b'\\');
        let escapes = matches!(
            at(source, j),
            b'u' | b'U' | b'x' | b'0'
                ..=b'3' | b'e' | b'n' | b'r' | b't' | b'b' | b'"' | b'\'' | b'/' | b'`'
        );
        let pairs = (j - i) / 2;
        if pairs > 0 && escapes {
            let literal = [b'\\'; BACKSLASHES_MAX / 2];
            self.put(source, i, i + 2 * pairs, sub(&literal, 0, pairs));
        }
        let odd = (j - i) % 2 == 1;
        if odd { self.escaped(source, i + 2 * pairs, j) } else { j }
    }

    /// What a backslash at `i` escapes at `j`.
    fn escaped(&mut self, source: &[u8], i: usize, j: usize) -> usize {
        match at(source, j) {
            b'u' => self.unicode(source, i, j),
            b'U' => match number(source, j + 1, 8) {
                Some(c) => self.put_char(source, i, j + 9, c),
                None => j,
            },
            b'x' => self.hex_escape(source, i, j),
            b'0'..=b'3' => match sub(source, j, j + 3) {
                &[a, b @ b'0'..=b'7', c @ b'0'..=b'7'] => {
                    let value = (a - b'0') << 6 | (b - b'0') << 3 | (c - b'0');
                    self.put(source, i, j + 3, &[value])
                }
                _ => j,
            },
            b'e' if at(source, j + 1) == b'[' => self.put(source, i, j + 1, &[0x1B]),
            b'n' | b'r' => self.put(source, i, j + 1, b"\n"),
            b't' => self.put(source, i, j + 1, b"\t"),
            b'b' if struck(source, i, j + 1) => self.backspace(source, i, j + 1),
            b @ (b'"' | b'\'' | b'/' | b'`') => self.put(source, i, j + 1, &[b]),
            _ => j,
        }
    }

    /// `\u0040`, a pair of surrogates, `\u{40}`; `u` is where the letter stands.
    fn unicode(&mut self, source: &[u8], i: usize, u: usize) -> usize {
        if at(source, u + 1) == b'{' {
            let end = skip(source, u + 2, 8, |b| b.is_ascii_hexdigit());
            return match number(source, u + 2, end - u - 2) {
                Some(c) if at(source, end) == b'}' && end > u + 2 => {
                    self.put_char(source, i, end + 1, c)
                }
                _ => u,
            };
        }
        let Some(c) = number(source, u + 1, 4) else { return u };
        let k = skip(source, u + 5, BACKSLASHES_MAX, |b| b == b'\\');
        let half = if k > u + 5 && at(source, k) == b'u' { number(source, k + 1, 4) } else { None };
        match half.and_then(|lo| surrogates(c, lo)) {
            Some(c) => self.put_char(source, i, k + 5, c),
            None => self.put_char(source, i, u + 5, c),
        }
    }

    /// `\x40`, or a database's `\x6a6f…`. Digits alone may be one escape before a number: they are
    /// read together only if digits come out for the most part.
    fn hex_escape(&mut self, source: &[u8], i: usize, x: usize) -> usize {
        let end = skip(source, x + 1, source.len(), |b| b.is_ascii_hexdigit());
        let digits = sub(source, x + 1, end);
        let rest = sub(digits, 2, digits.len());
        let number = |p: &&[u8]| matches!(byte(p, 0), Some(0 | b' ' | b'0'..=b'9'));
        let ascii = |p: &[u8]| byte(p, 0).is_some_and(|b| b.is_ascii());
        let together = !rest.iter().all(u8::is_ascii_digit)
            || rest.chunks_exact(2).filter(number).count() * 4 >= rest.len();
        let long = digits.len() >= BYTEA_SURE || digits.chunks_exact(2).all(ascii);
        // One of a row of escapes, or a control character and a word.
        let row = self.done == i && i >= 4 && has(source, i - 4, b"\\x");
        let control = byte(digits, 0).is_some_and(|b| b < b' ');
        if end - x > 6
            && together
            && long
            && !row
            && !control
            && self.coded(source, (i, end), (x + 1, end), token::Code::Hex)
        {
            return end;
        }
        match byte(source, x + 1) {
            Some(b) => self.put(source, i, x + 3, &[b]),
            None => x,
        }
    }

    /// `&#64;`, `&#x40;`, `&nbsp;`, each `&` perhaps written `&amp;`.
    pub(super) fn entity(&mut self, source: &[u8], i: usize) -> usize {
        let mut j = i + 1;
        while has(source, j, b"amp;") && j < i + 64 {
            j += 4;
        }
        if at(source, j) != b'#' {
            let end = skip(source, j, 8, |b| b.is_ascii_alphabetic());
            let closed = at(source, end) == b';';
            let is = |(name, _): &&(&[u8], u32)| *name == sub(source, j, end);
            let named = if closed { NAMED.iter().find(is) } else { None };
            return match named {
                Some((_, c)) => self.put_char(source, i, end + 1, *c),
                _ if j > i + 1 => self.put(source, i, j, b"&"),
                _ => i + 1,
            };
        }
        let hexadecimal = matches!(at(source, j + 1), b'x' | b'X');
        let (radix, from) = if hexadecimal { (16, j + 2) } else { (10, j + 1) };
        let end = skip(source, from, 8, |b| char::from(b).is_digit(radix));
        let value = std::str::from_utf8(sub(source, from, end)).ok();
        match value.and_then(|v| u32::from_str_radix(v, radix).ok()) {
            Some(c) if at(source, end) == b';' => self.put_char(source, i, end + 1, c),
            // Without its semicolon it may be cut by something: a printed or a padded one is not.
            Some(c) if c >= 0x20 || end - from >= 4 => self.put_char(source, i, end, c),
            _ => i + 1,
        }
    }

    /// `=40`, `=C3=A9`. Only what cannot well be the start of a value, as `=20` may be: two in a
    /// row, or a sign or a space between two letters or digits where another one is near.
    pub(super) fn quoted_printable(&mut self, source: &[u8], i: usize) -> usize {
        let Some(b) = soft(source, i) else { return i + 1 };
        let window = || i.saturating_sub(SOFT_NEAR)..i + SOFT_NEAR;
        // No text has control characters, but many a value starts with `=00`: only what another
        // encoding left, one such between any two characters.
        let control = b < b' ' && !matches!(b, 7 | b'\t' | b'\n' | b'\r' | 0x1B);
        let many = || window().filter(|j| soft(source, *j) == Some(b)).count() > SOFT_MANY;
        if control && !(matches!(b, 0 | 8) && many()) {
            return i + 1;
        }
        let chained = self.done == i && i.checked_sub(3).is_some_and(|j| soft(source, j).is_some());
        let sign = !b.is_ascii_alphanumeric();
        // `key=5F08…` is a value in hexadecimal.
        let run = skip(source, i + 1, SOFT_VALUE, |b| b.is_ascii_hexdigit()) - i - 1;
        let left = is_word(before(source, i)) && run < SOFT_VALUE;
        let right = is_word(at(source, i + 3));
        let alone = b == b'@' && at(source, i + 3).is_ascii_alphabetic()
            || matches!(b, b'.' | b'-' | b'/' | b':' | b'_');
        let near = || window().any(|j| j != i && soft(source, j).is_some());
        // A number behind its plus; longer ones may be hexadecimal.
        let phone = || {
            let end = skip(source, i + 3, 16, |b| b.is_ascii_digit());
            (i + 10..i + 19).contains(&end) && !is_word(at(source, end))
        };
        let closes =
            matches!(at(source, i + 3), 0 | b' ' | b'=' | b'&' | b'<' | b'\\' | b'\n' | b'\r')
                || matches!(at(source, i + 3), b'"' | b'\'' | b')' | b']' | b'}' | b',' | b';');
        let padding = b == b'=' && (left || before(source, i) == b'=') && closes;
        // ASCII, or the first byte of a character: `key=DE=E2` starts with a value.
        let starts = soft(source, i + 3)
            .is_some_and(|next| b < 0x80 || b >= 0xC0 && (0x80..0xC0).contains(&next));
        if chained
            || padding
            || starts
            || left && right && (sign && alone || b == 0xA0)
            || b == b'+' && phone()
            || sign && (left || right) && near()
        {
            return self.put(source, i, i + 3, &[b]);
        }
        i + 1
    }

    /// `+AEA-`.
    pub(super) fn utf7(&mut self, source: &[u8], i: usize) -> usize {
        if !is_utf7(source, i) {
            return i + 1;
        }
        let mut units = Units::new(source, i + 1);
        let mut from = i;
        while let Some(c) = units.next().filter(|c| is_latin(*c)) {
            from = self.put_char(source, from, units.at, c);
        }
        // What is left of the run is padding.
        let end = from.max(units.at) + usize::from(at(source, units.at) == b'-');
        self.put(source, from, end, b"")
    }
}

/// Whether a run of UTF-7 starts at `i`, one that writes characters of a text in Latin letters: all
/// of it, or [`UTF7_MAX`] if it is longer. The first character that is none ends the look.
fn is_utf7(source: &[u8], i: usize) -> bool {
    // The first six bits of a Latin character, or of one that stands for it.
    if !matches!(at(source, i + 1), b'A'..=b'M' | b'/' | b'2' | b'+') {
        return false;
    }
    let mut units = Units::new(source, i + 1);
    let mut n = 0;
    while let Some(c) = units.next() {
        n += 1;
        if !is_latin(c) {
            return false;
        }
        if units.at - i > UTF7_MAX {
            return true;
        }
    }
    n > 0 && units.pads()
}

/// Characters written in base64 of UTF-16.
struct Units<'a> {
    source: &'a [u8],
    at: usize,
    bits: u32,
    held: u32,
}

impl<'a> Units<'a> {
    fn new(source: &'a [u8], at: usize) -> Units<'a> {
        Units { source, at, bits: 0, held: 0 }
    }

    fn next(&mut self) -> Option<u32> {
        let hi = self.unit()?;
        if !(0xD800..0xDC00).contains(&hi) {
            return Some(hi);
        }
        let lo = self.unit()?;
        Some(surrogates(hi, lo).unwrap_or(hi))
    }

    /// The next 16 bits; at the end of the run it stands behind all of its characters.
    fn unit(&mut self) -> Option<u32> {
        while self.held < 16 {
            let b = at(self.source, self.at);
            let six = token::sextet(b).filter(|_| !matches!(b, b'-' | b'_'))?;
            self.bits = self.bits << 6 | u32::from(six);
            self.held += 6;
            self.at += 1;
        }
        self.held -= 16;
        Some(self.bits >> self.held & 0xFFFF)
    }

    /// Whether what is left of the last character is padding.
    fn pads(&self) -> bool {
        self.held < 6 && self.bits & ((1 << self.held) - 1) == 0
    }
}

/// The byte that `=XX` at `i` writes, in upper case as the standard wants.
fn soft(source: &[u8], i: usize) -> Option<u8> {
    let upper = |b: u8| b.is_ascii_digit() || (b'A'..=b'F').contains(&b);
    let written = at(source, i) == b'=' && upper(at(source, i + 1)) && upper(at(source, i + 2));
    if written { byte(source, i + 1) } else { None }
}

/// Whether a backspace between two equal characters, or after `_`, prints one bold or underlined.
fn struck(source: &[u8], from: usize, to: usize) -> bool {
    let prev = before(source, from);
    is_word(at(source, to)) && (prev == b'_' || prev == at(source, to) || prev >= 0x80)
}

/// Entities that occur in French text, and the signs that matter.
const NAMED: &[(&[u8], u32)] = &[
    (b"nbsp", 0xA0),
    (b"shy", 0xAD),
    (b"zwnj", 0x200C),
    (b"zwj", 0x200D),
    (b"lrm", 0x200E),
    (b"rlm", 0x200F),
    (b"commat", 0x40),
    (b"quot", 0x22),
    (b"apos", 0x27),
    (b"lt", 0x3C),
    (b"gt", 0x3E),
    (b"period", 0x2E),
    (b"plus", 0x2B),
    (b"hyphen", 0x2D),
    (b"dash", 0x2D),
    (b"minus", 0x2D),
    (b"ndash", 0x2D),
    (b"mdash", 0x2D),
    (b"colon", 0x3A),
    (b"equals", 0x3D),
    (b"sol", 0x2F),
    (b"bsol", 0x5C),
    (b"lowbar", 0x5F),
    (b"num", 0x23),
    (b"excl", 0x21),
    (b"dollar", 0x24),
    (b"percnt", 0x25),
    (b"ast", 0x2A),
    (b"midast", 0x2A),
    (b"comma", 0x2C),
    (b"semi", 0x3B),
    (b"quest", 0x3F),
    (b"lpar", 0x28),
    (b"rpar", 0x29),
    (b"lsqb", 0x5B),
    (b"lbrack", 0x5B),
    (b"rsqb", 0x5D),
    (b"rbrack", 0x5D),
    (b"lcub", 0x7B),
    (b"lbrace", 0x7B),
    (b"rcub", 0x7D),
    (b"rbrace", 0x7D),
    (b"verbar", 0x7C),
    (b"vert", 0x7C),
    (b"grave", 0x60),
    (b"Hat", 0x5E),
    (b"Tab", 0x09),
    (b"NewLine", 0x0A),
    (b"thinsp", 0x2009),
    (b"ensp", 0x2002),
    (b"emsp", 0x2003),
    (b"numsp", 0x2007),
    (b"puncsp", 0x2008),
    (b"eacute", 0xE9),
    (b"egrave", 0xE8),
    (b"ecirc", 0xEA),
    (b"euml", 0xEB),
    (b"agrave", 0xE0),
    (b"acirc", 0xE2),
    (b"ccedil", 0xE7),
    (b"icirc", 0xEE),
    (b"iuml", 0xEF),
    (b"ocirc", 0xF4),
    (b"ouml", 0xF6),
    (b"ugrave", 0xF9),
    (b"ucirc", 0xFB),
    (b"uuml", 0xFC),
    (b"ntilde", 0xF1),
    (b"Eacute", 0xC9),
    (b"Egrave", 0xC8),
    (b"Ccedil", 0xC7),
    (b"Agrave", 0xC0),
    (b"deg", 0xB0),
];

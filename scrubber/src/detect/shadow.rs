//! The shadow of a text: the same text decoded one layer, with a map back to the source.
//!
//! One pass decodes percent (nested `%2525…` at once), backslash escapes (any number of
//! backslashes), HTML entities, quoted-printable, base64 and hexadecimal tokens that turn out to be
//! text, folds other scripts' digits and signs to ASCII and drops what is not drawn (zero-width,
//! soft hyphen, bidi, terminal colours). A shadow is never longer than its source, so layers cannot
//! explode; [`LAYERS_MAX`] bounds how many are taken off.

use super::fold::{Fold, fold};
use super::gate::{self, CODED_MIN, Gate};
use super::text::{at, before, has, hex, is_word, skip, sub};

/// Layers of encoding taken off.
pub(crate) const LAYERS_MAX: usize = 4;
/// `@` in UTF-7.
const UTF7_AT: &[u8] = b"+AEA-";
/// Parts of one token tried alone.
const PARTS_MAX: usize = 8;

/// A stretch of the shadow and the stretch of source it came from.
#[derive(Clone, Copy)]
struct Segment {
    start: usize,
    from: usize,
    to: usize,
    /// Byte for byte the same: offsets inside correspond.
    copied: bool,
}

/// One decoded layer. Its buffers are reused from line to line.
#[derive(Default)]
pub(crate) struct Shadow {
    text: Vec<u8>,
    segments: Vec<Segment>,
    /// Source bytes already copied.
    done: usize,
}

impl Shadow {
    /// The decoded text.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Decodes one layer of `source`, on which `gate` was opened. Returns whether anything changed.
    pub(crate) fn decode(&mut self, source: &[u8], gate: &Gate) -> bool {
        self.text.clear();
        self.segments.clear();
        self.done = 0;
        let mut i = 0;
        for p in gate::bits(gate.encoded(), 0) {
            if p >= i {
                i = self.at(source, p);
            }
        }
        if self.segments.is_empty() {
            return false;
        }
        self.flush(source, source.len());
        true
    }

    /// Decodes at `p`, and on while a token goes on behind what was decoded.
    fn at(&mut self, source: &[u8], p: usize) -> usize {
        let mut i = p;
        loop {
            let b = at(source, i);
            i = if b.is_ascii_alphanumeric() {
                self.token(source, i)
            } else {
                self.escape(source, i)
            };
            if !in_base64(at(source, i)) {
                return i;
            }
        }
    }

    /// The source range of a range of the shadow.
    pub(crate) fn map(&self, start: usize, end: usize) -> (usize, usize) {
        let find = |at: usize| {
            let i = self.segments.partition_point(|s| s.start <= at);
            i.checked_sub(1).and_then(|i| self.segments.get(i)).copied()
        };
        let from =
            find(start).map_or(0, |s| if s.copied { s.from + start - s.start } else { s.from });
        let last = end.saturating_sub(1);
        let to =
            find(last).map_or(0, |s| if s.copied { s.from + last - s.start + 1 } else { s.to });
        (from, to.max(from))
    }

    /// Copies the source up to `upto`.
    fn flush(&mut self, source: &[u8], upto: usize) {
        if upto > self.done {
            let start = self.text.len();
            self.segments.push(Segment { start, from: self.done, to: upto, copied: true });
            self.text.extend_from_slice(sub(source, self.done, upto));
        }
        self.done = self.done.max(upto);
    }

    /// Replaces source `from..to` by `bytes`.
    fn put(&mut self, source: &[u8], from: usize, to: usize, bytes: &[u8]) -> usize {
        self.flush(source, from);
        self.segments.push(Segment { start: self.text.len(), from, to, copied: false });
        self.text.extend_from_slice(bytes);
        self.done = to;
        to
    }

    fn put_char(&mut self, source: &[u8], from: usize, to: usize, c: u32) -> usize {
        let mut utf8 = [0; 4];
        match char::from_u32(c) {
            Some(c) => self.put(source, from, to, c.encode_utf8(&mut utf8).as_bytes()),
            None => self.put(source, from, to, b"?"),
        }
    }

    /// Decodes what starts at a byte that is neither a letter nor a digit.
    fn escape(&mut self, source: &[u8], i: usize) -> usize {
        match at(source, i) {
            b'%' => {
                let mut j = i + 1;
                while sub(source, j, j + 2) == b"25" && hex(at(source, j + 2)).is_some() {
                    j += 2;
                }
                match byte(source, j) {
                    Some(b) => self.put(source, i, j + 2, &[b]),
                    None => i + 1,
                }
            }
            b'\\' => self.backslash(source, i),
            b'&' => self.entity(source, i),
            b'=' => self.quoted_printable(source, i),
            b'+' if has(source, i, UTF7_AT) => self.put(source, i, i + 5, b"@"),
            b'^' if has(source, i, b"^[[") => self.terminal(source, i, i + 3),
            0x1B => self.terminal(source, i, i + 2),
            0 => self.put(source, i, i + 1, b""),
            b if b >= 0x80 => self.character(source, i, b),
            _ => i + 1,
        }
    }

    /// A terminal's control sequence whose parameters start at `from`.
    fn terminal(&mut self, source: &[u8], i: usize, from: usize) -> usize {
        if before(source, from) == b'[' {
            let end =
                skip(source, from, 24, |b| b.is_ascii_digit() || matches!(b, b';' | b'?' | b':'));
            if at(source, end).is_ascii_alphabetic() {
                return self.put(source, i, end + 1, b"");
            }
        }
        if before(source, from) == b']' {
            let end = skip(source, from, 256, |b| b != 0x07 && b != 0x1B);
            return self.put(source, i, (end + 1).min(source.len()), b"");
        }
        self.put(source, i, i + 1, b"")
    }

    /// One or more backslashes and what they escape.
    fn backslash(&mut self, source: &[u8], i: usize) -> usize {
        let j = skip(source, i, 64, |b| b == b'\\');
        match at(source, j) {
            b'u' => match number(source, j + 1, 4) {
                Some(hi @ 0xD800..=0xDBFF) => {
                    let k = skip(source, j + 5, 64, |b| b == b'\\');
                    match number(source, k + 1, 4) {
                        Some(lo @ 0xDC00..=0xDFFF) if k > j + 5 && at(source, k) == b'u' => {
                            let c = 0x10000 + ((hi - 0xD800) << 10) + (lo - 0xDC00);
                            self.put_char(source, i, k + 5, c)
                        }
                        _ => self.put(source, i, j + 5, b"?"),
                    }
                }
                Some(c) => self.put_char(source, i, j + 5, c),
                None => j,
            },
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
            b @ (b'"' | b'\'' | b'/' | b'`') => self.put(source, i, j + 1, &[b]),
            _ => j,
        }
    }

    /// `\x40`, or a database's `\x6a6f…`.
    fn hex_escape(&mut self, source: &[u8], i: usize, x: usize) -> usize {
        let end = skip(source, x + 1, source.len(), |b| b.is_ascii_hexdigit());
        if end - x > 6 && self.coded(source, (i, end), (x + 1, end), Code::Hex) {
            return end;
        }
        match byte(source, x + 1) {
            Some(b) => self.put(source, i, x + 3, &[b]),
            None => x,
        }
    }

    /// `&#64;`, `&#x40;`, `&nbsp;`, each `&` perhaps written `&amp;`.
    fn entity(&mut self, source: &[u8], i: usize) -> usize {
        let mut j = i + 1;
        while has(source, j, b"amp;") && j < i + 64 {
            j += 4;
        }
        if at(source, j) != b'#' {
            let end = skip(source, j, 8, |b| b.is_ascii_alphabetic());
            let named = NAMED.iter().find(|(name, _)| *name == sub(source, j, end));
            return match named {
                Some((_, c)) if at(source, end) == b';' => self.put_char(source, i, end + 1, *c),
                _ if j > i + 1 => self.put(source, i, j, b"&"),
                _ => i + 1,
            };
        }
        let radix = if matches!(at(source, j + 1), b'x' | b'X') { 16 } else { 10 };
        let from = j + 1 + usize::from(radix == 16);
        let end = skip(source, from, 8, |b| b.is_ascii_hexdigit());
        let value = std::str::from_utf8(sub(source, from, end)).ok();
        match value.and_then(|v| u32::from_str_radix(v, radix).ok()) {
            Some(c) if end > from => {
                self.put_char(source, i, end + usize::from(at(source, end) == b';'), c)
            }
            _ => i + 1,
        }
    }

    /// `=40`, `=C3=A9`. Only what cannot be the start of a value: `=20` may be one.
    fn quoted_printable(&mut self, source: &[u8], i: usize) -> usize {
        if at(source, i + 1).is_ascii_lowercase() || at(source, i + 2).is_ascii_lowercase() {
            return i + 1;
        }
        let Some(b) = byte(source, i + 1) else { return i + 1 };
        let chained =
            b >= 0xC2 && at(source, i + 3) == b'=' || b >= 0x80 && before(source, i + 1) == b'=';
        let utf8 = b >= 0xC2 && byte(source, i + 4).is_some_and(|c| (0x80..0xC0).contains(&c))
            || (0x80..0xC0).contains(&b) && self.done == i && i > 0;
        let sign = b == b'@' && at(source, i + 3).is_ascii_alphabetic()
            || matches!(sub(source, i + 1, i + 3), b"2E" | b"2D" | b"2B" | b"2F" | b"3A" | b"5F");
        if chained && utf8 || sign && is_word(before(source, i)) && is_word(at(source, i + 3)) {
            return self.put(source, i, i + 3, &[b]);
        }
        i + 1
    }

    /// A character beyond ASCII, or a stray byte of an older encoding.
    fn character(&mut self, source: &[u8], i: usize, b: u8) -> usize {
        let width = match b {
            0xC2..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF4 => 4,
            _ => 1,
        };
        let decoded =
            std::str::from_utf8(sub(source, i, i + width)).ok().and_then(|s| s.chars().next());
        match (decoded, b) {
            (Some(c), _) => match fold(c as u32) {
                Fold::Keep => i + width,
                Fold::Drop => self.put(source, i, i + width, b""),
                Fold::To(to) => self.put(source, i, i + width, &[to]),
            },
            (None, 0xA0) => self.put(source, i, i + 1, b" "),
            (None, 0xAD) => self.put(source, i, i + 1, b""),
            (None, _) => i + 1,
        }
    }

    /// A run of letters and digits, perhaps base64 or hexadecimal text. Returns where to go on.
    fn token(&mut self, source: &[u8], i: usize) -> usize {
        let word = skip(source, i, source.len(), |b| b.is_ascii_alphanumeric());
        let run = skip(source, word, source.len(), in_base64);
        if run - i < CODED_MIN {
            return run;
        }
        let padded = skip(source, run, 2, |b| b == b'=');
        if has(source, i, b"0x") && self.coded(source, (i, word), (i + 2, word), Code::Hex)
            || self.coded(source, (i, word), (i, word), Code::Hex)
        {
            return word;
        }
        let mixed = {
            let token = sub(source, i, run);
            token.iter().any(u8::is_ascii_uppercase)
                && token.iter().any(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        for skipped in 0..if mixed { 4 } else { 0 } {
            if self.coded(source, (i, padded), (i + skipped, run), Code::Base64(skipped)) {
                return padded;
            }
        }
        let mut from = i;
        for _ in 0..PARTS_MAX {
            let end = skip(source, from, run - from, |b| b.is_ascii_alphanumeric());
            let padded = if end == run { padded } else { end };
            if end - from >= CODED_MIN
                && (self.coded(source, (from, end), (from, end), Code::Hex)
                    || mixed && self.coded(source, (from, padded), (from, end), Code::Base64(0)))
            {
                from = padded;
            } else {
                from = end;
            }
            from = skip(source, from, run.saturating_sub(from), |b| !b.is_ascii_alphanumeric());
            if from >= run {
                break;
            }
        }
        // A `+` in the run may be UTF-7's.
        let utf7 = sub(source, i, run).windows(5).position(|w| w == b"+AEA-");
        utf7.map_or(run.max(from), |k| i + k)
    }

    /// Replaces `outer` by the text that `inner` encodes, if it is text.
    fn coded(
        &mut self,
        source: &[u8],
        outer: (usize, usize),
        inner: (usize, usize),
        code: Code,
    ) -> bool {
        let token = sub(source, inner.0, inner.1);
        let (segments, done, mark) = (self.segments.len(), self.done, self.text.len());
        let (least, looks) = match code {
            Code::Hex => (6, token.len().is_multiple_of(2) && decodes(token, 12, Code::Hex)),
            Code::Base64(skipped) => (
                if skipped == 0 { 9 } else { 15 },
                token.len() % 4 != 1 && decodes(token, 16, code),
            ),
        };
        let digits_only = matches!(code, Code::Hex)
            && token.len() < 16
            && !token.iter().any(u8::is_ascii_alphabetic);
        if !looks || digits_only {
            return false;
        }
        self.flush(source, outer.0);
        let start = self.text.len();
        if let Code::Base64(skipped) = code {
            self.text.extend_from_slice(sub(source, inner.0 - skipped, inner.0));
        }
        let body = self.text.len();
        let whole = append(token, code, &mut self.text) && self.text.len() - body >= least;
        if !whole || !is_text(sub(&self.text, body, self.text.len())) {
            self.text.truncate(mark);
            self.segments.truncate(segments);
            self.done = done;
            return false;
        }
        self.segments.push(Segment { start, from: outer.0, to: outer.1, copied: false });
        self.done = outer.1;
        true
    }
}

/// An encoding of bytes as text; base64 may start up to three characters late.
#[derive(Clone, Copy)]
enum Code {
    Hex,
    Base64(usize),
}

/// Whether the first `n` characters decode to text: a cheap look before all is decoded.
fn decodes(token: &[u8], n: usize, code: Code) -> bool {
    let head = sub(token, 0, n.min(token.len()));
    let ok = |b: u8| b >= 0x20 && b != 0x7F || matches!(b, b'\t' | b'\n' | b'\r' | 0x1B);
    match code {
        Code::Hex => head.chunks_exact(2).all(|p| byte(p, 0).is_some_and(ok)),
        Code::Base64(_) => {
            head.chunks_exact(4).all(|q| quad(q).is_some_and(|b| b.into_iter().all(ok)))
        }
    }
}

/// Appends what a token encodes. False if a character is not of the alphabet.
fn append(token: &[u8], code: Code, out: &mut Vec<u8>) -> bool {
    match code {
        Code::Hex => token.chunks_exact(2).all(|p| byte(p, 0).map(|b| out.push(b)).is_some()),
        Code::Base64(_) => {
            let chunks = token.chunks_exact(4);
            let rest = chunks.remainder();
            for q in chunks {
                let Some(bytes) = quad(q) else { return false };
                out.extend_from_slice(&bytes);
            }
            let mut last = [b'A'; 4];
            for (l, &b) in last.iter_mut().zip(rest) {
                *l = b;
            }
            let Some(bytes) = quad(&last) else { return false };
            out.extend_from_slice(sub(&bytes, 0, rest.len().saturating_sub(1)));
            true
        }
    }
}

/// Text as people and programs write it: UTF-8 or Latin-1 without control characters.
fn is_text(bytes: &[u8]) -> bool {
    let control = |b: &u8| *b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r' | 0x1B) || *b == 0x7F;
    if bytes.iter().any(control) {
        return false;
    }
    match std::str::from_utf8(bytes) {
        Ok(_) => true,
        // The last character may be cut.
        Err(e) => e.error_len().is_none() && e.valid_up_to() + 4 > bytes.len(),
    }
}

fn quad(q: &[u8]) -> Option<[u8; 3]> {
    let mut n = 0u32;
    for &b in q {
        n = n << 6 | u32::from(sextet(b)?);
    }
    let [_, a, b, c] = n.to_be_bytes();
    Some([a, b, c])
}

fn sextet(b: u8) -> Option<u8> {
    match b {
        b'A'..=b'Z' => Some(b - b'A'),
        b'a'..=b'z' => Some(b - b'a' + 26),
        b'0'..=b'9' => Some(b - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

fn in_base64(b: u8) -> bool {
    sextet(b).is_some()
}

/// The byte that two hexadecimal digits at `i` write.
fn byte(text: &[u8], i: usize) -> Option<u8> {
    Some(hex(at(text, i))? << 4 | hex(at(text, i + 1))?)
}

/// The number that `n` hexadecimal digits at `i` write.
fn number(text: &[u8], i: usize, n: usize) -> Option<u32> {
    (i..i + n).try_fold(0, |v, j| Some(v << 4 | u32::from(hex(at(text, j))?)))
}

/// Entities that occur in French text, and the signs that matter.
const NAMED: &[(&[u8], u32)] = &[
    (b"nbsp", 0xA0),
    (b"shy", 0xAD),
    (b"zwnj", 0x200C),
    (b"zwj", 0x200D),
    (b"commat", 0x40),
    (b"quot", 0x22),
    (b"apos", 0x27),
    (b"lt", 0x3C),
    (b"gt", 0x3E),
    (b"period", 0x2E),
    (b"plus", 0x2B),
    (b"hyphen", 0x2D),
    (b"colon", 0x3A),
    (b"equals", 0x3D),
    (b"sol", 0x2F),
    (b"lowbar", 0x5F),
    (b"thinsp", 0x2009),
    (b"ensp", 0x2002),
    (b"emsp", 0x2003),
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

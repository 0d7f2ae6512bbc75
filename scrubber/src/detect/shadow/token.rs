//! Tokens: base64, hexadecimal together or in groups, numbers with an exponent.

use super::super::text::{at, before, has, is_word, skip, sub};
use super::{Shadow, byte, overlong};

/// Shortest base64 or hexadecimal token looked into.
const TOKEN_MIN: usize = 12;
/// Parts of one run of token characters from which the rest of the run is tried.
const SUFFIXES_MAX: usize = 8;
/// Bytes that hexadecimal groups write at least.
const GROUPS_MIN: usize = 6;
/// Digits of a number with an exponent: the longest identifier in digits has 23.
const EXPONENT_DIGITS_MAX: usize = 24;

/// An encoding of bytes as text; base64 may start up to three characters late.
#[derive(Clone, Copy)]
pub(super) enum Code {
    Hex,
    Base64(usize),
}

impl Shadow {
    /// A run of letters and digits, perhaps the start of something that encodes text. Returns
    /// where to go on.
    pub(super) fn token(&mut self, source: &[u8], i: usize) -> usize {
        let word = skip(source, i, source.len(), |b| b.is_ascii_alphanumeric());
        if word - i <= 4
            && let Some(end) = self.exponent(source, i, word).or_else(|| {
                let groups = Groups::at(source, i, word)?;
                Some(self.groups(source, &groups))
            })
        {
            return end;
        }
        if word - i >= TOKEN_MIN {
            let digits = i + if has(source, i, b"0x") { 2 } else { 0 };
            if self.coded(source, (i, word), (digits, word), Code::Hex) {
                return word;
            }
        }
        self.base64(source, i, word).unwrap_or(word)
    }

    /// The word at `i` and what continues it in the alphabets of base64.
    fn base64(&mut self, source: &[u8], i: usize, word: usize) -> Option<usize> {
        if i >= self.tried {
            self.tried = skip(source, word, source.len(), in_base64);
            self.suffixes = 0;
            if self.tried - i < TOKEN_MIN {
                return None;
            }
            for skipped in 0..4 {
                if let Some(end) = self.base64_from(source, i, self.tried, skipped) {
                    return Some(end);
                }
            }
        } else if self.tried - i >= TOKEN_MIN && self.suffixes < SUFFIXES_MAX {
            self.suffixes += 1;
            if let Some(end) = self.base64_from(source, i, self.tried, 0) {
                return Some(end);
            }
        }
        let part = word - i >= TOKEN_MIN && word < self.tried;
        if part { self.base64_from(source, i, word, 0) } else { None }
    }

    fn base64_from(
        &mut self,
        source: &[u8],
        from: usize,
        to: usize,
        skipped: usize,
    ) -> Option<usize> {
        let end = skip(source, to, 2, |b| b == b'=');
        let inner = (from + skipped, to);
        self.coded(source, (from, end), inner, Code::Base64(skipped)).then_some(end)
    }

    /// Replaces `outer` by the text that `inner` encodes, if it is text.
    pub(super) fn coded(
        &mut self,
        source: &[u8],
        outer: (usize, usize),
        inner: (usize, usize),
        code: Code,
    ) -> bool {
        let token = sub(source, inner.0, inner.1);
        let (least, looks) = match code {
            Code::Hex => {
                let short = token.len() < 16 && !token.iter().any(u8::is_ascii_alphabetic);
                let even = token.len().is_multiple_of(2);
                (6, even && !short && decodes(token, 12, Code::Hex))
            }
            Code::Base64(skipped) => (
                if skipped == 0 { 9 } else { 15 },
                token.len() % 4 != 1 && decodes(token, 16, code) && mixed(token),
            ),
        };
        if !looks {
            return false;
        }
        let kept = if let Code::Base64(skipped) = code { skipped } else { 0 };
        self.attempt(source, outer, kept + least, |text| {
            text.extend_from_slice(sub(source, inner.0 - kept, inner.0));
            append(token, code, text).then_some(kept)
        })
    }

    /// Replaces `outer` by what `fill` appends, if it is text from the offset on that `fill` gives
    /// and `least` bytes long or more.
    pub(super) fn attempt(
        &mut self,
        source: &[u8],
        outer: (usize, usize),
        least: usize,
        fill: impl FnOnce(&mut Vec<u8>) -> Option<usize>,
    ) -> bool {
        let (segments, done, mark) = (self.segments.len(), self.done, self.text.len());
        self.flush(source, outer.0);
        self.segment(outer.0, outer.1);
        let start = self.text.len();
        let body = fill(&mut self.text).map(|skipped| start + skipped);
        let written = body.is_some_and(|body| {
            self.text.len() - start >= least && is_text(sub(&self.text, body, self.text.len()))
        });
        if written {
            self.done = outer.1;
            self.changed = true;
        } else {
            self.text.truncate(mark);
            self.segments.truncate(segments);
            self.done = done;
        }
        written
    }

    /// `1.85057800608491E14`: an identifier that passed through a floating point number.
    fn exponent(&mut self, source: &[u8], i: usize, word: usize) -> Option<usize> {
        if at(source, word) != b'.' || !sub(source, i, word).iter().all(u8::is_ascii_digit) {
            return None;
        }
        let point = skip(source, word + 1, EXPONENT_DIGITS_MAX, |b| b.is_ascii_digit());
        let sign = point + 1 + usize::from(at(source, point + 1) == b'+');
        let end = skip(source, sign, 2, |b| b.is_ascii_digit());
        let written = std::str::from_utf8(sub(source, sign, end)).ok()?;
        let (shift, decimals) = (written.parse::<usize>().ok()?, point - word - 1);
        let whole = (decimals..=decimals + 2).contains(&shift) && word - i + shift >= 9;
        let alone = !is_word(at(source, end)) && !matches!(before(source, i), b'.' | b'-');
        if !whole || !alone || !matches!(at(source, point), b'e' | b'E') {
            return None;
        }
        let mut digits = [b'0'; EXPONENT_DIGITS_MAX + 6];
        let read = sub(source, i, word).iter().chain(sub(source, word + 1, point));
        digits.iter_mut().zip(read).for_each(|(d, b)| *d = *b);
        Some(self.put(source, i, end, sub(&digits, 0, word - i + shift)))
    }

    /// Replaces each stretch of text that the groups write.
    fn groups(&mut self, source: &[u8], groups: &Groups) -> usize {
        let mut i = Some(groups.start);
        while let Some(from) = i {
            // A stretch ends where a byte is written that no text has.
            let (mut next, mut last, mut n) = (Some(from), from, 0);
            while let Some(j) = next
                && groups.bytes(source, j).all(|b| b.is_some_and(|b| in_text(b) || b == 0))
            {
                n += groups.width / 2;
                last = j + groups.prefix + groups.width;
                next = groups.next(source, j);
            }
            if n >= GROUPS_MIN {
                self.attempt(source, (from, last), GROUPS_MIN, |text| {
                    let mut j = from;
                    text.extend(groups.bytes(source, j).flatten());
                    while let Some(k) = groups.next(source, j).filter(|k| *k < last) {
                        text.extend(groups.bytes(source, k).flatten());
                        j = k;
                    }
                    Some(0)
                });
            }
            i = if n > 0 { next } else { groups.next(source, from) };
        }
        groups.end
    }
}

/// A chain of hexadecimal groups with one separator: `30 36 33`, `30:36:33`, `30-36-33`,
/// `3036 3339`, `0x30, 0x36`.
struct Groups {
    start: usize,
    end: usize,
    /// Digits of a group.
    width: usize,
    /// Length of `0x`, or 0.
    prefix: usize,
    sep: u8,
}

impl Groups {
    /// The chain whose first group is the word at `i`.
    fn at(source: &[u8], i: usize, word: usize) -> Option<Groups> {
        let prefix = if has(source, i, b"0x") { 2 } else { 0 };
        let (width, sep) = (word - i - prefix, at(source, word));
        // A word of prose, as `de`, is no byte of the text that follows it.
        let prose = sep == b' '
            && sub(source, i, word).iter().all(u8::is_ascii_lowercase)
            && !byte(source, word + 1).is_some_and(|b| (0x80..0xC0).contains(&b));
        if prose || !matches!(width, 2 | 4) || !matches!(sep, b' ' | b':' | b'-' | b',') {
            return None;
        }
        let mut groups = Groups { start: i, end: word, width, prefix, sep };
        let (mut next, mut n) = (Some(i), 0);
        while let Some(j) = next.filter(|j| groups.is_group(source, *j)) {
            n += width / 2;
            groups.end = j + prefix + width;
            next = groups.after(source, j);
        }
        (n >= GROUPS_MIN).then_some(groups)
    }

    fn is_group(&self, source: &[u8], i: usize) -> bool {
        let from = i + self.prefix;
        let digits = sub(source, from, from + self.width);
        (self.prefix == 0 || has(source, i, b"0x"))
            && digits.len() == self.width
            && digits.iter().all(u8::is_ascii_hexdigit)
            && !is_word(at(source, from + self.width))
    }

    /// Where the group after the one at `i` would start.
    fn after(&self, source: &[u8], i: usize) -> Option<usize> {
        let end = i + self.prefix + self.width;
        let blank = usize::from(self.sep == b',' && at(source, end + 1) == b' ');
        (at(source, end) == self.sep).then_some(end + 1 + blank)
    }

    /// Where the group of this chain after the one at `i` starts.
    fn next(&self, source: &[u8], i: usize) -> Option<usize> {
        self.after(source, i).filter(|j| *j < self.end)
    }

    fn bytes<'a>(&self, source: &'a [u8], i: usize) -> impl Iterator<Item = Option<u8>> + 'a {
        let from = i + self.prefix;
        (from..from + self.width).step_by(2).map(|j| byte(source, j))
    }
}

/// Upper case and something else: what words in lower case and numbers lack.
fn mixed(token: &[u8]) -> bool {
    token.iter().any(u8::is_ascii_uppercase)
        && token.iter().any(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

/// Whether the first `n` characters decode to text: a cheap look before all is decoded.
fn decodes(token: &[u8], n: usize, code: Code) -> bool {
    let head = sub(token, 0, n.min(token.len()));
    let ok = |b: u8| in_text(b) || b == 0;
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

/// A byte that texts have: no control character but blanks and those of terminals.
fn in_text(b: u8) -> bool {
    b >= 0x20 && b != 0x7F || matches!(b, 0x07..=0x0A | 0x0D | 0x1B)
}

/// Text as people and programs write it: ASCII for the most part or UTF-8, without control
/// characters; or the same in UTF-16.
fn is_text(bytes: &[u8]) -> bool {
    if bytes.contains(&0) {
        return is_wide(bytes);
    }
    let (mut i, mut strange) = (0, 0);
    while let Some(&b) = bytes.get(i) {
        if !in_text(b) {
            return false;
        }
        let width = match b {
            0..0x80 => 1,
            0xC2..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF4 => 4,
            _ => 0,
        };
        let character = sub(bytes, i, i + width);
        let cut = character.len() < width || i + width > bytes.len();
        i += match (overlong(bytes, i), width) {
            (Some((_, n)), _) => n,
            (None, 1..) if cut || std::str::from_utf8(character).is_ok() => width,
            _ => {
                strange += usize::from(b != 0xA0);
                1
            }
        };
    }
    strange * 4 <= bytes.len()
}

/// Two orders of bytes: in one of them every unit is ASCII, or of Latin letters and signs.
fn is_wide(bytes: &[u8]) -> bool {
    let half = |from: usize| {
        let high = bytes.iter().skip(from).step_by(2);
        let nul = high.clone().filter(|b| **b == 0).count();
        let low = bytes.iter().skip(1 - from).step_by(2);
        // The other half of a character outside Latin is any byte.
        nul * 4 >= bytes.len() && low.zip(high).all(|(l, h)| *h != 0 || in_text(*l))
    };
    half(0) || half(1)
}

fn quad(q: &[u8]) -> Option<[u8; 3]> {
    let mut n = 0u32;
    for &b in q {
        n = n << 6 | u32::from(sextet(b)?);
    }
    let [_, a, b, c] = n.to_be_bytes();
    Some([a, b, c])
}

/// The value of a character of base64, in either alphabet.
pub(super) fn sextet(b: u8) -> Option<u8> {
    SEXTETS.get(usize::from(b)).copied().filter(|v| *v < 64)
}

/// The values of base64's characters, 0xFF for others.
const SEXTETS: [u8; 256] = {
    let (mut table, mut b) = ([0xFF; 256], 0u8);
    loop {
        table[b as usize] = match b {
            b'A'..=b'Z' => b - b'A',
            b'a'..=b'z' => b - b'a' + 26,
            b'0'..=b'9' => b - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => 0xFF,
        };
        if b == 255 {
            break table;
        }
        b += 1;
    }
};

fn in_base64(b: u8) -> bool {
    sextet(b).is_some()
}

//! The shadow of a text: the same text decoded one layer, with a map back to the source.
//!
//! One pass decodes percent (nested `%2525…` at once), backslash escapes (any number of
//! backslashes), HTML entities, quoted-printable, UTF-7, base64 and hexadecimal tokens that turn
//! out to be text, lists of bytes and of digits, UTF-16, and numbers with an exponent; it folds
//! other scripts' digits and signs to ASCII and drops what is not drawn (zero-width, soft hyphen,
//! bidi, terminal sequences, markup inside a word).
//!
//! Bounds: a shadow is never longer than its source, so layers cannot explode; [`LAYERS_MAX`]
//! bounds how many are taken off; each decoder reads a byte a fixed number of times, so a layer is
//! linear in its source. A text beyond [`SOURCE_MAX`] is decoded up to there.

#[cfg(any(test, fuzzing))]
pub(crate) mod check;
mod escape;
mod list;
mod terminal;
mod token;
mod wide;

use super::fold::{Fold, fold, tag};
use super::gate::View;
use super::text::{at, before, hex, skip, sub};

/// Layers of encoding taken off.
pub(crate) const LAYERS_MAX: usize = 12;
/// Bytes of a source that are decoded: offsets are kept in 32 bits. Lines are far shorter.
const SOURCE_MAX: usize = u32::MAX as usize;
/// Tag characters in a row that are a text of their own; fewer are noise inside another.
const TAGS_MIN: usize = 2;

/// What escapes of languages and URLs start with.
const ESCAPE: [u8; 2] = *b"%\\";
/// What entities and markup start with.
const HYPERTEXT: [u8; 2] = *b"&<";
/// What the encodings of mails start with.
const MAIL: [u8; 2] = *b"=+";

/// A stretch of the shadow and the stretch of source it came from. A stretch of the same length
/// corresponds byte for byte; any other only as a whole.
#[derive(Clone, Copy)]
struct Segment {
    start: u32,
    from: u32,
    to: u32,
}

/// One decoded layer. Its buffers are reused from line to line.
#[derive(Default)]
pub(crate) struct Shadow {
    text: Vec<u8>,
    /// In order. What was dropped between two needs none.
    segments: Vec<Segment>,
    /// Source bytes already dealt with.
    done: usize,
    /// Whether anything was decoded.
    changed: bool,
    /// The end of the run of token characters whose whole was already tried.
    tried: usize,
    /// Places inside that run from which its rest was tried.
    suffixes: usize,
}

impl Shadow {
    /// The decoded text.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Decodes one layer of `source`, whose view is `gate`. Returns whether anything changed.
    ///
    /// The surest comes off first, in steps of which the first that changes anything ends the
    /// layer: characters (folded, or not drawn), escapes of languages and URLs, hypertext, mail,
    /// and guesses at what may be encoded and may as well be a number or a word. So a guess that is
    /// wrong hides nothing that a character or an escape would have shown, and an escape is read
    /// when nothing stands inside it.
    pub(crate) fn decode(&mut self, source: &[u8], gate: View<'_>) -> bool {
        let source = sub(source, 0, SOURCE_MAX);
        let [characters, _, guesses] = gate.encoded();
        let of = |bytes: [u8; 2]| {
            let [_, escapes, _] = gate.encoded();
            escapes.filter(move |i| bytes.contains(&at(source, *i)))
        };
        self.pass(source, Self::character, characters)
            || self.pass(source, Self::escape, of(ESCAPE))
            || self.pass(source, Self::hypertext, of(HYPERTEXT))
            || self.pass(source, Self::mail, of(MAIL))
            || self.pass(source, Self::guesses, guesses)
    }

    /// One walk over the source: `decode` looks at each of `places`, and tells where to go on.
    fn pass(
        &mut self,
        source: &[u8],
        decode: impl Fn(&mut Self, &[u8], usize) -> usize,
        places: impl Iterator<Item = usize>,
    ) -> bool {
        let mut i = 0;
        let mut places = places.peekable();
        if places.peek().is_none() {
            return false;
        }
        self.text.clear();
        self.segments.clear();
        (self.done, self.changed, self.tried, self.suffixes) = (0, false, 0, 0);
        for place in places {
            if place >= i {
                i = decode(self, source, place);
            }
        }
        if self.changed {
            self.flush(source, source.len());
        }
        self.changed
    }

    /// Decodes what may start at `i`, and on to the end of the run of base64's alphabet that it
    /// comes to.
    fn guesses(&mut self, source: &[u8], i: usize) -> usize {
        let mut i = self.guess(source, i);
        while token::sextet(at(source, i)).is_some() {
            i = self.guess(source, i);
        }
        i
    }

    /// Decodes what may start at a letter, a digit or a bracket.
    fn guess(&mut self, source: &[u8], i: usize) -> usize {
        match at(source, i) {
            b'[' => self.list(source, i),
            b if b.is_ascii_alphanumeric() => self.token(source, i),
            _ => i + 1,
        }
    }

    /// The source range of a range of the shadow.
    pub(crate) fn map(&self, start: usize, end: usize) -> (usize, usize) {
        let (from, _) = self.origin(start);
        let (_, to) = self.origin(end.saturating_sub(1));
        (from, to.max(from))
    }

    /// The source range of one byte of the shadow.
    fn origin(&self, at: usize) -> (usize, usize) {
        let i = self.segments.partition_point(|s| s.start as usize <= at);
        let Some(s) = i.checked_sub(1).and_then(|i| self.segments.get(i)) else { return (0, 0) };
        let end = self.segments.get(i).map_or(self.text.len(), |next| next.start as usize);
        let (start, from, to) = (s.start as usize, s.from as usize, s.to as usize);
        if end - start == to - from {
            (from + at - start, from + at - start + 1)
        } else {
            (from, to)
        }
    }

    fn segment(&mut self, from: usize, to: usize) {
        let offset = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let start = offset(self.text.len());
        self.segments.push(Segment { start, from: offset(from), to: offset(to) });
    }

    /// Copies the source up to `upto`.
    fn flush(&mut self, source: &[u8], upto: usize) {
        if upto > self.done {
            self.segment(self.done, upto);
            self.text.extend_from_slice(sub(source, self.done, upto));
            self.done = upto;
        }
    }

    /// Replaces source `from..to` by `bytes`, which are not more. Returns where to go on.
    fn put(&mut self, source: &[u8], from: usize, to: usize, bytes: &[u8]) -> usize {
        self.flush(source, from);
        if !bytes.is_empty() {
            self.segment(from, to);
            self.text.extend_from_slice(bytes);
        }
        self.done = to;
        self.changed = true;
        to
    }

    /// Replaces source `from..to` by a character, folded.
    fn put_char(&mut self, source: &[u8], from: usize, to: usize, c: u32) -> usize {
        let mut utf8 = [0; 4];
        match (fold(c), char::from_u32(c)) {
            (Fold::Drop, _) if tag(c).is_none() => self.put(source, from, to, b""),
            (Fold::To(b), _) => self.put(source, from, to, &[b]),
            (_, Some(c)) => self.put(source, from, to, c.encode_utf8(&mut utf8).as_bytes()),
            (_, None) => self.put(source, from, to, b"?"),
        }
    }

    /// Decodes an escape that languages and URLs write.
    fn escape(&mut self, source: &[u8], i: usize) -> usize {
        if at(source, i) == b'%' { self.percent(source, i) } else { self.backslash(source, i) }
    }

    /// Decodes an entity, or drops markup.
    fn hypertext(&mut self, source: &[u8], i: usize) -> usize {
        if at(source, i) == b'&' { self.entity(source, i) } else { self.markup(source, i) }
    }

    /// Decodes an encoding of mails.
    fn mail(&mut self, source: &[u8], i: usize) -> usize {
        if at(source, i) == b'+' { self.utf7(source, i) } else { self.quoted_printable(source, i) }
    }

    /// Folds or drops a character that is not printable ASCII.
    fn character(&mut self, source: &[u8], i: usize) -> usize {
        match at(source, i) {
            b'^' | 0x1B => self.terminal(source, i),
            b'=' => self.soft_break(source, i),
            0x08 => self.backspace(source, i, i + 1),
            0 => self.wide(source, i),
            b => self.beyond(source, i, b),
        }
    }

    /// A character beyond ASCII, or bytes that are no UTF-8.
    fn beyond(&mut self, source: &[u8], i: usize, b: u8) -> usize {
        let width = match b {
            0xC2..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF4 => 4,
            _ => 1,
        };
        let decoded = std::str::from_utf8(sub(source, i, i + width)).ok();
        let Some(c) = decoded.and_then(|s| s.chars().next()) else {
            return self.no_character(source, i, b);
        };
        match fold(c as u32) {
            _ if c == '\u{9b}' => self.sequence(source, i, i + width),
            Fold::Keep => i + width,
            Fold::Drop if tag(c as u32).is_some() => self.tags(source, i),
            Fold::Drop => self.put(source, i, i + width, b""),
            Fold::To(to) => self.put(source, i, i + width, &[to]),
        }
    }

    /// A run of tag characters: a hidden text, or noise.
    fn tags(&mut self, source: &[u8], i: usize) -> usize {
        let read = |j: usize| {
            let s = std::str::from_utf8(sub(source, j, j + 4)).ok()?;
            tag(s.chars().next()? as u32)
        };
        let hidden = (0..TAGS_MIN).all(|n| read(i + 4 * n).is_some());
        let mut j = i;
        while let Some(b) = read(j) {
            let byte = [b];
            j = self.put(source, j, j + 4, if hidden { &byte } else { b"" });
        }
        j
    }

    /// A byte of an older encoding, an overlong form of ASCII, or a stray one.
    fn no_character(&mut self, source: &[u8], i: usize, b: u8) -> usize {
        if let Some((ascii, n)) = overlong(source, i) {
            return self.put(source, i, i + n, &[ascii]);
        }
        let (prev, next) = (before(source, i), at(source, i + 1));
        match b {
            0xA0 => self.put(source, i, i + 1, b" "),
            0xAD => self.put(source, i, i + 1, b""),
            0x91 | 0x92 => self.put(source, i, i + 1, b"'"),
            0x93 | 0x94 => self.put(source, i, i + 1, b"\""),
            0x96 | 0x97 => self.put(source, i, i + 1, b"-"),
            0x9B => self.sequence(source, i, i + 1),
            // No letters in the older encodings of the west, or lead bytes whose character is cut.
            0x80..=0x9F | 0xC0..=0xC3 | 0xF5.. => self.put(source, i, i + 1, b""),
            _ if prev.is_ascii_digit() || next.is_ascii_digit() => self.put(source, i, i + 1, b""),
            _ => i + 1,
        }
    }

    /// A line that quoted-printable broke.
    fn soft_break(&mut self, source: &[u8], i: usize) -> usize {
        let end = skip(source, i + 1, 2, |b| matches!(b, b'\r' | b'\n'));
        if end > i + 1 { self.put(source, i, end, b"") } else { i + 1 }
    }

    /// `%40`, `%2540`.
    fn percent(&mut self, source: &[u8], i: usize) -> usize {
        let mut j = i + 1;
        while sub(source, j, j + 2) == b"25" && hex(at(source, j + 2)).is_some() {
            j += 2;
        }
        match byte(source, j) {
            Some(b) => self.put(source, i, j + 2, &[b]),
            None => i + 1,
        }
    }
}

/// The character that two halves make.
fn surrogates(hi: u32, lo: u32) -> Option<u32> {
    let pair = (0xD800..0xDC00).contains(&hi) && (0xDC00..0xE000).contains(&lo);
    pair.then(|| 0x10000 + ((hi - 0xD800) << 10) + (lo - 0xDC00))
}

/// Whether a text in Latin letters has this character, or one that stands for it.
fn is_latin(c: u32) -> bool {
    matches!(c, 0 | 7..=10 | 13 | 0x1B | 0x20..0x7F | 0xA0..0x530) || fold(c) != Fold::Keep
}

/// ASCII written in two to four bytes, which UTF-8 forbids, and how many.
fn overlong(source: &[u8], i: usize) -> Option<(u8, usize)> {
    let (a, b, c, d) = (at(source, i), at(source, i + 1), at(source, i + 2), at(source, i + 3));
    let continues = |b: u8| (0x80..0xC0).contains(&b);
    match (a, b) {
        (0xC0 | 0xC1, b) if continues(b) => Some(((a & 1) << 6 | b & 0x3F, 2)),
        (0xE0, 0x80 | 0x81) if continues(c) => Some(((b & 1) << 6 | c & 0x3F, 3)),
        (0xF0, 0x80) if matches!(c, 0x80 | 0x81) && continues(d) => {
            Some(((c & 1) << 6 | d & 0x3F, 4))
        }
        _ => None,
    }
}

/// The byte that two hexadecimal digits at `i` write.
fn byte(text: &[u8], i: usize) -> Option<u8> {
    Some(hex(at(text, i))? << 4 | hex(at(text, i + 1))?)
}

/// The number that `n` hexadecimal digits at `i` write.
fn number(text: &[u8], i: usize, n: usize) -> Option<u32> {
    (i..i + n).try_fold(0, |v, j| Some(v << 4 | u32::from(hex(at(text, j))?)))
}

#[cfg(test)]
mod tests;

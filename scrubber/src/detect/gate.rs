//! Where something can start: cheap necessary conditions on bitmaps, so that detectors run at few
//! of the bytes. A gate may let through too much, never too little: `tests` compares the detectors
//! behind gates with the detectors at every byte.
//!
//! Three sources: the shape of numbers (digits and separators in a row, counted in the bitmaps),
//! rare signs, and the words of [`words`] that stand before. A word is looked up once, where it
//! starts; what follows it within reach is then let through.
//!
//! A text may be many lines: nothing in a line is let through less for what stands in another.

mod shape;

use super::Tables;
use super::text::{at, back, before, is_letter, skip, sub};
use super::words::{
    self, AGAINST, BEFORE_LOGIN, BEFORE_NAME, BEFORE_NUMBER, COMMAND, FOLDER, HASH, HINT, KEY,
    LONG, PAPERS, PASSWORD, PHONE, SCHEME, SPELT_AT, SPOKEN, STREET, TOKEN, Tags, VALUE, WEAK,
};
use crate::simd::{BLOCK, GROUP, Group, Job, LANES, Row};

/// Bytes after a word within which it gives a number its meaning: what `context` looks back.
const NUMBER_REACH: usize = 136;
/// Bytes around a detection within which a word has to do with it or with its neighbours.
const NEAR_REACH: usize = NUMBER_REACH + 64;
/// Bytes after a key within which its separator comes: brackets, quotes and spaces.
const CLOSERS: usize = 14;
/// Bytes after a word within which an element or a list opens.
const OPEN_REACH: usize = 64;
/// Bytes after a word within which a quote or slash follows it.
const SIGN_REACH: usize = 16;
/// Bytes after a hint within which a sign makes it one.
const HINT_REACH: usize = 12;
/// Bytes after a folder of homes within which the login behind backslashes starts.
const FOLDER_REACH: usize = 6;
/// Bytes after a word within which a name starts.
const NAME_REACH: usize = 64;
/// Bytes between the first digit of a house number and the kind of street.
const HOUSE_REACH: usize = 20;
/// Shortest base64 or hexadecimal token looked into.
pub(crate) const CODED_MIN: usize = 12;

/// Digits that a number of any of [`LONG`] has, if it is written without letters.
const LONG_MIN: u32 = 6;
/// Shortest line of a key's text in base64.
const LINE_MIN: usize = 12;
/// Blanks before such a line.
const LINE_INDENT: usize = 18;

/// A word with a meaning.
#[derive(Clone, Copy)]
struct Hit {
    start: usize,
    end: usize,
    tags: Tags,
}

/// The classes of a text and where detectors look at it. Buffers are reused from text to text.
#[derive(Default)]
pub(crate) struct Gate {
    groups: Vec<Group>,
    /// Words with a meaning, in order.
    hits: Vec<Hit>,
    /// One bit per byte where detectors look.
    wanted: Vec<u64>,
    /// One bit per byte where something encoded may start, for each step of decoding.
    encoded: [Vec<u64>; 3],
    /// One bit per byte where a long run of base64's alphabet starts.
    runs: Vec<u64>,
    /// One bit per byte where a word or part of a word of ASCII letters starts.
    starts: Vec<u64>,
    /// One bit per byte where a provider's token may start.
    tokens: Vec<u64>,
    /// One bit per byte where a token starts that has the signs of a provider at their places.
    shaped: Vec<u64>,
    /// One bit per byte where a word or part of a word has ended.
    ends: Vec<u64>,
    /// One bit per byte after a word that makes numbers personal.
    named: Vec<u64>,
    /// One bit per byte after a word that makes long numbers personal.
    long: Vec<u64>,
    /// One bit per byte that may be the separator of a pair whose key has a meaning.
    paired: Vec<u64>,
}

impl Gate {
    /// Classifies `text` and finds where to look.
    pub(crate) fn open(&mut self, text: &[u8], tables: &Tables) {
        tables.classifier.classify(text, &mut self.groups);
        tables.classifier.with(Open { gate: self, text, tables });
        if !self.hits.is_empty() {
            self.named.resize(self.wanted.len(), 0);
            self.long.resize(self.wanted.len(), 0);
            self.paired.resize(self.wanted.len(), 0);
            let hits = std::mem::take(&mut self.hits);
            hits.iter().for_each(|hit| self.follow(text, *hit));
            self.hits = hits;
        }
    }

    /// A part of the text, as detectors see it that look at that part alone.
    pub(crate) fn view(&self, start: usize, len: usize) -> View<'_> {
        View { gate: self, start, end: start + len }
    }

    /// The first place from `i` on where detectors or decoders look.
    pub(crate) fn next(&self, i: usize) -> Option<usize> {
        let [a, b, c] = &self.encoded;
        let mut mask = !0 << (i % BLOCK);
        for k in i / BLOCK..self.wanted.len() {
            let word = |map: &[u64]| map.get(k).copied().unwrap_or(0);
            let any = (word(&self.wanted) | word(a) | word(b) | word(c)) & mask;
            if any != 0 {
                return Some(k * BLOCK + any.trailing_zeros() as usize);
            }
            mask = !0;
        }
        None
    }

    /// 64 bits of a class from byte `i` on.
    #[inline]
    pub(crate) fn from(&self, i: usize, row: Row) -> u64 {
        let (block, shift) = (i / BLOCK, i % BLOCK);
        let low = self.block(block, row);
        if shift == 0 { low } else { low >> shift | self.block(block + 1, row) << (BLOCK - shift) }
    }

    /// Whether the number at `i` has as many digits as one that a word makes personal, or letters.
    fn is_long(&self, i: usize) -> bool {
        let length = self.from(i, Row::Numeric).trailing_ones();
        let within = if length < 64 { (1u64 << length) - 1 } else { !0 };
        let digits = (self.from(i, Row::Digit) & within).count_ones();
        let letters = self.from(i, Row::Letter) | self.from(i, Row::Mask);
        digits >= LONG_MIN || letters >> (length % 64) & 1 == 1
    }

    #[inline]
    fn block(&self, k: usize, row: Row) -> u64 {
        self.groups.get(k / LANES).map_or(0, |g| g.row(row).word(k % LANES))
    }

    /// Bytes from `i` on that have one of two classes, at most some over [`OPEN_REACH`].
    fn run(&self, i: usize, row: Row, other: Row) -> usize {
        let mut n = 0;
        loop {
            let bits = self.from(i + n, row) | self.from(i + n, other);
            let more = bits.trailing_ones() as usize;
            n += more;
            if more < BLOCK || n > OPEN_REACH {
                return n;
            }
        }
    }

    /// Finds the shapes, then looks up the words.
    #[inline(always)]
    fn read(&mut self, text: &[u8], tables: &Tables) {
        self.clear();
        for group in &mut self.groups {
            group.derive();
        }
        let mut prev = &Group::EMPTY;
        for (k, group) in self.groups.iter().enumerate() {
            let next = self.groups.get(k + 1).unwrap_or(&Group::EMPTY);
            let near = shape::Near::new(prev, group, next);
            prev = group;
            self.wanted.extend_from_slice(shape::wanted(&near).words());
            let encoded = shape::encoded(&near);
            let [characters, escapes, guesses] = &mut self.encoded;
            characters.extend_from_slice(encoded.characters.words());
            escapes.extend_from_slice(encoded.escapes.words());
            guesses.extend_from_slice(encoded.guesses.words());
            self.runs.extend_from_slice(encoded.runs.words());
            let [starts, ends] = shape::words(&near);
            let [tokens, shaped] = shape::tokens(&near);
            self.shaped.extend_from_slice(shaped.words());
            self.starts.extend_from_slice(starts.words());
            self.tokens.extend_from_slice(tokens.words());
            self.ends.extend_from_slice(ends.words());
        }
        for k in 0..text.len().div_ceil(BLOCK) {
            self.look_up(k, text, tables);
            self.keep_tokens(k, text, tables);
        }
        self.accented(text, tables);
        self.admit_runs();
    }

    fn clear(&mut self) {
        self.hits.clear();
        let [characters, escapes, guesses] = &mut self.encoded;
        for map in [
            characters,
            escapes,
            guesses,
            &mut self.wanted,
            &mut self.runs,
            &mut self.starts,
            &mut self.tokens,
            &mut self.shaped,
            &mut self.ends,
            &mut self.named,
            &mut self.long,
            &mut self.paired,
        ] {
            map.clear();
        }
    }

    /// Looks up the words that start in block `k`.
    #[inline(always)]
    fn look_up(&mut self, k: usize, text: &[u8], tables: &Tables) {
        let word = |map: &[u64], k: usize| map.get(k).copied().unwrap_or(0);
        let ends = u128::from(word(&self.ends, k)) | u128::from(word(&self.ends, k + 1)) << BLOCK;
        let mut starts = word(&self.starts, k);
        while starts != 0 {
            let shift = starts.trailing_zeros();
            starts &= starts - 1;
            let start = k * BLOCK + shift as usize;
            let length = 1 + (ends >> shift >> 1).trailing_zeros() as usize;
            if tables.words.may_be(head(text, start), length) {
                let end = start + length;
                let tags = tables.words.of(sub(text, start, end));
                keep(text, Hit { start, end, tags }, &mut self.hits);
            }
        }
    }

    /// Keeps of the tokens in block `k` those that may be of a provider, and lets them through.
    #[inline(always)]
    fn keep_tokens(&mut self, k: usize, text: &[u8], tables: &Tables) {
        let mut tokens = self.tokens.get(k).copied().unwrap_or(0);
        let mut kept = self.shaped.get(k).copied().unwrap_or(0);
        while tokens != 0 {
            let start = k * BLOCK + tokens.trailing_zeros() as usize;
            let first = tokens & tokens.wrapping_neg();
            tokens ^= first;
            if tables.prefixes.may_start(head(text, start)) || self.is_alone(text, start) {
                kept |= first;
            }
        }
        if let (Some(map), Some(wanted)) = (self.tokens.get_mut(k), self.wanted.get_mut(k)) {
            *map = kept;
            *wanted |= kept;
        }
    }

    /// Whether the run of base64's alphabet at `i` may be a line of its own.
    #[inline(always)]
    fn is_alone(&self, text: &[u8], i: usize) -> bool {
        let length = self.from(i, Row::Base64).trailing_ones() as usize;
        if length < LINE_MIN
            || length < BLOCK && !matches!(at(text, i + length), 0 | b'\n' | b'\r' | b'=')
        {
            return false;
        }
        let start = back(text, i, 2, |b| matches!(b, b'+' | b'/'));
        let line = back(text, start, LINE_INDENT, |b| matches!(b, b' ' | b'\t'));
        matches!(before(text, line), 0 | b'\n')
    }

    /// Looks up the words with letters beyond ASCII.
    fn accented(&mut self, text: &[u8], tables: &Tables) {
        let (mut done, before) = (0, self.hits.len());
        for (k, group) in self.groups.iter().enumerate().filter(|(_, g)| g.row(Row::High).any()) {
            for i in Places::new(group.row(Row::High).words(), 0, GROUP) {
                let i = k * GROUP + i;
                if i < done {
                    continue;
                }
                let start = back(text, i, words::WORD_MAX * 2, is_letter);
                done = skip(text, i, words::WORD_MAX * 2, is_letter);
                let hits = &mut self.hits;
                tables.words.parts(sub(text, start, done), |a, z, tags| {
                    keep(text, Hit { start: start + a, end: start + z, tags }, hits);
                });
            }
        }
        if self.hits.len() > before {
            self.hits.sort_unstable_by_key(|h| h.end);
        }
    }

    /// Lets through the runs of base64's alphabet that may be a token.
    #[inline(always)]
    fn admit_runs(&mut self) {
        let runs = std::mem::take(&mut self.runs);
        for i in Places::new(&runs, 0, usize::MAX) {
            if self.is_mixed(i)
                && let Some(map) = self.encoded[2].get_mut(i / BLOCK)
            {
                *map |= 1 << (i % BLOCK);
            }
        }
        self.runs = runs;
    }

    /// Whether the run of base64's alphabet from `i` on has capitals and other letters or digits.
    #[inline(always)]
    fn is_mixed(&self, i: usize) -> bool {
        let mut from = i;
        let (mut upper, mut other) = (false, false);
        loop {
            let length = self.from(from, Row::Base64).trailing_ones();
            let within = if length < 64 { (1u64 << length) - 1 } else { !0 };
            let capitals = self.from(from, Row::Upper) & within;
            upper |= capitals != 0;
            other |= capitals != self.from(from, Row::Alphanumeric) & within;
            if upper && other || length < 64 {
                return upper && other;
            }
            from += BLOCK;
        }
    }

    /// Lets through what a word makes worth a look.
    fn follow(&mut self, text: &[u8], hit: Hit) {
        let Hit { start, end, tags } = hit;
        if tags & !(HINT | AGAINST) == 0 {
            // Common words that mean something at a key's end, or just before a bracket.
            self.admit(end, end + HINT_REACH, Mark::Pair);
            self.admit(end, end + HINT_REACH, Mark::Open);
            return self.admit(end, end + HINT_REACH, Mark::Sign);
        }
        // Letters, digits, `_`, `-` and `.` are a key's; a token's alphabet has few more.
        let bare = end + self.run(end, Row::Token, Row::Token);
        if tags & !(SPOKEN | AGAINST) != 0 {
            self.admit(end, bare + CLOSERS, Mark::Pair);
            let phrase = end + self.run(end, Row::Token, Row::Space);
            let closer = matches!(at(text, phrase), b'"' | b'\'' | b'\\' | b'`' | b')' | b']');
            if phrase > bare && closer {
                self.admit(phrase, phrase + CLOSERS, Mark::Pair);
            }
            self.admit(end, end + OPEN_REACH, Mark::Open);
            self.admit(end, end + SIGN_REACH, Mark::Sign);
        }
        if tags & BEFORE_NUMBER & !LONG != 0 {
            self.admit(start, end + NUMBER_REACH, Mark::Number);
        } else if tags & LONG != 0 {
            self.admit(start, end + NUMBER_REACH, Mark::Long);
        }
        if tags & STREET != 0 {
            self.admit(start.saturating_sub(HOUSE_REACH), start, Mark::Number);
        }
        if tags & PHONE != 0 {
            // `tel (202) 555-0143`
            self.admit(end, end + NUMBER_REACH, Mark::Open);
        }
        if tags & (BEFORE_NAME | PAPERS) != 0 {
            self.admit(end, end + NAME_REACH, Mark::Capital);
        }
        if tags & FOLDER != 0 && at(text, end) == b'\\' {
            self.admit(end, end + FOLDER_REACH, Mark::Letter);
        }
        let secret = tags & (PASSWORD | TOKEN | KEY | WEAK) != 0;
        // The word may be the last part of `motDePasse`.
        let first = back(text, start, words::WORD_MAX, is_letter);
        if tags & (SPELT_AT | SCHEME | COMMAND | BEFORE_LOGIN) != 0
            || secret && before(text, first) == b'-'
        {
            self.admit(first, first + 1, Mark::Here);
        }
        if secret {
            self.admit(end, bare, Mark::Flag);
        }
        // `api_token,x` and `{SSHA}x`.
        if secret && at(text, bare) == b',' || tags & HASH != 0 && at(text, bare) == b'}' {
            self.admit(bare + 1, bare + 2, Mark::Token);
        }
    }

    /// Lets through bytes in `from..to`.
    fn admit(&mut self, from: usize, to: usize, what: Mark) {
        let to = to.min(self.wanted.len() * BLOCK);
        for k in from / BLOCK..to.div_ceil(BLOCK) {
            let low = from.saturating_sub(k * BLOCK).min(BLOCK - 1);
            let high = to - k * BLOCK;
            let inside = if high >= BLOCK { !0 } else { (1u64 << high) - 1 } & !0 << low;
            let map = match what {
                Mark::Pair => self.paired.get_mut(k),
                Mark::Number => self.named.get_mut(k),
                Mark::Long => self.long.get_mut(k),
                Mark::Token => self.tokens.get_mut(k),
                _ => None,
            };
            if let Some(map) = map {
                *map |= inside;
            }
            let row = |r| self.block(k, r);
            let digit_before = k.checked_sub(1).map_or(0, |j| self.block(j, Row::Digit) >> 63);
            let dash_before = k.checked_sub(1).map_or(0, |j| self.block(j, Row::Dash) >> 63);
            let class = match what {
                Mark::Pair => row(Row::Colon) | row(Row::Equal),
                Mark::Open => row(Row::Open),
                Mark::Sign => row(Row::Quote) | row(Row::Slash),
                Mark::Number | Mark::Long => {
                    row(Row::Digit) & !(row(Row::Digit) << 1 | digit_before)
                }
                Mark::Capital => row(Row::Upper) | row(Row::High),
                Mark::Flag => row(Row::Letter) & (row(Row::Dash) << 1 | dash_before),
                Mark::Letter => row(Row::Letter),
                Mark::Here | Mark::Token => !0,
            };
            if let Some(wanted) = self.wanted.get_mut(k) {
                *wanted |= inside & class;
            }
        }
    }
}

/// A part of a text on which a gate was opened; places count from its start.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    gate: &'a Gate,
    start: usize,
    end: usize,
}

impl<'a> View<'a> {
    /// Where detectors look.
    pub(crate) fn wanted(self) -> impl Iterator<Item = usize> + 'a {
        self.places(&self.gate.wanted)
    }

    /// Where something encoded may start: characters that stand for others, escapes, and what may
    /// as well be a number or a word.
    pub(crate) fn encoded(self) -> [impl Iterator<Item = usize> + 'a; 3] {
        self.gate.encoded.each_ref().map(|map| self.places(map))
    }

    /// Whether anything encoded may be there.
    pub(crate) fn is_encoded(self) -> bool {
        self.encoded().into_iter().any(|mut places| places.next().is_some())
    }

    /// Whether a word with a meaning is so near that it may have to do with what is at
    /// `start..end`, or with what is beside it.
    pub(crate) fn has_words_near(self, start: usize, end: usize) -> bool {
        let hits = &self.gate.hits;
        let from = (self.start + start).saturating_sub(NEAR_REACH).max(self.start);
        let first = hits.partition_point(|h| h.end <= from);
        let to = (self.start + end + NEAR_REACH).min(self.end);
        hits.get(first).is_some_and(|h| h.start < to)
    }

    /// Whether letters stand before `i`, as far as a detector looks back.
    pub(crate) fn has_letters_before(self, i: usize) -> bool {
        let end = self.start + i;
        let mut from = end.saturating_sub(NEAR_REACH).max(self.start);
        while from < end {
            let within = if end - from < BLOCK { (1u64 << (end - from)) - 1 } else { !0 };
            if self.gate.from(from, Row::Letter) & within != 0 {
                return true;
            }
            from += BLOCK;
        }
        false
    }

    /// Whether the number at `i` is looked at for a word before it, not only for its shape.
    pub(crate) fn is_named(self, i: usize) -> bool {
        let i = self.start + i;
        bit(&self.gate.named, i) || bit(&self.gate.long, i) && self.gate.is_long(i)
    }

    /// Whether a provider's token may start at `i`.
    pub(crate) fn is_token(self, i: usize) -> bool {
        bit(&self.gate.tokens, self.start + i)
    }

    /// Whether the separator at `i` may be that of a pair whose key has a meaning.
    pub(crate) fn is_paired(self, i: usize) -> bool {
        bit(&self.gate.paired, self.start + i)
    }

    /// 64 bits of a class from byte `i` on.
    #[inline]
    pub(crate) fn from(self, i: usize, row: Row) -> u64 {
        self.gate.from(self.start + i, row)
    }

    /// The places of the bits of a map.
    fn places(self, map: &'a [u64]) -> impl Iterator<Item = usize> + 'a {
        Places::new(map, self.start, self.end).map(move |i| i - self.start)
    }
}

/// [`Gate::read`] for one processor.
struct Open<'a> {
    gate: &'a mut Gate,
    text: &'a [u8],
    tables: &'a Tables,
}

impl Job for Open<'_> {
    #[inline(always)]
    fn run(self) {
        self.gate.read(self.text, self.tables);
    }
}

/// What a word lets through.
#[derive(Clone, Copy)]
enum Mark {
    Pair,
    Open,
    Sign,
    Number,
    Long,
    Capital,
    Letter,
    Flag,
    Token,
    Here,
}

fn bit(map: &[u64], i: usize) -> bool {
    map.get(i / BLOCK).is_some_and(|bits| bits >> (i % BLOCK) & 1 == 1)
}

/// The places of the bits of a map within a range, in order.
struct Places<'a> {
    map: &'a [u64],
    block: usize,
    left: u64,
    end: usize,
}

impl<'a> Places<'a> {
    #[inline(always)]
    fn new(map: &'a [u64], start: usize, end: usize) -> Places<'a> {
        let block = start / BLOCK;
        let left = map.get(block).copied().unwrap_or(0) & !0 << (start % BLOCK);
        Places { map, block, left, end }
    }
}

impl Iterator for Places<'_> {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        while self.left == 0 {
            self.block += 1;
            if self.block * BLOCK >= self.end {
                return None;
            }
            self.left = *self.map.get(self.block)?;
        }
        let i = self.block * BLOCK + self.left.trailing_zeros() as usize;
        self.left &= self.left - 1;
        (i < self.end).then_some(i)
    }
}

/// The eight bytes from `i` on, the first in the lowest byte, NUL beyond the end.
#[inline(always)]
fn head(text: &[u8], i: usize) -> u64 {
    let rest = text.get(i..).unwrap_or_default();
    match rest.first_chunk() {
        Some(eight) => u64::from_le_bytes(*eight),
        None => rest.iter().rev().fold(0, |n, b| n << 8 | u64::from(*b)),
    }
}

/// Keeps a word that has a meaning of its own.
fn keep(text: &[u8], hit: Hit, hits: &mut Vec<Hit>) {
    let tags = hit.tags & !words::AGAINST;
    // `v` and `value` mean something as keys only.
    let closer = |b| matches!(b, b'"' | b'\'' | b'\\' | b'`' | b')' | b']' | b' ' | b'=' | b':');
    if tags != 0 && (tags != VALUE || closer(at(text, hit.end))) {
        hits.push(hit);
    }
}

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
    self, AGAINST, BEFORE_LOGIN, BEFORE_NAME, BEFORE_NUMBER, BYKEY, COMMAND, FHIR, FOLDER, HASH,
    KEY, PASSWORD, SCHEME, SPELT_AT, STREET, TOKEN, Tags, VALUE, WEAK,
};
use crate::simd::{BLOCK, GROUP, Group, Job, LANES, Row};

/// Bytes after a word within which it gives a number its meaning: what `context` looks back.
const NUMBER_REACH: usize = 136;
/// Bytes after a key within which its separator comes: brackets, quotes and spaces.
const CLOSERS: usize = 14;
/// Bytes after a word within which an element or a list opens.
const OPEN_REACH: usize = 64;
/// Bytes after a word within which a quote or slash follows it.
const SIGN_REACH: usize = 16;
/// Bytes after a folder of homes within which the login behind backslashes starts.
const FOLDER_REACH: usize = 5;
/// Bytes after a word within which a name starts.
const NAME_REACH: usize = 24;
/// Bytes between the first digit of a house number and the kind of street.
const HOUSE_REACH: usize = 20;
/// Shortest base64 or hexadecimal token looked into.
pub(crate) const CODED_MIN: usize = 12;

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
        let tokens = word(&self.tokens, k);
        let mut kept = 0;
        let mut starts = word(&self.starts, k) | tokens;
        while starts != 0 {
            let shift = starts.trailing_zeros();
            let first = starts & starts.wrapping_neg();
            starts ^= first;
            let start = k * BLOCK + shift as usize;
            let length = 1 + (ends >> shift >> 1).trailing_zeros() as usize;
            let head = head(text, start);
            if tokens & first != 0
                && (tables.prefixes.may_start(head)
                    || bit(&self.shaped, start)
                    || self.is_alone(text, start))
            {
                kept |= first;
            }
            if tables.words.may_be(head, length) {
                let end = start + length;
                let tags = tables.words.of(sub(text, start, end));
                keep(text, Hit { start, end, tags }, &mut self.hits);
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
        let start = back(text, i, 2, |b| matches!(b, b'+' | b'/'));
        if !matches!(before(text, start), 0 | b'\n' | b' ' | b'\t') {
            return false;
        }
        let length = self.from(i, Row::Base64).trailing_ones() as usize;
        let closes = length == 64 || matches!(at(text, i + length), 0 | b'\n' | b'\r' | b'=');
        let line = back(text, start, LINE_INDENT, |b| matches!(b, b' ' | b'\t'));
        length >= LINE_MIN && closes && matches!(before(text, line), 0 | b'\n')
    }

    /// Looks up the words with letters beyond ASCII.
    fn accented(&mut self, text: &[u8], tables: &Tables) {
        let (mut done, before) = (0, self.hits.len());
        for (k, group) in self.groups.iter().enumerate().filter(|(_, g)| g.row(Row::High).any()) {
            for i in bits(group.row(Row::High).words(), k * GROUP) {
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

    /// Lets through the runs of base64's alphabet that may be a token: capitals beside other
    /// characters, or hexadecimal digits in a row.
    #[inline(always)]
    fn admit_runs(&mut self) {
        let runs = std::mem::take(&mut self.runs);
        for i in bits(&runs, 0) {
            if self.is_coded(i)
                && let Some(map) = self.encoded[2].get_mut(i / BLOCK)
            {
                *map |= 1 << (i % BLOCK);
            }
        }
        self.runs = runs;
    }

    /// Whether the run of base64's alphabet from `i` on may be a token.
    #[inline(always)]
    fn is_coded(&self, i: usize) -> bool {
        let mut from = i;
        let (mut upper, mut other) = (false, false);
        loop {
            let length = self.from(from, Row::Base64).trailing_ones();
            let within = if length < 64 { (1u64 << length) - 1 } else { !0 };
            upper |= self.from(from, Row::Upper) & within != 0;
            other |= (self.from(from, Row::Lower) | self.from(from, Row::Digit)) & within != 0;
            let mut hex = self.from(from, Row::Hexadecimal) & within;
            for step in [1, 2, 4, 4] {
                hex &= hex >> step;
            }
            if upper && other || hex != 0 {
                return true;
            }
            if length < 64 {
                return false;
            }
            // A row of hexadecimal digits may lie across.
            from += BLOCK - CODED_MIN;
        }
    }

    /// Lets through what a word makes worth a look.
    fn follow(&mut self, text: &[u8], hit: Hit) {
        let Hit { start, end, tags } = hit;
        // `created_by`, `given`: common words, with a meaning in keys only.
        if tags & !(BYKEY | FHIR | AGAINST) == 0 {
            return self.admit(end, end + CLOSERS, Mark::Pair);
        }
        // Letters, digits, `_`, `-` and `.` are a key's; a token's alphabet has few more.
        let bare = end + self.run(end, Row::Token, Row::Token);
        self.admit(end, bare + CLOSERS, Mark::Pair);
        let phrase = end + self.run(end, Row::Token, Row::Space);
        if phrase > bare && matches!(at(text, phrase), b'"' | b'\'' | b'\\' | b'`' | b')' | b']') {
            self.admit(phrase, phrase + CLOSERS, Mark::Pair);
        }
        self.admit(end, end + OPEN_REACH, Mark::Open);
        self.admit(end, end + SIGN_REACH, Mark::Sign);
        if tags & BEFORE_NUMBER != 0 {
            self.admit(start, end + NUMBER_REACH, Mark::Number);
        }
        if tags & STREET != 0 {
            self.admit(start.saturating_sub(HOUSE_REACH), start, Mark::Number);
        }
        if tags & BEFORE_NAME != 0 {
            self.admit(end, end + NAME_REACH, Mark::Capital);
        }
        if tags & FOLDER != 0 && at(text, end) == b'\\' {
            self.admit(end, end + FOLDER_REACH, Mark::Letter);
        }
        let secret = tags & (PASSWORD | TOKEN | KEY | WEAK) != 0;
        // The word may be the last part of `motDePasse`.
        let first = back(text, start, words::WORD_MAX, is_letter);
        let spoken = SPELT_AT | SCHEME | COMMAND | BEFORE_LOGIN;
        if tags & spoken != 0 || secret && before(text, first) == b'-' {
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
                Mark::Number => row(Row::Digit) & !(row(Row::Digit) << 1 | digit_before),
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

    /// Whether a word with a meaning is there.
    pub(crate) fn has_words(self) -> bool {
        let hits = &self.gate.hits;
        let first = hits.partition_point(|h| h.end <= self.start);
        hits.get(first).is_some_and(|h| h.start < self.end)
    }

    /// Whether the number at `i` is looked at for a word before it, not only for its shape.
    pub(crate) fn is_named(self, i: usize) -> bool {
        bit(&self.gate.named, self.start + i)
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
        let View { start, end, .. } = self;
        let first = start / BLOCK;
        let blocks = map.get(first..end.div_ceil(BLOCK).min(map.len())).unwrap_or_default();
        bits(blocks, first * BLOCK)
            .skip_while(move |i| *i < start)
            .take_while(move |i| *i < end)
            .map(move |i| i - start)
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
    Capital,
    Letter,
    Flag,
    Token,
    Here,
}

fn bit(map: &[u64], i: usize) -> bool {
    map.get(i / BLOCK).is_some_and(|bits| bits >> (i % BLOCK) & 1 == 1)
}

/// The places of the bits of a map that starts at byte `base`, in order.
#[inline(always)]
fn bits(map: &[u64], base: usize) -> impl Iterator<Item = usize> {
    map.iter().enumerate().flat_map(move |(k, &word)| {
        let mut left = word;
        std::iter::from_fn(move || {
            let i = (left != 0).then(|| base + k * BLOCK + left.trailing_zeros() as usize);
            left &= left.wrapping_sub(1);
            i
        })
    })
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

//! Where something can start: cheap necessary conditions on bitmaps, so that detectors run at few
//! of the bytes. A gate may let through too much, never too little: `tests` compares the detectors
//! behind gates with the detectors at every byte.
//!
//! Three sources: the shape of numbers (digits and separators in a row, counted in the bitmaps),
//! rare signs, and the words of [`words`] that stand before. A word is looked up once, where its
//! first letters fit; what follows it within reach is then let through.

use super::Tables;
use super::text::{at, before, is_letter};
use super::words::{self, AGAINST, BEFORE_LOGIN, BEFORE_NAME, BEFORE_NUMBER, BYKEY, FOLDER};
use super::words::{SCHEME, SPELT_AT, STREET, Tags, VALUE};
use crate::simd::{BLOCK, Block};

/// Bytes after a word within which it gives a number its meaning: what `context` looks back.
const NUMBER_REACH: usize = 136;
/// Bytes after a word within which a pair may name it: the longest key and its separator.
const PAIR_REACH: usize = 64;
/// Bytes after a word within which a quote, bracket or slash follows it.
const SIGN_REACH: usize = 16;
/// Bytes after `by` within which a key ends.
const BY_REACH: usize = 6;
/// Bytes after a folder of homes within which the login behind a backslash starts.
const FOLDER_REACH: usize = 5;
/// Bytes after a word within which a name starts.
const NAME_REACH: usize = 24;
/// Bytes between the first digit of a house number and the kind of street.
const HOUSE_REACH: usize = 20;
/// Least length of a token that providers give.
const TOKEN_MIN: u32 = 15;

/// Shortest base64 or hexadecimal token looked into.
pub(crate) const CODED_MIN: u32 = 12;

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
    pub(crate) blocks: Vec<Block>,
    /// Words with a meaning, in order; a word may be there twice.
    hits: Vec<Hit>,
    /// One bit per byte where detectors look.
    wanted: Vec<u64>,
    /// One bit per byte after a word that makes numbers personal.
    named: Vec<u64>,
}

impl Gate {
    /// Classifies `text` and finds where to look.
    pub(crate) fn open(&mut self, text: &[u8], tables: &Tables) {
        tables.classifier.classify(text, &mut self.blocks);
        self.wanted.clear();
        self.wanted.resize(self.blocks.len(), 0);
        self.hits.clear();
        self.named.clear();
        self.read_words(text, tables);
        self.by_shape();
        if !self.hits.is_empty() {
            self.by_words();
        }
    }

    /// Where to look, 64 bytes at a time.
    pub(crate) fn wanted(&self) -> &[u64] {
        &self.wanted
    }

    /// Whether the number at `i` is looked at for a word before it, not only for its shape.
    pub(crate) fn is_named(&self, i: usize) -> bool {
        self.named.get(i / BLOCK).is_some_and(|bits| bits >> (i % BLOCK) & 1 == 1)
    }

    /// Whether a word with a meaning ends within a pair's reach before `i`.
    pub(crate) fn is_paired(&self, i: usize) -> bool {
        let after = self.hits.partition_point(|h| h.end <= i);
        after.checked_sub(1).and_then(|k| self.hits.get(k)).is_some_and(|h| i - h.end < PAIR_REACH)
    }

    /// 64 bits of a class from byte `i` on.
    pub(crate) fn from(&self, i: usize, class: impl Fn(&Block) -> u64) -> u64 {
        let (block, shift) = (i / BLOCK, i % BLOCK);
        let bits = |k: usize| self.blocks.get(k).map_or(0, &class);
        if shift == 0 {
            bits(block)
        } else {
            bits(block) >> shift | bits(block + 1) << (BLOCK - shift)
        }
    }

    /// Looks up the words whose first letters fit, and those with letters beyond ASCII.
    fn read_words(&mut self, text: &[u8], tables: &Tables) {
        let (mut letters_before, mut lower_before, mut beyond) = (0, 0, 0);
        for (k, block) in self.blocks.iter().enumerate() {
            let letters = block.lower | block.upper | block.high;
            let starts = !(letters << 1 | letters_before);
            let humps = block.upper & (block.lower << 1 | lower_before);
            let mut fits = block.word & (starts | humps);
            while fits != 0 {
                let i = k * BLOCK + fits.trailing_zeros() as usize;
                fits &= fits - 1;
                let end = word_end(text, i);
                let tags = tables.words.of(super::text::sub(text, i, end));
                keep(text, Hit { start: i, end, tags }, &mut self.hits);
            }
            let mut high = block.high;
            while high != 0 {
                let i = k * BLOCK + high.trailing_zeros() as usize;
                high &= high - 1;
                if i >= beyond {
                    beyond = accented(text, i, tables, &mut self.hits);
                }
            }
            (letters_before, lower_before) = (letters >> 63, block.lower >> 63);
        }
        self.hits.sort_unstable_by_key(|h| h.end);
    }

    /// Lets through what its own shape makes worth a look.
    fn by_shape(&mut self) {
        let mut prev = Block::default();
        for k in 0..self.wanted.len() {
            let Some(block) = self.blocks.get(k) else { break };
            let next = self.blocks.get(k + 1).copied().unwrap_or_default();
            let bits = shapes(&Around { prev, block: *block, next });
            if let Some(w) = self.wanted.get_mut(k) {
                *w = bits;
            }
            prev = *block;
        }
    }

    /// Lets through what the words before it make worth a look.
    fn by_words(&mut self) {
        self.named.resize(self.blocks.len(), 0);
        let hits = std::mem::take(&mut self.hits);
        for hit in &hits {
            let &Hit { start, end, tags } = hit;
            // `created_by`: the word is common, and only the end of a key.
            let near = tags & !(BYKEY | AGAINST) == 0;
            let reach = if near { BY_REACH } else { PAIR_REACH };
            self.admit(end, end + reach, |b, _| b.colon | b.equal | b.open);
            self.admit(end, end + if near { 0 } else { SIGN_REACH }, |b, _| b.quote | b.slash);
            if tags & BEFORE_NUMBER != 0 {
                self.admit(start, end + NUMBER_REACH, |b, prev| {
                    b.digit & !(b.digit << 1 | prev.digit >> 63)
                });
                mark(&mut self.named, start, end + NUMBER_REACH);
            }
            if tags & STREET != 0 {
                self.admit(start.saturating_sub(HOUSE_REACH), start, |b, prev| {
                    b.digit & !(b.digit << 1 | prev.digit >> 63)
                });
                mark(&mut self.named, start.saturating_sub(HOUSE_REACH), start);
            }
            if tags & BEFORE_NAME != 0 {
                self.admit(end, end + NAME_REACH, |b, _| b.upper | b.high);
            }
            if tags & FOLDER != 0 {
                self.admit(end, end + FOLDER_REACH, |b, prev| {
                    letter(b) & (b.escape << 1 | prev.escape >> 63)
                });
            }
            if tags & (SPELT_AT | SCHEME | BEFORE_LOGIN) != 0 {
                self.admit(start, start + 1, |_, _| !0);
            }
        }
        self.hits = hits;
    }

    /// Lets through the bytes of a class in `from..to`.
    fn admit(&mut self, from: usize, to: usize, class: impl Fn(&Block, &Block) -> u64) {
        let last = to.min(self.blocks.len() * BLOCK);
        for (k, bits) in spans(from, last) {
            let prev =
                k.checked_sub(1).and_then(|j| self.blocks.get(j)).copied().unwrap_or_default();
            if let (Some(w), Some(b)) = (self.wanted.get_mut(k), self.blocks.get(k)) {
                *w |= class(b, &prev) & bits;
            }
        }
    }
}

/// The blocks that `from..to` touches, with the bits inside.
fn spans(from: usize, to: usize) -> impl Iterator<Item = (usize, u64)> {
    (from / BLOCK..to.div_ceil(BLOCK)).map(move |k| {
        let low = from.saturating_sub(k * BLOCK).min(BLOCK - 1);
        let high = to - k * BLOCK;
        let upto = if high >= BLOCK { !0 } else { (1u64 << high) - 1 };
        (k, upto & !0 << low)
    })
}

/// Sets the bits of `from..to`.
fn mark(map: &mut [u64], from: usize, to: usize) {
    for (k, bits) in spans(from, to.min(map.len() * BLOCK)) {
        if let Some(m) = map.get_mut(k) {
            *m |= bits;
        }
    }
}

/// Where the word that starts at `i` ends: at a sign, or where a capital follows a small letter.
fn word_end(text: &[u8], i: usize) -> usize {
    let mut end = i + 1;
    loop {
        let b = at(text, end);
        let hump = b.is_ascii_uppercase() && before(text, end).is_ascii_lowercase();
        if !is_letter(b) || hump || end - i > words::WORD_MAX * 2 {
            return end;
        }
        end += 1;
    }
}

/// Looks up the words of the run of letters around the letter at `i` beyond ASCII. Returns the end
/// of the run.
fn accented(text: &[u8], i: usize, tables: &Tables, hits: &mut Vec<Hit>) -> usize {
    let start = super::text::back(text, i, words::WORD_MAX * 2, is_letter);
    let end = super::text::skip(text, i, words::WORD_MAX * 2, is_letter);
    tables.words.parts(super::text::sub(text, start, end), |a, z, tags| {
        keep(text, Hit { start: start + a, end: start + z, tags }, hits);
    });
    end
}

/// Keeps a word that has a meaning of its own.
fn keep(text: &[u8], hit: Hit, hits: &mut Vec<Hit>) {
    let tags = hit.tags & !words::AGAINST;
    // `v` and `value` mean something as keys only.
    let key =
        matches!(at(text, hit.end), b'"' | b'\'' | b'\\' | b'`' | b')' | b']' | b' ' | b'=' | b':');
    if tags != 0 && (tags != VALUE || key) {
        hits.push(hit);
    }
}

/// A block and its neighbours.
struct Around {
    prev: Block,
    block: Block,
    next: Block,
}

impl Around {
    /// The class at the byte `n` before each.
    fn back(&self, n: u32, class: impl Fn(&Block) -> u64) -> u64 {
        class(&self.block) << n | class(&self.prev) >> (64 - n)
    }

    /// The class at the byte `n` after each.
    fn ahead(&self, n: u32, class: impl Fn(&Block) -> u64) -> u64 {
        class(&self.block) >> n | class(&self.next) << (64 - n)
    }

    /// Where the class holds for `n` bytes in a row, `n` from 1 to 64.
    fn run(&self, n: u32, class: impl Fn(&Block) -> u64) -> u64 {
        let mut bits = u128::from(class(&self.block)) | u128::from(class(&self.next)) << 64;
        let mut have = 1;
        while have < n {
            let step = have.min(n - have);
            bits &= bits >> step;
            have += step;
        }
        bits as u64
    }
}

/// Where an encoded character or an encoded token may start, 64 bytes at a time.
pub(crate) fn encoded(blocks: &[Block]) -> impl Iterator<Item = u64> {
    let mut prev = Block::default();
    (0..blocks.len()).map(move |k| {
        let block = blocks.get(k).copied().unwrap_or_default();
        let next = blocks.get(k + 1).copied().unwrap_or_default();
        let around = Around { prev, block, next };
        prev = block;
        coded(&around)
    })
}

/// Characters beyond ASCII, escapes, quoted-printable, UTF-7, and the starts of long tokens.
fn coded(a: &Around) -> u64 {
    let b = &a.block;
    let mut bits = b.escape | b.high;
    if b.equal != 0 {
        bits |= b.equal & a.ahead(1, hexadecimal) & a.ahead(2, hexadecimal);
    }
    if b.plus != 0 {
        let capital = |n| a.ahead(n, |b| b.upper);
        bits |= b.plus & capital(1) & capital(2) & capital(3) & a.ahead(4, |b| b.dash);
    }
    bits | base64(b) & !a.back(1, base64) & a.run(CODED_MIN, base64)
}

/// The alphabets of base64.
fn base64(b: &Block) -> u64 {
    b.lower | b.upper | b.digit | b.plus | b.slash | b.dash | b.underscore
}

/// Digits and what people write between them.
pub(crate) fn numeric(b: &Block) -> u64 {
    b.digit | b.space | b.plus | b.dot | b.dash | b.slash | b.underscore | b.paren
}

fn letter(b: &Block) -> u64 {
    b.lower | b.upper | b.high
}

fn word(b: &Block) -> u64 {
    letter(b) | b.digit
}

fn hexadecimal(b: &Block) -> u64 {
    b.hex | b.digit
}

/// What a token of a provider is made of.
fn token(b: &Block) -> u64 {
    word(b) | b.dash | b.underscore | b.plus | b.slash | b.dot
}

/// Everything that is worth a look by its shape alone.
fn shapes(a: &Around) -> u64 {
    let b = &a.block;
    let mut wanted = b.rare;
    let digit = |b: &Block| b.digit;
    let numbers = b.digit & !a.back(1, digit);
    if numbers != 0 {
        wanted |= numbers & a.run(6, numeric);
        wanted |= numbers & lettered(a);
        wanted |= numbers & plates(a);
        let masked = a.ahead(4, |b| b.mask) | a.ahead(5, |b| b.mask);
        wanted |= numbers & masked & a.run(4, digit);
    }
    wanted |= b.plus & a.ahead(1, digit);
    let starts = (letter(b)) & !a.back(1, word);
    wanted |= starts & a.run(TOKEN_MIN, token);
    wanted |= (numbers | starts) & hardware(a);
    if b.colon != 0 {
        let around = a.back(1, hexadecimal) & a.ahead(1, hexadecimal);
        wanted |= b.colon & (around | a.ahead(1, |b| b.colon));
    }
    // `DOMAIN\\jdupont`
    let domain = |b: &Block| b.upper | b.digit | b.escape;
    wanted |= b.lower & a.back(1, |b| b.escape) & a.back(2, domain);
    if b.open != 0 {
        // `(0)1 99…`, `(0033) 6…`
        let digit = |n| a.ahead(n, |b| b.digit);
        let paren = |n| a.ahead(n, |b| b.paren);
        let code = paren(2) | digit(2) & digit(3) & digit(4) & (paren(5) | paren(6));
        wanted |= b.open & digit(1) & code;
        let user = digit(1) & a.ahead(3, |b| b.slash) & a.back(1, |b| b.space);
        wanted |= b.open & user;
    }
    if b.dash != 0 {
        wanted |= b.dash & !a.back(1, |b| b.dash) & a.run(5, |b| b.dash);
    }
    wanted
}

/// Numbers after letters, as in `FR76`, `FR 76`, `FRK7`, `IBANFR76`.
fn lettered(a: &Around) -> u64 {
    let two = a.ahead(1, |b| b.digit);
    let l = |n| a.back(n, letter);
    let glued =
        l(1) & l(2) & (!a.back(3, word) | l(3) & !a.back(4, word) | l(3) & l(4) & l(5) & l(6));
    let spaced = a.back(1, |b| b.space | b.plus) & l(2) & l(3) & !a.back(4, word);
    glued | spaced & two
}

/// Three digits between signs and letters: `AA-123-AA`.
fn plates(a: &Around) -> u64 {
    let sign = |b: &Block| b.dash | b.space | b.plus;
    let digits = a.ahead(1, |b| b.digit) & a.ahead(2, |b| b.digit);
    digits & a.back(1, sign) & a.ahead(3, sign) & a.back(2, letter) & a.ahead(4, letter)
}

/// Hexadecimal groups: `aa-bb-cc`, `aabb.ccdd.eeff`.
fn hardware(a: &Around) -> u64 {
    let h = |n: u32| if n == 0 { hexadecimal(&a.block) } else { a.ahead(n, hexadecimal) };
    let dashed = h(1) & a.ahead(2, |b| b.dash) & h(3) & h(4) & a.ahead(5, |b| b.dash);
    let dotted = h(1) & h(2) & h(3) & a.ahead(4, |b| b.dot) & h(5) & a.ahead(9, |b| b.dot);
    h(0) & (dashed | dotted)
}

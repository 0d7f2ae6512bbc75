//! Where something can start: cheap necessary conditions on bitmaps, so that detectors run at few
//! of the bytes. A gate may let through too much, never too little: `tests` compares the detectors
//! behind gates with the detectors at every byte.
//!
//! Three sources: the shape of numbers (digits and separators in a row, counted in the bitmaps),
//! rare signs, and the words of [`words`] that stand before. A word is looked up once, where it
//! starts; what follows it within reach is then let through.

use super::Tables;
use super::text::{at, back, is_letter, skip, sub};
use super::words::{self, BEFORE_NAME, BEFORE_NUMBER, SCHEME, SPELT_AT, STREET, Tags, VALUE};
use crate::simd::{BLOCK, Block, Job};

/// Bytes after a word within which it gives a number its meaning: what `context` looks back.
const NUMBER_REACH: usize = 136;
/// Bytes after a key within which its separator comes: brackets, quotes and spaces.
const CLOSERS: usize = 14;
/// Bytes after a word within which an element or a list opens.
const OPEN_REACH: usize = 64;
/// Bytes after a word within which a quote or slash follows it.
const SIGN_REACH: usize = 16;
/// Bytes after a word within which a name starts.
const NAME_REACH: usize = 24;
/// Bytes between the first digit of a house number and the kind of street.
const HOUSE_REACH: usize = 20;
/// Least length of a token that providers give.
const TOKEN_MIN: u32 = 12;
/// Shortest base64 or hexadecimal token looked into.
pub(crate) const CODED_MIN: usize = 12;
/// Least characters of a number that no word names: ten digits.
const NUMBER_MIN: u32 = 10;

/// Least characters of a number of any country, its `+` included.
const DIALLED_MIN: u32 = 8;

/// Most characters of a card before the first that is masked.
const MASKED_MAX: u32 = 12;
/// Groups of an IPv6 address before `::`.
const GROUPS_MAX: usize = 7;

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
    blocks: Vec<Block>,
    hits: Vec<Hit>,
    /// One bit per byte where detectors look.
    wanted: Vec<u64>,
    /// One bit per byte where something encoded may start.
    encoded: Vec<u64>,
    /// One bit per byte after a word that makes numbers personal.
    named: Vec<u64>,
    /// One bit per byte that may be the separator of a pair whose key has a meaning.
    paired: Vec<u64>,
}

impl Gate {
    /// Classifies `text` and finds where to look.
    pub(crate) fn open(&mut self, text: &[u8], tables: &Tables) {
        tables.classifier.with(Open { gate: self, text, tables });
    }

    #[inline(always)]
    fn read(&mut self, text: &[u8], tables: &Tables) {
        tables.classifier.classify(text, &mut self.blocks);
        self.hits.clear();
        self.named.clear();
        self.paired.clear();
        self.wanted.clear();
        self.encoded.clear();
        let mut around = Around::new(self.blocks.first());
        let mut beyond = 0;
        for k in 0..self.blocks.len() {
            around.step(self.blocks.get(k + 1));
            let wanted = shapes(&around) | self.words(&around, k * BLOCK, text, tables);
            self.wanted.push(wanted);
            self.encoded.push(coded(&around));
            if around.block.high != 0 {
                beyond = self.accented(around.block.high, k * BLOCK, beyond, text, tables);
            }
        }
        if !self.hits.is_empty() {
            self.named.resize(self.blocks.len(), 0);
            self.paired.resize(self.blocks.len(), 0);
            let hits = std::mem::take(&mut self.hits);
            hits.iter().for_each(|hit| self.follow(text, *hit));
            self.hits = hits;
        }
    }

    /// Where to look, 64 bytes at a time.
    pub(crate) fn wanted(&self) -> &[u64] {
        &self.wanted
    }

    /// Whether the number at `i` is looked at for a word before it, not only for its shape.
    pub(crate) fn is_named(&self, i: usize) -> bool {
        bit(&self.named, i)
    }

    /// Whether the separator at `i` may be that of a pair whose key has a meaning.
    pub(crate) fn is_paired(&self, i: usize) -> bool {
        bit(&self.paired, i)
    }

    /// Where an encoded character or an encoded token may start, 64 bytes at a time.
    pub(crate) fn encoded(&self) -> &[u64] {
        &self.encoded
    }

    /// Whether a run of base64's alphabet from `i` on may be a token: it has capitals beside other
    /// characters, or hexadecimal digits in a row.
    pub(crate) fn is_coded(&self, i: usize) -> bool {
        let mut from = i;
        let (mut upper, mut other) = (false, false);
        loop {
            let bits = self.from(from, base64);
            let length = bits.trailing_ones();
            let within = if length < 64 { (1u64 << length) - 1 } else { !0 };
            let capitals = self.from(from, |b| b.upper) & within;
            upper |= capitals != 0;
            other |= self.from(from, |b| b.lower | b.digit) & within != 0;
            let hex = self.from(from, hexadecimal) & within;
            if upper && other || run(u128::from(hex), CODED_MIN as u32) != 0 {
                return true;
            }
            if length < 64 {
                return false;
            }
            // A row of hexadecimal digits may lie across.
            from += BLOCK - CODED_MIN;
        }
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

    /// Bytes from `i` on that have a class, counted up to 64 at a time while `i` is in the text.
    fn run(&self, i: usize, class: impl Fn(&Block) -> u64) -> usize {
        let mut n = 0;
        loop {
            let more = self.from(i + n, &class).trailing_ones() as usize;
            n += more;
            if more < BLOCK || n > OPEN_REACH {
                return n;
            }
        }
    }

    /// Looks up the words of letters that start in this block. Returns where tokens start that may
    /// be of a provider.
    #[inline(always)]
    fn words(&mut self, a: &Around, base: usize, text: &[u8], tables: &Tables) -> u64 {
        let b = &a.block;
        let letters = letter(b);
        let humps = b.upper & a.back(1, |b| b.lower);
        let mut starts = (letters & !a.back(1, letter) | humps) & !b.high;
        let ends = !a.both(letter) | u128::from(humps) | u128::from(a.next_humps()) << BLOCK;
        let tokens = letters & !a.back(1, word) & a.run(TOKEN_MIN, token);
        let mut wanted = 0;
        while starts != 0 {
            let k = starts.trailing_zeros();
            let first = starts & starts.wrapping_neg();
            starts &= starts - 1;
            let i = base + k as usize;
            let length = 1 + (ends >> k >> 1).trailing_zeros() as usize;
            let head = head(text, i);
            if tokens & first != 0 && tables.prefixes.may_start(head) {
                wanted |= first;
            }
            if tables.words.may_be(head, length) {
                let end = i + length;
                let tags = tables.words.of(sub(text, i, end));
                keep(text, Hit { start: i, end, tags }, &mut self.hits);
            }
        }
        wanted
    }

    /// Looks up the words with letters beyond ASCII, from `beyond` on. Returns where it came to.
    fn accented(
        &mut self,
        mut high: u64,
        base: usize,
        beyond: usize,
        text: &[u8],
        tables: &Tables,
    ) -> usize {
        let mut done = beyond;
        while high != 0 {
            let i = base + high.trailing_zeros() as usize;
            high &= high - 1;
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
        done
    }

    /// Lets through what a word makes worth a look.
    fn follow(&mut self, text: &[u8], hit: Hit) {
        let Hit { start, end, tags } = hit;
        let key = |b: &Block| word(b) | b.underscore | b.dash | b.dot;
        let bare = end + self.run(end, key);
        self.admit(bare, bare + CLOSERS, Mark::Pair);
        let phrase = end + self.run(end, |b| key(b) | b.space);
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
        if tags & (SPELT_AT | SCHEME) != 0 {
            self.admit(start, start + 1, Mark::Here);
        }
    }

    /// Lets through bytes in `from..to`.
    fn admit(&mut self, from: usize, to: usize, what: Mark) {
        let to = to.min(self.blocks.len() * BLOCK);
        for k in from / BLOCK..to.div_ceil(BLOCK) {
            let low = from.saturating_sub(k * BLOCK).min(BLOCK - 1);
            let high = to - k * BLOCK;
            let bits = if high >= BLOCK { !0 } else { (1u64 << high) - 1 } & !0 << low;
            let (Some(b), Some(wanted)) = (self.blocks.get(k), self.wanted.get_mut(k)) else {
                return;
            };
            let before = |class: fn(&Block) -> u64| {
                k.checked_sub(1).and_then(|j| self.blocks.get(j)).map_or(0, class)
            };
            let map = match what {
                Mark::Pair => self.paired.get_mut(k),
                Mark::Number => self.named.get_mut(k),
                _ => None,
            };
            if let Some(map) = map {
                *map |= bits;
            }
            *wanted |= bits
                & match what {
                    Mark::Pair => b.colon | b.equal,
                    Mark::Open => b.open,
                    Mark::Sign => b.quote | b.slash,
                    Mark::Number => b.digit & !(b.digit << 1 | before(|b| b.digit) >> 63),
                    Mark::Capital => b.upper | b.high,
                    Mark::Here => !0,
                };
        }
    }
}

/// [`Gate::open`] for one processor.
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
    Here,
}

fn bit(map: &[u64], i: usize) -> bool {
    map.get(i / BLOCK).is_some_and(|bits| bits >> (i % BLOCK) & 1 == 1)
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

/// A block and its neighbours.
#[derive(Default)]
struct Around {
    prev: Block,
    block: Block,
    next: Block,
}

impl Around {
    /// Before the first block.
    #[inline(always)]
    fn new(first: Option<&Block>) -> Around {
        Around { next: first.copied().unwrap_or_default(), ..Around::default() }
    }

    /// Moves one block on.
    #[inline(always)]
    fn step(&mut self, next: Option<&Block>) {
        self.prev = self.block;
        self.block = self.next;
        self.next = next.copied().unwrap_or_default();
    }

    /// The class at the byte `n` before each, `n` from 1 to 63.
    #[inline(always)]
    fn back(&self, n: u32, class: impl Fn(&Block) -> u64) -> u64 {
        class(&self.block) << n | class(&self.prev) >> (64 - n)
    }

    /// The class at the byte `n` after each, `n` from 1 to 63.
    #[inline(always)]
    fn ahead(&self, n: u32, class: impl Fn(&Block) -> u64) -> u64 {
        class(&self.block) >> n | class(&self.next) << (64 - n)
    }

    /// The class in this block and the next.
    #[inline(always)]
    fn both(&self, class: impl Fn(&Block) -> u64) -> u128 {
        u128::from(class(&self.block)) | u128::from(class(&self.next)) << 64
    }

    /// Capitals after small letters in the next block.
    #[inline(always)]
    fn next_humps(&self) -> u64 {
        self.next.upper & (self.next.lower << 1 | self.block.lower >> 63)
    }

    /// Where the class holds for `n` bytes in a row, `n` from 1 to 64.
    #[inline(always)]
    fn run(&self, n: u32, class: impl Fn(&Block) -> u64) -> u64 {
        run(self.both(class), n) as u64
    }
}

/// Where `n` bits in a row are set.
#[inline(always)]
fn run(mut bits: u128, n: u32) -> u128 {
    let mut have = 1;
    while have < n {
        let step = have.min(n - have);
        bits &= bits >> step;
        have += step;
    }
    bits
}

/// Where a chain of `n` bits starts, each 2 to `gap` after the one before.
#[inline(always)]
fn chain(bits: u128, n: u32, gap: u32) -> u128 {
    (1..n).fold(bits, |chained, _| bits & (2..=gap).fold(0, |all, g| all | chained >> g))
}

/// Characters beyond ASCII, escapes, quoted-printable, UTF-7, and the starts of long tokens.
#[inline(always)]
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
    bits | base64(b) & !a.back(1, base64) & a.run(CODED_MIN as u32, base64)
}

/// The alphabets of base64.
#[inline(always)]
fn base64(b: &Block) -> u64 {
    b.lower | b.upper | b.digit | b.plus | b.slash | b.dash | b.underscore
}

/// What people write between digits.
#[inline(always)]
fn separator(b: &Block) -> u64 {
    b.space | b.plus | b.dot | b.dash | b.slash | b.underscore | b.paren
}

/// Digits and what people write between them.
#[inline(always)]
pub(crate) fn numeric(b: &Block) -> u64 {
    b.digit | separator(b)
}

#[inline(always)]
fn letter(b: &Block) -> u64 {
    b.lower | b.upper | b.high
}

#[inline(always)]
fn word(b: &Block) -> u64 {
    letter(b) | b.digit
}

#[inline(always)]
fn hexadecimal(b: &Block) -> u64 {
    b.hex | b.digit
}

/// What a token of a provider is made of.
#[inline(always)]
fn token(b: &Block) -> u64 {
    word(b) | b.dash | b.underscore | b.plus | b.slash | b.dot | b.tilde
}

/// Everything that is worth a look by its shape alone.
#[inline(always)]
fn shapes(a: &Around) -> u64 {
    let b = &a.block;
    let starts = b.digit & !a.back(1, |b| b.digit);
    let mut wanted = b.rare;
    if starts != 0 {
        wanted |= starts & numbers(a);
    }
    wanted |= b.plus & a.ahead(1, |b| b.digit) & a.run(DIALLED_MIN, numeric);
    wanted |= word(b) & !a.back(1, word) & hardware(a);
    if b.colon != 0 {
        wanted |= b.colon & addresses(a);
    }
    if b.open != 0 {
        let user = a.ahead(1, |b| b.digit) & a.ahead(3, |b| b.slash) & a.back(1, |b| b.space);
        wanted |= b.open & user;
    }
    if b.dash != 0 {
        wanted |= b.dash & !a.back(1, |b| b.dash) & a.run(5, |b| b.dash);
    }
    wanted
}

/// Numbers that no word names: long ones, addresses, plates, masked cards, and after letters.
#[inline(always)]
fn numbers(a: &Around) -> u64 {
    let digits = a.both(|b| b.digit);
    // A separator counts where a digit or another separator follows.
    let separators = a.both(separator);
    let joined = digits | separators & (digits | separators) >> 1;
    let mut wanted = run(joined, NUMBER_MIN) as u64;
    wanted |= quads(a, digits, |b| b.dot) | quads(a, digits, |b| b.dash);
    let masks = a.both(|b| b.mask) & (digits << 1 | digits << 2 | digits << 3);
    if masks != 0 {
        wanted |= (4..=MASKED_MAX).fold(0, |all, n| all | masks >> n) as u64;
    }
    wanted | lettered(a) | plates(a) | corsican(a)
}

/// Four groups of digits with three signs between.
#[inline(always)]
fn quads(a: &Around, digits: u128, sign: impl Fn(&Block) -> u64) -> u64 {
    let signs = a.both(sign) & digits << 1 & digits >> 1;
    if signs.count_ones() < 3 {
        return 0;
    }
    let first = chain(signs, 3, 4);
    (first >> 1 | first >> 2 | first >> 3) as u64
}

/// Numbers after letters, as in `FR76`, `FR 76`, `IBANFR76`.
#[inline(always)]
fn lettered(a: &Around) -> u64 {
    let l = |n| a.back(n, letter);
    let two = a.ahead(1, |b| b.digit) & l(2);
    if two == 0 {
        return 0;
    }
    let glued = l(1) & (!a.back(3, word) | l(3) & l(4) & l(5) & l(6));
    let spaced = a.back(1, |b| b.space | b.plus) & l(3) & !a.back(4, word);
    two & (glued | spaced)
}

/// Three digits between signs and letters: `AA-123-AA`.
#[inline(always)]
fn plates(a: &Around) -> u64 {
    let sign = |b: &Block| b.dash | b.space | b.plus;
    let signs = a.back(1, sign) & a.ahead(3, sign);
    signs
        & a.ahead(1, |b| b.digit)
        & a.ahead(2, |b| b.digit)
        & a.back(2, letter)
        & a.ahead(4, letter)
}

/// Numbers that reach a letter A or B after six digits, as the NIR of Corsica does.
#[inline(always)]
fn corsican(a: &Around) -> u64 {
    let marks = a.both(|b| b.hex) & a.both(|b| b.digit) << 1;
    if marks == 0 {
        return 0;
    }
    // Six digits with up to three characters between two.
    (6..=20).fold(0, |all, n| all | marks >> n) as u64 & a.run(6, numeric)
}

/// Hexadecimal groups: `aa-bb-cc`, `aabb.ccdd.eeff`.
#[inline(always)]
fn hardware(a: &Around) -> u64 {
    let (dash, dot) = (a.ahead(2, |b| b.dash), a.ahead(4, |b| b.dot));
    if dash | dot == 0 {
        return 0;
    }
    let h = |n: u32| a.ahead(n, hexadecimal);
    let dashed = h(1) & dash & h(3) & h(4) & a.ahead(5, |b| b.dash);
    let dotted = h(1) & h(2) & h(3) & dot & h(5) & a.ahead(9, |b| b.dot);
    hexadecimal(&a.block) & (dashed | dotted)
}

/// Colons of an address: a chain that comes to two together, or the first of five near each other.
#[inline(always)]
fn addresses(a: &Around) -> u64 {
    let colons = a.both(|b| b.colon);
    let mut double = colons & (colons >> 1 | colons << 1);
    if double != 0 {
        for _ in 0..GROUPS_MAX {
            double |= colons & (double >> 2 | double >> 3 | double >> 4 | double >> 5);
        }
    }
    let many = if colons.count_ones() < 5 { 0 } else { chain(colons, 5, 5) };
    (double | many) as u64
}

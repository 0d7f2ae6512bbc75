//! Classes of bytes as bitmaps, 64 bytes at a time: the one pass that reads every byte.
//!
//! A [`Block`] holds one bit per byte and class, and one bit where a word of a list may start
//! ([`Words`]: a superset of the words, told by the letters they start with). Everything later asks
//! the bitmaps first and touches bytes only where something can be.
//!
//! The same function exists for AVX-512, AVX2, SSSE3, NEON and portable code, and the widest that
//! the processor has is chosen once. All give the same bits: `tests` compares them on random bytes.
//!
//! This is the only place of the workspace that may use `unsafe`: vector loads inside a slice whose
//! length was checked, and calls of code for a processor feature that was detected.

#![allow(unsafe_code, reason = "vector instructions; each block says why it is sound")]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
#[cfg(target_arch = "x86_64")]
mod ssse3;
mod vector;

/// Bytes of one block.
pub(crate) const BLOCK: usize = 64;
/// Letters of a word that are compared.
const DEPTH: usize = 4;
/// Bytes read for one block: the last words that start in it reach beyond.
const READ: usize = BLOCK + DEPTH - 1;

/// The classes of 64 bytes, one bit per byte, the first in the lowest bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Block {
    /// `0` to `9`.
    pub(crate) digit: u64,
    /// `a` to `z`.
    pub(crate) lower: u64,
    /// `A` to `Z`.
    pub(crate) upper: u64,
    /// `a` to `f` and `A` to `F`.
    pub(crate) hex: u64,
    /// 0x80 and above: part of a character beyond ASCII.
    pub(crate) high: u64,
    pub(crate) space: u64,
    pub(crate) dot: u64,
    pub(crate) dash: u64,
    pub(crate) plus: u64,
    pub(crate) slash: u64,
    pub(crate) underscore: u64,
    pub(crate) colon: u64,
    pub(crate) equal: u64,
    /// `"` and `'`.
    pub(crate) quote: u64,
    /// `>`, `(` and `[`.
    pub(crate) open: u64,
    /// `@` and `$`.
    pub(crate) rare: u64,
    /// What may start an encoded character: `%`, `\`, `&`, `^`, ESC and NUL.
    pub(crate) escape: u64,
    /// `(` and `)`.
    pub(crate) paren: u64,
    /// What hides digits: `*`, `#`, `x` and `X`.
    pub(crate) mask: u64,
    /// Where a word of the list may start; says nothing about what stands before.
    pub(crate) word: u64,
}

impl Block {
    /// Forgets what lies beyond the first `n` bytes.
    fn cut(&mut self, n: usize) {
        // Padding is NUL: no class but this one has it.
        self.escape &= (1u64 << n) - 1;
    }
}

/// A class of a byte; its place is its bit in the tables of classes.
const CLASSES: [(&[u8], fn(&mut Block) -> &mut u64); 18] = [
    (b"0123456789", |b| &mut b.digit),
    (b"abcdefghijklmnopqrstuvwxyz", |b| &mut b.lower),
    (b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", |b| &mut b.upper),
    (b"abcdefABCDEF", |b| &mut b.hex),
    (b" ", |b| &mut b.space),
    (b".", |b| &mut b.dot),
    (b"-", |b| &mut b.dash),
    (b"+", |b| &mut b.plus),
    (b"/", |b| &mut b.slash),
    (b"_", |b| &mut b.underscore),
    (b":", |b| &mut b.colon),
    (b"=", |b| &mut b.equal),
    (b"\"'", |b| &mut b.quote),
    (b">([", |b| &mut b.open),
    (b"@$", |b| &mut b.rare),
    (b"%\\&^\x1B\0", |b| &mut b.escape),
    (b"()", |b| &mut b.paren),
    (b"*#xX", |b| &mut b.mask),
];

/// For each ASCII byte the bits of its classes, eight classes to a table.
const CLASS_TABLES: [[u8; 128]; 3] = {
    let (mut tables, mut c) = ([[0; 128]; 3], 0);
    while c < CLASSES.len() {
        let (bytes, mut i) = (CLASSES[c].0, 0);
        while i < bytes.len() {
            // Proof: c < 18, and the bytes of a class are ASCII
            tables[c / 8][bytes[i] as usize] |= 1 << (c % 8);
            i += 1;
        }
        c += 1;
    }
    tables
};

/// Buckets of words: each is a set of letters at each of the first [`DEPTH`] places.
const BUCKETS: usize = 16;
/// Buckets for words that end before [`DEPTH`] letters: their last places say little.
const SHORT_BUCKETS: usize = 5;

/// The first letters of a list of words, folded into buckets.
#[derive(Clone)]
pub(crate) struct Words {
    /// By half of the buckets, by place, by letter (its low five bits).
    letters: [[[u8; 32]; DEPTH]; 2],
    /// By half, by place: buckets with a word that ends before this place, where a byte follows
    /// that is no lower-case letter.
    ended: [[u8; DEPTH]; 2],
    /// The same as one table for each ASCII byte.
    ascii: [[[u8; 128]; DEPTH]; 2],
}

impl Words {
    /// Sorts words of ASCII letters into buckets: neighbours in the alphabet share letters.
    pub(crate) fn new<'w>(words: impl Iterator<Item = &'w [u8]>) -> Words {
        let is_short = |w: &&[u8]| w.len() < DEPTH;
        let (mut short, mut long): (Vec<_>, Vec<_>) = words.partition(is_short);
        short.sort_unstable();
        long.sort_unstable();
        let mut all = Words {
            letters: [[[0; 32]; DEPTH]; 2],
            ended: [[0; DEPTH]; 2],
            ascii: [[[0; 128]; DEPTH]; 2],
        };
        let long_buckets = BUCKETS - SHORT_BUCKETS;
        for (list, first, buckets) in
            [(long, 0, long_buckets), (short, long_buckets, SHORT_BUCKETS)]
        {
            for (i, word) in list.iter().enumerate() {
                all.add(word, first + i * buckets / list.len());
            }
        }
        for half in 0..2 {
            for place in 0..DEPTH {
                for byte in 0..128u8 {
                    // Proof: half < 2, place < DEPTH, byte < 128
                    all.ascii[half][place][usize::from(byte)] = all.at(half, place, byte);
                }
            }
        }
        all
    }

    fn add(&mut self, word: &[u8], bucket: usize) {
        let (half, bit) = (bucket / 8 % 2, 1u8 << (bucket % 8));
        let (letters, ended) = (&mut self.letters[half], &mut self.ended[half]); // Proof: half < 2
        for (place, (set, end)) in letters.iter_mut().zip(ended).enumerate() {
            match word.get(place) {
                // Proof: the index is below 32, the length of a set
                Some(b) => set[usize::from(b & 31)] |= bit,
                None => {
                    *end |= bit;
                    if place > word.len() {
                        set.iter_mut().for_each(|s| *s |= bit);
                    }
                }
            }
        }
    }

    /// The buckets that allow `byte` at `place`.
    fn at(&self, half: usize, place: usize, byte: u8) -> u8 {
        let letter = byte.is_ascii_alphabetic();
        // Proof: callers pass half < 2 and place < DEPTH; the low five bits are below 32
        let set = self.letters[half][place][usize::from(byte & 31)];
        let ended = self.ended[half][place];
        (if letter { set } else { 0 }) | if byte.is_ascii_lowercase() { 0 } else { ended }
    }
}

/// The widest code that runs here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Ssse3,
    #[cfg(target_arch = "aarch64")]
    Neon,
    Portable,
}

impl Level {
    /// All levels that this processor has, widest first.
    pub(crate) fn all() -> Vec<Level> {
        let mut levels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512vbmi") {
                levels.push(Level::Avx512);
            }
            if is_x86_feature_detected!("avx2") {
                levels.push(Level::Avx2);
            }
            if is_x86_feature_detected!("ssse3") {
                levels.push(Level::Ssse3);
            }
        }
        #[cfg(target_arch = "aarch64")]
        if std::arch::is_aarch64_feature_detected!("neon") {
            levels.push(Level::Neon);
        }
        levels.push(Level::Portable);
        levels
    }
}

/// Classifies texts: the words looked for, and the code that does it.
pub(crate) struct Classifier {
    words: Words,
    level: Level,
}

impl Classifier {
    /// Takes the widest code that runs here.
    pub(crate) fn new(words: Words) -> Classifier {
        let level = Level::all().first().copied().unwrap_or(Level::Portable);
        Classifier { words, level }
    }

    /// Takes this code, which must be one of [`Level::all`].
    #[cfg(test)]
    pub(crate) fn with(words: Words, level: Level) -> Classifier {
        assert!(Level::all().contains(&level));
        Classifier { words, level }
    }

    /// Writes the blocks of `text` to `blocks`: one for each 64 bytes begun, and an empty one.
    pub(crate) fn classify(&self, text: &[u8], blocks: &mut Vec<Block>) {
        let count = text.len().div_ceil(BLOCK);
        blocks.clear();
        blocks.resize(count + 1, Block::default());
        // Blocks read in place have READ bytes; at most two are left, read from a padded copy.
        let direct = (text.len() + 1).saturating_sub(DEPTH) / BLOCK;
        let (head, tail) = blocks.split_at_mut(direct);
        self.run(text, head);
        let rest = text.get(direct * BLOCK..).unwrap_or_default();
        let mut padded = [0; 3 * BLOCK];
        if let Some(copy) = padded.get_mut(..rest.len()) {
            copy.copy_from_slice(rest);
        }
        let left = tail.len() - 1;
        if let Some(tail) = tail.get_mut(..left) {
            self.run(&padded, tail);
            for (i, block) in tail.iter_mut().enumerate() {
                let valid = rest.len() - i * BLOCK;
                if valid < BLOCK {
                    block.cut(valid);
                }
            }
        }
    }

    /// Fills `blocks` from the start of `text`, which has [`READ`] bytes for the last of them.
    fn run(&self, text: &[u8], blocks: &mut [Block]) {
        match self.level {
            // SAFETY: a level is chosen only where its features were detected.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { avx512::run(&self.words, text, blocks) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { avx2::run(&self.words, text, blocks) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Level::Ssse3 => unsafe { ssse3::run(&self.words, text, blocks) },
            // SAFETY: as above.
            #[cfg(target_arch = "aarch64")]
            Level::Neon => unsafe { neon::run(&self.words, text, blocks) },
            Level::Portable => portable::run(&self.words, text, blocks),
        }
    }
}

/// The bytes of block `i` and the few after it.
fn window(text: &[u8], i: usize) -> Option<&[u8; READ]> {
    text.get(i * BLOCK..)?.first_chunk()
}

#[cfg(test)]
mod tests;

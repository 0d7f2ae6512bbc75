//! Classes of bytes as bitmaps, 64 bytes at a time: the one pass that reads every byte.
//!
//! A [`Block`] holds one bit per byte and class. Everything later asks the bitmaps first and touches
//! bytes only where something can be.
//!
//! The same function exists for AVX-512, AVX2, SSE2, NEON and portable code, and the widest that
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
mod sse2;
mod vector;

/// Bytes of one block.
pub(crate) const BLOCK: usize = 64;

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
    pub(crate) tilde: u64,
}

impl Block {
    /// Forgets what lies beyond the first `n` bytes.
    fn cut(&mut self, n: usize) {
        // Padding is NUL: no class but this one has it.
        self.escape &= (1u64 << n) - 1;
    }
}

/// A class of a byte; its place is its bit in the tables of classes.
const CLASSES: [(&[u8], fn(&mut Block) -> &mut u64); 19] = [
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
    (b"~", |b| &mut b.tilde),
];

/// For each ASCII byte the bits of its classes, eight classes to a table.
const CLASS_TABLES: [[u8; 128]; 3] = {
    let (mut tables, mut c) = ([[0; 128]; 3], 0);
    while c < CLASSES.len() {
        let (bytes, mut i) = (CLASSES[c].0, 0);
        while i < bytes.len() {
            // Proof: c < 19, and the bytes of a class are ASCII
            tables[c / 8][bytes[i] as usize] |= 1 << (c % 8);
            i += 1;
        }
        c += 1;
    }
    tables
};

/// The widest code that runs here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Sse2,
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
            let bits = is_x86_feature_detected!("bmi1")
                && is_x86_feature_detected!("bmi2")
                && is_x86_feature_detected!("lzcnt")
                && is_x86_feature_detected!("popcnt");
            let wide = is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512vbmi");
            if wide && bits {
                levels.push(Level::Avx512);
            }
            if is_x86_feature_detected!("avx2") && bits {
                levels.push(Level::Avx2);
            }
            if is_x86_feature_detected!("sse2") {
                levels.push(Level::Sse2);
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

/// Classifies texts with the code chosen for this processor.
pub(crate) struct Classifier(Level);

impl Classifier {
    /// Takes the widest code that runs here.
    pub(crate) fn new() -> Classifier {
        Classifier(Level::all().first().copied().unwrap_or(Level::Portable))
    }

    /// Takes this code, which must be one of [`Level::all`].
    #[cfg(test)]
    pub(crate) fn of(level: Level) -> Classifier {
        assert!(Level::all().contains(&level));
        Classifier(level)
    }

    /// Runs a job compiled for this processor: with its instructions for counting and finding bits.
    pub(crate) fn with<J: Job>(&self, job: J) {
        match self.0 {
            // SAFETY: a level is chosen only where its features were detected.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { avx512::with(job) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { avx2::with(job) },
            _ => job.run(),
        }
    }

    /// Writes the blocks of `text` to `blocks`: one for each 64 bytes begun, and an empty one.
    pub(crate) fn classify(&self, text: &[u8], blocks: &mut Vec<Block>) {
        let whole = text.len() / BLOCK;
        blocks.clear();
        blocks.resize(text.len().div_ceil(BLOCK) + 1, Block::default());
        let (head, tail) = blocks.split_at_mut(whole);
        self.run(text, head);
        let rest = text.get(whole * BLOCK..).unwrap_or_default();
        let mut padded = [0; BLOCK];
        if let (Some(copy), [last, _]) = (padded.get_mut(..rest.len()), tail) {
            copy.copy_from_slice(rest);
            self.run(&padded, std::slice::from_mut(last));
            last.cut(rest.len());
        }
    }

    /// Fills `blocks` from the start of `text`.
    fn run(&self, text: &[u8], blocks: &mut [Block]) {
        match self.0 {
            // SAFETY: a level is chosen only where its features were detected.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { avx512::run(text, blocks) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { avx2::run(text, blocks) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Level::Sse2 => unsafe { sse2::run(text, blocks) },
            // SAFETY: as above.
            #[cfg(target_arch = "aarch64")]
            Level::Neon => unsafe { neon::run(text, blocks) },
            Level::Portable => portable::run(text, blocks),
        }
    }
}

/// Work on bitmaps. What `run` inlines is compiled once for each level.
pub(crate) trait Job {
    fn run(self);
}

/// The bytes of block `i`.
fn window(text: &[u8], i: usize) -> Option<&[u8; BLOCK]> {
    text.get(i * BLOCK..)?.first_chunk()
}

#[cfg(test)]
mod tests;

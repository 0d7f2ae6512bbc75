//! Classes of bytes as bitmaps: the one pass that reads every byte.
//!
//! A [`Group`] holds eight blocks of 64 bytes, one row per class, one bit per byte. Everything
//! later asks the rows first and touches bytes only where something can be. A row of a group is
//! [`Lanes`]: eight words that are worked on at once, which compiles to one or two instructions.
//!
//! The same function exists for AVX-512, AVX2, SSE2, NEON and portable code, and the widest that
//! the processor has is chosen once. All give the same bits: `tests` compares them on random bytes.
//!
//! This is the only place of the workspace that may use `unsafe`: vector loads of a block whose
//! length its type says, and calls of code for a processor feature that was detected.

#![allow(unsafe_code, reason = "vector instructions; each block says why it is sound")]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod lanes;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
#[cfg(target_arch = "x86_64")]
mod sse2;
mod vector;

pub(crate) use lanes::{LANES, Lanes, Wide};

/// Bytes of one block.
pub(crate) const BLOCK: usize = 64;
/// Bytes of one group.
pub(crate) const GROUP: usize = BLOCK * LANES;

/// A class of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    /// `0` to `9`.
    Digit,
    /// `a` to `z`.
    Lower,
    /// `A` to `Z`.
    Upper,
    /// `a` to `f` and `A` to `F`.
    Hex,
    Space,
    Dot,
    Dash,
    Plus,
    Slash,
    Underscore,
    Colon,
    Equal,
    /// `"` and `'`.
    Quote,
    /// `>`, `(` and `[`.
    Open,
    /// `@`, `$` and `~`.
    Rare,
    /// What may start an encoded character: `%`, `\`, `&` and `<`.
    Escape,
    /// What is not printed: NUL, BS and ESC, and `^` as some programs show ESC.
    Control,
    Comma,
    /// Ends of lines: LF and CR.
    Break,
    /// `(` and `)`.
    Paren,
    /// What hides digits: `*`, `#`, `x` and `X`.
    Mask,
    Tilde,
    /// 0x80 and above: part of a character beyond ASCII.
    High,
    /// 0xC0 and above: the first byte of a character beyond ASCII.
    Lead,
    /// 0xC3: the lead byte of the accented letters of Latin-1.
    Latin,
    // From here on made of the rows above, see `Group::derive`.
    /// A letter of any script.
    Letter,
    /// A letter or digit.
    Word,
    /// A letter or digit of ASCII.
    Alphanumeric,
    /// A hexadecimal digit.
    Hexadecimal,
    /// Digits and what people write between them.
    Numeric,
    /// What a provider's token is made of.
    Token,
    /// The alphabets of base64.
    Base64,
}

impl Row {
    const COUNT: usize = Row::Base64 as usize + 1;
}

/// The classes told by an ASCII byte alone; a class's place is its bit in [`TABLES`].
const ASCII: [(Row, &[u8]); 22] = [
    (Row::Digit, b"0123456789"),
    (Row::Lower, b"abcdefghijklmnopqrstuvwxyz"),
    (Row::Upper, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    (Row::Hex, b"abcdefABCDEF"),
    (Row::Space, b" "),
    (Row::Dot, b"."),
    (Row::Dash, b"-"),
    (Row::Plus, b"+"),
    (Row::Slash, b"/"),
    (Row::Underscore, b"_"),
    (Row::Colon, b":"),
    (Row::Equal, b"="),
    (Row::Quote, b"\"'"),
    (Row::Open, b">(["),
    (Row::Rare, b"@$~"),
    (Row::Escape, b"%\\&<"),
    (Row::Control, b"\0\x08\x1B^"),
    (Row::Comma, b","),
    (Row::Break, b"\n\r"),
    (Row::Paren, b"()"),
    (Row::Mask, b"*#xX"),
    (Row::Tilde, b"~"),
];

/// For each ASCII byte the bits of its classes, eight classes to a table.
const TABLES: [[u8; 128]; 3] = {
    let (mut tables, mut c) = ([[0; 128]; 3], 0);
    while c < ASCII.len() {
        let (bytes, mut i) = (ASCII[c].1, 0);
        while i < bytes.len() {
            // Proof: c < 22, and the bytes of a class are ASCII
            tables[c / 8][bytes[i] as usize] |= 1 << (c % 8);
            i += 1;
        }
        c += 1;
    }
    tables
};

/// The classes of 512 bytes.
#[derive(Clone, Copy)]
#[cfg_attr(test, derive(Debug, PartialEq, Eq))]
pub(crate) struct Group([Lanes; Row::COUNT]);

impl Group {
    /// No byte of any class.
    pub(crate) const EMPTY: Group = Group([Lanes::NONE; Row::COUNT]);

    /// One class.
    #[inline(always)]
    pub(crate) fn row(&self, row: Row) -> Lanes {
        self.0[row as usize] // Proof: rows are below COUNT
    }

    /// Sets the word of a class for one block.
    #[inline(always)]
    fn set(&mut self, row: Row, lane: usize, bits: u64) {
        // Proof: rows are below COUNT, lanes below LANES
        self.0[row as usize].0[lane % LANES] = bits;
    }

    /// Forgets what lies beyond the first `n` bytes of a block that was padded with NUL.
    fn cut(&mut self, lane: usize, n: usize) {
        let kept = self.row(Row::Control).word(lane) & ((1u64 << n) - 1);
        self.set(Row::Control, lane, kept);
    }

    /// Fills the rows that are made of others.
    #[inline(always)]
    pub(crate) fn derive(&mut self) {
        let row = |r| self.row(r);
        let letter = row(Row::Lower) | row(Row::Upper) | row(Row::High);
        let word = letter | row(Row::Digit);
        let signs = row(Row::Plus) | row(Row::Slash) | row(Row::Dash) | row(Row::Underscore);
        let between = signs | row(Row::Space) | row(Row::Dot) | row(Row::Paren);
        let ascii = row(Row::Lower) | row(Row::Upper) | row(Row::Digit);
        for (derived, bits) in [
            (Row::Letter, letter),
            (Row::Word, word),
            (Row::Alphanumeric, ascii),
            (Row::Hexadecimal, row(Row::Hex) | row(Row::Digit)),
            (Row::Numeric, row(Row::Digit) | between),
            (Row::Token, word | signs | row(Row::Dot) | row(Row::Tilde)),
            (Row::Base64, ascii | signs),
        ] {
            self.0[derived as usize] = bits; // Proof: rows are below COUNT
        }
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
            let wide = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
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

    /// Runs a job compiled for this processor: with its wide registers and its instructions for
    /// counting and finding bits.
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

    /// Writes the groups of `text` to `groups`: one for each 512 bytes begun.
    pub(crate) fn classify(&self, text: &[u8], groups: &mut Vec<Group>) {
        let count = text.len().div_ceil(GROUP);
        groups.truncate(count);
        groups.resize(count, Group::EMPTY);
        let whole = text.len() / BLOCK;
        if let Some(partial) = groups.get_mut(text.len() / GROUP..) {
            partial.fill(Group::EMPTY);
        }
        self.run(text, groups);
        let rest = text.get(whole * BLOCK..).unwrap_or_default();
        let mut last = [0; BLOCK];
        if let (Some(copy), Some(group)) =
            (last.get_mut(..rest.len()), groups.get_mut(whole / LANES))
            && !rest.is_empty()
        {
            copy.copy_from_slice(rest);
            let mut alone = [Group::EMPTY];
            self.run(&last, &mut alone);
            let [alone] = &mut alone;
            alone.cut(0, rest.len());
            for (row, from) in group.0.iter_mut().zip(&alone.0) {
                row.0[whole % LANES] = from.word(0); // Proof: below LANES
            }
        }
    }

    /// Fills the blocks of `groups` that `text` has whole.
    fn run(&self, text: &[u8], groups: &mut [Group]) {
        match self.0 {
            // SAFETY: a level is chosen only where its features were detected.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { avx512::run(text, groups) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { avx2::run(text, groups) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Level::Sse2 => unsafe { sse2::run(text, groups) },
            // SAFETY: as above.
            #[cfg(target_arch = "aarch64")]
            Level::Neon => unsafe { neon::run(text, groups) },
            Level::Portable => portable::run(text, groups),
        }
    }
}

/// Work on bitmaps. What `run` inlines is compiled once for each level.
pub(crate) trait Job {
    fn run(self);
}

/// Expands to a loop over the whole blocks of `$text`, each with its group and its lane. A macro,
/// since a closure would not be compiled for the features of the function that it stands in.
macro_rules! for_blocks {
    ($text:expr, $groups:expr, |$bytes:ident, $group:ident, $lane:ident| $body:expr) => {{
        let (blocks, _) = $text.as_chunks::<{ $crate::simd::BLOCK }>();
        for ($group, blocks) in $groups.iter_mut().zip(blocks.chunks($crate::simd::LANES)) {
            for ($lane, $bytes) in blocks.iter().enumerate() {
                $body;
            }
        }
    }};
}
use for_blocks;

#[cfg(test)]
mod tests;

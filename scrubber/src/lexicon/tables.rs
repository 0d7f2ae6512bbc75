//! Word table, pair filter and closed word lists.
//!
//! Built from `data/words.txt` and `data/pairs.bin` (see `data/PROVENANCE.md`), which
//! `data/tools/build_lexicon.py` writes; both sides compute the same [`pair_hash`]. Words are ASCII
//! and folded to lower case; whatever is not in the table is unknown.
//!
//! Costs: one hash and on average less than two probes per word, seven bit probes per pair.

use std::sync::{Arc, LazyLock};

/// Longest word of the table; longer ones are unknown.
pub(super) const WORD_BYTES_MAX: usize = 32;
/// Words that a policy may add.
pub(super) const EXTRA_WORDS_MAX: usize = 4096;
/// Scores are stored in steps of 1/32 of a decimal order of magnitude.
pub(super) const SCORE_UNIT: i32 = 32;
/// Score of a word that is not in the table.
pub(super) const SCORE_UNKNOWN: i32 = -SCORE_UNIT;
/// Stands for any number in a pair.
pub(super) const NUMBER_ID: u32 = 0;

/// Properties of a word.
pub(super) mod flag {
    /// May stand alone: clearly technical and found in several projects.
    pub(crate) const STRONG: u8 = 1;
    /// Function word: survives only between kept content words.
    pub(crate) const FUNCTION: u8 = 2;
    /// Also a given name, surname or place: masked when capitalised inside a sentence.
    pub(crate) const NAME: u8 = 4;
    /// What follows as its value is somebody's: `user`, `title`, `prompt`.
    pub(crate) const VALUE_KEY: u8 = 8;
    /// A number after it is technical: `port`, `line`, `status`.
    pub(crate) const COUNTED: u8 = 16;
    /// A number before it is technical: `ms`, `bytes`, `handlers`.
    pub(crate) const UNIT: u8 = 32;
    /// Product whose version may follow.
    pub(crate) const PRODUCT: u8 = 64;
    /// Never kept: in the table only to be recognised as a key.
    pub(crate) const BANNED: u8 = 128;
}

/// One word of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) id: u32,
    pub(super) score: i8,
    pub(super) flags: u8,
}

#[derive(Clone, Copy)]
struct Entry {
    start: u32,
    len: u8,
    score: i8,
    flags: u8,
}

/// Open-addressing table over one blob of folded words.
#[derive(Clone)]
pub(super) struct Tables {
    blob: Vec<u8>,
    entries: Vec<Entry>,
    slots: Vec<u32>,
    pairs: &'static [u8],
}

static WORDS: &str = include_str!("../../data/words.txt");
static PAIRS: &[u8] = include_bytes!("../../data/pairs.bin");
static BUILT_IN: LazyLock<Arc<Tables>> = LazyLock::new(|| Arc::new(Tables::parse(WORDS, PAIRS)));

/// The tables that come with the crate, parsed once per process.
pub(super) fn built_in() -> Arc<Tables> {
    Arc::clone(&BUILT_IN)
}

/// FNV-1a and one mixing step.
fn hash(word: &[u8]) -> u64 {
    let mut h = 0xcbf2_9ce4_8422_2325_u64;
    for &b in word {
        h = (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3);
    }
    h ^ (h >> 29)
}

/// splitmix64 of both identifiers; `build_lexicon.py` computes the same.
fn pair_hash(a: u32, b: u32) -> u64 {
    let mut z = (u64::from(a) << 32 | u64::from(b)).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Bits probed per pair; the builder sets as many.
const PAIR_PROBES: u64 = 6;

impl Tables {
    /// Parses `word<TAB>score<TAB>flags` rows; a row that does not fit is skipped.
    fn parse(words: &str, pairs: &'static [u8]) -> Self {
        let rows = words.lines().filter(|l| !l.starts_with('#')).count();
        let mut tables = Tables {
            blob: Vec::with_capacity(words.len()),
            entries: Vec::with_capacity(rows + 1),
            slots: vec![0; slot_count(rows)],
            pairs,
        };
        tables.entries.push(Entry { start: 0, len: 0, score: 0, flags: 0 });
        for row in words.lines().filter(|l| !l.starts_with('#')) {
            let mut columns = row.split('\t');
            let word = columns.next().unwrap_or("");
            let score = columns.next().and_then(|s| s.parse().ok());
            let flags = columns.next().and_then(|s| s.parse().ok());
            if let (Some(score), Some(flags)) = (score, flags) {
                tables.insert(word.as_bytes(), score, flags);
            }
        }
        tables
    }

    /// A copy with more words, each as good as a strong one.
    pub(super) fn with_words<'a>(&self, extra: impl Iterator<Item = &'a str>) -> Self {
        let mut tables = self.clone();
        for word in extra.take(EXTRA_WORDS_MAX) {
            let folded = word.to_ascii_lowercase();
            if !folded.bytes().all(|b| b.is_ascii_alphanumeric()) {
                continue;
            }
            if let Some(known) = tables.find(folded.as_bytes()) {
                if let Some(e) = tables.entries.get_mut(known.id as usize) {
                    e.flags = (e.flags | flag::STRONG) & !flag::NAME;
                    e.score = e.score.max(SCORE_UNIT as i8);
                }
                continue;
            }
            tables.insert(folded.as_bytes(), SCORE_UNIT as i8, flag::STRONG);
        }
        tables
    }

    fn insert(&mut self, word: &[u8], score: i8, flags: u8) {
        if word.is_empty() || word.len() > WORD_BYTES_MAX {
            return;
        }
        let id = self.entries.len() as u32;
        let start = self.blob.len() as u32;
        self.blob.extend_from_slice(word);
        self.entries.push(Entry { start, len: word.len() as u8, score, flags });
        self.link(word, id);
    }

    fn link(&mut self, word: &[u8], id: u32) {
        let mask = self.slots.len() - 1;
        let mut at = hash(word) as usize & mask;
        while let Some(slot) = self.slots.get_mut(at) {
            if *slot == 0 {
                *slot = id;
                return;
            }
            at = (at + 1) & mask;
        }
    }

    fn word(&self, id: u32) -> &[u8] {
        let Some(e) = self.entries.get(id as usize) else { return &[] };
        self.blob.get(e.start as usize..e.start as usize + e.len as usize).unwrap_or(&[])
    }

    /// Looks up a word that is already folded.
    pub(super) fn find(&self, folded: &[u8]) -> Option<Word> {
        if folded.len() > WORD_BYTES_MAX {
            return None;
        }
        let mask = self.slots.len() - 1;
        let mut at = hash(folded) as usize & mask;
        loop {
            let id = *self.slots.get(at)?;
            let e = self.entries.get(id as usize).filter(|_| id != 0)?;
            if e.len as usize == folded.len() && self.word(id) == folded {
                return Some(Word { id, score: e.score, flags: e.flags });
            }
            at = (at + 1) & mask;
        }
    }

    /// Looks up a word of any case; non-ASCII ones are unknown.
    pub(super) fn find_any_case(&self, word: &str) -> Option<Word> {
        let mut buffer = [0; WORD_BYTES_MAX];
        let folded = buffer.get_mut(..word.len())?;
        for (to, from) in folded.iter_mut().zip(word.bytes()) {
            *to = from.to_ascii_lowercase();
        }
        self.find(folded)
    }

    /// Whether two words (or a word and [`NUMBER_ID`]) were seen beside each other in a message.
    /// One answer in a hundred is a false yes.
    pub(super) fn is_pair(&self, a: u32, b: u32) -> bool {
        let bits = self.pairs.len() as u64 * 8;
        if bits == 0 {
            return false;
        }
        let h = pair_hash(a, b);
        let step = (h >> 32) | 1;
        (0..PAIR_PROBES).all(|i| {
            let bit = h.wrapping_add(i.wrapping_mul(step)) % bits;
            self.pairs.get((bit / 8) as usize).is_some_and(|byte| byte >> (bit % 8) & 1 == 1)
        })
    }

    /// Number of words.
    pub(super) fn len(&self) -> usize {
        self.entries.len() - 1
    }
}

/// Power of two that keeps the table at most half full.
fn slot_count(rows: usize) -> usize {
    ((rows + EXTRA_WORDS_MAX) * 2).next_power_of_two()
}

//! A number as people write it: groups of letters and digits with separators between, read into
//! compact upper-case characters that the validators take, with a way back to the text.

use super::text::{at, is_word, sub};

/// Characters read from one start. The longest identifier is an IBAN of 34.
pub(crate) const RUN_MAX: usize = 40;

/// Letters in a row that end a run: prose, not an identifier.
const LETTERS_MAX: usize = 7;

/// The compacted characters that follow one start.
pub(crate) struct Run {
    chars: [u8; RUN_MAX],
    /// Where each character ends, counted from the start of the run.
    ends: [u16; RUN_MAX],
    len: usize,
    /// Bit `i`: a group starts at character `i`, `i > 0`.
    gaps: u64,
    start: usize,
    /// Digits at the start.
    digits: usize,
    /// Whether reading stopped within a group.
    cut: bool,
}

impl Run {
    /// Nothing read yet.
    pub(crate) const EMPTY: Run = Run {
        chars: [0; RUN_MAX],
        ends: [0; RUN_MAX],
        len: 0,
        gaps: 0,
        start: usize::MAX,
        digits: 0,
        cut: false,
    };

    /// Reads from `start`, which must be a letter or digit to give anything.
    pub(crate) fn read(text: &[u8], start: usize) -> Run {
        let mut run = Run::EMPTY;
        run.fill(text, start);
        run
    }

    /// Reads again, in place.
    pub(crate) fn fill(&mut self, text: &[u8], start: usize) {
        (self.len, self.gaps, self.start, self.digits) = (0, 0, start, 0);
        self.cut = false;
        let (mut i, mut letters) = (start, 0);
        loop {
            let b = at(text, i);
            if b.is_ascii_alphanumeric() {
                letters = if b.is_ascii_digit() { 0 } else { letters + 1 };
                if letters > LETTERS_MAX || !self.push(b.to_ascii_uppercase(), i + 1 - start) {
                    self.cut = true;
                    return;
                }
                i += 1;
                continue;
            }
            let Some(next) = separator(text, i) else { return };
            if self.len == 0 || !at(text, next).is_ascii_alphanumeric() {
                return;
            }
            self.gaps |= 1 << self.len.min(63);
            i = next;
        }
    }

    fn push(&mut self, b: u8, end: usize) -> bool {
        match (self.chars.get_mut(self.len), self.ends.get_mut(self.len)) {
            (Some(c), Some(e)) => {
                // Each character has at most three separators before it.
                (*c, *e) = (b, end as u16);
                if b.is_ascii_digit() && self.digits == self.len {
                    self.digits += 1;
                }
                self.len += 1;
                true
            }
            _ => false,
        }
    }

    /// Characters read.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The first `n` characters, fewer if fewer were read.
    pub(crate) fn first(&self, n: usize) -> &[u8] {
        sub(&self.chars, 0, n.min(self.len))
    }

    /// Characters `from..to`.
    pub(crate) fn part(&self, from: usize, to: usize) -> &[u8] {
        sub(&self.chars, from, to.min(self.len))
    }

    /// How many digits the run starts with.
    pub(crate) fn digits(&self) -> usize {
        self.digits
    }

    /// Whether the first `n` characters end at a group's end.
    pub(crate) fn closes(&self, n: usize) -> bool {
        n > 0 && (n == self.len && !self.cut || n < self.len && self.gaps >> n & 1 == 1)
    }

    /// Where in the text the first `n` characters end.
    pub(crate) fn end(&self, n: usize) -> usize {
        let end = n.checked_sub(1).and_then(|i| self.ends.get(i)).copied().unwrap_or(0);
        self.start + usize::from(end)
    }

    /// Group starts among the first `n` characters, as bits.
    pub(crate) fn gaps(&self, n: usize) -> u64 {
        self.gaps & ((1u64 << n.min(63)) - 1)
    }
}

/// Bits at these character positions.
pub(crate) const fn bits(positions: &[u32]) -> u64 {
    let (mut mask, mut i) = (0, 0);
    while i < positions.len() {
        mask |= 1 << positions[i]; // Proof: i < positions.len()
        i += 1;
    }
    mask
}

/// Where a separator that starts at `i` ends: one character, or a dash or slash between spaces.
fn separator(text: &[u8], i: usize) -> Option<usize> {
    let single = |b: u8| matches!(b, b' ' | b'+' | b'.' | b'-' | b'/' | b'_');
    let (a, b, c) = (at(text, i), at(text, i + 1), at(text, i + 2));
    match () {
        () if !single(a) => None,
        () if is_word(b) => Some(i + 1),
        () if a == b' ' && b == b' ' && is_word(c) => Some(i + 2),
        () if a == b' ' && matches!(b, b'-' | b'/' | b'.') && c == b' ' => Some(i + 3),
        () => None,
    }
}

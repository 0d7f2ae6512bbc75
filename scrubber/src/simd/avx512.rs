//! AVX-512 with VBMI: one table look-up of 128 entries classifies 64 bytes.

use std::arch::x86_64::*;

use super::{Block, CLASS_TABLES, READ, Words, window};

/// # Safety
/// The processor has AVX-512 F, BW and VBMI.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub(super) unsafe fn run(words: &Words, text: &[u8], blocks: &mut [Block]) {
    let classes = CLASS_TABLES.each_ref().map(|t| Table::load(t));
    let places = words.ascii.each_ref().map(|half| half.each_ref().map(|t| Table::load(t)));
    for (i, block) in blocks.iter_mut().enumerate() {
        if let Some(bytes) = window(text, i) {
            *block = one(&classes, &places, bytes);
        }
    }
}

/// A table of 128 bytes in two registers.
#[derive(Clone, Copy)]
struct Table(__m512i, __m512i);

impl Table {
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    fn load(table: &[u8; 128]) -> Table {
        let p = table.as_ptr().cast::<i8>();
        // SAFETY: the table has 128 bytes.
        unsafe { Table(_mm512_loadu_epi8(p), _mm512_loadu_epi8(p.add(64))) }
    }

    /// The entries of bytes below 128; bytes above read the entry of their low seven bits.
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    fn look_up(self, bytes: __m512i) -> __m512i {
        _mm512_permutex2var_epi8(self.0, bytes, self.1)
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn one(classes: &[Table; 3], places: &[[Table; 4]; 2], bytes: &[u8; READ]) -> Block {
    let p = bytes.as_ptr().cast::<i8>();
    // SAFETY: READ is 67 bytes, so 64 can be read from each of the first four.
    let at = |k: usize| unsafe { _mm512_loadu_epi8(p.add(k)) };
    let text = [at(0), at(1), at(2), at(3)];
    let high = _mm512_movepi8_mask(text[0]);
    let [a, b, c] = classes.each_ref().map(|t| t.look_up(text[0]));
    let bit = |v: __m512i, k: i32| _mm512_test_epi8_mask(v, _mm512_set1_epi8((1u8 << k) as i8));
    // A high byte reads the tables as the ASCII byte below it: no class, no letter of a word, and
    // after a word what any sign is.
    let low = !high;
    let mut word = 0;
    for half in places {
        let mut all = half[0].look_up(text[0]);
        for (t, v) in half.iter().zip(text).skip(1) {
            let sign = _mm512_mask_mov_epi8(v, _mm512_movepi8_mask(v), _mm512_setzero_si512());
            all = _mm512_and_si512(all, t.look_up(sign));
        }
        word |= _mm512_test_epi8_mask(all, all);
    }
    Block {
        digit: bit(a, 0) & low,
        lower: bit(a, 1) & low,
        upper: bit(a, 2) & low,
        hex: bit(a, 3) & low,
        high,
        space: bit(a, 4) & low,
        dot: bit(a, 5) & low,
        dash: bit(a, 6) & low,
        plus: bit(a, 7) & low,
        slash: bit(b, 0) & low,
        underscore: bit(b, 1) & low,
        colon: bit(b, 2) & low,
        equal: bit(b, 3) & low,
        quote: bit(b, 4) & low,
        open: bit(b, 5) & low,
        rare: bit(b, 6) & low,
        escape: bit(b, 7) & low,
        paren: bit(c, 0) & low,
        mask: bit(c, 1) & low,
        word: word & low,
    }
}

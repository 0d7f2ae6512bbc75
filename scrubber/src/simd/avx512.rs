//! AVX-512 with VBMI: one table look-up of 128 entries classifies 64 bytes.

use std::arch::x86_64::*;

use super::{BLOCK, Block, CLASS_TABLES, Job, window};

/// # Safety
/// The processor has AVX-512 F, BW and VBMI.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub(super) unsafe fn run(text: &[u8], blocks: &mut [Block]) {
    let classes = CLASS_TABLES.each_ref().map(|t| Table::load(t));
    for (i, block) in blocks.iter_mut().enumerate() {
        if let Some(bytes) = window(text, i) {
            *block = one(&classes, bytes);
        }
    }
}

/// # Safety
/// The processor has these features.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,bmi1,bmi2,lzcnt,popcnt")]
pub(super) unsafe fn with<J: Job>(job: J) {
    job.run();
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

    /// The entries of bytes below 128.
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    fn look_up(self, bytes: __m512i) -> __m512i {
        _mm512_permutex2var_epi8(self.0, bytes, self.1)
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn one(classes: &[Table; 3], bytes: &[u8; BLOCK]) -> Block {
    // SAFETY: a block has 64 bytes.
    let text = unsafe { _mm512_loadu_epi8(bytes.as_ptr().cast()) };
    let high = _mm512_movepi8_mask(text);
    // The tables are read with seven bits: high bytes read the entry of a byte without a class.
    let text = _mm512_mask_mov_epi8(text, high, _mm512_set1_epi8(1));
    let [a, b, c] = classes.each_ref().map(|t| t.look_up(text));
    let bit = |v: __m512i, k: i32| _mm512_test_epi8_mask(v, _mm512_set1_epi8((1u8 << k) as i8));
    Block {
        digit: bit(a, 0),
        lower: bit(a, 1),
        upper: bit(a, 2),
        hex: bit(a, 3),
        high,
        space: bit(a, 4),
        dot: bit(a, 5),
        dash: bit(a, 6),
        plus: bit(a, 7),
        slash: bit(b, 0),
        underscore: bit(b, 1),
        colon: bit(b, 2),
        equal: bit(b, 3),
        quote: bit(b, 4),
        open: bit(b, 5),
        rare: bit(b, 6),
        escape: bit(b, 7),
        paren: bit(c, 0),
        mask: bit(c, 1),
        tilde: bit(c, 2),
    }
}

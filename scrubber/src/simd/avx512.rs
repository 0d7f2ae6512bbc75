//! AVX-512 with VBMI: one table look-up of 128 entries classifies 64 bytes.

use std::arch::x86_64::*;

use super::{BLOCK, Group, Job, Row, TABLES, for_blocks};

/// # Safety
/// The processor has these features.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,bmi1,bmi2,lzcnt,popcnt")]
pub(super) unsafe fn with<J: Job>(job: J) {
    job.run();
}

/// # Safety
/// The processor has these features.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub(super) unsafe fn run(text: &[u8], groups: &mut [Group]) {
    let [a, b, c] = &TABLES;
    let tables = [Table::load(a), Table::load(b), Table::load(c)];
    for_blocks!(text, groups, |bytes, group, lane| one(&tables, bytes, group, lane));
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
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    fn look_up(self, bytes: __m512i) -> __m512i {
        _mm512_permutex2var_epi8(self.0, bytes, self.1)
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn one(tables: &[Table; 3], bytes: &[u8; BLOCK], group: &mut Group, lane: usize) {
    // SAFETY: a block has 64 bytes.
    let text = unsafe { _mm512_loadu_epi8(bytes.as_ptr().cast()) };
    let high = _mm512_movepi8_mask(text);
    group.set(Row::High, lane, high);
    let second = _mm512_test_epi8_mask(text, _mm512_set1_epi8(0x40));
    group.set(Row::Lead, lane, high & second);
    group.set(Row::Latin, lane, _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8(0xC3u8 as i8)));
    // The tables are read with seven bits: high bytes read the entry of a byte without a class.
    let text = _mm512_mask_mov_epi8(text, high, _mm512_set1_epi8(1));
    let [a, b, c] = tables;
    let (a, b, c) = (a.look_up(text), b.look_up(text), c.look_up(text));
    // In the order of the classes: a loop over them would not be unrolled.
    macro_rules! put {
        ($table:ident: $($row:ident $bit:literal),*) => {
            $(group.set(
                Row::$row,
                lane,
                _mm512_test_epi8_mask($table, _mm512_set1_epi8((1u8 << $bit) as i8)),
            );)*
        };
    }
    put!(a: Digit 0, Lower 1, Upper 2, Hex 3, Space 4, Dot 5, Dash 6, Plus 7);
    put!(b: Slash 0, Underscore 1, Colon 2, Equal 3, Quote 4, Open 5, Rare 6, Escape 7);
    put!(c: Control 0, Comma 1, Break 2, Paren 3, Mask 4, Tilde 5);
}

//! SSE2: 16 bytes at a time.

use std::arch::x86_64::*;

use super::Group;
use super::vector::{self, Vector};

/// # Safety
/// The processor has SSE2.
#[target_feature(enable = "sse2")]
pub(super) unsafe fn run(text: &[u8], groups: &mut [Group]) {
    // SAFETY: the caller's.
    unsafe { vector::run::<Bytes>(text, groups) }
}

#[derive(Clone, Copy)]
struct Bytes(__m128i);

// SAFETY (all blocks): the trait's functions are called only where the features exist.
#[allow(clippy::undocumented_unsafe_blocks, reason = "one reason for all, above")]
impl Vector for Bytes {
    const LANES: usize = 16;

    #[inline(always)]
    unsafe fn load(p: *const u8) -> Self {
        Bytes(unsafe { _mm_loadu_si128(p.cast()) })
    }

    #[inline(always)]
    unsafe fn splat(b: u8) -> Self {
        Bytes(unsafe { _mm_set1_epi8(b as i8) })
    }

    #[inline(always)]
    unsafe fn or(self, o: Self) -> Self {
        Bytes(unsafe { _mm_or_si128(self.0, o.0) })
    }

    #[inline(always)]
    unsafe fn eq(self, o: Self) -> Self {
        Bytes(unsafe { _mm_cmpeq_epi8(self.0, o.0) })
    }

    #[inline(always)]
    unsafe fn within(self, lo: u8, hi: u8) -> Self {
        unsafe {
            let from = _mm_sub_epi8(self.0, Self::splat(lo).0);
            Bytes(_mm_cmpeq_epi8(_mm_min_epu8(from, Self::splat(hi - lo).0), from))
        }
    }

    #[inline(always)]
    unsafe fn bits(self) -> u64 {
        unsafe { u64::from(_mm_movemask_epi8(self.0) as u32 & 0xFFFF) }
    }
}

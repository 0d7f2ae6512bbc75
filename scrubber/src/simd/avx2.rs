//! AVX2: 32 bytes at a time.

use std::arch::x86_64::*;

use super::vector::{self, Vector};
use super::{Group, Job};

/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn run(text: &[u8], groups: &mut [Group]) {
    // SAFETY: the caller's.
    unsafe { vector::run::<Bytes>(text, groups) }
}

/// # Safety
/// The processor has these features.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) unsafe fn with<J: Job>(job: J) {
    job.run();
}

#[derive(Clone, Copy)]
struct Bytes(__m256i);

// SAFETY (all blocks): the trait's functions are called only where the features exist.
#[allow(clippy::undocumented_unsafe_blocks, reason = "one reason for all, above")]
impl Vector for Bytes {
    const LANES: usize = 32;

    #[inline(always)]
    unsafe fn load(p: *const u8) -> Self {
        Bytes(unsafe { _mm256_loadu_si256(p.cast()) })
    }

    #[inline(always)]
    unsafe fn splat(b: u8) -> Self {
        Bytes(unsafe { _mm256_set1_epi8(b as i8) })
    }

    #[inline(always)]
    unsafe fn or(self, o: Self) -> Self {
        Bytes(unsafe { _mm256_or_si256(self.0, o.0) })
    }

    #[inline(always)]
    unsafe fn eq(self, o: Self) -> Self {
        Bytes(unsafe { _mm256_cmpeq_epi8(self.0, o.0) })
    }

    #[inline(always)]
    unsafe fn within(self, lo: u8, hi: u8) -> Self {
        unsafe {
            let from = _mm256_sub_epi8(self.0, Self::splat(lo).0);
            Bytes(_mm256_cmpeq_epi8(_mm256_min_epu8(from, Self::splat(hi - lo).0), from))
        }
    }

    #[inline(always)]
    unsafe fn bits(self) -> u64 {
        unsafe { u64::from(_mm256_movemask_epi8(self.0) as u32) }
    }
}

//! NEON: 16 bytes at a time.

use std::arch::aarch64::*;

use super::Group;
use super::vector::{self, Vector};

/// # Safety
/// The processor has NEON.
#[target_feature(enable = "neon")]
pub(super) unsafe fn run(text: &[u8], groups: &mut [Group]) {
    // SAFETY: the caller's.
    unsafe { vector::run::<Bytes>(text, groups) }
}

#[derive(Clone, Copy)]
struct Bytes(uint8x16_t);

// SAFETY (all blocks): the trait's functions are called only where the features exist.
#[allow(clippy::undocumented_unsafe_blocks, reason = "one reason for all, above")]
impl Vector for Bytes {
    const LANES: usize = 16;

    #[inline(always)]
    unsafe fn load(p: *const u8) -> Self {
        Bytes(unsafe { vld1q_u8(p) })
    }

    #[inline(always)]
    unsafe fn splat(b: u8) -> Self {
        Bytes(unsafe { vdupq_n_u8(b) })
    }

    #[inline(always)]
    unsafe fn or(self, o: Self) -> Self {
        Bytes(unsafe { vorrq_u8(self.0, o.0) })
    }

    #[inline(always)]
    unsafe fn eq(self, o: Self) -> Self {
        Bytes(unsafe { vceqq_u8(self.0, o.0) })
    }

    #[inline(always)]
    unsafe fn within(self, lo: u8, hi: u8) -> Self {
        unsafe {
            let from = vsubq_u8(self.0, vdupq_n_u8(lo));
            Bytes(vcleq_u8(from, vdupq_n_u8(hi - lo)))
        }
    }

    #[inline(always)]
    unsafe fn bits(self) -> u64 {
        const WEIGHTS: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128];
        unsafe {
            let top = vshrq_n_s8::<7>(vreinterpretq_s8_u8(self.0));
            let weighted = vandq_u8(vreinterpretq_u8_s8(top), vld1q_u8(WEIGHTS.as_ptr()));
            let low = vaddv_u8(vget_low_u8(weighted));
            let high = vaddv_u8(vget_high_u8(weighted));
            u64::from(low) | u64::from(high) << 8
        }
    }
}

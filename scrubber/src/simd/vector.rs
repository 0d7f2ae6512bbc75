//! The classes by comparisons, for any vector of bytes that has these few
//! operations. Each level implements [`Vector`] and compiles [`run`] for its features.

use super::{BLOCK, Block, window};

/// A vector of [`Vector::LANES`] bytes.
///
/// # Safety
/// Every function may be called only where the implementation's processor features exist; `load`
/// reads [`Vector::LANES`] bytes from the pointer.
#[allow(dead_code, reason = "a processor without any of the levels has only portable code")]
pub(super) trait Vector: Copy {
    const LANES: usize;
    unsafe fn load(p: *const u8) -> Self;
    unsafe fn splat(b: u8) -> Self;
    unsafe fn or(self, o: Self) -> Self;
    /// 0xFF where equal, else 0.
    unsafe fn eq(self, o: Self) -> Self;
    /// 0xFF where `self` is between `lo` and `hi` as unsigned bytes, else 0.
    unsafe fn within(self, lo: u8, hi: u8) -> Self;
    /// The top bits of all lanes, the first in the lowest bit.
    unsafe fn bits(self) -> u64;
}

/// # Safety
/// As for [`Vector`].
#[inline(always)]
#[allow(dead_code, reason = "as for Vector")]
pub(super) unsafe fn run<V: Vector>(text: &[u8], blocks: &mut [Block]) {
    for (i, block) in blocks.iter_mut().enumerate() {
        if let Some(bytes) = window(text, i) {
            // SAFETY: the caller has the features.
            *block = unsafe { one::<V>(bytes) };
        }
    }
}

/// # Safety
/// As for [`Vector`].
#[inline(always)]
#[allow(dead_code, reason = "as for Vector")]
unsafe fn one<V: Vector>(bytes: &[u8; BLOCK]) -> Block {
    let mut block = Block::default();
    let mut from = 0;
    while from < BLOCK {
        // SAFETY: from + LANES is at most BLOCK.
        unsafe {
            let p = bytes.as_ptr().add(from);
            let v = V::load(p);
            let is = |b: u8| v.eq(V::splat(b));
            let put = |field: &mut u64, m: V| *field |= m.bits() << from;
            put(&mut block.digit, v.within(b'0', b'9'));
            put(&mut block.lower, v.within(b'a', b'z'));
            put(&mut block.upper, v.within(b'A', b'Z'));
            put(&mut block.hex, v.or(V::splat(0x20)).within(b'a', b'f'));
            put(&mut block.high, v);
            put(&mut block.space, is(b' '));
            put(&mut block.dot, is(b'.'));
            put(&mut block.dash, is(b'-'));
            put(&mut block.plus, is(b'+'));
            put(&mut block.slash, is(b'/'));
            put(&mut block.underscore, is(b'_'));
            put(&mut block.colon, is(b':'));
            put(&mut block.equal, is(b'='));
            put(&mut block.quote, is(b'"').or(is(b'\'')));
            put(&mut block.open, is(b'>').or(is(b'(')).or(is(b'[')));
            put(&mut block.rare, is(b'@').or(is(b'$')));
            let escape = is(b'%').or(is(b'\\')).or(is(b'&')).or(is(b'^'));
            put(&mut block.escape, escape.or(is(0x1B)).or(is(0)));
            put(&mut block.paren, is(b'(').or(is(b')')));
            let letter = v.or(V::splat(0x20)).eq(V::splat(b'x'));
            put(&mut block.mask, is(b'*').or(is(b'#')).or(letter));
            put(&mut block.tilde, is(b'~'));
        }
        from += V::LANES;
    }
    block
}

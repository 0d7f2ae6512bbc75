//! The classes by comparisons and 16-entry look-ups, for any vector of bytes that has these few
//! operations. Each level implements [`Vector`] and compiles [`run`] for its features.

use super::{BLOCK, Block, DEPTH, READ, Words, window};

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
    /// A table of 16 entries in every 16 lanes.
    unsafe fn table(t: &[u8; 16]) -> Self;
    unsafe fn and(self, o: Self) -> Self;
    unsafe fn or(self, o: Self) -> Self;
    /// `!self & o`.
    unsafe fn and_not(self, o: Self) -> Self;
    /// 0xFF where equal, else 0.
    unsafe fn eq(self, o: Self) -> Self;
    /// 0xFF where `self` is between `lo` and `hi` as unsigned bytes, else 0.
    unsafe fn within(self, lo: u8, hi: u8) -> Self;
    /// The entries of `self` at the low four bits of `index`, whose top bit is 0.
    unsafe fn look_up(self, index: Self) -> Self;
    /// The top bits of all lanes, the first in the lowest bit.
    unsafe fn bits(self) -> u64;
}

/// The tables of [`Words`] as vectors.
#[allow(dead_code, reason = "as for Vector")]
struct Places<V> {
    /// By half and place: letters whose fifth bit is 0, letters whose fifth bit is 1.
    letters: [[[V; 2]; DEPTH]; 2],
    ended: [[V; DEPTH]; 2],
}

/// # Safety
/// As for [`Vector`].
#[inline(always)]
#[allow(dead_code, reason = "as for Vector")]
pub(super) unsafe fn run<V: Vector>(words: &Words, text: &[u8], blocks: &mut [Block]) {
    // SAFETY: the caller has the features; `window` checks the length that `one` reads.
    unsafe {
        let half = |set: &[u8; 32], upper: usize| {
            let mut t = [0; 16];
            t.copy_from_slice(set.get(upper * 16..upper * 16 + 16).unwrap_or(&[0; 16]));
            V::table(&t)
        };
        let places = Places {
            letters: words
                .letters
                .each_ref()
                .map(|h| h.each_ref().map(|s| [half(s, 0), half(s, 1)])),
            ended: words.ended.each_ref().map(|h| h.each_ref().map(|&e| V::splat(e))),
        };
        for (i, block) in blocks.iter_mut().enumerate() {
            if let Some(bytes) = window(text, i) {
                *block = one(&places, bytes);
            }
        }
    }
}

/// # Safety
/// As for [`Vector`].
#[inline(always)]
#[allow(dead_code, reason = "as for Vector")]
unsafe fn one<V: Vector>(places: &Places<V>, bytes: &[u8; READ]) -> Block {
    let mut block = Block::default();
    let mut from = 0;
    while from < BLOCK {
        // SAFETY: from + LANES is at most BLOCK, so three bytes more are within READ.
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
            put(&mut block.word, starts(places, p));
        }
        from += V::LANES;
    }
    block
}

/// 0xFF where a word may start, among the bytes at `p`.
///
/// # Safety
/// As for [`Vector`]; LANES + DEPTH - 1 bytes can be read at `p`.
#[inline(always)]
#[allow(dead_code, reason = "as for Vector")]
unsafe fn starts<V: Vector>(places: &Places<V>, p: *const u8) -> V {
    // SAFETY: the caller's.
    unsafe {
        let mut all = [V::splat(0xFF), V::splat(0xFF)];
        for place in 0..DEPTH {
            let v = V::load(p.add(place));
            let letter = v.or(V::splat(0x20)).within(b'a', b'z');
            let lower = v.within(b'a', b'z');
            let index = v.and(V::splat(0x0F));
            let second = v.and(V::splat(0x10)).eq(V::splat(0x10));
            for (half, all) in all.iter_mut().enumerate() {
                // Proof: half < 2 and place < DEPTH
                let [a, b] = places.letters[half][place];
                let (a, b) = (a.look_up(index), b.look_up(index));
                let set = second.and_not(a).or(second.and(b)).and(letter);
                *all = all.and(set.or(lower.and_not(places.ended[half][place])));
            }
        }
        let [a, b] = all;
        a.or(b).eq(V::splat(0)).and_not(V::splat(0xFF))
    }
}

//! The classes by comparisons, for any vector of bytes that has these few
//! operations. Each level implements [`Vector`] and compiles [`run`] for its features.

use super::{BLOCK, Group, Row, for_blocks};

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
pub(super) unsafe fn run<V: Vector>(text: &[u8], groups: &mut [Group]) {
    // SAFETY: the caller has the features.
    for_blocks!(text, groups, |bytes, group, lane| unsafe { one::<V>(bytes, group, lane) });
}

/// # Safety
/// As for [`Vector`].
#[inline(always)]
#[allow(dead_code, reason = "as for Vector")]
unsafe fn one<V: Vector>(bytes: &[u8; BLOCK], group: &mut Group, lane: usize) {
    macro_rules! put {
        ($row:ident, |$v:ident| $class:expr) => {{
            let (mut bits, mut from) = (0, 0);
            while from < BLOCK {
                // from + LANES is at most BLOCK.
                let $v = V::load(bytes.as_ptr().add(from));
                bits |= ($class).bits() << from;
                from += V::LANES;
            }
            group.set(Row::$row, lane, bits);
        }};
    }
    macro_rules! is {
        ($v:ident, $byte:expr) => {
            $v.eq(V::splat($byte))
        };
    }
    // SAFETY: the caller has the features.
    unsafe {
        put!(Digit, |v| v.within(b'0', b'9'));
        put!(Lower, |v| v.within(b'a', b'z'));
        put!(Upper, |v| v.within(b'A', b'Z'));
        put!(Hex, |v| v.or(V::splat(0x20)).within(b'a', b'f'));
        put!(High, |v| v);
        put!(Space, |v| is!(v, b' '));
        put!(Dot, |v| is!(v, b'.'));
        put!(Dash, |v| is!(v, b'-'));
        put!(Plus, |v| is!(v, b'+'));
        put!(Slash, |v| is!(v, b'/'));
        put!(Underscore, |v| is!(v, b'_'));
        put!(Colon, |v| is!(v, b':'));
        put!(Equal, |v| is!(v, b'='));
        put!(Tilde, |v| is!(v, b'~'));
        put!(Latin, |v| is!(v, 0xC3));
        put!(Quote, |v| is!(v, b'"').or(is!(v, b'\'')));
        put!(Open, |v| is!(v, b'>').or(is!(v, b'(')).or(is!(v, b'[')));
        put!(Rare, |v| is!(v, b'@').or(is!(v, b'$')).or(is!(v, b'~')));
        put!(Paren, |v| is!(v, b'(').or(is!(v, b')')));
        put!(Lead, |v| v.within(0xC0, 0xFF));
        put!(Comma, |v| is!(v, b','));
        put!(Break, |v| is!(v, b'\n').or(is!(v, b'\r')));
        put!(Escape, |v| { is!(v, b'%').or(is!(v, b'\\')).or(is!(v, b'&')).or(is!(v, b'<')) });
        put!(Control, |v| is!(v, 0).or(is!(v, 8)).or(is!(v, 0x1B)).or(is!(v, b'^')));
        put!(Mask, |v| {
            let letter = v.or(V::splat(0x20));
            is!(v, b'*').or(is!(v, b'#')).or(is!(letter, b'x'))
        });
    }
}

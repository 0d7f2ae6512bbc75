//! Eight words of 64 bits that are worked on at once.

use std::ops::{BitAnd, BitOr, BitOrAssign, Not, Shl, Shr};

/// Words of a vector.
pub(crate) const LANES: usize = 8;

/// A row of a group: one bit per byte, the first byte in the lowest bit of the first word.
#[derive(Clone, Copy)]
#[cfg_attr(test, derive(Debug, PartialEq, Eq))]
#[repr(align(64))]
pub(crate) struct Lanes(pub(super) [u64; LANES]);

impl Lanes {
    /// No bit.
    pub(crate) const NONE: Lanes = Lanes([0; LANES]);

    /// The word of one block.
    #[inline(always)]
    pub(crate) fn word(&self, lane: usize) -> u64 {
        self.0[lane % LANES] // Proof: below LANES
    }

    /// All words.
    #[inline(always)]
    pub(crate) fn words(&self) -> &[u64; LANES] {
        &self.0
    }

    /// Whether any bit is set.
    #[inline(always)]
    pub(crate) fn any(&self) -> bool {
        let [a, b, c, d, e, f, g, h] = self.0;
        (a | b) | (c | d) | (e | f) | (g | h) != 0
    }

    /// The words one block earlier: `before` is the group before.
    #[inline(always)]
    pub(crate) fn later(&self, before: &Lanes) -> Lanes {
        let [.., last] = before.0;
        let [a, b, c, d, e, f, g, _] = self.0;
        Lanes([last, a, b, c, d, e, f, g])
    }

    /// The words one block later: `after` is the group after.
    #[inline(always)]
    pub(crate) fn earlier(&self, after: &Lanes) -> Lanes {
        let [first, ..] = after.0;
        let [_, b, c, d, e, f, g, h] = self.0;
        Lanes([b, c, d, e, f, g, h, first])
    }
}

/// Defines an operation on all words. Written out, so that it is one instruction in every build.
macro_rules! each {
    ($a:ident, |$x:ident| $e:expr) => {{
        let [a, b, c, d, e, f, g, h] = $a.0;
        macro_rules! op {
            ($p:ident) => {{
                let $x = $p;
                $e
            }};
        }
        Lanes([op!(a), op!(b), op!(c), op!(d), op!(e), op!(f), op!(g), op!(h)])
    }};
    ($a:ident, $b:ident, |$x:ident, $y:ident| $e:expr) => {{
        let [a, b, c, d, e, f, g, h] = $a.0;
        let [i, j, k, l, m, n, o, p] = $b.0;
        macro_rules! op {
            ($p:ident, $q:ident) => {{
                let ($x, $y) = ($p, $q);
                $e
            }};
        }
        Lanes([
            op!(a, i),
            op!(b, j),
            op!(c, k),
            op!(d, l),
            op!(e, m),
            op!(f, n),
            op!(g, o),
            op!(h, p),
        ])
    }};
}

impl BitAnd for Lanes {
    type Output = Lanes;
    #[inline(always)]
    fn bitand(self, o: Lanes) -> Lanes {
        each!(self, o, |x, y| x & y)
    }
}

impl BitOr for Lanes {
    type Output = Lanes;
    #[inline(always)]
    fn bitor(self, o: Lanes) -> Lanes {
        each!(self, o, |x, y| x | y)
    }
}

impl BitOrAssign for Lanes {
    #[inline(always)]
    fn bitor_assign(&mut self, o: Lanes) {
        *self = *self | o;
    }
}

impl Not for Lanes {
    type Output = Lanes;
    #[inline(always)]
    fn not(self) -> Lanes {
        each!(self, |x| !x)
    }
}

impl Shl<u32> for Lanes {
    type Output = Lanes;
    #[inline(always)]
    fn shl(self, n: u32) -> Lanes {
        each!(self, |x| x << n)
    }
}

impl Shr<u32> for Lanes {
    type Output = Lanes;
    #[inline(always)]
    fn shr(self, n: u32) -> Lanes {
        each!(self, |x| x >> n)
    }
}

/// Eight windows of 128 bits: each block and the one after it. Bits that shifts bring in from
/// beyond are 0, so what is true of the first 64 bits reaches less than 64 ahead.
#[derive(Clone, Copy)]
pub(crate) struct Wide {
    pub(crate) low: Lanes,
    pub(crate) high: Lanes,
}

impl Wide {
    /// Where `n` bits in a row are set, `n` from 1 to 64.
    #[inline(always)]
    pub(crate) fn run(mut self, n: u32) -> Lanes {
        let mut have = 1;
        while have < n {
            let step = have.min(n - have);
            self = self & (self >> step);
            have += step;
        }
        self.low
    }

    /// Where a bit is set within `2^steps` bytes from here on.
    #[inline(always)]
    pub(crate) fn reach(mut self, steps: u32) -> Wide {
        for step in 0..steps {
            self = self | (self >> (1 << step));
        }
        self
    }

    /// Where a chain of `n` bits starts, each `least` to `most` after the one before.
    #[inline(always)]
    pub(crate) fn chain(self, n: u32, least: u32, most: u32) -> Wide {
        let mut chained = self;
        for _ in 1..n {
            let mut near = chained >> least;
            for g in least + 1..=most {
                near = near | (chained >> g);
            }
            chained = self & near;
        }
        chained
    }
}

impl BitAnd for Wide {
    type Output = Wide;
    #[inline(always)]
    fn bitand(self, o: Wide) -> Wide {
        Wide { low: self.low & o.low, high: self.high & o.high }
    }
}

impl BitOr for Wide {
    type Output = Wide;
    #[inline(always)]
    fn bitor(self, o: Wide) -> Wide {
        Wide { low: self.low | o.low, high: self.high | o.high }
    }
}

impl Not for Wide {
    type Output = Wide;
    #[inline(always)]
    fn not(self) -> Wide {
        Wide { low: !self.low, high: !self.high }
    }
}

impl Shr<u32> for Wide {
    type Output = Wide;
    #[inline(always)]
    fn shr(self, n: u32) -> Wide {
        Wide { low: (self.low >> n) | (self.high << (64 - n)), high: self.high >> n }
    }
}

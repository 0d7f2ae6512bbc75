//! UTF-16 inside a text of bytes: stretches where every other byte is NUL, or nearly so.

use super::super::fold::{Fold, fold};
use super::super::text::at;
use super::{Shadow, is_latin, surrogates};

/// Units that a stretch has at least; a NUL in less is only dropped.
const UNITS_MIN: usize = 3;

/// Order of the bytes of a unit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Little,
    Big,
}

impl Shadow {
    /// At a NUL: the stretch of UTF-16 around it, or nothing.
    pub(super) fn wide(&mut self, source: &[u8], i: usize) -> usize {
        let little = if i > self.done { i - 1 } else { i + 1 };
        let (a, b) = (units(source, little, Order::Little), units(source, i, Order::Big));
        let (start, order, n) =
            if a >= b { (little, Order::Little, a) } else { (i, Order::Big, b) };
        if n < UNITS_MIN {
            return self.put(source, i, i + 1, b"");
        }
        if start > i {
            // The second half of the line feed that ended the line before.
            self.put(source, i, i + 1, b"");
        }
        let (mut j, end) = (start, start + 2 * n);
        while j < end {
            let (c, width) = character(source, j, order);
            j = self.put_char(source, j, j + width, c);
        }
        j
    }
}

fn unit(source: &[u8], i: usize, order: Order) -> u32 {
    let (a, b) = (u32::from(at(source, i)), u32::from(at(source, i + 1)));
    if order == Order::Little { b << 8 | a } else { a << 8 | b }
}

/// The character of one unit or two, and how many bytes they take.
fn character(source: &[u8], i: usize, order: Order) -> (u32, usize) {
    let hi = unit(source, i, order);
    surrogates(hi, unit(source, i + 2, order)).map_or((hi, 2), |c| (c, 4))
}

/// How many units from `i` on are text: ASCII, or what stands for it or for a Latin letter. The
/// last one is ASCII unless the source ends with it: the byte after it is another text's.
fn units(source: &[u8], i: usize, order: Order) -> usize {
    let (mut n, mut ascii) = (0, 0);
    while i + 2 * n + 1 < source.len() {
        let (c, width) = character(source, i + 2 * n, order);
        // Two ASCII bytes are a text of bytes, whatever character they make, unless a digit.
        let bytes = at(source, i + 2 * n).is_ascii_graphic()
            && at(source, i + 2 * n + 1).is_ascii_graphic()
            && !matches!(fold(c), Fold::To(b'0'..=b'9'));
        if c == 0 || bytes || !is_latin(c) || i + 2 * n + width > source.len() {
            return ascii;
        }
        n += width / 2;
        if c < 0x180 {
            ascii = n;
        }
    }
    n
}

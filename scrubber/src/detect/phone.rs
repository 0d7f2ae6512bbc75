//! Telephone numbers: French ones by their ten digits, foreign ones by `+` or `00` with a calling
//! code and a length that fits it, any other only when a keyword names them.

use super::run::{Run, bits};
use super::text::{at, before, is_word, prior, sub};
use super::words::{CLOCK, PHONE};
use super::{Scan, checks};
use crate::report::Kind;

const DATA: &str = include_str!("../../data/calling_codes.tsv");
/// Digits of an international number, calling code included (ITU-T E.164).
const DIGITS_MAX: usize = 15;
const DIGITS_MIN: usize = 7;

/// Lengths of national numbers by calling code.
pub(crate) struct Codes {
    rows: Vec<(u16, u8, u8)>,
}

impl Codes {
    /// Reads the table.
    pub(crate) fn new() -> Codes {
        let row = |line: &str| {
            let mut cell = line.split('\t');
            let code = cell.next()?.parse().ok()?;
            Some((code, cell.next()?.parse().ok()?, cell.next()?.parse().ok()?))
        };
        let mut rows: Vec<_> =
            DATA.lines().filter(|l| !l.starts_with('#')).filter_map(row).collect();
        rows.sort_unstable();
        Codes { rows }
    }

    /// Digits of the calling code that `digits` start with, and the total lengths it allows.
    fn find(&self, digits: &[u8]) -> Option<(usize, usize, usize)> {
        (1..=3).find_map(|n| {
            let code = checks::number(digits.get(..n)?)?;
            let i = self.rows.binary_search_by(|r| u64::from(r.0).cmp(&code)).ok()?;
            let &(_, lo, hi) = self.rows.get(i)?;
            Some((n, n + usize::from(lo), (n + usize::from(hi)).min(DIGITS_MAX)))
        })
    }
}

/// At a number's first digit: `06…`, `0033…`, or any number that a keyword calls a phone.
pub(crate) fn at_number(scan: &mut Scan<'_>, p: usize, run: &Run) {
    if matches!(before(scan.text, p), b'+' | b'(') && prior(scan.text, p, 2) == b'+' {
        return;
    }
    let (a, b) = (at(scan.text, p), at(scan.text, p + 1));
    if (a, b) == (b'0', b'0') && !scan.joined(p) {
        international(scan, p, p + 2);
    }
    if scan.glued(p) {
        return;
    }
    let digits = run.digits();
    if a == b'0' && b != b'0' && digits >= 10 && !scan.joined(p) {
        let even = run.gaps(10) & !bits(&[2, 4, 6, 8]) == 0;
        let printed =
            even || [bits(&[4, 7]), bits(&[3, 6]), bits(&[1, 4, 7])].contains(&run.gaps(10));
        if printed && run.closes(10) && !decimal(scan.text, p) {
            return scan.hit(p, run.end(10), Kind::Phone);
        }
        if printed && run.closes(14) && sub(scan.text, p, p + 4) == b"0700" {
            return scan.hit(p, run.end(14), Kind::Phone);
        }
    }
    named(scan, p, run);
}

/// A number that only a keyword makes a phone: `33612345678` after `tel`.
fn named(scan: &mut Scan<'_>, p: usize, run: &Run) {
    if !(DIGITS_MIN + 1..=DIGITS_MAX).any(|n| run.digits() >= n && run.closes(n)) {
        return;
    }
    let tags = scan.context(p);
    if tags & PHONE == 0 || tags & CLOCK != 0 {
        return;
    }
    let fits = |n: &usize| {
        let known = scan.tables.codes.find(run.first(*n));
        let fits = known.is_some_and(|(_, lo, hi)| (lo..=hi).contains(n));
        run.closes(*n) && run.digits() >= *n && (fits || run.first(1) == b"0" && *n <= 10)
    };
    if let Some(n) = (DIGITS_MIN + 1..=DIGITS_MAX).rev().find(fits) {
        scan.hit(p, run.end(n), Kind::Phone);
    }
}

/// At a `+`.
pub(crate) fn at_plus(scan: &mut Scan<'_>, p: usize) {
    let prev = before(scan.text, p);
    if at(scan.text, p + 1).is_ascii_digit() && (!is_word(prev) || prev >= 0x80) {
        international(scan, p, p + 1);
    }
}

/// A number of any country whose calling code starts at `from`, its sign or zeros at `start`.
fn international(scan: &mut Scan<'_>, start: usize, from: usize) {
    let number = Dialled::read(scan.text, from);
    let Some((code, lo, hi)) = scan.tables.codes.find(number.digits()) else { return };
    let trunk = usize::from(at(number.digits(), code) == b'0' && code > 1);
    let Some(n) = (lo + trunk..=hi + trunk).rev().find(|&n| number.closes(n)) else { return };
    let open = before(scan.text, start) == b'(' && sub(scan.text, start, from + 5).contains(&b')');
    scan.hit(start - usize::from(open), number.end(n), Kind::Phone);
}

/// Digits as dialled: separators and a bracketed trunk zero between them.
struct Dialled {
    digits: [u8; DIGITS_MAX + 2],
    ends: [usize; DIGITS_MAX + 2],
    len: usize,
    gaps: u32,
}

impl Dialled {
    fn read(text: &[u8], from: usize) -> Dialled {
        let max = DIGITS_MAX + 2;
        let mut d =
            Dialled { digits: [0; DIGITS_MAX + 2], ends: [0; DIGITS_MAX + 2], len: 0, gaps: 0 };
        let (mut i, mut between) = (from, 0);
        while d.len < max && between < 4 {
            let b = at(text, i);
            i += 1;
            if b.is_ascii_digit() {
                if between > 0 {
                    d.gaps |= 1 << d.len;
                    between = 0;
                }
                if let (Some(c), Some(e)) = (d.digits.get_mut(d.len), d.ends.get_mut(d.len)) {
                    (*c, *e) = (b, i);
                }
                d.len += 1;
            } else if matches!(b, b' ' | b'.' | b'-' | b'/' | b'(' | b')' | b'_' | b'+') {
                between += 1;
            } else {
                if !is_word(b) || between > 0 {
                    d.gaps |= 1 << d.len;
                }
                break;
            }
        }
        if between >= 4 || at(text, i) == 0 {
            d.gaps |= 1 << d.len;
        }
        d
    }

    fn digits(&self) -> &[u8] {
        sub(&self.digits, 0, self.len)
    }

    fn closes(&self, n: usize) -> bool {
        n > 0 && n <= self.len && self.gaps >> n & 1 == 1
    }

    fn end(&self, n: usize) -> usize {
        n.checked_sub(1).and_then(|i| self.ends.get(i)).copied().unwrap_or(0)
    }
}

/// The fraction of a decimal number: `0.0612345678`.
fn decimal(text: &[u8], p: usize) -> bool {
    matches!(before(text, p), b'.' | b',') && prior(text, p, 2).is_ascii_digit()
}

//! Telephone numbers: French ones by their ten digits, foreign ones by `+` or `00` with a calling
//! code and a length that fits it, any other only when a keyword names them.

use super::run::{Run, bits};
use super::text::{at, back, before, has, is_letter, is_word, prior, skip, sub};
use super::words::{CLOCK, MOBILE, NOT_VALUE, NUMBER, PHONE, VERSION};
use super::{Scan, checks};
use crate::report::Kind;

const DATA: &str = include_str!("../../data/calling_codes.tsv");
/// Digits of an international number, calling code included (ITU-T E.164).
const DIGITS_MAX: usize = 15;
/// Fewest digits of a number that a keyword names: those of small islands.
const NAMED_MIN: usize = 6;

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
    if a == b'0' && b != b'0' && run.digits() >= 10 && !scan.joined(p) {
        let n = french(run);
        if n > 0 && !decimal(scan.text, p) && !counted(scan.text, run.end(n)) {
            // `0.255.255.255` is no phone, `01.99.00.12.34` may be a version.
            if b == b'.' {
                return;
            }
            let dotted = at(scan.text, p + 2) == b'.';
            if !dotted || scan.context(p) & (VERSION | PHONE | MOBILE) != VERSION {
                return scan.hit(p, run.end(n), Kind::Phone);
            }
        }
    }
    named(scan, p, run);
}

/// Digits of the French number that the run starts with, 0 if there is none.
fn french(run: &Run) -> usize {
    // The extended numbers of machines: 0700 and ten digits.
    if run.digits() >= 14 && run.closes(14) && run.first(4) == b"0700" && groups(run, 14).1 <= 4 {
        return 14;
    }
    let even = run.gaps(10) & !bits(&[2, 4, 6, 8]) == 0;
    let others = [bits(&[4, 7]), bits(&[3, 6]), bits(&[1, 4, 7]), bits(&[2, 5, 8])];
    let printed = even || others.contains(&run.gaps(10));
    // The digits in order are nobody's number.
    let counting = run.first(10) == b"0123456789";
    let national = matches!(run.part(1, 2), [b'1'..=b'9']);
    if printed && national && run.closes(10) && !counting { 10 } else { 0 }
}

/// Whether a unit follows: `0123456789 ns`.
fn counted(text: &[u8], end: usize) -> bool {
    let unit = skip(text, end + 1, 8, |b| b.is_ascii_alphabetic());
    at(text, end) == b' '
        && matches!(sub(text, end + 1, unit), b"ns" | b"us" | b"ms" | b"bytes" | b"B" | b"octets")
}

/// How many groups the first `n` digits are in, and the digits of the longest after the first.
fn groups(run: &Run, n: usize) -> (usize, usize) {
    let (mut count, mut longest, mut start) = (1, 0, 0);
    for i in 1..=n {
        if i == n || run.gaps(n) >> i & 1 == 1 {
            longest = longest.max(if start > 0 { i - start } else { 0 });
            count += usize::from(i < n);
            start = i;
        }
    }
    (count, longest)
}

/// A number that only a keyword makes a phone: `33612345678` after `tel`.
fn named(scan: &mut Scan<'_>, p: usize, run: &Run) {
    if !(NAMED_MIN..=DIGITS_MAX).any(|n| run.digits() >= n && run.closes(n)) {
        return;
    }
    let (prev, far) = (before(scan.text, p), prior(scan.text, p, 2));
    let linked = prev == b'/' && has(scan.text, p.saturating_sub(6), b"wa.me/");
    let first = skip(scan.text, p, 16, |b| b.is_ascii_digit()) - p;
    // A part of a version, a path, an address, or of the number before.
    if matches!(prev, b'.' | b'/' | b'_' | b'#') && !linked
        || matches!(prev, b':' | b'-') && far.is_ascii_digit()
        || prev == b' ' && far.is_ascii_digit() && first < 7
    {
        return;
    }
    let tags = if linked { PHONE } else { scan.context(p) };
    let dated = tags & CLOCK != 0 && tags & NUMBER == 0;
    if tags & (PHONE | MOBILE) == 0 || dated || tags & (NOT_VALUE | VERSION) != 0 {
        return;
    }
    let strong = tags & PHONE != 0;
    // Nine digits without the zero: only just after the word.
    let gap = back(scan.text, p, 4, |b| matches!(b, b' ' | b':' | b'=' | b'.' | b'"' | b'['));
    let word = back(scan.text, gap, 24, is_letter);
    let beside = linked || scan.tables.words.of(sub(scan.text, word, gap)) & PHONE != 0;
    let fits = |n: &usize| {
        let n = *n;
        run.digits() >= n
            && run.closes(n)
            && (n != 9 || beside || run.gaps(n) != 0)
            && plausible(scan.tables.codes.find(run.first(n)), run, n, strong)
    };
    if let Some(n) = (NAMED_MIN..=DIGITS_MAX).rev().find(fits) {
        scan.hit(p, run.end(n), Kind::Phone);
    }
}

/// Whether `n` digits that a keyword names are written like a phone's.
fn plausible(code: Option<(usize, usize, usize)>, run: &Run, n: usize, strong: bool) -> bool {
    let dialled = code.is_some_and(|(_, lo, hi)| (lo..=hi).contains(&n)) && n >= 9;
    let (count, longest) = groups(run, n);
    let zero = run.first(1) == b"0" && (8..=12).contains(&n);
    match () {
        () if count == 1 && strong => dialled || zero || n == 9,
        () if count == 1 => zero || n >= 11 && dialled,
        // An area code and the rest.
        () if count == 2 && zero && strong => longest <= 8,
        () if longest > 4 => false,
        () if run.gaps(n) == bits(&[2, 4]) && n == 6 => strong,
        () if n < 8 => false,
        () => count <= 7 && (dialled || zero || strong && n >= 9),
    }
}

/// At `(`: `(0)1 99…`, `(0033) 6…`, and `(202) 555-0143` after a keyword.
pub(crate) fn at_paren(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    let close = skip(text, p + 1, 6, |b| b.is_ascii_digit());
    if close == p + 1 || at(text, close) != b')' || is_word(before(text, p)) {
        return;
    }
    if has(text, p + 1, b"00") {
        return international(scan, p + 1, p + 3);
    }
    let number = Dialled::read(text, p + 1);
    let french = close == p + 2 && matches!(number.digits(), [b'0', b'1'..=b'9', ..]);
    let n = (8..=11).rev().find(|&n| number.closes(n));
    if french && number.closes(10) {
        // `0033 (0)6…`
        let code = usize::from(has(text, p.saturating_sub(5), b"0033 ")) * 5;
        scan.hit(p - code, number.end(10), Kind::Phone);
    } else if let Some(n) = n
        && close > p + 2
        && scan.context(p) & PHONE != 0
    {
        scan.hit(p, number.end(n), Kind::Phone);
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

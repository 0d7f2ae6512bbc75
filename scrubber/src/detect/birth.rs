//! Dates of birth: any way of writing a date, but only where a keyword says birth.

use super::Scan;
use super::run::Run;
use super::text::{at, back, has, is_letter, skip, sub};
use super::words::{DOB, MONTH};
use super::{Tables, checks};
use crate::report::Kind;

/// At a number's first digit.
pub(crate) fn at_number(scan: &mut Scan<'_>, p: usize, _: &Run) {
    if scan.glued(p) {
        return;
    }
    if let Some((start, end)) = month_first(scan, p)
        && scan.context(start) & DOB != 0
    {
        return scan.hit(start, end, Kind::Dob);
    }
    if let Some(end) = date(scan.text, p, scan.tables)
        && scan.context(p) & DOB != 0
    {
        scan.hit(p, end, Kind::Dob);
    }
}

/// Where the date at `p` ends: `12/03/1980`, `1980-03-12T…`, `19800312`, `12 janvier 1980`.
pub(crate) fn date(text: &[u8], p: usize, tables: &Tables) -> Option<usize> {
    let separator = |b: u8| matches!(b, b'/' | b'-' | b'.' | b' ' | b'+' | b'_');
    let a = skip(text, p, 9, |b| b.is_ascii_digit());
    let first = sub(text, p, a);
    if first.len() == 8 {
        let (y, m) = (checks::number(sub(first, 0, 4))?, checks::number(sub(first, 4, 6))?);
        let (d, y2) = (checks::number(sub(first, 0, 2))?, checks::number(sub(first, 4, 8))?);
        let dates =
            |y, m, d| (1850..2100).contains(&y) && (1..=31).contains(&m) && (0..=31).contains(&d);
        return (dates(y, m, 1) || dates(y2, d, 1)).then_some(a);
    }
    // `1er mars`, `1st March`
    let suffix = [&b"er"[..], b"st", b"nd", b"rd", b"th"].iter().any(|s| has(text, a, s));
    let a = if suffix && !is_letter(at(text, a + 2)) { a + 2 } else { a };
    let b = skip(text, a, 2, |b| separator(b) || b == b',');
    if b == a || !matches!(first.len(), 1 | 2 | 4) {
        return None;
    }
    let c = if at(text, b).is_ascii_digit() {
        skip(text, b, 3, |b| b.is_ascii_digit())
    } else {
        let c = skip(text, b, 12, is_letter);
        let ordinal = matches!(sub(text, b, c), b"er" | b"st" | b"nd" | b"rd" | b"th");
        (tables.words.of(sub(text, b, c)) & MONTH != 0 && !ordinal).then_some(c)?
    };
    let d = skip(text, c, 2, |b| separator(b) || b == b',');
    let e = skip(text, d, 5, |b| b.is_ascii_digit());
    let last = e - d;
    if c == b || d == c || !matches!((first.len(), last), (1 | 2, 2 | 4) | (4, 1 | 2)) {
        return None;
    }
    let time = |b: u8| b.is_ascii_digit() || matches!(b, b':' | b'.' | b'Z' | b'+');
    Some(if matches!(at(text, e), b'T') { skip(text, e + 1, 20, time) } else { e })
}

/// `March 12, 1980`, from its day at `p`.
fn month_first(scan: &Scan<'_>, p: usize) -> Option<(usize, usize)> {
    let text = scan.text;
    let day = skip(text, p, 3, |b| b.is_ascii_digit());
    let suffix = matches!(sub(text, day, day + 2), b"st" | b"nd" | b"rd" | b"th");
    let day = if suffix { day + 2 } else { day };
    let year = skip(text, day, 2, |b| matches!(b, b',' | b' '));
    let end = skip(text, year, 5, |b| b.is_ascii_digit());
    if year == day || end != year + 4 || day > p + 4 {
        return None;
    }
    let gap = back(text, p, 2, |b| matches!(b, b' ' | b'.'));
    let month = back(text, gap, 12, is_letter);
    let named = gap < p && scan.tables.words.of(sub(text, month, gap)) & MONTH != 0;
    named.then_some((month, end))
}

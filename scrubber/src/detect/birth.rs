//! Dates of birth: any way of writing a date, but only where a keyword says birth.

use super::Scan;
use super::run::Run;
use super::text::{at, is_letter, skip, sub};
use super::words::{DOB, MONTH};
use super::{Tables, checks};
use crate::report::Kind;

/// At a number's first digit.
pub(crate) fn at_number(scan: &mut Scan<'_>, p: usize, _: &Run) {
    if scan.glued(p) {
        return;
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

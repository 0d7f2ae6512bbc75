//! Payment cards: issuer range, length, Luhn. Bare runs need the common lengths or a keyword, since
//! one number in ten passes Luhn; grouped ones the groups cards are printed in.

use super::run::{Run, bits};
use super::text::{at, is_word, skip};
use super::words::{CARD, CLOCK};
use super::{Scan, checks};
use crate::report::Kind;

/// At a number's first digit.
pub(crate) fn at_number(scan: &mut Scan<'_>, p: usize, run: &Run) {
    if !matches!(at(scan.text, p), b'2'..=b'6') {
        return;
    }
    if run.digits() < 13 {
        return;
    }
    for n in [16, 15, 14, 19, 18, 17, 13] {
        let digits = run.first(n);
        if digits.len() == n
            && run.digits() >= n
            && run.closes(n)
            && checks::card_issuer(digits)
            && checks::luhn(digits)
            && placed(scan, p, run, n)
        {
            scan.hit(p, run.end(n), Kind::Card);
            return;
        }
    }
}

/// Whether a number that is a card by its digits is written or named like one.
fn placed(scan: &mut Scan<'_>, p: usize, run: &Run, n: usize) -> bool {
    let gaps = run.gaps(n);
    let printed = gaps == bits(&[4, 8, 12]) && n >= 16
        || gaps == bits(&[4, 8, 12, 16]) && n > 16
        || gaps == bits(&[4, 10]) && (n == 14 || n == 15);
    if printed {
        let end = run.end(n);
        let chained = matches!(at(scan.text, end), b'-' | b'.' | b'_')
            && at(scan.text, end + 1).is_ascii_digit();
        return !chained && !scan.joined(p) || scan.context(p) & CARD != 0;
    }
    let tags = scan.context(p);
    if tags & CARD != 0 {
        return true;
    }
    gaps == 0 && (14..=16).contains(&n) && tags & CLOCK == 0 && !scan.joined(p)
}

/// `4970 10** **** 1234`: the digits that a mask left are still personal.
pub(crate) fn masked(scan: &mut Scan<'_>, p: usize, run: &Run) {
    let next = skip(scan.text, run.end(run.len()), 2, |b| matches!(b, b' ' | b'-'));
    if !matches!(at(scan.text, p), b'2'..=b'6')
        || !matches!(at(scan.text, next), b'*' | b'x' | b'X' | b'#')
    {
        return;
    }
    let mask = |b: u8| matches!(b, b'*' | b'x' | b'X' | b'#');
    let goes_on = |b: u8| mask(b) || b.is_ascii_digit();
    let (mut i, mut digits, mut masks) = (p, 0, 0);
    while digits + masks < 19 {
        let b = at(scan.text, i);
        match () {
            () if b.is_ascii_digit() => digits += 1,
            () if mask(b) => masks += 1,
            () if matches!(b, b' ' | b'-') && goes_on(at(scan.text, i + 1)) => {}
            () => break,
        }
        i += 1;
    }
    if masks >= 4
        && digits >= 4
        && (13..=19).contains(&(digits + masks))
        && !is_word(at(scan.text, i))
    {
        scan.hit(p, i, Kind::Card);
    }
}

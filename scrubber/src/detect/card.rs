//! Payment cards: issuer range, length, Luhn. Bare runs need the common lengths or a keyword, since
//! one number in ten passes Luhn; grouped ones the groups cards are printed in.

use super::run::{Run, bits};
use super::text::{at, before, is_word, prior, skip};
use super::words::{CARD, CLOCK};
use super::{Scan, checks};
use crate::report::Kind;

/// Longest magnetic track.
const TRACK_MAX: usize = 80;

/// At a number's first digit.
pub(crate) fn at_number(scan: &mut Scan<'_>, p: usize, run: &Run) {
    if !matches!(at(scan.text, p), b'2'..=b'6') || run.digits() < 12 {
        return;
    }
    for n in [16, 15, 14, 19, 18, 17, 13, 12] {
        let digits = run.first(n);
        if digits.len() != n || run.digits() < n || !run.closes(n) || !checks::luhn(digits) {
            continue;
        }
        let issued = checks::card_issuer(digits);
        if issued && let Some((start, end)) = track(scan.text, p, run.end(n)) {
            return scan.hit(start, end, Kind::Card);
        }
        // Maestro has no lengths or ranges of its own: only where a keyword says card.
        let maestro = matches!(digits, [b'5', b'0' | b'6'..=b'8', ..] | [b'6', ..]);
        if issued && placed(scan, p, run, n) || maestro && scan.context(p) & CARD != 0 {
            return scan.hit(p, run.end(n), Kind::Card);
        }
    }
}

/// The stretch of a magnetic track around a card's number: `%B…^NAME^…?`, `;…=…?`.
fn track(text: &[u8], p: usize, end: usize) -> Option<(usize, usize)> {
    let start = match (before(text, p), at(text, end)) {
        (b'B' | b'b', b'^') if prior(text, p, 2) == b'%' => p - 2,
        (b';', b'=' | b'D') => p - 1,
        _ => return None,
    };
    let stop = skip(text, end, TRACK_MAX, |b| b != b'?' && b != b'"' && b >= b' ');
    Some((start, stop + usize::from(at(text, stop) == b'?')))
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
pub(crate) fn masked(scan: &mut Scan<'_>, p: usize, _: &Run) {
    let mask = |b: u8| matches!(b, b'*' | b'x' | b'X' | b'#');
    let goes_on = |b: u8| mask(b) || b.is_ascii_digit();
    if !matches!(at(scan.text, p), b'2'..=b'6') || is_word(before(scan.text, p)) {
        return;
    }
    let (mut i, mut digits, mut masks) = (p, 0, 0);
    while digits + masks < 19 {
        let b = at(scan.text, i);
        match () {
            () if b.is_ascii_digit() => digits += 1,
            () if mask(b) => masks += 1,
            () if matches!(b, b' ' | b'-') && goes_on(at(scan.text, i + 1)) => {}
            () => break,
        }
        // Six digits are the most that a mask leaves at the start.
        if masks == 0 && digits > 8 {
            return;
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

//! NIR: 13 characters and a key of 2. The key decides; without it the printed grouping or a
//! keyword, since most epoch milliseconds have the structure of a NIR without key.

use super::run::{Run, bits};
use super::text::{at, back, skip, sub};
use super::words::{NIR, POINTER, SOCIAL};
use super::{Scan, checks};
use crate::report::Kind;

const GROUPS: u64 = bits(&[1, 3, 5, 7, 10, 13]);
/// Fewest digits of a NIR cut short that a keyword still names.
const CUT_MIN: usize = 8;

/// At a number's first digit.
pub(crate) fn at_number(scan: &mut Scan<'_>, p: usize, run: &Run) {
    if !matches!(at(scan.text, p), b'1'..=b'4' | b'7' | b'8') {
        return;
    }
    if run.closes(15) && checks::nir(run.first(15)) {
        let as_printed = run.gaps(15) & !GROUPS == 0 && !scan.joined(p);
        let tags = scan.context(p);
        let pointer = run.gaps(15) == 0 && tags & POINTER != 0;
        if as_printed && !pointer || tags & (NIR | SOCIAL) != 0 {
            return scan.hit(p, run.end(15), Kind::Nir);
        }
    }
    if run.closes(13) && checks::nir_structure(run.first(13), false) {
        if let Some(end) = key_after(scan.text, run.end(13), run.first(13)) {
            return scan.hit(p, end, Kind::Nir);
        }
        // Two more digits are a key, and the wrong one.
        let keyed = run.closes(15) && run.digits() >= 15;
        let printed = run.gaps(13) == GROUPS & !bits(&[13]) && !keyed && !scan.joined(p);
        if printed || scan.context(p) & (NIR | SOCIAL) != 0 {
            return scan.hit(p, run.end(13), Kind::Nir);
        }
    }
    let n = (CUT_MIN..=15).rev().find(|&n| run.closes(n) && mostly_digits(run.first(n)));
    let Some(n) = n else { return };
    // `sociale` and `ss` alone are too little, but for a number in the printed groups.
    let printed = run.gaps(n) & bits(&[1, 3, 5]) == bits(&[1, 3, 5]);
    let tags = scan.context(p);
    if tags & NIR != 0 || printed && tags & SOCIAL != 0 {
        scan.hit(p, run.end(n), Kind::Nir);
    }
}

/// Digits, but for Corsica's letter.
fn mostly_digits(chars: &[u8]) -> bool {
    chars.iter().enumerate().all(|(i, b)| b.is_ascii_digit() || i == 6 && matches!(b, b'A' | b'B'))
}

/// The end of `clé 91`, ` / 91`, `key: 91` after 13 characters, if the key is theirs.
fn key_after(text: &[u8], from: usize, nir: &[u8]) -> Option<usize> {
    let digits = skip(text, from, 12, |b| !b.is_ascii_digit() && !matches!(b, b'"' | b'\n'));
    let between = sub(text, from, digits);
    let word = between.iter().any(|b| b.is_ascii_alphabetic() || matches!(b, b'/' | b'-' | b':'));
    let end = digits + 2;
    let alone =
        !at(text, end).is_ascii_digit() && back(text, end, 2, |b| b.is_ascii_digit()) == digits;
    (word && alone && checks::number(sub(text, digits, end)) == checks::nir_key(nir)).then_some(end)
}

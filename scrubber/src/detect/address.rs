//! Postal addresses: a house number, a kind of street, its name, perhaps a postcode and a town.

use super::Scan;
use super::run::Run;
use super::text::{at, back, before, has, is_letter, is_word, skip, sub};
use super::words::{ADDRESS, PARTICLE, STREET, TOWN};
use crate::report::Kind;

/// Words of a street's or a town's name.
const NAME_WORDS: usize = 8;

/// At a number's first digit.
pub(crate) fn at_number(scan: &mut Scan<'_>, p: usize, _: &Run) {
    let text = scan.text;
    // One to four digits, then a letter at once or after a space or comma.
    let digits = skip(text, p, 6, |b| b.is_ascii_digit());
    if digits == p + 5 && !is_word(at(text, digits)) && is_postal(scan, p) {
        return scan.hit(p, digits, Kind::Address);
    }
    let next = if is_word(at(text, digits)) { digits } else { gap(text, digits) };
    if digits - p > 4 || !at(text, next).is_ascii_alphabetic() {
        return;
    }
    if scan.glued(p) || scan.joined(p) && before(text, p) != b'+' {
        return;
    }
    let mut i = digits;
    for suffix in [&b"bis"[..], b"ter", b"quater", b"a", b"b", b"c", b"d"] {
        if has(text, next, suffix) && !is_word(at(text, next + suffix.len())) {
            i = next + suffix.len();
            break;
        }
    }
    let word = gap(text, i);
    let end = skip(text, word, 16, is_letter);
    if word == i || end - word < 2 {
        return;
    }
    if scan.tables.words.of(sub(text, word, end)) & STREET == 0 {
        return english(scan, p, word);
    }
    if let Some(end) = name(scan, p, end) {
        scan.hit(p, end, Kind::Address);
    }
}

/// Whether the word just before a number is `postal`, `postcode`, `cp`, `zip`.
fn is_postal(scan: &Scan<'_>, p: usize) -> bool {
    let text = scan.text;
    let gap = back(text, p, 3, |b| matches!(b, b' ' | b':' | b'+'));
    let word = back(text, gap, 12, is_letter);
    let word = sub(text, word, gap);
    let town = scan.tables.words.of(word) & TOWN != 0;
    gap < p && town && matches!(word.first().map(|b| b | 0x20), Some(b'p' | b'c' | b'z'))
}

/// `12 High Street`: the name before the kind of street, whose word has a capital too.
fn english(scan: &mut Scan<'_>, p: usize, word: usize) {
    const KINDS: [&[u8]; 9] = [
        b"Street",
        b"Road",
        b"Avenue",
        b"Lane",
        b"Drive",
        b"Square",
        b"Boulevard",
        b"Court",
        b"St",
    ];
    let text = scan.text;
    let mut i = word;
    for k in 0..4 {
        let end = skip(text, i, 20, is_letter);
        if i > p + 18 {
            return;
        }
        if k > 0 && KINDS.contains(&sub(text, i, end)) {
            return scan.hit(p, end, Kind::Address);
        }
        if !at(text, i).is_ascii_uppercase() || at(text, end) != b' ' {
            return;
        }
        i = end + 1;
    }
}

/// The end of the signs between the parts of an address.
fn gap(text: &[u8], i: usize) -> usize {
    skip(text, i, 3, |b| matches!(b, b' ' | b',' | b'+' | b'\t' | b'_'))
}

/// The end of the name, postcode and town that follow the kind of street.
fn name(scan: &mut Scan<'_>, p: usize, street: usize) -> Option<usize> {
    let text = scan.text;
    let dot = usize::from(at(text, street) == b'.');
    let (mut i, mut end, mut proper, mut postcode) = (street + dot, street, false, false);
    for _ in 0..NAME_WORDS {
        let word =
            skip(text, i, 3, |b| matches!(b, b' ' | b',' | b'+' | b'-' | b'\'' | b'\t' | b'_'));
        let stop = skip(text, word, 24, |b| is_word(b) || b == b'\'');
        let w = sub(text, word, stop);
        if w.is_empty() || word == i || matches!(at(text, stop), b'=' | b':' | b'/') {
            break;
        }
        let first = at(text, word);
        if first.is_ascii_digit() {
            if w.len() != 5 || !w.iter().all(u8::is_ascii_digit) || postcode {
                break;
            }
            postcode = true;
        } else if first.is_ascii_uppercase() || first >= 0x80 {
            proper = true;
        } else if scan.tables.words.of(w) & PARTICLE == 0 && (postcode || proper) {
            break;
        }
        (i, end) = (stop, stop);
    }
    (end > street && (proper || postcode || scan.context(p) & ADDRESS != 0)).then_some(end)
}

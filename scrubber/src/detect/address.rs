//! Postal addresses: a house number, a kind of street, its name, perhaps a postcode and a town.

use super::Scan;
use super::run::Run;
use super::text::{at, before, has, is_letter, is_word, skip, sub};
use super::words::{ADDRESS, PARTICLE, STREET};
use crate::report::Kind;

/// Words of a street's or a town's name.
const NAME_WORDS: usize = 8;

/// At a number's first digit.
pub(crate) fn at_number(scan: &mut Scan<'_>, p: usize, _: &Run) {
    let text = scan.text;
    if scan.glued(p) || scan.joined(p) && before(text, p) != b'+' {
        return;
    }
    let digits = skip(text, p, 5, |b| b.is_ascii_digit());
    if digits - p > 4 {
        return;
    }
    let mut i = digits;
    let gap = |i: usize| skip(text, i, 3, |b| matches!(b, b' ' | b',' | b'+' | b'\t' | b'_'));
    for suffix in [&b"bis"[..], b"ter", b"quater", b"a", b"b", b"c", b"d"] {
        let j = if is_word(at(text, i)) { i } else { gap(i) };
        if has(text, j, suffix) && !is_word(at(text, j + suffix.len())) {
            i = j + suffix.len();
            break;
        }
    }
    let word = gap(i);
    let end = skip(text, word, 16, is_letter);
    if word == i || end - word < 2 || scan.tables.words.of(sub(text, word, end)) & STREET == 0 {
        return;
    }
    if let Some(end) = name(scan, p, end) {
        scan.hit(p, end, Kind::Address);
    }
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

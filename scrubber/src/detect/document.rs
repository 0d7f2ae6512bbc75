//! Passports, identity cards, driving licences, registration plates and professional numbers:
//! no checksum, so a keyword, or the plate's own shape.

use super::run::Run;
use super::text::{at, back, before, is_word, skip, sub};
use super::words::{CNI, LICENCE, OTHER_ID, PASSPORT, PLATE, Tags};
use super::{Scan, checks};
use crate::report::Kind;

/// At a number's first digit.
pub(crate) fn at_number(scan: &mut Scan<'_>, p: usize, run: &Run) {
    // The token may start with letters, as in `X4RTBPFW4`; it is looked at from its first digit.
    let start = back(scan.text, p, 8, |b| b.is_ascii_alphanumeric());
    if start == p {
        return judge(scan, p, run);
    }
    let head = sub(scan.text, start, p);
    if !head.iter().any(u8::is_ascii_digit) && !is_word(before(scan.text, start)) {
        judge(scan, start, &Run::read(scan.text, start));
    }
}

fn judge(scan: &mut Scan<'_>, start: usize, run: &Run) {
    if !(7..=20).any(|n| run.closes(n)) {
        return;
    }
    let tags = scan.context(start) & (PASSPORT | CNI | LICENCE | OTHER_ID);
    if tags == 0 {
        return;
    }
    if let Some((n, kind)) = shape(run, tags) {
        scan.hit(start, run.end(n), kind);
    }
}

/// What a keyword and a shape make of the first characters.
fn shape(run: &Run, tags: Tags) -> Option<(usize, Kind)> {
    let nine = run.first(9);
    let letters = |from, to| run.part(from, to).iter().all(u8::is_ascii_alphabetic);
    let digits = |from, to| run.part(from, to).iter().all(u8::is_ascii_digit);
    let booklet = run.closes(9) && digits(0, 2) && letters(2, 4) && digits(4, 9);
    let twelve = run.closes(12) && digits(0, 12);
    let mixed = run.closes(9) && nine.iter().filter(|b| b.is_ascii_digit()).count() >= 2;
    match () {
        () if booklet && tags & PASSPORT != 0 => Some((9, Kind::Passport)),
        () if booklet && tags & LICENCE != 0 => Some((9, Kind::Licence)),
        () if twelve && tags & LICENCE != 0 => Some((12, Kind::Licence)),
        () if twelve && tags & CNI != 0 => Some((12, Kind::Cni)),
        () if mixed && tags & CNI != 0 => Some((9, Kind::Cni)),
        () if tags & CNI != 0 && run.closes(10) && digits(0, 10) => Some((10, Kind::Cni)),
        () if mixed && tags & PASSPORT != 0 => Some((9, Kind::Passport)),
        () if tags & OTHER_ID != 0 => {
            let n = [7, 8, 9, 10, 11, 14, 15, 19, 20].into_iter().rev().find(|&n| run.closes(n));
            n.filter(|&n| run.first(n).iter().filter(|b| b.is_ascii_digit()).count() * 3 >= n * 2)
                .map(|n| (n, Kind::Id))
        }
        () => None,
    }
}

/// `AA-123-AA` by shape; with spaces, compact or of the old series by keyword or alone in quotes.
pub(crate) fn plate(scan: &mut Scan<'_>, p: usize, run: &Run) {
    let text = scan.text;
    let sep = before(text, p);
    let gap = usize::from(matches!(sep, b'-' | b' ' | b'+'));
    let start = p.saturating_sub(2 + gap);
    let siv = |b: u8| b.is_ascii_alphabetic() && !matches!(b | 0x20, b'i' | b'o' | b'u');
    let head = sub(text, start, p - gap);
    let after = skip(text, p, 4, |b| b.is_ascii_digit());
    let tail = after + usize::from(gap == 1 && at(text, after) == sep);
    let two = sub(text, tail, tail + 2);
    let shape = after == p + 3
        && head.len() == 2
        && head.iter().chain(two).all(|&b| siv(b))
        && two.len() == 2
        && (tail > after || gap == 0);
    let end = tail + 2;
    if !shape || is_word(before(text, start)) || is_word(at(text, end)) {
        return old_plate(scan, p, run);
    }
    let joined = before(text, start) == b'-' || at(text, end) == b'-';
    let quoted =
        matches!(before(text, start), b'\'' | b'"') && matches!(at(text, end), b'\'' | b'"');
    let shape_only = gap == 1 && !joined && (sep == b'-' || quoted);
    if shape_only || scan.context(start) & PLATE != 0 {
        scan.hit(start, end, Kind::Plate);
    }
}

/// `1234 AB 75`, by keyword.
fn old_plate(scan: &mut Scan<'_>, p: usize, run: &Run) {
    let digits = run.digits();
    let letters = run.part(digits, 9).iter().take_while(|b| b.is_ascii_alphabetic()).count();
    let n = digits + letters + 2;
    let shape = (1..=4).contains(&digits) && (1..=3).contains(&letters) && run.closes(n);
    if shape && run.gaps(n) != 0 && !scan.glued(p) && scan.context(p) & PLATE != 0 {
        let department = run.part(digits + letters, n);
        if checks::number(department).is_some() || matches!(department, b"2A" | b"2B") {
            scan.hit(p, run.end(n), Kind::Plate);
        }
    }
}

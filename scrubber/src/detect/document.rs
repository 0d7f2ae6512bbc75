//! Passports, identity cards, driving licences, registration plates and professional numbers:
//! no checksum, so a keyword, or the plate's own shape.

use super::run::Run;
use super::text::{at, back, before, is_letter, is_word, prior, skip, sub};
use super::words::{
    CARD, CNI, LABEL, LICENCE, NUMBER, OTHER_ID, PAPERS, PARTICLE, PASSPORT, PLATE, PREFIX, STATE,
    Tags, VALUE, WHOSE,
};
use super::{Scan, checks};
use crate::report::Kind;

/// Longest line of a machine-readable zone, or its three lines in one.
const ZONE_MAX: usize = 96;
/// Bytes before a zone that a word of papers stands in.
const LEAD: usize = 24;
/// Words looked at before a number that has no shape of its own.
const BESIDE_WORDS: usize = 6;

/// At a number's first digit.
pub(crate) fn at_number(scan: &mut Scan<'_>, p: usize, run: &Run) {
    zone(scan, p);
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
    // A booklet's number has a shape of its own; others are any number, so the word must be near.
    if let Some((n, kind)) = shape(run, tags)
        && (matches!(kind, Kind::Passport) || is_booklet(run) || is_beside(scan, start))
    {
        scan.hit(start, run.end(n), kind);
    }
}

/// Two digits, two letters, five digits.
fn is_booklet(run: &Run) -> bool {
    let letters = run.part(2, 4).iter().all(u8::is_ascii_alphabetic);
    let digits = |from, to| run.part(from, to).iter().all(u8::is_ascii_digit);
    run.closes(9) && digits(0, 2) && letters && digits(4, 9)
}

/// Whether only words of numbers and cards are between the number and what names it:
/// `carte d'identité n° …`, but not `identity provider …`.
fn is_beside(scan: &Scan<'_>, start: usize) -> bool {
    const BETWEEN: Tags = NUMBER | LABEL | PARTICLE | CARD | STATE | VALUE | PREFIX | WHOSE;
    let text = scan.text;
    let mut i = start;
    for _ in 0..BESIDE_WORDS {
        i = back(text, i, 8, |b| !is_letter(b) && !b.is_ascii_digit() && b != b'\n');
        let word = back(text, i, 24, is_letter);
        let tags = scan.tables.words.of_key(sub(text, word, i));
        if word == i || tags & PAPERS != 0 || tags & LICENCE != 0 {
            return word < i;
        }
        let short = i - word <= 2 || sub(text, word, i) == "n°".as_bytes();
        if tags & BETWEEN == 0 && !short {
            return false;
        }
        i = word;
    }
    false
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
            let n = (7..=20).rev().find(|&n| run.closes(n) && ends_in_digits(run, n));
            n.filter(|&n| run.first(n).iter().filter(|b| b.is_ascii_digit()).count() * 3 >= n * 2)
                .map(|n| (n, Kind::Id))
        }
        () => None,
    }
}

/// Whether the last group of the first `n` characters has a digit, or is one letter: a word behind
/// a number is no part of it.
fn ends_in_digits(run: &Run, n: usize) -> bool {
    let gap = 63 - (run.gaps(n) | 1).leading_zeros() as usize;
    let first = (run.gaps(n) | 1 << n).trailing_zeros() as usize;
    let word = |w: &[u8]| w.iter().all(u8::is_ascii_alphabetic);
    let worded = run.part(first, n).windows(3).any(word);
    !worded && (n - gap == 1 || run.part(gap, n).iter().any(u8::is_ascii_digit))
}

/// `AA-123-AA` by shape; with spaces, compact or of the old series by keyword or alone in quotes.
pub(crate) fn plate(scan: &mut Scan<'_>, p: usize, run: &Run) {
    let text = scan.text;
    let sep = before(text, p);
    let gap = usize::from(matches!(sep, b'-' | b' ' | b'+'));
    let start = p.saturating_sub(2 + gap);
    // `W-123-AB`: a garage's, by keyword only.
    let garage =
        gap == 1 && p >= 2 && before(text, p - 1) | 0x20 == b'w' && !is_word(prior(text, p, 3));
    let start = if garage { p - 2 } else { start };
    let siv = |b: u8| b.is_ascii_alphabetic() && !matches!(b | 0x20, b'i' | b'o' | b'u');
    let head = sub(text, start, p - gap);
    let after = skip(text, p, 4, |b| b.is_ascii_digit());
    let tail = after + usize::from(gap == 1 && at(text, after) == sep);
    let two = sub(text, tail, tail + 2);
    let shape = after == p + 3
        && (head.len() == 2 || garage)
        && !head.eq_ignore_ascii_case(b"ss")
        && !two.eq_ignore_ascii_case(b"ss")
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
    let shape_only = gap == 1 && !garage && !joined && (sep == b'-' || quoted);
    if shape_only || scan.context(start) & PLATE != 0 {
        scan.hit(start, end, Kind::Plate);
    }
}

/// `1234 AB 75`, by keyword.
fn old_plate(scan: &mut Scan<'_>, p: usize, run: &Run) {
    let text = scan.text;
    let digits = run.digits();
    let letters = run.part(digits, 9).iter().take_while(|b| b.is_ascii_alphabetic()).count();
    let n = digits + letters + 2;
    let shape = (1..=4).contains(&digits) && (1..=3).contains(&letters) && run.closes(n);
    let written = skip(text, p + digits, 2, |b| b == b' ' || b == b'-');
    let upper = at(text, written).is_ascii_uppercase();
    if shape && upper && run.gaps(n) != 0 && !scan.glued(p) && scan.context(p) & PLATE != 0 {
        let department = run.part(digits + letters, n);
        if checks::number(department).is_some() || matches!(department, b"2A" | b"2B") {
            scan.hit(p, run.end(n), Kind::Plate);
        }
    }
}

/// At the start of a word: a zone that starts with a capital. Needs: a word of [`PAPERS`] within 24
/// bytes before.
pub(crate) fn at_word(scan: &mut Scan<'_>, p: usize) {
    if at(scan.text, p).is_ascii_uppercase() {
        zone(scan, p);
    }
}

/// A machine-readable zone (ICAO 9303) that starts at `p`, told by its check digits: a passport's
/// two lines of 44, a card's three of 30, the old French card's two of 36, or some of them.
fn zone(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    let filler = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'<';
    let end = skip(text, p, ZONE_MAX, filler);
    if end < p + 30 || is_word(before(text, p)) || !is_paper(scan, p) {
        return;
    }
    let (mut stop, mut kind) = (end, zone_line(sub(text, p, end)));
    // The lines of one zone stand side by side or one under the other.
    for _ in 0..2 {
        let next = skip(text, stop, 2, |b| b.is_ascii_whitespace());
        let last = skip(text, next, ZONE_MAX, filler);
        if next == stop || last - next != end - p {
            break;
        }
        kind = kind.or(zone_line(sub(text, next, last)));
        stop = last;
    }
    if let Some(kind) = kind {
        scan.hit(p, stop, kind);
    }
}

/// What a line is by its length and check digits.
fn zone_line(line: &[u8]) -> Option<Kind> {
    let ok = |from: usize, to: usize| check_digit(sub(line, from, to)) == at(line, to);
    match line.len() {
        44 if ok(0, 9) && ok(13, 19) && ok(21, 27) => Some(Kind::Passport),
        30 | 60 | 90 if ok(0, 6) && ok(8, 14) || ok(5, 14) && at(line, 0) == b'I' => {
            Some(Kind::Cni)
        }
        36 | 72 if ok(0, 12) && ok(27, 33) => Some(Kind::Cni),
        _ => None,
    }
}

/// Whether a word of papers ends within [`LEAD`] bytes before `p`.
fn is_paper(scan: &Scan<'_>, p: usize) -> bool {
    let lead = sub(scan.text, p.saturating_sub(LEAD), p);
    let cut = is_letter(prior(scan.text, p, LEAD + 1));
    let from = lead.iter().position(|b| !cut || !is_letter(*b)).unwrap_or(lead.len());
    let mut words = sub(lead, from, lead.len()).split(|&b| !is_letter(b));
    words.any(|w| scan.tables.words.of(w) & PAPERS != 0)
}

/// The check digit of a field: weights 7, 3, 1, letters from A=10, filler 0.
fn check_digit(field: &[u8]) -> u8 {
    let sum: u32 = field
        .iter()
        .zip([7, 3, 1].into_iter().cycle())
        .map(|(&b, weight)| {
            weight
                * match b {
                    b'0'..=b'9' => u32::from(b - b'0'),
                    b'A'..=b'Z' => u32::from(b - b'A') + 10,
                    _ => 0,
                }
        })
        .sum();
    (sum % 10) as u8 + b'0'
}

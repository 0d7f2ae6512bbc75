//! IBAN of every country (exact length, mod 97) and the French RIB with its own key.

use super::run::{Run, bits};
use super::text::{at, back, before, has, is_letter, is_space, is_word, skip, sub};
use super::words::{IBAN, RIB};
use super::{Scan, checks};
use crate::report::Kind;

const DATA: &str = include_str!("../../data/iban.tsv");

/// Total length of an IBAN by country.
pub(crate) struct Countries {
    rows: Vec<([u8; 2], usize)>,
}

impl Countries {
    /// Reads the table.
    pub(crate) fn new() -> Countries {
        let row = |line: &str| {
            let (country, rest) = line.split_once('\t')?;
            let length = rest.split('\t').next()?.parse().ok()?;
            Some((country.as_bytes().try_into().ok()?, length))
        };
        let mut rows: Vec<_> =
            DATA.lines().filter(|l| !l.starts_with('#')).filter_map(row).collect();
        rows.sort_unstable();
        Countries { rows }
    }

    fn length(&self, country: &[u8]) -> Option<usize> {
        let i = self.rows.binary_search_by(|(c, _)| c.as_slice().cmp(country)).ok()?;
        self.rows.get(i).map(|(_, n)| *n)
    }
}

/// At a number's first digit: the check digits after two letters.
pub(crate) fn at_number(scan: &mut Scan<'_>, p: usize, run: &Run) {
    rib(scan, p, run);
    let text = scan.text;
    let spaced = is_space(before(text, p));
    let letters = if spaced { p - 1 } else { p };
    let start = letters.saturating_sub(2);
    let two = sub(text, start, letters);
    if two.len() < 2
        || !two.iter().all(u8::is_ascii_alphabetic)
        || !at(text, p + 1).is_ascii_digit()
    {
        return;
    }
    let word = back(text, letters, 12, is_letter);
    let alone = word == start && !is_word(before(text, start));
    if !alone && !sub(text, word, start).eq_ignore_ascii_case(b"iban") {
        return;
    }
    let run = Run::read(text, start);
    let Some(n) = scan.tables.ibans.length(run.first(2)) else { return };
    if run.closes(n) && checks::mod97(run.first(n)) == Some(1) {
        beside(scan, start, run.end(n));
        return scan.hit(start, run.end(n), Kind::Iban);
    }
    let n = (14..=n).rev().find(|&n| run.closes(n));
    if let Some(n) = n
        && !spaced
        && scan.context(start) & IBAN != 0
    {
        scan.hit(start, run.end(n), Kind::Iban);
    }
}

/// Twenty-three characters with the RIB's key.
fn rib(scan: &mut Scan<'_>, p: usize, run: &Run) {
    let shape = run.len() >= 23 && run.closes(23) && run.digits() >= 10;
    if !shape || !checks::rib(run.first(23)) {
        return;
    }
    let (gaps, next) = (run.gaps(23), at(scan.text, run.end(23)));
    let printed = gaps & !bits(&[5, 10, 21]) == 0 || gaps & !bits(&[4, 8, 12, 16, 20]) == 0;
    let alone = printed && !scan.joined(p) && !matches!(next, b'_' | b'-');
    if alone || scan.context(p) & RIB != 0 {
        scan.hit(p, run.end(23), Kind::Rib);
    }
}

/// The bank's code next to an IBAN, on either side.
fn beside(scan: &mut Scan<'_>, start: usize, end: usize) {
    let text = scan.text;
    let sign = |b: u8| !is_word(b) && b != b'\n' && b != b'[';
    let mut next = skip(text, end, 6, sign);
    for name in [&b"bic"[..], b"swift"] {
        if has(text, next, name) && !is_word(at(text, next + name.len())) {
            next = skip(text, next + name.len(), 6, sign);
        }
    }
    let last = skip(text, next, 12, is_word);
    if is_bic(scan, sub(text, next, last)) {
        scan.hit(next, last, Kind::Id);
    }
    let last = back(text, start, 6, sign);
    let first = back(text, last, 12, is_word);
    if is_bic(scan, sub(text, first, last)) {
        scan.hit(first, last, Kind::Id);
    }
}

/// Whether a word is a bank's code (ISO 9362): bank, country, place, perhaps a branch.
pub(crate) fn is_bic(scan: &Scan<'_>, word: &[u8]) -> bool {
    const OTHERS: &[u8] = b"USJPCNCAAUINSGHKKRZAMXNZTHMYIDPHVNARCLCOPEMATWCI";
    let letters = sub(word, 0, 6);
    let country = sub(word, 4, 6);
    let known =
        scan.tables.ibans.length(country).is_some() || OTHERS.chunks_exact(2).any(|c| c == country);
    matches!(word.len(), 8 | 11)
        && letters.iter().all(u8::is_ascii_uppercase)
        && word.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        && known
}

//! IBAN of every country (exact length, mod 97) and the French RIB with its own key.

use super::run::Run;
use super::text::{at, back, before, is_letter, is_space, is_word, sub};
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
    if shape && checks::rib(run.first(23)) && (!scan.glued(p) || scan.context(p) & RIB != 0) {
        scan.hit(p, run.end(23), Kind::Rib);
    }
}

//! SIREN, TVA and the tax number NIF. The numbers of companies are not personal, those of
//! sole traders are, and nothing in the digits tells: keyword, or a shape that is rare in logs.

use super::run::{Run, bits};
use super::text::{at, back, before, has, is_space, is_word, sub};
use super::words::{NIF, SIREN, TVA};
use super::{Scan, checks};
use crate::report::Kind;

/// At a number's first digit.
pub(crate) fn at_number(scan: &mut Scan<'_>, p: usize, run: &Run) {
    tva(scan, p);
    if scan.glued(p) {
        return;
    }
    let digits = run.digits();
    if digits < 9 {
        return;
    }
    let printed = run.gaps(14) == bits(&[3, 6, 9]) && !scan.joined(p);
    if digits >= 14
        && run.closes(14)
        && checks::siret(run.first(14))
        && (printed || scan.context(p) & SIREN != 0)
    {
        return scan.hit(p, run.end(14), Kind::Siret);
    }
    if digits >= 13 && run.closes(13) && checks::nif(run.first(13)) {
        let printed = run.gaps(13) == bits(&[2, 4, 7, 10]) && !scan.joined(p);
        if printed || scan.context(p) & NIF != 0 {
            return scan.hit(p, run.end(13), Kind::Nif);
        }
    }
    if run.closes(9) && checks::siren(run.first(9)) && scan.context(p) & SIREN != 0 {
        scan.hit(p, run.end(9), Kind::Siren);
    }
}

/// `FR` and two characters before or at the number.
fn tva(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    let gap = usize::from(is_space(before(text, p)));
    let word = back(text, p - gap, 3, |b| b.is_ascii_alphanumeric());
    if is_word(before(text, word)) {
        return;
    }
    if !has(text, word, b"FR") {
        return foreign(scan, word, p);
    }
    let run = Run::read(text, word);
    if run.closes(13) && checks::tva_fr(run.first(13)) {
        let named = run.part(2, 4).iter().all(u8::is_ascii_digit) || scan.context(word) & TVA != 0;
        if named && at(text, run.end(13)) != b'@' {
            scan.hit(word, run.end(13), Kind::Tva);
        }
    }
}

/// The VAT number of another country, named: two letters, then digits and perhaps letters.
fn foreign(scan: &mut Scan<'_>, start: usize, p: usize) {
    const COUNTRIES: &[u8] = b"ATBEBGCHCYCZDEDKEEELESFIGBHRHUIEITLTLULVMTNLPLPTROSESISKXI";
    let head = sub(scan.text, start, start + 2);
    if p > start + 3 || !COUNTRIES.chunks_exact(2).any(|c| head.eq_ignore_ascii_case(c)) {
        return;
    }
    let run = Run::read(scan.text, start);
    let fits = |n: &usize| {
        let digits = run.first(*n).iter().filter(|b| b.is_ascii_digit()).count();
        // In one group, or in groups of digits.
        let whole = run.gaps(*n) == 0 || run.part(2, *n).iter().all(u8::is_ascii_digit);
        run.closes(*n) && digits >= 7 && whole
    };
    if let Some(n) = (9..=14).rev().find(fits)
        && scan.context(start) & TVA != 0
    {
        scan.hit(start, run.end(n), Kind::Tva);
    }
}

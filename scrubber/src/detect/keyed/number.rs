//! Values whose kind their key names: numbers of any plausible shape, and codes that only a key
//! tells from other words: bank codes, addresses written as one number, coordinates, postcodes,
//! towns.

use super::super::text::{digits_in, is_letter, is_word, sub};
use super::super::words::*;
use super::super::{Scan, context, geo, iban, net, person};
use super::Value;
use crate::report::Kind;

/// Kinds that a key names and whose value is a number of at least so many digits.
const NUMBERS: &[(Tags, Kind, usize)] = &[
    (NIR, Kind::Nir, 6),
    (SOCIAL, Kind::Nir, 13),
    (IBAN, Kind::Iban, 8),
    (RIB, Kind::Rib, 8),
    (SIREN, Kind::Siret, 10),
    (SIREN, Kind::Siren, 9),
    (TVA, Kind::Tva, 8),
    (NIF, Kind::Nif, 9),
    (PASSPORT, Kind::Passport, 4),
    (LICENCE, Kind::Licence, 4),
    (CNI, Kind::Cni, 2),
    (CARD, Kind::Card, 12),
    (PHONE, Kind::Phone, 6),
    (MOBILE, Kind::Phone, 8),
    (PLATE, Kind::Plate, 2),
    (OTHER_ID, Kind::Id, 6),
    (DOB, Kind::Dob, 4),
];

/// A number whose kind the key names.
pub(super) fn number(tags: Tags, text: &[u8]) -> Option<Kind> {
    let digits = digits_in(text);
    if text.len() > 96 || text.starts_with(b"0x") {
        return None;
    }
    let allowed = |b: &u8| b.is_ascii_alphanumeric() || *b >= 0x80 || b" +.-/_():*\\#%".contains(b);
    if !text.iter().all(allowed) || text.iter().all(|b| b.is_ascii_hexdigit()) && text.len() > 34 {
        return None;
    }
    let letters = text.iter().filter(|b| b.is_ascii_alphabetic()).count();
    NUMBERS
        .iter()
        .filter(|(bit, _, least)| tags & bit != 0 && digits >= *least)
        .find(|(_, kind, _)| match kind {
            Kind::Phone => {
                let dated = tags & CLOCK != 0 && tags & NUMBER == 0;
                letters <= 5 && !dated && is_phone(tags, text, digits)
            }
            Kind::Nir => letters == 0 || letters == 1 && is_corsican(text),
            Kind::Card => letters <= 2,
            Kind::Plate => letters >= 1 && digits + letters <= 10,
            Kind::Cni => (6..=14).contains(&(digits + letters)),
            Kind::Dob => letters <= 12 && tags & (NAME | PERSON) == 0,
            Kind::Nif => letters <= 3,
            _ => true,
        })
        .map(|(_, kind, _)| *kind)
}

/// Whether digits under a key that may mean something else (`mobile`, `call`) can be a phone's.
fn is_phone(tags: Tags, text: &[u8], digits: usize) -> bool {
    let written = matches!(text.first(), Some(b'+' | b'0' | b'(')) || digits < text.len();
    tags & PHONE != 0 && (written || tags & NOT_VALUE == 0)
        || tags & NOT_VALUE == 0 && (9..=15).contains(&digits) && (written || digits != 10)
}

/// Whether the one letter of a NIR stands where Corsica's does.
fn is_corsican(text: &[u8]) -> bool {
    let mut chars = text.iter().filter(|b| b.is_ascii_alphanumeric());
    matches!(chars.nth(6), Some(b'A' | b'B' | b'a' | b'b'))
}

/// A code that a key names. `None` if the value is not shaped like one.
pub(super) fn coded(
    scan: &Scan<'_>,
    tags: Tags,
    value: &Value,
    start: usize,
    end: usize,
) -> Option<Kind> {
    const CODED: Tags = BIC | NETKEY | GEO | TOWN;
    let text = sub(scan.text, start, end);
    if tags & CODED == 0 || text.len() > 64 {
        return None;
    }
    let hex = text.len() == 12 && text.iter().all(u8::is_ascii_hexdigit);
    match () {
        () if tags & BIC != 0 && iban::is_bic(scan, text) => Some(Kind::Id),
        () if tags & NETKEY != 0 && net::written(text).is_some_and(|ip| !net::keeps(scan, ip)) => {
            Some(Kind::Ip)
        }
        () if tags & NETKEY != 0 && hex && text.iter().any(|b| *b != b'0') => Some(Kind::Mac),
        () if tags & GEO != 0 && geo::is_value(scan, value.key, start, end) => Some(Kind::Address),
        () if tags & TOWN != 0 && !text.starts_with(b"0x") && is_postcode(text) => {
            Some(Kind::Address)
        }
        () if tags & TOWN != 0
            && tags & (HOSTLIKE | KEY) == 0
            && is_town_key(scan, value)
            && is_town(scan, text) =>
        {
            Some(Kind::Address)
        }
        () => None,
    }
}

/// Four or five digits, or a code of letters and digits as the British write it.
fn is_postcode(text: &[u8]) -> bool {
    let digits = digits_in(text);
    let letters = text.iter().filter(|b| b.is_ascii_alphabetic()).count();
    let shape = text.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'-'));
    shape
        && (letters == 0 && matches!(digits, 4 | 5 | 9)
            || digits >= 2 && (2..=5).contains(&letters) && text.len() >= 5)
        && digits + letters <= 9
}

/// Whether the key's last word names a town, not something of one.
fn is_town_key(scan: &Scan<'_>, value: &Value) -> bool {
    let (from, to) = context::key_range(scan.text, value.key);
    let key = sub(scan.text, from, to);
    let (mut last, mut town) = (0, value.key == 0);
    scan.tables.words.parts(key, |a, z, tags| {
        last = tags;
        let code = matches!(key.get(a).map(|b| b | 0x20), Some(b'p' | b'z')) || z - a == 2;
        town |= tags & TOWN != 0 && !code;
    });
    town && (value.key == 0 || last & (TOWN | NAME | DOB | LABEL | ADDRESS) != 0)
}

/// The name of a town: capitalised words that are not technical.
fn is_town(scan: &Scan<'_>, text: &[u8]) -> bool {
    let plain = |b: &u8| is_word(*b) || b" +-'.".contains(b);
    let first = text.first().copied().unwrap_or_default();
    text.len() >= 2
        && (first.is_ascii_uppercase() || first == 0xC3)
        && text.iter().all(plain)
        && text.iter().filter(|b| is_letter(**b)).count() * 2 > text.len()
        && scan.tables.words.of(text) & TECHNICAL == 0
        && !person::is_ordinary(text)
}

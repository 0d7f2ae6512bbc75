//! Checksums and structures, as pure functions over compacted upper-case characters.
//!
//! Sources: ISO/IEC 7812 (Luhn, issuer ranges), ISO 13616 and ISO 7064 (mod 97-10), INSEE (NIR),
//! Banque de France (RIB key), INSEE/DGFiP (SIREN, SIRET, TVA, NIF).

/// Value of a decimal digit.
fn digit(b: u8) -> Option<u64> {
    b.is_ascii_digit().then(|| u64::from(b - b'0'))
}

/// The number written by `digits`; `None` if one is not a digit or there are more than 18.
pub(crate) fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    digits.iter().try_fold(0, |n, &b| Some(n * 10 + digit(b)?))
}

/// Luhn's sum is a multiple of ten.
pub(crate) fn luhn(digits: &[u8]) -> bool {
    let mut sum = 0;
    for (i, &b) in digits.iter().rev().enumerate() {
        let Some(d) = digit(b) else { return false };
        let d = if i % 2 == 1 { d * 2 } else { d };
        sum += if d > 9 { d - 9 } else { d };
    }
    sum % 10 == 0
}

/// The issuer range of a card number exists and has this length.
pub(crate) fn card_issuer(digits: &[u8]) -> bool {
    let n = digits.len();
    let Some(six) = digits.get(..6).and_then(number) else { return false };
    let (one, two, three, four) = (six / 100_000, six / 10_000, six / 1_000, six / 100);
    match () {
        () if one == 4 => matches!(n, 13 | 16 | 19),
        () if (51..=55).contains(&two) || (2221..=2720).contains(&four) => n == 16,
        () if two == 34 || two == 37 => n == 15,
        () if four == 6011 || (644..=649).contains(&three) || two == 65 => (16..=19).contains(&n),
        () if two == 62 => (16..=19).contains(&n),
        () if (3528..=3589).contains(&four) => (16..=19).contains(&n),
        () if (300..=305).contains(&three) || matches!(two, 36 | 38 | 39) => (14..=19).contains(&n),
        () => false,
    }
}

/// The IBAN's remainder: country and check digits moved to the end, letters A=10 … Z=35, mod 97.
pub(crate) fn mod97(iban: &[u8]) -> Option<u64> {
    let (head, tail) = iban.split_at_checked(4)?;
    tail.iter().chain(head).try_fold(0, |r, &b| match b {
        b'0'..=b'9' => Some((r * 10 + u64::from(b - b'0')) % 97),
        b'A'..=b'Z' => Some((r * 100 + u64::from(b - b'A') + 10) % 97),
        _ => None,
    })
}

/// The 13 characters have the structure of a NIR (sex, month, département).
pub(crate) fn nir_structure(nir: &[u8], has_key: bool) -> bool {
    let Some(&[sex, y1, y2, m1, m2, d1, d2, ref rest @ ..]) = nir.get(..13) else { return false };
    let Some(month) = number(&[m1, m2]) else { return false };
    let months = if has_key {
        matches!(month, 1..=13 | 20..=42 | 50..=99)
    } else {
        matches!(month, 1..=12 | 20..=42 | 50..=99)
    };
    let place = match (d1, d2) {
        (b'2', b'A' | b'B') => true,
        (b'0', b'0') => false,
        _ => d1.is_ascii_digit() && d2.is_ascii_digit(),
    };
    matches!(sex, b'1'..=b'4' | b'7' | b'8')
        && y1.is_ascii_digit()
        && y2.is_ascii_digit()
        && months
        && place
        && rest.iter().all(u8::is_ascii_digit)
}

/// 97 − (N mod 97), Corsica's letter replaced by 0 and 1,000,000 (2A) or 2,000,000 (2B) taken off.
pub(crate) fn nir_key(nir: &[u8]) -> Option<u64> {
    let mut plain = [0; 13];
    plain.copy_from_slice(nir.get(..13)?);
    let off = match plain[6] {
        b'A' => 1_000_000,
        b'B' => 2_000_000,
        _ => 0,
    };
    if off > 0 {
        plain[6] = b'0';
    }
    Some(97 - number(&plain)?.checked_sub(off)? % 97)
}

/// The 15 characters are a NIR with its key.
pub(crate) fn nir(nir: &[u8]) -> bool {
    nir.len() == 15
        && nir_structure(nir, true)
        && nir.get(13..).and_then(number).is_some_and(|k| Some(k) == nir_key(nir))
}

/// The 23 characters are bank, branch, account and key of a French account.
pub(crate) fn rib(rib: &[u8]) -> bool {
    let (Some(bank), Some(branch), Some(account), Some(key)) =
        (rib.get(..5), rib.get(5..10), rib.get(10..21), rib.get(21..23))
    else {
        return false;
    };
    let mut plain = [0; 11];
    for (p, &b) in plain.iter_mut().zip(account) {
        *p = match b {
            b'A'..=b'I' => b - b'A' + b'1',
            b'J'..=b'R' => b - b'J' + b'1',
            b'S'..=b'Z' => b - b'S' + b'2',
            _ => b,
        };
    }
    match (number(bank), number(branch), number(&plain), number(key)) {
        (Some(b), Some(g), Some(c), Some(k)) => {
            rib.len() == 23 && k == 97 - (89 * b + 15 * g + 3 * c) % 97
        }
        _ => false,
    }
}

/// Nine digits, Luhn.
pub(crate) fn siren(digits: &[u8]) -> bool {
    digits.len() == 9 && luhn(digits) && number(digits).is_some_and(|n| n > 0)
}

/// Fourteen digits, Luhn; La Poste's establishments count digits modulo five.
pub(crate) fn siret(digits: &[u8]) -> bool {
    let sum: u64 = digits.iter().filter_map(|&b| digit(b)).sum();
    digits.len() == 14
        && number(digits).is_some_and(|n| n > 0)
        && (luhn(digits) || digits.starts_with(b"356000000") && sum.is_multiple_of(5))
}

/// `FR`, two characters of key, SIREN.
pub(crate) fn tva_fr(tva: &[u8]) -> bool {
    const ALPHABET: &[u8] = b"0123456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    let Some(&[b'F', b'R', a, b, ref siren @ ..]) = tva.get(..13) else { return false };
    let Some(n) = number(siren) else { return false };
    if tva.len() != 13 {
        return false;
    }
    if let Some(key) = number(&[a, b]) {
        let monaco = siren.starts_with(b"000");
        return key == (12 + 3 * (n % 97)) % 97 && (luhn(siren) || monaco);
    }
    let index = |c| ALPHABET.iter().position(|&x| x == c).map(|i| i as u64);
    let (Some(x), Some(y)) = (index(a), index(b)) else { return false };
    let check = if a.is_ascii_digit() {
        (x * 24 + y).checked_sub(10)
    } else {
        (x * 34 + y).checked_sub(100)
    };
    check.is_some_and(|c| (n + 1 + c / 11) % 11 == c % 11)
}

/// Thirteen digits, the last three are the first ten modulo 511.
pub(crate) fn nif(digits: &[u8]) -> bool {
    digits.len() == 13
        && matches!(digits.first(), Some(b'0'..=b'3'))
        && match (digits.get(..10).and_then(number), digits.get(10..).and_then(number)) {
            (Some(n), Some(key)) => n % 511 == key,
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        assert!(nir(b"151024610204325") && nir(b"253072A07300443") && nir(b"253072B07300470"));
        assert!(nir(b"150082B05104034") && nir(b"185057800607897") && !nir(b"185057800608436"));
        assert!(!nir(b"185007800608411") && !nir(b"185147800608441") && nir(b"185137800608425"));
        assert!(rib(b"20041010050500013M02606") && rib(b"30006000011234567890189"));
        assert!(luhn(b"4970100000000014") && card_issuer(b"4970100000000014"));
        assert!(siret(b"73282932000074") && !siret(b"73282932000075"));
        assert!(siret(b"35600000049837") && siret(b"35600000000048") && siren(b"732829320"));
        for ok in ["FR44732829320", "FR40303265045", "FR23334175221", "FRK7399859412"] {
            assert!(tva_fr(ok.as_bytes()), "{ok}");
        }
        assert!(tva_fr(b"FR4Z123456782"));
        for bad in ["FR45732829320", "FR84323140391", "FRK8399859412"] {
            assert!(!tva_fr(bad.as_bytes()), "{bad}");
        }
        assert!(nif(b"3023217600053") && !nif(b"3023217600054"));
        assert_eq!(mod97(b"FR1420041010050500013M02606"), Some(1));
        assert_eq!(mod97(b"DE89370400440532013000"), Some(1));
    }
}

//! Synthetic persons with valid check digits.
//!
//! Sources: NIR key = 97 − (N mod 97) (INSEE); IBAN check digits by ISO 7064 MOD 97-10; phones in
//! the ARCEP ranges for fiction; domains of RFC 2606.

/// A person who does not exist.
pub(super) struct Person {
    pub first: &'static str,
    pub last: &'static str,
    pub email: String,
    /// 15 digits.
    pub nir: String,
    /// `1 85 05 78 006 084 91`.
    pub nir_spaced: String,
    /// `06 39 98 12 34`.
    pub phone: String,
    /// `FR76…`, 27 characters.
    pub iban: String,
    /// What this person asks the model.
    pub prompt: &'static str,
    /// A credential.
    pub token: String,
}

// Family names that are no technical words, so that a hit is a leak and nothing else.
const NAMES: [(&str, &str, &str); 8] = [
    ("Maëlle", "Quillerou", "Rédige une lettre de contestation pour mon licenciement"),
    ("Anatole", "Bréchignac", "Explique mon bilan sanguin, j'ai une hépatite chronique"),
    ("Solveig", "Tanguerel", "Résume le dossier de divorce de ma sœur"),
    ("Ismaël", "Vaucresson", "Calcule mon indemnité après l'accident du travail"),
    ("Héloïse", "Garrigoux", "Traduis ce courrier de la caisse d'allocations familiales"),
    ("Baptiste", "Lhermitteau", "Prépare un argumentaire pour ma demande d'augmentation"),
    ("Yasmine", "Oudrhiri-Fictif", "Que dire à mon médecin au sujet de mes insomnies"),
    ("Côme", "Pellegrinaud", "Écris un témoignage pour le conseil de prud'hommes"),
];

/// The cast.
pub(super) fn cast() -> Vec<Person> {
    NAMES.iter().enumerate().map(|(i, n)| person(i as u64, n.0, n.1, n.2)).collect()
}

fn person(i: u64, first: &'static str, last: &'static str, prompt: &'static str) -> Person {
    let (sex, year, month) = (1 + i % 2, 61 + 4 * i, 1 + i % 12);
    let body = format!("{sex}{year:02}{month:02}75{:03}{:03}", 101 + i, 201 + 7 * i);
    let nir = format!("{body}{:02}", 97 - modulo97(&body));
    let cuts = [0..1, 1..3, 3..5, 5..7, 7..10, 10..13, 13..15];
    let nir_spaced = cuts.map(|c| nir.get(c).unwrap_or_default()).join(" ");
    let bban = format!("2004101005{:011}{:02}", 5_000_130 + 7919 * i, 6 + i);
    let iban = format!("FR{:02}{bban}", 98 - modulo97(&format!("{bban}152700")));
    let plain = |s: &str| s.to_lowercase().chars().filter_map(ascii).collect::<String>();
    Person {
        first,
        last,
        email: format!("{}.{}@example.org", plain(first), plain(last)),
        nir,
        nir_spaced,
        phone: format!("06 39 98 {:02} {:02}", 10 + i, 20 + 3 * i),
        iban,
        prompt,
        token: format!("demo-{:016x}", 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(i + 1)),
    }
}

fn ascii(c: char) -> Option<char> {
    match c {
        'é' | 'è' | 'ë' | 'ê' => Some('e'),
        'ï' | 'î' => Some('i'),
        'ô' | 'œ' => Some('o'),
        c if c.is_ascii() => Some(c),
        _ => None,
    }
}

fn modulo97(digits: &str) -> u64 {
    let digits = digits.bytes().filter(u8::is_ascii_digit);
    digits.fold(0, |rest, d| (rest * 10 + u64::from(d - b'0')) % 97)
}

/// Every value above, in each form in which the demo writes it.
pub(super) fn planted() -> Vec<String> {
    let forms = |p: Person| {
        let grouped = p.iban.as_bytes().chunks(4).map(|c| String::from_utf8_lossy(c).into_owned());
        let grouped = grouped.collect::<Vec<_>>().join(" ");
        let name = p.last.to_owned();
        let encoded = p.email.replace('@', "%40");
        let international = format!("+33{}", p.phone.replace(' ', "").get(1..).unwrap_or_default());
        let local = p.email.split('@').next().unwrap_or_default().to_owned();
        let asked = p.prompt.split(' ').skip(1).take(4).collect::<Vec<_>>().join(" ");
        let compact = p.phone.replace(' ', "");
        [
            [p.email, encoded, local, p.nir, p.nir_spaced, p.phone],
            [international, compact, p.iban, grouped, p.token, name],
        ]
        .into_iter()
        .flatten()
        .chain([asked])
    };
    cast().into_iter().flat_map(forms).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_are_valid() {
        for p in cast() {
            let (body, key) = p.nir.split_at(13);
            assert_eq!(key.parse::<u64>().unwrap(), 97 - modulo97(body));
            let rearranged = format!("{}1527{}", &p.iban[4..], &p.iban[2..4]);
            assert_eq!(modulo97(&rearranged), 1, "{}", p.iban);
            assert_eq!(p.iban.len(), 27);
            assert!(p.email.is_ascii());
        }
        assert!(planted().iter().all(|v| v.len() >= 8), "short values would hit by chance");
    }
}

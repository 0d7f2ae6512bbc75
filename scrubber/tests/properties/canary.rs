//! Planted values: one per kind and written form, synthetic, valid for their checksum.

use super::random::Random;

/// A value that must not survive.
#[derive(Clone, Debug)]
pub(crate) struct Canary {
    /// Kind and written form, for messages.
    pub(crate) name: &'static str,
    /// As written in the clear, its keyword included when it needs one to be recognised.
    pub(crate) surface: String,
    /// The value alone: what must not be read in the output. Compared without separators and case.
    pub(crate) needle: String,
    /// Whether parts of it identify too (first or last 70 % of its digits).
    pub(crate) partial: bool,
    /// Whether case and accents matter: it cannot be written with letters that look alike.
    pub(crate) exact: bool,
    /// A key that names it in structures.
    pub(crate) key: &'static str,
}

/// Makes a value from choices.
pub(crate) type Make = fn(&mut Random) -> Canary;

/// Every kind and form.
pub(crate) const CANARIES: &[Make] = &[
    |r| digits("nir spaced", nir_spaced(r, " "), "nir"),
    |r| digits("nir compact", nir(r), "num_secu"),
    |r| digits("nir dashes", nir_spaced(r, "-"), "nir"),
    |r| digits("iban fr spaced", fours(&iban_fr(r)), "iban"),
    |r| digits("iban fr compact", iban_fr(r), "iban"),
    |r| digits("iban de", iban_de(r), "compte_iban"),
    |r| digits("card fours", fours(&card(r)), "carte"),
    |r| digits("card compact", card(r), "pan"),
    |r| digits("phone pairs", pairs(&phone(r), " "), "telephone"),
    |r| digits("phone compact", phone(r), "tel"),
    |r| digits("phone dashes", pairs(&phone(r), "-"), "telephone"),
    |r| digits("phone +33", format!("+33{}", &phone(r)[1..]), "mobile"),
    |r| digits("phone +33 spaced", format!("+33 {}", &pairs(&phone(r), " ")[1..]), "tel"),
    |r| text("email", email(r), "email"),
    |r| Canary { exact: true, ..text("ipv4", ipv4(r), "client_ip") },
    |r| Canary { exact: true, ..text("ipv6", ipv6(r), "remote_addr") },
    |r| Canary { exact: true, ..text("mac", mac(r), "mac") },
    |r| named("siret named", "siret", siret(r), "siret"),
    |r| named("nir 13 named", "nir", nir(r)[..13].to_string(), "nir"),
    |r| named("birth named", "date de naissance", birth(r), "date_naissance"),
    |r| secret("token", token(r), "api_key"),
    |r| {
        let word = password(r);
        Canary { surface: format!("password={word}"), ..secret("password named", word, "password") }
    },
    |r| {
        let word = password(r);
        let surface = format!("postgres://app:{word}@db.example.org:5432/app");
        Canary { surface, ..secret("userinfo", word, "dsn") }
    },
];

fn text(name: &'static str, surface: String, key: &'static str) -> Canary {
    Canary { name, needle: surface.clone(), surface, partial: false, exact: false, key }
}

fn digits(name: &'static str, surface: String, key: &'static str) -> Canary {
    Canary { partial: true, exact: true, ..text(name, surface, key) }
}

fn named(name: &'static str, word: &str, value: String, key: &'static str) -> Canary {
    Canary { surface: format!("{word} {value}"), ..digits(name, value, key) }
}

fn secret(name: &'static str, value: String, key: &'static str) -> Canary {
    Canary { exact: true, ..text(name, value, key) }
}

fn nir(r: &mut Random) -> String {
    let sex = r.pick(&["1", "2"]);
    let department = r.pick(&["13", "33", "59", "69", "78", "93"]);
    let (year, month) = (r.below(100), 1 + r.below(12));
    let (place, order) = (1 + r.below(900), 1 + r.below(998));
    let body = format!("{sex}{year:02}{month:02}{department}{place:03}{order:03}");
    let key = 97 - body.parse::<u64>().unwrap() % 97;
    format!("{body}{key:02}")
}

fn nir_spaced(r: &mut Random, sep: &str) -> String {
    let n = nir(r);
    [&n[..1], &n[1..3], &n[3..5], &n[5..7], &n[7..10], &n[10..13], &n[13..]].join(sep)
}

fn mod97(text: &str) -> u64 {
    text.chars().fold(0, |n, c| {
        let v = u64::from(c.to_digit(36).unwrap());
        if v < 10 { (n * 10 + v) % 97 } else { (n * 100 + v) % 97 }
    })
}

fn iban_fr(r: &mut Random) -> String {
    let (bank, desk, account) = (r.digits(5), r.digits(5), r.digits(11));
    let n = |s: &str| s.parse::<u64>().unwrap();
    let key = 97 - (89 * n(&bank) + 15 * n(&desk) + 3 * n(&account)) % 97;
    iban("FR", &format!("{bank}{desk}{account}{key:02}"))
}

fn iban_de(r: &mut Random) -> String {
    let body = r.digits(18);
    iban("DE", &body)
}

fn iban(country: &str, body: &str) -> String {
    let check = 98 - mod97(&format!("{body}{country}00"));
    format!("{country}{check:02}{body}")
}

fn luhn(body: &str) -> String {
    let sum: u32 = body
        .chars()
        .rev()
        .enumerate()
        .map(|(i, c)| {
            let d = c.to_digit(10).unwrap();
            if i % 2 == 0 { d * 2 / 10 + d * 2 % 10 } else { d }
        })
        .sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

fn card(r: &mut Random) -> String {
    let prefix = r.pick(&["497010", "513500", "424242"]);
    luhn(&format!("{prefix}{}", r.digits(9)))
}

fn siret(r: &mut Random) -> String {
    let siren = luhn(&format!("7{}", r.digits(7)));
    luhn(&format!("{siren}000{}", r.digits(1)))
}

fn phone(r: &mut Random) -> String {
    let prefix = r.pick(&["063998", "019900", "026191", "035301", "046571", "053649"]);
    format!("{prefix}{}", r.digits(4))
}

fn email(r: &mut Random) -> String {
    let first = r.pick(&["jean", "lucie", "paul.henri", "sophie", "amine"]);
    let last = r.pick(&["dupont", "moreau", "petit", "caron", "benali"]);
    let host = r.pick(&["example.org", "mairie.example.com", "clinique-fictive.example"]);
    format!("{first}.{last}{}@{host}", r.below(90))
}

fn ipv4(r: &mut Random) -> String {
    let net = r.pick(&["203.0.113", "198.51.100", "192.0.2"]);
    format!("{net}.{}", 100 + r.below(150))
}

fn ipv6(r: &mut Random) -> String {
    let group = |r: &mut Random| format!("{}{}", r.string(1, "123456789abcdef"), r.digits(3));
    format!("2001:db8:{}:{}::{}", group(r), group(r), group(r))
}

fn mac(r: &mut Random) -> String {
    let pair = |r: &mut Random| r.string(2, "0123456789abcdef");
    format!("f0:3{}:{}:{}:{}:{}", r.digits(1), pair(r), pair(r), pair(r), pair(r))
}

fn birth(r: &mut Random) -> String {
    format!("{:02}/{:02}/19{}", 1 + r.below(28), 1 + r.below(12), 30 + r.below(69))
}

fn token(r: &mut Random) -> String {
    // Joined here, so that no scanner of this repository takes it for a live one.
    let alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    ["ghp", "_", &r.string(36, alphabet)].concat()
}

fn password(r: &mut Random) -> String {
    let word = r.pick(&["Hiver", "Soleil", "Marmotte", "Galette"]);
    format!("{word}{}{}", r.string(1, "!*.-_"), 1000 + r.below(8999))
}

fn groups(text: &str, size: usize, sep: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let groups: Vec<String> = chars.chunks(size).map(|g| g.iter().collect()).collect();
    groups.join(sep)
}

fn fours(text: &str) -> String {
    groups(text, 4, " ")
}

fn pairs(text: &str, sep: &str) -> String {
    groups(text, 2, sep)
}

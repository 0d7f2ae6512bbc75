//! Synthetic persons with random values, and the search for them in every form they could leak in.
//!
//! A canary is a random token that stands inside an address, a name, a password and so on, and
//! numbers with valid checksums. Finding one anywhere it was not put is a leak.

use std::io::Read;
use std::path::{Path, PathBuf};

use memchr::memmem::Finder;

/// Length of a random token.
const TOKEN: usize = 14;
/// What tokens are made of: no vowel, so that no word comes out by chance.
const ALPHABET: &[u8; 24] = b"bcdfghjkmnpqrstvwxz23456";

/// Random bytes of the system.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    std::fs::File::open("/dev/urandom").unwrap().read_exact(&mut bytes).unwrap();
    bytes
}

/// A random token that nothing on this machine holds.
pub(crate) fn token() -> String {
    let letters = random::<TOKEN>().map(|b| char::from(ALPHABET[b as usize % ALPHABET.len()]));
    letters.iter().collect()
}

fn digits<const N: usize>() -> String {
    random::<N>().iter().map(|b| char::from(b'0' + b % 10)).collect()
}

/// A synthetic person and what was made of them.
pub(crate) struct Person {
    /// Stands in every textual value.
    pub(crate) token: String,
    /// Social security number, 15 digits, valid key.
    nir: String,
    /// Payment card number, valid Luhn.
    card: String,
    /// French IBAN, valid check digits.
    iban: String,
}

impl Person {
    /// A new one.
    pub(crate) fn new() -> Person {
        let at =
            |digits: String, least: u64, count: u64| least + digits.parse::<u64>().unwrap() % count;
        // sex, year, month, department, commune, order
        let body = format!(
            "{}{}{:02}75{:03}{:03}",
            at(digits::<1>(), 1, 2),
            digits::<2>(),
            at(digits::<4>(), 1, 12),
            at(digits::<5>(), 1, 899),
            at(digits::<5>(), 1, 998)
        );
        let key = 97 - body.parse::<u64>().unwrap() % 97;
        let card = format!("4970{}", digits::<11>());
        let account = format!("2004101005{}", digits::<13>());
        Person {
            token: token(),
            nir: format!("{body}{key:02}"),
            card: format!("{card}{}", luhn(&card)),
            iban: format!("FR{:02}{account}", iban_check(&account)),
        }
    }

    /// Lines as services write them, each with values of this person.
    pub(crate) fn lines(&self) -> Vec<String> {
        let t = &self.token;
        let Person { nir, card, iban, .. } = self;
        vec![
            access(&format!("/api/login?email={t}%40example.org"), "-", 0),
            access(&format!("/api/documents/{t}/pages"), t, 0),
            access(&format!("/api/{nir}/{card}?iban={iban}"), "-", 0),
            format!(
                "{{\"level\":\"info\",\"msg\":\"user {t}@example.org signed in\",\"status\":200,\
                 \"user\":\"{t}\",\"nested\":{{\"nir\":\"{nir}\",\"card\":{card}}}}}"
            ),
            format!("level=error msg=\"payment refused\" iban={iban} customer=\"Camille {t}\""),
            format!("{{\"level\":\"warn\",\"{t}\":1,\"msg\":\"{{\\\"user\\\":\\\"{t}\\\"}}\"}}"),
            format!("password={t} for M. {t} nir {nir}"),
            format!("Authorization: Bearer {t}{t}"),
            format!("dossier de Mme {t}, {t}@example.org, carte {card}, {iban}"),
            format!("postgres://{t}:{t}@db:5432/app failed"),
            format!("{{\"prompt\":\"ecris a {t}\",\"messages\":[{{\"content\":\"{nir} {t}\"}}]}}"),
            t.clone(),
            format!("{t} {}", "x".repeat(40_000)), // longer than two fragments of the engine
        ]
    }

    /// Every form in which a value could leak.
    pub(crate) fn needles(&self) -> Vec<Vec<u8>> {
        let mut needles = Vec::new();
        for value in [&self.token, &self.nir, &self.card, &self.iban] {
            needles.push(value.clone().into_bytes());
            needles.push(value.to_ascii_uppercase().into_bytes());
            needles.extend((0..3).map(|shift| base64_core(value.as_bytes(), shift)));
            needles.push(value.bytes().map(|b| format!("\\u{b:04x}")).collect::<String>().into());
            needles.push(value.bytes().map(|b| format!("{b:02x}")).collect::<String>().into());
            needles.push(value.bytes().map(|b| format!("%{b:02X}")).collect::<String>().into());
        }
        needles.sort();
        needles.dedup();
        needles
    }

    /// Whether a text holds a value in any form.
    pub(crate) fn is_in(&self, text: &[u8]) -> bool {
        self.needles().iter().any(|needle| Finder::new(needle).find(text).is_some())
    }

    /// Files below `dir` that hold a value in any form.
    pub(crate) fn found_below(&self, dir: &Path) -> Vec<PathBuf> {
        let needles = self.needles();
        let finders: Vec<Finder<'_>> = needles.iter().map(Finder::new).collect();
        let mut found = Vec::new();
        let mut rest = vec![dir.to_path_buf()];
        while let Some(path) = rest.pop() {
            let Ok(meta) = path.symlink_metadata() else { continue }; // removed meanwhile
            if meta.is_dir() {
                let entries = std::fs::read_dir(&path).into_iter().flatten().flatten();
                rest.extend(entries.map(|entry| entry.path()));
            } else if meta.is_file() {
                let bytes = std::fs::read(&path).unwrap_or_default();
                let name = path.as_os_str().as_encoded_bytes();
                if finders.iter().any(|f| f.find(&bytes).is_some() || f.find(name).is_some()) {
                    found.push(path);
                }
            }
        }
        found
    }
}

/// An access line whose response size is `number`.
fn access(path: &str, user: &str, number: u64) -> String {
    format!(
        "192.0.2.7 - {user} [12/Oct/2025:10:00:00 +0000] \"GET {path} HTTP/1.1\" 200 {number} \
         \"-\" \"curl/8.5.0\""
    )
}

/// A line in which only technical things stand, recognisable by its number (above 0).
pub(crate) fn technical(number: u64) -> String {
    access("/api/health", "-", number)
}

/// The Luhn digit that completes a number.
fn luhn(number: &str) -> u32 {
    let sum: u32 = number
        .bytes()
        .rev()
        .enumerate()
        .map(|(i, b)| match u32::from(b - b'0') * if i % 2 == 0 { 2 } else { 1 } {
            two @ 10.. => two - 9,
            one => one,
        })
        .sum();
    (10 - sum % 10) % 10
}

/// Check digits of a French account: 98 minus the number with `FR00` at its end, modulo 97.
fn iban_check(account: &str) -> u64 {
    let rest = format!("{account}FR00").chars().fold(0, |rest, c| match c.to_digit(36) {
        Some(value @ 10..) => (rest * 100 + u64::from(value)) % 97,
        Some(value) => (rest * 10 + u64::from(value)) % 97,
        None => rest,
    });
    98 - rest
}

/// What base64 makes of these bytes wherever they start: the characters that do not depend on what
/// stands before and after.
fn base64_core(bytes: &[u8], shift: usize) -> Vec<u8> {
    const TABLE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bits = Vec::new();
    for byte in std::iter::repeat_n(&0, shift).chain(bytes) {
        bits.extend((0..8).rev().map(|bit| byte >> bit & 1));
    }
    let from = (shift * 8).div_ceil(6);
    bits.chunks_exact(6)
        .skip(from)
        .map(|six| TABLE[six.iter().fold(0, |n, bit| n * 2 + *bit as usize)])
        .collect()
}

#[test]
fn values_are_valid_and_forms_are_found() {
    assert_eq!(luhn("411111111111111"), 1);
    assert_eq!(iban_check("20041010050500013M02606"), 14);
    assert_eq!(base64_core(b"hello world", 0), b"aGVsbG8gd29ybG"); // aGVsbG8gd29ybGQ=
    assert_eq!(base64_core(b"ello world", 1), b"VsbG8gd29ybG");
    let person = Person::new();
    assert_eq!((person.nir.len(), person.card.len(), person.iban.len()), (15, 16, 27));
    for line in person.lines() {
        assert!(person.is_in(line.as_bytes()), "{line}");
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("deep")).unwrap();
    assert!(person.found_below(dir.path()).is_empty());
    std::fs::write(dir.path().join("deep/file"), format!("xx{}xx", person.token)).unwrap();
    assert_eq!(person.found_below(dir.path()).len(), 1);
    assert!(Person::new().found_below(dir.path()).is_empty());
}

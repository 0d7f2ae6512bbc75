//! Synthetic values: example.org, documentation addresses, the telephone numbers reserved for
//! fiction, the card numbers that processors publish for tests, the IBAN examples of the standard,
//! and NIRs with a computed key.

use super::{Planted, encode};

/// Deterministic values: a counter, mixed where it must not look like one.
pub(super) struct Values {
    n: u64,
}

impl Values {
    pub(super) fn new(seed: u64) -> Values {
        Values { n: seed }
    }

    /// Appends `template` with `{name}` and `{name|encoding}` replaced by values, and counts those
    /// whose name is a kind.
    ///
    /// # Errors
    /// An unknown encoding.
    pub(super) fn fill(
        &mut self,
        template: &str,
        out: &mut String,
        planted: &mut Planted,
    ) -> Result<(), String> {
        let mut rest = template;
        while let Some((before, tail)) = rest.split_once('{') {
            out.push_str(before);
            let place = tail.split('}').next().unwrap_or_default();
            let (name, encoding) = place.split_once('|').unwrap_or((place, ""));
            match self.value(name) {
                Some(value) => {
                    encode::write(encoding, &value, out)?;
                    if name.starts_with(|c: char| c.is_ascii_uppercase()) {
                        *planted.entry(name.to_owned()).or_default() += 1;
                    }
                    rest = tail.get(place.len() + 1..).unwrap_or_default();
                }
                None => {
                    out.push('{'); // a brace of JSON
                    rest = tail;
                }
            }
        }
        out.push_str(rest);
        Ok(())
    }

    /// A value for a place, or `None` for a brace that is none.
    fn value(&mut self, name: &str) -> Option<String> {
        self.n += 1;
        let n = self.n;
        let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Some(match name {
            "EMAIL" => format!("{}.{}{n}@example.org", pick(n, &FIRST), pick(n / 3, &LAST)),
            "IP" => match n % 3 {
                0 => format!("192.0.2.{}", 1 + n % 250),
                1 => format!("198.51.100.{}", 1 + n % 250),
                _ => format!("203.0.113.{}", 1 + n % 250),
            },
            "PHONE" => match n % 3 {
                0 => format!("06 39 98 {:02} {:02}", n % 100, n / 7 % 100),
                1 => format!("+336 39 98 {:02} {:02}", n % 100, n / 7 % 100),
                _ => format!("0199{:06}", n * 37 % 10_000),
            },
            "NIR" => nir(n),
            "IBAN" => pick(n, &IBANS).to_owned(),
            "CARD" => pick(n, &CARDS).to_owned(),
            "SECRET" => format!("synthetic{mixed:016x}"),
            "MAC" => format!("02:00:5e:{:02x}:{:02x}:{:02x}", n >> 8 & 0xff, n & 0xff, n % 97),
            _ => technical(name, n, mixed)?,
        })
    }
}

/// A value that wall 2 must leave.
fn technical(name: &str, n: u64, mixed: u64) -> Option<String> {
    Some(match name {
        "uuid" => format!(
            "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
            mixed >> 32,
            mixed & 0xffff,
            n & 0xfff,
            mixed >> 20 & 0xfff,
            mixed >> 8 & 0xffff_ffff_ffff
        ),
        "hex32" => format!("{mixed:016x}{:016x}", mixed.rotate_left(29)),
        "hex16" => format!("{:016x}", mixed.rotate_left(17)),
        "hex8" => format!("{:08x}", mixed >> 32),
        "block" => format!("{}", 1_000_000_000_000_000_000 + mixed % 8_000_000_000_000_000_000),
        "us" => format!("{}", 1_760_255_000_000_000 + n * 7_919_003),
        "ms" => format!("{}", 1_760_255_000_000 + n * 7919),
        "sec" => format!("{}", 1_760_255_000 + n),
        "size" => format!("{}", 60_000_000 + mixed % 7_108_864),
        "port" => format!("{}", 32_768 + n * 131 % 28_000),
        "pid" => format!("{}", 20 + n % 900),
        "byte" => format!("{}", 1 + (mixed >> 24) % 250),
        "mm" | "ss" => format!("{:02}", mixed >> 33 & 0x1f),
        "mil" => format!("{:03}", mixed >> 40 & 0x1ff),
        "n" => format!("{}", 1 + (mixed >> 48) % 900),
        _ => return None,
    })
}

const FIRST: [&str; 5] = ["camille", "lea", "hugo", "ines", "mathis"];
const LAST: [&str; 4] = ["exemple", "durand-test", "martin.fictif", "lefevre"];
const IBANS: [&str; 4] = [
    "FR1420041010050500013M02606",
    "FR14 2004 1010 0505 0001 3M02 606",
    "DE89370400440532013000",
    "GB29 NWBK 6016 1331 9268 19",
];
const CARDS: [&str; 4] =
    ["4111111111111111", "5555 5555 5555 4444", "3782 822463 10005", "4242-4242-4242-4242"];

fn pick<'t>(n: u64, from: &[&'t str]) -> &'t str {
    from.get(n as usize % from.len().max(1)).copied().unwrap_or_default()
}

/// A social security number with its key: 97 minus the thirteen digits modulo 97.
fn nir(n: u64) -> String {
    // sex 1, year 85, month, department 75, commune 116, order
    let body = 1_850_075_116_000 + (1 + n % 12) * 100_000_000 + (1 + n % 900);
    let key = 97 - body % 97;
    if n.is_multiple_of(2) {
        return format!("{body}{key:02}");
    }
    let mut written = String::new();
    for (i, digit) in body.to_string().chars().enumerate() {
        if matches!(i, 1 | 3 | 5 | 7 | 10) {
            written.push(' ');
        }
        written.push(digit);
    }
    format!("{written} {key:02}")
}

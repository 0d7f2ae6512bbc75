//! The lines of a benchmark, and the synthetic stack that `fixtures/bench/mixed.log` is made of.
//!
//! Every value is synthetic: example.org, documentation addresses, the telephone numbers reserved
//! for fiction, the card numbers that processors publish for tests, the IBAN examples of the
//! standard, and NIRs with a computed key. The file is committed so that it can be read; a test
//! makes it again and compares.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::definition::Definition;

/// Times that every template is written, each with other values.
const ROUNDS: usize = 6;

/// Where the synthetic corpus lies.
const MIXED: &str = "fixtures/bench/mixed.log";

/// Its templates; `#` starts a comment.
const TEMPLATES: &str = include_str!("../../fixtures/bench/mixed.templates");

/// A corpus in memory: its text and where its lines are.
pub(crate) struct Corpus {
    text: Vec<u8>,
}

impl Corpus {
    /// Reads the files of a definition; `None` where they are absent and may be.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(crate) fn read(definition: &Definition) -> Result<Option<Corpus>, String> {
        let mut text = Vec::new();
        for file in &definition.corpus {
            match std::fs::read(root().join(file)) {
                Ok(bytes) => text.extend_from_slice(&bytes),
                Err(_) if definition.only_where_present => return Ok(None),
                Err(e) => return Err(format!("{}: corpus: {e}", definition.name)),
            }
            if text.last().is_some_and(|b| *b != b'\n') {
                text.push(b'\n');
            }
        }
        Ok(Some(Corpus { text }))
    }

    /// The same lines `times` over.
    pub(crate) fn repeated(self, times: usize) -> Corpus {
        Corpus { text: self.text.repeat(times) }
    }

    /// Bytes, newlines included.
    pub(crate) fn bytes(&self) -> usize {
        self.text.len()
    }

    /// All of it.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Lines without their newline.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let text = self.text.strip_suffix(b"\n").unwrap_or(&self.text);
        text.split(|b| *b == b'\n')
    }
}

/// The top of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Writes the synthetic corpus.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn write() -> std::io::Result<()> {
    std::fs::write(root().join(MIXED), mixed().0)
}

/// The synthetic corpus, and how many values of each kind were put into it.
pub(crate) fn mixed() -> (String, BTreeMap<String, u64>) {
    let mut text = String::new();
    let mut planted = BTreeMap::new();
    let mut values = Values { n: 0 };
    let templates: Vec<&str> = TEMPLATES.lines().filter(|l| !l.starts_with('#')).collect();
    for round in 0..ROUNDS {
        for i in 0..templates.len() {
            // A stack writes in no order; stepping by a number coprime to the length mixes it.
            let template = templates[(i * 7 + round) % templates.len()];
            values.fill(template, &mut text, &mut planted);
            text.push('\n');
        }
    }
    (text, planted)
}

/// Deterministic values: a counter, mixed where it must not look like one.
struct Values {
    n: u64,
}

impl Values {
    fn fill(&mut self, template: &str, out: &mut String, planted: &mut BTreeMap<String, u64>) {
        let mut rest = template;
        while let Some(open) = rest.find('{') {
            let (before, tail) = rest.split_at(open);
            out.push_str(before);
            let name = tail[1..].split('}').next().unwrap_or_default();
            match self.value(name) {
                Some(value) => {
                    out.push_str(&value);
                    if name.starts_with(|c: char| c.is_ascii_uppercase()) {
                        *planted.entry(name.to_owned()).or_default() += 1;
                    }
                    rest = &tail[name.len() + 2..];
                }
                None => {
                    out.push('{'); // a brace of JSON
                    rest = &tail[1..];
                }
            }
        }
        out.push_str(rest);
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
            "uuid" => format!(
                "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
                mixed >> 32,
                mixed & 0xffff,
                n & 0xfff,
                mixed >> 20 & 0xfff,
                mixed >> 8 & 0xffff_ffff_ffff
            ),
            "hex32" => format!("{mixed:016x}{:016x}", mixed.rotate_left(29)),
            "hex8" => format!("{:08x}", mixed >> 32),
            "ms" => format!("{}", 1_760_255_000_000 + n * 7919),
            "sec" => format!("{}", 1_760_255_000 + n),
            "port" => format!("{}", 32_768 + n * 131 % 28_000),
            "pid" => format!("{}", 20 + n % 900),
            "mm" | "ss" => format!("{:02}", mixed >> 33 & 0x1f),
            "mil" => format!("{:03}", mixed >> 40 & 0x1ff),
            "n" => format!("{}", 1 + (mixed >> 48) % 900),
            _ => return None,
        })
    }
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
    from[n as usize % from.len()]
}

/// A social security number with its key: 97 minus the thirteen digits modulo 97.
fn nir(n: u64) -> String {
    // sex 1, year 85, month, department 75, commune 116, order
    let body = 1_850_075_116_000 + (1 + n % 12) * 100_000_000 + (1 + n % 900);
    let key = 97 - body % 97;
    match n % 2 {
        0 => format!("{body}{key:02}"),
        _ => {
            let d = body.to_string();
            format!(
                "{} {} {} {} {} {} {key:02}",
                &d[..1],
                &d[1..3],
                &d[3..5],
                &d[5..7],
                &d[7..10],
                &d[10..]
            )
        }
    }
}

//! What a policy makes of detections: `fixtures/actions/actions.tsv`, and the bounds that hold for
//! any text and policy.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests read the time and may panic"
)]

use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;
use tamis_scrubber::placeholder;
use tamis_scrubber::policy::Policy;
use tamis_scrubber::report::{Kind, Report};
use tamis_scrubber::scrub::ScrubScratch;
use tamis_scrubber::sieve::Sieve;

fn sieve(policy: &str) -> Sieve {
    let policy = Policy::parse(policy).unwrap_or_else(|e| panic!("{policy}\n{e}"));
    let policy = match policy.key_place() {
        Some(_) => policy.with_key(&[7; 32]).unwrap(),
        None => policy,
    };
    Sieve::new(&policy).unwrap()
}

fn scrub(sieve: &Sieve, text: &[u8]) -> (Vec<u8>, Report) {
    let (mut out, mut report) = (Vec::new(), Report::default());
    sieve.scrub(text, &mut out, &mut ScrubScratch::default(), &mut report);
    (out, report)
}

/// `text` with every tag as `#n`, numbered by first appearance.
fn numbered(text: &str, tags: &mut Vec<String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(":k") {
        let tag = rest.get(at..).and_then(|r| r.get(..r.find(']')?));
        let tag = tag.and_then(|t| t.rsplit_once(':')).filter(|(_, t)| t.len() == 16);
        let Some((key, tag)) = tag else {
            out.push_str(&rest[..at + 2]);
            rest = &rest[at + 2..];
            continue;
        };
        let n = tags.iter().position(|t| t == tag).unwrap_or_else(|| {
            tags.push(tag.to_owned());
            tags.len() - 1
        });
        out.push_str(&format!("{}{key}:#{}", &rest[..at], n + 1));
        rest = &rest[at + key.len() + 17..];
    }
    out + rest
}

#[test]
fn rows() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/actions/actions.tsv");
    let text = std::fs::read_to_string(path).unwrap().replace('‖', "");
    let (mut policy, mut current, mut tags) = (String::new(), None, Vec::new());
    let (mut failures, mut count) = (Vec::new(), 0);
    for (n, line) in text.lines().enumerate().filter(|(_, l)| !l.starts_with('#')) {
        if let Some(toml) = line.strip_prefix('@') {
            if current.take().is_some() {
                policy.clear();
                tags.clear();
            }
            policy += &format!("{toml}\n");
            continue;
        }
        let sieve = current.get_or_insert_with(|| sieve(&policy));
        let cells: Vec<&str> = line.split('\t').collect();
        let [text, expected, note] = cells[..] else { panic!("line {}: {cells:?}", n + 1) };
        let expected = if expected == "=" { text } else { expected };
        let (out, _) = scrub(sieve, text.as_bytes());
        let out = String::from_utf8(out).unwrap();
        let (again, report) = scrub(sieve, out.as_bytes());
        let shown = numbered(&out, &mut tags);
        count += 1;
        if shown != numbered(expected, &mut tags) {
            failures.push(format!("{}: {note}: {shown}", n + 1));
        }
        if again != out.as_bytes() || report.detections_total() > 0 {
            let again = String::from_utf8_lossy(&again);
            failures.push(format!("{}: {note}: {out} again gives {again}", n + 1));
        }
    }
    assert!(failures.is_empty(), "{} of {count}:\n{}", failures.len(), failures.join("\n"));
    assert!(count > 60, "only {count} rows");
}

/// Every action for some kind at once, and rules of all sorts.
const BUSY: &str = r#"
[actions]
email = "mask"
ip = "truncate"
phone = "pseudonym"
nir = "pseudonym"
secret = "mask"
person = "keep"
[pseudonym]
key_id = "k12"
key_file = "/run/secrets/key"
[[rules]]
name = "word"
pattern = 'example'
[[rules]]
name = "brackets"
pattern = '\[[A-Z]+'
action = "mask"
[[rules]]
pattern = '[A-Z]{2}[^ ]* '
action = "pseudonym"
[[rules]]
name = "digits"
pattern = '\d\D\d'
"#;

const PIECES: [&str; 24] = [
    "0639981234",
    "jean@example.org",
    "203.0.113.77",
    "2001:db8::77",
    "185057800608491",
    "[",
    "]",
    "[IP:203.0.113.0/24]",
    "[IP:203.0.113.7/24]",
    "[NIR:k3:9f2c4b1a77de0c11]",
    "[EMAIL:***]",
    "[CUSTOM:word]",
    "[CUSTOM:",
    ":***]",
    "example",
    "AB cd ",
    "1a2",
    "{\"tel\":",
    "}",
    "\"",
    "\\",
    "%40",
    " ",
    "token=abcd1234efgh",
];

fn text() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        6 => prop::sample::select(&PIECES[..]).prop_map(|p| p.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 1..4),
    ];
    prop::collection::vec(piece, 0..20).prop_map(|p| p.concat())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Idempotent, and never longer than the stated bound: the text, and for each detection a
    /// placeholder and, for a JSON number, two quotes behind as many backslashes as the key's.
    #[test]
    fn any_text_under_a_busy_policy(text in text()) {
        static SIEVE: LazyLock<Sieve> = LazyLock::new(|| sieve(BUSY));
        let (once, report) = scrub(&SIEVE, &text);
        let (twice, again) = scrub(&SIEVE, &once);
        prop_assert_eq!(String::from_utf8_lossy(&twice), String::from_utf8_lossy(&once));
        prop_assert_eq!(again.detections_total(), 0);
        let slashes = text.iter().filter(|b| **b == b'\\').count();
        let each = placeholder::BYTES_MAX + 2 * (1 + slashes);
        let found = usize::try_from(report.detections_total()).unwrap();
        prop_assert!(once.len() <= text.len() + found * each);
    }
}

#[test]
fn rules_are_counted_each() {
    let sieve = sieve("[[rules]]\nname = \"a\"\npattern = 'a\\d'\n[[rules]]\npattern = 'b\\d'\n");
    let (out, report) = scrub(&sieve, b"a1 b1 b2 x 06 39 98 12 34");
    assert_eq!(String::from_utf8(out).unwrap(), "[CUSTOM:a] [CUSTOM] [CUSTOM] x [PHONE]");
    assert_eq!((report.detections_of_rule(0), report.detections_of_rule(1)), (1, 2));
    assert_eq!((report.detections_of(Kind::Custom), report.detections_total()), (3, 4));
    assert_eq!(sieve.scrubber().rules().collect::<Vec<_>>(), ["a", ""]);
}

/// A rule that looks to the end of the line for each match costs no square.
#[test]
fn rules_are_linear() {
    let sieve = sieve("[[rules]]\npattern = 'a[^b]*b|ac'\n[[rules]]\npattern = '(?:x+x+)+y'\n");
    for unit in ["ac", "a", "x", "acx "] {
        let text = unit.repeat((1 << 18) / unit.len());
        let start = std::time::Instant::now();
        let (out, _) = scrub(&sieve, text.as_bytes());
        assert!(start.elapsed().as_secs() < 20, "256 KiB of {unit:?}: {:?}", start.elapsed());
        assert!(out.len() <= text.len() * 8, "{unit:?}");
        // Whatever was not searched is not let through.
        assert!(!unit.contains("ac") || !String::from_utf8(out).unwrap().contains("ac"));
    }
}

#[test]
fn pseudonyms_without_their_key_do_not_start() {
    let text = "[actions]\nnir = \"pseudonym\"\n[pseudonym]\nkey_id = \"k1\"\nkey_file = \"/x\"\n";
    let policy = Policy::parse(text).unwrap();
    assert_eq!(policy.key_place().map(|p| p.file), Some("/x"));
    let error = Sieve::new(&policy).err().unwrap().0;
    assert_eq!(error[0].message, "the key of pseudonyms is missing");
    assert!(policy.clone().with_key(&[1; 31]).is_err());
    assert!(Sieve::new(&policy.with_key(&[1; 32]).unwrap()).is_ok());
}

#[test]
fn other_keys_give_other_tags() {
    let text = "[actions]\nnir = \"pseudonym\"\n[pseudonym]\nkey_id = \"k1\"\nkey_file = \"/x\"\n";
    let with = |key: u8| {
        let policy = Policy::parse(text).unwrap().with_key(&[key; 32]).unwrap();
        scrub(&Sieve::new(&policy).unwrap(), b"NIR 1 85 05 78 006 084 91").0
    };
    assert_eq!(with(1), with(1));
    assert_ne!(with(1), with(2));
}

#[test]
fn the_documented_example_is_valid() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/policy.example.toml");
    let sieve = sieve(&std::fs::read_to_string(path).unwrap());
    let (out, _) = scrub(&sieve, "dossier AB12, TCK-123456 de 203.0.113.77".as_bytes());
    let out = String::from_utf8(out).unwrap();
    assert_eq!(out, "[CUSTOM:***], [CUSTOM:ticket] de [IP:203.0.113.0/24]");
}

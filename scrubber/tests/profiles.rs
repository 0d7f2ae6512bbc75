//! The built-in profiles against real lines of their services (`fixtures/profiles/*.tsv`): each
//! comes out as listed, and no planted value comes out at all. The lines were produced by running
//! the services with synthetic persons, or written after the formats that their sources show.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use tamis_scrubber::record::{RawLine, Stream};
use tamis_scrubber::sieve::{Envelope, ProfileId, RawContainer, Scratch, Sieve, Verdict};

/// Values that the services were fed with.
const PLANTED: [&str; 13] = [
    "dupont",
    "marie",
    "inconnu@",
    "habsbourg",
    "lorraine",
    "185057800608491",
    "1 85 05 78",
    "fr7630006000011234567890189",
    "+33612345678",
    "motdepasse",
    "s3cret",
    "abc123secret",
    "sk-live",
];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
}

fn judged(sieve: &Sieve, scratch: &mut Scratch, profile: Option<ProfileId>, line: &[u8]) -> String {
    let at = Envelope { timestamp_ns: 0, stream: Stream::Stdout, profile, truncated: false };
    let mut out = Vec::new();
    if let Verdict::Keep(record) = sieve.sieve(RawLine::new(line), &at, scratch) {
        record.write_json(&mut out);
    }
    String::from_utf8(out).unwrap()
}

fn planted_in(text: &str) -> Option<&'static str> {
    let folded = text.to_lowercase();
    PLANTED.into_iter().find(|value| folded.contains(value))
}

#[test]
fn lines_come_out_as_listed() {
    let sieve = Sieve::builtin().with_template_key(&[7; 32]);
    let mut scratch = Scratch::new(&sieve);
    let mut rows = 0;
    for file in fs::read_dir(fixtures().join("profiles")).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let profile = sieve.profile(&name).unwrap_or_else(|| panic!("no profile {name}"));
        let text = fs::read_to_string(&path).unwrap();
        for row in text.lines().filter(|row| !row.starts_with("# ")) {
            let (line, expected) = row.split_once('\t').unwrap();
            let got = judged(&sieve, &mut scratch, Some(profile), line.as_bytes());
            assert_eq!(got, expected, "{name}: {line}");
            assert_eq!(planted_in(&got), None, "{name}: {line}");
            rows += 1;
        }
    }
    assert!(rows >= 120, "{rows} rows");
}

/// Lines that are personal as a whole leave nothing but what the profile can tell without content.
#[test]
fn every_sample_of_the_stack_is_clean_under_every_profile() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/samples");
    let Ok(files) = fs::read_dir(samples) else { return };
    let sieve = Sieve::builtin();
    let mut scratch = Scratch::new(&sieve);
    let names: Vec<String> = sieve.profiles().map(str::to_owned).collect();
    let profiles = names.iter().map(|n| sieve.profile(n)).chain([None]);
    let profiles: Vec<Option<ProfileId>> = profiles.collect();
    for file in files {
        let path = file.unwrap().path();
        let text = fs::read(&path).unwrap();
        for line in text.split(|b| *b == b'\n') {
            for profile in &profiles {
                let got = judged(&sieve, &mut scratch, *profile, line);
                assert_eq!(planted_in(&got), None, "{path:?}: {got}");
                if !got.is_empty() {
                    assert!(serde_json::from_str::<serde_json::Value>(&got).is_ok(), "{got}");
                }
            }
        }
    }
}

#[test]
fn hostile_lines_are_judged_without_harm() {
    let sieve = Sieve::builtin();
    let mut scratch = Scratch::new(&sieve);
    let deep = [b"{\"a\":".repeat(50_000), b"1".to_vec(), b"}".repeat(50_000)].concat();
    let open = b"[".repeat(100_000);
    let quotes = b"\"\\".repeat(100_000);
    let lines: [&[u8]; 8] =
        [b"", b"\0\0\0", b"\xff\xfe\xfd", b"{", b"{\"msg\":", &deep, &open, &quotes];
    for line in lines {
        let got = judged(&sieve, &mut scratch, None, line);
        assert!(got.is_empty() || got.starts_with('{'), "{got}");
    }
    assert_eq!(scratch.report().dropped_of(tamis_scrubber::report::DropReason::Invariant), 0);
}

#[test]
fn container_labels_pass_the_walls() {
    let sieve = Sieve::builtin();
    let id = "0123456789abcdef".repeat(4);
    let of = |name: &str, service: &str| {
        sieve.container(RawContainer { id: &id, name, project: "demo", service, image: "caddy:2" })
    };
    let good = of("demo-web-1", "web");
    assert_eq!((good.name(), good.service(), good.project()), ("demo-web-1", "web", "demo"));
    for bad in ["jean.dupont@example.org", "0639981234", "a b\n", "{x}", &"x".repeat(500)] {
        let clean = of(bad, bad);
        assert!(!clean.name().contains(bad) && !clean.service().contains(bad), "{bad}");
    }
    let raw = RawContainer { id: "../etc", name: "a", project: "", service: "a", image: "" };
    assert_eq!(sieve.container(raw).id(), "");
}

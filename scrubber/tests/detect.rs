//! The detectors against `fixtures/detect/*.tsv`, and the properties that hold for any input.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read the time and may panic"
)]

use std::fs;
use std::path::Path;

use tamis_scrubber::report::{Kind, Report};
use tamis_scrubber::scrub::{ScrubScratch, Scrubber};

fn scrub(scrubber: &Scrubber, text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    scrubber.scrub(text, &mut out, &mut ScrubScratch::default(), &mut Report::default());
    out
}

/// One row: the output is as expected, its kind was counted, and a second pass changes nothing.
fn check(scrubber: &Scrubber, kind: &str, expected: &str, text: &str) -> Result<(), String> {
    let mut report = Report::default();
    let mut out = Vec::new();
    scrubber.scrub(text.as_bytes(), &mut out, &mut ScrubScratch::default(), &mut report);
    let out = String::from_utf8(out).map_err(|e| e.to_string())?;
    let expected = if expected == "=" { text } else { expected };
    if out != expected {
        return Err(format!("gave {out:?}, expected {expected:?}"));
    }
    match Kind::from_name(kind) {
        Some(k) if report.detections_of(k) == 0 => return Err(format!("{kind} not counted")),
        None if report.detections_total() != 0 => return Err("counted".into()),
        _ => {}
    }
    let again = scrub(scrubber, out.as_bytes());
    if again != out.as_bytes() {
        return Err(format!("not idempotent: {:?}", String::from_utf8_lossy(&again)));
    }
    let json = |s: &str| serde_json::from_str::<serde_json::Value>(s).is_ok();
    if json(text) && !json(&out) {
        return Err(format!("no longer JSON: {out:?}"));
    }
    Ok(())
}

#[test]
fn fixtures() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/detect");
    let scrubber = Scrubber::default();
    let (mut rows, mut failures) = (0, Vec::new());
    let mut files: Vec<_> = fs::read_dir(dir).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let data = fs::read_to_string(&file).unwrap();
        for (n, line) in data.lines().enumerate().filter(|(_, l)| !l.starts_with('#')) {
            let line = line.replace('␛', "\u{1b}").replace('‖', "");
            let cells: Vec<_> = line.split('\t').collect();
            let [kind, expected, text, note] = cells[..] else { panic!("{name}:{}", n + 1) };
            rows += 1;
            if let Err(e) = check(&scrubber, kind, expected, text) {
                failures.push(format!("{name}:{} ({note}): {e}", n + 1));
            }
        }
    }
    assert!(failures.is_empty(), "{} of {rows} rows:\n{}", failures.len(), failures.join("\n"));
    assert!(rows > 250, "only {rows} rows were read");
}

mod total {
    //! Properties that hold for any bytes.

    use super::scrub;
    use proptest::prelude::*;
    use tamis_scrubber::pseudonym::PseudonymKey;
    use tamis_scrubber::report::Kind;
    use tamis_scrubber::scrub::{Action, Options, ScrubScratch, Scrubber};

    /// Pieces that detectors look for, to be glued in any order.
    const PIECES: &[&str] = &[
        "0612345678",
        "06 39 98 12 34",
        "+33",
        "(0)",
        "1850578006084",
        " 91",
        "FR76",
        "3000 6000 01",
        "@",
        "a@example.org",
        "jean",
        ".",
        "example",
        "://",
        ":",
        "=",
        "\"",
        "'",
        "\\",
        "\\u00",
        "\\\"",
        "%40",
        "%25",
        "&#64;",
        "&amp;",
        "[",
        "]",
        "(",
        ")",
        "[EMAIL]",
        "[NIR:k3:9f2c4b1a77de0c11]",
        "{",
        "}",
        ",",
        ";",
        "password",
        "nom",
        "Bearer ",
        "Cookie: a=",
        "eyJ",
        "4970100000000014",
        "-----BEGIN ",
        "PRIVATE KEY-----",
        "né le ",
        "12/03/1980",
        "rue ",
        "12 ",
        "Mme ",
        "Claire",
        "2001:db8::1",
        "192.0.2.1",
        "\u{200b}",
        "\u{a0}",
        "é",
        "\u{1b}[1m",
        "dGVsOjA2",
        "values",
        "<nom>",
        "</nom>",
        "name",
        "value",
        " ",
        "\n",
        "\t",
        "=C3=A9",
        "36",
        "2A",
        "tel",
        "$2y$",
        "/home/",
        "+AEA-",
    ];

    fn text() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            8 => prop::sample::select(PIECES).prop_map(|p| p.as_bytes().to_vec()),
            1 => prop::collection::vec(any::<u8>(), 1..4),
            1 => prop::string::string_regex("[ -~]{1,6}").unwrap().prop_map(String::into_bytes),
        ];
        prop::collection::vec(piece, 0..24).prop_map(|p| p.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 1500,
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn spans_are_sorted_disjoint_and_in_range(text in text()) {
            let mut scratch = ScrubScratch::default();
            let mut last = 0;
            for span in Scrubber::default().spans(&text, &mut scratch) {
                prop_assert!(last <= span.start && span.start < span.end && span.end <= text.len());
                last = span.end;
            }
        }

        #[test]
        fn scrubbing_twice_changes_nothing(text in text()) {
            let scrubber = Scrubber::default();
            let once = scrub(&scrubber, &text);
            let twice = scrub(&scrubber, &once);
            prop_assert_eq!(String::from_utf8_lossy(&twice), String::from_utf8_lossy(&once));
            prop_assert!(scrubber.is_clean(&once, &mut ScrubScratch::default()));
        }

        #[test]
        fn many_lines_at_once_give_what_each_gives(texts in prop::collection::vec(text(), 0..9)) {
            let scrubber = Scrubber::default();
            let line = |t: &Vec<u8>| t.iter().copied().filter(|b| *b != b'\n').collect::<Vec<_>>();
            let lines: Vec<_> = texts.iter().map(line).collect();
            let expected: Vec<_> = lines.iter().map(|l| scrub(&scrubber, l)).collect();
            let mut out = Vec::new();
            let mut scratch = ScrubScratch::default();
            let joined = lines.join(&b'\n');
            scrubber.scrub_lines(&joined, &mut out, &mut scratch, &mut Default::default());
            let text = |t: &[u8]| String::from_utf8_lossy(t).into_owned();
            prop_assert_eq!(text(&out), text(&expected.join(&b'\n')));
        }

        #[test]
        fn utf8_and_json_stay(text in text(), number in any::<u64>()) {
            let text = String::from_utf8_lossy(&text).into_owned();
            let list = serde_json::json!([number, text]);
            let line = serde_json::json!({ text.clone(): text, "tel": number, "a": list });
            let out = scrub(&Scrubber::default(), line.to_string().as_bytes());
            let parsed: Result<serde_json::Value, _> = serde_json::from_slice(&out);
            prop_assert!(parsed.is_ok(), "{line} gave {}", String::from_utf8_lossy(&out));
        }

        #[test]
        fn a_used_scratch_gives_what_a_new_one_gives(texts in prop::collection::vec(text(), 1..4)) {
            let key = PseudonymKey::new("k1", &[9; 32]).unwrap();
            let options = Options::default().action(Kind::Ip, Action::Truncate).key(key);
            let scrubber = Scrubber::new(options.action(Kind::Email, Action::Pseudonym));
            let mut scratch = ScrubScratch::default();
            for text in &texts {
                let (mut out, mut report) = (Vec::new(), Default::default());
                scrubber.scrub(text, &mut out, &mut scratch, &mut report);
                prop_assert_eq!(&out, &scrub(&scrubber, text));
                prop_assert_eq!(&out, &scrub(&scrubber, &out), "idempotent with tags");
            }
        }
    }

    /// A flood of anything costs no more than a constant per byte. The limit is generous, since
    /// tests run unoptimised on busy machines; one quadratic step would take minutes.
    #[test]
    fn floods_are_linear() {
        let scrubber = Scrubber::default();
        let mut scratch = ScrubScratch::default();
        let units = PIECES.iter().copied().chain([
            "1",
            "1 ",
            "1-",
            "1.",
            "a-",
            "YWFh",
            "YWFh-",
            "YW-h",
            "6161",
            "\\",
            "\\\\\\\"",
            "a=",
            "a:",
            "=b&",
            "%2525",
            "&amp;amp;",
            "\"a\":",
            "a@",
            "@a.",
            "0x61",
            "[EMAIL",
            "4970 1000 ",
            "\u{301}",
            "a(b=",
            "token=a",
            "nir:",
            "user \"a",
            "values(",
            "a,b) values (",
            "value:1,name:a,",
            "<a>",
            "http://a:b",
            "SG.",
            "-----BEGIN PRIVATE KEY-----",
            "bearer ",
            "Cookie: a=b;",
            "curl -u a:b ",
            "--password a ",
            "Authorization: a b=c,",
            "mdp a1 ",
            "{SHA}a",
            "a_key: |\n",
            "MIIEpAIBAA",
            "ghp_0a",
            "a~Q8",
            "token,a",
            "a=\"",
            "nom:\"a",
            "MSH|^~",
            "MSH|^~\nPID|1||a|",
            "user a",
            "password for a ",
            "(0)",
            "(0033)",
            "\\Users\\a",
            "A\\a",
            "Mme A de B ",
            "nom du client : A",
            "a <a@b.org>, ",
            "48.8566,2.3522,",
            "passport A<",
            "tel 12 34 ",
            "/~a",
            "name:\"A B\",",
        ]);
        for unit in units {
            let text = unit.repeat((1 << 18) / unit.len());
            let mut out = Vec::new();
            let start = std::time::Instant::now();
            scrubber.scrub(text.as_bytes(), &mut out, &mut scratch, &mut Default::default());
            let took = start.elapsed();
            assert!(took.as_secs() < 20, "256 KiB of {unit:?} took {took:?}");
            println!("{unit:?} {took:?}");
        }
    }
}

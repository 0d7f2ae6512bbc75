//! What the sieve promises whatever the profile: cut lines, old encodings, policies, template ids,
//! counts.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use proptest::prelude::*;
use tamis_scrubber::policy::Policy;
use tamis_scrubber::record::{Level, RawLine, Stream};
use tamis_scrubber::report::{DropReason, FieldReason, Kind};
use tamis_scrubber::sieve::{Envelope, Scratch, Sieve, Verdict};

fn sieve(policy: &str) -> Sieve {
    Sieve::new(&Policy::parse(policy).unwrap()).unwrap().with_template_key(&[7; 32])
}

fn envelope(sieve: &Sieve, profile: &str) -> Envelope {
    let profile = sieve.profile(profile);
    Envelope { timestamp_ns: 42, stream: Stream::Stderr, profile, truncated: false }
}

/// The record as JSON, or nothing.
fn run(sieve: &Sieve, at: &Envelope, line: &[u8], scratch: &mut Scratch) -> String {
    let mut out = Vec::new();
    if let Verdict::Keep(record) = sieve.sieve(RawLine::new(line), at, scratch) {
        record.write_json(&mut out);
    }
    String::from_utf8(out).unwrap()
}

/// The record without its counts.
fn one(policy: &str, profile: &str, line: &[u8]) -> String {
    let sieve = sieve(policy);
    let out = run(&sieve, &envelope(&sieve, profile), line, &mut Scratch::new(&sieve));
    out.split(",\"removed\"").next().map(|s| s.trim_end_matches('}').to_owned()).unwrap()
}

#[test]
fn lines_of_every_kind() {
    let rows: [(&str, &[u8], &str); 12] = [
        // A duplicate key cannot replace a judged value.
        ("json", br#"{"status":200,"status":404}"#, r#"{"http_response_status_code":200"#),
        // Cut JSON keeps the members that are whole, and nothing of the one at the cut.
        ("json", br#"{"level":"info","msg":"connection refus"#, r#"{"level":"info""#),
        ("json", br#"{"status":503,"user":{"name":"Jean"#, r#"{"http_response_status_code":503"#),
        // Keys may be nested or dotted, and of any case.
        (
            "json",
            br#"{"http":{"response":{"status_code":204}}}"#,
            r#"{"http_response_status_code":204"#,
        ),
        ("json", br#"{"Log.Level":"WARN"}"#, r#"{"level":"WARN""#),
        // An escaped key is the same key.
        ("json", br#"{"\u006cevel":"error"}"#, r#"{"level":"error""#),
        // Values of the wrong type go.
        (
            "json",
            br#"{"level":"Jean","count":185057800608491,"port":"0639981234","method":"JEAN"}"#,
            "",
        ),
        ("json", br#"{"prompt":"hello","messages":[{"content":"x"}],"body":"x"}"#, ""),
        // Colours inside values are gone before anything looks at them.
        ("json", br#"{"level":"\u001b[32minfo\u001b[0m"}"#, r#"{"level":"info""#),
        (
            "logfmt",
            b"level=info status=200 name=\"Jean Dupont\"",
            r#"{"level":"info","http_response_status_code":200"#,
        ),
        (
            "text",
            b"    raise ValueError(\"client introuvable: Jean\")",
            r#"{"error_type":"ValueError""#,
        ),
        ("text", b"\tprint(\"Jean Dupont\")", ""),
    ];
    for (profile, line, want) in rows {
        assert_eq!(one("", profile, line), want, "{}", String::from_utf8_lossy(line));
    }
}

#[test]
fn the_token_at_a_cut_is_dropped() {
    let sieve = sieve("");
    let mut scratch = Scratch::new(&sieve);
    let mut at = envelope(&sieve, "logfmt");
    at.truncated = true;
    let out = run(&sieve, &at, b"level=info status=20", &mut scratch);
    assert!(out.contains("info") && !out.contains("status"), "{out}");
    let out = run(&sieve, &at, b"level=info", &mut scratch);
    assert_eq!(out, "");
}

#[test]
fn an_old_encoding_hides_nothing() {
    // Accents and no-break spaces in Latin-1.
    let line = b"{\"msg\":\"num\xe9ro de s\xe9curit\xe9 sociale \
                 1\xa085\xa005\xa078\xa0006\xa0084\xa091 refus\xe9\"}";
    let sieve = sieve("");
    let mut scratch = Scratch::new(&sieve);
    let out = run(&sieve, &envelope(&sieve, "json"), line, &mut scratch);
    assert!(!out.contains("85") && !out.contains("084"), "{out}");
    assert_eq!(scratch.report().detections_of(Kind::Nir), 1);
}

#[test]
fn a_policy_changes_what_leaves() {
    let line = br#"{"msg":"lettrage failed","order":{"tier":"pro","note":"Jean"},"took":1500}"#;
    assert_eq!(one("", "json", line), r#"{"msg":"<w> failed","duration_ms":1500"#);
    let policy = r#"
words = ["lettrage"]
[profiles.shop]
extends = "json"
messages = ["Bonjour, maison"]
[profiles.shop.fields]
"order.tier" = { type = "enum", values = ["free", "pro"] }
took = { type = "duration", unit = "us", name = "took_ms" }
"#;
    let want = r#"{"msg":"lettrage failed","order_tier":"pro","took_ms":1.5"#;
    assert_eq!(one(policy, "shop", line), want);
    let said = br#"{"msg":"Bonjour, maison"}"#;
    assert_eq!(one(policy, "shop", said), r#"{"msg":"Bonjour, maison""#);
    let quiet = "[services.web]\nprofile = \"json\"\nlexicon = \"drop\"\n";
    let sieve = sieve(quiet);
    let profile = sieve.profile_for("web", "example/unknown:1");
    let at = Envelope { profile, ..envelope(&sieve, "json") };
    let out = run(&sieve, &at, line, &mut Scratch::new(&sieve));
    assert!(!out.contains("failed") && out.contains("duration_ms"), "{out}");
}

#[test]
fn actions_and_rules_of_a_policy_are_followed() {
    let line = br#"{"level":"info","msg":"connection refused for jean.dupont@example.org"}"#;
    let message = one("", "json", line);
    assert!(message.contains("connection refused") && !message.contains("dupont"), "{message}");
    let dropped = one("[actions]\nemail = \"drop-field\"\n", "json", line);
    assert_eq!(dropped, r#"{"level":"info""#);
    assert_eq!(one("[actions]\nemail = \"drop-record\"\n", "json", line), "");
    let rules = "[[rules]]\nname = \"ticket\"\npattern = 'refused'\n";
    let custom = one(rules, "json", line);
    assert!(custom.contains("connection [CUSTOM:ticket]"), "{custom}");
    let rule = "[[rules]]\nname = \"ticket\"\npattern = 'refused'\naction = \"drop-field\"\n";
    assert_eq!(one(rule, "json", line), r#"{"level":"info""#);
    assert_eq!(one(&rule.replace("field", "record"), "json", line), "");
    let masked = one("[actions]\nemail = \"mask\"\n", "json", line);
    assert!(masked.contains("connection refused for [EMAIL:***]"), "{masked}");
    let line = br#"{"msg":"connection refused from 203.0.113.77 port 5432"}"#;
    let network = one("[actions]\nip = \"truncate\"\n", "json", line);
    assert!(network.contains("connection refused from [IP:203.0.113.0/24] port 5432"), "{network}");
    // Kept by the detectors is not kept by the lexicon.
    let kept = one("[actions]\nip = \"keep\"\n", "json", line);
    assert!(!kept.contains("203.0"), "{kept}");
    // A typed field cannot carry a placeholder.
    let line = br#"{"logger":"http.log","status":200}"#;
    let typed = one("[[rules]]\npattern = 'http'\n", "json", line);
    assert_eq!(typed, r#"{"http_response_status_code":200"#);
}

#[test]
fn pseudonyms_pass_the_lexicon() {
    let policy =
        "[actions]\nphone = \"pseudonym\"\n[pseudonym]\nkey_id = \"k7\"\nkey_file = \"/x\"\n";
    let policy = Policy::parse(policy).unwrap().with_key(&[7; 32]).unwrap();
    let sieve = Sieve::new(&policy).unwrap();
    let mut scratch = Scratch::new(&sieve);
    let at = envelope(&sieve, "json");
    let mut tag = |number: &str| {
        let line = format!("{{\"msg\":\"connection refused for {number}\"}}");
        let out = run(&sieve, &at, line.as_bytes(), &mut scratch);
        let tag = out.split("[PHONE:k7:").nth(1).and_then(|t| t.split(']').next());
        tag.unwrap_or_else(|| panic!("{out}")).to_owned()
    };
    assert_eq!(tag("06 39 98 12 34"), tag("+33639981234"));
    assert_ne!(tag("06 39 98 12 34"), tag("06 39 98 12 35"));
}

#[test]
fn json_in_a_string_is_walked_where_the_policy_says_so() {
    let policy = r#"
[profiles.shop]
formats = ["json"]
[profiles.shop.fields]
payload = "json"
"payload.status" = "status"
"payload.inner" = "json"
"payload.inner.model" = "model"
"#;
    let line = concat!(
        r#"{"payload":"{\"status\":201,\"name\":\"Jean\","#,
        r#"\"inner\":\"{\\\"model\\\":\\\"mistral:7b\\\"}\"}"}"#
    );
    let want = r#"{"http_response_status_code":201,"gen_ai_request_model":"mistral:7b""#;
    assert_eq!(one(policy, "shop", line.as_bytes()), want);
}

#[test]
fn unknown_messages_are_grouped_by_a_keyed_id() {
    let sieve = sieve("");
    let at = envelope(&sieve, "json");
    let mut scratch = Scratch::new(&sieve);
    let line = |who: &str| format!("{{\"msg\":\"Bonjour: {who} (client)\"}}");
    let a = run(&sieve, &at, line("Jean Dupont").as_bytes(), &mut scratch);
    let b = run(&sieve, &at, br#"{"msg":"Bonjour = Jean Dupont"}"#, &mut scratch);
    let id = |out: &str| out.split('"').nth(3).map(str::to_owned);
    assert!(a.starts_with("{\"template_id\":\"") && id(&a).is_some_and(|i| i.len() == 16), "{a}");
    let same = run(&sieve, &at, line("Paul Martin").as_bytes(), &mut scratch);
    assert_eq!(id(&a), id(&same));
    assert_ne!(id(&a), id(&b), "other signs are another shape");
    let other = Sieve::builtin().with_template_key(&[8; 32]);
    let c = run(&other, &at, line("Jean Dupont").as_bytes(), &mut Scratch::new(&other));
    assert_ne!(id(&a), id(&c), "the key makes the id");
    // A name alone has no shape.
    assert_eq!(run(&sieve, &at, br#"{"msg":"Jean Dupont"}"#, &mut scratch), "");
}

#[test]
fn counts_and_levels_are_kept() {
    let sieve = sieve("");
    let mut scratch = Scratch::new(&sieve);
    let at = envelope(&sieve, "json");
    let line = br#"{"level":"WARNING","name":"Jean","prompt":"x","count":"many"}"#;
    match sieve.sieve(RawLine::new(line), &at, &mut scratch) {
        Verdict::Keep(record) => {
            assert_eq!((record.level(), record.timestamp_ns()), (Some(Level::Warn), 42));
            assert_eq!((record.stream(), record.removed().fields), (Stream::Stderr, 3));
        }
        Verdict::Drop(reason) => panic!("{}", reason.name()),
    }
    let report = scratch.take_report();
    assert_eq!(report.fields_of(FieldReason::Policy), 1);
    assert_eq!(report.fields_of(FieldReason::Type), 2);
    run(&sieve, &at, b"", &mut scratch);
    assert_eq!(scratch.report().dropped_of(DropReason::NothingTechnical), 1);
}

#[test]
fn profiles_are_found() {
    let sieve = sieve("[services.shop]\nprofile = \"uvicorn\"\n");
    let of = |service, image| sieve.profile_for(service, image).map(|id| sieve.profile_name(id));
    let rows = [
        ("shop", "caddy:2", Some("uvicorn")),
        ("x", "docker.io/library/caddy:2-alpine", Some("caddy")),
        ("x", "ghcr.io/berriai/litellm:main-stable", Some("litellm")),
        ("x", "registry.example.org:5000/ollama/ollama@sha256:0123", Some("ollama")),
        ("postgres", "example/unknown", Some("postgres")),
        ("x", "notcaddy:1", None),
        ("x", "", None),
    ];
    for (service, image, want) in rows {
        assert_eq!(of(service, image), want, "{service} {image}");
    }
    assert_eq!(sieve.policy_hash().len(), 12);
    assert_ne!(sieve.policy_hash(), Sieve::builtin().policy_hash());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Any bytes, under any profile, are judged without a panic, and what comes out is JSON.
    #[test]
    fn any_bytes_are_survived(
        line in prop::collection::vec(any::<u8>(), 0..200),
        text in "[ -~é\u{a0}\t{}\":=,\\\\\\[\\]0-9]{0,120}",
        cut in any::<bool>(),
    ) {
        let sieve = Sieve::builtin();
        let mut scratch = Scratch::new(&sieve);
        let names: Vec<String> = sieve.profiles().map(str::to_owned).collect();
        for name in &names {
            let at = Envelope { truncated: cut, ..envelope(&sieve, name) };
            for bytes in [line.as_slice(), text.as_bytes()] {
                let out = run(&sieve, &at, bytes, &mut scratch);
                let json = serde_json::from_str::<serde_json::Value>(&out);
                prop_assert!(out.is_empty() || json.is_ok());
            }
        }
        prop_assert_eq!(scratch.report().dropped_of(DropReason::Invariant), 0);
    }
}

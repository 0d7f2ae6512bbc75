//! The lexicon against planted prose, names, prompts and real technical messages.
//!
//! The prose, prompt, carrier and name fixtures were written for this test and never used for
//! tuning; the rates in the assertions are what was measured, rounded up.

#![allow(clippy::disallowed_methods, reason = "a test of linear time reads the clock")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use tamis_scrubber::lexicon::{LexScratch, Lexicon, Setting};

fn rows(name: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/lexicon").join(name);
    let text = fs::read_to_string(path).unwrap();
    text.lines().filter(|l| !l.starts_with("# ")).map(str::to_owned).collect()
}

fn setting(name: &str) -> Setting {
    match name {
        "loose" => Setting::Loose,
        "standard" => Setting::Standard,
        "tight" => Setting::Tight,
        "drop" => Setting::Drop,
        other => panic!("unknown setting {other}"),
    }
}

fn mask(lexicon: &Lexicon, message: &str, setting: Setting) -> String {
    let mut out = String::new();
    lexicon.mask(message, setting, &mut out, &mut LexScratch::default());
    out
}

/// Words of three letters or more, outside placeholders.
fn words(text: &str) -> Vec<String> {
    let text = ["<w>", "<n>", "<str>"].iter().fold(text.to_owned(), |t, p| t.replace(p, " "));
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|w| w.chars().count() > 2)
        .map(str::to_lowercase)
        .collect()
}

/// Percentage of the words of a fixture that are kept.
fn kept_percent(file: &str, setting: Setting) -> f64 {
    let lexicon = Lexicon::default();
    let (mut all, mut kept) = (0, 0);
    for row in rows(file) {
        all += words(&row).len();
        kept += words(&mask(&lexicon, &row, setting)).len();
    }
    100.0 * kept as f64 / all as f64
}

#[test]
fn messages_are_masked_as_listed() {
    let lexicon = Lexicon::default();
    for row in rows("messages.tsv") {
        let mut columns = row.split('\t');
        let (name, message) = (columns.next().unwrap(), columns.next().unwrap());
        let expected = columns.next().unwrap_or("");
        assert_eq!(mask(&lexicon, message, setting(name)), expected, "{name}: {message}");
    }
}

#[test]
fn prose_and_prompts_do_not_pass_under_tight() {
    for file in ["prose_fr.tsv", "prose_en.tsv", "prompts.tsv"] {
        assert_eq!(kept_percent(file, Setting::Tight), 0.0, "{file}");
    }
}

#[test]
fn leak_rates_stay_below_what_was_measured() {
    for (file, setting, limit) in [
        ("prose_fr.tsv", Setting::Standard, 1.0),
        ("prose_en.tsv", Setting::Standard, 3.0),
        ("prompts.tsv", Setting::Standard, 3.0),
        ("prose_fr.tsv", Setting::Loose, 2.0),
        ("prose_en.tsv", Setting::Loose, 6.0),
        ("prompts.tsv", Setting::Loose, 6.0),
    ] {
        let percent = kept_percent(file, setting);
        assert!(percent <= limit, "{file} {setting:?}: {percent:.2} %");
    }
}

#[test]
fn business_text_glued_into_technical_messages_is_masked() {
    let lexicon = Lexicon::default();
    for setting in [Setting::Standard, Setting::Tight] {
        for row in rows("carriers.tsv") {
            let (message, secret) = row.split_once('\t').unwrap();
            let out = mask(&lexicon, message, setting).to_lowercase();
            for word in secret.to_lowercase().split(' ') {
                assert!(!words(&out).iter().any(|w| w == word), "{word} in {out} ({setting:?})");
            }
        }
    }
}

#[test]
fn names_places_and_numbers_are_not_technical() {
    let lexicon = Lexicon::default();
    let passed: Vec<_> =
        rows("names.tsv").into_iter().filter(|n| lexicon.is_technical(n)).collect();
    assert!(passed.is_empty(), "{passed:?}");
}

#[test]
fn identifiers_are_technical() {
    let lexicon = Lexicon::default();
    let failed: Vec<_> =
        rows("identifiers.tsv").into_iter().filter(|n| !lexicon.is_technical(n)).collect();
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn masking_is_idempotent() {
    let lexicon = Lexicon::default();
    for row in rows("messages.tsv") {
        let once = mask(&lexicon, row.split('\t').nth(1).unwrap(), Setting::Standard);
        let twice = mask(&lexicon, &once, Setting::Standard);
        for word in words(&twice) {
            assert!(words(&once).contains(&word), "{word} appeared in {twice}");
        }
    }
}

#[test]
fn extra_words_pass_alone() {
    let plain = Lexicon::default();
    let mine = Lexicon::with_words(["ciod", "ZXIDX", "not a word"]);
    assert_eq!(mask(&plain, "ciod zxidx", Setting::Standard), "");
    assert_eq!(mask(&mine, "ciod zxidx", Setting::Standard), "ciod zxidx");
    assert_eq!(mine.word_count(), plain.word_count() + 2);
}

#[test]
fn hostile_messages_take_linear_time() {
    let lexicon = Lexicon::default();
    let mut scratch = LexScratch::default();
    let mut out = String::new();
    for unit in [
        "a", "aB", "\"", "'", "`", "a:", "a/", "1", "1.", "[", "<", "user:", "\\", "é", "a@",
        " \"", " '", "x=", "::", "server ",
    ] {
        let message = unit.repeat((1 << 20) / unit.len());
        let start = Instant::now();
        out.clear();
        lexicon.mask(&message, Setting::Standard, &mut out, &mut scratch);
        let taken = start.elapsed();
        assert!(taken < Duration::from_secs(5), "{unit:?} took {taken:?}");
    }
}

proptest! {
    #[test]
    fn any_text_is_masked_without_panic(text in "\\PC*") {
        let lexicon = Lexicon::default();
        for setting in [Setting::Loose, Setting::Standard, Setting::Tight, Setting::Drop] {
            let out = mask(&lexicon, &text, setting);
            prop_assert!(setting != Setting::Drop || out.is_empty());
        }
        lexicon.is_technical(&text);
    }

    #[test]
    fn log_like_text_is_masked_without_panic(
        text in "([a-zA-Z]{1,6}|[0-9]{1,9}|[\"'`=:,;/\\\\.@<>\\[\\](){}|é\u{1b} -]){0,40}"
    ) {
        let lexicon = Lexicon::default();
        let out = mask(&lexicon, &text, Setting::Loose);
        prop_assert!(!out.bytes().any(|b| b.is_ascii_control()));
        lexicon.is_technical(&text);
    }

    #[test]
    fn long_numbers_never_pass(number in "[1-9][0-9]{6,18}", word in "(port|line|pid|took)") {
        let lexicon = Lexicon::default();
        let out = mask(&lexicon, &format!("error at {word} {number} in server"), Setting::Loose);
        prop_assert!(!out.contains(&number));
    }
}

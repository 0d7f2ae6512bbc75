//! Every definition runs at its small size, and the committed corpus is what the templates make.

use crate::corpus::{self, Corpus};
use crate::definition::Definition;
use crate::run::{self, Size};

fn mixed_definition() -> Definition {
    let all = Definition::all().unwrap();
    all.into_iter().find(|d| d.name == "scrub").expect("a definition named scrub")
}

#[test]
fn every_definition_runs_small_and_its_counts_hold() {
    for definition in Definition::all().unwrap() {
        if let Some(outcome) = run::run(&definition, Size::Small).unwrap() {
            let json: serde_json::Value = serde_json::from_str(&outcome.to_json()).unwrap();
            assert_eq!(json["name"], definition.name.as_str());
            assert!(json["mb_per_second"].as_f64().unwrap() > 0.0);
        }
    }
}

#[test]
fn committed_corpus_is_what_the_templates_make() {
    let corpus = Corpus::read(&mixed_definition()).unwrap().unwrap();
    let (text, _) = corpus::mixed();
    assert!(corpus.text() == text.as_bytes(), "run `tamis-benches --write-corpus`");
}

#[test]
fn expected_detections_are_what_was_planted() {
    let (_, planted) = corpus::mixed();
    assert_eq!(mixed_definition().expect.detections, Some(planted));
}

#[test]
fn wrong_counts_are_refused() {
    let mut definition = mixed_definition();
    definition.expect.lines += 1;
    let error = run::run(&definition, Size::Small).err().expect("a wrong count");
    assert!(error.contains("lines: 216 instead of 217"), "{error}");
}

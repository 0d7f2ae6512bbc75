//! Every definition runs at its smallest size, the corpora are what their definitions say, and the
//! guard tells what fell.

use crate::corpus::{self, Corpus};
use crate::definition::Definition;
use crate::docs;
use crate::machine::Machine;
use crate::plot;
use crate::record::Record;
use crate::run::{Bench, Size};

fn definition(name: &str) -> Definition {
    let all = Definition::all().unwrap();
    all.into_iter().find(|d| d.name == name).expect("a definition of this name")
}

#[test]
fn every_definition_runs_and_its_counts_hold() {
    let mut bench = Bench::new(Size::Test).unwrap();
    let mut outcomes = Vec::new();
    for definition in Definition::all().unwrap() {
        if let Some(outcome) = bench.run(&definition).unwrap() {
            let json: serde_json::Value = serde_json::from_str(&outcome.to_json()).unwrap();
            assert_eq!(json["name"], definition.name.as_str());
            assert!(json["milliseconds"]["tamis"].as_f64().unwrap() > 0.0);
            outcomes.push(outcome);
        }
    }
    assert!(outcomes.len() > 20, "only {} ran", outcomes.len());
    let plot = plot::draw(&outcomes);
    assert!(plot.starts_with("<svg ") && plot.ends_with("</svg>\n"));
    for name in ["mixed", "clean", "slowest flood"] {
        assert!(plot.contains(&format!(">{name}</text>")), "{name}");
    }
}

#[test]
fn committed_corpus_is_what_the_templates_make() {
    let corpus = Corpus::read(&definition("mixed"), 0).unwrap().unwrap();
    let (text, _) = corpus::mixed().unwrap();
    assert!(corpus.text() == text.as_bytes(), "run `tamis-benches --write-corpus`");
}

#[test]
fn expected_detections_are_what_was_planted() {
    for definition in Definition::all().unwrap() {
        let planted = match definition.corpus.templates {
            Some(_) => corpus::filled(&definition.corpus).unwrap().1,
            None if definition.name == "mixed" => corpus::mixed().unwrap().1,
            None => continue,
        };
        let expected = definition.expect.detections.unwrap_or_default();
        assert_eq!(expected, planted, "{}", definition.name);
    }
}

#[test]
fn another_seed_gives_other_values_and_the_same_counts() {
    let mut definition = definition("dense");
    let (text, planted) = corpus::filled(&definition.corpus).unwrap();
    definition.corpus.seed += 1;
    let (other, same) = corpus::filled(&definition.corpus).unwrap();
    assert_ne!(text, other);
    assert_eq!(planted, same);
}

#[test]
fn wrong_counts_are_refused() {
    let mut bench = Bench::new(Size::Test).unwrap();
    let mut wrong = definition("mixed");
    wrong.expect.lines = Some(217);
    let error = bench.run(&wrong).err().expect("a wrong count");
    assert!(error.contains("lines: 216 instead of 217"), "{error}");
    let mut blind = definition("mixed");
    blind.expect.peers.as_mut().unwrap().insert("EMAIL".to_owned(), 1000);
    let error = bench.run(&blind).err().expect("a blind peer");
    assert!(error.contains("regex per pass EMAIL: "), "{error}");
}

#[test]
fn a_definition_whose_ratios_all_fall_is_told_and_one_that_holds_is_not() {
    let machine = Machine::here();
    let mut bench = Bench::new(Size::Test).unwrap();
    let mut outcome = bench.run(&definition("mixed")).unwrap().unwrap();
    let mut record = Record::new(&machine);
    assert!(record.fallen(&outcome, 0.15).unwrap().contains("`make bench-record` adds it"));
    record.keep(Size::Small, std::slice::from_ref(&outcome));
    assert!(record.fallen(&outcome, 0.15).is_none());
    // A copy that is twice as fast is no slower Tamis.
    outcome.copy /= 2.0;
    assert!(record.fallen(&outcome, 0.15).is_none());
    // The same work in twice the time.
    let [tamis, ..] = &mut outcome.timings;
    *tamis = std::mem::take(tamis).twice();
    let fallen = record.fallen(&outcome, 0.15).unwrap();
    assert!(fallen.starts_with("mixed: ") && fallen.contains("of regex"), "{fallen}");
    assert!(fallen.contains("(50 % less)"), "{fallen}");
    assert!(record.fallen(&outcome, 0.6).is_none());
    assert!(record.slack(&machine) < 0.2);
}

#[test]
fn the_document_is_replaced_between_its_marks() {
    let old = "a\n<!-- begin: written by `make bench` -->\nold\n<!-- end -->\nb\n";
    let new = docs::replaced(old, "new\n").unwrap();
    assert_eq!(new, old.replace("old", "new"));
    assert!(docs::replaced("no marks", "x").is_none());
    let committed = std::fs::read_to_string(corpus::root().join("docs/BENCHMARKS.md")).unwrap();
    assert!(docs::replaced(&committed, "").is_some());
}

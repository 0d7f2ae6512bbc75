//! Inputs that a fuzzer or a person broke something with, kept in `fixtures/fuzz/<target>/`. Those
//! of `decode` are replayed beside the decoders.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

#[path = "properties/promises.rs"]
mod promises;

use std::path::Path;

fn replay(target: &str, check: fn(&[u8]) -> Result<(), promises::Broken>) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/fuzz").join(target);
    for file in std::fs::read_dir(dir).unwrap() {
        let path = file.unwrap().path();
        if let Err(broken) = check(&std::fs::read(&path).unwrap()) {
            panic!("{}: {broken}", path.file_name().unwrap().display());
        }
    }
}

#[test]
fn spans_of_kept_inputs() {
    replay("detect", promises::spans);
}

#[test]
fn rewriting_of_kept_inputs() {
    replay("rewrite", promises::rewrites);
}

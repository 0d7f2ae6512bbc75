//! Benchmarks of the privacy kernel.
//!
//! `cargo run --profile fast -p tamis-benches -- [--small|--large] [NAME]` runs the definitions of
//! `definitions/` (all, or one), verifies their counts, and prints for each a line for people
//! (standard error) and a line of JSON (standard output).
//!
//! Figures are per core: one thread, best of three passes over the whole size. The ratio is to a
//! `memcpy` of the same bytes in the same run, so that machines can be compared.

mod corpus;
mod definition;
mod run;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

use crate::definition::Definition;
use crate::run::Size;

/// Writes the synthetic corpus again after a change of its templates.
const WRITE_CORPUS: &str = "--write-corpus";

const USAGE: &str = "usage: tamis-benches [--small|--large] [NAME]\n       \
                     tamis-benches --write-corpus";

fn main() -> ExitCode {
    match command(std::env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            note(&message);
            ExitCode::FAILURE
        }
    }
}

fn command(args: impl Iterator<Item = String>) -> Result<(), String> {
    let mut size = Size::Large;
    let mut only = None;
    for arg in args {
        match arg.as_str() {
            "--small" => size = Size::Small,
            "--large" => size = Size::Large,
            WRITE_CORPUS => return corpus::write().map_err(|e| e.to_string()),
            _ if arg.starts_with('-') || only.is_some() => return Err(USAGE.to_owned()),
            _ => only = Some(arg),
        }
    }
    let definitions = Definition::all()?;
    let chosen: Vec<_> =
        definitions.iter().filter(|d| only.as_ref().is_none_or(|name| *name == d.name)).collect();
    if chosen.is_empty() {
        let names: Vec<_> = definitions.iter().map(|d| d.name.as_str()).collect();
        return Err(format!("no such benchmark; there are: {}", names.join(", ")));
    }
    for definition in chosen {
        match run::run(definition, size)? {
            Some(result) => {
                note(&result.for_people());
                data(&result.to_json());
            }
            None => note(&format!("{}: skipped, its corpus is not here", definition.name)),
        }
    }
    Ok(())
}

#[allow(clippy::print_stderr, reason = "a command line tool's notes")]
fn note(line: &str) {
    eprintln!("{line}");
}

#[allow(clippy::print_stdout, reason = "a command line tool's data")]
fn data(line: &str) {
    println!("{line}");
}

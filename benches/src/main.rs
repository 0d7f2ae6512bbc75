//! Benchmarks of the privacy kernel: each is a test first, then a figure.
//!
//! `tamis-benches [--small|--large] [--check] [--docs] [NAME]` runs the definitions of
//! `definitions/` (all, or those whose name begins so), verifies their counts in every pass, and
//! prints for each a line for people (standard error) and a line of JSON (standard output).
//! `--check` fails when a ratio fell against `record.json`; `--docs` writes the tables and the
//! plot of `docs/BENCHMARKS.md`; `--record` does both sizes and writes the record and the document.
//!
//! Figures are per core: processor time of one thread, the fastest of several passes. Tamis, its
//! peers and a copy of the same machine's memory take turns, so that machines and hours can be
//! compared by ratios.

mod corpus;
mod definition;
mod docs;
mod machine;
mod measure;
mod outcome;
mod peers;
mod plot;
mod record;
mod run;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

use crate::definition::Definition;
use crate::machine::Machine;
use crate::outcome::Outcome;
use crate::record::Record;
use crate::run::{Bench, Size};

/// Times that a definition whose ratio fell is measured again before that is believed.
const RETRIES: usize = 4;

const USAGE: &str = "usage: tamis-benches [--small|--large] [--check] [--docs] [NAME]\n       \
                     tamis-benches --record\n       tamis-benches --write-corpus";

/// What the command line asks for.
struct Command {
    size: Size,
    check: bool,
    docs: bool,
    record: bool,
    only: Option<String>,
}

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
    let mut c = Command { size: Size::Large, check: false, docs: false, record: false, only: None };
    for arg in args {
        match arg.as_str() {
            "--small" => c.size = Size::Small,
            "--large" => c.size = Size::Large,
            "--check" => c.check = true,
            "--docs" => c.docs = true,
            "--record" => c.record = true,
            "--write-corpus" => return corpus::write(),
            _ if arg.starts_with('-') || c.only.is_some() => return Err(USAGE.to_owned()),
            _ => c.only = Some(arg),
        }
    }
    if c.only.is_some() && (c.docs || c.record) {
        return Err("the document and the record are written from all benchmarks".to_owned());
    }
    run(&c)
}

fn run(command: &Command) -> Result<(), String> {
    let machine = Machine::here();
    let all = Definition::all()?;
    let starts = |d: &&Definition| command.only.as_ref().is_none_or(|n| d.name.starts_with(n));
    let chosen: Vec<&Definition> = all.iter().filter(starts).collect();
    if chosen.is_empty() {
        let names: Vec<_> = all.iter().map(|d| d.name.as_str()).collect();
        return Err(format!("no such benchmark; there are: {}", names.join(", ")));
    }
    if command.record {
        let mut record = Record::new(&machine);
        record.keep(Size::Small, &measure(&mut Bench::new(Size::Small)?, &chosen)?);
        let large = measure(&mut Bench::new(Size::Large)?, &chosen)?;
        record.keep(Size::Large, &large);
        record.write()?;
        return docs::write(&machine, &large);
    }
    // A record that cannot be read is told before minutes are spent.
    let record = if command.check { Some(Record::read()?) } else { None };
    let mut bench = Bench::new(command.size)?;
    let mut outcomes = measure(&mut bench, &chosen)?;
    let guarded = record.map(|record| guard(&record, &machine, &mut bench, &mut outcomes));
    if command.docs {
        docs::write(&machine, &outcomes)?;
    }
    guarded.unwrap_or(Ok(()))
}

/// Runs the definitions one after another.
fn measure(bench: &mut Bench, definitions: &[&Definition]) -> Result<Vec<Outcome>, String> {
    let mut outcomes = Vec::new();
    for definition in definitions {
        match bench.run(definition)? {
            Some(outcome) => {
                note(&outcome.for_people());
                data(&outcome.to_json());
                outcomes.push(outcome);
            }
            None => note(&format!("{}: skipped, its corpus is not here", definition.name)),
        }
    }
    Outcome::share_copy(&mut outcomes);
    Ok(outcomes)
}

/// Compares with the record; what seems to have fallen is measured again before it is told.
fn guard(
    record: &Record,
    machine: &Machine,
    bench: &mut Bench,
    outcomes: &mut [Outcome],
) -> Result<(), String> {
    let slack = record.slack(machine);
    let mut fallen = Vec::new();
    for outcome in outcomes.iter_mut() {
        for _ in 0..RETRIES {
            if record.fallen(outcome, slack).is_none() {
                break;
            }
            note(&format!("{}: slower than the record, measured again", outcome.definition.name));
            if let Some(again) = bench.run(&outcome.definition)? {
                outcome.merge(&again);
            }
        }
        fallen.extend(record.fallen(outcome, slack));
    }
    if fallen.is_empty() {
        note(&format!("nothing is more than {:.0} % slower than the record", 100.0 * slack));
        return Ok(());
    }
    Err(format!(
        "more than {:.0} % slower than the record of {}, in each of {} runs:\n  {}\nFind what made \
         it so, or, if it is meant, write the record again with `make bench-record` and say why in \
         the commit.",
        100.0 * slack,
        record.commit(),
        1 + RETRIES,
        fallen.join("\n  ")
    ))
}

#[allow(clippy::print_stderr, reason = "a command line tool's notes")]
fn note(line: &str) {
    eprintln!("{line}");
}

#[allow(clippy::print_stdout, reason = "a command line tool's data")]
fn data(line: &str) {
    println!("{line}");
}

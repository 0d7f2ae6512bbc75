//! The generated part of `docs/BENCHMARKS.md`: machine, tables and plot.

use std::fmt::Write as _;

use crate::corpus::root;
use crate::definition::Model;
use crate::machine::Machine;
use crate::measure::Memcpy;
use crate::outcome::{Outcome, Subject};
use crate::plot;

const FILE: &str = "docs/BENCHMARKS.md";
const PLOT: &str = "docs/benchmarks.svg";
/// The lines between which everything is generated.
const BEGIN: &str = "<!-- begin: written by `make bench` -->";
const END: &str = "<!-- end -->";

/// Writes tables and plot.
///
/// # Errors
/// The document has no place for them, or a file cannot be written.
pub(crate) fn write(machine: &Machine, outcomes: &[Outcome]) -> Result<(), String> {
    let path = root().join(FILE);
    let old = std::fs::read_to_string(&path).map_err(|e| format!("{FILE}: {e}"))?;
    let new = replaced(&old, &generated(machine, outcomes))
        .ok_or_else(|| format!("{FILE}: the lines `{BEGIN}` and `{END}` are missing"))?;
    std::fs::write(path, new).map_err(|e| format!("{FILE}: {e}"))?;
    let plot = plot::draw(outcomes);
    std::fs::write(root().join(PLOT), plot).map_err(|e| format!("{PLOT}: {e}"))
}

/// The document with another generated part.
pub(crate) fn replaced(old: &str, generated: &str) -> Option<String> {
    let (head, rest) = old.split_once(BEGIN)?;
    let (_, tail) = rest.split_once(END)?;
    Some(format!("{head}{BEGIN}\n{generated}{END}{tail}"))
}

fn generated(machine: &Machine, outcomes: &[Outcome]) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = about(&mut out, machine, outcomes);
    let _ = corpora(&mut out, outcomes);
    let _ = compile(&mut out, outcomes);
    let _ = floods(&mut out, outcomes);
    out
}

fn about(out: &mut String, machine: &Machine, outcomes: &[Outcome]) -> std::fmt::Result {
    let copy = outcomes.iter().filter_map(|o| o.rate(Subject::Memcpy)).fold(0.0, f64::max);
    writeln!(
        out,
        "\nCommit {} of {}, {}, one of {} cores, Linux {}, {}, profile `fast`. A copy of {} MiB \
         from memory to memory ran at {:.1} GB/s in the same runs.\n",
        machine.commit,
        machine.date,
        machine.cpu,
        machine.cores,
        machine.kernel,
        machine.rustc,
        Memcpy::bytes() >> 20,
        copy / 1e3,
    )?;
    writeln!(out, "![Throughput by corpus, logarithmic](benchmarks.svg)\n")
}

fn corpora(out: &mut String, outcomes: &[Outcome]) -> std::fmt::Result {
    writeln!(
        out,
        "| benchmark | MB/s | of memcpy | × `regex` | × `prefiltered` | `regex` MB/s | \
         `prefiltered` MB/s | spread | found per pass: Tamis, peers | corpus |\n\
         |---|---|---|---|---|---|---|---|---|---|"
    )?;
    let lines = outcomes.iter().filter(|o| !o.definition.is_flood());
    for o in lines.filter(|o| o.definition.model != Model::Compile) {
        let [regex, prefiltered] = o.peers_found.map(|n| n / o.repeats.max(1));
        let mut found = format!("{}", o.found / o.repeats.max(1));
        if o.definition.peers {
            let _ = write!(found, ", {regex}, {prefiltered}");
        }
        writeln!(
            out,
            "| `{}` | {} | {} | {} | {} | {} | {} | {:.0} % | {found} | {} |",
            o.definition.name,
            number(o.rate(Subject::Tamis)),
            fraction(o.ratio(Subject::Memcpy)),
            number(o.ratio(Subject::Regex)),
            number(o.ratio(Subject::Prefiltered)),
            number(o.rate(Subject::Regex)),
            number(o.rate(Subject::Prefiltered)),
            100.0 * o.spread(Subject::Tamis),
            o.definition.about,
        )?;
    }
    Ok(())
}

fn compile(out: &mut String, outcomes: &[Outcome]) -> std::fmt::Result {
    for o in outcomes.iter().filter(|o| o.definition.model == Model::Compile) {
        writeln!(
            out,
            "\nRules compile in {} ms (`regex`: {} ms, `prefiltered`: {} ms; the limit is {} ms).",
            number(o.milliseconds(Subject::Tamis)),
            number(o.milliseconds(Subject::Regex)),
            number(o.milliseconds(Subject::Prefiltered)),
            number(o.definition.expect.milliseconds_max),
        )?;
    }
    Ok(())
}

fn floods(out: &mut String, outcomes: &[Outcome]) -> std::fmt::Result {
    let floods = || outcomes.iter().filter(|o| o.definition.is_flood());
    let slowest = |s| floods().filter_map(|o| o.rate(s)).min_by(f64::total_cmp);
    writeln!(
        out,
        "\nHostile floods, one unit repeated to lines of 64 KiB. Slowest: Tamis {} MB/s, `regex` \
         {}, `prefiltered` {}.\n\n| unit | MB/s | × `regex` | `regex` MB/s | `prefiltered` MB/s |\n\
         |---|---|---|---|---|",
        number(slowest(Subject::Tamis)),
        number(slowest(Subject::Regex)),
        number(slowest(Subject::Prefiltered)),
    )?;
    for o in floods() {
        let unit = o.definition.corpus.flood.as_deref().unwrap_or_default();
        let unit: String = match unit.is_ascii() {
            true => format!("`` {unit} ``"),
            false => format!("`{}`", unit.escape_unicode()),
        };
        writeln!(
            out,
            "| {unit} | {} | {} | {} | {} |",
            number(o.rate(Subject::Tamis)),
            number(o.ratio(Subject::Regex)),
            number(o.rate(Subject::Regex)),
            number(o.rate(Subject::Prefiltered)),
        )?;
    }
    writeln!(out)
}

/// Three digits, a dash for what was not run.
fn number(value: Option<f64>) -> String {
    match value {
        None => "–".to_owned(),
        Some(v) if v >= 100.0 => format!("{v:.0}"),
        Some(v) if v >= 10.0 => format!("{v:.1}"),
        Some(v) if v >= 0.1 => format!("{v:.2}"),
        Some(v) => format!("{v:.4}"),
    }
}

fn fraction(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |v| format!("1/{}", number(Some(1.0 / v))))
}

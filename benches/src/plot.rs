//! The plot: one group of bars per corpus on a logarithmic axis, as an SVG that needs nothing.

use std::fmt::Write as _;

use crate::definition::Model;
use crate::outcome::{Outcome, Subject};

/// What is drawn, with its name in the legend and its colour.
const BARS: [(Subject, &str, &str); 3] = [
    (Subject::Tamis, "Tamis, every kind and encoding", "#0b7285"),
    (Subject::Regex, "regex: ten rules in one automaton", "#e8590c"),
    (Subject::Prefiltered, "prefiltered: ten rules behind Aho-Corasick", "#868e96"),
];
const MEMCPY: &str = "#2b8a3e";

const WIDTH: f64 = 860.0;
const LEFT: f64 = 130.0;
const RIGHT: f64 = 70.0;
const TOP: f64 = 78.0;
const BAR: f64 = 12.0;
const GROUP: f64 = BAR * BARS.len() as f64 + 12.0;

/// The axis: from 1 MB/s to 20 GB/s.
const LEAST: f64 = 1.0;
const MOST: f64 = 20_000.0;

/// Draws the outcomes that have a rate; of the floods the one that is slowest for Tamis.
pub(crate) fn draw(outcomes: &[Outcome]) -> String {
    let mut groups: Vec<(String, &Outcome)> = outcomes
        .iter()
        .filter(|o| !o.definition.is_flood() && o.definition.model != Model::Compile)
        .map(|o| (o.definition.name.clone(), o))
        .collect();
    let speed = |o: &&Outcome| o.rate(Subject::Tamis).unwrap_or(f64::INFINITY);
    let floods = outcomes.iter().filter(|o| o.definition.is_flood());
    if let Some(o) = floods.min_by(|a, b| speed(a).total_cmp(&speed(b))) {
        groups.push(("slowest flood".to_owned(), o));
    }
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = picture(&mut out, &groups);
    out
}

fn picture(out: &mut String, groups: &[(String, &Outcome)]) -> std::fmt::Result {
    let bottom = TOP + GROUP * groups.len() as f64;
    let height = bottom + 40.0;
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>"
    )?;
    legend(out)?;
    for decade in [1.0, 10.0, 100.0, 1000.0, 10_000.0] {
        let x = x(decade);
        let label = if decade < 1000.0 {
            format!("{decade} MB/s")
        } else {
            format!("{} GB/s", decade / 1000.0)
        };
        writeln!(
            out,
            "<path d=\"M{x:.1} {TOP}V{bottom}\" stroke=\"#dee2e6\"/>\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#495057\">{label}</text>",
            bottom + 18.0
        )?;
    }
    for (i, (name, outcome)) in groups.iter().enumerate() {
        group(out, name, outcome, TOP + GROUP * i as f64 + 6.0)?;
    }
    let copies = groups.iter().filter_map(|(_, o)| o.rate(Subject::Memcpy));
    let copy = x(copies.fold(LEAST, f64::max));
    writeln!(
        out,
        "<path d=\"M{copy:.1} {TOP}V{bottom}\" stroke=\"{MEMCPY}\" stroke-dasharray=\"4 3\"/>\n\
         <text x=\"{copy:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"{MEMCPY}\">memcpy</text>\n\
         </svg>",
        TOP - 6.0
    )
}

fn legend(out: &mut String) -> std::fmt::Result {
    writeln!(
        out,
        "<text x=\"10\" y=\"20\" font-size=\"14\" font-weight=\"600\" fill=\"#212529\">Throughput \
         of one core, fastest pass (logarithmic)</text>"
    )?;
    let mut at = 10.0;
    for (_, name, colour) in BARS {
        writeln!(
            out,
            "<rect x=\"{at}\" y=\"34\" width=\"12\" height=\"12\" fill=\"{colour}\"/>\
             <text x=\"{}\" y=\"44\" fill=\"#212529\">{name}</text>",
            at + 17.0
        )?;
        at += 40.0 + 6.3 * name.len() as f64;
    }
    Ok(())
}

fn group(out: &mut String, name: &str, outcome: &Outcome, top: f64) -> std::fmt::Result {
    writeln!(
        out,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#212529\">{name}</text>",
        LEFT - 8.0,
        top + BAR * 1.8
    )?;
    for (i, (subject, _, colour)) in BARS.iter().enumerate() {
        let Some(rate) = outcome.rate(*subject) else { continue };
        let y = top + BAR * i as f64;
        writeln!(
            out,
            "<rect x=\"{LEFT}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{colour}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" font-size=\"10\" fill=\"#495057\">{rate:.0}</text>",
            x(rate) - LEFT,
            BAR - 2.0,
            x(rate) + 4.0,
            y + BAR - 3.0
        )?;
    }
    Ok(())
}

fn x(rate: f64) -> f64 {
    let share = (rate.clamp(LEAST, MOST) / LEAST).ln() / (MOST / LEAST).ln();
    LEFT + share * (WIDTH - LEFT - RIGHT)
}

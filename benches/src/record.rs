//! The committed record of ratios, and the guard that fails when one falls.
//!
//! Rates differ from machine to machine and from hour to hour; ratios to a copy and to the regex
//! peer in the same run differ less. Ratios may fall by [`SLACK`] on the CPU of the record. On
//! another CPU, with other vector units and another memory, only a collapse can be told:
//! [`SLACK_ELSEWHERE`]. When Tamis becomes slower all its ratios fall; when only one fell, it was
//! the other that was faster this time (a copy depends much on what else the machine does).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::corpus::root;
use crate::machine::Machine;
use crate::outcome::{Outcome, Subject};
use crate::run::Size;

/// Where it lies.
const FILE: &str = "benches/record.json";
/// What a ratio may fall by against a record of the same CPU.
const SLACK: f64 = 0.15;
/// What a ratio may fall by against a record of another CPU.
const SLACK_ELSEWHERE: f64 = 0.5;
/// The ratios that are kept and guarded.
const GUARDED: [Subject; 2] = [Subject::Memcpy, Subject::Regex];

/// Ratios by definition, by what is compared with.
type Ratios = BTreeMap<String, BTreeMap<String, f64>>;

/// The file.
#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    cpu: String,
    commit: String,
    small: Ratios,
    large: Ratios,
}

impl Record {
    /// Reads the committed one.
    ///
    /// # Errors
    /// It is not there or cannot be understood.
    pub(crate) fn read() -> Result<Record, String> {
        let text = std::fs::read_to_string(root().join(FILE));
        let text = text.map_err(|e| format!("{FILE}: {e}; `make bench-record` writes it"))?;
        serde_json::from_str(&text).map_err(|e| format!("{FILE}: {e}"))
    }

    /// An empty one of this machine.
    pub(crate) fn new(machine: &Machine) -> Record {
        let (cpu, commit) = (machine.cpu.clone(), machine.commit.clone());
        Record { cpu, commit, ..Record::default() }
    }

    /// Keeps the ratios of these runs.
    pub(crate) fn keep(&mut self, size: Size, outcomes: &[Outcome]) {
        let ratios = if size == Size::Large { &mut self.large } else { &mut self.small };
        for outcome in outcomes {
            let of = GUARDED.into_iter().filter_map(|other| {
                // Three digits: more would only be noise in the history.
                let rounded = format!("{:.3e}", outcome.ratio(other)?).parse().ok()?;
                Some((other.name().to_owned(), rounded))
            });
            ratios.insert(outcome.definition.name.clone(), of.collect());
        }
    }

    /// Writes it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn write(&self) -> Result<(), String> {
        let text = serde_json::to_string_pretty(self).map_err(|e| e.to_string())?;
        std::fs::write(root().join(FILE), text + "\n").map_err(|e| format!("{FILE}: {e}"))
    }

    /// What may be lost on this machine, as a fraction.
    pub(crate) fn slack(&self, machine: &Machine) -> f64 {
        if self.cpu == machine.cpu { SLACK } else { SLACK_ELSEWHERE }
    }

    /// What to say of a run whose ratios all fell by more than `slack`. `None` when all is well.
    pub(crate) fn fallen(&self, outcome: &Outcome, slack: f64) -> Option<String> {
        let name = &outcome.definition.name;
        let ratios = if outcome.size == Size::Large { &self.large } else { &self.small };
        let Some(kept) = ratios.get(name) else {
            return Some(format!("{name}: not in {FILE}; `make bench-record` adds it"));
        };
        let mut parts = Vec::new();
        for other in GUARDED {
            let (Some(was), Some(is)) = (kept.get(other.name()), outcome.ratio(other)) else {
                continue;
            };
            if is >= was * (1.0 - slack) {
                return None;
            }
            let percent = 100.0 * (1.0 - is / was);
            let other = other.name();
            parts.push(format!("{is:.4} of {other} instead of {was:.4} ({percent:.0} % less)"));
        }
        (!parts.is_empty()).then(|| format!("{name}: {}", parts.join(", ")))
    }

    /// The commit that it was made at.
    pub(crate) fn commit(&self) -> &str {
        &self.commit
    }
}

//! What a verified run gave: rates, ratios, and how to print them.

use serde_json::json;

use crate::definition::{Definition, Model};
use crate::measure::{Memcpy, Timing};
use crate::run::Size;

/// What is timed, in the order of [`Outcome::timings`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The part of the kernel that the definition names.
    Tamis,
    /// A copy of a large buffer.
    Memcpy,
    /// Ten rules in one automaton.
    Regex,
    /// Ten rules behind an Aho-Corasick automaton.
    Prefiltered,
}

impl Subject {
    pub(crate) const COUNT: usize = 4;
    /// What Tamis is compared with.
    pub(crate) const OTHERS: [Subject; 3] = [Subject::Memcpy, Subject::Regex, Subject::Prefiltered];

    /// As in the record.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Subject::Tamis => "tamis",
            Subject::Memcpy => "memcpy",
            Subject::Regex => "regex",
            Subject::Prefiltered => "prefiltered",
        }
    }
}

/// A measured and verified run.
pub(crate) struct Outcome {
    pub(crate) definition: Definition,
    pub(crate) size: Size,
    /// Bytes of the corpus, all repeats.
    pub(crate) bytes: usize,
    /// Times that the definition's lines are in it.
    pub(crate) repeats: u64,
    pub(crate) lines: u64,
    /// Detections of Tamis in all repeats.
    pub(crate) found: u64,
    /// What the two peers took for a value.
    pub(crate) peers_found: [u64; 2],
    /// Seconds of the fastest copy in the whole run, see [`Outcome::share_copy`].
    pub(crate) copy: f64,
    pub(crate) timings: [Timing; Subject::COUNT],
}

impl Outcome {
    fn timing(&self, subject: Subject) -> Option<&Timing> {
        self.timings.get(subject as usize).filter(|t| t.passes() > 0)
    }

    /// Millions of bytes per second of the fastest pass. `None` for what was not run.
    pub(crate) fn rate(&self, subject: Subject) -> Option<f64> {
        let timing = self.timing(subject).filter(|_| self.bytes > 0)?;
        Some(match subject {
            Subject::Memcpy => Memcpy::bytes() as f64 / 1e6 / self.copy,
            _ => self.bytes as f64 / 1e6 / timing.best(),
        })
    }

    /// Gives every outcome of a run the fastest copy of all of them: what else the machine does
    /// slows a copy more than anything, and no other has so many passes to be lucky in.
    pub(crate) fn share_copy(outcomes: &mut [Outcome]) {
        let own = |o: &Outcome| o.timing(Subject::Memcpy).map_or(f64::INFINITY, Timing::best);
        let best = outcomes.iter().map(own).fold(f64::INFINITY, f64::min);
        outcomes.iter_mut().for_each(|o| o.copy = best);
    }

    /// Milliseconds of the fastest pass.
    pub(crate) fn milliseconds(&self, subject: Subject) -> Option<f64> {
        Some(self.timing(subject)?.best() * 1e3)
    }

    /// How many times as fast as the other Tamis is. `None` where the other was not run.
    pub(crate) fn ratio(&self, other: Subject) -> Option<f64> {
        match self.definition.model {
            Model::Compile => Some(self.milliseconds(other)? / self.milliseconds(Subject::Tamis)?),
            _ => Some(self.rate(Subject::Tamis)? / self.rate(other)?),
        }
    }

    /// How much longer the middle pass of a subject took than its fastest, as a fraction.
    pub(crate) fn spread(&self, subject: Subject) -> f64 {
        self.timing(subject).map_or(0.0, Timing::spread)
    }

    /// Takes the passes of another run of the same.
    pub(crate) fn merge(&mut self, other: &Outcome) {
        self.copy = self.copy.min(other.copy);
        self.timings.iter_mut().zip(&other.timings).for_each(|(mine, its)| mine.merge(its));
    }

    /// One line to read.
    pub(crate) fn for_people(&self) -> String {
        let name = &self.definition.name;
        let others: String = Subject::OTHERS
            .into_iter()
            .filter_map(|o| Some(format!(", {:.4} of {}", self.ratio(o)?, o.name())))
            .collect();
        let spread = 100.0 * self.spread(Subject::Tamis);
        match (self.definition.model, self.milliseconds(Subject::Tamis)) {
            (Model::Compile, Some(ms)) => {
                format!(
                    "{name}: {ms:.3} ms (+{spread:.0} %), speed {}",
                    others.trim_start_matches(", ")
                )
            }
            (_, _) => format!(
                "{name} ({}): {:.1} MB/s (+{spread:.0} %){others}; {} found, counts hold",
                self.size.name(),
                self.rate(Subject::Tamis).unwrap_or_default(),
                self.found / self.repeats.max(1),
            ),
        }
    }

    /// One line to keep.
    pub(crate) fn to_json(&self) -> String {
        let each = |value: &dyn Fn(Subject) -> Option<f64>| {
            let all = [Subject::Tamis].into_iter().chain(Subject::OTHERS);
            let pairs = all.filter_map(|s| Some((s.name().to_owned(), json!(value(s)?))));
            serde_json::Value::Object(pairs.collect())
        };
        json!({
            "name": self.definition.name,
            "model": self.definition.model.name(),
            "size": self.size.name(),
            "bytes": self.bytes,
            "lines": self.lines,
            "detections": self.found,
            "mb_per_second": each(&|s| self.rate(s)),
            "milliseconds": each(&|s| self.milliseconds(s)),
            "ratio": each(&|s| if s == Subject::Tamis { None } else { self.ratio(s) }),
            "spread": each(&|s| self.timing(s).map(Timing::spread)),
            "passes": self.timing(Subject::Tamis).map_or(0, Timing::passes),
        })
        .to_string()
    }
}

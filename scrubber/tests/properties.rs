//! Properties of the scrubber over planted values: none survives any two disguises on any carrier,
//! and what comes out is what was promised.
//!
//! Every combination has its own seed, so a failure names what to run again. The ordinary run takes
//! one in [`SHARE`] of the pairs; `TAMIS_PROPERTIES=N` takes one in N, 1 all of them.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests read the environment, print and panic"
)]

#[path = "properties/canary.rs"]
mod canary;
#[path = "properties/carrier.rs"]
mod carrier;
#[path = "properties/disguise.rs"]
mod disguise;
#[path = "properties/judge.rs"]
mod judge;
#[path = "properties/promises.rs"]
mod promises;
#[path = "properties/random.rs"]
mod random;

use canary::{CANARIES, Canary, Make};
use carrier::{CARRIERS, Carrier};
use disguise::{DISGUISES, Disguise};
use proptest::prelude::*;
use random::Random;
use tamis_scrubber::report::Report;
use tamis_scrubber::scrub::{ScrubScratch, Scrubber};

/// One pair of disguises, value and carrier in so many is looked at; a prime, so that it meets
/// every disguise, value and carrier.
const SHARE: u64 = 211;
/// Failures shown.
const SHOWN: usize = 20;

/// A planted value and how it was written.
struct Planted {
    canary: Canary,
    line: Vec<u8>,
    name: String,
}

/// A line with a value in two disguises. `None` where they have no sense together.
fn plant(make: Make, pair: [&Disguise; 2], carrier: &Carrier, seed: u64) -> Option<Planted> {
    let mut random = Random::new(seed);
    let canary = make(&mut random);
    let value = (pair[0].write)(canary.surface.as_bytes(), &canary, &mut random)?;
    let value = (pair[1].write)(&value, &canary, &mut random)?;
    let line = (carrier.write)(&value, &canary);
    let name = format!(
        "[{} + {} | {} | {} | seed {seed}]",
        pair[0].name, pair[1].name, canary.name, carrier.name
    );
    Some(Planted { canary, line, name })
}

/// What all lines go through.
#[derive(Default)]
struct Run {
    scrubber: Scrubber,
    scratch: ScrubScratch,
    lines: usize,
    leaks: Vec<String>,
    /// Lines in which the judge does not see the value before it is scrubbed.
    blind: usize,
}

impl Run {
    fn check(&mut self, planted: &Planted) {
        let mut out = Vec::new();
        self.scrubber.scrub(&planted.line, &mut out, &mut self.scratch, &mut Report::default());
        self.lines += 1;
        if judge::reads(&planted.canary, &out) {
            self.leaks.push(format!(
                "{} {:?}\n  in  {}\n  out {}",
                planted.name,
                planted.canary.needle,
                planted.line.escape_ascii(),
                out.escape_ascii()
            ));
        } else if self.lines.is_multiple_of(16) && !judge::reads(&planted.canary, &planted.line) {
            self.blind += 1;
        }
    }

    fn finish(self, least: usize) {
        println!("{} lines, {} leak, {} blind", self.lines, self.leaks.len(), self.blind);
        let shown = self.leaks[..self.leaks.len().min(SHOWN)].join("\n");
        assert!(self.leaks.is_empty(), "{} of {} leak:\n{shown}", self.leaks.len(), self.lines);
        assert!(self.blind * 16 * 100 <= self.lines, "the judge misses {}", self.blind);
        assert!(self.lines >= least, "only {} lines", self.lines);
    }
}

#[test]
fn no_value_survives_a_disguise() {
    let mut run = Run::default();
    let mut seed = 0_u64;
    for disguise in DISGUISES {
        for make in CANARIES {
            for carrier in CARRIERS {
                seed += 1;
                if let Some(p) = plant(*make, [disguise, &DISGUISES[0]], carrier, seed) {
                    run.check(&p);
                }
            }
        }
    }
    run.finish(30_000);
}

#[test]
fn no_value_survives_two_disguises() {
    let share = std::env::var("TAMIS_PROPERTIES").ok().and_then(|n| n.parse().ok());
    let share: u64 = share.unwrap_or(SHARE);
    let mut run = Run::default();
    let mut seed = 0_u64;
    for first in &DISGUISES[1..] {
        for second in &DISGUISES[1..] {
            for make in CANARIES {
                for carrier in CARRIERS {
                    seed += 1;
                    if seed.is_multiple_of(share)
                        && let Some(p) = plant(*make, [first, second], carrier, seed)
                    {
                        run.check(&p);
                    }
                }
            }
        }
    }
    run.finish(8_000);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn promises_are_kept(
        first in prop::sample::select(DISGUISES),
        second in prop::sample::select(DISGUISES),
        make in prop::sample::select(CANARIES),
        carrier in prop::sample::select(CARRIERS),
        seed in any::<u64>(),
        cut in any::<prop::sample::Index>(),
    ) {
        if let Some(p) = plant(make, [&first, &second], &carrier, seed) {
            // Whole, and as a limit or a crash cut it.
            for line in [&p.line[..], &p.line[..cut.index(p.line.len())]] {
                promises::spans(line).map_err(TestCaseError::fail)?;
                promises::rewrites(line).map_err(TestCaseError::fail)?;
            }
        }
    }
}

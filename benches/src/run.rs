//! Runs one definition: makes its corpus, times Tamis, the peers and a copy in turns, and verifies
//! every count in every pass.

use std::hint::black_box;
use std::time::Duration;

use tamis_scrubber::record::{RawLine, Stream};
use tamis_scrubber::report::{Kind, Report};
use tamis_scrubber::scrub::{Options, ScrubScratch, Scrubber};
use tamis_scrubber::sieve::{Envelope, Scratch, Sieve, Verdict};

use crate::corpus::Corpus;
use crate::definition::{Definition, Model};
use crate::measure::{Memcpy, Patience, Timing, rounds, timed};
use crate::outcome::{Outcome, Subject};
use crate::peers::{Found, Peer, Prefiltered, Set};

/// A record's time: any constant, since the kernel has no clock.
const TIMESTAMP_NS: i64 = 1_760_000_000_000_000_000;

/// How much is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// For `cargo test`: once, no figures.
    #[cfg_attr(not(test), allow(dead_code, reason = "tests are its user"))]
    Test,
    /// For every push: seconds, and figures that are good enough to guard a ratio.
    Small,
    /// For a figure: more than the caches hold.
    Large,
}

impl Size {
    const fn bytes(self, flood: bool) -> usize {
        match (self, flood) {
            (Size::Test, false) => 128 * 1024,
            (Size::Test | Size::Small, true) => 64 * 1024,
            (Size::Small, false) | (Size::Large, true) => 1 << 20,
            (Size::Large, false) => 16 << 20,
        }
    }

    const fn patience(self, flood: bool) -> Patience {
        let (passes_min, passes_max, milliseconds) = match (self, flood) {
            (Size::Test, _) => (1, 1, 0),
            (Size::Small, false) => (5, 50, 500),
            (Size::Small, true) => (3, 30, 150),
            (Size::Large, false) => (7, 50, 4000),
            (Size::Large, true) => (5, 30, 800),
        };
        Patience { passes_min, passes_max, time: Duration::from_millis(milliseconds) }
    }

    /// As in the record.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Size::Test => "test",
            Size::Small => "small",
            Size::Large => "large",
        }
    }
}

/// What came out of one pass.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    lines: u64,
    kept: u64,
    dropped: u64,
    report: Report,
}

/// What all definitions are run with.
pub(crate) struct Bench {
    sieve: Sieve,
    peers: [Peer; 2],
    memcpy: Memcpy,
    size: Size,
}

impl Bench {
    /// Compiles the built-in policy and the peers.
    ///
    /// # Errors
    /// A peer's rule that does not compile.
    pub(crate) fn new(size: Size) -> Result<Bench, String> {
        let memcpy = Memcpy::new();
        Ok(Bench { sieve: Sieve::builtin(), peers: Peer::all()?, memcpy, size })
    }

    /// Runs a definition. `None` where its corpus is not present and need not be.
    ///
    /// # Errors
    /// A corpus that cannot be read, or a count that is not what the definition says.
    pub(crate) fn run(&mut self, definition: &Definition) -> Result<Option<Outcome>, String> {
        if definition.model == Model::Compile {
            return self.compile(definition).map(Some);
        }
        let flood = definition.is_flood();
        let corpus = Corpus::read(definition, self.size.bytes(flood))?;
        let Some(corpus) = corpus else { return Ok(None) };
        let Bench { sieve, peers, memcpy, size } = self;
        let mut counts = Counts::default();
        let mut timings: [Timing; Subject::COUNT] = Default::default();
        let [tamis, copy, regex, prefiltered] = &mut timings;
        let mut found = [Found::default(); 2];
        let mut out = Vec::new();
        rounds(size.patience(flood), || {
            copy.add(memcpy.pass());
            let (took, pass) = timed(|| match definition.model {
                Model::Sieve => sieve_all(sieve, &corpus),
                _ => scrub(sieve.scrubber(), &corpus),
            });
            tamis.add(took);
            counts = pass;
            verify(definition, &counts, corpus.repeats())?;
            if !definition.peers {
                return Ok(());
            }
            let timings = [&mut *regex, &mut *prefiltered];
            for ((peer, timing), found) in peers.iter_mut().zip(timings).zip(&mut found) {
                let (took, pass) = timed(|| peer.redact(&corpus, &mut out));
                timing.add(took);
                *found = pass;
            }
            verify_peers(definition, peers, &found, corpus.repeats())
        })?;
        Ok(Some(Outcome {
            definition: definition.clone(),
            size: *size,
            bytes: corpus.bytes(),
            repeats: corpus.repeats(),
            lines: counts.lines,
            found: counts.report.detections_total(),
            peers_found: found.map(|f| f.total()),
            copy: copy.best(),
            timings,
        }))
    }

    /// The time from nothing to rules that are ready.
    fn compile(&mut self, definition: &Definition) -> Result<Outcome, String> {
        let mut timings: [Timing; Subject::COUNT] = Default::default();
        let [tamis, _, regex, prefiltered] = &mut timings;
        rounds(self.size.patience(false), || {
            tamis.add(timed(|| black_box(Scrubber::new(Options::default()))).0);
            let (took, built) = timed(Set::new);
            black_box(&built?);
            regex.add(took);
            let (took, built) = timed(Prefiltered::new);
            black_box(&built?);
            prefiltered.add(took);
            Ok(())
        })?;
        let milliseconds = tamis.best() * 1e3;
        match definition.expect.milliseconds_max {
            // Unoptimised code is not what the limit is about.
            Some(max) if milliseconds > max && !cfg!(debug_assertions) => Err(format!(
                "compile: {milliseconds:.1} ms, more than the {max} ms that it may take"
            )),
            _ => Ok(Outcome {
                definition: definition.clone(),
                size: self.size,
                bytes: 0,
                repeats: 1,
                lines: 0,
                found: 0,
                peers_found: [0; 2],
                copy: f64::INFINITY,
                timings,
            }),
        }
    }
}

fn scrub(scrubber: &Scrubber, corpus: &Corpus) -> Counts {
    let mut counts = Counts::default();
    let mut scratch = ScrubScratch::default();
    let mut out = Vec::new();
    for chunk in corpus.chunks() {
        out.clear();
        scrubber.scrub_lines(chunk, &mut out, &mut scratch, &mut counts.report);
        // Of what came out: one line for each.
        counts.lines += memchr::memchr_iter(b'\n', black_box(&out)).count() as u64;
    }
    counts
}

fn sieve_all(sieve: &Sieve, corpus: &Corpus) -> Counts {
    let mut counts = Counts::default();
    let mut scratch = Scratch::new(sieve);
    let envelope = Envelope {
        timestamp_ns: TIMESTAMP_NS,
        stream: Stream::Stdout,
        profile: None,
        truncated: false,
    };
    for line in corpus.lines() {
        match sieve.sieve(RawLine::new(line), &envelope, &mut scratch) {
            Verdict::Keep(record) => {
                black_box(record);
                counts.kept += 1;
            }
            Verdict::Drop(reason) => {
                black_box(reason);
                counts.dropped += 1;
            }
        }
        counts.lines += 1;
    }
    counts.report = scratch.take_report();
    counts
}

/// Every count that the definition names, times the repeats. All differences at once.
fn verify(definition: &Definition, counts: &Counts, repeats: u64) -> Result<(), String> {
    let expect = &definition.expect;
    let mut wrong = Vec::new();
    let mut check = |what: &str, want: Option<u64>, got: u64| {
        if want.is_some_and(|want| want * repeats != got) {
            let (want, got) = (want.unwrap_or_default(), got as f64 / repeats as f64);
            wrong.push(format!("{what}: {got} instead of {want}"));
        }
    };
    check("lines", expect.lines, counts.lines);
    check("kept", expect.kept, counts.kept);
    check("dropped", expect.dropped, counts.dropped);
    if let Some(detections) = &expect.detections {
        for kind in Kind::ALL {
            let want = detections.get(kind.name()).copied().unwrap_or_default();
            check(kind.name(), Some(want), counts.report.detections_of(kind));
        }
    }
    told(definition, "", &wrong)
}

/// A peer that misses plain values is not one to be compared with.
fn verify_peers(
    definition: &Definition,
    peers: &[Peer],
    found: &[Found],
    repeats: u64,
) -> Result<(), String> {
    let Some(least) = &definition.expect.peers else { return Ok(()) };
    for ((name, peer), found) in Peer::NAMES.into_iter().zip(peers).zip(found) {
        told(definition, name, &peer.missing(found, least, repeats))?;
    }
    Ok(())
}

fn told(definition: &Definition, who: &str, wrong: &[String]) -> Result<(), String> {
    match wrong {
        [] => Ok(()),
        wrong => Err(format!("{}: {who} per pass {}", definition.name, wrong.join(", "))),
    }
}

//! Runs one definition: repeats its corpus up to a size, verifies every count, takes the best of
//! a few timed passes, and a `memcpy` of the same bytes beside them.

use std::hint::black_box;
use std::time::{Duration, Instant};

use serde_json::json;
use tamis_scrubber::record::{RawLine, Stream};
use tamis_scrubber::report::{Kind, Report};
use tamis_scrubber::scrub::ScrubScratch;
use tamis_scrubber::sieve::{Envelope, Scratch, Sieve, Verdict};

use crate::corpus::Corpus;
use crate::definition::{Definition, Model};

/// A record's time: any constant, since the kernel has no clock.
const TIMESTAMP_NS: i64 = 1_760_000_000_000_000_000;

/// How much is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// For a test: the corpus a few times.
    Small,
    /// For a figure: more than any cache holds.
    Large,
}

impl Size {
    const fn bytes(self) -> usize {
        match self {
            Size::Small => 256 * 1024,
            Size::Large => 32 * 1024 * 1024,
        }
    }

    /// Timed passes; the best counts.
    const fn passes(self) -> usize {
        match self {
            Size::Small => 1,
            Size::Large => 3,
        }
    }

    const fn name(self) -> &'static str {
        match self {
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

/// A measured and verified run.
pub(crate) struct Outcome {
    name: String,
    model: Model,
    size: Size,
    bytes: usize,
    best: Duration,
    memcpy: Duration,
    counts: Counts,
}

/// Runs a definition. `None` where its corpus is not present and need not be.
///
/// # Errors
/// A corpus that cannot be read, or a count that is not what the definition says.
pub(crate) fn run(definition: &Definition, size: Size) -> Result<Option<Outcome>, String> {
    let Some(corpus) = Corpus::read(definition)? else { return Ok(None) };
    let repeats = size.bytes().div_ceil(corpus.bytes().max(1)).max(1);
    let corpus = corpus.repeated(repeats);
    let sieve = Sieve::builtin();
    let mut best = Duration::MAX;
    let mut memcpy = Duration::MAX;
    let mut counts = Counts::default();
    for _ in 0..size.passes() {
        memcpy = memcpy.min(copy(&corpus));
        let start = now();
        counts = match definition.model {
            Model::Scrub => scrub(&sieve, &corpus),
            Model::Sieve => sieve_all(&sieve, &corpus),
        };
        best = best.min(start.elapsed());
        verify(definition, &counts, repeats as u64)?;
    }
    Ok(Some(Outcome {
        name: definition.name.clone(),
        model: definition.model,
        size,
        bytes: corpus.bytes(),
        best,
        memcpy,
        counts,
    }))
}

#[allow(clippy::disallowed_methods, reason = "a benchmark measures; the kernel has no clock")]
fn now() -> Instant {
    Instant::now()
}

/// The same bytes copied once.
fn copy(corpus: &Corpus) -> Duration {
    let mut out = vec![0_u8; corpus.bytes()];
    let start = now();
    out.copy_from_slice(black_box(corpus.text()));
    let took = start.elapsed();
    black_box(&out);
    took
}

fn scrub(sieve: &Sieve, corpus: &Corpus) -> Counts {
    let mut counts = Counts::default();
    let mut scratch = ScrubScratch::default();
    let mut out = Vec::new();
    for line in corpus.lines() {
        out.clear();
        sieve.scrubber().scrub(line, &mut out, &mut scratch, &mut counts.report);
        black_box(&out);
        counts.lines += 1;
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
    check("lines", Some(expect.lines), counts.lines);
    check("kept", expect.kept, counts.kept);
    check("dropped", expect.dropped, counts.dropped);
    if let Some(detections) = &expect.detections {
        for kind in Kind::ALL {
            let want = detections.get(kind.name()).copied().unwrap_or_default();
            check(kind.name(), Some(want), counts.report.detections_of(kind));
        }
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(format!("{}: per pass {}", definition.name, wrong.join(", "))),
    }
}

impl Outcome {
    fn mb_per_second(&self) -> f64 {
        self.bytes as f64 / 1e6 / self.best.as_secs_f64()
    }

    fn lines_per_second(&self) -> f64 {
        self.counts.lines as f64 / self.best.as_secs_f64()
    }

    /// Time of the copy over time of the work: 1 would be as fast as `memcpy`.
    fn ratio(&self) -> f64 {
        self.memcpy.as_secs_f64() / self.best.as_secs_f64()
    }

    /// One line to read.
    pub(crate) fn for_people(&self) -> String {
        format!(
            "{} ({}, {}): {:.1} MB/s, {:.0} lines/s, 1/{:.1} of memcpy; {} detections, verified",
            self.name,
            self.model.name(),
            self.size.name(),
            self.mb_per_second(),
            self.lines_per_second(),
            1.0 / self.ratio(),
            self.counts.report.detections_total(),
        )
    }

    /// One line to record.
    pub(crate) fn to_json(&self) -> String {
        let report = &self.counts.report;
        json!({
            "name": self.name,
            "model": self.model.name(),
            "size": self.size.name(),
            "bytes": self.bytes,
            "lines": self.counts.lines,
            "seconds": self.best.as_secs_f64(),
            "mb_per_second": self.mb_per_second(),
            "lines_per_second": self.lines_per_second(),
            "memcpy_mb_per_second": self.bytes as f64 / 1e6 / self.memcpy.as_secs_f64(),
            "memcpy_ratio": self.ratio(),
            "kept": self.counts.kept,
            "dropped": self.counts.dropped,
            "detections": report.detections_total(),
            "fields_dropped": report.fields_total(),
        })
        .to_string()
    }
}

//! Wall 2 applied to a text: spans found by the detectors, rewritten as placeholders.
//!
//! Invariants: spans are sorted, disjoint and in range; they cut neither a character nor an escape;
//! a placeholder is ASCII without quotes or backslashes, so a line that was valid JSON stays so; a
//! number in JSON becomes a quoted placeholder; the output has nothing left to find, so scrubbing
//! it again changes nothing.

use crate::detect::gate::Gate;
use crate::detect::shadow::{LAYERS_MAX, Shadow};
use crate::detect::{Scan, Tables};
use crate::pseudonym::PseudonymKey;
use crate::report::{Kind, Report};

mod json;
mod resolve;
mod write;

/// Times an output is scrubbed again before it is given up as a whole.
const ROUNDS_MAX: usize = 4;

/// A detection, in byte offsets of the text as given (encoded forms included).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// What it is.
    pub kind: Kind,
}

/// What happens to the detections of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Action {
    /// Replace by `[KIND]`.
    #[default]
    Redact,
    /// Replace by `[KIND:key:tag]`; needs a key, and redacts without one.
    Pseudonym,
    /// Addresses: keep the network, `[IP:203.0.113.0/24]` or a /48; other kinds are redacted.
    Truncate,
    /// Leave as it is.
    Keep,
}

/// Choices of a policy for wall 2.
#[derive(Debug)]
pub struct Options {
    actions: [Action; Kind::ALL.len()],
    key: Option<PseudonymKey>,
    keep_private_ip: bool,
}

impl Default for Options {
    /// Redacts every kind, leaves private addresses.
    fn default() -> Self {
        Options { actions: [Action::Redact; Kind::ALL.len()], key: None, keep_private_ip: true }
    }
}

impl Options {
    /// What happens to one kind.
    pub fn action(mut self, kind: Kind, action: Action) -> Options {
        if let Some(a) = self.actions.get_mut(kind as usize) {
            *a = action;
        }
        self
    }

    /// The key of pseudonyms.
    pub fn key(mut self, key: PseudonymKey) -> Options {
        self.key = Some(key);
        self
    }

    /// Whether loopback, private, link-local and unspecified addresses are left.
    pub fn keep_private_ip(mut self, keep: bool) -> Options {
        self.keep_private_ip = keep;
        self
    }
}

/// The compiled detectors: shared by all workers.
pub struct Scrubber {
    tables: Tables,
    options: Options,
}

impl Default for Scrubber {
    fn default() -> Self {
        Scrubber::new(Options::default())
    }
}

/// A detection and where its decoded value is: the layer, and the range in it.
#[derive(Clone, Copy)]
struct Found {
    span: Span,
    layer: usize,
    value: (usize, usize),
}

/// Buffers of one worker, reused from line to line.
#[derive(Default)]
pub struct ScrubScratch {
    spans: Vec<Span>,
    found: Vec<Found>,
    resolved: Vec<Found>,
    raw: Vec<Span>,
    gate: Gate,
    layers: [Shadow; LAYERS_MAX],
    buffers: [Vec<u8>; 2],
}

impl Scrubber {
    /// Compiles the tables.
    pub fn new(options: Options) -> Scrubber {
        let mut tables = Tables::new();
        tables.keep_private_ip = options.keep_private_ip;
        Scrubber { tables, options }
    }

    /// Finds what is personal or secret in `text`: sorted, disjoint spans. Linear in `text.len()`.
    pub fn spans<'s>(&self, text: &[u8], scratch: &'s mut ScrubScratch) -> &'s [Span] {
        self.find(text, scratch);
        scratch.spans.clear();
        scratch.spans.extend(scratch.resolved.iter().map(|f| f.span));
        &scratch.spans
    }

    /// Whether nothing is found in `text`.
    pub fn is_clean(&self, text: &[u8], scratch: &mut ScrubScratch) -> bool {
        self.find(text, scratch);
        scratch.resolved.is_empty()
    }

    /// Appends `text` to `out` with a placeholder in place of each detection, counted in `report`.
    pub fn scrub(
        &self,
        text: &[u8],
        out: &mut Vec<u8>,
        scratch: &mut ScrubScratch,
        report: &mut Report,
    ) {
        self.find(text, scratch);
        if scratch.resolved.is_empty() {
            out.extend_from_slice(text);
            return;
        }
        let [mut now, mut next] = std::mem::take(&mut scratch.buffers);
        now.clear();
        self.write(text, &mut now, scratch, report);
        // What a placeholder left beside it may have become a detection of its own.
        let mut rounds = 1;
        loop {
            self.find(&now, scratch);
            if scratch.resolved.is_empty() {
                out.extend_from_slice(&now);
                break;
            }
            if rounds == ROUNDS_MAX {
                report.detection(Kind::Secret);
                out.extend_from_slice(b"[SECRET]");
                break;
            }
            next.clear();
            self.write(&now, &mut next, scratch, report);
            std::mem::swap(&mut now, &mut next);
            rounds += 1;
        }
        scratch.buffers = [now, next];
    }

    fn action(&self, kind: Kind) -> Action {
        self.options.actions.get(kind as usize).copied().unwrap_or_default()
    }

    /// Fills `scratch.resolved`.
    fn find(&self, text: &[u8], scratch: &mut ScrubScratch) {
        scratch.found.clear();
        scratch.resolved.clear();
        let mut layers = std::mem::take(&mut scratch.layers);
        self.scan(text, &[], scratch);
        for n in 1..=LAYERS_MAX {
            let (below, above) = layers.split_at_mut(n - 1);
            let source = below.last().map_or(text, Shadow::text);
            let gate = &scratch.gate;
            let changed = above.first_mut().is_some_and(|shadow| shadow.decode(source, gate));
            let Some(taken) = layers.get(..n).filter(|_| changed) else { break };
            let source = taken.last().map_or(text, Shadow::text);
            self.scan(source, taken, scratch);
        }
        scratch.layers = layers;
        if !scratch.found.is_empty() {
            resolve::resolve(text, &mut scratch.found, &mut scratch.resolved);
        }
    }

    /// Scans one layer and maps what it finds back through the layers to the text.
    fn scan(&self, text: &[u8], layers: &[Shadow], scratch: &mut ScrubScratch) {
        let ScrubScratch { raw, found, gate, .. } = scratch;
        raw.clear();
        gate.open(text, &self.tables);
        Scan::run(text, &self.tables, gate, raw);
        for span in raw.iter().filter(|s| self.action(s.kind) != Action::Keep) {
            let value = (span.start, span.end);
            let (start, end) = layers.iter().rev().fold(value, |(a, b), layer| layer.map(a, b));
            found.push(Found { span: Span { start, end, ..*span }, layer: layers.len(), value });
        }
    }
}

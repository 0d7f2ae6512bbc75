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
mod rules;
mod write;

pub use rules::Rules;

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

/// What happens to the detections of a kind. Placeholders: [`crate::placeholder`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Action {
    /// Replace by `[KIND]`; a typed field is dropped.
    #[default]
    Redact,
    /// Replace by `[KIND:***]`.
    Mask,
    /// Replace by `[KIND:key:tag]`; needs a key, and redacts without one.
    Pseudonym,
    /// Addresses: keep the network, `[IP:203.0.113.0/24]` or a /48; other kinds are redacted.
    Truncate,
    /// Leave as it is.
    Keep,
    /// Drop the field, free text too; in a text alone, redact.
    DropField,
    /// Drop the record.
    DropRecord,
}

/// Choices of a policy for wall 2.
pub struct Options {
    actions: [Action; Kind::ALL.len()],
    key: Option<PseudonymKey>,
    rules: Rules,
    keep_private_ip: bool,
}

impl Default for Options {
    /// Redacts every kind, leaves private addresses.
    fn default() -> Self {
        let actions = [Action::Redact; Kind::ALL.len()];
        Options { actions, key: None, rules: Rules::none(), keep_private_ip: true }
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

    /// Rules besides the built-in kinds.
    pub fn rules(mut self, rules: Rules) -> Options {
        self.rules = rules;
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
    /// The user's rule that found it.
    rule: Option<u8>,
}

impl Found {
    fn count(&self, report: &mut Report) {
        match self.rule {
            Some(rule) => report.rule(usize::from(rule)),
            None => report.detection(self.span.kind),
        }
    }
}

/// Buffers of one worker, reused from line to line.
#[derive(Default)]
pub struct ScrubScratch {
    spans: Vec<Span>,
    found: Vec<Found>,
    resolved: Vec<Found>,
    raw: Vec<Span>,
    gate: Gate,
    matching: rules::Matching,
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

    /// What the policy says of the last text that was looked at: drop its record, its field, or
    /// neither.
    pub(crate) fn drops(&self, scratch: &ScrubScratch) -> Action {
        let actions = || scratch.resolved.iter().map(|f| self.action_of(f));
        let strictest = [Action::DropRecord, Action::DropField];
        strictest.into_iter().find(|s| actions().any(|a| a == *s)).unwrap_or_default()
    }

    /// Counts what was found in the last text that was looked at.
    pub(crate) fn count(&self, scratch: &ScrubScratch, report: &mut Report) {
        scratch.resolved.iter().for_each(|found| found.count(report));
    }

    /// The names of the user's rules, in the order of the policy; empty where one has none.
    pub fn rules(&self) -> impl Iterator<Item = &str> {
        (0..self.options.rules.len()).map(|i| self.options.rules.name(i))
    }

    /// Whether something may make this policy drop a record.
    pub(crate) fn may_drop_records(&self) -> bool {
        let rules = &self.options.rules;
        self.options.actions.contains(&Action::DropRecord)
            || (0..rules.len()).any(|i| rules.action(i) == Some(Action::DropRecord))
    }

    fn action(&self, kind: Kind) -> Action {
        self.options.actions.get(kind as usize).copied().unwrap_or_default()
    }

    /// A rule's own action goes before that of its kind.
    fn action_of(&self, found: &Found) -> Action {
        let own = found.rule.and_then(|rule| self.options.rules.action(usize::from(rule)));
        own.unwrap_or_else(|| self.action(found.span.kind))
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
        let ScrubScratch { raw, found, gate, matching, .. } = scratch;
        raw.clear();
        gate.open(text, &self.tables);
        Scan::run(text, &self.tables, gate, raw);
        let map = |a, b| layers.iter().rev().fold((a, b), |(a, b), layer| layer.map(a, b));
        for span in raw.iter().filter(|s| self.action(s.kind) != Action::Keep) {
            let value = (span.start, span.end);
            let (start, end) = map(span.start, span.end);
            let span = Span { start, end, ..*span };
            found.push(Found { span, layer: layers.len(), value, rule: None });
        }
        self.options.rules.find(text, layers.len(), map, matching, found);
    }
}

//! Wall 2 applied to a text: spans found by the detectors, rewritten as placeholders.
//!
//! Invariants: spans are sorted, disjoint and in range; they cut neither a character nor an escape;
//! a placeholder is ASCII without quotes or backslashes, so a line that was valid JSON stays so; a
//! number in JSON becomes a quoted placeholder; the output has nothing left to find, so scrubbing
//! it again changes nothing.

use std::ops::Range;

use crate::detect::gate::{Gate, View};
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

/// Bytes of lines that are looked at together: what they need stays in the processor's cache.
const CHUNK_BYTES: usize = 16 * 1024;
/// Bytes on either side of a placeholder that are looked at again.
const NEAR_BYTES: usize = 320;
/// Bytes at the edge of such a part in which nothing counts.
const EDGE_BYTES: usize = 80;
/// Signs between two groups of a number.
const SIGNS_MAX: usize = 4;

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

/// What gates are opened on: the text given, the text rewritten, and each layer of either.
#[derive(Default)]
struct Gates {
    given: Gate,
    rewritten: Gate,
    layer: Gate,
}

/// Buffers of one worker, reused from line to line.
#[derive(Default)]
pub struct ScrubScratch {
    spans: Vec<Span>,
    found: Vec<Found>,
    resolved: Vec<Found>,
    raw: Vec<Span>,
    /// Layers of encoding that were taken off the text last looked at.
    decoded: usize,
    /// Where placeholders are in the text last rewritten.
    written: Vec<Range<usize>>,
    gates: Gates,
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
        self.look(text, scratch);
        scratch.spans.clear();
        scratch.spans.extend(scratch.resolved.iter().map(|f| f.span));
        &scratch.spans
    }

    /// Whether nothing is found in `text`.
    pub fn is_clean(&self, text: &[u8], scratch: &mut ScrubScratch) -> bool {
        self.look(text, scratch);
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
        let mut given = std::mem::take(&mut scratch.gates.given);
        given.open(text, &self.tables);
        let view = given.view(0, text.len());
        self.find(text, view, scratch);
        self.rewrite(text, view, out, scratch, report);
        scratch.gates.given = given;
    }

    /// As [`Scrubber::scrub`] for each line of `text`: what stands between two LF. Faster, since
    /// lines in which nothing can be found are told all at once.
    pub fn scrub_lines(
        &self,
        text: &[u8],
        out: &mut Vec<u8>,
        scratch: &mut ScrubScratch,
        report: &mut Report,
    ) {
        if self.options.rules.len() > 0 {
            for (i, line) in text.split(|b| *b == b'\n').enumerate() {
                out.extend_from_slice(if i > 0 { b"\n" } else { b"" });
                self.scrub(line, out, scratch, report);
            }
            return;
        }
        let mut rest = text;
        while rest.len() > CHUNK_BYTES {
            // Whole lines: as many as fit, or one that does not.
            let (head, tail) = rest.split_at(CHUNK_BYTES);
            let cut = memchr::memrchr(b'\n', head)
                .or_else(|| memchr::memchr(b'\n', tail).map(|n| CHUNK_BYTES + n));
            let Some(cut) = cut else { break };
            let (chunk, after) = rest.split_at(cut + 1);
            self.scrub_chunk(chunk, out, scratch, report);
            rest = after;
        }
        self.scrub_chunk(rest, out, scratch, report);
    }

    fn scrub_chunk(
        &self,
        text: &[u8],
        out: &mut Vec<u8>,
        scratch: &mut ScrubScratch,
        report: &mut Report,
    ) {
        let mut given = std::mem::take(&mut scratch.gates.given);
        given.open(text, &self.tables);
        let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
        let (mut from, mut copied) = (0, 0);
        while let Some(place) = given.next(from) {
            let start = memchr::memrchr(b'\n', part(from, place)).map_or(from, |n| from + n + 1);
            let end =
                memchr::memchr(b'\n', part(place, text.len())).map_or(text.len(), |n| place + n);
            let line = part(start, end);
            let view = given.view(start, line.len());
            self.find(line, view, scratch);
            if !scratch.resolved.is_empty() {
                out.extend_from_slice(part(copied, start));
                self.rewrite(line, view, out, scratch, report);
                copied = end;
            }
            from = end + 1;
        }
        out.extend_from_slice(part(copied, text.len()));
        scratch.gates.given = given;
    }

    /// Appends `text` to `out` with what was found in it replaced, until nothing is left to find.
    fn rewrite(
        &self,
        text: &[u8],
        view: View<'_>,
        out: &mut Vec<u8>,
        scratch: &mut ScrubScratch,
        report: &mut Report,
    ) {
        if scratch.resolved.is_empty() {
            return out.extend_from_slice(text);
        }
        if self.is_settled(text, view, scratch) {
            return self.write(text, out, scratch, report);
        }
        let [mut now, mut next] = std::mem::take(&mut scratch.buffers);
        now.clear();
        self.write(text, &mut now, scratch, report);
        // What a placeholder left beside it may have become a detection of its own.
        let mut rounds = 1;
        loop {
            self.look_again(&now, scratch);
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

    /// Whether placeholders cannot make anything beside them a detection: nothing is encoded, no
    /// digits are near that were part of a longer number, and what stands before a placeholder,
    /// which is not looked at from behind it any more, has no word with a meaning, or none at all.
    fn is_settled(&self, text: &[u8], view: View<'_>, scratch: &ScrubScratch) -> bool {
        let alone = |f: &Found| {
            let Span { start, end, .. } = f.span;
            stands_alone(text, &f.span)
                && (!view.has_words_near(start, end) || !view.has_letters_before(start))
        };
        self.options.rules.len() == 0 && scratch.decoded == 0 && scratch.resolved.iter().all(alone)
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

    /// Fills `scratch.resolved` for a text as given.
    fn look(&self, text: &[u8], scratch: &mut ScrubScratch) {
        let mut given = std::mem::take(&mut scratch.gates.given);
        given.open(text, &self.tables);
        self.find(text, given.view(0, text.len()), scratch);
        scratch.gates.given = given;
    }

    /// Fills `scratch.resolved` for a text that was just rewritten: near the placeholders only, as
    /// far as a detector looks, unless they are everywhere or something is found there.
    fn look_again(&self, text: &[u8], scratch: &mut ScrubScratch) {
        let mut rewritten = std::mem::take(&mut scratch.gates.rewritten);
        let mut look = |from: usize, to: usize, scratch: &mut ScrubScratch| {
            let part = text.get(from..to).unwrap_or_default();
            rewritten.open(part, &self.tables);
            self.find(part, rewritten.view(0, part.len()), scratch);
            // What the edges of a part cut may look like something that it is not.
            let inner = |f: &Found| {
                (from == 0 || f.span.start >= EDGE_BYTES)
                    && (to == text.len() || f.span.end + EDGE_BYTES <= part.len())
            };
            scratch.resolved.iter().any(inner)
        };
        let around = 2 * NEAR_BYTES * scratch.written.len();
        let found = around * 2 > text.len();
        let written = std::mem::take(&mut scratch.written);
        let mut places = written.iter().filter(|_| !found).peekable();
        while let Some(first) = places.next() {
            let (from, mut to) = (first.start.saturating_sub(NEAR_BYTES), first.end + NEAR_BYTES);
            while let Some(next) = places.next_if(|w| w.start < to + NEAR_BYTES) {
                to = next.end + NEAR_BYTES;
            }
            if look(from, to.min(text.len()), scratch) {
                scratch.written = written;
                look(0, text.len(), scratch);
                scratch.gates.rewritten = rewritten;
                return;
            }
        }
        scratch.written = written;
        scratch.resolved.clear();
        if found {
            look(0, text.len(), scratch);
        }
        scratch.gates.rewritten = rewritten;
    }

    /// Fills `scratch.resolved`: what is found in the text and in its decoded layers.
    fn find(&self, text: &[u8], view: View<'_>, scratch: &mut ScrubScratch) {
        scratch.found.clear();
        scratch.resolved.clear();
        scratch.decoded = 0;
        self.scan(text, view, &[], scratch);
        if view.is_encoded() {
            self.find_encoded(text, view, scratch);
        }
        if !scratch.found.is_empty() {
            resolve::resolve(text, &mut scratch.found, &mut scratch.resolved);
        }
    }

    /// Takes off layer after layer of encoding.
    fn find_encoded(&self, text: &[u8], view: View<'_>, scratch: &mut ScrubScratch) {
        let mut layers = std::mem::take(&mut scratch.layers);
        let mut gate = std::mem::take(&mut scratch.gates.layer);
        for n in 1..=LAYERS_MAX {
            let (below, above) = layers.split_at_mut(n - 1);
            let source = below.last().map_or(text, Shadow::text);
            let under = if n == 1 { view } else { gate.view(0, source.len()) };
            let changed = above.first_mut().is_some_and(|shadow| shadow.decode(source, under));
            let Some(taken) = layers.get(..n).filter(|_| changed) else { break };
            scratch.decoded = n;
            let layer = taken.last().map_or(text, Shadow::text);
            gate.open(layer, &self.tables);
            self.scan(layer, gate.view(0, layer.len()), taken, scratch);
        }
        scratch.layers = layers;
        scratch.gates.layer = gate;
    }

    /// Scans one layer and maps what it finds back through the layers to the text.
    fn scan(&self, text: &[u8], view: View<'_>, layers: &[Shadow], scratch: &mut ScrubScratch) {
        let ScrubScratch { raw, found, matching, .. } = scratch;
        raw.clear();
        Scan::run(text, &self.tables, view, raw);
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

/// Whether a span stands between blanks, quotes or brackets, and no digits beyond the signs that
/// numbers have between their groups.
fn stands_alone(text: &[u8], span: &Span) -> bool {
    let at = |i: usize| text.get(i).copied().unwrap_or(0);
    let before = |i: usize| i.checked_sub(1).map_or(0, at);
    let sign = |b: u8| b" +.-/_,;:#".contains(&b);
    let opens =
        matches!(before(span.start), 0 | b' ' | b'\t' | b'"' | b'\'' | b'[' | b'(' | b'<' | b'=');
    let closes =
        matches!(at(span.end), 0 | b' ' | b'\t' | b'"' | b'\'' | b']' | b')' | b'>' | b',' | b';');
    let (mut left, mut right) = (span.start, span.end);
    while span.start - left < SIGNS_MAX && sign(before(left)) {
        left -= 1;
    }
    while right - span.end < SIGNS_MAX && sign(at(right)) {
        right += 1;
    }
    opens && closes && !before(left).is_ascii_digit() && !at(right).is_ascii_digit()
}

//! Wall 1 at work: the visitor that walks the profile's key trie in step with a parser, judges each
//! value by its type, and hands text to wall 2.

use super::message;
use super::typed::{Checked, Words, check};
use super::{Sieve, Work};
use crate::lexicon::Setting;
use crate::parse::{self, DEPTH_MAX, Outcome, Step, Text, Value as Raw, Visit};
use crate::policy::profile::{FieldSpec, Profile, Trie};
use crate::policy::types::{FieldType, Format};
use crate::record::{CleanRecord, FieldId, Value};
use crate::report::{DropReason, FieldReason, Report};
use crate::scrub::Action;

/// Fields of one record; more are dropped and counted.
const FIELDS_MAX: usize = 64;
/// Texts inside texts (JSON in a string, pairs in a message).
const NESTED_MAX: usize = 3;

/// The judgement of one line.
pub(super) struct Judge<'w> {
    pub(super) sieve: &'w Sieve,
    pub(super) profile: &'w Profile,
    pub(super) record: &'w mut CleanRecord,
    pub(super) report: &'w mut Report,
    pub(super) work: &'w mut Work,
    /// The line is not what it should be: cut JSON, not UTF-8. Free text is read tightly.
    pub(super) tight: bool,
    /// Keyed hash of a message of which nothing was left.
    pub(super) template: Option<[u8; 16]>,
    /// The policy wants the record gone.
    pub(super) refused: bool,
    path: [usize; DEPTH_MAX * (NESTED_MAX + 1)],
    depth: usize,
    nested: usize,
    fields: usize,
}

impl<'w> Judge<'w> {
    pub(super) fn new(
        sieve: &'w Sieve,
        profile: &'w Profile,
        record: &'w mut CleanRecord,
        report: &'w mut Report,
        work: &'w mut Work,
    ) -> Self {
        Judge {
            sieve,
            profile,
            record,
            report,
            work,
            tight: false,
            template: None,
            refused: false,
            path: [Trie::ROOT; DEPTH_MAX * (NESTED_MAX + 1)],
            depth: 0,
            nested: 0,
            fields: 0,
        }
    }

    /// Reads the line by the first of the profile's formats that knows it. `cut` is the line
    /// without a token that truncation may have damaged.
    pub(super) fn line(&mut self, whole: &str, cut: &str) {
        for format in &self.profile.formats {
            // The JSON parser leaves out what does not end, so it can be given the whole.
            let text = if *format == Format::Json { whole } else { cut };
            match read(*format, text, self) {
                Outcome::Foreign => {}
                Outcome::Whole => return,
                Outcome::Broken => {
                    self.removed(FieldReason::Bound);
                    return;
                }
            }
            // What calls itself JSON and is none may be a cut or foreign dump of content.
            self.tight |= *format == Format::Json && text.starts_with('{');
        }
    }

    /// Ends the record: what is left if no message is, and why it is dropped if nothing is.
    pub(super) fn finish(&mut self) -> Result<(), DropReason> {
        if self.refused {
            return Err(DropReason::Policy);
        }
        if let Some(id) = self.template
            && self.record.get(FieldId::MSG).is_none()
        {
            let hex = std::str::from_utf8(&id).unwrap_or("");
            self.record.push(FieldId::TEMPLATE_ID, Value::Text(hex));
        }
        if self.record.is_empty() { Err(DropReason::NothingTechnical) } else { Ok(()) }
    }

    /// Counts a removed field.
    pub(super) fn removed(&mut self, reason: FieldReason) {
        self.report.field(reason);
        let removed = self.record.removed_mut();
        removed.fields = removed.fields.saturating_add(1);
    }

    /// Adds a value that needs no wall 2.
    pub(super) fn push(&mut self, id: FieldId, value: Value<'_>) {
        if self.fields >= FIELDS_MAX {
            self.removed(FieldReason::Bound);
        } else if self.record.push(id, value) {
            self.fields += 1;
        }
    }

    /// Adds text that wall 2 finds nothing in; a typed field cannot carry a placeholder.
    pub(super) fn push_open(&mut self, id: FieldId, text: &str) {
        if self.inspect(text) {
            self.push(id, Value::Text(text));
        } else {
            self.removed(FieldReason::Detection);
        }
    }

    /// Whether wall 2 and the user's rules find nothing in a text. Counts what they find.
    fn inspect(&mut self, text: &str) -> bool {
        let (scrubber, scratch) = (&self.sieve.scrubber, &mut self.work.scrub);
        let found = scrubber.spans(text.as_bytes(), scratch).len();
        scrubber.count(scratch, self.report);
        self.refused |= scrubber.drops(scratch) == Action::DropRecord;
        let removed = self.record.removed_mut();
        removed.detections =
            removed.detections.saturating_add(u32::try_from(found).unwrap_or(u32::MAX));
        found == 0
    }

    /// The setting that a message is read with: the stricter of profile and field.
    pub(super) fn setting(&self, field: Option<Setting>) -> Setting {
        let strict = |s: Setting| match s {
            Setting::Loose => 0,
            Setting::Standard => 1,
            Setting::Tight => 2,
            Setting::Drop => 3,
        };
        let line = if self.tight { Setting::Tight } else { Setting::Loose };
        [self.profile.setting, field.unwrap_or(Setting::Loose), line]
            .into_iter()
            .max_by_key(|s| strict(*s))
            .unwrap_or(Setting::Drop)
    }

    /// Judges a value given by its role rather than by a key on the line.
    pub(super) fn typed(&mut self, id: FieldId, kind: &FieldType, text: &str) {
        let mut out = std::mem::take(&mut self.work.out);
        let compiled = &self.sieve.compiled;
        let words = Words {
            lexicon: &self.sieve.lexicon,
            segments: &compiled.segments,
            models: &compiled.models,
            hosts: &compiled.hosts,
        };
        match check(kind, text, &words, &mut out) {
            None => self.removed(FieldReason::Type),
            Some(Checked::Closed(value)) => self.push(id, value),
            Some(Checked::Open(text)) => self.push_open(id, text),
            Some(Checked::Level(level, spelt)) => {
                if self.record.level().is_none() {
                    self.record.set_level(level);
                }
                self.push(id, Value::Text(spelt));
            }
        }
        self.work.out = out;
    }

    fn field(&mut self, spec: &FieldSpec, value: Raw<'_>) {
        let text = match value {
            Raw::Null => return,
            Raw::Array if spec.kind == FieldType::Drop => return self.removed(FieldReason::Policy),
            Raw::Array => return self.removed(FieldReason::Type),
            Raw::Bool(true) => Text::plain("true"),
            Raw::Bool(false) => Text::plain("false"),
            Raw::Number(n) => Text::plain(n),
            Raw::Text(t) if t.raw().is_empty() => return,
            Raw::Text(t) => t,
        };
        match &spec.kind {
            FieldType::Drop => self.removed(FieldReason::Policy),
            FieldType::Timestamp => {}
            kind => self.with_decoded(text, |judge, text| match kind {
                FieldType::Json => judge.json(text),
                FieldType::Message { setting, grammar } => {
                    let setting = judge.setting(*setting);
                    message::judge(judge, spec.id, text, setting, *grammar);
                }
                kind => judge.typed(spec.id, kind, text),
            }),
        }
    }

    /// Runs `then` on the decoded text, in a buffer of the pool if it had escapes or colours.
    fn with_decoded(&mut self, text: Text<'_>, then: impl FnOnce(&mut Self, &str)) {
        let mut buffer = self.work.pool.pop().unwrap_or_default();
        let decoded = text.decode(&mut buffer);
        if memchr::memchr(0x1b, decoded.as_bytes()).is_some() {
            let mut plain = self.work.pool.pop().unwrap_or_default();
            plain.clear();
            parse::strip_ansi(decoded, &mut plain);
            then(self, &plain);
            self.work.pool.push(plain);
        } else {
            then(self, decoded);
        }
        self.work.pool.push(buffer);
    }

    /// JSON inside a string: its members are judged at the node that the string stands at.
    fn json(&mut self, text: &str) {
        if self.nested >= NESTED_MAX {
            return self.removed(FieldReason::Bound);
        }
        self.nested += 1;
        if parse::json::walk(text, self) != Outcome::Whole {
            self.removed(FieldReason::Type);
        }
        self.nested -= 1;
    }

    /// Pairs at the end of a message: they are judged like pairs of a line.
    pub(super) fn pairs(&mut self, text: &str) -> bool {
        if self.nested >= NESTED_MAX {
            return false;
        }
        self.nested += 1;
        let depth = std::mem::take(&mut self.depth);
        // The sentence is the message; a pair cannot replace it, and nothing else can come after.
        parse::logfmt::pairs(text, self);
        self.depth = depth;
        self.nested -= 1;
        true
    }

    fn here(&self) -> usize {
        self.path.get(self.depth).copied().unwrap_or(Trie::ROOT)
    }

    fn child(&mut self, key: Text<'_>) -> Option<usize> {
        let mut buffer = std::mem::take(&mut self.work.key);
        let child = self.profile.trie.child(self.here(), key.decode(&mut buffer));
        self.work.key = buffer;
        child
    }
}

impl Visit for Judge<'_> {
    fn enter(&mut self, key: Text<'_>) -> Step {
        let child = self.child(key);
        let profile = self.profile;
        match child {
            Some(node) if profile.trie.has_children(node) => {
                if let Some(slot) = self.path.get_mut(self.depth + 1) {
                    *slot = node;
                    self.depth += 1;
                    return Step::Descend;
                }
                self.removed(FieldReason::Bound);
            }
            Some(node) => {
                let dropped = profile.trie.spec(node).is_some_and(|s| s.kind == FieldType::Drop);
                let reason = if dropped { FieldReason::Policy } else { FieldReason::Type };
                self.removed(reason);
            }
            None => self.removed(FieldReason::Unknown),
        }
        Step::Skip
    }

    fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    fn value(&mut self, key: Text<'_>, value: Raw<'_>) {
        let profile = self.profile;
        let spec = self.child(key).and_then(|node| {
            let below = self.depth;
            let json = profile.trie.spec(node);
            // Members of JSON in a string belong below the string's own key.
            if json.is_some_and(|s| s.kind == FieldType::Json)
                && let Some(slot) = self.path.get_mut(below + 1)
            {
                *slot = node;
            }
            json
        });
        match spec {
            Some(spec) if spec.kind == FieldType::Json => {
                self.depth += 1;
                self.field(spec, value);
                self.depth -= 1;
            }
            Some(spec) => self.field(spec, value),
            None if matches!(value, Raw::Null) => {}
            None => self.removed(FieldReason::Unknown),
        }
    }
}

/// Reads a text in a format.
fn read(format: Format, text: &str, visit: &mut impl Visit) -> Outcome {
    match format {
        Format::Json => parse::json::walk(text, visit),
        Format::Logfmt => parse::logfmt::walk(text, visit),
        Format::Access => parse::access::walk(text, visit),
        Format::Postgres => parse::postgres::walk(text, visit),
        Format::PostgresCsv => parse::csv::walk(text, visit),
        Format::NginxError => parse::nginx_error::walk(text, visit),
        Format::Gin => parse::gin::walk(text, visit),
        Format::Stack => parse::stack::walk(text, visit),
        Format::Text => parse::header::walk(text, visit),
    }
}

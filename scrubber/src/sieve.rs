//! The sieve: a raw line in, a clean record or a reason out.
//!
//! [`Sieve`] is compiled once from the built-in profiles and a policy and shared by all workers;
//! each worker owns a [`Scratch`]. [`Sieve::sieve`] cannot fail and does not panic outward: a panic
//! inside is a dropped, counted record.

mod choose;
mod judge;
mod message;
mod typed;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use aws_lc_rs::{digest, hmac, rand};

use crate::lexicon::{LexScratch, Lexicon};
use crate::parse;
use crate::policy::profile::{BUILTIN, Compiled, compile};
use crate::policy::{Policy, PolicyErrors};
use crate::record::{CleanContainer, CleanRecord, FieldId, FieldNames, RawLine, Stream};
use crate::report::{DropReason, Report};
use crate::scrub::{Action, ScrubScratch, Scrubber};
use judge::Judge;

/// Bytes of the longest container label that passes.
const LABEL_MAX: usize = 128;

/// A profile of one sieve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProfileId(u16);

/// What is known of a line besides its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Envelope {
    /// When the runtime saw the line, nanoseconds since the Unix epoch.
    pub timestamp_ns: i64,
    /// The stream it was written to.
    pub stream: Stream,
    /// How to read it; `None` to detect that from the line.
    pub profile: Option<ProfileId>,
    /// Whether bytes are missing at the end: then the token at the cut is dropped.
    pub truncated: bool,
}

/// What became of a line.
pub enum Verdict<'s> {
    /// What may leave.
    Keep(&'s CleanRecord),
    /// Nothing may leave.
    Drop(DropReason),
}

/// A container's identity as the engine gives it, of which nothing has been judged.
#[derive(Clone, Copy)]
pub struct RawContainer<'a> {
    /// 64 hexadecimal digits.
    pub id: &'a str,
    /// Name, with or without the leading slash.
    pub name: &'a str,
    /// Compose project, or empty.
    pub project: &'a str,
    /// Compose service, or empty.
    pub service: &'a str,
    /// Image reference.
    pub image: &'a str,
}

/// Profiles, lexicon and detectors, compiled.
pub struct Sieve {
    compiled: Compiled,
    names: Arc<FieldNames>,
    lexicon: Lexicon,
    scrubber: Scrubber,
    policy_hash: String,
    template_key: hmac::Key,
    operation_id: FieldId,
    constraint_id: FieldId,
    relation_id: FieldId,
}

/// Buffers and counts of one worker.
pub struct Scratch {
    record: CleanRecord,
    report: Report,
    line: String,
    work: Work,
}

/// Buffers that the judgement of a line uses and leaves behind.
#[derive(Default)]
struct Work {
    lex: LexScratch,
    scrub: ScrubScratch,
    key: String,
    out: String,
    first: Vec<u8>,
    masked: String,
    last: Vec<u8>,
    pool: Vec<String>,
}

impl Scratch {
    /// Buffers for records of `sieve`.
    pub fn new(sieve: &Sieve) -> Self {
        Scratch {
            record: CleanRecord::new(Arc::clone(&sieve.names)),
            report: Report::default(),
            line: String::new(),
            work: Work::default(),
        }
    }

    /// What was removed since the last [`Scratch::take_report`].
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Takes the counts and leaves zeros.
    pub fn take_report(&mut self) -> Report {
        self.report.take()
    }
}

impl Sieve {
    /// Compiles the built-in profiles and `policy`.
    ///
    /// # Errors
    /// Every mistake of the policy; a policy with pseudonyms that was not given its key.
    pub fn new(policy: &Policy) -> Result<Sieve, PolicyErrors> {
        policy.without_secret()?;
        let mut compiled = compile(policy)?;
        let options = std::mem::take(&mut compiled.options);
        let mut names = std::mem::replace(&mut compiled.names, FieldNames::new());
        let mut id = |name| names.intern(name).unwrap_or(FieldId::TEMPLATE_ID);
        let ids = (id("db_operation_name"), id("db_constraint"), id("db_collection_name"));
        let mut key = [0; 32];
        // Without randomness the ids would be guessable, never the content: no reason to stop.
        let _ = rand::fill(&mut key);
        Ok(Sieve {
            policy_hash: policy_hash(policy),
            names: Arc::new(names),
            lexicon: lexicon(&policy.definitions().words),
            scrubber: Scrubber::new(options),
            template_key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            operation_id: ids.0,
            constraint_id: ids.1,
            relation_id: ids.2,
            compiled,
        })
    }

    /// The built-in profiles alone.
    #[allow(clippy::expect_used, reason = "see the proof")]
    pub fn builtin() -> Sieve {
        // Proof: an empty policy adds nothing, and `policy::tests` compiles the built-in profiles.
        Sieve::new(&Policy::default()).expect("built-in profiles compile")
    }

    /// The same sieve with a key of the caller's for template ids, so that they stay the same from
    /// one run to the next. By default the key is random.
    #[must_use]
    pub fn with_template_key(mut self, key: &[u8; 32]) -> Sieve {
        self.template_key = hmac::Key::new(hmac::HMAC_SHA256, key);
        self
    }

    /// 12 hexadecimal digits of the SHA-256 of the built-in profiles and the policy's text.
    pub fn policy_hash(&self) -> &str {
        &self.policy_hash
    }

    /// The profile with a name.
    pub fn profile(&self, name: &str) -> Option<ProfileId> {
        choose::by_name(&self.compiled, name).and_then(profile_id)
    }

    /// The name of a profile of this sieve.
    pub fn profile_name(&self, id: ProfileId) -> &str {
        self.compiled.profiles.get(usize::from(id.0)).map_or("", |p| &p.name)
    }

    /// The names of all profiles.
    pub fn profiles(&self) -> impl Iterator<Item = &str> {
        self.compiled.profiles.iter().map(|p| &*p.name)
    }

    /// The profile of a container, from the policy's services, else the image, else the service's
    /// name. `None` when the lines themselves must tell.
    pub fn profile_for(&self, service: &str, image: &str) -> Option<ProfileId> {
        choose::by_container(&self.compiled, service, image).and_then(profile_id)
    }

    /// The detectors of wall 2.
    pub fn scrubber(&self) -> &Scrubber {
        &self.scrubber
    }

    /// Wall 2 alone: appends the text with a placeholder in place of each detection, or nothing if
    /// the policy drops records for one of them.
    pub fn scrub(
        &self,
        text: &[u8],
        out: &mut Vec<u8>,
        scratch: &mut ScrubScratch,
        report: &mut Report,
    ) {
        if self.scrubber.may_drop_records() {
            self.scrubber.spans(text, scratch);
            if self.scrubber.drops(scratch) == Action::DropRecord {
                self.scrubber.count(scratch, report);
                report.dropped(DropReason::Policy);
                return;
            }
        }
        self.scrubber.scrub(text, out, scratch, report);
    }

    /// A container's identity with every label judged: the characters of names, a bounded length,
    /// and nothing for wall 2. A name or service that does not pass is replaced by
    /// `container-<first 12 digits of the id>`, the other labels by nothing.
    pub fn container(&self, raw: RawContainer<'_>) -> CleanContainer {
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        let id = if raw.id.len() == 64 && raw.id.bytes().all(hex) { raw.id } else { "" };
        let mut scratch = ScrubScratch::default();
        let mut label = |text: &str| -> Option<Box<str>> {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b"._/:@-".contains(&b);
            let address = text.split_once('@').is_some_and(|(_, d)| !d.starts_with("sha256:"));
            // A digest is random: it is not looked at, or it would now and then look like a card.
            let named = text.split('@').next().unwrap_or("");
            let ok = text.len() <= LABEL_MAX
                && !address
                && text.bytes().all(plain)
                && self.scrubber.spans(named.as_bytes(), &mut scratch).is_empty();
            ok.then(|| text.into())
        };
        let fallback: Box<str> = format!("container-{}", id.get(..12).unwrap_or("")).into();
        let name = raw.name.strip_prefix('/').unwrap_or(raw.name);
        let name = Some(name).filter(|n| !n.is_empty()).and_then(&mut label);
        let name = name.unwrap_or_else(|| fallback.clone());
        let service = match raw.service {
            "" => name.clone(),
            s => label(s).unwrap_or(fallback),
        };
        CleanContainer {
            id: id.into(),
            name,
            project: label(raw.project).unwrap_or_default(),
            service,
            image: label(raw.image).unwrap_or_default(),
        }
    }

    /// Judges one line. The record lives in `scratch` until the next call.
    pub fn sieve<'s>(
        &self,
        line: RawLine<'_>,
        at: &Envelope,
        scratch: &'s mut Scratch,
    ) -> Verdict<'s> {
        let judged = catch_unwind(AssertUnwindSafe(|| self.judge(line.bytes(), at, scratch)));
        let judged = judged.unwrap_or_else(|_| {
            // Whatever state the buffers were left in, nothing of it is used again.
            let report = scratch.report;
            *scratch = Scratch::new(self);
            scratch.report = report;
            Err(DropReason::Invariant)
        });
        match judged {
            Ok(()) => Verdict::Keep(&scratch.record),
            Err(reason) => {
                scratch.report.dropped(reason);
                Verdict::Drop(reason)
            }
        }
    }

    fn judge(&self, line: &[u8], at: &Envelope, scratch: &mut Scratch) -> Result<(), DropReason> {
        let Scratch { record, report, line: buffer, work } = scratch;
        record.begin(at.timestamp_ns, at.stream);
        let (text, latin) = parse::to_text(line, buffer);
        let text = text.trim_end();
        let cut = if at.truncated { before_last_token(text) } else { text };
        let named = at.profile.map(|p| usize::from(p.0));
        let chosen = named.unwrap_or_else(|| choose::by_line(&self.compiled, text));
        let profile = self.compiled.profiles.get(chosen).ok_or(DropReason::Invariant)?;
        let mut judge = Judge::new(self, profile, record, report, work);
        judge.tight = latin;
        judge.line(text, cut);
        judge.finish()
    }
}

fn lexicon(words: &[Box<str>]) -> Lexicon {
    if words.is_empty() {
        return Lexicon::default();
    }
    Lexicon::with_words(words.iter().map(|w| &**w))
}

fn profile_id(index: usize) -> Option<ProfileId> {
    u16::try_from(index).ok().map(ProfileId)
}

/// A text without its last token, which may be half of something.
fn before_last_token(text: &str) -> &str {
    text.rfind(char::is_whitespace).and_then(|i| text.get(..i)).unwrap_or("")
}

fn policy_hash(policy: &Policy) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for text in BUILTIN.iter().map(|(_, text)| *text).chain([policy.text()]) {
        context.update(&(text.len() as u64).to_le_bytes());
        context.update(text.as_bytes());
    }
    context.finish().as_ref().iter().take(6).map(|b| format!("{b:02x}")).collect()
}

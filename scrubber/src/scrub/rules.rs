//! The user's own rules: regular expressions, compiled once, together.
//!
//! One automaton of all patterns tells in one pass which of them match at all; only those are then
//! searched one by one, so that no rule hides what another one finds. Both are linear in the text.
//! A search for *all* matches is not, since each may look far ahead of what it gives: after
//! [`MATCHES_MAX`] matches the rest of the text counts as one (fail closed).
//!
//! A pattern in ASCII has ASCII classes (`\d`, `\w`, `\b`) on bytes; one with other characters, or
//! with `\p{…}`, has Unicode's.

use std::ops::Range;

use regex_automata::meta::{Builder, Config, Regex};
use regex_automata::util::syntax;
use regex_automata::{MatchKind, PatternSet};

use super::{Action, Found, Span};
use crate::policy::PolicyError;
use crate::policy::schema::RuleDef;
use crate::report::Kind;

/// Bytes of one compiled rule.
const RULE_BYTES_MAX: usize = 1 << 20;
/// Bytes of all rules compiled together.
const RULES_BYTES_MAX: usize = 8 << 20;
/// Bytes that each automaton may remember of its states.
const CACHE_BYTES_MAX: usize = 2 << 20;
/// Length of a pattern, bytes.
const PATTERN_BYTES_MAX: usize = 4096;
/// Matches of one rule in one text that are told apart.
const MATCHES_MAX: usize = 1024;

/// A rule, ready.
struct Rule {
    name: Box<str>,
    action: Option<Action>,
    regex: Regex,
}

/// All rules of a policy, ready.
pub struct Rules {
    /// Which rules match at all.
    any: Option<Regex>,
    each: Vec<Rule>,
}

/// Which rules match a text; reused from text to text.
#[derive(Default)]
pub(super) struct Matching(Option<PatternSet>);

impl Rules {
    /// No rules.
    pub(crate) fn none() -> Rules {
        Rules { any: None, each: Vec::new() }
    }

    /// Compiles the rules of a policy.
    pub(crate) fn compile(defs: &[RuleDef]) -> Result<Rules, Vec<PolicyError>> {
        let mut errors = Vec::new();
        let mut each = Vec::new();
        let mut all = Vec::new();
        for def in defs {
            let config = |unicode| syntax::Config::new().unicode(unicode).utf8(false);
            let parse = |unicode| syntax::parse_with(&def.pattern, &config(unicode)).ok();
            let built = match parse(!def.pattern.is_ascii()).or_else(|| parse(true)) {
                _ if def.pattern.len() > PATTERN_BYTES_MAX => Err(Refusal::Long),
                None => Err(Refusal::Syntax),
                Some(hir) if hir.properties().minimum_len().is_none_or(|n| n == 0) => {
                    Err(Refusal::Empty)
                }
                Some(hir) => {
                    let one = automaton(RULE_BYTES_MAX).build_from_hir(&hir);
                    all.push(hir);
                    one.map_err(|_| Refusal::Large)
                }
            };
            match built {
                Ok(regex) => each.push(Rule { name: def.name.clone(), action: def.action, regex }),
                Err(refusal) => errors.push(refusal.told(&def.span)),
            }
        }
        let any = match errors.is_empty() && !all.is_empty() {
            false => None,
            true => {
                let mut together = automaton(RULES_BYTES_MAX);
                together.configure(Config::new().match_kind(MatchKind::All));
                let span = defs.last().map_or(0..0, |d| d.span.clone());
                let any = together.build_many_from_hir(&all);
                any.map_err(|_| errors.push(Refusal::Together.told(&span))).ok()
            }
        };
        if errors.is_empty() { Ok(Rules { any, each }) } else { Err(errors) }
    }

    /// Appends what the rules find in `text`, mapped back by `map`, each match as its rule.
    pub(super) fn find(
        &self,
        text: &[u8],
        layer: usize,
        map: impl Fn(usize, usize) -> (usize, usize),
        matching: &mut Matching,
        found: &mut Vec<Found>,
    ) {
        let Some(any) = &self.any else { return };
        let set = matching.of(self.each.len());
        any.which_overlapping_matches(&text.into(), set);
        for pattern in set.iter() {
            let Some(rule) = self.each.get(pattern.as_usize()) else { continue };
            let index = u8::try_from(pattern.as_usize()).ok();
            for value in matches(&rule.regex, text) {
                let (start, end) = map(value.start, value.end);
                let span = Span { start, end, kind: Kind::Custom };
                found.push(Found { span, layer, value: (value.start, value.end), rule: index });
            }
        }
    }

    /// The name of a rule, empty where it has none.
    pub(crate) fn name(&self, index: usize) -> &str {
        self.each.get(index).map_or("", |r| &r.name)
    }

    /// What its own line says of a rule.
    pub(super) fn action(&self, index: usize) -> Option<Action> {
        self.each.get(index)?.action
    }

    /// Number of rules.
    pub(crate) fn len(&self) -> usize {
        self.each.len()
    }
}

impl Matching {
    /// An empty set for `n` patterns.
    fn of(&mut self, n: usize) -> &mut PatternSet {
        if self.0.as_ref().is_none_or(|set| set.capacity() != n) {
            self.0 = None;
        }
        let set = self.0.get_or_insert_with(|| PatternSet::new(n));
        set.clear();
        set
    }
}

/// The matches of one rule, those that touch as one.
fn matches(regex: &Regex, text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let len = text.len();
    let mut all = regex.find_iter(text).take(MATCHES_MAX).enumerate().map(move |(i, m)| {
        let end = if i + 1 == MATCHES_MAX { len } else { m.end() };
        m.start()..end
    });
    let mut next = all.next();
    std::iter::from_fn(move || {
        let mut open = next.take()?;
        for m in all.by_ref() {
            if m.start > open.end {
                next = Some(m);
                break;
            }
            open.end = m.end;
        }
        Some(open)
    })
}

/// Why a rule was refused.
#[derive(Clone, Copy)]
enum Refusal {
    Long,
    Syntax,
    Empty,
    Large,
    Together,
}

impl Refusal {
    fn told(self, span: &Range<usize>) -> PolicyError {
        let (message, hint) = match self {
            Refusal::Long => {
                ("the pattern is too long", format!("at most {PATTERN_BYTES_MAX} bytes"))
            }
            Refusal::Syntax => (
                "the pattern does not compile",
                "syntax of the `regex` crate: no look-around, no back-references".to_owned(),
            ),
            Refusal::Empty => {
                ("the pattern matches the empty text", "ask for at least one character".to_owned())
            }
            Refusal::Large => (
                "the pattern is too large when compiled",
                format!("at most {} MiB: repeat less", RULE_BYTES_MAX >> 20),
            ),
            Refusal::Together => (
                "the rules are too large when compiled together",
                format!("at most {} MiB: fewer rules, or smaller ones", RULES_BYTES_MAX >> 20),
            ),
        };
        PolicyError { span: Some(span.clone()), message: message.to_owned(), hint }
    }
}

/// What builds an automaton of at most so many bytes.
fn automaton(bytes_max: usize) -> Builder {
    let mut builder = Regex::builder();
    builder.configure(
        Config::new()
            .utf8_empty(false)
            .nfa_size_limit(Some(bytes_max))
            .onepass_size_limit(Some(RULE_BYTES_MAX))
            .hybrid_cache_capacity(CACHE_BYTES_MAX),
    );
    builder
}

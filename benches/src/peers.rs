//! The peers: the same ten kinds as regular expressions, run over the same bytes with rewriting.
//!
//! Two architectures that are in use. [`Set`]: all rules in one multi-pattern automaton of
//! `regex-automata`, which is the engine of the `regex` crate (whose own sets tell no offsets).
//! [`Prefiltered`]: one Aho-Corasick pass finds the literals of rules, a small expression runs near
//! each, and the rules without a literal run together as a set. Bytes, ASCII classes.
//!
//! They are given every advantage: no checksums, no context, no decoding, and a search runs over a
//! chunk of lines as if it were one. What they miss and what they take wrongly is not charged.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use regex_automata::meta::{Cache, Config, Regex};
use regex_automata::util::syntax;
use regex_automata::{Input, PatternID};
use serde::Deserialize;

use crate::corpus::{Corpus, Planted};

/// Bytes before and after a literal that its rule may look at.
const NEAR: (usize, usize) = (64, 192);
/// Bytes of one compiled set, and of its lazy cache.
const COMPILED_MAX: usize = 64 << 20;
const CACHE_BYTES: usize = 16 << 20;

/// The rules, as data.
const RULES: &str = include_str!("../peers.toml");
/// Most of them.
const RULES_MAX: usize = 16;

/// One kind as a peer knows it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    kind: Box<str>,
    pattern: String,
    /// Every match has one of these in it, without ASCII case.
    literals: Vec<String>,
}

/// Reads the rules.
fn rules() -> Result<Vec<Rule>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        rule: Vec<Rule>,
    }
    let file: File = toml::from_str(RULES).map_err(|e| format!("peers.toml: {e}"))?;
    match file.rule.len() {
        0..=RULES_MAX => Ok(file.rule),
        n => Err(format!("peers.toml: {n} rules, at most {RULES_MAX}")),
    }
}

/// A found value: where, and by which rule.
type Hit = (usize, usize, usize);

/// How many values each rule found.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Found([u64; RULES_MAX]);

impl Found {
    /// All of them.
    pub(crate) fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    fn add(&mut self, rule: usize) {
        if let Some(n) = self.0.get_mut(rule) {
            *n += 1;
        }
    }
}

/// A peer with its buffers.
pub(crate) struct Peer {
    engine: Engine,
    /// The placeholder of each rule.
    kinds: Vec<Box<str>>,
}

/// How a peer searches.
enum Engine {
    /// All rules in one automaton.
    Set(Box<Set>),
    /// Literals first.
    Prefiltered(Box<Prefiltered>),
}

impl Peer {
    /// Names, in the order of [`Peer::all`].
    pub(crate) const NAMES: [&'static str; 2] = ["regex", "prefiltered"];

    /// Every peer, compiled.
    ///
    /// # Errors
    /// A rule that does not compile.
    pub(crate) fn all() -> Result<[Peer; 2], String> {
        let kinds: Vec<Box<str>> = rules()?.into_iter().map(|r| r.kind).collect();
        let set = Engine::Set(Box::new(Set::new()?));
        let prefiltered = Engine::Prefiltered(Box::new(Prefiltered::new()?));
        Ok([set, prefiltered].map(|engine| Peer { engine, kinds: kinds.clone() }))
    }

    /// The kinds of which fewer were found than must be, `repeats` times over.
    pub(crate) fn missing(&self, found: &Found, least: &Planted, repeats: u64) -> Vec<String> {
        let of = |kind: &str| -> u64 {
            let each = self.kinds.iter().zip(found.0);
            each.filter(|(k, _)| &***k == kind).map(|(_, n)| n).sum()
        };
        let few = least.iter().filter(|(kind, n)| of(kind) < *n * repeats);
        few.map(|(kind, n)| {
            format!("{kind}: {} instead of at least {n}", of(kind) as f64 / repeats as f64)
        })
        .collect()
    }

    /// Rewrites a corpus chunk by chunk into `out`, which holds the last chunk afterwards.
    pub(crate) fn redact(&mut self, corpus: &Corpus, out: &mut Vec<u8>) -> Found {
        let mut found = Found::default();
        let mut hits = Vec::new();
        for chunk in corpus.chunks() {
            hits.clear();
            match &mut self.engine {
                Engine::Set(set) => set.find(chunk, 0..chunk.len(), &mut hits),
                Engine::Prefiltered(peer) => peer.find(chunk, &mut hits),
            }
            out.clear();
            write(chunk, &hits, &self.kinds, out, &mut found);
            std::hint::black_box(&*out);
        }
        found
    }
}

/// Copies what lies between the hits and names them.
fn write(text: &[u8], hits: &[Hit], kinds: &[Box<str>], out: &mut Vec<u8>, found: &mut Found) {
    let mut done = 0;
    for &(start, end, rule) in hits {
        if start < done {
            continue;
        }
        out.extend_from_slice(text.get(done..start).unwrap_or_default());
        out.push(b'[');
        out.extend_from_slice(kinds.get(rule).map_or("", |k| &**k).as_bytes());
        out.push(b']');
        done = end;
        found.add(rule);
    }
    out.extend_from_slice(text.get(done..).unwrap_or_default());
}

/// Rules of one multi-pattern automaton.
pub(crate) struct Set {
    regex: Regex,
    cache: Cache,
    /// Index among all rules of each pattern.
    rules: Vec<usize>,
}

impl Set {
    /// All rules.
    ///
    /// # Errors
    /// A rule that does not compile.
    pub(crate) fn new() -> Result<Set, String> {
        Set::of(&rules()?.iter().enumerate().collect::<Vec<_>>())
    }

    fn of(rules: &[(usize, &Rule)]) -> Result<Set, String> {
        let patterns: Vec<&str> = rules.iter().map(|(_, r)| r.pattern.as_str()).collect();
        let config = Config::new()
            .utf8_empty(false)
            .nfa_size_limit(Some(COMPILED_MAX))
            .hybrid_cache_capacity(CACHE_BYTES);
        let regex = Regex::builder()
            .configure(config)
            .syntax(syntax::Config::new().unicode(false).utf8(false))
            .build_many(&patterns)
            .map_err(|e| format!("a peer's rule: {e}"))?;
        let rules = rules.iter().map(|(i, _)| *i).collect();
        Ok(Set { cache: regex.create_cache(), regex, rules })
    }

    fn find(&mut self, text: &[u8], range: std::ops::Range<usize>, hits: &mut Vec<Hit>) {
        let mut input = Input::new(text).range(range);
        while let Some(m) = self.regex.search_with(&mut self.cache, &input) {
            hits.push((m.start(), m.end(), self.rule(m.pattern())));
            input.set_start(m.end());
        }
    }

    fn rule(&self, pattern: PatternID) -> usize {
        self.rules.get(pattern.as_usize()).copied().unwrap_or_default()
    }
}

/// Literals pick the rules that run near them.
pub(crate) struct Prefiltered {
    literals: AhoCorasick,
    /// For each literal, the position in `near` of its rule.
    rule_of: Vec<usize>,
    near: Vec<Set>,
    /// Rules without a literal.
    rest: Set,
}

impl Prefiltered {
    /// All rules.
    ///
    /// # Errors
    /// A rule that does not compile.
    pub(crate) fn new() -> Result<Prefiltered, String> {
        let rules = rules()?;
        let (with, without): (Vec<_>, Vec<_>) =
            rules.iter().enumerate().partition(|(_, rule)| !rule.literals.is_empty());
        let mut literals = Vec::new();
        let mut rule_of = Vec::new();
        let mut near = Vec::new();
        for rule in with {
            for literal in &rule.1.literals {
                literals.push(literal);
                rule_of.push(near.len());
            }
            near.push(Set::of(&[rule])?);
        }
        let literals = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::DFA))
            .match_kind(MatchKind::LeftmostFirst)
            .ascii_case_insensitive(true)
            .build(&literals)
            .map_err(|e| format!("a peer's literals: {e}"))?;
        Ok(Prefiltered { literals, rule_of, near, rest: Set::of(&without)? })
    }

    fn find(&mut self, text: &[u8], hits: &mut Vec<Hit>) {
        // Where each rule looks on: what it matched, or the literal after which it did not.
        let mut done = [0; RULES_MAX];
        for literal in self.literals.find_iter(text) {
            let Some(&n) = self.rule_of.get(literal.pattern().as_usize()) else { continue };
            let (Some(set), Some(done)) = (self.near.get_mut(n), done.get_mut(n)) else { continue };
            if literal.start() < *done {
                continue;
            }
            let from = literal.start().saturating_sub(NEAR.0).max(*done);
            let to = (literal.end() + NEAR.1).min(text.len());
            let input = Input::new(text).range(from..to);
            *done = match set.regex.search_with(&mut set.cache, &input) {
                Some(m) => {
                    hits.push((m.start(), m.end(), set.rule(m.pattern())));
                    m.end()
                }
                None => literal.end(),
            };
        }
        self.rest.find(text, 0..text.len(), hits);
        hits.sort_unstable();
    }
}

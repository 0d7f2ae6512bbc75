//! Free text: which words are technical.
//!
//! A word of a message leaves only if it is known to be technical *and* stands in technical
//! company: business prose is made of words that logs use too, so a plain word list leaks half of
//! it. [`Lexicon::mask`] cuts the message into tokens, scores spans and windows, asks for strong
//! words or known pairs, and writes what is left; everything else becomes `<w>`, `<n>` or `<str>`.
//!
//! Invariants: nothing of a masked token reaches the output; unknown means masked; the output of a
//! message without one kept content word is empty; linear in the message; no allocation once the
//! scratch has grown. Data and licences: `data/PROVENANCE.md`.

mod ident;
mod judge;
mod number;
mod render;
mod tables;
mod token;

use std::sync::Arc;

use ident::Shape;
use judge::{Gap, Span};
use tables::Tables;
use token::{Kind, Token};

/// Longest message that is looked at; the rest is one masked word.
const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// How much a message must look technical to pass. Belongs to the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Setting {
    /// Infrastructure services with a catalogue of known messages.
    Loose,
    /// The default.
    Standard,
    /// Services that may print user content.
    Tight,
    /// Nothing passes: prompts, completions, bodies, SQL, rows.
    Drop,
}

/// Words of one message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// Left as they were.
    pub kept: u32,
    /// Replaced by a placeholder.
    pub masked: u32,
}

/// Compiled tables: words, scores, pairs, catalogues. Shared by all workers.
pub struct Lexicon {
    tables: Arc<Tables>,
}

impl Default for Lexicon {
    /// The built-in tables.
    fn default() -> Self {
        Lexicon { tables: tables::built_in() }
    }
}

/// Buffers of one worker, reused from message to message.
#[derive(Default)]
pub struct LexScratch {
    tokens: Vec<Token>,
    gaps: Vec<Gap>,
    spans: Vec<Span>,
}

impl Lexicon {
    /// The built-in tables and a policy's own words (ASCII letters and digits, at most 4,096),
    /// each as good as a strong one.
    pub fn with_words<'a>(extra: impl IntoIterator<Item = &'a str>) -> Self {
        Lexicon { tables: Arc::new(tables::built_in().with_words(extra.into_iter())) }
    }

    /// Number of words in the tables.
    pub fn word_count(&self) -> usize {
        self.tables.len()
    }

    /// Appends what is technical of `message` to `out`; the rest becomes `<w>`, `<n>`, `<str>`.
    ///
    /// A message without one kept content word, and any message under [`Setting::Drop`], appends
    /// nothing: the caller then uses a template id.
    pub fn mask(
        &self,
        message: &str,
        setting: Setting,
        out: &mut String,
        scratch: &mut LexScratch,
    ) -> Words {
        let text = head(message);
        scratch.tokens.clear();
        token::tokenize(text, &self.tables, &mut scratch.tokens);
        let LexScratch { tokens, gaps, spans } = scratch;
        if setting != Setting::Drop {
            judge::judge(text, setting, &self.tables, tokens, gaps, spans);
        }
        let mut words = count(tokens, setting);
        words.masked += u32::from(text.len() < message.len());
        if words.kept > 0 {
            render::render(text, tokens, out);
            if text.len() < message.len() {
                out.push_str(" <w>");
            }
        }
        words
    }

    /// Whether every part of an identifier or path segment (`userService`, `chat-completions`) is
    /// a technical word.
    ///
    /// Numbers (but for one or two digits after a word: `v1`), hex, host names, names of persons
    /// and places, non-ASCII text and text with spaces are not.
    pub fn is_technical(&self, ident: &str) -> bool {
        matches!(ident::shape(ident, &self.tables), Shape::Known { .. } | Shape::Source)
    }
}

/// The part of a message that is looked at, cut at a character.
fn head(message: &str) -> &str {
    let mut end = message.len().min(MESSAGE_BYTES_MAX);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    message.get(..end).unwrap_or("")
}

/// Counts words; without one kept content word nothing is kept.
fn count(tokens: &[Token], setting: Setting) -> Words {
    let mut words = Words::default();
    let mut has_content = false;
    for token in tokens.iter().filter(|t| t.kind != Kind::Placeholder) {
        let keep = token.keep && setting != Setting::Drop;
        words.kept += u32::from(keep);
        words.masked += u32::from(!keep);
        has_content |= keep && !token.is_function() && !matches!(token.kind, Kind::Number(_));
    }
    if !has_content {
        words.masked += words.kept;
        words.kept = 0;
    }
    words
}

//! Decides which tokens of a message are kept.
//!
//! Order: values of keys are masked; spans (cut at quotes, brackets, `: `, `, `, ` - `, `=`) whose
//! mean score is that of prose are masked whole, and short spans beside them; inside the others a
//! sliding window looks for prose without a delimiter; a word that is left needs to be strong, to
//! have a strong neighbour or a known pair; last come function words and numbers, which depend on
//! the words beside them. Every step is one pass over the tokens.

use super::Setting;
use super::number::Digits;
use super::tables::{NUMBER_ID, SCORE_UNIT, SCORE_UNKNOWN, Tables, flag};
use super::token::{Kind, Token};

/// Words of a span from which on its mean counts.
const SPAN_WORDS_MIN: i32 = 3;
/// Words of the sliding window.
const WINDOW: usize = 4;
/// Function words that may stand between the words of a pair.
const PAIR_GAP_MAX: u32 = 2;
/// Parts of an identifier that survives in a span of prose.
const PROSE_IDENT_PARTS: u8 = 3;
/// Digits of an error number in brackets: `(111: Connection refused)`.
const ERRNO_DIGITS_MAX: u8 = 3;
/// Digits of a number that only a known pair explains.
const PAIR_DIGITS_MAX: u8 = 4;

/// Thresholds of one setting, in score units.
struct Limits {
    span: i32,
    window: i32,
    /// Least share of content words that must survive, in percent.
    share: u32,
    /// A strong word needs this score.
    strong: i32,
}

fn limits(setting: Setting) -> Limits {
    let unit = SCORE_UNIT;
    match setting {
        Setting::Loose => Limits { span: 0, window: -unit / 2, share: 0, strong: unit / 4 },
        Setting::Standard => Limits { span: unit / 4, window: 0, share: 0, strong: unit / 4 },
        Setting::Tight | Setting::Drop => {
            Limits { span: unit * 2 / 5, window: unit / 8, share: 50, strong: unit / 2 }
        }
    }
}

/// A run of tokens between two cuts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    first: u32,
    end: u32,
    words: i32,
    score: i32,
    is_prose: bool,
}

/// What lies between a token and the one before it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gap {
    /// A span ends here.
    is_cut: bool,
    /// A sentence ends here.
    is_break: bool,
    /// `:` or `=` and nothing but quotes and brackets.
    is_assign: bool,
    /// Ends the value of a key.
    is_value_end: bool,
    /// White space only.
    is_space: bool,
}

/// Marks the tokens of `text` that are kept.
pub(super) fn judge(
    text: &str,
    setting: Setting,
    tables: &Tables,
    tokens: &mut [Token],
    gaps: &mut Vec<Gap>,
    spans: &mut Vec<Span>,
) {
    let limits = limits(setting);
    gaps.clear();
    spans.clear();
    find_gaps(text, tokens, gaps);
    force_values(text, tokens, gaps);
    first_choice(tokens, setting);
    find_spans(tokens, gaps, spans, &limits);
    mask_windows(tokens, spans, &limits);
    mask_prose(tokens, spans);
    company(tokens, gaps, tables, &limits);
    if limits.share > 0 {
        share(tokens, &limits);
    }
    functions(tokens);
    numbers(text, tokens, gaps, spans, tables);
}

fn find_gaps(text: &str, tokens: &[Token], gaps: &mut Vec<Gap>) {
    let mut end = 0;
    for token in tokens {
        let between = text.get(end..token.start as usize).unwrap_or("");
        gaps.push(gap(between.as_bytes()));
        end = token.end as usize;
    }
}

fn gap(bytes: &[u8]) -> Gap {
    let mut gap = Gap { is_space: true, ..Gap::default() };
    let mut only_wrap = true;
    for (i, &b) in bytes.iter().enumerate() {
        let is_before_space = bytes.get(i + 1).is_none_or(|n| *n == b' ' || *n == b'\t');
        match b {
            b' ' | b'\t' => continue,
            b'"' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'<' | b'>' | b';' | b'|' | b'`' => {
                gap.is_cut = true;
                gap.is_break |= b == b';';
                gap.is_value_end |= matches!(b, b';' | b'|' | b')' | b']' | b'}');
            }
            b'=' => {
                gap.is_cut = true;
                gap.is_assign = only_wrap;
            }
            b':' => {
                gap.is_cut |= is_before_space;
                gap.is_assign = only_wrap;
            }
            b'.' | b'!' | b'?' => {
                gap.is_cut |= is_before_space;
                gap.is_break |= is_before_space;
            }
            b',' => {
                gap.is_cut |= is_before_space;
                gap.is_value_end = true;
            }
            b'-' => gap.is_cut |= i > 0 && is_before_space,
            b'\n' | b'\r' => {
                gap.is_cut = true;
                gap.is_break = true;
                gap.is_value_end = true;
            }
            b'\'' => gap.is_cut = true,
            _ => {}
        }
        gap.is_space = false;
        only_wrap &= matches!(b, b'"' | b'\'' | b')' | b']' | b'(');
    }
    gap
}

/// What follows `user:`, `title=`, `name is` belongs to somebody.
fn force_values(text: &str, tokens: &mut [Token], gaps: &[Gap]) {
    let mut is_value = false;
    let mut after_key = false;
    let mut was_is = false;
    for i in 0..tokens.len() {
        let gap = gaps.get(i).copied().unwrap_or_default();
        let next = gaps.get(i + 1).copied().unwrap_or_default();
        let Some(token) = tokens.get_mut(i) else { return };
        if after_key && (gap.is_assign || token.kind == Kind::Quoted || was_is) {
            is_value = true;
        } else if is_value && (gap.is_value_end || is_key(token, next)) {
            is_value = false;
        }
        was_is = after_key && is_copula(text, token) && !is_value;
        token.is_forced = is_value;
        if after_key && gap.is_space && matches!(token.kind, Kind::Ident { .. }) && !is_value {
            token.is_forced = true;
        }
        after_key = token.has(flag::VALUE_KEY) || was_is;
    }
}

fn is_key(token: &Token, next: Gap) -> bool {
    matches!(token.kind, Kind::Word | Kind::Ident { .. }) && next.is_assign && next.is_cut
}

/// `is`, `was` and the like; the caller knows that a key stands before.
fn is_copula(text: &str, token: &Token) -> bool {
    let word = text.get(token.range()).unwrap_or("");
    ["is", "was", "are", "were", "named", "called", "est", "says", "said"]
        .iter()
        .any(|w| w.eq_ignore_ascii_case(word))
}

fn first_choice(tokens: &mut [Token], setting: Setting) {
    for token in tokens {
        token.keep = match token.kind {
            Kind::Placeholder => true,
            _ if token.is_forced => false,
            Kind::Word => {
                token.known().is_some_and(|w| w.flags & flag::NAME == 0 || !token.is_capital)
            }
            Kind::Ident { parts, is_strong } => {
                setting != Setting::Tight || is_strong || parts >= PROSE_IDENT_PARTS
            }
            Kind::Source => true,
            Kind::Number(_) | Kind::Opaque | Kind::Quoted => false,
        };
    }
}

fn find_spans(tokens: &[Token], gaps: &[Gap], spans: &mut Vec<Span>, limits: &Limits) {
    let fresh =
        |i: usize| Span { first: i as u32, end: i as u32, words: 0, score: 0, is_prose: false };
    let mut span = fresh(0);
    for (i, token) in tokens.iter().enumerate() {
        if i > 0 && gaps.get(i).is_some_and(|g| g.is_cut) {
            spans.push(span);
            span = fresh(i);
        }
        if token.kind == Kind::Word {
            span.words += 1;
            span.score += score(token);
        }
        span.end = i as u32 + 1;
    }
    spans.push(span);
    for span in spans.iter_mut() {
        span.is_prose = span.words >= SPAN_WORDS_MIN && span.score < limits.span * span.words;
    }
    spread(spans, limits);
}

/// A short span beside prose is prose too, unless its own words are clearly technical.
fn spread(spans: &mut [Span], limits: &Limits) {
    let mut before = false;
    for i in 0..spans.len() {
        let after = spans.get(i + 1).is_some_and(|s| s.is_prose);
        let Some(span) = spans.get_mut(i) else { return };
        let was_prose = span.is_prose;
        let margin = if span.words >= SPAN_WORDS_MIN { SCORE_UNIT / 2 } else { SCORE_UNIT };
        if (before || after) && span.words > 0 && span.score < (limits.span + margin) * span.words {
            span.is_prose = true;
        }
        before = was_prose;
    }
}

fn score(token: &Token) -> i32 {
    token.known().map_or(SCORE_UNKNOWN, |w| i32::from(w.score))
}

fn mask_windows(tokens: &mut [Token], spans: &[Span], limits: &Limits) {
    for span in spans.iter().filter(|s| !s.is_prose && s.words > WINDOW as i32) {
        let (first, end) = (span.first as usize, span.end as usize);
        let mut recent = [(0usize, 0i32); WINDOW];
        let mut seen = 0;
        let mut masked_to = first;
        for i in first..end {
            let Some(token) = tokens.get(i).filter(|t| t.kind == Kind::Word) else { continue };
            // Proof: the index is taken modulo the array's length.
            recent[seen % WINDOW] = (i, score(token));
            seen += 1;
            let sum: i32 = recent.iter().map(|r| r.1).sum();
            if seen < WINDOW || sum >= limits.window * WINDOW as i32 {
                continue;
            }
            // Proof: the index is taken modulo the array's length.
            let from = recent[seen % WINDOW].0.max(masked_to);
            for token in tokens.get_mut(from..=i).unwrap_or(&mut []) {
                if token.kind == Kind::Word {
                    token.keep = false;
                }
            }
            masked_to = i;
        }
    }
}

fn mask_prose(tokens: &mut [Token], spans: &[Span]) {
    for span in spans.iter().filter(|s| s.is_prose) {
        for token in tokens.get_mut(span.first as usize..span.end as usize).unwrap_or(&mut []) {
            token.keep &= match token.kind {
                Kind::Placeholder | Kind::Source => true,
                Kind::Ident { parts, .. } => parts >= PROSE_IDENT_PARTS,
                _ => false,
            };
        }
    }
}

/// The content word or number before, as the pair rule sees it.
#[derive(Clone, Copy)]
struct Before {
    index: usize,
    id: u32,
    is_strong: bool,
    gap: u32,
}

/// A kept word must be strong, follow or precede a strong word, or belong to a known pair.
fn company(tokens: &mut [Token], gaps: &[Gap], tables: &Tables, limits: &Limits) {
    let mut before: Option<Before> = None;
    let mut pending: Option<usize> = None;
    for i in 0..tokens.len() {
        if gaps.get(i).is_some_and(|g| g.is_break) {
            reject(tokens, &mut pending);
            before = None;
        }
        let Some(token) = tokens.get(i).copied() else { return };
        match token.kind {
            Kind::Number(_) => {
                if let Some(b) = before.filter(|b| b.id != NUMBER_ID && b.gap <= PAIR_GAP_MAX)
                    && tables.is_pair(b.id, NUMBER_ID)
                {
                    pending = pending.filter(|p| *p != b.index);
                }
                reject(tokens, &mut pending);
                before = Some(Before { index: i, id: NUMBER_ID, is_strong: false, gap: 0 });
            }
            Kind::Word if token.is_function() => {
                if let Some(b) = before.as_mut() {
                    b.gap += 1;
                }
            }
            Kind::Word if token.keep => {
                let Some(word) = token.word else { continue };
                let is_strong =
                    word.flags & flag::STRONG != 0 && i32::from(word.score) >= limits.strong;
                let near = before.filter(|b| b.gap <= PAIR_GAP_MAX);
                let is_linked = near.is_some_and(|b| {
                    b.id == word.id && b.id != NUMBER_ID || tables.is_pair(b.id, word.id)
                });
                let is_beside = near.is_some_and(|b| b.is_strong && b.gap == 0);
                let is_named = gaps.get(i + 1).is_some_and(|g| g.is_assign);
                if is_linked || is_strong && near.is_some_and(|b| b.gap == 0) {
                    pending = None;
                }
                reject(tokens, &mut pending);
                if !(is_strong || is_linked || is_beside || is_named) {
                    pending = Some(i);
                }
                before = Some(Before { index: i, id: word.id, is_strong, gap: 0 });
            }
            Kind::Ident { .. } | Kind::Source | Kind::Placeholder if token.keep => {
                reject(tokens, &mut pending);
                before = None;
            }
            _ => {
                reject(tokens, &mut pending);
                before = None;
            }
        }
    }
    reject(tokens, &mut pending);
}

/// Masks the word that waited for a neighbour.
fn reject(tokens: &mut [Token], pending: &mut Option<usize>) {
    if let Some(token) = pending.take().and_then(|i| tokens.get_mut(i)) {
        token.keep = false;
    }
}

/// With too few survivors nothing survives.
fn share(tokens: &mut [Token], limits: &Limits) {
    let is_content = |t: &Token| t.kind == Kind::Word && !t.is_function();
    let all = tokens.iter().filter(|t| is_content(t)).count() as u32;
    let kept = tokens.iter().filter(|t| is_content(t) && t.keep).count() as u32;
    if all >= SPAN_WORDS_MIN as u32 && kept * 100 < all * limits.share {
        for token in tokens.iter_mut().filter(|t| t.kind == Kind::Word) {
            token.keep = false;
        }
    }
}

/// Function words stay between kept content words, or between one and a number or an end.
fn functions(tokens: &mut [Token]) {
    let mut left = Side::Open;
    let mut i = 0;
    while i < tokens.len() {
        let run = tokens.iter().skip(i).take_while(|t| t.is_function()).count();
        let right = tokens.get(i + run).map_or(Side::Open, side);
        let keep = matches!(
            (left, right),
            (Side::Kept, Side::Kept | Side::Open) | (Side::Open, Side::Kept)
        );
        for token in tokens.iter_mut().skip(i).take(run) {
            token.keep &= keep;
        }
        left = right;
        i += run + 1;
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Kept,
    Masked,
    /// A number, quoted text or an end of the message.
    Open,
}

fn side(token: &Token) -> Side {
    match token.kind {
        Kind::Number(_) | Kind::Quoted => Side::Open,
        _ if token.keep => Side::Kept,
        _ => Side::Masked,
    }
}

/// Numbers stay when they or a neighbour say what they count.
fn numbers(text: &str, tokens: &mut [Token], gaps: &[Gap], spans: &[Span], tables: &Tables) {
    for span in spans.iter().filter(|s| !s.is_prose) {
        for i in span.first as usize..span.end as usize {
            let Some(Token { kind: Kind::Number(digits), is_forced: false, .. }) = tokens.get(i)
            else {
                continue;
            };
            let view = View { text, tokens, gaps, tables, at: i };
            let keep = view.is_explained(*digits);
            if let Some(token) = tokens.get_mut(i) {
                token.keep = keep;
            }
        }
    }
}

/// A number and its surroundings.
struct View<'a> {
    text: &'a str,
    tokens: &'a [Token],
    gaps: &'a [Gap],
    tables: &'a Tables,
    at: usize,
}

impl View<'_> {
    fn is_explained(&self, digits: Digits) -> bool {
        match digits {
            Digits::Opaque => false,
            Digits::Unit => self.before().is_some() || self.after().is_some() || self.is_alone(),
            Digits::Fraction => self.is_counted(),
            Digits::Version => self.is_version() || self.is_counted() || self.has_unit(),
            Digits::Bare { len } => {
                self.is_counted()
                    || self.has_unit()
                    || len <= ERRNO_DIGITS_MAX && self.is_errno()
                    || len <= PAIR_DIGITS_MAX && self.is_known_pair()
            }
        }
    }

    /// The kept token before, past at most one function word.
    fn before(&self) -> Option<&Token> {
        let last = self.at.checked_sub(1)?;
        let token = self.tokens.get(last)?;
        let token = match token.is_function() {
            true => self.tokens.get(last.checked_sub(1)?)?,
            false => token,
        };
        Some(token).filter(|t| t.keep && t.kind != Kind::Placeholder)
    }

    fn after(&self) -> Option<&Token> {
        let gap = self.gaps.get(self.at + 1)?;
        self.tokens.get(self.at + 1).filter(|t| t.keep && gap.is_space)
    }

    fn is_alone(&self) -> bool {
        self.tokens.len() == 1
    }

    fn is_counted(&self) -> bool {
        self.before().is_some_and(|t| t.has(flag::COUNTED) || self.ends_counted(t))
    }

    /// `ctx-size 2048`, `n_slots=4`: the last part of an identifier counts.
    fn ends_counted(&self, token: &Token) -> bool {
        if !matches!(token.kind, Kind::Ident { .. }) {
            return false;
        }
        let ident = self.text.get(token.range()).unwrap_or("");
        let last = ident.rsplit(['_', '.', '-', '/']).next().unwrap_or("");
        self.tables.find_any_case(last).is_some_and(|w| w.flags & flag::COUNTED != 0)
    }

    fn has_unit(&self) -> bool {
        self.after().is_some_and(|t| t.has(flag::UNIT) && t.kind == Kind::Word)
    }

    fn is_version(&self) -> bool {
        self.before().is_some_and(|t| t.has(flag::PRODUCT))
    }

    fn is_errno(&self) -> bool {
        let start = self.tokens.get(self.at).map_or(0, |t| t.start as usize);
        let is_open = self.text.get(..start).is_some_and(|t| t.ends_with('('));
        let is_named = self.gaps.get(self.at + 1).is_some_and(|g| g.is_assign);
        is_open && is_named && self.tokens.get(self.at + 1).is_some_and(|t| t.keep)
    }

    fn is_known_pair(&self) -> bool {
        let is_space = self.gaps.get(self.at).is_some_and(|g| g.is_space);
        self.before()
            .filter(|t| is_space && t.has(flag::STRONG) && !t.has(flag::VALUE_KEY))
            .is_some_and(|t| t.word.is_some_and(|w| self.tables.is_pair(w.id, NUMBER_ID)))
    }
}

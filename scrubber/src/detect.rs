//! The detectors of wall 2: one family of kinds per file, one table of families, one pass.
//!
//! A pass visits the *anchors* that [`gate`] lets through: the first digit of a number, the first
//! letter of a word, `@`, `+`, the separator of a pair… Every family of an anchor looks at it, so a
//! number that fails as a NIR is still tried as a card. A family reads forwards into a fixed
//! buffer, validates, and only then looks at what is written before ([`context`]). Each of these
//! reads is bounded, so a pass is linear in its input whatever the input is.
//!
//! Encoded text is decoded into a shadow ([`shadow`]) and passed again; spans are mapped back.

mod address;
mod birth;
mod card;
mod checks;
mod company;
mod context;
mod document;
mod email;
mod fold;
pub(crate) mod gate;
mod geo;
mod hl7;
mod iban;
mod keyed;
mod net;
mod nir;
mod person;
mod phone;
mod run;
mod secret;
pub(crate) mod shadow;
mod text;
mod words;

use std::net::IpAddr;

pub(crate) use crate::placeholder::len as placeholder_len;
use crate::report::Kind;
use crate::scrub::Span;
use crate::simd::{Classifier, Row};
use gate::View;
use text::{at, before, is_letter, is_word, prior, sub};
use words::Tags;

/// What the detectors read: built once, shared.
pub(crate) struct Tables {
    words: words::Words,
    classifier: Classifier,
    prefixes: secret::Prefixes,
    ibans: iban::Countries,
    codes: phone::Codes,
    /// Leave loopback, private and link-local addresses.
    pub(crate) keep_private_ip: bool,
}

impl Tables {
    /// Hashes the words and reads the tables of `data/`.
    pub(crate) fn new() -> Tables {
        Tables {
            words: words::Words::new(),
            classifier: Classifier::new(),
            prefixes: secret::Prefixes::new(),
            ibans: iban::Countries::new(),
            codes: phone::Codes::new(),
            keep_private_ip: true,
        }
    }
}

/// A place where something can start.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Anchor {
    /// First digit of a run of digits.
    Number,
    /// First letter of a run of letters and digits.
    Word,
    At,
    Plus,
    /// `:` or `=`.
    Pair,
    /// `>`.
    Element,
    Quote,
    Slash,
    /// `(`.
    Paren,
    /// `[`.
    Bracket,
    Dash,
    Dollar,
    /// `~`.
    Tilde,
}

type Detector = fn(&mut Scan<'_>, usize);
type NumberDetector = fn(&mut Scan<'_>, usize, &run::Run);

/// Families that start at a number, and how many characters they need from its first digit on.
const NUMBERS: [(usize, NumberDetector); 12] = [
    (4, net::at_number),
    (6, geo::at_number),
    (1, birth::at_number),
    (5, document::plate),
    (2, address::at_number),
    (4, card::masked),
    (7, document::at_number),
    (8, card::at_number),
    (8, nir::at_number),
    (8, iban::at_number),
    (8, company::at_number),
    (8, phone::at_number),
];

/// Families that need no word before a number.
const SHAPED: [(usize, NumberDetector); 7] = [
    (5, document::plate),
    (4, card::masked),
    (8, card::at_number),
    (8, nir::at_number),
    (8, iban::at_number),
    (8, company::at_number),
    (8, phone::at_number),
];

/// Every other family, by anchor, in the order of [`Anchor`].
const FAMILIES: [&[Detector]; 13] = [
    &[net::at_word],
    &[secret::at_word, person::at_word, document::at_word, net::at_word, email::at_word],
    &[email::at_sign, secret::at_sign],
    &[phone::at_plus],
    &[net::at_colon, keyed::at_pair],
    &[keyed::at_element],
    &[person::at_quote, keyed::at_quote],
    &[person::at_slash],
    &[keyed::at_paren],
    &[person::at_bracket],
    &[secret::at_dash],
    &[secret::at_dollar],
    &[secret::at_tilde, hl7::at_tilde, person::at_tilde],
];

/// Groups of the first ten digits of a number.
const GROUPS_MAX: u32 = 7;

/// One pass over one text.
pub(crate) struct Scan<'a> {
    text: &'a [u8],
    tables: &'a Tables,
    spans: &'a mut Vec<Span>,
    /// Whether a provider's token may start at the anchor.
    token: bool,
    /// Where the text first has `://`, once it was looked for.
    scheme: Option<usize>,
    /// The last context looked up: families at one anchor share it.
    context: (usize, Tags),
    /// Long stretches already walked to their end, so that no family walks them again from inside.
    walked: [Stretch; Walk::COUNT],
}

/// A stretch that ends at the same place wherever in it one starts.
#[derive(Clone, Copy, Default)]
struct Stretch {
    start: usize,
    end: usize,
    /// What tells stretches of one walk apart: a quote and its backslashes.
    of: usize,
}

/// What is walked to an end that may be far.
#[derive(Clone, Copy)]
enum Walk {
    Token,
    Bare,
    Quoted,
    Key,
    Message,
}

impl Walk {
    const COUNT: usize = 5;
}

impl<'a> Scan<'a> {
    fn new(text: &'a [u8], tables: &'a Tables, spans: &'a mut Vec<Span>) -> Scan<'a> {
        Scan {
            text,
            tables,
            spans,
            context: (usize::MAX, 0),
            token: true,
            scheme: None,
            walked: Default::default(),
        }
    }

    /// Appends to `spans` what the families find in `text`, unsorted. `gate` is its view.
    pub(crate) fn run(
        text: &'a [u8],
        tables: &'a Tables,
        gate: View<'a>,
        spans: &'a mut Vec<Span>,
    ) {
        let mut scan = Scan::new(text, tables, spans);
        let mut run = run::Run::EMPTY;
        for i in gate.wanted() {
            scan.anchor(i, gate, &mut run);
        }
    }

    /// Looks at the anchor at `i`, if one of [`FAMILIES`] starts at this byte.
    fn anchor(&mut self, i: usize, gate: View<'_>, run: &mut run::Run) {
        let class = ANCHORS.get(usize::from(at(self.text, i))).copied().unwrap_or_default();
        let Some(row) = usize::from(class).checked_sub(1) else { return };
        let prev = before(self.text, i);
        if row == Anchor::Number as usize {
            self.token = gate.is_token(i);
            let digits = gate.from(i, Row::Digit).trailing_ones() as usize;
            let paired = matches!(at(self.text, i + digits), b':' | b'|');
            if self.token || paired && (8..=16).contains(&digits) {
                secret::at_digit(self, i);
            }
            if gate.is_named(i) {
                run.fill(self.text, i);
                self.numbers(&NUMBERS, i, run);
            } else {
                self.shaped(i, gate, run);
            }
        } else if row == Anchor::Word as usize && is_word(prev)
            || row == Anchor::Dash as usize && prev == b'-'
        {
            return;
        } else if row == Anchor::Pair as usize && !gate.is_paired(i) {
            return net::at_colon(self, i);
        }
        self.token = gate.is_token(i);
        for detect in FAMILIES.get(row).copied().unwrap_or_default() {
            detect(self, i);
        }
    }

    fn numbers(&mut self, families: &[(usize, NumberDetector)], i: usize, run: &run::Run) {
        for (_, detect) in families.iter().filter(|(least, _)| *least <= run.len()) {
            detect(self, i, run);
        }
    }

    /// A number that no word names: what its digits and the signs between them allow.
    fn shaped(&mut self, i: usize, gate: View<'_>, run: &mut run::Run) {
        let length = gate.from(i, Row::Numeric).trailing_ones();
        let within = if length < 64 { (1u64 << length) - 1 } else { !0 };
        let digits = (gate.from(i, Row::Digit) & within).count_ones();
        let near = within & 0xFFFF;
        let signs = |row| (gate.from(i, row) & near).count_ones();
        if signs(Row::Dot) >= 3 || signs(Row::Dash) >= 3 {
            net::at_number(self, i, run);
        }
        let text = self.text;
        let next = at(text, i + length as usize);
        let lettered = is_letter(before(text, i)) || is_letter(prior(text, i, 2));
        if next == b',' && digits >= 5 {
            geo::at_number(self, i, run);
        }
        let grouped = is_grouped(gate.from(i, Row::Digit) & within);
        let plausible = digits >= 13 && grouped
            || digits >= 9 && grouped && at(text, i) == b'0'
            || digits >= 10 && is_letter(next)
            || digits == 6 && matches!(next | 0x20, b'a' | b'b')
            || matches!(next, b'*' | b'#' | b'x' | b'X')
            || lettered
            || is_letter(at(text, i + 4));
        if plausible {
            run.fill(text, i);
            self.numbers(&SHAPED, i, run);
        }
    }

    fn hit(&mut self, start: usize, end: usize, kind: Kind) {
        if start < end {
            self.spans.push(Span { start, end, kind });
        }
    }

    /// What the text before `p` says, see [`context::tags`].
    fn context(&mut self, p: usize) -> Tags {
        if self.context.0 != p {
            let glued = context::glued(self.text, p, self.tables);
            self.context = (p, glued | context::tags(self.text, p, self.tables));
        }
        self.context.1
    }

    /// The end that `find` gives at `start`, remembered for starts inside the same stretch.
    fn walk(
        &mut self,
        walk: Walk,
        start: usize,
        of: usize,
        find: impl FnOnce(&[u8], usize) -> usize,
    ) -> usize {
        let Some(known) = self.walked.get_mut(walk as usize) else { return start };
        if known.of != of || !(known.start..known.end).contains(&start) {
            *known = Stretch { start, end: find(self.text, start), of };
        }
        known.end
    }

    /// Whether `://` stands somewhere before `p`.
    fn has_scheme_before(&mut self, p: usize) -> bool {
        let text = self.text;
        let find = || memchr::memmem::find(text, b"://").unwrap_or(usize::MAX);
        *self.scheme.get_or_insert_with(find) < p
    }

    /// Whether a letter touches the number at `p`, unless it is a keyword's.
    fn glued(&self, p: usize) -> bool {
        is_word(before(self.text, p)) && context::glued(self.text, p, self.tables) == 0
    }

    /// Whether the number at `p` continues something: a letter, or a separator and more.
    fn joined(&self, p: usize) -> bool {
        let prev = before(self.text, p);
        let more = matches!(prev, b'-' | b'.' | b'/' | b'_' | b',' | b':' | b'+' | b'#');
        self.glued(p)
            || prev == b'_'
            || more && prev != b'/' && prior(self.text, p, 2).is_ascii_digit()
            || prev == b'-' && is_word(prior(self.text, p, 2))
    }

    /// Whether the whole text is one word of systems (`null`, `admin`).
    fn technical(&self, start: usize, end: usize) -> bool {
        self.tables.words.of(sub(self.text, start, end)) & words::TECHNICAL != 0
    }

    fn keeps_ip(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        let local = match ip {
            IpAddr::V4(v) => {
                v.is_private()
                    || v.is_loopback()
                    || v.is_unspecified()
                    || v.is_link_local()
                    || v.is_broadcast()
            }
            IpAddr::V6(v) => {
                v.is_loopback()
                    || v.is_unspecified()
                    || v.is_unique_local()
                    || v.is_unicast_link_local()
            }
        };
        local && self.tables.keep_private_ip
    }
}

/// Whether the first ten digits are in no more groups than people write: one by one is no number.
fn is_grouped(digits: u64) -> bool {
    let mut tenth = digits;
    for _ in 1..10 {
        tenth &= tenth.wrapping_sub(1);
    }
    let last = tenth & tenth.wrapping_neg();
    let head = digits & (last | last.wrapping_sub(1));
    (head & !(head << 1)).count_ones() <= GROUPS_MAX
}

/// The row of [`FAMILIES`] that a byte starts, plus one; 0 for none.
const ANCHORS: [u8; 256] = {
    let mut rows = [0; 256];
    let mut b = 0;
    while b < 256 {
        // Proof: b < 256, the length of rows and the range of a byte
        rows[b] = match b as u8 {
            b'0'..=b'9' => Anchor::Number as u8 + 1,
            b'a'..=b'z' | b'A'..=b'Z' | 0xC3 => Anchor::Word as u8 + 1,
            b'@' => Anchor::At as u8 + 1,
            b'+' => Anchor::Plus as u8 + 1,
            b':' | b'=' => Anchor::Pair as u8 + 1,
            b'>' => Anchor::Element as u8 + 1,
            b'"' | b'\'' => Anchor::Quote as u8 + 1,
            b'/' => Anchor::Slash as u8 + 1,
            b'(' => Anchor::Paren as u8 + 1,
            b'[' => Anchor::Bracket as u8 + 1,
            b'-' => Anchor::Dash as u8 + 1,
            b'$' => Anchor::Dollar as u8 + 1,
            b'~' => Anchor::Tilde as u8 + 1,
            _ => 0,
        };
        b += 1;
    }
    rows
};

/// Whether the text is one of our placeholders, `[EMAIL]` or `[NIR:k3:9f2c4b1a77de0c11]`, perhaps
/// with its last bracket just outside.
pub(crate) fn is_placeholder(text: &[u8], start: usize, end: usize) -> bool {
    let open = if at(text, start) == b'[' { start } else { start.wrapping_sub(1) };
    at(text, open) == b'['
        && placeholder_len(sub(text, open, text.len())).is_some_and(|n| open + n + 1 >= end)
}

/// Whether a placeholder ends just before `i`.
pub(crate) fn ends_placeholder(text: &[u8], i: usize) -> bool {
    let open = text::back(text, i.saturating_sub(1), 80, |b| b != b'[' && b != b']');
    before(text, i) == b']'
        && before(text, open) == b'['
        && placeholder_len(sub(text, open - 1, i)) == Some(i + 1 - open)
}

/// Takes the layers of encoding off a text and checks what holds for them: for the fuzz target.
///
/// # Panics
/// When one of them is not as it should be.
#[cfg(fuzzing)]
#[doc(hidden)]
pub fn check_layers(text: &[u8]) {
    shadow::check::layers(text);
}

#[cfg(test)]
mod tests;

//! The gates that bitmaps alone decide, on eight blocks at once. Nothing here looks further than 63
//! bytes ahead or back of a byte.

use super::CODED_MIN;
use crate::simd::{Group, Lanes, Row, Wide};

/// Least length of a token that providers give.
const TOKEN_MIN: u32 = 12;
/// Least characters of a number that no word names: ten digits.
const NUMBER_MIN: u32 = 10;
/// Least characters of a number of any country, its `+` included.
const DIALLED_MIN: u32 = 8;
/// Most characters of a card before the first that is masked.
const MASKED_MAX: u32 = 12;
/// Bytes within which a number with an exponent has its `e`, as a power of two.
const EXPONENT_REACH: u32 = 5;
/// Bytes within which a list has its first comma, as a power of two.
const LIST_REACH: u32 = 5;
/// Groups of an IPv6 address before `::`.
const GROUPS_MAX: usize = 7;

/// A group and its neighbours.
pub(super) struct Near<'a> {
    prev: &'a Group,
    this: &'a Group,
    next: &'a Group,
}

impl<'a> Near<'a> {
    #[inline(always)]
    pub(super) fn new(prev: &'a Group, this: &'a Group, next: &'a Group) -> Near<'a> {
        Near { prev, this, next }
    }

    #[inline(always)]
    fn row(&self, row: Row) -> Lanes {
        self.this.row(row)
    }

    /// The class at the byte `n` before each, `n` from 1 to 63.
    #[inline(always)]
    fn back(&self, n: u32, row: Row) -> Lanes {
        let this = self.this.row(row);
        (this << n) | (this.later(&self.prev.row(row)) >> (64 - n))
    }

    /// The class at the byte `n` after each, `n` from 1 to 63.
    #[inline(always)]
    fn ahead(&self, n: u32, row: Row) -> Lanes {
        let this = self.this.row(row);
        (this >> n) | (this.earlier(&self.next.row(row)) << (64 - n))
    }

    /// The class in each block and the one after it.
    #[inline(always)]
    fn wide(&self, row: Row) -> Wide {
        let low = self.this.row(row);
        Wide { low, high: low.earlier(&self.next.row(row)) }
    }

    /// The class at the byte before each, in each block and the one after it.
    #[inline(always)]
    fn wide_back(&self, n: u32, row: Row) -> Wide {
        let Wide { low, high } = self.wide(row);
        Wide { low: self.back(n, row), high: (high << n) | (low >> (64 - n)) }
    }
}

/// Everything that is worth a look by its shape alone.
#[inline(always)]
pub(super) fn wanted(n: &Near) -> Lanes {
    let mut wanted = n.row(Row::Rare);
    let digits = n.row(Row::Digit) & !n.back(1, Row::Digit);
    if digits.any() {
        wanted |= digits & numbers(n);
    }
    let dialled = n.row(Row::Plus) & n.ahead(1, Row::Digit);
    if dialled.any() {
        wanted |= dialled & n.wide(Row::Numeric).run(DIALLED_MIN);
    }
    wanted |= n.row(Row::Word) & !n.back(1, Row::Word) & hardware(n);
    if n.row(Row::Colon).any() {
        wanted |= n.row(Row::Colon) & addresses(n);
    }
    if n.row(Row::Open).any() {
        let digit = |k| n.ahead(k, Row::Digit);
        let user = n.ahead(3, Row::Slash) & n.back(1, Row::Space);
        // `(0)1 99…`, `(0033) 6…`
        let paren = |k| n.ahead(k, Row::Paren);
        let code = paren(2) | (digit(2) & digit(3) & digit(4) & (paren(5) | paren(6) | paren(7)));
        wanted |= n.row(Row::Open) & digit(1) & (user | code);
    }
    if n.row(Row::Escape).any() {
        // `DOMAIN\\jdupont`
        let before = |row| n.back(2, row);
        let domain = before(Row::Upper) | before(Row::Digit) | before(Row::Escape);
        let domain = domain | before(Row::Dash);
        wanted |= n.row(Row::Lower) & n.back(1, Row::Escape) & domain;
    }
    let dashes = n.row(Row::Dash) & n.ahead(1, Row::Dash) & !n.back(1, Row::Dash);
    if dashes.any() {
        wanted |= dashes & n.wide(Row::Dash).run(5);
    }
    wanted
}

/// What may be encoded, by the step that decodes it (see `shadow`).
pub(super) struct Encoded {
    /// Characters that may stand for others, or for nothing.
    pub(super) characters: Lanes,
    /// Starts of escapes.
    pub(super) escapes: Lanes,
    /// Starts of lists, of numbers with an exponent, of hexadecimal words and groups.
    pub(super) guesses: Lanes,
    /// Starts of long runs of base64's alphabet.
    pub(super) runs: Lanes,
}

/// Where something encoded may start.
#[inline(always)]
pub(super) fn encoded(n: &Near) -> Encoded {
    // The accented letters of Latin-1 stand for themselves.
    let first = n.row(Row::Latin) & n.ahead(1, Row::High) & !n.ahead(1, Row::Lead);
    let second = n.row(Row::High) & !n.row(Row::Lead) & n.back(1, Row::Latin);
    let mut escapes = n.row(Row::Escape);
    let soft = n.ahead(1, Row::Hexadecimal) & n.ahead(2, Row::Hexadecimal);
    escapes |= n.row(Row::Equal) & soft;
    let base64 = n.wide(Row::Base64);
    escapes |= n.row(Row::Plus) & base64.run(4);
    let starts = n.row(Row::Base64) & !n.back(1, Row::Base64);
    Encoded {
        characters: n.row(Row::Control)
            | (n.row(Row::High) & !first & !second)
            | (n.row(Row::Equal) & n.ahead(1, Row::Break)),
        escapes,
        guesses: guesses(n),
        runs: starts & base64.run(CODED_MIN as u32),
    }
}

#[inline(always)]
fn guesses(n: &Near) -> Lanes {
    let (word, hexadecimal) = (n.wide(Row::Alphanumeric), n.wide(Row::Hexadecimal));
    let start = word & !n.wide_back(1, Row::Alphanumeric);
    let prefixed = n.wide(Row::Mask) >> 1;
    let long = hexadecimal.run(CODED_MIN as u32);
    let mut guesses = start.low & (long | (prefixed & (hexadecimal >> 2)).low);
    // Groups of two and four digits, and the same behind `0x`.
    let pair = start & hexadecimal & (hexadecimal >> 1) & !(word >> 2);
    guesses |= pair.chain(6, 3, 4).low;
    let three = (word >> 1) & (word >> 2) & (word >> 3) & (hexadecimal >> 3);
    guesses |= (start & three & !(word >> 4)).chain(3, 5, 6).low;
    guesses |= (start & prefixed & three & (word >> 5) & !(word >> 6)).chain(3, 7, 8).low;
    // `1.85E14`: an `e` between digits, not far behind a point.
    let exponent = n.wide(Row::Hex) & n.wide_back(1, Row::Digit) & (n.wide(Row::Numeric) >> 1);
    let point = n.wide(Row::Dot);
    if (n.row(Row::Digit) & exponent.reach(EXPONENT_REACH).low).any() {
        let near = (point >> 1) | (point >> 2) | (point >> 3) | (point >> 4);
        guesses |= start.low & n.row(Row::Digit) & near.low & exponent.reach(EXPONENT_REACH).low;
    }
    let lists = n.row(Row::Open);
    if lists.any() & n.row(Row::Comma).any() {
        guesses |= lists & n.wide(Row::Comma).reach(LIST_REACH).low;
    }
    if lists.any() {
        // `[48 54 51]`, as Go prints bytes.
        let (digit, space) = (n.wide(Row::Digit), n.wide(Row::Space));
        let next =
            (space >> 2) & (digit >> 3) | (space >> 3) & (digit >> 4) | (space >> 4) & (digit >> 5);
        guesses |= lists & ((digit >> 1) & next).low;
    }
    guesses
}

/// Where words and parts of words start, and where words have ended.
#[inline(always)]
pub(super) fn words(n: &Near) -> [Lanes; 2] {
    let letters = n.row(Row::Letter);
    let humps = n.row(Row::Upper) & n.back(1, Row::Lower);
    let first = letters & !n.back(1, Row::Letter);
    [(first | humps) & !n.row(Row::High), !letters | humps]
}

/// Where a token of a provider may start, and those that have signs at the places of one.
#[inline(always)]
pub(super) fn tokens(n: &Near) -> [Lanes; 2] {
    let starts = n.row(Row::Word) & !n.back(1, Row::Word) & n.wide(Row::Token).run(TOKEN_MIN);
    if !starts.any() {
        return [Lanes::NONE; 2];
    }
    let dot = |k| n.ahead(k, Row::Dot);
    let dash = |k| n.ahead(k, Row::Dash);
    let terraform = dot(14) & dot(22);
    let maxmind = n.ahead(6, Row::Underscore) & n.ahead(36, Row::Underscore);
    // Mailchimp and Mailgun: 32 hexadecimal digits, then a dash.
    let mail = dash(32) & n.ahead(31, Row::Hexadecimal) & n.ahead(30, Row::Hexadecimal);
    let discord = (dot(24) & (dot(31) | dot(32)))
        | (dot(25) & (dot(32) | dot(33)))
        | (dot(26) & (dot(33) | dot(34)))
        | (dot(27) & (dot(34) | dot(35)))
        | (dot(28) & (dot(35) | dot(36)));
    [starts, starts & (terraform | maxmind | mail | discord)]
}

/// Numbers that no word names: long ones, addresses, plates, masked cards, and after letters.
#[inline(always)]
fn numbers(n: &Near) -> Lanes {
    let digits = n.wide(Row::Digit);
    let numeric = n.wide(Row::Numeric);
    // A separator counts where a digit or another separator follows.
    let joined = digits | (numeric & (numeric >> 1));
    let colon = n.ahead(8, Row::Colon) | n.ahead(9, Row::Colon) | n.ahead(10, Row::Colon);
    let mut wanted = joined.run(NUMBER_MIN) | (colon & digits.run(8));
    wanted |= quads(n, Row::Dot) | quads(n, Row::Dash);
    let near = n.wide_back(1, Row::Digit) | n.wide_back(2, Row::Digit) | n.wide_back(3, Row::Digit);
    let masks = n.wide(Row::Mask) & near;
    if masks.low.any() | masks.high.any() {
        for k in 4..=MASKED_MAX {
            wanted |= (masks >> k).low;
        }
    }
    wanted | degrees(n) | lettered(n) | plates(n) | corsican(n)
}

/// Four groups of digits with three signs between.
#[inline(always)]
fn quads(n: &Near, sign: Row) -> Lanes {
    let signs = n.wide(sign) & n.wide_back(1, Row::Digit) & (n.wide(Row::Digit) >> 1);
    if !(signs.low.any() | signs.high.any()) {
        return Lanes::NONE;
    }
    let first = signs.chain(3, 2, 4);
    (first >> 1).low | (first >> 2).low | (first >> 3).low
}

/// Two digits, a dot and four decimals: a latitude of France.
#[inline(always)]
fn degrees(n: &Near) -> Lanes {
    let d = |k| n.ahead(k, Row::Digit);
    n.ahead(2, Row::Dot) & d(1) & d(3) & d(4) & d(5) & d(6)
}

/// Numbers after letters, as in `FR76`, `FR 76`, `IBANFR76`.
#[inline(always)]
fn lettered(n: &Near) -> Lanes {
    let l = |k| n.back(k, Row::Letter);
    let two = n.ahead(1, Row::Digit) & l(2);
    let glued = l(1) & (!n.back(3, Row::Word) | l(3) & l(4) & l(5) & l(6));
    let spaced = (n.back(1, Row::Space) | n.back(1, Row::Plus)) & l(3) & !n.back(4, Row::Word);
    two & (glued | spaced)
}

/// Three digits between signs and letters: `AA-123-AA`.
#[inline(always)]
fn plates(n: &Near) -> Lanes {
    let sign =
        |at: fn(&Near, Row) -> Lanes| at(n, Row::Dash) | at(n, Row::Space) | at(n, Row::Plus);
    let signs = sign(|n, r| n.back(1, r)) & sign(|n, r| n.ahead(3, r));
    let digits = n.ahead(1, Row::Digit) & n.ahead(2, Row::Digit);
    signs & digits & n.back(2, Row::Letter) & n.ahead(4, Row::Letter)
}

/// Numbers that reach a letter A or B after six digits, as the NIR of Corsica does.
#[inline(always)]
fn corsican(n: &Near) -> Lanes {
    let marks = n.wide(Row::Hex) & n.wide_back(1, Row::Digit);
    let six = n.wide(Row::Numeric).run(6);
    if !six.any() {
        return Lanes::NONE;
    }
    // Six digits with up to three characters between two.
    let mut reached = Lanes::NONE;
    for k in 6..=20 {
        reached |= (marks >> k).low;
    }
    six & reached
}

/// Hexadecimal groups: `aa-bb-cc`, `aabb.ccdd.eeff`.
#[inline(always)]
fn hardware(n: &Near) -> Lanes {
    let h = |k| n.ahead(k, Row::Hexadecimal);
    let dashed = h(1) & n.ahead(2, Row::Dash) & h(3) & h(4) & n.ahead(5, Row::Dash);
    let dotted = h(1) & h(2) & h(3) & n.ahead(4, Row::Dot) & h(5) & n.ahead(9, Row::Dot);
    n.row(Row::Hexadecimal) & (dashed | dotted)
}

/// Colons of an address: a chain that comes to two together, or the first of five near each other.
#[inline(always)]
fn addresses(n: &Near) -> Lanes {
    let colons = n.wide(Row::Colon);
    let mut double = colons & (colons >> 1 | n.wide_back(1, Row::Colon));
    if double.low.any() | double.high.any() {
        for _ in 0..GROUPS_MAX {
            let near = double >> 2 | double >> 3 | double >> 4 | double >> 5;
            double = double | (colons & near);
        }
    }
    double.low | colons.chain(5, 2, 5).low
}

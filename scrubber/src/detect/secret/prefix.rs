//! Tokens by the prefix that their provider gives them: `data/secret_prefixes.tsv`.

use super::shape::Mix;
use crate::detect::text::{at, sub};

const DATA: &str = include_str!("../../../data/secret_prefixes.tsv");

/// Bits of the filter of first bytes: a power of two with a shift of its own in [`head_bit`].
const HEAD_BITS: usize = 1 << 15;
/// Characters of a token that are judged.
const HEAD_MAX: usize = 256;

/// What may follow a prefix.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Alphabet {
    Hexadecimal,
    LowerDigit,
    UpperDigit,
    UpperDash,
    Alphanumeric,
    Word,
    Base64,
    Token,
}

impl Alphabet {
    fn of(letter: u8) -> Alphabet {
        match letter {
            b'X' => Alphabet::Hexadecimal,
            b'L' => Alphabet::LowerDigit,
            b'U' => Alphabet::UpperDigit,
            b'P' => Alphabet::UpperDash,
            b'A' => Alphabet::Alphanumeric,
            b'W' => Alphabet::Word,
            b'B' => Alphabet::Base64,
            _ => Alphabet::Token,
        }
    }

    fn has(self, b: u8) -> bool {
        match self {
            Alphabet::Hexadecimal => b.is_ascii_hexdigit(),
            Alphabet::LowerDigit => b.is_ascii_lowercase() || b.is_ascii_digit(),
            Alphabet::UpperDigit => b.is_ascii_uppercase() || b.is_ascii_digit(),
            Alphabet::UpperDash => b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-',
            Alphabet::Alphanumeric => b.is_ascii_alphanumeric(),
            Alphabet::Word => b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'),
            Alphabet::Base64 => b.is_ascii_alphanumeric() || b"-_+/=".contains(&b),
            Alphabet::Token => b.is_ascii_alphanumeric() || b"-_+/=.~".contains(&b),
        }
    }
}

/// What a token must have besides its alphabet and length.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asks {
    Nothing,
    Digits,
    Random,
}

/// One row of the table.
struct Prefix {
    text: &'static [u8],
    alphabet: Alphabet,
    /// Least characters after it.
    least: usize,
    /// What else is asked for: the prefix alone says little.
    asks: Asks,
}

/// What tokens start with that are told by more than a prefix, and addresses with a secret part.
const HEADS: [&[u8]; 20] = [
    b"eyJ", b"ewo", b"ew0", b"eyA", b"1//", b"4b1", b"pat", b"sc_", b"ext", b"sca", b"aut", b"PuT",
    b"hoo", b"dis", b"web", b"out", b"api", b"Hoo", b"Dis", b"Web",
];

/// The table, sorted, which two characters start a row, and a filter of the first three.
pub(crate) struct Prefixes {
    rows: Vec<Prefix>,
    starts: [u128; 128],
    heads: Box<[u64; HEAD_BITS / 64]>,
}

impl Prefixes {
    /// Reads the table.
    pub(crate) fn new() -> Prefixes {
        let mut rows: Vec<Prefix> = DATA.lines().filter_map(row).collect();
        // Longer prefixes first: `sk-ant-` before `sk-`.
        rows.sort_by_key(|r| (head(r.text), usize::MAX - r.text.len()));
        let mut starts = [0; 128];
        for row in &rows {
            let [a, b] = head(row.text);
            if let Some(s) = starts.get_mut(usize::from(a)) {
                *s |= 1 << (b & 0x7F);
            }
        }
        let mut all = Prefixes { rows: Vec::new(), starts, heads: Box::new([0; HEAD_BITS / 64]) };
        for text in rows.iter().map(|r| r.text).chain(HEADS) {
            let head = u64::from(at(text, 0)) | u64::from(at(text, 1)) << 8;
            match text.get(2) {
                Some(&c) => all.admit(head | u64::from(c) << 16),
                None => (0..128).for_each(|c| all.admit(head | c << 16)),
            }
        }
        Prefixes { rows, ..all }
    }

    fn admit(&mut self, head: u64) {
        let bit = head_bit(head);
        if let Some(bits) = self.heads.get_mut(bit / 64) {
            *bits |= 1 << (bit % 64);
        }
    }

    /// Whether a token may start with these bytes, the first lowest.
    #[inline(always)]
    pub(crate) fn may_start(&self, head: u64) -> bool {
        let bit = head_bit(head);
        // Proof: below the length
        self.heads[bit / 64 % (HEAD_BITS / 64)] >> (bit % 64) & 1 == 1
    }

    /// The length of the token with a known prefix at `p`, as far as its alphabet goes; `None` if
    /// there is none. The last of [`HEAD_MAX`] characters may not be the token's last.
    pub(crate) fn find(&self, text: &[u8], p: usize) -> Option<usize> {
        let [a, b] = [at(text, p), at(text, p + 1)];
        if self.starts.get(usize::from(a)).is_none_or(|s| s >> (b & 0x7F) & 1 == 0) {
            return None;
        }
        let from = self.rows.partition_point(|r| head(r.text) < [a, b]);
        let rows = self.rows.iter().skip(from).take_while(|r| head(r.text) == [a, b]);
        rows.filter(|r| sub(text, p, p + r.text.len()) == r.text).find_map(|r| {
            let body = sub(text, p + r.text.len(), p + r.text.len() + HEAD_MAX);
            let n = body.iter().position(|b| !r.alphabet.has(*b)).unwrap_or(body.len());
            (n >= r.least && plausible(sub(body, 0, n), r.asks)).then_some(r.text.len() + n)
        })
    }
}

/// The bit of the first three bytes among [`HEAD_BITS`].
#[inline(always)]
fn head_bit(head: u64) -> usize {
    ((head & 0xFF_FFFF).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 49) as usize
}

/// Whether the characters after a prefix are a token's, not a name's or a placeholder's.
fn plausible(body: &[u8], asks: Asks) -> bool {
    let mix = Mix::of(body);
    let mask = body.iter().filter(|b| b"xX*".contains(b)).count() * 4 > body.len() * 3;
    let coded = mix.digit + mix.upper > 0 || mix.other == 0 && body.len() >= 30;
    let asked = match asks {
        Asks::Nothing => true,
        Asks::Digits => mix.digit >= 3,
        Asks::Random => mix.digit > 0 && mix.is_random(),
    };
    !mask && coded && asked
}

fn row(line: &'static str) -> Option<Prefix> {
    let mut cells = line.split('\t');
    let text = cells.next()?.as_bytes();
    let alphabet = cells.next()?.as_bytes();
    let least = cells.next()?.parse().ok()?;
    let asks = match alphabet.get(1) {
        Some(b'!') => Asks::Random,
        Some(b'#') => Asks::Digits,
        _ => Asks::Nothing,
    };
    Some(Prefix { text, alphabet: Alphabet::of(*alphabet.first()?), least, asks })
}

fn head(text: &[u8]) -> [u8; 2] {
    [at(text, 0), at(text, 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        let prefixes = Prefixes::new();
        let rows = DATA.lines().filter(|l| !l.starts_with('#')).count();
        assert_eq!(prefixes.rows.len(), rows);
        assert!(prefixes.rows.iter().all(|r| r.text.len() >= 2 && r.text.is_ascii()));
    }
}

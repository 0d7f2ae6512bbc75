//! Shapes of numbers: which ones say themselves what they count.
//!
//! Limits: a bare number of [`BARE_DIGITS_MAX`] digits or more is never kept, whatever stands
//! beside it, since identity, card and telephone numbers begin there.

/// Bare numbers are shorter than this.
pub(super) const BARE_DIGITS_MAX: usize = 7;
/// Digits of one number with a unit.
const UNIT_DIGITS_MAX: usize = 12;

/// What a run that starts with a digit looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Digits {
    /// Digits, perhaps with one decimal point: kept when a neighbour explains it.
    Bare { len: u8 },
    /// `12ms`, `3.5GiB`, `1h30m`: explains itself.
    Unit,
    /// `1/3`: kept after a counted word.
    Fraction,
    /// `15.20`, `1.2.3`: kept after a product or the word version.
    Version,
    /// Dates, times, addresses, hex, long numbers.
    Opaque,
}

const UNITS: [&str; 40] = [
    "ns", "us", "µs", "μs", "ms", "s", "m", "h", "d", "b", "kb", "mb", "gb", "tb", "kib", "mib",
    "gib", "tib", "k", "bit", "bits", "bytes", "hz", "khz", "mhz", "ghz", "mbps", "gbps", "x",
    "px", "sec", "secs", "min", "mins", "th", "st", "nd", "rd", "rps", "qps",
];

/// Judges a run that starts with a digit.
pub(super) fn digits(core: &str) -> Digits {
    let bytes = core.as_bytes();
    if bytes.iter().all(u8::is_ascii_digit) {
        return bare(bytes, bytes.len());
    }
    if is_fraction(core) {
        return Digits::Fraction;
    }
    if bytes.iter().all(|b| b.is_ascii_digit() || *b == b'.') {
        return dotted(core);
    }
    match is_quantity(core) {
        true => Digits::Unit,
        false => Digits::Opaque,
    }
}

fn bare(digits: &[u8], len: usize) -> Digits {
    let has_padding = digits.first() == Some(&b'0') && digits.len() > 1;
    match len < BARE_DIGITS_MAX && !has_padding {
        true => Digits::Bare { len: len as u8 },
        false => Digits::Opaque,
    }
}

/// `1/3`, `12/40`: short, not a date.
pub(super) fn is_fraction(core: &str) -> bool {
    let Some((a, b)) = core.split_once('/') else { return false };
    let is_short = |s: &str| {
        (1..=5).contains(&s.len())
            && s.bytes().all(|b| b.is_ascii_digit())
            && (s.len() == 1 || !s.starts_with('0'))
    };
    is_short(a) && is_short(b)
}

/// Two or three parts without padding are a version, two also a decimal number.
fn dotted(core: &str) -> Digits {
    let parts = core.split('.').count();
    let fits = core.split('.').all(|p| (1..=4).contains(&p.len()));
    let is_padded = core.split('.').take(1).any(|p| p.len() > 1 && p.starts_with('0'));
    if parts == 2 && !is_padded {
        let whole = core.split('.').next().unwrap_or("");
        return match bare(whole.as_bytes(), whole.len()) {
            Digits::Bare { .. } if core.len() <= 4 + whole.len() => Digits::Version,
            Digits::Bare { len } if core.len() <= 10 => Digits::Bare { len },
            _ => Digits::Opaque,
        };
    }
    let has_padding = core.split('.').any(|p| p.len() > 1 && p.starts_with('0'));
    match parts == 3 && fits && !has_padding {
        true => Digits::Version,
        false => Digits::Opaque,
    }
}

/// One or more of number and unit, such as `29m0s` and `3.727µs`.
fn is_quantity(core: &str) -> bool {
    let mut rest = core;
    let mut terms = 0;
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (digits, tail) = rest.split_at(number);
        let unit = tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len());
        let (name, tail) = tail.split_at(unit);
        let has_padding = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
        if digits.is_empty()
            || digits.starts_with('.')
            || digits.len() > UNIT_DIGITS_MAX
            || has_padding
            || !UNITS.iter().any(|u| u.eq_ignore_ascii_case(name))
        {
            return false;
        }
        terms += 1;
        rest = tail;
    }
    (1..=4).contains(&terms)
}

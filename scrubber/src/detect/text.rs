//! Total access to bytes: out of range reads as NUL or empty, so no detector can panic.

/// The byte at `i`, NUL beyond the end.
pub(crate) fn at(text: &[u8], i: usize) -> u8 {
    text.get(i).copied().unwrap_or(0)
}

/// The byte before `i`, NUL at the start.
pub(crate) fn before(text: &[u8], i: usize) -> u8 {
    i.checked_sub(1).map_or(0, |j| at(text, j))
}

/// The byte `n` before `i`, NUL before the start.
pub(crate) fn prior(text: &[u8], i: usize, n: usize) -> u8 {
    i.checked_sub(n).map_or(0, |j| at(text, j))
}

/// `text[from..to]`, cut to what exists.
pub(crate) fn sub(text: &[u8], from: usize, to: usize) -> &[u8] {
    let to = to.min(text.len());
    text.get(from.min(to)..to).unwrap_or_default()
}

/// A letter: ASCII, or any byte of a multi-byte character (accents, other scripts).
pub(crate) fn is_letter(b: u8) -> bool {
    b.is_ascii_alphabetic() || b >= 0x80
}

/// A letter or a digit.
pub(crate) fn is_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b >= 0x80
}

/// A space as forms and URLs write it.
pub(crate) fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'+')
}

/// Where the run of bytes that satisfy `ok` ends, looking at no more than `max` bytes.
pub(crate) fn skip(text: &[u8], from: usize, max: usize, ok: impl Fn(u8) -> bool) -> usize {
    let end = text.len().min(from.saturating_add(max));
    let mut i = from;
    while i < end && ok(at(text, i)) {
        i += 1;
    }
    i
}

/// Where the run of bytes that satisfy `ok` and end just before `to` starts.
pub(crate) fn back(text: &[u8], to: usize, max: usize, ok: impl Fn(u8) -> bool) -> usize {
    let floor = to.saturating_sub(max);
    let mut i = to.min(text.len());
    while i > floor && ok(before(text, i)) {
        i -= 1;
    }
    i
}

/// Whether `text` continues with `word` at `i`, ignoring ASCII case.
pub(crate) fn has(text: &[u8], i: usize, word: &[u8]) -> bool {
    sub(text, i, i.saturating_add(word.len())).eq_ignore_ascii_case(word)
}

/// Decimal digits in `text`.
pub(crate) fn digits_in(text: &[u8]) -> usize {
    text.iter().filter(|b| b.is_ascii_digit()).count()
}

/// Value of a hexadecimal digit.
pub(crate) fn hex(b: u8) -> Option<u8> {
    match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        b'A'..=b'F' => Some(b - b'A' + 10),
        _ => None,
    }
}

//! What the text before a candidate says it is: the key of its pair, the tag around it, or the
//! words of the sentence. Looked up only for candidates, backwards, within fixed bounds.

use super::Tables;
use super::text::{at, back, before, is_letter, is_word, prior, sub};
use super::words::{AGAINST, LABEL, TECHNICAL, Tags, VALUE, VERSION};

/// Bytes of text looked at before a candidate.
const LOOK_BACK: usize = 72;
/// Longest key.
const KEY_MAX: usize = 48;
/// Words of prose looked at before a candidate.
const WORDS_MAX: usize = 7;

/// The meanings of the words before `pos`: the key alone inside a quoted value or after `=`, else
/// the words of the sentence.
pub(crate) fn tags(text: &[u8], pos: usize, tables: &Tables) -> Tags {
    let floor = pos.saturating_sub(LOOK_BACK);
    let (mut i, mut tags, mut words) = (pos, 0, 0);
    while i > floor && words < WORDS_MAX {
        let b = before(text, i);
        match b {
            b'"' | b'\'' | b'`' => {
                let open = back(text, i - 1, 8, |b| b == b'\\' || b == b'"');
                return tags | quoted(text, open, tables);
            }
            b'=' => return tags | key(text, i - 1, tables),
            b'>' => return tags | element(text, i - 1, tables),
            b':' if matches!(prior(text, i, 2), b'"' | b'\'' | b'\\') => {
                return tags | key(text, i - 1, tables);
            }
            // `"coordinates":[2.35,48.85]`
            b'[' if before(text, back(text, i, 3, |b| b == b'[')) == b':' => {
                return tags | key(text, back(text, i, 3, |b| b == b'[') - 1, tables);
            }
            b';' | b'|' | b'{' | b'}' | b'&' | b'?' | b'\n' | b'[' | b'<' => return tags,
            b']' if super::ends_placeholder(text, i) => return tags,
            b',' if words > 0 || before(text, pos) != b' ' => return tags,
            _ if is_word(b) => {
                let part = |b| is_word(b) || b == b'_';
                let start = back(text, i, KEY_MAX, part);
                let word = sub(text, uncut(text, start, i, part), i);
                if word.iter().any(|&b| is_letter(b)) {
                    tags |= tables.words.of_key(word);
                    words += 1;
                }
                i = start;
            }
            _ => i -= 1,
        }
    }
    tags
}

/// The meanings at an opening quote or bracket: the key to its left, if there is one.
fn quoted(text: &[u8], open: usize, tables: &Tables) -> Tags {
    let i = back(text, open, 3, |b| matches!(b, b' ' | b'[' | b'(' | b'b' | b'{'));
    let i = if before(text, i) == b',' { list_start(text, i) } else { i };
    match before(text, i) {
        b':' | b'=' | b'>' => key(text, i - 1, tables),
        _ => words_before(text, open, 3, tables) & !TECHNICAL,
    }
}

/// Before the `[` of the list that an element before `end` is in; `end` if it is in none.
fn list_start(text: &[u8], end: usize) -> usize {
    let open =
        back(text, end, LOOK_BACK, |b| !matches!(b, b'[' | b']' | b'{' | b'}' | b':' | b'='));
    if before(text, open) == b'[' { back(text, open - 1, 2, |b| b == b' ') } else { end }
}

/// The meanings of up to `count` words just before `pos`, spaces between them only.
fn words_before(text: &[u8], pos: usize, count: usize, tables: &Tables) -> Tags {
    let (mut i, mut tags) = (pos, 0);
    for _ in 0..count {
        i = back(text, i, 2, |b| b == b' ');
        let start = uncut(text, back(text, i, KEY_MAX, is_word), i, is_word);
        if start == i {
            break;
        }
        tags |= tables.words.of(sub(text, start, i));
        i = start;
    }
    tags
}

/// The meanings of the key whose separator (`=`, `:`, `=>`) is at `sep`. A pair named `value`
/// takes the meaning of the name beside it.
pub(crate) fn key(text: &[u8], sep: usize, tables: &Tables) -> Tags {
    let (start, end) = key_range(text, sep);
    let key = sub(text, start, end);
    let tags = tables.words.of_key(key);
    let value = tags & VALUE != 0 && tables.words.of(key) & VALUE != 0;
    if value { sibling(text, start, tables) } else { tags }
}

/// Where the key whose separator is at `sep` starts and ends; empty if there is none.
pub(crate) fn key_range(text: &[u8], sep: usize) -> (usize, usize) {
    let mut end = back(text, sep, 3, |b| matches!(b, b' ' | b'=' | b':'));
    let close = back(text, end, 10, |b| matches!(b, b'"' | b'\'' | b'\\' | b')' | b']' | b'`'));
    let is_quoted = close < end && before(text, end) != b')';
    end = close;
    let part = |b| is_word(b) || matches!(b, b'_' | b'-' | b'.') || is_quoted && b == b' ';
    let start = uncut(text, back(text, end, KEY_MAX, part), end, part);
    (start, end)
}

/// Where what is left of a key or word starts whose head is beyond [`KEY_MAX`]: behind the letters
/// that may be a part of one.
fn uncut(text: &[u8], start: usize, end: usize, part: impl Fn(u8) -> bool) -> usize {
    if end - start < KEY_MAX || !part(before(text, start)) {
        return start;
    }
    super::text::skip(text, start, end - start, is_letter)
}

/// The meaning of `>`: the element's name in `<iban>`, the key in `=>` or `->`.
fn element(text: &[u8], gt: usize, tables: &Tables) -> Tags {
    let name = back(text, gt, KEY_MAX, |b| is_word(b) || matches!(b, b'_' | b'-' | b'.' | b':'));
    match before(text, name) {
        b'<' => tables.words.of_key(sub(text, name, gt)),
        b'=' | b'-' if name == gt => key(text, gt - 1, tables),
        _ => 0,
    }
}

/// The meaning of the name in `{"name":"iban","value":…}`, looked for on both sides of the key
/// `value` that starts at `start`.
fn sibling(text: &[u8], start: usize, tables: &Tables) -> Tags {
    let from = start.saturating_sub(LOOK_BACK);
    let lo = from + sub(text, from, start).iter().rposition(|&b| b == b'{').unwrap_or(0);
    let hi = start + LOOK_BACK * 2;
    let mut tags = 0;
    for (i, &b) in sub(text, lo, hi).iter().enumerate().map(|(i, b)| (lo + i, b)) {
        if b == b'}' && i > start {
            break;
        }
        if !matches!(b, b':' | b'=') {
            continue;
        }
        let (a, e) = key_range(text, i);
        if a != start && tables.words.of(sub(text, a, e)) & LABEL != 0 {
            let v = super::text::skip(text, i + 1, 12, |b| !is_word(b));
            let end = super::text::skip(text, v, KEY_MAX, |b| is_word(b) || b"_-. ".contains(&b));
            tags |= tables.words.of_key(sub(text, v, end));
        }
    }
    tags
}

/// The meanings of the word glued to the left of `pos`, as in `NIR185057800608491`.
pub(crate) fn glued(text: &[u8], pos: usize, tables: &Tables) -> Tags {
    // `n°732829320`
    if matches!(sub(text, pos.saturating_sub(2), pos), [0xC2, 0xB0 | 0xBA]) {
        return LABEL;
    }
    let start = back(text, pos, 16, is_letter);
    if start == pos || at(text, start).is_ascii_digit() {
        return 0;
    }
    // `0x3d0080`: the letter of a hexadecimal number is no word.
    if is_word(before(text, start)) {
        return 0;
    }
    tables.words.of(sub(text, start, pos)) & (!AGAINST | VERSION)
}

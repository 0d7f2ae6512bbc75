//! Values taken apart: lists of bytes or digits, and markup between characters.

use super::super::text::{at, has, skip, sub};
use super::Shadow;

/// Elements that a list has at least.
const ELEMENTS_MIN: usize = 8;
/// Longest markup dropped.
const MARKUP_MAX: usize = 64;
/// Longest comment dropped: those that programs leave between two pieces of text.
const COMMENT_MAX: usize = 12;

/// Elements of HTML that change how a text looks and not where it stands.
const INLINE: [&[u8]; 20] = [
    b"a", b"b", b"i", b"u", b"s", b"em", b"tt", b"wbr", b"bdi", b"bdo", b"sub", b"sup", b"ins",
    b"del", b"big", b"font", b"mark", b"span", b"small", b"strong",
];

impl Shadow {
    /// At `[`: a list of the values of bytes (`[48, 54]`), or of digits (`["0","6"]`).
    pub(super) fn list(&mut self, source: &[u8], i: usize) -> usize {
        let start = skip(source, i + 1, 2, |b| b == b' ');
        let (mut end, mut next, mut count, mut bytes) = (start, start, 0, false);
        while let Some(element) = Element::at(source, next) {
            count += 1;
            bytes |= element.wide;
            (end, next) = (element.end, element.next);
        }
        if count < ELEMENTS_MIN {
            return i + 1;
        }
        let written = self.attempt(source, (start, end), ELEMENTS_MIN, |text| {
            let mut j = start;
            while j < end {
                let element = Element::at(source, j)?;
                text.push(if bytes { element.value } else { b'0' + element.value });
                j = element.next;
            }
            Some(0)
        });
        if written { end } else { i + 1 }
    }

    /// At `<`: the start of character data, a comment, or an element that may stand inside a word.
    /// Nothing is dropped that may hold something encoded.
    pub(super) fn markup(&mut self, source: &[u8], i: usize) -> usize {
        if has(source, i, b"<![CDATA[") {
            return self.put(source, i, i + 9, b"");
        }
        let end = skip(source, i + 1, MARKUP_MAX, |b| {
            (b' '..0x7F).contains(&b) && !matches!(b, b'<' | b'>' | b'%' | b'&' | b'\\')
        });
        if at(source, end) != b'>' {
            return i + 1;
        }
        let comment = has(source, i, b"<!--") && end - i <= COMMENT_MAX;
        let name = i + 1 + usize::from(at(source, i + 1) == b'/');
        let name = sub(source, name, skip(source, name, 8, |b| b.is_ascii_alphabetic()));
        let inline = INLINE.iter().any(|n| n.eq_ignore_ascii_case(name));
        let long = |w: &[u8]| w.len() >= 12;
        let holds = sub(source, i, end).split(|b| !b.is_ascii_alphanumeric()).any(long);
        if (comment || inline) && !holds { self.put(source, i, end + 1, b"") } else { i + 1 }
    }
}

/// One element of a list.
struct Element {
    value: u8,
    /// More than one digit, or a sign: the value of a byte.
    wide: bool,
    /// The end of the element, and where the next one starts.
    end: usize,
    next: usize,
}

impl Element {
    fn at(source: &[u8], i: usize) -> Option<Element> {
        // Behind any number of backslashes, or doubled as in CSV.
        let open = skip(source, i, 16, |b| matches!(b, b'\\' | b'"' | b'\''));
        let sign = usize::from(at(source, open) == b'-');
        let close = skip(source, open + sign, 4, |b| b.is_ascii_digit());
        let digits = std::str::from_utf8(sub(source, open + sign, close)).ok()?;
        let value = digits.parse::<u8>().ok()?;
        let end = close + (open - i);
        if sub(source, close, end) != sub(source, i, open) {
            return None;
        }
        let value = if sign == 1 { value.wrapping_neg() } else { value };
        let comma = skip(source, end, 1, |b| b == b',');
        let next = skip(source, comma, 2, |b| matches!(b, b' ' | b'+' | b'\n'));
        let wide = digits.len() + sign > 1;
        (next > end || !super::super::text::is_word(at(source, end))).then_some(Element {
            value,
            wide,
            end,
            next,
        })
    }
}

//! Parsers: total, sans-I/O, borrowed. A line goes in, keys and values come out through a
//! [`Visit`], in step with the profile's key trie, so that unknown branches are skipped without
//! building paths or decoding their strings.
//!
//! Invariants: no parser allocates, fails or looks at a byte twice more than a bounded number of
//! times; each says with [`Outcome`] whether the line was its own before the first visit, so that
//! the next format can be tried. What a parser does not understand is never handed on as a value.

pub(crate) mod access;
pub(crate) mod csv;
pub(crate) mod gin;
pub(crate) mod header;
pub(crate) mod json;
pub(crate) mod logfmt;
pub(crate) mod nginx_error;
pub(crate) mod postgres;
pub(crate) mod request;
pub(crate) mod stack;

use std::borrow::Cow;

/// Objects inside objects, and JSON inside strings, deeper than this are dropped.
pub(crate) const DEPTH_MAX: usize = 16;

/// What to do with a nested object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Visit its members, then `leave`.
    Descend,
    /// Pass over it; `leave` is not called.
    Skip,
}

/// How a parser got on with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Not this format; nothing was visited.
    Foreign,
    /// Read to the end.
    Whole,
    /// This format, but damaged or cut: what was visited stands, the rest is lost.
    Broken,
}

/// Receives what a parser finds, in the order of the line.
pub(crate) trait Visit {
    /// A key with an object behind it.
    fn enter(&mut self, key: Text<'_>) -> Step;
    /// The end of an object that was entered.
    fn leave(&mut self);
    /// A key with a scalar, or an array (passed over as a whole).
    fn value(&mut self, key: Text<'_>, value: Value<'_>);
}

/// A scalar as it stands on the line.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    /// `null`, or an empty position.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number of JSON, as its digits.
    Number(&'a str),
    /// A string, still escaped.
    Text(Text<'a>),
    /// An array; its content is not looked at.
    Array,
}

/// How a string is escaped on the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Escape {
    /// As it is.
    None,
    /// JSON and Go quoting: `\n`, `\"`, `\u00e9`, `\x41`.
    Backslash,
    /// CSV: a doubled quote stands for one.
    Doubled,
}

/// A borrowed string that is decoded only when somebody wants to read it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text<'a> {
    raw: &'a str,
    escape: Escape,
}

impl<'a> Text<'a> {
    /// A string that stands for itself.
    pub(crate) const fn plain(raw: &'a str) -> Self {
        Text { raw, escape: Escape::None }
    }

    /// A string whose escapes, if it has some, are backslashes.
    pub(crate) fn backslashed(raw: &'a str) -> Self {
        let escaped = memchr::memchr(b'\\', raw.as_bytes()).is_some();
        Text { raw, escape: if escaped { Escape::Backslash } else { Escape::None } }
    }

    /// A string in CSV quotes.
    pub(crate) fn doubled(raw: &'a str) -> Self {
        let escaped = memchr::memchr(b'"', raw.as_bytes()).is_some();
        Text { raw, escape: if escaped { Escape::Doubled } else { Escape::None } }
    }

    /// The string as it stands on the line.
    pub(crate) fn raw(&self) -> &'a str {
        self.raw
    }

    /// The decoded string, in `buffer` where it had escapes.
    pub(crate) fn decode<'b>(&self, buffer: &'b mut String) -> &'b str
    where
        'a: 'b,
    {
        match self.escape {
            Escape::None => self.raw,
            Escape::Backslash => {
                buffer.clear();
                unescape(self.raw, buffer);
                buffer
            }
            Escape::Doubled => {
                buffer.clear();
                for (i, part) in self.raw.split("\"\"").enumerate() {
                    if i > 0 {
                        buffer.push('"');
                    }
                    buffer.push_str(part);
                }
                buffer
            }
        }
    }
}

/// Appends `raw` with its backslash escapes resolved. Total: what is no escape stays as it is; a
/// lone surrogate becomes U+FFFD.
fn unescape(raw: &str, out: &mut String) {
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        let (head, tail) = rest.split_at(at);
        out.push_str(head);
        let (c, used) = escape_at(tail);
        out.push(c);
        rest = tail.get(used..).unwrap_or("");
    }
    out.push_str(rest);
}

/// The character that the escape at the start of `s` stands for, and its length in bytes.
fn escape_at(s: &str) -> (char, usize) {
    let b = s.as_bytes();
    match b.get(1) {
        Some(b'n') => ('\n', 2),
        Some(b't') => ('\t', 2),
        Some(b'r') => ('\r', 2),
        Some(b'b') => ('\u{8}', 2),
        Some(b'f') => ('\u{c}', 2),
        Some(b'u') => unicode_escape(s),
        Some(b'x') => match hex(s, 2, 2) {
            Some(v) => (char::from_u32(v).unwrap_or('\u{fffd}'), 4),
            None => ('\\', 1),
        },
        Some(&c @ (b'"' | b'\\' | b'/' | b'\'')) => (char::from(c), 2),
        _ => ('\\', 1),
    }
}

fn unicode_escape(s: &str) -> (char, usize) {
    let Some(high) = hex(s, 2, 4) else { return ('\\', 1) };
    if (0xD800..0xDC00).contains(&high)
        && s.get(6..8) == Some("\\u")
        && let Some(low @ 0xDC00..0xE000) = hex(s, 8, 4)
    {
        let c = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
        return (char::from_u32(c).unwrap_or('\u{fffd}'), 12);
    }
    (char::from_u32(high).unwrap_or('\u{fffd}'), 6)
}

fn hex(s: &str, from: usize, len: usize) -> Option<u32> {
    let digits = s.get(from..from + len)?;
    let all = digits.bytes().all(|b| b.is_ascii_hexdigit());
    if all { u32::from_str_radix(digits, 16).ok() } else { None }
}

/// The bytes of a line as text. Bytes that are not UTF-8 are read as Latin-1, so that an accented
/// letter or a no-break space of an old encoding keeps its meaning for the detectors. ANSI control
/// sequences are removed: a colour inside a value must not hide it. The second result tells
/// whether the line was not UTF-8.
pub(crate) fn to_text<'a>(bytes: &'a [u8], buffer: &'a mut String) -> (Cow<'a, str>, bool) {
    let plain = std::str::from_utf8(bytes);
    let valid = plain.is_ok();
    if let Ok(s) = plain
        && memchr::memchr(0x1b, bytes).is_none()
    {
        return (Cow::Borrowed(s), false);
    }
    buffer.clear();
    for chunk in bytes.utf8_chunks() {
        strip_ansi(chunk.valid(), buffer);
        buffer.extend(chunk.invalid().iter().map(|&b| char::from(b)));
    }
    (Cow::Borrowed(buffer), !valid)
}

/// Appends `s` without ANSI sequences: `ESC [ … letter`, `ESC ] … BEL`, `ESC` and one character.
pub(crate) fn strip_ansi(s: &str, out: &mut String) {
    let mut rest = s;
    while let Some(at) = memchr::memchr(0x1b, rest.as_bytes()) {
        let (head, tail) = rest.split_at(at);
        out.push_str(head);
        let after = tail.get(1..).unwrap_or("");
        let ends = |from: &str, end: &dyn Fn(u8) -> bool| {
            from.bytes().skip(1).position(end).map_or(from.len(), |i| i + 2)
        };
        let used = match after.as_bytes().first() {
            Some(b'[') => ends(after, &|b| (0x40..=0x7e).contains(&b)),
            Some(b']') => ends(after, &|b| b == 0x07 || b == b'\\'),
            _ => after.chars().next().map_or(0, char::len_utf8),
        };
        rest = after.get(used..).unwrap_or("");
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_resolved_and_nonsense_stays() {
        let rows = [
            (r"a\nb", "a\nb"),
            (r#"say \"hi\""#, "say \"hi\""),
            (r"\u00e9t\u00E9", "été"),
            (r"\ud83d\udc4b", "👋"),
            (r"\ud83dx", "\u{fffd}x"),
            (r"\u12", r"\u12"),
            (r"\x41\x4", r"A\x4"),
            (r"C:\Temp\q", r"C:\Temp\q"),
            (r"\", r"\"),
            ("\\é", "\\é"),
        ];
        let mut buffer = String::new();
        for (raw, want) in rows {
            assert_eq!(Text::backslashed(raw).decode(&mut buffer), want, "{raw}");
        }
        assert_eq!(Text::doubled("a \"\"b\"\"").decode(&mut buffer), "a \"b\"");
    }

    #[test]
    fn lines_become_text_without_colours() {
        let rows: [(&[u8], &str, bool); 5] = [
            (b"plain", "plain", false),
            (b"06\x1b[0m12", "0612", false),
            (b"\x1b[1;31mred\x1b[0m \x1b]0;t\x07x", "red x", false),
            (b"caf\xe9 1\xa0234", "café 1\u{a0}234", true),
            (b"end\x1b", "end", false),
        ];
        for (bytes, want, latin) in rows {
            let mut buffer = String::new();
            let (text, was_latin) = to_text(bytes, &mut buffer);
            assert_eq!((&*text, was_latin), (want, latin));
        }
    }
}

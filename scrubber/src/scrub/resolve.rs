//! From what the layers found to spans that can be cut out of the text.

use super::json::is_json;
use super::{Found, Span};
use crate::detect::placeholder_len;

/// Sorts, joins what overlaps, and keeps characters, escapes and placeholders whole.
pub(super) fn resolve(text: &[u8], found: &mut Vec<Found>, resolved: &mut Vec<Found>) {
    for f in found.iter_mut() {
        let (start, end) = whole(text, f.span.start, f.span.end);
        f.span = Span { start, end, ..f.span };
    }
    // Wider first at one start, then the order of kinds, so the result does not depend on layers.
    found.sort_unstable_by_key(|f| (f.span.start, usize::MAX - f.span.end, f.span.kind, f.layer));
    let mut placeholders = Placeholders { text, from: 0 };
    let mut open: Option<Found> = None;
    for f in found.iter() {
        match &mut open {
            Some(o) if f.span.start < o.span.end => join(o, f),
            _ => {
                if let Some(o) = open.replace(*f) {
                    placeholders.keep(o, resolved);
                }
            }
        }
    }
    if let Some(o) = open {
        placeholders.keep(o, resolved);
    }
    let open = text.iter().find(|b| !b.is_ascii_whitespace());
    if matches!(open, Some(b'{' | b'['))
        && resolved.iter().any(|f| may_cross(text, f))
        && is_json(text)
    {
        found.clear();
        within_values(text, resolved, found);
        std::mem::swap(found, resolved);
    }
}

/// Whether a span of a JSON text may reach over its structure: one that has none of its signs is
/// within a string or a number.
fn may_cross(text: &[u8], found: &Found) -> bool {
    let body = text.get(found.span.start..found.span.end).unwrap_or_default();
    found.layer > 0 || body.iter().any(|b| b"\"{}[]:,".contains(b))
}

/// Cuts spans of a JSON text to what lies in its strings and numbers: the rest is structure, which
/// a span reaches over where an encoding decodes to quotes, or a key stands at a string's end.
fn within_values(text: &[u8], spans: &[Found], out: &mut Vec<Found>) {
    let (mut i, mut inside) = (0, false);
    for f in spans {
        let (mut from, end) = (f.span.start, f.span.end);
        while i < end {
            match text.get(i) {
                Some(b'\\') => i += 1,
                Some(b'"') => {
                    if inside {
                        push(*f, from, i, f.span.kind, out);
                    }
                    inside = !inside;
                    from = from.max(i + 1);
                }
                _ => {}
            }
            i += 1;
        }
        let rest = text.get(from..end).unwrap_or_default();
        let number = |b: &u8| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E');
        if inside || rest.iter().all(number) {
            push(*f, from, end, f.span.kind, out);
        }
    }
}

/// Joins two that overlap: neither may leak. Of one kind the more decoded gives the value, of two
/// the longer names it.
fn join(open: &mut Found, other: &Found) {
    let longer = other.span.end - other.span.start > open.span.end - open.span.start;
    let same = other.span.kind == open.span.kind && other.rule == open.rule;
    let end = open.span.end.max(other.span.end);
    let start = open.span.start;
    let takes = if same { other.layer > open.layer } else { longer };
    if takes {
        *open = *other;
    }
    open.span = Span { start, end, ..open.span };
}

/// Widens a range so that it cuts neither a UTF-8 character nor a JSON escape.
fn whole(text: &[u8], start: usize, end: usize) -> (usize, usize) {
    let at = |i: usize| text.get(i).copied().unwrap_or(0);
    let (mut start, mut end) = (start, end.min(text.len()));
    let continues = |b: u8| (0x80..0xC0).contains(&b);
    let floor = start.saturating_sub(3);
    let mut lead = start;
    while lead > floor && continues(at(lead)) {
        lead -= 1;
    }
    if at(lead) >= 0xC0 {
        start = lead;
    }
    if end > start && at(end - 1) >= 0x80 {
        let ceiling = end + 3;
        while end < ceiling && continues(at(end)) {
            end += 1;
        }
    }
    if let Some(s) = escape_around(text, start) {
        start = s.0;
    }
    if let Some(e) = escape_around(text, end) {
        end = e.1.min(text.len());
    }
    (start, end)
}

/// The escape that position `i` cuts: `\|n`, `\u|00e9`, `\u00|e9`.
fn escape_around(text: &[u8], i: usize) -> Option<(usize, usize)> {
    let head = text.get(i.saturating_sub(5)..i)?;
    let k = head.iter().rposition(|&b| b == b'\\')?;
    let slash = i - head.len() + k;
    let run = text.get(..=slash)?.iter().rev().take(64).take_while(|&&b| b == b'\\').count();
    if run % 2 == 0 {
        return None;
    }
    let hex = |n: usize| {
        text.get(slash + 2..slash + n).is_some_and(|h| h.iter().all(u8::is_ascii_hexdigit))
    };
    let end = match text.get(slash + 1) {
        Some(b'u') if hex(6) => slash + 6,
        Some(_) => slash + 2,
        None => return None,
    };
    (end > i).then_some((slash, end))
}

/// Placeholders of an earlier scrubbing stay as they are: they are cut out of spans.
struct Placeholders<'a> {
    text: &'a [u8],
    /// Where to look on; spans come sorted.
    from: usize,
}

impl Placeholders<'_> {
    /// Pushes `found` without the placeholders in it.
    fn keep(&mut self, found: Found, out: &mut Vec<Found>) {
        let Span { mut start, end, kind } = found.span;
        // A placeholder is at most 80 bytes: one that reaches into the span starts within them.
        self.from = self.from.max(start.saturating_sub(80));
        while let Some((a, b)) = self.next(end) {
            if b > start {
                push(found, start, a.min(end), kind, out);
                start = b;
            }
        }
        push(found, start, end, kind, out);
    }

    /// The next placeholder that starts before `limit`.
    fn next(&mut self, limit: usize) -> Option<(usize, usize)> {
        while self.from < limit {
            let rest = self.text.get(self.from..limit)?;
            let a = self.from + memchr::memchr(b'[', rest)?;
            self.from = a + 1;
            if let Some(n) = placeholder_len(self.text.get(a..)?) {
                self.from = a + n;
                return Some((a, a + n));
            }
        }
        None
    }
}

/// Pushes a part of a found span, unless nothing but punctuation is left of it.
fn push(found: Found, start: usize, end: usize, kind: crate::report::Kind, out: &mut Vec<Found>) {
    if start < end {
        out.push(Found { span: Span { start, end, kind }, ..found });
    }
}

//! Spans rewritten: the text between them is copied, each becomes a placeholder.

use super::{Action, Found, ScrubScratch, Scrubber};
use crate::detect::shadow::Shadow;
use crate::placeholder::{self, Detail};
use crate::pseudonym::address;
use crate::report::{Kind, Report};

impl Scrubber {
    /// Appends `text` with `scratch.resolved` replaced, and notes where placeholders are in what
    /// was appended.
    pub(super) fn write(
        &self,
        text: &[u8],
        out: &mut Vec<u8>,
        scratch: &mut ScrubScratch,
        report: &mut Report,
    ) {
        scratch.written.clear();
        let (base, mut done) = (out.len(), 0);
        let mut strings = Strings::new(text);
        for found in &scratch.resolved {
            let (start, end, quotes) = strings.number(found.span.start, found.span.end, done);
            if start < done {
                continue;
            }
            out.extend_from_slice(text.get(done..start).unwrap_or_default());
            let from = out.len() - base;
            quote(quotes, out);
            let value = match found.layer.checked_sub(1) {
                None => text,
                Some(i) => scratch.layers.get(i).map_or(text, Shadow::text),
            };
            let value = value.get(found.value.0..found.value.1).unwrap_or_default();
            self.placeholder(found, value, out);
            quote(quotes, out);
            scratch.written.push(from..out.len() - base);
            found.count(report);
            done = end;
        }
        out.extend_from_slice(text.get(done..).unwrap_or_default());
    }

    fn placeholder(&self, found: &Found, value: &[u8], out: &mut Vec<u8>) {
        let kind = found.span.kind;
        let rule = found.rule.map_or("", |rule| self.options.rules.name(usize::from(rule)));
        let network = || address(value).filter(|_| kind == Kind::Ip && !value.contains(&b'-'));
        let detail = match (self.action_of(found), &self.options.key) {
            (Action::Pseudonym, Some(key)) => return key.write(kind, rule, value, out),
            (Action::Mask, _) => Detail::Mask,
            (Action::Truncate, _) => network().map_or(Detail::Plain, Detail::Network),
            _ if !rule.is_empty() => Detail::Rule(rule),
            _ => Detail::Plain,
        };
        placeholder::write(kind, &detail, out);
    }
}

/// A quote behind `n - 1` backslashes, nothing for 0.
fn quote(n: usize, out: &mut Vec<u8>) {
    if n > 0 {
        out.resize(out.len() + n - 1, b'\\');
        out.push(b'"');
    }
}

/// Tells numbers of a JSON text from digits in its strings, in one walk over the line.
struct Strings<'a> {
    text: &'a [u8],
    json: bool,
    at: usize,
    inside: bool,
}

impl<'a> Strings<'a> {
    fn new(text: &'a [u8]) -> Self {
        let first = text.iter().find(|b| !b.is_ascii_whitespace());
        Strings { text, json: matches!(first, Some(b'{' | b'[')), at: 0, inside: false }
    }

    /// The range to replace, and how the placeholder is quoted: 0 not at all, else one more than
    /// the backslashes before its quotes.
    fn number(&mut self, start: usize, end: usize, floor: usize) -> (usize, usize, usize) {
        let number = |b: u8| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E');
        let body = self.text.get(start..end).unwrap_or_default();
        if !body.iter().all(|&b| number(b)) {
            return (start, end, 0);
        }
        let (mut a, mut z) = (start, end);
        while a > floor && number(self.byte(a - 1)) {
            a -= 1;
        }
        while number(self.byte(z)) {
            z += 1;
        }
        let mut left = a;
        while left > 0 && self.byte(left - 1) == b' ' {
            left -= 1;
        }
        let mut right = z;
        while self.byte(right) == b' ' {
            right += 1;
        }
        let before = if left > 0 { self.byte(left - 1) } else { 0 };
        let closed = matches!(self.byte(right), b',' | b'}' | b']' | 0);
        let quotes = match before {
            b':' if closed => self.key_quotes(left - 1),
            b',' | b'[' if closed && self.json && !self.inside(a) => 1,
            _ => 0,
        };
        if quotes == 0 { (start, end, 0) } else { (a, z, quotes) }
    }

    /// How the key that ends before `colon` is quoted.
    fn key_quotes(&self, colon: usize) -> usize {
        let mut i = colon;
        while i > 0 && self.byte(i - 1) == b' ' {
            i -= 1;
        }
        if i == 0 || self.byte(i - 1) != b'"' {
            return 0;
        }
        let head = self.text.get(..i - 1).unwrap_or_default();
        1 + head.iter().rev().take(64).take_while(|&&b| b == b'\\').count()
    }

    /// Whether position `p` is inside a string; positions come in order.
    fn inside(&mut self, p: usize) -> bool {
        while self.at < p {
            match self.byte(self.at) {
                b'\\' => self.at += 1,
                b'"' => self.inside = !self.inside,
                _ => {}
            }
            self.at += 1;
        }
        self.inside
    }

    fn byte(&self, i: usize) -> u8 {
        self.text.get(i).copied().unwrap_or(0)
    }
}

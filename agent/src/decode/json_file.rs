//! One line of the engine's json-file log:
//! `{"log":"…","stream":"stdout","attrs":{…},"time":"RFC 3339 with nanoseconds"}`.
//!
//! Sans-I/O and total: any bytes give a record or `None` (the caller counts it and goes on at the
//! next newline). What a power cut leaves in front of a good record (NUL bytes, half a line) is
//! stepped over. The engine's own key order is read by hand; other orders go through `serde_json`.
//! The text is unescaped into a buffer that is reused, or borrowed when it has no escape.

use std::borrow::Cow;

use memchr::{memchr, memchr2, memmem};
use serde::Deserialize;
use tamis_scrubber::record::Stream;

/// A record as the engine wrote it, perhaps one fragment of a longer one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// The text without its newline.
    pub log: &'a [u8],
    /// The stream it was written to.
    pub stream: Stream,
    /// When the engine saw it, nanoseconds since the Unix epoch.
    pub timestamp_ns: i64,
    /// Whether the text goes on in the next line of the same stream.
    pub partial: bool,
}

/// Longest text between `"time":"` and the end of a line.
const TIME_BYTES_MAX: usize = 48;
const HEAD: &[u8] = b"{\"log\":\"";
const TIME: &[u8] = b"\"time\":\"";

/// Reads lines; holds the buffer for unescaped text.
#[derive(Default)]
pub struct Decoder {
    text: Vec<u8>,
}

impl Decoder {
    /// Reads one line, without its newline. `None` when it holds no record.
    pub fn decode<'a>(&'a mut self, line: &'a [u8]) -> Option<Line<'a>> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let nul = line.iter().take_while(|b| **b == 0).count();
        let line = line.get(nul..).unwrap_or_default();
        if let Some(found) = split(line) {
            return Some(self.finish(found));
        }
        // Inside a string every quote is escaped, so an unescaped head starts a record: what stands
        // before it is a line whose end was never written.
        let head = memmem::rfind(line, HEAD).filter(|at| *at > 0);
        if let Some(found) = head.and_then(|at| split(line.get(at..)?)) {
            return Some(self.finish(found));
        }
        self.any_order(line)
    }

    fn finish<'a>(&'a mut self, found: Split<'a>) -> Line<'a> {
        let Split { raw, stream, timestamp_ns } = found;
        let (body, partial) = match raw.strip_suffix(b"\\n") {
            // An odd number of backslashes before the `n` makes it a newline.
            Some(body) if trailing_backslashes(body).is_multiple_of(2) => (body, false),
            _ => (raw, true),
        };
        let log = match memchr(b'\\', body) {
            None => body,
            Some(first) => {
                unescape(body, first, &mut self.text);
                &self.text
            }
        };
        Line { log, stream, timestamp_ns, partial }
    }

    /// Other key orders, missing text, spaces.
    fn any_order(&mut self, line: &[u8]) -> Option<Line<'_>> {
        let wire: Wire<'_> = serde_json::from_slice(line).ok()?;
        let stream = stream(wire.stream.as_bytes())?;
        let timestamp_ns = rfc3339_ns(wire.time.as_bytes())?;
        self.text.clear();
        self.text.extend_from_slice(wire.log.as_bytes());
        let partial = self.text.last() != Some(&b'\n');
        let log = self.text.strip_suffix(b"\n").unwrap_or(&self.text);
        Some(Line { log, stream, timestamp_ns, partial })
    }
}

/// The time of the record that ends where `bytes` ends (with or without its newline).
pub fn last_time_ns(bytes: &[u8]) -> Option<i64> {
    let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    trailing_time(line).map(|(_, ns)| ns)
}

/// The engine's own order, found but not unescaped.
struct Split<'a> {
    raw: &'a [u8],
    stream: Stream,
    timestamp_ns: i64,
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow, default)]
    log: Cow<'a, str>,
    #[serde(borrow)]
    stream: Cow<'a, str>,
    #[serde(borrow)]
    time: Cow<'a, str>,
}

fn split(line: &[u8]) -> Option<Split<'_>> {
    let text = line.strip_prefix(HEAD)?;
    let end = string_end(text)?;
    let (raw, rest) = text.split_at_checked(end)?;
    let rest = rest.strip_prefix(b"\",\"stream\":\"")?;
    let quote = memchr(b'"', rest)?;
    let (name, rest) = rest.split_at_checked(quote)?;
    let stream = stream(name)?;
    let (before, timestamp_ns) = trailing_time(rest)?;
    // Between stream and time there is nothing, or the attributes, which are not ours to read.
    let plain = before == b"\",";
    let attrs = before.starts_with(b"\",\"attrs\":{") && before.ends_with(b"},");
    (plain || attrs).then_some(Split { raw, stream, timestamp_ns })
}

/// Splits `…"time":"T"}` into what stands before `"time"` and T.
fn trailing_time(line: &[u8]) -> Option<(&[u8], i64)> {
    let body = line.strip_suffix(b"\"}")?;
    let from = body.len().saturating_sub(TIME_BYTES_MAX);
    let at = from + memmem::rfind(body.get(from..)?, TIME)?;
    let (before, time) = body.split_at_checked(at)?;
    Some((before, rfc3339_ns(time.get(TIME.len()..)?)?))
}

/// Where the string that begins at `text` ends: its first unescaped quote.
fn string_end(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr2(b'"', b'\\', text.get(at..)?)?;
        if text.get(at) == Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
}

fn trailing_backslashes(bytes: &[u8]) -> usize {
    bytes.iter().rev().take_while(|b| **b == b'\\').count()
}

fn stream(name: &[u8]) -> Option<Stream> {
    match name {
        b"stdout" => Some(Stream::Stdout),
        b"stderr" => Some(Stream::Stderr),
        _ => None,
    }
}

/// Unescapes `raw`, whose first backslash is at `first`. Unknown escapes are kept as they are.
fn unescape(raw: &[u8], first: usize, out: &mut Vec<u8>) {
    out.clear();
    let mut rest = raw;
    let mut next = Some(first);
    while let Some(at) = next {
        let (plain, escape) = rest.split_at_checked(at).unwrap_or((rest, b""));
        out.extend_from_slice(plain);
        let used = unescape_one(escape, out);
        rest = escape.get(used..).unwrap_or_default();
        next = memchr(b'\\', rest);
    }
    out.extend_from_slice(rest);
}

/// Unescapes the sequence at the start of `escape` and returns its length.
fn unescape_one(escape: &[u8], out: &mut Vec<u8>) -> usize {
    let byte = match escape.get(1) {
        Some(b'n') => b'\n',
        Some(b't') => b'\t',
        Some(b'r') => b'\r',
        Some(b'b') => 8,
        Some(b'f') => 12,
        Some(&c @ (b'"' | b'\\' | b'/')) => c,
        Some(b'u') => return unescape_unicode(escape, out),
        _ => {
            out.push(b'\\');
            return 1;
        }
    };
    out.push(byte);
    2
}

fn unescape_unicode(escape: &[u8], out: &mut Vec<u8>) -> usize {
    let Some(first) = hex4(escape, 2) else {
        out.push(b'\\');
        return 1;
    };
    let low = || {
        let second = escape.get(6..8).filter(|p| *p == b"\\u").and_then(|_| hex4(escape, 8))?;
        (0xdc00..0xe000).contains(&second).then_some(second)
    };
    let (code, used) = match first {
        0xd800..0xdc00 => match low() {
            Some(low) => (0x10000 + ((first - 0xd800) << 10) + (low - 0xdc00), 12),
            None => (0xfffd, 6),
        },
        _ => (first, 6),
    };
    let c = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    used
}

fn hex4(bytes: &[u8], at: usize) -> Option<u32> {
    let digits = bytes.get(at..at + 4)?;
    digits.iter().try_fold(0, |n, b| Some(n * 16 + char::from(*b).to_digit(16)?))
}

/// RFC 3339 to nanoseconds since the Unix epoch; `None` outside of 1678 to 2262 or when malformed.
pub fn rfc3339_ns(text: &[u8]) -> Option<i64> {
    let fixed: &[u8; 19] = text.first_chunk()?;
    let [_, _, _, _, b'-', _, _, b'-', _, _, b'T' | b't' | b' ', _, _, b':', _, _, b':', _, _] =
        fixed
    else {
        return None;
    };
    let n = |at: usize, len: usize| digits(fixed.get(at..at + len)?);
    let (year, month, day) = (n(0, 4)?, n(5, 2)?, n(8, 2)?);
    let (hour, minute, second) = (n(11, 2)?, n(14, 2)?, n(17, 2)?);
    let valid = (1..=12).contains(&month) && (1..=31).contains(&day);
    if !valid || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut rest = text.get(19..)?;
    let mut nanos = 0;
    if let Some(fraction) = rest.strip_prefix(b".") {
        let len = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
        let kept = fraction.get(..len.min(9)).filter(|f| !f.is_empty())?;
        nanos = digits(kept)? * 10_i64.pow(9 - u32::try_from(kept.len()).ok()?);
        rest = fraction.get(len..)?;
    }
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second
        - offset_seconds(rest)?;
    seconds.checked_mul(1_000_000_000)?.checked_add(nanos)
}

fn offset_seconds(zone: &[u8]) -> Option<i64> {
    match zone {
        b"Z" | b"z" => Some(0),
        [sign @ (b'+' | b'-'), h @ .., b':', m1, m2] if h.len() == 2 => {
            let seconds = digits(h)? * 3600 + digits(&[*m1, *m2])? * 60;
            Some(if *sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}

fn digits(text: &[u8]) -> Option<i64> {
    text.iter().try_fold(0, |n, b| b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0')))
}

/// Days since 1970-01-01 of a proleptic Gregorian date (Howard Hinnant, "chrono-compatible
/// low-level date algorithms").
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let of_era = y.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests;

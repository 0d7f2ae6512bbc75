//! The types of the allow-list: one pure function each, from the text of a value to what may leave,
//! or nothing. Whatever text they let through still passes wall 2, unless it comes from a closed
//! list.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};

use crate::lexicon::Lexicon;
use crate::parse::request::METHODS;
use crate::parse::{header, postgres, stack};
use crate::policy::types::{FieldType, Unit};
use crate::record::{Level, Value};

/// Bytes of the longest text that a typed field may hold.
const TEXT_MAX: usize = 256;
/// Bytes of the longest identifier.
const IDENT_MAX: usize = 96;
/// Digits in a row that an identifier may have.
const IDENT_DIGITS_MAX: usize = 4;
/// Segments of a route that are told apart.
const SEGMENTS_MAX: usize = 16;
/// Digits of the largest size in bytes.
const BYTES_DIGITS_MAX: usize = 12;
/// The longest time span, milliseconds (115 days).
const DURATION_MS_MAX: f64 = 1e10;

/// The words that the types consult.
pub(super) struct Words<'a> {
    pub(super) lexicon: &'a Lexicon,
    pub(super) segments: &'a HashSet<Box<str>>,
    pub(super) models: &'a [Box<str>],
    pub(super) hosts: &'a HashSet<Box<str>>,
}

impl Words<'_> {
    /// Whether a word, or every part of it, is technical.
    fn known(&self, ident: &str) -> bool {
        let part_known = |p: &str| {
            p.is_empty()
                || self.declared(p)
                || p.len() <= 2 && p.bytes().all(|b| b.is_ascii_digit())
                || self.lexicon.is_technical(p)
        };
        !ident.is_empty()
            && (self.declared(ident)
                || self.lexicon.is_technical(ident)
                || ident.split(['.', '_', '-', ':', '/', ' ']).all(part_known))
    }

    fn declared(&self, word: &str) -> bool {
        if self.segments.contains(word) {
            return true;
        }
        word.bytes().any(|b| b.is_ascii_uppercase())
            && self.segments.contains(word.to_ascii_lowercase().as_str())
    }
}

/// A value that fits its type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Checked<'a> {
    /// From a closed list, or a number: nothing to look for.
    Closed(Value<'a>),
    /// Text that wall 2 has to look at.
    Open(&'a str),
    /// A severity, as spelt.
    Level(Level, &'a str),
}

/// Judges `text`, of type `kind`; `out` is room for a rewritten value. `None` when it does not fit.
pub(super) fn check<'a>(
    kind: &'a FieldType,
    text: &'a str,
    words: &Words<'_>,
    out: &'a mut String,
) -> Option<Checked<'a>> {
    if text.len() > TEXT_MAX && !matches!(kind, FieldType::Route { .. } | FieldType::SqlOperation) {
        return None;
    }
    let closed = |v| Some(Checked::Closed(v));
    let text = text.trim();
    match kind {
        FieldType::Level => level(text).map(|(l, s)| Checked::Level(l, s)),
        FieldType::Int { max } => int(text, *max).map(|v| Checked::Closed(Value::Int(v))),
        FieldType::Float => float(text).map(|v| Checked::Closed(Value::Float(v))),
        FieldType::Bool => match text {
            "true" | "True" => closed(Value::Bool(true)),
            "false" | "False" => closed(Value::Bool(false)),
            _ => None,
        },
        FieldType::Duration { unit } => duration(text, *unit).and_then(|v| closed(Value::Float(v))),
        FieldType::Bytes => bytes(text).and_then(|v| closed(Value::Int(v))),
        FieldType::Enum { values } => {
            values.iter().find(|v| ***v == *text).and_then(|v| closed(Value::Text(v)))
        }
        FieldType::HttpMethod => METHODS
            .iter()
            .find(|m| m.eq_ignore_ascii_case(text))
            .and_then(|m| closed(Value::Text(m))),
        FieldType::Status => status(text).and_then(|v| closed(Value::Int(v))),
        FieldType::Route { declared } => {
            route(text, *declared, words, out).then_some(Checked::Open(out))
        }
        FieldType::ServiceHost => service_host(text, words).map(Checked::Open),
        FieldType::Ident { known } => ident(text, *known, words).then_some(Checked::Open(text)),
        FieldType::Exception => stack::exception(text).map(Checked::Open),
        FieldType::SourceLocation => source_location(text).map(Checked::Open),
        FieldType::Sqlstate => {
            postgres::is_sqlstate(text).then_some(Checked::Closed(Value::Text(text)))
        }
        FieldType::SqlOperation => postgres::operation(text).and_then(|v| closed(Value::Text(v))),
        FieldType::Version => version(text).map(Checked::Open),
        FieldType::Digest => digest(text).then_some(Checked::Closed(Value::Text(text))),
        FieldType::TraceId => hex_id(text, &[16, 32]).then_some(Checked::Closed(Value::Text(text))),
        FieldType::SpanId => hex_id(text, &[16]).then_some(Checked::Closed(Value::Text(text))),
        FieldType::Model => model(text, words).then_some(Checked::Open(text)),
        FieldType::IpClass => ip_class(text).and_then(|v| closed(Value::Text(v))),
        FieldType::Timestamp | FieldType::Message { .. } | FieldType::Json | FieldType::Drop => {
            None
        }
    }
}

/// The level that a spelling stands for, and the spelling.
pub(super) fn level(text: &str) -> Option<(Level, &str)> {
    const SPELLINGS: [(&str, Level); 38] = [
        ("info", Level::Info),
        ("error", Level::Error),
        ("warn", Level::Warn),
        ("warning", Level::Warn),
        ("debug", Level::Debug),
        ("trace", Level::Trace),
        ("fatal", Level::Fatal),
        ("critical", Level::Fatal),
        ("notice", Level::Info),
        ("information", Level::Info),
        ("log", Level::Info),
        ("err", Level::Error),
        ("panic", Level::Fatal),
        ("dpanic", Level::Fatal),
        ("crit", Level::Fatal),
        ("alert", Level::Fatal),
        ("emerg", Level::Fatal),
        ("emergency", Level::Fatal),
        ("severe", Level::Error),
        ("exception", Level::Error),
        ("dbg", Level::Debug),
        ("inf", Level::Info),
        ("wrn", Level::Warn),
        ("ftl", Level::Fatal),
        ("eror", Level::Error),
        ("verbose", Level::Debug),
        ("fine", Level::Debug),
        ("debug1", Level::Debug),
        ("debug2", Level::Debug),
        ("debug3", Level::Trace),
        ("debug4", Level::Trace),
        ("debug5", Level::Trace),
        ("10", Level::Trace),
        ("20", Level::Debug),
        ("30", Level::Info),
        ("40", Level::Warn),
        ("50", Level::Error),
        ("60", Level::Fatal),
    ];
    let (_, level) = SPELLINGS.iter().find(|(s, _)| s.eq_ignore_ascii_case(text))?;
    // Pino's numbers say nothing to a reader.
    let number = text.bytes().all(|b| b.is_ascii_digit());
    Some((*level, if number { level.name() } else { text }))
}

fn int(text: &str, max: u64) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    // A leading zero belongs to a telephone, not to a count.
    let canonical = digits.len() == 1 || !digits.starts_with('0');
    let value: u64 = if plain && canonical { digits.parse().ok()? } else { return None };
    let value = (value <= max).then_some(i64::try_from(value).ok()?)?;
    Some(if text.len() > digits.len() { -value } else { value })
}

fn float(text: &str) -> Option<f64> {
    let plain = |b: u8| matches!(b, b'0'..=b'9' | b'.' | b'-' | b'e' | b'E' | b'+');
    let value: f64 = text.bytes().all(plain).then(|| text.parse().ok())??;
    (text.len() <= 24 && value.abs() < 1e9).then_some(value)
}

fn status(text: &str) -> Option<i64> {
    int(text, 599).filter(|v| *v >= 100)
}

/// Milliseconds of `1.148087716` (in `unit`), `82.985212ms`, `1h2m3.5s`, `12 ms`, `738.539µs`.
pub(super) fn duration(text: &str, unit: Unit) -> Option<f64> {
    if let Some(v) = number(text) {
        return span(v * unit.milliseconds());
    }
    let mut total = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let (n, after) = rest.split_at(digits);
        let n = number(n)?;
        let after = after.trim_start();
        let letters = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        total += n * match unit.trim_end() {
            "ns" => 1e-6,
            "us" | "µs" | "μs" => 1e-3,
            "ms" => 1.0,
            "s" | "sec" | "secs" | "seconds" => 1e3,
            "m" | "min" => 60e3,
            "h" => 3_600e3,
            "d" => 86_400e3,
            _ => return None,
        };
        rest = after;
    }
    (!text.is_empty()).then(|| span(total))?
}

fn span(ms: f64) -> Option<f64> {
    ((0.0..DURATION_MS_MAX).contains(&ms)).then(|| (ms * 1e6).round() / 1e6)
}

fn number(text: &str) -> Option<f64> {
    let plain = |b: u8| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'-' | b'+');
    let first = text.bytes().next()?.is_ascii_digit();
    (first && text.len() <= 24 && text.bytes().all(plain)).then(|| text.parse().ok())?
}

/// Bytes of `1234`, `7.9 GiB`, `512MB`.
fn bytes(text: &str) -> Option<i64> {
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (n, unit) = text.split_at(digits);
    if unit.is_empty() {
        return int(text, 10u64.pow(BYTES_DIGITS_MAX as u32) - 1);
    }
    let factor = match unit.trim() {
        "B" => 1.0,
        "kB" | "KB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        "TB" => 1e12,
        "KiB" | "K" => 1024.0,
        "MiB" | "M" => 1_048_576.0,
        "GiB" | "G" => 1_073_741_824.0,
        "TiB" => 1_099_511_627_776.0,
        _ => return None,
    };
    let value = number(n)? * factor;
    // A number below 10¹⁵ is exact in both types.
    (value < 1e15).then_some(value as i64)
}

/// Appends the template of a path or URL to `out`: every segment that is not known is `{}`; query
/// and fragment are gone. `false` when the text is no path.
pub(super) fn route(text: &str, declared: bool, words: &Words<'_>, out: &mut String) -> bool {
    out.clear();
    let path = match text.find("://") {
        Some(i) if text.get(..i).is_some_and(|s| s.bytes().all(|b| b.is_ascii_alphabetic())) => {
            let rest = text.get(i + 3..).unwrap_or("");
            rest.find(['/', '?', '#']).and_then(|i| rest.get(i..)).unwrap_or("/")
        }
        _ => text,
    };
    let path = path.split(['?', '#', ';', ' ', '&']).next().unwrap_or("");
    if !(path.starts_with('/') || path.is_empty() && text.contains("://")) {
        return false;
    }
    for (i, segment) in path.split('/').skip(1).enumerate() {
        if i >= SEGMENTS_MAX {
            out.push_str("/{}");
            break;
        }
        out.push('/');
        out.push_str(match segment {
            "" => "",
            s if segment_known(s, declared, words) => s,
            _ => "{}",
        });
    }
    if out.is_empty() {
        out.push('/');
    }
    true
}

fn segment_known(s: &str, declared: bool, words: &Words<'_>) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    if s.len() > 48 {
        return false;
    }
    if declared {
        let name = s.trim_start_matches([':', '*']);
        return name.bytes().all(plain);
    }
    // A word of one case, or code's camelCase: `Jean` is not a path that code declares.
    let starts_lower = !s.bytes().next().is_some_and(|b| b.is_ascii_uppercase());
    starts_lower && s.bytes().all(plain) && !all_digits(s) && words.known(s)
}

fn all_digits(s: &str) -> bool {
    s.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'_' | b'-' | b'.'))
}

fn digits_in_a_row(s: &str) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for b in s.bytes() {
        run = if b.is_ascii_digit() { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

/// An identifier from code. One with spaces must be known word by word.
fn ident(text: &str, known: bool, words: &Words<'_>) -> bool {
    let plain = |b: u8| {
        b.is_ascii_alphanumeric()
            || matches!(
                b,
                b'_' | b'.' | b':' | b'-' | b'/' | b'$' | b'<' | b'>' | b'(' | b')' | b'*' | b' '
            )
    };
    let first = |b: u8| b.is_ascii_alphabetic() || matches!(b, b'_' | b'(' | b'<');
    let fits = text.len() <= IDENT_MAX
        && text.bytes().next().is_some_and(first)
        && text.bytes().all(plain)
        && digits_in_a_row(text) <= IDENT_DIGITS_MAX;
    fits && (!(known || text.contains(' ')) || words.known(text))
}

/// `routes.go:208`, `pkg.func (file.go:12)`, `module:function:12`, `file.py`; no directories.
fn source_location(text: &str) -> Option<&str> {
    if let Some((function, place)) = text.split_once(" (") {
        let place = place.strip_suffix(')')?;
        let fits = code_name(function) && header::location(place) == Some(place.len());
        return (fits && !place.contains('/')).then_some(text);
    }
    let file = text.rsplit(['/', '\\']).next()?;
    if header::location(file) == Some(file.len()) {
        return Some(file);
    }
    let mut parts = text.rsplit(':');
    let line = parts.next()?;
    let numbered = (1..=6).contains(&line.len()) && line.bytes().all(|b| b.is_ascii_digit());
    if numbered && text.len() <= 128 {
        let mut parts = parts.peekable();
        return (parts.peek().is_some() && parts.all(code_name)).then_some(text);
    }
    // A file without a line is told from other dotted words by its ending.
    let mut probe = [0u8; IDENT_MAX + 2];
    let with_line = probe.get_mut(..file.len() + 2)?;
    let (name, tail) = with_line.split_at_mut(file.len());
    name.copy_from_slice(file.as_bytes());
    tail.copy_from_slice(b":1");
    let with_line = std::str::from_utf8(with_line).ok()?;
    (header::location(with_line) == Some(with_line.len())).then_some(file)
}

fn code_name(s: &str) -> bool {
    let plain = |b: u8| {
        b.is_ascii_alphanumeric()
            || matches!(b, b'_' | b'.' | b'<' | b'>' | b'$' | b'*' | b'(' | b')')
    };
    !s.is_empty()
        && s.bytes().all(plain)
        && s.bytes().next().is_some_and(|b| !b.is_ascii_digit())
        && digits_in_a_row(s) <= IDENT_DIGITS_MAX
}

/// `2.42.0+ds`, `v1.106.0-rc1`, and the same inside `(version=…, branch=…)`.
fn version(text: &str) -> Option<&str> {
    let text = match text.strip_prefix("(version=") {
        Some(inside) => inside.split([',', ')']).next()?,
        None => text,
    };
    let number = text.strip_prefix('v').unwrap_or(text);
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'+' | b'-' | b'~' | b'_');
    let fits = text.len() <= 48
        && number.bytes().next().is_some_and(|b| b.is_ascii_digit())
        && number.bytes().all(plain)
        && digits_in_a_row(number) <= 8
        && (number.contains('.') || number.len() <= IDENT_DIGITS_MAX);
    fits.then_some(text)
}

/// Hexadecimal of 7 to 64 digits, perhaps with its algorithm.
fn digest(text: &str) -> bool {
    let hex = text.strip_prefix("sha256:").unwrap_or(text);
    (7..=64).contains(&hex.len()) && hex_id(hex, &[hex.len()])
}

/// Lower-case hexadecimal of one of the lengths. What is digits only, or spells text when decoded,
/// is no random identifier.
fn hex_id(text: &str, lengths: &[usize]) -> bool {
    let b = text.as_bytes();
    let hex = |b: &u8| b.is_ascii_digit() || (b'a'..=b'f').contains(b);
    let random = b.iter().any(|b| b.is_ascii_alphabetic()) && b.iter().any(u8::is_ascii_digit);
    let nibble = |b: u8| char::from(b).to_digit(16).unwrap_or(0);
    let spells = b.chunks_exact(2).all(|p| match p {
        [h, l] => (0x20..0x7f).contains(&(nibble(*h) * 16 + nibble(*l))),
        _ => false,
    });
    lengths.contains(&b.len()) && b.iter().all(hex) && random && !(spells && b.len() >= 12)
}

/// A model of a family that is on the list.
fn model(text: &str, words: &Words<'_>) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'/' | b'-');
    if text.len() > IDENT_MAX || !text.bytes().all(plain) || digits_in_a_row(text) > 8 {
        return false;
    }
    let lower = text.bytes().map(|b| b.to_ascii_lowercase());
    words.models.iter().any(|family| {
        let f = family.as_bytes();
        (0..(text.len() + 1).saturating_sub(f.len()))
            .any(|i| lower.clone().skip(i).take(f.len()).eq(f.iter().copied()))
    })
}

/// `postgres:5432`, `http://ollama:11434/…`, `gateway@docker`: host and port of a service of the
/// stack. Never an address, never a public name.
fn service_host<'a>(text: &'a str, words: &Words<'_>) -> Option<&'a str> {
    const PROVIDERS: [&str; 6] = ["docker", "file", "internal", "kubernetes", "swarm", "consul"];
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let host_port = rest.split(['/', '?', '#']).next()?;
    let (host, port) = host_port.split_once(':').map_or((host_port, ""), |(h, p)| (h, p));
    let port_fits = port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit());
    let host = match host.split_once('@') {
        Some((name, provider)) if PROVIDERS.contains(&provider) => name,
        Some(_) => return None,
        None => host,
    };
    let name = [".internal", ".local", ".svc", ".svc.cluster.local"]
        .iter()
        .find_map(|s| host.strip_suffix(s))
        .unwrap_or(host);
    let known = words.hosts.contains(name) || (!name.contains('.') && words.known(name));
    (known && port_fits && !all_digits(name)).then_some(host_port)
}

/// What kind of address it is.
fn ip_class(text: &str) -> Option<&'static str> {
    let bare = text.trim_start_matches('[').split(']').next().unwrap_or(text);
    let ip: IpAddr = match bare.parse() {
        Ok(ip) => ip,
        Err(_) => text.parse::<SocketAddr>().ok()?.ip(),
    };
    let private = match ip {
        IpAddr::V4(v4) => {
            let shared = v4.octets().first() == Some(&100)
                && v4.octets().get(1).is_some_and(|b| b & 0xc0 == 64);
            v4.is_private() || v4.is_link_local() || v4.is_unspecified() || shared
        }
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_unspecified(),
    };
    Some(match ip.is_loopback() {
        true => "loopback",
        false if private => "private",
        false => "public",
    })
}

#[cfg(test)]
mod tests;

//! Identifiers and path segments: all parts known, or none of it passes.

use super::tables::{SCORE_UNIT, Tables, flag};

/// Longest identifier that can be known.
const IDENT_BYTES_MAX: usize = 160;
/// Parts of one identifier.
const PARTS_MAX: u8 = 24;
/// From this many parts on, a hyphenated segment is a title and needs technical company.
const SLUG_PARTS_MIN: u8 = 4;
/// Digits that may follow a known part: `v1`, `ipv4`, `srv0`.
const INDEX_DIGITS_MAX: usize = 2;
/// Digits of a line number.
const LINE_DIGITS_MAX: usize = 6;

/// File endings of program sources.
const SOURCES: [&str; 24] = [
    "go", "py", "rs", "java", "kt", "scala", "c", "cc", "cpp", "cxx", "h", "hpp", "cu", "js",
    "mjs", "ts", "tsx", "jsx", "rb", "php", "cs", "swift", "erl", "ex",
];

/// Last parts that make a dotted name a host name, which may be anybody's.
const HOST_ENDINGS: [&str; 22] = [
    "com", "org", "net", "fr", "eu", "de", "uk", "be", "ch", "it", "es", "nl", "lu", "ca", "us",
    "info", "gouv", "gov", "edu", "dev", "app", "ai",
];

/// Judgement on an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Every part is in the table and one of them is a content word; `is_strong`: all of those are
    /// clearly technical.
    Known { parts: u8, is_strong: bool },
    /// A source file with a line number, every part known.
    Source,
    /// Something in it is not known.
    Unknown,
}

/// Judges one identifier, path segment or source location.
pub(super) fn shape(text: &str, tables: &Tables) -> Shape {
    if text.len() > IDENT_BYTES_MAX || !text.is_ascii() {
        return Shape::Unknown;
    }
    if let Some(name) = source_name(text) {
        return match parts(name, tables) {
            Some(_) => Shape::Source,
            None => Shape::Unknown,
        };
    }
    if is_host(text) {
        return Shape::Unknown;
    }
    match parts(text, tables) {
        Some((parts, is_strong)) => Shape::Known { parts, is_strong },
        None => Shape::Unknown,
    }
}

/// `routes` of `routes.go:208` or `routes.go:208:4`.
fn source_name(text: &str) -> Option<&str> {
    let (file, position) = text.split_once(':')?;
    let is_position = position.split(':').count() <= 2
        && position.split(':').all(|p| {
            (1..=LINE_DIGITS_MAX).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_digit())
        });
    let (name, ending) = file.rsplit_once('.')?;
    (is_position && SOURCES.contains(&ending)).then_some(name)
}

fn is_host(text: &str) -> bool {
    text.rsplit_once('.').is_some_and(|(_, last)| {
        HOST_ENDINGS.iter().any(|ending| ending.eq_ignore_ascii_case(last))
    })
}

/// Sums over the parts of one identifier.
#[derive(Default)]
struct Sum {
    parts: u8,
    content: u8,
    letters: u8,
    weak: u8,
    score: i32,
}

/// Number of parts and whether they are strong, when all are known and one is a content word.
fn parts(text: &str, tables: &Tables) -> Option<(u8, bool)> {
    let mut sum = Sum::default();
    let mut was_part = false;
    for chunk in text.split(is_separator) {
        if chunk.is_empty() {
            continue;
        }
        if !chunk.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return None;
        }
        if !add_whole(chunk, tables, &mut sum) {
            add_pieces(chunk, was_part, tables, &mut sum)?;
        }
        was_part = true;
    }
    let is_slug = sum.parts >= SLUG_PARTS_MIN && text.contains('-');
    let is_prose = is_slug && sum.score < i32::from(sum.parts) * SCORE_UNIT / 4;
    let fits = sum.content > 0 && sum.letters < 3 && sum.parts <= PARTS_MAX && !is_prose;
    fits.then_some((sum.parts, sum.weak == 0))
}

fn is_separator(c: char) -> bool {
    matches!(c, '_' | '.' | '-' | '/' | '\\' | ':' | '$' | '+' | '~' | '#')
}

/// The chunk as one word, whatever its capitals: `PostgreSQL`, `sha256`.
fn add_whole(chunk: &str, tables: &Tables, sum: &mut Sum) -> bool {
    let Some(word) = tables.find_any_case(chunk).filter(|w| w.flags & flag::BANNED == 0) else {
        return false;
    };
    let is_function = word.flags & flag::FUNCTION != 0;
    sum.parts = sum.parts.saturating_add(1);
    sum.content = sum.content.saturating_add(u8::from(!is_function));
    let is_weak = !is_function && word.flags & flag::STRONG == 0;
    sum.weak = sum.weak.saturating_add(u8::from(is_weak));
    sum.score += i32::from(word.score);
    true
}

/// The chunk cut at capitals and digits.
fn add_pieces(chunk: &str, was_part: bool, tables: &Tables, sum: &mut Sum) -> Option<()> {
    let mut rest = chunk;
    let mut has_part = was_part;
    while !rest.is_empty() {
        let (part, tail) = rest.split_at(hump(rest.as_bytes()));
        if part.starts_with(|c: char| c.is_ascii_digit()) {
            if !has_part || part.len() > INDEX_DIGITS_MAX {
                return None;
            }
        } else if part.len() == 1 {
            sum.letters = sum.letters.saturating_add(1);
            sum.content = sum.content.saturating_add(u8::from(!tail.is_empty()));
        } else if !add_whole(part, tables, sum) {
            return None;
        }
        has_part = true;
        rest = tail;
    }
    Some(())
}

/// Length of the first part of a run of letters and digits: `HTTP` of `HTTPServer`.
fn hump(bytes: &[u8]) -> usize {
    let run =
        |from: usize, is: fn(&u8) -> bool| bytes.iter().skip(from).take_while(|b| is(b)).count();
    let digits = run(0, u8::is_ascii_digit);
    if digits > 0 {
        return digits;
    }
    let upper = run(0, u8::is_ascii_uppercase);
    let lower = run(upper, u8::is_ascii_lowercase);
    match (upper, lower) {
        (0 | 1, _) => (upper + lower).max(1),
        (_, 0) => upper,
        _ => upper - 1,
    }
}

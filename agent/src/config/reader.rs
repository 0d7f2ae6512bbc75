//! Reads a TOML table key by key, with its spans, and collects every mistake.
//!
//! No message carries a value or an unknown key of the file: only line and column, known key
//! names and what was expected. That is why no source line is quoted beside an error either.

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One mistake of a configuration or policy file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
}

impl Mistake {
    /// A mistake at these bytes of `text`.
    pub fn at(text: &str, span: Range<usize>, message: String, hint: String) -> Self {
        let before = text.get(..span.start.min(text.len())).unwrap_or("");
        let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        Mistake { line, column, message, hint }
    }
}

/// Collects mistakes of one file.
pub(super) struct Mistakes<'t> {
    text: &'t str,
    found: Vec<Mistake>,
}

impl<'t> Mistakes<'t> {
    /// For this file's text.
    pub(super) fn new(text: &'t str) -> Self {
        Mistakes { text, found: Vec::new() }
    }

    /// Notes a mistake at these bytes.
    pub(super) fn add(
        &mut self,
        span: Range<usize>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.found.push(Mistake::at(self.text, span, message.into(), hint.into()));
    }

    /// All mistakes, in order of place.
    pub(super) fn into_sorted(mut self) -> Vec<Mistake> {
        self.found.sort_by_key(|m| (m.line, m.column));
        self.found
    }
}

/// A table being read. Keys not asked for are mistakes when it is closed.
pub(super) struct Section<'a, 'i> {
    name: &'static str,
    table: &'a DeTable<'i>,
    span: Range<usize>,
    known: Vec<&'static str>,
}

impl<'a, 'i> Section<'a, 'i> {
    /// Starts reading `table`; `name` is its path in the file, empty at the top.
    pub(super) fn new(name: &'static str, table: &'a DeTable<'i>, span: Range<usize>) -> Self {
        Section { name, table, span, known: Vec::new() }
    }

    /// Where the section begins.
    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    fn value(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'i>>> {
        self.known.push(key);
        self.table.iter().find(|(k, _)| k.get_ref() == key).map(|(_, v)| v)
    }

    /// A sub-table.
    pub(super) fn section(
        &mut self,
        key: &'static str,
        path: &'static str,
        mistakes: &mut Mistakes<'_>,
    ) -> Option<Section<'a, 'i>> {
        let value = self.value(key)?;
        match value.get_ref().as_table() {
            Some(table) => Some(Section::new(path, table, value.span())),
            None => {
                let message = format!("`{path}` must be a table");
                mistakes.add(value.span(), message, format!("write `[{path}]`"));
                None
            }
        }
    }

    /// A string.
    pub(super) fn text(
        &mut self,
        key: &'static str,
        mistakes: &mut Mistakes<'_>,
    ) -> Option<String> {
        self.parsed(key, "a string in quotes", mistakes, |s| (!s.is_empty()).then(|| s.to_owned()))
    }

    /// A file or directory.
    pub(super) fn path(
        &mut self,
        key: &'static str,
        mistakes: &mut Mistakes<'_>,
    ) -> Option<PathBuf> {
        self.text(key, mistakes).map(PathBuf::from)
    }

    /// A duration with its unit.
    pub(super) fn duration(
        &mut self,
        key: &'static str,
        mistakes: &mut Mistakes<'_>,
    ) -> Option<Duration> {
        const EXPECTED: &str = "a duration with a unit, such as \"200ms\", \"5s\", \"10m\", \"6d\"";
        self.parsed(key, EXPECTED, mistakes, parse_duration)
    }

    /// A number of bytes with its unit.
    pub(super) fn bytes(&mut self, key: &'static str, mistakes: &mut Mistakes<'_>) -> Option<u64> {
        const EXPECTED: &str = "a size with a unit, such as \"512KiB\", \"64MiB\", \"2GiB\"";
        self.parsed(key, EXPECTED, mistakes, parse_bytes)
    }

    /// A string that `parse` understands; `expected` completes "must be …".
    pub(super) fn parsed<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        mistakes: &mut Mistakes<'_>,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let value = self.value(key)?;
        let got = value.get_ref().as_str().and_then(parse);
        if got.is_none() {
            let message = format!("`{key}`{} has a value that cannot be used", self.place());
            mistakes.add(value.span(), message, format!("it must be {expected}"));
        }
        got
    }

    /// A whole number within bounds.
    pub(super) fn integer(
        &mut self,
        key: &'static str,
        bounds: std::ops::RangeInclusive<u64>,
        mistakes: &mut Mistakes<'_>,
    ) -> Option<u64> {
        let value = self.value(key)?;
        let got = value.get_ref().as_integer();
        let got = got.and_then(|i| u64::from_str_radix(i.as_str(), i.radix()).ok());
        let got = got.filter(|n| bounds.contains(n));
        if got.is_none() {
            let (low, high) = bounds.into_inner();
            let message = format!("`{key}`{} has a value that cannot be used", self.place());
            mistakes.add(value.span(), message, format!("a whole number from {low} to {high}"));
        }
        got
    }

    /// A required value that is missing is a mistake of the section.
    pub(super) fn require<T>(
        &self,
        key: &'static str,
        got: Option<T>,
        hint: &str,
        mistakes: &mut Mistakes<'_>,
    ) -> Option<T> {
        let present = self.table.iter().any(|(k, _)| k.get_ref() == key);
        if got.is_none() && !present {
            mistakes.add(self.span(), format!("`{key}`{} is missing", self.place()), hint);
        }
        got
    }

    /// Every key that was not asked for is a mistake, with the nearest known one as a hint.
    pub(super) fn close(self, mistakes: &mut Mistakes<'_>) {
        for (key, _) in self.table {
            if self.known.iter().any(|k| k == key.get_ref()) {
                continue;
            }
            let hint = match nearest(key.get_ref(), &self.known) {
                Some(known) => format!("did you mean `{known}`?"),
                None => format!("known keys: {}", self.known.join(", ")),
            };
            mistakes.add(key.span(), format!("unknown key{}", self.place()), hint);
        }
    }

    fn place(&self) -> String {
        if self.name.is_empty() { String::new() } else { format!(" in [{}]", self.name) }
    }
}

/// The known name within two edits (three for long names), if any.
pub fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let scored = known.iter().map(|k| (edits(word, k), *k));
    let (distance, best) = scored.min_by_key(|(d, _)| *d)?;
    (distance <= if best.len() > 8 { 3 } else { 2 }).then_some(best)
}

/// Levenshtein distance.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().take(64).enumerate() {
        let mut diagonal = i;
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
        for (j, cb) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}

/// `250ms`, `5s`, `10m`, `2h`, `7d`. At most a year.
pub(super) fn parse_duration(s: &str) -> Option<Duration> {
    let split = s.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = s.split_at_checked(split)?;
    let n: u64 = number.parse().ok()?;
    let duration = match unit {
        "ms" => Duration::from_millis(n),
        "s" => Duration::from_secs(n),
        "m" => Duration::from_secs(n.checked_mul(60)?),
        "h" => Duration::from_secs(n.checked_mul(3600)?),
        "d" => Duration::from_secs(n.checked_mul(86_400)?),
        _ => return None,
    };
    (duration <= Duration::from_secs(366 * 86_400)).then_some(duration)
}

/// `512B`, `64KiB`, `8MiB`, `2GiB`, `1TiB`.
pub(super) fn parse_bytes(s: &str) -> Option<u64> {
    let split = s.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = s.split_at_checked(split)?;
    let n: u64 = number.parse().ok()?;
    let shift = match unit {
        "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        "TiB" => 40,
        _ => return None,
    };
    n.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_required_and_bounded() {
        assert_eq!(parse_duration("200ms"), Some(Duration::from_millis(200)));
        assert_eq!(parse_duration("6d"), Some(Duration::from_secs(6 * 86_400)));
        for bad in ["", "5", "s", "5 s", "-5s", "1.5s", "99999999999999999999s", "400d"] {
            assert_eq!(parse_duration(bad), None, "{bad}");
        }
        assert_eq!(parse_bytes("64MiB"), Some(64 << 20));
        for bad in ["", "64", "64MB", "MiB", "99999999999999TiB"] {
            assert_eq!(parse_bytes(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_nearest_key_is_proposed_only_when_near() {
        assert_eq!(nearest("lsten", &["listen", "url"]), Some("listen"));
        assert_eq!(nearest("password", &["listen", "url"]), None);
    }
}

//! The lines of a benchmark: files, templates filled with synthetic values, or a hostile unit
//! repeated. Everything but the public log collections is made from a seed, so that every machine
//! measures the same bytes.

mod encode;
mod values;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::definition::{Definition, Source};
use values::Values;

/// Times that every template of the committed corpus is written, each with other values.
const MIXED_ROUNDS: usize = 6;
/// Where the committed corpus and its templates lie.
const MIXED: &str = "fixtures/bench/mixed.log";
const MIXED_TEMPLATES: &str = "fixtures/bench/mixed.templates";
/// Bytes of whole lines that are handed over at once.
const CHUNK: usize = 64 * 1024;
/// Length of a line of a flood, bytes.
const FLOOD_LINE: usize = 64 * 1024;
/// Length of a line of joined lines, bytes: the most that a sidecar gives the scrubber at once.
const JOINED_LINE: usize = 1 << 20;

/// A corpus in memory.
pub(crate) struct Corpus {
    text: Vec<u8>,
    /// Times that the lines of the definition are in it.
    repeats: u64,
}

/// How many values of each kind were put into a corpus.
pub(crate) type Planted = BTreeMap<String, u64>;

impl Corpus {
    /// The lines of a definition, repeated to at least `bytes`; `None` where its files are absent
    /// and may be.
    ///
    /// # Errors
    /// A file that cannot be read, a template that names no value.
    pub(crate) fn read(definition: &Definition, bytes: usize) -> Result<Option<Corpus>, String> {
        let source = &definition.corpus;
        let fail = |e: String| format!("{}: corpus: {e}", definition.name);
        if let Some(unit) = &source.flood {
            return Ok(Some(flood(unit, bytes)));
        }
        let Some(text) = lines(source).map_err(fail)? else { return Ok(None) };
        if text.is_empty() {
            return Err(fail("no lines".to_owned()));
        }
        Ok(Some(match &source.join {
            Some(between) => joined(&text, between, bytes),
            None => {
                let repeats = bytes.div_ceil(text.len()).max(1);
                Corpus { text: text.repeat(repeats), repeats: repeats as u64 }
            }
        }))
    }

    /// Times that the lines of the definition are in it.
    pub(crate) fn repeats(&self) -> u64 {
        self.repeats
    }

    /// Bytes, newlines included.
    pub(crate) fn bytes(&self) -> usize {
        self.text.len()
    }

    /// All of it.
    #[cfg(test)]
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Whole lines with their newlines, about [`CHUNK`] bytes at once: what a command reads.
    pub(crate) fn chunks(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.text.as_slice();
        std::iter::from_fn(move || {
            let (chunk, tail) = rest.split_at(whole_lines(rest));
            rest = tail;
            (!chunk.is_empty()).then_some(chunk)
        })
    }

    /// Lines without their newline.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let text = self.text.strip_suffix(b"\n").unwrap_or(&self.text);
        text.split(|b| *b == b'\n')
    }
}

/// The length of the whole lines among the first [`CHUNK`] bytes, or of one longer line.
fn whole_lines(text: &[u8]) -> usize {
    let head = text.get(..CHUNK).unwrap_or(text);
    let last = memchr::memrchr(b'\n', head).or_else(|| memchr::memchr(b'\n', text));
    last.map_or(text.len(), |i| i + 1)
}

/// One line after another, each ended. `None` where a file is absent and may be.
fn lines(source: &Source) -> Result<Option<Vec<u8>>, String> {
    let mut text = Vec::new();
    for file in &source.files {
        match std::fs::read(root().join(file)) {
            Ok(bytes) => text.extend_from_slice(&bytes),
            Err(_) if source.only_where_present => return Ok(None),
            Err(e) => return Err(e.to_string()),
        }
        if text.last().is_some_and(|b| *b != b'\n') {
            text.push(b'\n');
        }
    }
    if source.templates.is_some() {
        text.extend_from_slice(filled(source)?.0.as_bytes());
    }
    Ok(Some(text))
}

/// Lines of one unit.
fn flood(unit: &str, bytes: usize) -> Corpus {
    let mut line = unit.repeat(FLOOD_LINE.div_ceil(unit.len().max(1)));
    line.push('\n');
    let repeats = bytes.div_ceil(line.len()).max(1);
    Corpus { text: line.repeat(repeats).into_bytes(), repeats: repeats as u64 }
}

/// Few long lines of many short ones.
fn joined(text: &[u8], between: &str, bytes: usize) -> Corpus {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let lines: Vec<&[u8]> = text.split(|b| *b == b'\n').collect();
    let once = lines.join(between.as_bytes());
    let in_line = JOINED_LINE.div_ceil(once.len()).max(1);
    let mut line = vec![once.as_slice(); in_line].join(between.as_bytes());
    line.push(b'\n');
    let repeats = bytes.div_ceil(line.len()).max(1);
    Corpus { text: line.repeat(repeats), repeats: (repeats * in_line) as u64 }
}

/// The top of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Writes the committed corpus.
///
/// # Errors
/// The templates cannot be read or the file not be written.
pub(crate) fn write() -> Result<(), String> {
    std::fs::write(root().join(MIXED), mixed()?.0).map_err(|e| e.to_string())
}

/// The committed corpus, and what was put into it.
pub(crate) fn mixed() -> Result<(String, Planted), String> {
    filled(&Source {
        templates: Some(MIXED_TEMPLATES.into()),
        rounds: MIXED_ROUNDS,
        ..Source::default()
    })
}

/// The templates of a source filled with values, and what was put into them.
pub(crate) fn filled(source: &Source) -> Result<(String, Planted), String> {
    let path = source.templates.as_deref().unwrap_or(Path::new(MIXED_TEMPLATES));
    let templates = std::fs::read_to_string(root().join(path)).map_err(|e| e.to_string())?;
    let templates: Vec<&str> =
        templates.lines().filter(|l| !l.starts_with('#') && !l.is_empty()).collect();
    let mut text = String::new();
    let mut planted = Planted::new();
    let mut values = Values::new(source.seed);
    let step = step(templates.len());
    for round in 0..source.rounds {
        for i in 0..templates.len() {
            let template = templates.get((i * step + round) % templates.len()).unwrap_or(&"");
            values.fill(template, &mut text, &mut planted)?;
            text.push('\n');
        }
    }
    Ok((text, planted))
}

/// A stack writes in no order; stepping by a number coprime to the length mixes the templates.
fn step(len: usize) -> usize {
    [7, 5, 3].into_iter().find(|step| !len.is_multiple_of(*step)).unwrap_or(1)
}

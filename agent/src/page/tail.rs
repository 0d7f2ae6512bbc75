//! Clean records for the eye: time, service, level, message, and the other fields.

use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tamis_scrubber::report::Kind;

use super::format;
use crate::recent::RecentLine;

/// Fields shown of one record.
const FIELDS_MAX: usize = 24;
/// Bytes shown of one value.
const VALUE_BYTES_MAX: usize = 600;

/// What the lexicon puts for words, numbers and quoted text.
const MASKS: [&str; 3] = ["<w>", "<n>", "<str>"];

/// One record, newest first in a list.
#[derive(Serialize)]
pub(super) struct Record {
    /// Time of day, UTC.
    pub(super) time: String,
    pub(super) service: String,
    /// `error`, or empty.
    pub(super) level: String,
    /// The message, cut where something was masked.
    pub(super) msg: Vec<Part>,
    /// The other fields.
    pub(super) fields: Vec<(String, Vec<Part>)>,
    /// What was removed: `3 fields, 2 words`, or empty.
    pub(super) removed: String,
}

/// A piece of a value.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Part {
    /// Whether it stands for something masked.
    pub(super) masked: bool,
    pub(super) text: String,
}

/// The records, newest first.
pub(super) fn records(lines: &[RecentLine]) -> Vec<Record> {
    lines.iter().rev().map(record).collect()
}

fn record(line: &RecentLine) -> Record {
    let mut out = Record {
        time: format::time_of_day(line.timestamp_ns),
        service: line.container.service().to_owned(),
        level: String::new(),
        msg: Vec::new(),
        fields: Vec::new(),
        removed: String::new(),
    };
    // A line that is not an object cannot occur; it would show as a record without fields.
    let object: Object = serde_json::from_str(&line.line).unwrap_or_default();
    for (key, value) in object.0 {
        match (key.as_str(), &value) {
            ("msg", Value::String(text)) => out.msg = parts(text),
            ("level", Value::String(text)) => out.level = text.to_ascii_lowercase(),
            ("removed", Value::Object(counts)) => out.removed = removed(counts),
            (_, Value::String(text)) => out.fields.push((key, parts(text))),
            (_, other) => out.fields.push((key, parts(&other.to_string()))),
        }
    }
    out.fields.truncate(FIELDS_MAX);
    out
}

fn removed(counts: &serde_json::Map<String, Value>) -> String {
    let count = |key: &str| counts.get(key).and_then(Value::as_u64).filter(|n| *n > 0);
    let say = |key: &str, one: &str| {
        count(key).map(|n| if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") })
    };
    let said = [say("fields", "field"), say("words", "word"), say("detections", "detection")];
    said.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Cuts a value at its placeholders: `[EMAIL]`, `[NIR:k3:9f2c…]`, `<w>`.
fn parts(text: &str) -> Vec<Part> {
    let mut out = Vec::new();
    let mut rest = text.get(..text.floor_char_boundary(VALUE_BYTES_MAX)).unwrap_or_default();
    let mut push = |masked, text: &str| {
        if !text.is_empty() {
            out.push(Part { masked, text: text.to_owned() });
        }
    };
    let mut from = 0;
    while let Some(at) = rest.get(from..).and_then(|t| t.find(['[', '<'])).map(|i| from + i) {
        let tail = rest.get(at..).unwrap_or_default();
        match placeholder(tail) {
            Some(len) => {
                push(false, rest.get(..at).unwrap_or_default());
                push(true, tail.get(..len).unwrap_or_default());
                rest = tail.get(len..).unwrap_or_default();
                from = 0;
            }
            None => from = at + 1,
        }
    }
    push(false, rest);
    if text.len() > VALUE_BYTES_MAX {
        push(false, "…");
    }
    out
}

/// Length of the placeholder at the start of `text`, which begins with a bracket.
fn placeholder(text: &str) -> Option<usize> {
    if let Some(mask) = MASKS.iter().find(|m| text.starts_with(**m)) {
        return Some(mask.len());
    }
    let inner = text.strip_prefix('[')?;
    let inner = inner.get(..inner.find(']')?)?;
    Kind::from_name(inner.split(':').next()?).map(|_| inner.len() + 2)
}

/// A JSON object in the order in which it was written.
#[derive(Default)]
struct Object(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut out = Object::default();
                while let Some(pair) = map.next_entry()? {
                    out.0.push(pair);
                }
                Ok(out)
            }
        }
        d.deserialize_map(Pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> Vec<(bool, String)> {
        parts(text).into_iter().map(|p| (p.masked, p.text)).collect()
    }

    #[test]
    fn placeholders_are_told_apart_from_text() {
        let rows: [(&str, &[(bool, &str)]); 7] = [
            ("", &[]),
            ("plain", &[(false, "plain")]),
            (
                "to [EMAIL] in <n> ms",
                &[
                    (false, "to "),
                    (true, "[EMAIL]"),
                    (false, " in "),
                    (true, "<n>"),
                    (false, " ms"),
                ],
            ),
            ("[NIR:k3:9f2c4b1a77de0c11]", &[(true, "[NIR:k3:9f2c4b1a77de0c11]")]),
            ("[INFO] a[0] <b", &[(false, "[INFO] a[0] <b")]),
            ("<<w>>", &[(false, "<"), (true, "<w>"), (false, ">")]),
            ("é[IP", &[(false, "é[IP")]),
        ];
        for (text, want) in rows {
            let want: Vec<_> = want.iter().map(|(m, t)| (*m, (*t).to_owned())).collect();
            assert_eq!(shape(text), want, "{text}");
        }
        let long = "é".repeat(VALUE_BYTES_MAX);
        assert_eq!(shape(&long).last(), Some(&(false, "…".to_owned())));
    }

    #[test]
    fn objects_keep_their_order() {
        let object: Object = serde_json::from_str(r#"{"z":1,"a":"x"}"#).unwrap();
        let keys: Vec<_> = object.0.iter().map(|(k, _)| k.as_str()).collect();
        assert_eq!(keys, ["z", "a"]);
    }
}

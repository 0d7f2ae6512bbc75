//! The body of a push: `PushRequest{streams=1: StreamAdapter{labels=1, entries=2: EntryAdapter{
//! timestamp=1, line=2, structuredMetadata=3}}}` (`pkg/push/push.proto`), one stream per label set.
//!
//! Written straight into buffers that are kept between requests, since derived structs would
//! allocate four times per record; a test holds the bytes equal to what `prost` derives. Labels
//! are a closed set of six; container id, trace and span are structured metadata.
//! The same records always give the same bytes.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use prost::encoding::{encode_varint, encoded_len_varint};
use tamis_scrubber::record::{CleanBatch, CleanContainer, CleanEntry, Level, Stream};

use super::super::{Rejected, reject};
use super::answer::Refusal;
use crate::limits::{LOKI_LABEL_BYTES_MAX, LOKI_LINE_BYTES_MAX};

/// Protobuf keys: field number and wire type 2 (length) or 0 (varint).
mod key {
    pub(super) const FIELD_1: u8 = 0x0a;
    pub(super) const FIELD_2: u8 = 0x12;
    pub(super) const FIELD_3: u8 = 0x1a;
    pub(super) const VARINT_1: u8 = 0x08;
    pub(super) const VARINT_2: u8 = 0x10;
}

/// Streams that one container can have: two outputs, six levels or none.
const STREAMS_PER_CONTAINER: usize = 2 * (Level::ALL.len() + 1);

/// An encoded push.
pub(super) struct Request {
    /// Snappy block, sent as it is on every attempt.
    pub(super) body: Bytes,
    /// Records in it, by container and in order.
    sent: Vec<(Arc<CleanContainer>, usize)>,
    /// Records left out because the store would drop them without a word.
    pub(super) too_long: Vec<(Arc<CleanContainer>, usize)>,
}

impl Request {
    /// Records in the body.
    pub(super) fn records(&self) -> usize {
        self.sent.iter().map(|(_, n)| n).sum()
    }

    /// Counts what the store did not take. When it says only how many, the count falls on the
    /// containers in order: the sum is exact, its split a guess. Returns the number.
    pub(super) fn refuse(&self, refusal: &Refusal, rejected: &mut Vec<Rejected>) -> usize {
        let all = self.records();
        let refused = refusal.ignored.unwrap_or(all).min(all);
        let mut left = refused;
        for (container, records) in &self.sent {
            let n = left.min(*records);
            left -= n;
            reject(rejected, container, refusal.reason, n);
        }
        refused
    }
}

/// One label set's part of a push.
#[derive(Default)]
struct Group {
    labels: String,
    /// Encoded entries, keys and lengths included.
    entries: Vec<u8>,
}

/// Makes pushes; keeps its buffers.
pub(super) struct Encoder {
    host: String,
    groups: Vec<Group>,
    groups_used: usize,
    message: Vec<u8>,
    metadata: Vec<u8>,
    /// Holds a table of two kilobytes.
    snappy: Box<snap::raw::Encoder>,
}

impl Encoder {
    pub(super) fn new(host: &str) -> Self {
        Encoder {
            host: host.to_owned(),
            groups: Vec::new(),
            groups_used: 0,
            message: Vec::new(),
            metadata: Vec::new(),
            snappy: Box::new(snap::raw::Encoder::new()),
        }
    }

    /// Encodes the records with numbers in `part`, counted through all batches.
    pub(super) fn encode(&mut self, batches: &[Arc<CleanBatch>], part: Range<usize>) -> Request {
        self.groups_used = 0;
        // Label sets of a container: index of the group of each stream and level.
        let mut tables: Vec<[Option<usize>; STREAMS_PER_CONTAINER]> = Vec::new();
        let mut containers: HashMap<[&str; 3], usize> = HashMap::new();
        let (mut sent, mut too_long) = (Vec::new(), Vec::new());
        let mut first = 0;
        for batch in batches {
            let from = part.start.saturating_sub(first).min(batch.len());
            let to = part.end.saturating_sub(first).min(batch.len());
            first += batch.len();
            let c = batch.container();
            let table =
                *containers.entry([c.project(), c.service(), c.name()]).or_insert_with(|| {
                    tables.push([None; STREAMS_PER_CONTAINER]);
                    tables.len() - 1
                });
            container_metadata(c, &mut self.metadata);
            let mut long = 0;
            for entry in batch.entries().skip(from).take(to.saturating_sub(from)) {
                if entry.line.len() > LOKI_LINE_BYTES_MAX {
                    long += 1;
                    continue;
                }
                let slot = tables.get_mut(table).and_then(|t| t.get_mut(slot(&entry)));
                let Some(slot) = slot else { continue };
                let group = *slot.get_or_insert_with(|| {
                    begin_group(&mut self.groups, &mut self.groups_used, &self.host, c, &entry)
                });
                if let Some(group) = self.groups.get_mut(group) {
                    write_entry(&entry, &self.metadata, &mut group.entries);
                }
            }
            count(&mut too_long, c, long);
            count(&mut sent, c, to.saturating_sub(from) - long);
        }
        Request { body: self.finish(), sent, too_long }
    }

    fn finish(&mut self) -> Bytes {
        self.message.clear();
        for group in self.groups.iter().take(self.groups_used) {
            let labels = 1 + len_delimited(group.labels.len());
            put_len(key::FIELD_1, labels + group.entries.len(), &mut self.message);
            put_bytes(key::FIELD_1, group.labels.as_bytes(), &mut self.message);
            self.message.extend_from_slice(&group.entries);
        }
        // Only inputs over 4 GiB are refused; a batch is bounded far below (limits.rs).
        self.snappy.compress_vec(&self.message).unwrap_or_default().into()
    }
}

fn count(rows: &mut Vec<(Arc<CleanContainer>, usize)>, c: &Arc<CleanContainer>, records: usize) {
    match rows.last_mut() {
        _ if records == 0 => {}
        Some((last, n)) if Arc::ptr_eq(last, c) => *n += records,
        _ => rows.push((Arc::clone(c), records)),
    }
}

/// Index of a record's stream among those of its container.
fn slot(entry: &CleanEntry<'_>) -> usize {
    let level = entry.level.map_or(Level::ALL.len(), |l| l as usize);
    (entry.stream as usize) * (Level::ALL.len() + 1) + level
}

/// Takes a group from those kept, for a container's stream and level. Returns its index.
fn begin_group(
    groups: &mut Vec<Group>,
    used: &mut usize,
    host: &str,
    c: &CleanContainer,
    entry: &CleanEntry<'_>,
) -> usize {
    let index = *used;
    *used += 1;
    if groups.len() <= index {
        groups.push(Group::default());
    }
    if let Some(group) = groups.get_mut(index) {
        group.entries.clear();
        write_labels(host, c, entry.stream, entry.level, &mut group.labels);
    }
    index
}

/// `{a="b",…}` with Prometheus escaping, names in order, empty values left out.
fn write_labels(
    host: &str,
    c: &CleanContainer,
    stream: Stream,
    level: Option<Level>,
    out: &mut String,
) {
    let labels = [
        ("compose_project", c.project()),
        ("container", c.name()),
        ("host", host),
        ("level", level.map_or("", Level::name)),
        ("service_name", c.service()),
        ("stream", stream.name()),
    ];
    out.clear();
    for (name, value) in labels.into_iter().filter(|(_, value)| !value.is_empty()) {
        out.push(if out.is_empty() { '{' } else { ',' });
        out.push_str(name);
        out.push_str("=\"");
        let end = value.floor_char_boundary(LOKI_LABEL_BYTES_MAX);
        for c in value.get(..end).unwrap_or_default().chars() {
            match c {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                c => out.push(c),
            }
        }
        out.push('"');
    }
    out.push('}');
}

/// The structured metadata that all records of a container share, as fields of an entry.
fn container_metadata(c: &CleanContainer, out: &mut Vec<u8>) {
    out.clear();
    if !c.short_id().is_empty() {
        put_pair("container_id", c.short_id().as_bytes(), out);
    }
}

fn write_entry(entry: &CleanEntry<'_>, container: &[u8], out: &mut Vec<u8>) {
    // Loki reads nanoseconds as an unsigned part of a signed second.
    let seconds = entry.timestamp_ns.div_euclid(1_000_000_000).cast_unsigned();
    let nanos = entry.timestamp_ns.rem_euclid(1_000_000_000).cast_unsigned();
    let varint = |v: u64| if v == 0 { 0 } else { 1 + encoded_len_varint(v) };
    let timestamp = varint(seconds) + varint(nanos);
    let line = entry.line.as_bytes();
    let ids = entry.trace_id.map_or(0, |_| pair_len("trace_id", 32))
        + entry.span_id.map_or(0, |_| pair_len("span_id", 16));
    let line_field = if line.is_empty() { 0 } else { 1 + len_delimited(line.len()) };
    let length = 1 + len_delimited(timestamp) + line_field + container.len() + ids;
    put_len(key::FIELD_2, length, out);
    put_len(key::FIELD_1, timestamp, out);
    for (key, value) in [(key::VARINT_1, seconds), (key::VARINT_2, nanos)] {
        if value != 0 {
            out.push(key);
            encode_varint(value, out);
        }
    }
    if !line.is_empty() {
        put_bytes(key::FIELD_2, line, out);
    }
    out.extend_from_slice(container);
    if let Some(id) = entry.trace_id {
        put_pair("trace_id", &hex::<16, 32>(id), out);
    }
    if let Some(id) = entry.span_id {
        put_pair("span_id", &hex::<8, 16>(id), out);
    }
}

/// A `LabelPair{name=1, value=2}` as field 3.
fn put_pair(name: &str, value: &[u8], out: &mut Vec<u8>) {
    put_len(key::FIELD_3, 2 + len_delimited(name.len()) + len_delimited(value.len()), out);
    put_bytes(key::FIELD_1, name.as_bytes(), out);
    put_bytes(key::FIELD_2, value, out);
}

fn pair_len(name: &str, value: usize) -> usize {
    1 + len_delimited(2 + len_delimited(name.len()) + len_delimited(value))
}

/// Length of `n` bytes and of the varint that tells it.
fn len_delimited(n: usize) -> usize {
    encoded_len_varint(n as u64) + n
}

fn put_len(key: u8, n: usize, out: &mut Vec<u8>) {
    out.push(key);
    encode_varint(n as u64, out);
}

fn put_bytes(key: u8, bytes: &[u8], out: &mut Vec<u8>) {
    put_len(key, bytes.len(), out);
    out.extend_from_slice(bytes);
}

fn hex<const N: usize, const M: usize>(id: [u8; N]) -> [u8; M] {
    let digit = |n: u8| if n < 10 { b'0' + n } else { b'a' + n - 10 };
    let mut out = [0; M];
    for (pair, byte) in out.chunks_exact_mut(2).zip(id) {
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
    out
}

#[cfg(test)]
pub(super) mod tests;

//! The type wall: [`RawLine`] goes in, [`CleanRecord`] comes out, and nothing turns one into the
//! other but the sieve.
//!
//! `RawLine` has no `Debug`, `Display`, `Clone` or way to read its bytes outside this crate.
//! `CleanRecord`, `CleanBatch` and `CleanContainer` have private fields and are made only here and
//! in [`crate::sieve`], so whatever accepts only these types (spool, sinks, page, telemetry) cannot
//! be handed raw content by mistake. `tests/wall/*.rs` holds what must not compile.

use std::sync::Arc;

/// A line as a service wrote it, after reassembly: bytes, perhaps not UTF-8, without its newline.
pub struct RawLine<'a> {
    bytes: &'a [u8],
}

impl<'a> RawLine<'a> {
    /// Wraps the bytes of one record.
    pub fn new(bytes: &'a [u8]) -> Self {
        RawLine { bytes }
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether the line has no byte.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The bytes, for the kernel's own eyes.
    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

/// The standard stream a record was written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    /// `stdout` or `stderr`.
    pub const fn name(self) -> &'static str {
        match self {
            Stream::Stdout => "stdout",
            Stream::Stderr => "stderr",
        }
    }
}

/// Severity, in OpenTelemetry's short names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// Finer than debug.
    Trace,
    /// For developers.
    Debug,
    /// Normal operation.
    Info,
    /// Recovered, or odd.
    Warn,
    /// Failed.
    Error,
    /// The process cannot go on.
    Fatal,
}

impl Level {
    /// Every level, lowest first.
    pub const ALL: [Level; 6] =
        [Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error, Level::Fatal];

    /// The label value: `info`.
    pub const fn name(self) -> &'static str {
        match self {
            Level::Trace => "trace",
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
            Level::Fatal => "fatal",
        }
    }
}

/// Index of a field name in the table of a compiled policy ([`FieldNames`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldId(u16);

macro_rules! well_known {
    ($($(#[$doc:meta])* $id:ident = $name:literal;)*) => {
        /// Names that every policy has, in the order of their ids.
        const WELL_KNOWN: &[&str] = &[$($name),*];
        #[allow(non_camel_case_types, clippy::upper_case_acronyms, reason = "counts constants")]
        #[repr(u16)]
        enum Order { $($id),* }
        impl FieldId {
            $($(#[$doc])* pub const $id: FieldId = FieldId(Order::$id as u16);)*
        }
    };
}

well_known! {
    /// Severity as the service spelt it.
    LEVEL = "level";
    /// Free text after both walls.
    MSG = "msg";
    /// Duration of what the record reports, milliseconds.
    DURATION_MS = "duration_ms";
    /// HTTP method.
    HTTP_REQUEST_METHOD = "http_request_method";
    /// HTTP status code.
    HTTP_RESPONSE_STATUS_CODE = "http_response_status_code";
    /// Path template.
    HTTP_ROUTE = "http_route";
    /// Size of the response body, bytes.
    HTTP_RESPONSE_BODY_SIZE = "http_response_body_size";
    /// SQLSTATE or the like.
    DB_RESPONSE_STATUS_CODE = "db_response_status_code";
    /// Class of an error.
    ERROR_TYPE = "error_type";
    /// Requested model.
    GEN_AI_REQUEST_MODEL = "gen_ai_request_model";
    /// W3C trace id, 32 hexadecimal digits.
    TRACE_ID = "trace_id";
    /// W3C span id, 16 hexadecimal digits.
    SPAN_ID = "span_id";
    /// Keyed hash of the masked shape of a message that the lexicon did not let pass.
    TEMPLATE_ID = "template_id";
}

/// The closed table of field names of one compiled policy.
pub struct FieldNames {
    names: Vec<Box<str>>,
}

impl FieldNames {
    /// The well-known names alone.
    pub(crate) fn new() -> Self {
        FieldNames { names: WELL_KNOWN.iter().map(|n| (*n).into()).collect() }
    }

    /// The id of `name`, adding it. `None` when the table is full (65,536 names).
    pub(crate) fn intern(&mut self, name: &str) -> Option<FieldId> {
        if let Some(i) = self.names.iter().position(|n| &**n == name) {
            return u16::try_from(i).ok().map(FieldId);
        }
        let id = u16::try_from(self.names.len()).ok()?;
        self.names.push(name.into());
        Some(FieldId(id))
    }

    /// The name of an id of this table.
    pub fn name(&self, id: FieldId) -> &str {
        self.names.get(usize::from(id.0)).map_or("", |n| n)
    }
}

/// A typed value of a clean record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Whole number.
    Int(i64),
    /// Finite number.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// Text that passed both walls.
    Text(&'a str),
}

#[derive(Clone, Copy)]
enum Slot {
    Int(i64),
    Float(f64),
    Bool(bool),
    Text { start: u32, end: u32 },
}

/// What the sieve removed from one record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Fields not on the list, of the wrong type, or dropped by policy.
    pub fields: u32,
    /// Words of free text.
    pub words: u32,
    /// Detections of wall 2.
    pub detections: u32,
}

impl Removed {
    /// Whether nothing was removed.
    pub fn is_empty(&self) -> bool {
        *self == Removed::default()
    }
}

/// A record that may leave the host: typed fields, each judged technical, in the order met.
///
/// One lives in each worker's scratch and is reused; nothing is allocated per record once its
/// buffers have grown.
pub struct CleanRecord {
    names: Arc<FieldNames>,
    timestamp_ns: i64,
    stream: Stream,
    level: Option<Level>,
    fields: Vec<(FieldId, Slot)>,
    text: String,
    removed: Removed,
}

impl CleanRecord {
    pub(crate) fn new(names: Arc<FieldNames>) -> Self {
        CleanRecord {
            names,
            timestamp_ns: 0,
            stream: Stream::Stdout,
            level: None,
            fields: Vec::with_capacity(32),
            text: String::with_capacity(1024),
            removed: Removed::default(),
        }
    }

    pub(crate) fn begin(&mut self, timestamp_ns: i64, stream: Stream) {
        self.timestamp_ns = timestamp_ns;
        self.stream = stream;
        self.level = None;
        self.fields.clear();
        self.text.clear();
        self.removed = Removed::default();
    }

    pub(crate) fn set_level(&mut self, level: Level) {
        self.level = Some(level);
    }

    pub(crate) fn removed_mut(&mut self) -> &mut Removed {
        &mut self.removed
    }

    /// Adds a field. The first value of a name wins, so that a duplicate key cannot replace a
    /// judged value. Returns whether it was added.
    pub(crate) fn push(&mut self, id: FieldId, value: Value<'_>) -> bool {
        if self.fields.iter().any(|(have, _)| *have == id) {
            return false;
        }
        let slot = match value {
            Value::Int(v) => Slot::Int(v),
            Value::Float(v) if v.is_finite() => Slot::Float(v),
            Value::Float(_) => return false,
            Value::Bool(v) => Slot::Bool(v),
            Value::Text(v) => {
                let start = self.text.len();
                self.text.push_str(v);
                let (Ok(start), Ok(end)) = (u32::try_from(start), u32::try_from(self.text.len()))
                else {
                    self.text.truncate(start);
                    return false;
                };
                Slot::Text { start, end }
            }
        };
        self.fields.push((id, slot));
        true
    }

    /// When the runtime saw the line, nanoseconds since the Unix epoch.
    pub fn timestamp_ns(&self) -> i64 {
        self.timestamp_ns
    }

    /// The stream it was written to.
    pub fn stream(&self) -> Stream {
        self.stream
    }

    /// Severity, if the line told.
    pub fn level(&self) -> Option<Level> {
        self.level
    }

    /// What was removed.
    pub fn removed(&self) -> Removed {
        self.removed
    }

    /// Whether no field is left.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The value of a field.
    pub fn get(&self, id: FieldId) -> Option<Value<'_>> {
        self.fields.iter().find(|(have, _)| *have == id).map(|(_, slot)| self.value(*slot))
    }

    /// Names and values, in order.
    pub fn fields(&self) -> impl Iterator<Item = (&str, Value<'_>)> {
        self.fields.iter().map(|(id, slot)| (self.names.name(*id), self.value(*slot)))
    }

    fn value(&self, slot: Slot) -> Value<'_> {
        match slot {
            Slot::Int(v) => Value::Int(v),
            Slot::Float(v) => Value::Float(v),
            Slot::Bool(v) => Value::Bool(v),
            Slot::Text { start, end } => {
                Value::Text(self.text.get(start as usize..end as usize).unwrap_or(""))
            }
        }
    }

    /// Appends the record as one line of compact JSON, without a newline. Keys are the policy's
    /// names; `removed` comes last and only when something was removed.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        let mut first = true;
        for (name, value) in self.fields() {
            if !std::mem::take(&mut first) {
                out.push(b',');
            }
            write_json_str(name, out);
            out.push(b':');
            write_json_value(value, out);
        }
        if !self.removed.is_empty() {
            if !first {
                out.push(b',');
            }
            let Removed { fields, words, detections } = self.removed;
            out.extend_from_slice(b"\"removed\":{\"fields\":");
            write_int(i64::from(fields), out);
            out.extend_from_slice(b",\"words\":");
            write_int(i64::from(words), out);
            out.extend_from_slice(b",\"detections\":");
            write_int(i64::from(detections), out);
            out.push(b'}');
        }
        out.push(b'}');
    }
}

fn write_int(v: i64, out: &mut Vec<u8>) {
    use std::io::Write as _;
    // A write to a Vec cannot fail.
    let _ = write!(out, "{v}");
}

fn write_json_value(value: Value<'_>, out: &mut Vec<u8>) {
    use std::io::Write as _;
    match value {
        Value::Int(v) => write_int(v, out),
        // A write to a Vec cannot fail.
        Value::Float(v) => drop(write!(out, "{v}")),
        Value::Bool(v) => out.extend_from_slice(if v { b"true" } else { b"false" }),
        Value::Text(v) => write_json_str(v, out),
    }
}

/// Appends `s` as a JSON string.
fn write_json_str(s: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let bytes = s.as_bytes();
    let mut from = 0;
    for (i, &b) in bytes.iter().enumerate() {
        if b >= 0x20 && b != b'"' && b != b'\\' {
            continue;
        }
        out.extend_from_slice(bytes.get(from..i).unwrap_or_default());
        from = i + 1;
        match b {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => {
                let hex = |n: u8| if n < 10 { b'0' + n } else { b'a' + n - 10 };
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[hex(b >> 4), hex(b & 15)]);
            }
        }
    }
    out.extend_from_slice(bytes.get(from..).unwrap_or_default());
    out.push(b'"');
}

/// A container's identity after both walls. Made by [`crate::sieve::Sieve::container`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CleanContainer {
    pub(crate) id: Box<str>,
    pub(crate) name: Box<str>,
    pub(crate) project: Box<str>,
    pub(crate) service: Box<str>,
    pub(crate) image: Box<str>,
}

impl CleanContainer {
    /// Full id, 64 hexadecimal digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// First twelve digits of the id.
    pub fn short_id(&self) -> &str {
        self.id.get(..12).unwrap_or(&self.id)
    }

    /// Name without the leading slash.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Compose project, or empty.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// Compose service, else the container's name.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Image reference, or empty.
    pub fn image(&self) -> &str {
        &self.image
    }
}

#[derive(Clone, Copy)]
struct Entry {
    timestamp_ns: i64,
    end: u32,
    stream: Stream,
    level: Option<Level>,
    trace_id: Option<[u8; 16]>,
    span_id: Option<[u8; 8]>,
}

/// One record of a [`CleanBatch`].
#[derive(Clone, Copy, Debug)]
pub struct CleanEntry<'a> {
    /// When the runtime saw the line, nanoseconds since the Unix epoch.
    pub timestamp_ns: i64,
    /// The stream it was written to.
    pub stream: Stream,
    /// Severity, if the line told.
    pub level: Option<Level>,
    /// W3C trace id.
    pub trace_id: Option<[u8; 16]>,
    /// W3C span id.
    pub span_id: Option<[u8; 8]>,
    /// The record as compact JSON.
    pub line: &'a str,
}

/// Clean records of one container, in order: what spool, sinks and page are given.
pub struct CleanBatch {
    container: Arc<CleanContainer>,
    lines: String,
    entries: Vec<Entry>,
}

impl CleanBatch {
    /// An empty batch for a container.
    pub fn new(container: Arc<CleanContainer>) -> Self {
        CleanBatch { container, lines: String::new(), entries: Vec::new() }
    }

    /// Appends a record. `false` when the batch is full (4 GiB of text), which callers bound first.
    #[must_use]
    pub fn push(&mut self, record: &CleanRecord) -> bool {
        let mut bytes = std::mem::take(&mut self.lines).into_bytes();
        let before = bytes.len();
        record.write_json(&mut bytes);
        let end = u32::try_from(bytes.len());
        if end.is_err() {
            bytes.truncate(before);
        }
        // JSON made of `str` parts is UTF-8; were it not, the batch would come out empty, not raw.
        self.lines = String::from_utf8(bytes).unwrap_or_default();
        let Ok(end) = end else { return false };
        let hex = |id| match record.get(id) {
            Some(Value::Text(t)) => Some(t),
            _ => None,
        };
        self.entries.push(Entry {
            timestamp_ns: record.timestamp_ns,
            end,
            stream: record.stream,
            level: record.level,
            trace_id: hex(FieldId::TRACE_ID).and_then(parse_hex),
            span_id: hex(FieldId::SPAN_ID).and_then(parse_hex),
        });
        true
    }

    /// The container the records come from.
    pub fn container(&self) -> &Arc<CleanContainer> {
        &self.container
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of the records' text.
    pub fn bytes(&self) -> usize {
        self.lines.len()
    }

    /// The records, in order.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = CleanEntry<'_>> + ExactSizeIterator {
        (0..self.entries.len()).map(|i| self.entry(i))
    }

    fn entry(&self, i: usize) -> CleanEntry<'_> {
        let start = if i == 0 { 0 } else { self.entries[i - 1].end as usize };
        let e = self.entries[i];
        CleanEntry {
            timestamp_ns: e.timestamp_ns,
            stream: e.stream,
            level: e.level,
            trace_id: e.trace_id,
            span_id: e.span_id,
            line: self.lines.get(start..e.end as usize).unwrap_or(""),
        }
    }

    /// Appends the batch in the spool's frame layout, version 1: lengths and integers little
    /// endian, strings as `u32` length and UTF-8 bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let c = &self.container;
        out.push(1);
        for s in [&c.id, &c.name, &c.project, &c.service, &c.image] {
            put_str(s, out);
        }
        put_str(&self.lines, out);
        out.extend_from_slice(&(self.entries.len() as u32).to_le_bytes());
        for e in &self.entries {
            out.extend_from_slice(&e.timestamp_ns.to_le_bytes());
            out.extend_from_slice(&e.end.to_le_bytes());
            out.push(e.stream as u8);
            out.push(e.level.map_or(u8::MAX, |l| l as u8));
            out.push(u8::from(e.trace_id.is_some()) | u8::from(e.span_id.is_some()) << 1);
            out.extend_from_slice(&e.trace_id.unwrap_or_default());
            out.extend_from_slice(&e.span_id.unwrap_or_default());
        }
    }

    /// Reads a batch back from an authenticated spool frame. `None` when the layout does not hold.
    ///
    /// Only the spool calls this, on bytes whose AEAD tag it has checked: the frame was encoded
    /// by [`CleanBatch::encode`] under the spool's key.
    pub fn decode(frame: &[u8]) -> Option<CleanBatch> {
        let mut r = Reader(frame);
        if r.byte()? != 1 {
            return None;
        }
        let container = CleanContainer {
            id: r.str()?.into(),
            name: r.str()?.into(),
            project: r.str()?.into(),
            service: r.str()?.into(),
            image: r.str()?.into(),
        };
        let lines = r.str()?.to_owned();
        let count = u32::from_le_bytes(r.array()?) as usize;
        let mut entries = Vec::with_capacity(count.min(r.0.len() / 39));
        let mut last = 0;
        for _ in 0..count {
            let e = r.entry()?;
            if e.end < last || !lines.is_char_boundary(e.end as usize) {
                return None;
            }
            last = e.end;
            entries.push(e);
        }
        (last as usize == lines.len() && r.0.is_empty()).then_some(CleanBatch {
            container: Arc::new(container),
            lines,
            entries,
        })
    }
}

fn put_str(s: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(&(s.len() as u32).to_le_bytes());
    out.extend_from_slice(s.as_bytes());
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(n)?;
        self.0 = tail;
        Some(head)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).and_then(|b| b.first().copied())
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N).and_then(|b| b.try_into().ok())
    }

    fn str(&mut self) -> Option<&'a str> {
        let n = u32::from_le_bytes(self.array()?) as usize;
        std::str::from_utf8(self.take(n)?).ok()
    }

    fn entry(&mut self) -> Option<Entry> {
        let timestamp_ns = i64::from_le_bytes(self.array()?);
        let end = u32::from_le_bytes(self.array()?);
        let stream = match self.byte()? {
            0 => Stream::Stdout,
            1 => Stream::Stderr,
            _ => return None,
        };
        let level = match self.byte()? {
            u8::MAX => None,
            n => Some(*Level::ALL.get(usize::from(n))?),
        };
        let has = self.byte()?;
        let (trace, span) = (self.array()?, self.array()?);
        Some(Entry {
            timestamp_ns,
            end,
            stream,
            level,
            trace_id: (has & 1 != 0).then_some(trace),
            span_id: (has & 2 != 0).then_some(span),
        })
    }
}

fn parse_hex<const N: usize>(s: &str) -> Option<[u8; N]> {
    let s = s.as_bytes();
    if s.len() != 2 * N {
        return None;
    }
    let digit = |b: u8| (b as char).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let mut out = [0; N];
    for (o, pair) in out.iter_mut().zip(s.chunks_exact(2)) {
        *o = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container() -> Arc<CleanContainer> {
        let s = |v: &str| v.into();
        Arc::new(CleanContainer {
            id: "a".repeat(64).into(),
            name: s("web-1"),
            project: s("demo"),
            service: s("web"),
            image: s("caddy:2"),
        })
    }

    fn record() -> CleanRecord {
        let mut r = CleanRecord::new(Arc::new(FieldNames::new()));
        r.begin(42, Stream::Stderr);
        r.set_level(Level::Warn);
        assert!(r.push(FieldId::MSG, Value::Text("say \"hi\"\u{1}\n")));
        assert!(r.push(FieldId::DURATION_MS, Value::Float(1.5)));
        assert!(!r.push(FieldId::DURATION_MS, Value::Float(2.0)), "the first value wins");
        assert!(!r.push(FieldId::ERROR_TYPE, Value::Float(f64::NAN)));
        assert!(r.push(FieldId::TRACE_ID, Value::Text("0af7651916cd43dd8448eb211c80319c")));
        r.removed_mut().words = 2;
        r
    }

    #[test]
    fn json_is_compact_and_escaped() {
        let mut out = Vec::new();
        record().write_json(&mut out);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text,
            "{\"msg\":\"say \\\"hi\\\"\\u0001\\n\",\"duration_ms\":1.5,\
             \"trace_id\":\"0af7651916cd43dd8448eb211c80319c\",\
             \"removed\":{\"fields\":0,\"words\":2,\"detections\":0}}"
        );
        serde_json::from_str::<serde_json::Value>(&text).unwrap();
    }

    #[test]
    fn batch_survives_encoding_and_refuses_damage() {
        let mut batch = CleanBatch::new(container());
        assert!(batch.push(&record()) && batch.push(&record()));
        let mut frame = Vec::new();
        batch.encode(&mut frame);
        let back = CleanBatch::decode(&frame).unwrap();
        assert_eq!(back.container(), batch.container());
        assert_eq!(back.len(), 2);
        for (a, b) in back.entries().zip(batch.entries()) {
            assert_eq!((a.line, a.timestamp_ns, a.level), (b.line, b.timestamp_ns, b.level));
            assert_eq!((a.trace_id, a.span_id, a.stream), (b.trace_id, b.span_id, b.stream));
            assert!(a.trace_id.is_some() && a.span_id.is_none());
        }
        for cut in 0..frame.len() {
            assert!(CleanBatch::decode(&frame[..cut]).is_none(), "cut at {cut}");
        }
        frame.push(0);
        assert!(CleanBatch::decode(&frame).is_none(), "trailing bytes");
    }
}

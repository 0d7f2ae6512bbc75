//! Clean batches with chosen content, for tests of spool and sinks.
//!
//! Only the sieve makes clean records; tests of what comes after it need exact lines, so they
//! write the spool's frame layout (version 1) by hand and read it back.

use tamis_scrubber::record::{CleanBatch, Level, Stream};

/// A record to put into a batch.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    /// Nanoseconds since the Unix epoch.
    pub(crate) timestamp_ns: i64,
    pub(crate) stream: Stream,
    pub(crate) level: Option<Level>,
    pub(crate) trace_id: Option<[u8; 16]>,
    pub(crate) span_id: Option<[u8; 8]>,
    pub(crate) line: String,
}

impl Sample {
    /// An `info` record on standard output.
    pub(crate) fn new(timestamp_ns: i64, line: &str) -> Self {
        Sample {
            timestamp_ns,
            stream: Stream::Stdout,
            level: Some(Level::Info),
            trace_id: None,
            span_id: None,
            line: line.to_owned(),
        }
    }
}

/// A batch of the container `{service}-1` of the project `demo`.
pub(crate) fn batch(service: &str, samples: &[Sample]) -> CleanBatch {
    let id = format!("{:0<64}", service.bytes().map(|b| format!("{b:02x}")).collect::<String>());
    named([&id, &format!("{service}-1"), "demo", service, "example.org/img:1"], samples)
}

/// A batch of the container with this id, name, project, service and image.
pub(crate) fn named(container: [&str; 5], samples: &[Sample]) -> CleanBatch {
    let put = |out: &mut Vec<u8>, s: &str| {
        out.extend_from_slice(&(s.len() as u32).to_le_bytes());
        out.extend_from_slice(s.as_bytes());
    };
    let mut out = vec![1];
    container.iter().for_each(|s| put(&mut out, s));
    put(&mut out, &samples.iter().map(|s| s.line.as_str()).collect::<String>());
    out.extend_from_slice(&(samples.len() as u32).to_le_bytes());
    let mut end = 0;
    for s in samples {
        end += s.line.len() as u32;
        out.extend_from_slice(&s.timestamp_ns.to_le_bytes());
        out.extend_from_slice(&end.to_le_bytes());
        out.push(s.stream as u8);
        out.push(s.level.map_or(u8::MAX, |l| l as u8));
        out.push(u8::from(s.trace_id.is_some()) | u8::from(s.span_id.is_some()) << 1);
        out.extend_from_slice(&s.trace_id.unwrap_or_default());
        out.extend_from_slice(&s.span_id.unwrap_or_default());
    }
    CleanBatch::decode(&out).unwrap()
}

/// A batch of `records` short records whose lines are numbered from `first`.
pub(crate) fn numbered(service: &str, first: u64, records: u64) -> CleanBatch {
    let samples: Vec<_> = (first..first + records)
        .map(|n| Sample::new(1_700_000_000_000_000_000 + n as i64, &format!("{{\"n\":{n}}}")))
        .collect();
    batch(service, &samples)
}

/// The lines of batches, in order.
pub(crate) fn lines<'a>(batches: impl IntoIterator<Item = &'a CleanBatch>) -> Vec<String> {
    batches.into_iter().flat_map(|b| b.entries().map(|e| e.line.to_owned())).collect()
}

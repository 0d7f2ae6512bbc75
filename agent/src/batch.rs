//! What travels from a source to a worker: raw records of one container and the duty to
//! acknowledge them.
//!
//! A [`RawBatch`] has no `Debug`, `Clone` or public view of its bytes but [`RawLine`]s for the
//! sieve. An [`Ack`] is fired once the records are in the spool or accepted by every sink, and
//! only then may a source forget them.

use std::ops::Range;
use std::sync::Arc;

use tamis_scrubber::record::{RawLine, Stream};
use tokio::sync::OwnedSemaphorePermit;

use crate::clock;
use crate::discover::Container;

/// A source's position keeper.
pub trait Acknowledge: Send + Sync {
    /// Everything up to `position` (source-defined, monotonic per target) is stored.
    fn acknowledge(&self, position: u64);
}

/// The duty to tell a source that records are stored, and the credit they hold until then.
#[derive(Default)]
pub struct Ack {
    target: Option<(Arc<dyn Acknowledge>, u64)>,
    credit: Option<OwnedSemaphorePermit>,
}

impl Ack {
    /// For sources that cannot wait or go back (log driver).
    pub fn none() -> Self {
        Ack::default()
    }

    /// Tells `target` when everything up to `position` is stored; `credit` is given back then.
    pub fn new(
        target: Arc<dyn Acknowledge>,
        position: u64,
        credit: Option<OwnedSemaphorePermit>,
    ) -> Self {
        Ack { target: Some((target, position)), credit }
    }

    /// Whether the source can wait: such records are never dropped by a full spool.
    pub fn can_wait(&self) -> bool {
        self.target.is_some()
    }

    /// The records are stored, or their loss is counted.
    pub fn fire(self) {
        drop(self.credit);
        if let Some((target, position)) = self.target {
            target.acknowledge(position);
        }
    }
}

/// One record's place and circumstances within a batch.
#[derive(Clone, Copy)]
struct Meta {
    end: u32,
    timestamp_ns: i64,
    stream: Stream,
    truncated: bool,
}

/// A raw record of a batch.
pub struct RawRecord<'a> {
    /// The bytes, for the sieve.
    pub line: RawLine<'a>,
    /// When the runtime saw the line, nanoseconds since the Unix epoch.
    pub timestamp_ns: i64,
    /// The stream it was written to.
    pub stream: Stream,
    /// Whether the line was cut at the size or time limit.
    pub truncated: bool,
}

/// Raw records of one container, in order, after reassembly.
pub struct RawBatch {
    container: Arc<Container>,
    bytes: Vec<u8>,
    metas: Vec<Meta>,
    ack: Ack,
    /// When it was handed over to its worker.
    sent: Option<clock::Instant>,
}

impl RawBatch {
    /// An empty batch.
    pub fn new(container: Arc<Container>) -> Self {
        RawBatch { container, bytes: Vec::new(), metas: Vec::new(), ack: Ack::none(), sent: None }
    }

    /// Appends a record without its newline.
    pub fn push(&mut self, line: &[u8], timestamp_ns: i64, stream: Stream, truncated: bool) {
        self.bytes.extend_from_slice(line);
        // Batches are bounded far below 4 GiB (limits.rs); a longer one would end in a short line.
        let end = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        self.metas.push(Meta { end, timestamp_ns, stream, truncated });
    }

    /// Sets the duty to acknowledge.
    pub fn set_ack(&mut self, ack: Ack) {
        self.ack = ack;
    }

    /// Takes the duty to acknowledge.
    pub fn take_ack(&mut self) -> Ack {
        std::mem::take(&mut self.ack)
    }

    /// Notes that it is handed over now.
    pub(crate) fn mark_sent(&mut self) {
        self.sent = Some(clock::monotonic());
    }

    /// How long it has waited for its worker.
    pub(crate) fn waited(&self) -> Option<clock::Duration> {
        self.sent.map(|sent| sent.elapsed())
    }

    /// The container the records come from.
    pub fn container(&self) -> &Arc<Container> {
        &self.container
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.metas.len()
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.metas.is_empty()
    }

    /// Bytes of all records.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Whether a source should hand the batch over now.
    pub fn is_full(&self) -> bool {
        self.bytes.len() >= crate::limits::RAW_BATCH_BYTES
            || self.metas.len() >= crate::limits::RAW_BATCH_LINES_MAX
    }

    /// The records, in order.
    pub fn records(&self) -> impl Iterator<Item = RawRecord<'_>> {
        let mut start = 0;
        self.metas.iter().map(move |m| {
            let range: Range<usize> = start..m.end as usize;
            start = m.end as usize;
            RawRecord {
                line: RawLine::new(self.bytes.get(range).unwrap_or_default()),
                timestamp_ns: m.timestamp_ns,
                stream: m.stream,
                truncated: m.truncated,
            }
        })
    }
}

#[cfg(test)]
impl RawBatch {
    /// The bytes of each record, for tests of sources.
    pub(crate) fn lines_for_test(&self) -> Vec<Vec<u8>> {
        let ends = self.metas.iter().map(|m| m.end as usize);
        let starts = std::iter::once(0).chain(ends.clone());
        starts.zip(ends).map(|(a, b)| self.bytes[a..b].to_vec()).collect()
    }
}

//! The spool in memory: one queue, one position per sink.
//!
//! Invariants: an entry leaves the queue only from its front and only when every sink is done with
//! it, so acknowledgements fire in the order of arrival. An entry's text is freed as soon as every
//! sink is done, wherever it stands. Over `bytes_max` the oldest entries of sources that cannot
//! wait are dropped, never one that a sink holds, never one whose source waits for the
//! acknowledgement: the volume of those is bounded by their credit (`limits.rs`).

use std::collections::VecDeque;
use std::sync::Arc;

use tamis_scrubber::record::CleanBatch;

use super::{Evicted, Lease, Losses, SpoolStat};
use crate::batch::Ack;
use crate::ledger::Loss;
use crate::limits::{SPOOL_BATCH_OVERHEAD_BYTES, SPOOL_RECORD_OVERHEAD_BYTES};

/// A batch and who still needs it. Bit `i` of a mask is sink `i`.
struct Entry {
    batch: Option<Arc<CleanBatch>>,
    ack: Ack,
    /// Sinks that are not done with it.
    waiting: u64,
    /// Sinks that hold it now.
    leased: u64,
    bytes: u64,
}

#[derive(Clone, Default)]
struct Reader {
    /// Sequence number of the next entry to lease.
    next: u64,
    /// Records not yet released.
    pending: u64,
}

pub(super) struct Memory {
    entries: VecDeque<Entry>,
    /// Sequence number of the front entry.
    front: u64,
    readers: Vec<Reader>,
    bytes: u64,
    bytes_max: u64,
    /// No entry before this sequence number can be dropped now.
    evict_from: u64,
}

impl Memory {
    pub(super) fn new(sinks: usize, bytes_max: u64) -> Self {
        Memory {
            entries: VecDeque::new(),
            front: 0,
            readers: vec![Reader::default(); sinks],
            bytes: 0,
            bytes_max,
            evict_from: 0,
        }
    }

    pub(super) fn push(&mut self, batch: CleanBatch, ack: Ack) -> Vec<Evicted> {
        let mut losses = Losses::default();
        if batch.is_empty() && !ack.can_wait() {
            return Vec::new();
        }
        let records = batch.len() as u64;
        let all = all_sinks(self.readers.len());
        let waiting = if records == 0 { 0 } else { all };
        self.readers.iter_mut().for_each(|r| r.pending += records);
        let bytes = weight(&batch);
        self.bytes += bytes;
        let batch = (waiting != 0).then(|| Arc::new(batch));
        self.entries.push_back(Entry { batch, ack, waiting, leased: 0, bytes });
        self.evict(&mut losses);
        self.settle();
        losses.take()
    }

    /// Leases the next batches of a sink, in order: at least one when there is one.
    pub(super) fn take(&mut self, sink: usize, bytes_max: usize, lines_max: usize) -> Vec<Lease> {
        let mut leases = Vec::new();
        let Some(reader) = self.readers.get_mut(sink) else { return leases };
        let (mut bytes, mut lines) = (0, 0);
        let from = reader.next.saturating_sub(self.front);
        let skip = usize::try_from(from).unwrap_or(usize::MAX);
        let mut seq = reader.next.max(self.front);
        for entry in self.entries.iter_mut().skip(skip) {
            if let Some(batch) = entry.batch.as_ref().filter(|_| entry.waiting & bit(sink) != 0) {
                bytes += batch.bytes();
                lines += batch.len();
                if !leases.is_empty() && (bytes > bytes_max || lines > lines_max) {
                    break;
                }
                entry.leased |= bit(sink);
                leases.push(Lease { seq, batch: Arc::clone(batch) });
            }
            seq += 1;
        }
        reader.next = seq;
        leases
    }

    pub(super) fn release(&mut self, sink: usize, leases: Vec<Lease>) {
        for lease in leases {
            let Some(index) = lease.seq.checked_sub(self.front) else { continue };
            let index = usize::try_from(index).unwrap_or(usize::MAX);
            let Some(entry) = self.entries.get_mut(index) else { continue };
            if entry.waiting & bit(sink) == 0 {
                continue;
            }
            entry.waiting &= !bit(sink);
            entry.leased &= !bit(sink);
            if let Some(reader) = self.readers.get_mut(sink) {
                reader.pending = reader.pending.saturating_sub(lease.batch.len() as u64);
            }
            if entry.waiting == 0 {
                self.bytes = self.bytes.saturating_sub(free(entry));
            } else {
                // Another sink has not read it: it may be dropped again.
                self.evict_from = self.evict_from.min(lease.seq);
            }
        }
        self.settle();
    }

    pub(super) fn pending(&self, sink: usize) -> u64 {
        self.readers.get(sink).map_or(0, |r| r.pending)
    }

    /// Gives up what sources will not send again. What a source will read again stays pending.
    pub(super) fn abandon(&mut self) -> Vec<Evicted> {
        let mut losses = Losses::default();
        for entry in self.entries.iter_mut().filter(|e| !e.ack.can_wait()) {
            let freed = lose(entry, &mut self.readers, Loss::Shutdown, &mut losses);
            self.bytes = self.bytes.saturating_sub(freed);
        }
        self.settle();
        losses.take()
    }

    pub(super) fn stat(&self) -> SpoolStat {
        let oldest = self.entries.iter().find_map(|e| e.batch.as_ref());
        SpoolStat {
            bytes: self.bytes,
            capacity: self.bytes_max,
            oldest_ns: oldest.and_then(|b| b.entries().next()).map(|e| e.timestamp_ns),
            segments: 0,
            quarantined: 0,
        }
    }

    fn evict(&mut self, losses: &mut Losses) {
        self.evict_from = self.evict_from.max(self.front);
        while self.bytes > self.bytes_max {
            let index = usize::try_from(self.evict_from - self.front).unwrap_or(usize::MAX);
            let Some(entry) = self.entries.get_mut(index) else { return };
            if !entry.ack.can_wait() && entry.leased == 0 && entry.waiting != 0 {
                let freed = lose(entry, &mut self.readers, Loss::SpoolFull, losses);
                self.bytes = self.bytes.saturating_sub(freed);
            }
            self.evict_from += 1;
        }
    }

    /// Fires the acknowledgements that are due, in order.
    fn settle(&mut self) {
        while self.entries.front().is_some_and(|e| e.waiting == 0) {
            let Some(mut entry) = self.entries.pop_front() else { return };
            self.bytes = self.bytes.saturating_sub(free(&mut entry));
            self.front += 1;
            entry.ack.fire();
        }
    }
}

/// Takes an entry from every sink that is not done with it. Returns the bytes freed.
fn lose(entry: &mut Entry, readers: &mut [Reader], reason: Loss, losses: &mut Losses) -> u64 {
    let Some(batch) = &entry.batch else { return 0 };
    for (sink, reader) in readers.iter_mut().enumerate() {
        if entry.waiting & bit(sink) != 0 {
            reader.pending = reader.pending.saturating_sub(batch.len() as u64);
            losses.add(sink, batch.container().service(), reason, batch.len() as u64);
        }
    }
    entry.waiting = 0;
    entry.leased = 0;
    free(entry)
}

/// Frees an entry's text. Returns the bytes freed.
fn free(entry: &mut Entry) -> u64 {
    entry.batch = None;
    std::mem::take(&mut entry.bytes)
}

/// What a batch costs in memory.
fn weight(batch: &CleanBatch) -> u64 {
    let records = batch.len() * SPOOL_RECORD_OVERHEAD_BYTES;
    (batch.bytes() + records + SPOOL_BATCH_OVERHEAD_BYTES) as u64
}

const fn bit(sink: usize) -> u64 {
    1 << (sink % 64)
}

const fn all_sinks(sinks: usize) -> u64 {
    if sinks >= 64 { u64::MAX } else { (1 << sinks) - 1 }
}

//! The spool on disk: encrypted, append-only segments, and a cursor per sink.
//!
//! ```text
//! DIR/lock                     held while the spool is open: one process at a time
//! DIR/0000000000000007.seg     segments, oldest first (segment.rs)
//! DIR/0000000000000003.bad     a segment with damage, set aside once its readable part is sent
//! DIR/sink-0.cursor            everything before it is released by sink 0 (cursor.rs)
//! ```
//! **Writing.** A push appends one frame and then fires the acknowledgement: the page cache
//! survives `kill -9`; [`SyncPolicy::EachBatch`] also survives a power failure. A segment ends at
//! its size, an eighth of the age limit, a failed write or a restart; it is never continued.
//!
//! **Reading.** A sink that keeps up is served from a bounded cache of recent batches; one that is
//! behind reads the files. A cursor moves when every batch before it is released.
//!
//! **Removing.** A segment is unlinked when every cursor has passed it, after the cursors are
//! durable. Over `bytes_max` the oldest segment that no sink holds a batch of is dropped and
//! counted as `spool_full`; past `age_max` the oldest is dropped and counted as `too_old`.
//!
//! **Opening** (`disk/recover.rs`). Every frame is authenticated, so counts are exact. A torn end
//! of the newest segment was never acknowledged: it is cut off. Any other damage is skipped,
//! counted, and its file set aside. Segments under another key refuse the start.
//!
//! Invariants: per sink, `pending` = records in readable frames from its cursor on; positions of
//! a sink only grow; `bytes` ≤ `bytes_max`; no nonce is used twice; nothing but
//! `CleanBatch::encode` is ever written to a frame.

use std::collections::{HashMap, VecDeque};
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tamis_scrubber::record::CleanBatch;

use super::crypt::Keys;
use super::cursor::{self, Position};
use super::segment::{HEADER_BYTES, Header, Storage, Writer, frame_of};
use super::{DiskConfig, Evicted, Losses, Recovered, SpoolError, SpoolStat, SyncPolicy};
use crate::batch::Ack;
use crate::ledger::Loss;
use crate::limits::{SPOOL_CACHE_BYTES, SPOOL_FRAME_BYTES_MAX};

mod read;
mod recover;
mod room;

/// Records of a segment by service.
type ByService = HashMap<Arc<str>, u64>;

/// A segment file.
struct Segment {
    id: u64,
    created_ns: i64,
    /// Timestamp of its first record.
    oldest_ns: Option<i64>,
    /// Where its readable part ends.
    bytes: u64,
    /// Bytes of the file.
    file_bytes: u64,
    /// Records in readable frames.
    records: ByService,
    /// Whether it is set aside rather than unlinked.
    damaged: bool,
}

/// A batch in memory and where it stands.
struct Cached {
    at: Position,
    next: Position,
    batch: Arc<CleanBatch>,
}

/// A batch that a sink holds, or has released before an earlier one.
struct Held {
    seq: u64,
    next: Position,
    records: u64,
    done: bool,
}

/// A sink's place.
#[derive(Default)]
struct Reader {
    /// The next frame to lease.
    at: Position,
    /// Records leased so far from the segment that `at` is in.
    taken: ByService,
    held: VecDeque<Held>,
    /// Everything before it is released.
    cursor: Position,
    /// What the cursor file says for certain.
    durable: Position,
    pending: u64,
    /// A frame read but not yet leased, as it did not fit.
    stash: Option<Cached>,
    open: Option<(File, Header)>,
}

/// What to use of the world.
pub(super) struct World {
    pub(super) storage: Box<dyn Storage>,
    /// Wall clock, nanoseconds since the Unix epoch.
    pub(super) now_ns: fn() -> i64,
}

pub(super) struct Disk {
    dir: PathBuf,
    /// Held open, and thereby locked.
    _lock: File,
    keys: Keys,
    world: World,
    sync: SyncPolicy,
    age_max_ns: i64,
    bytes_max: u64,
    segment_bytes: u64,
    /// Oldest first. The last one may be open for writing.
    segments: VecDeque<Segment>,
    writer: Option<Writer>,
    next_id: u64,
    next_seq: u64,
    bytes: u64,
    quarantined: u64,
    readers: Vec<Reader>,
    cache: VecDeque<Cached>,
    cache_bytes: usize,
    losses: Losses,
    /// Losses by sink that the caller has not fetched: still pending for it.
    unreported: Vec<u64>,
}

impl Disk {
    /// Opens or creates a spool. Also returns what earlier processes left in it.
    pub(super) fn open(
        config: &DiskConfig,
        sinks: usize,
        bytes_max: u64,
        world: World,
    ) -> Result<(Disk, Vec<Recovered>), SpoolError> {
        recover::open(config, sinks, bytes_max, world)
    }

    pub(super) fn set_sync(&mut self, sync: SyncPolicy) {
        self.sync = sync;
    }

    /// Appends a batch; `frame` is what [`frame_of`] made of it.
    pub(super) fn push(&mut self, batch: CleanBatch, frame: Vec<u8>, ack: Ack) -> Vec<Evicted> {
        self.expire();
        if !batch.is_empty() && !self.readers.is_empty() {
            let batch = Arc::new(batch);
            if let Err(reason) = self.append(&batch, frame) {
                for sink in 0..self.readers.len() {
                    self.lose(sink, batch.container().service(), reason, batch.len() as u64);
                }
            }
        }
        ack.fire();
        self.take_losses()
    }

    /// Writes a frame and makes it visible to the sinks.
    fn append(&mut self, batch: &Arc<CleanBatch>, mut frame: Vec<u8>) -> Result<(), Loss> {
        let bytes = frame.len();
        if bytes > SPOOL_FRAME_BYTES_MAX {
            return Err(Loss::SpoolDamaged);
        }
        let records = u32::try_from(batch.len()).map_err(|_| Loss::SpoolDamaged)?;
        if !self.make_room((HEADER_BYTES + bytes) as u64) {
            return Err(Loss::SpoolFull);
        }
        // A failed write ends its segment; there is one more try, in a new one.
        if self.write(&mut frame, records).is_err() {
            frame = frame_of(batch);
            self.write(&mut frame, records).map_err(|_| Loss::SpoolDamaged)?;
        }
        self.publish(batch, bytes as u64);
        Ok(())
    }

    fn write(&mut self, frame: &mut [u8], records: u32) -> io::Result<()> {
        self.ensure_writer()?;
        let writer = self.writer.as_mut().ok_or(io::ErrorKind::NotFound)?;
        let mut written = writer.append(frame, records, &self.keys);
        if written.is_ok() && self.sync == SyncPolicy::EachBatch {
            written = writer.sync();
        }
        if written.is_err() {
            self.seal();
            // What a failed write left behind would look like damage at the next start.
            if let Some(last) = self.segments.back() {
                let file = File::options().write(true).open(self.path(last.id));
                let _ = file.and_then(|f| f.set_len(last.bytes));
            }
        }
        written
    }

    fn ensure_writer(&mut self) -> io::Result<()> {
        if self.writer.is_some() {
            return Ok(());
        }
        let mut prefix = [0; 8];
        aws_lc_rs::rand::fill(&mut prefix).map_err(|_| io::ErrorKind::Other)?;
        let (id, now) = (self.next_id, (self.world.now_ns)());
        self.next_id += 1;
        let path = self.path(id);
        let storage = &*self.world.storage;
        let made = Writer::create(storage, &path, &self.keys, id, now, prefix);
        let writer = made.inspect_err(|_| {
            // No frame is in it.
            let _ = fs::remove_file(&path);
        })?;
        self.bytes += writer.bytes();
        self.segments.push_back(Segment {
            id,
            created_ns: now,
            oldest_ns: None,
            bytes: writer.bytes(),
            file_bytes: writer.bytes(),
            records: ByService::new(),
            damaged: false,
        });
        self.writer = Some(writer);
        if self.sync == SyncPolicy::EachBatch { cursor::sync_dir(&self.dir) } else { Ok(()) }
    }

    /// Counts a written frame and keeps its batch for sinks that keep up.
    fn publish(&mut self, batch: &Arc<CleanBatch>, bytes: u64) {
        let (Some(writer), Some(segment)) = (&self.writer, self.segments.back_mut()) else {
            return;
        };
        let records = batch.len() as u64;
        let frame = writer.frames();
        let at = Position { segment: segment.id, frame: frame - 1, offset: segment.bytes };
        segment.bytes = writer.bytes();
        segment.file_bytes = segment.bytes;
        segment.oldest_ns = segment.oldest_ns.or(batch.entries().next().map(|e| e.timestamp_ns));
        add(&mut segment.records, batch.container().service(), records);
        let next = Position { segment: segment.id, frame, offset: segment.bytes };
        let full = segment.bytes >= self.segment_bytes;
        self.bytes += bytes;
        self.readers.iter_mut().for_each(|r| r.pending += records);
        self.cache_bytes += batch.bytes();
        self.cache.push_back(Cached { at, next, batch: Arc::clone(batch) });
        while self.cache_bytes > SPOOL_CACHE_BYTES {
            let Some(old) = self.cache.pop_front() else { break };
            self.cache_bytes -= old.batch.bytes();
        }
        if full {
            self.seal();
        }
    }

    /// Ends the segment that is being written.
    fn seal(&mut self) {
        if let Some(mut writer) = self.writer.take() {
            // What an error here loses is found by its tag when the segment is read.
            let _ = writer.sync();
        }
    }

    /// Makes what was written durable.
    pub(super) fn flush(&mut self) {
        if let Some(writer) = &mut self.writer {
            let _ = writer.sync();
        }
        (0..self.readers.len()).for_each(|sink| self.store_cursor(sink, true));
    }

    pub(super) fn pending(&self, sink: usize) -> u64 {
        let unreported = self.unreported.get(sink).copied().unwrap_or(0);
        self.readers.get(sink).map_or(0, |r| r.pending) + unreported
    }

    pub(super) fn stat(&mut self) -> SpoolStat {
        self.expire();
        let waiting = self.readers.iter().any(|r| r.pending > 0);
        let first = self.readers.iter().map(|r| r.cursor.segment).min().unwrap_or(0);
        let mut rest = self.segments.iter().filter(|s| s.id >= first);
        SpoolStat {
            bytes: self.bytes,
            capacity: self.bytes_max,
            oldest_ns: rest.find_map(|s| s.oldest_ns).filter(|_| waiting),
            segments: self.segments.len() as u64,
            quarantined: self.quarantined,
        }
    }

    /// Notes records that a sink will never get. They leave `pending` when they are fetched.
    fn lose(&mut self, sink: usize, service: &str, reason: Loss, records: u64) {
        self.losses.add(sink, service, reason, records);
        if let Some(n) = self.unreported.get_mut(sink) {
            *n += records;
        }
    }

    /// Hands over the losses noted so far.
    pub(super) fn take_losses(&mut self) -> Vec<Evicted> {
        self.unreported.fill(0);
        self.losses.take()
    }

    fn is_open_for_writing(&self, id: u64) -> bool {
        self.writer.as_ref().is_some_and(|w| w.id() == id)
    }

    fn path(&self, id: u64) -> PathBuf {
        self.dir.join(format!("{id:016x}.seg"))
    }
}

fn add(to: &mut ByService, service: &str, records: u64) {
    match to.get_mut(service) {
        Some(n) => *n += records,
        None => drop(to.insert(service.into(), records)),
    }
}

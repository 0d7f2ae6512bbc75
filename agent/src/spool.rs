//! What is clean and not yet delivered: a bounded queue with one position per sink, in memory or
//! encrypted on disk.
//!
//! Workers [`push`](Spool::push) batches; each sink takes them in the same order with
//! [`next`](Spool::next) and gives them back with [`release`](Spool::release). Invariants:
//!
//! * A push never waits for a sink. When there is no room the oldest batches are dropped and
//!   returned as [`Evicted`], for the caller to count.
//! * Per sink, `pushed = released + evicted + pending` at every moment, in records.
//! * A sink sees batches in the order in which they were pushed; a batch that a sink holds is not
//!   dropped.
//! * Acknowledgements fire in order, under the spool's lock: a target must not call the spool.
//!   In memory they fire when every sink is done or the loss is counted.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tamis_scrubber::record::CleanBatch;
use tokio::sync::Notify;

use self::disk::{Disk, World};
use self::memory::Memory;
use crate::batch::Ack;
use crate::clock;
use crate::ledger::Loss;
use crate::limits::{SINKS_MAX, SPOOL_BYTES_MIN};

mod crypt;
mod cursor;
mod disk;
mod memory;
mod segment;

pub use crypt::{KEY_BYTES, read_key};

/// How to open a spool.
pub struct SpoolConfig {
    /// Number of sinks; they are known by their index.
    pub sinks: usize,
    /// Bytes kept at most.
    pub bytes_max: u64,
    /// Where to keep them; `None` = in memory.
    pub disk: Option<DiskConfig>,
}

/// Where and how a spool is kept on disk.
pub struct DiskConfig {
    /// Directory of its own, created when missing.
    pub dir: PathBuf,
    /// File with a key of 32 bytes, raw or as 64 hexadecimal digits, not readable by everyone.
    pub key_file: PathBuf,
    /// Longest time that a record is kept.
    pub age_max: Duration,
}

/// When written batches are made durable, before they are acknowledged or after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SyncPolicy {
    /// At the end of each segment: an acknowledged batch survives `kill -9`, but a power failure
    /// can take the newest ones.
    #[default]
    EachSegment,
    /// Before each acknowledgement: an acknowledged batch survives a power failure.
    EachBatch,
}

/// Why a spool cannot be opened. Never names a path or a value.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct SpoolError {
    kind: SpoolErrorKind,
}

/// What was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolErrorKind {
    /// More sinks than [`SINKS_MAX`].
    #[error("the spool serves at most {SINKS_MAX} sinks")]
    TooManySinks,
    /// The directory cannot be created, read or written.
    #[error("the spool directory cannot be used")]
    Directory,
    /// Another process has the spool open.
    #[error("another process uses the spool directory")]
    InUse,
    /// Too small for a spool on disk.
    #[error("a spool on disk needs at least {SPOOL_BYTES_MIN} bytes")]
    TooSmall,
    /// There is no key file, or it cannot be read.
    #[error("the spool key file is missing or cannot be read")]
    KeyMissing,
    /// Everyone may read or write the key file.
    #[error("the spool key file is open to every user of the host")]
    KeyExposed,
    /// The key file does not hold one key.
    #[error("the spool key file does not hold a key of 32 bytes")]
    KeyMalformed,
    /// The spool holds data under another key.
    #[error("the spool directory holds data under another key")]
    WrongKey,
}

impl SpoolError {
    /// What was wrong.
    pub fn kind(&self) -> SpoolErrorKind {
        self.kind
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self.kind {
            SpoolErrorKind::TooManySinks => "configure fewer sinks",
            SpoolErrorKind::Directory => {
                "check owner, permissions and free space, and that it is a directory of its own"
            }
            SpoolErrorKind::InUse => "give each process a spool directory of its own",
            SpoolErrorKind::TooSmall => "raise the spool's size",
            SpoolErrorKind::KeyMissing => {
                "make one with `openssl rand -hex 32` and mount it as a secret readable by tamis"
            }
            SpoolErrorKind::KeyExposed => "chmod 0400 the file, or give the secret `mode: 0400`",
            SpoolErrorKind::KeyMalformed => {
                "write 64 hexadecimal digits (`openssl rand -hex 32`) or 32 raw bytes"
            }
            SpoolErrorKind::WrongKey => {
                "give the former key until the spool is drained, or empty the directory to give \
                 its data up"
            }
        }
    }
}

impl From<SpoolErrorKind> for SpoolError {
    fn from(kind: SpoolErrorKind) -> Self {
        SpoolError { kind }
    }
}

/// Records that one sink will never get, for the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evicted {
    /// Index of the sink.
    pub sink: usize,
    /// The service's name, clean.
    pub service: Arc<str>,
    /// Number of records.
    pub records: usize,
    /// Why.
    pub reason: Loss,
}

/// Records that an earlier process left for one sink: they count as read for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// Index of the sink.
    pub sink: usize,
    /// The service's name, clean; `unknown` for what could not be read.
    pub service: Arc<str>,
    /// Number of records.
    pub records: u64,
}

/// Losses added up by sink, service and reason.
#[derive(Default)]
struct Losses(HashMap<(usize, Arc<str>, Loss), u64>);

impl Losses {
    fn add(&mut self, sink: usize, service: &str, reason: Loss, records: u64) {
        if records > 0 {
            *self.0.entry((sink, service.into(), reason)).or_default() += records;
        }
    }

    fn take(&mut self) -> Vec<Evicted> {
        let each = self.0.drain().map(|((sink, service, reason), records)| Evicted {
            sink,
            service,
            records: usize::try_from(records).unwrap_or(usize::MAX),
            reason,
        });
        each.collect()
    }
}

/// A batch in the hands of a sink. Given back with [`Spool::release`]; one that is only dropped
/// stays pending.
#[must_use]
pub struct Lease {
    seq: u64,
    batch: Arc<CleanBatch>,
}

impl Lease {
    /// The batch.
    pub fn batch(&self) -> &Arc<CleanBatch> {
        &self.batch
    }
}

/// The spool's state, for telemetry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpoolStat {
    /// Bytes held.
    pub bytes: u64,
    /// Bytes held at most.
    pub capacity: u64,
    /// Timestamp of the oldest record held, nanoseconds since the Unix epoch.
    pub oldest_ns: Option<i64>,
    /// Segment files.
    pub segments: u64,
    /// Damaged segment files set aside since the start.
    pub quarantined: u64,
}

enum Store {
    Memory(Memory),
    Disk(Box<Disk>),
}

struct State {
    store: Store,
    closed: bool,
}

/// The spool.
pub struct Spool {
    state: Mutex<State>,
    wake: Notify,
    on_disk: bool,
    recovered: Vec<Recovered>,
}

impl Spool {
    /// Opens a spool.
    ///
    /// # Errors
    /// When it cannot be used as configured.
    pub fn open(config: SpoolConfig) -> Result<Spool, SpoolError> {
        let world = World { storage: Box::new(segment::Files), now_ns: clock::now_ns };
        Spool::open_in(config, world)
    }

    fn open_in(config: SpoolConfig, world: World) -> Result<Spool, SpoolError> {
        if config.sinks > SINKS_MAX {
            return Err(SpoolErrorKind::TooManySinks.into());
        }
        let on_disk = config.disk.is_some();
        let (store, recovered) = match config.disk {
            None => (Store::Memory(Memory::new(config.sinks, config.bytes_max)), Vec::new()),
            Some(disk) => {
                let (disk, recovered) = Disk::open(&disk, config.sinks, config.bytes_max, world)?;
                (Store::Disk(Box::new(disk)), recovered)
            }
        };
        let state = Mutex::new(State { store, closed: false });
        Ok(Spool { state, wake: Notify::new(), on_disk, recovered })
    }

    /// Sets when written batches are made durable; without it, [`SyncPolicy::default`].
    pub fn with_sync(self, sync: SyncPolicy) -> Spool {
        if let Store::Disk(disk) = &mut self.lock().store {
            disk.set_sync(sync);
        }
        self
    }

    /// What earlier processes left, per sink and service: pending from the start. The caller
    /// counts it as read, once.
    pub fn recovered(&self) -> &[Recovered] {
        &self.recovered
    }

    /// Adds a batch. Never waits for a sink. Returns what had to be dropped to make room, for the
    /// caller to count. An empty batch only carries its acknowledgement, in order.
    pub fn push(&self, batch: CleanBatch, ack: Ack) -> Vec<Evicted> {
        // Encoded before the lock is taken, so that workers hold each other up less.
        let encode = self.on_disk && !batch.is_empty();
        let frame = if encode { segment::frame_of(&batch) } else { Vec::new() };
        let evicted = match &mut self.lock().store {
            Store::Memory(memory) => memory.push(batch, ack),
            Store::Disk(disk) => disk.push(batch, frame, ack),
        };
        self.wake.notify_waiters();
        evicted
    }

    /// What was lost between pushes (damage, age). To be called after [`next`](Spool::next) and
    /// now and then, and counted; until then it is pending.
    pub fn losses(&self) -> Vec<Evicted> {
        match &mut self.lock().store {
            Store::Memory(_) => Vec::new(),
            Store::Disk(disk) => {
                disk.expire();
                disk.take_losses()
            }
        }
    }

    /// The next batches of a sink, in order: at least one, as many as fit. Waits for the first.
    /// `None` when the spool is closed and nothing is left. Cancelling the wait leases nothing.
    pub async fn next(
        &self,
        sink: usize,
        bytes_max: usize,
        lines_max: usize,
    ) -> Option<Vec<Lease>> {
        loop {
            let mut woken = std::pin::pin!(self.wake.notified());
            woken.as_mut().enable();
            {
                let mut state = self.lock();
                let leases = match &mut state.store {
                    Store::Memory(memory) => memory.take(sink, bytes_max, lines_max),
                    Store::Disk(disk) => disk.take(sink, bytes_max, lines_max),
                };
                if !leases.is_empty() {
                    return Some(leases);
                }
                if state.closed {
                    return None;
                }
            }
            woken.await;
        }
    }

    /// The sink is done with these batches: delivered, or their loss is counted.
    pub fn release(&self, sink: usize, leases: Vec<Lease>) {
        match &mut self.lock().store {
            Store::Memory(memory) => memory.release(sink, leases),
            Store::Disk(disk) => disk.release(sink, leases),
        }
    }

    /// Records not yet released by a sink, leased ones included.
    pub fn pending(&self, sink: usize) -> u64 {
        match &self.lock().store {
            Store::Memory(memory) => memory.pending(sink),
            Store::Disk(disk) => disk.pending(sink),
        }
    }

    /// No more pushes; [`next`](Spool::next) ends once everything is taken. A spool on disk is
    /// made durable.
    pub fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        if let Store::Disk(disk) = &mut state.store {
            disk.flush();
        }
        drop(state);
        self.wake.notify_waiters();
    }

    /// At the end: gives up what would be lost with the process, for the caller to count. What a
    /// source will read again, and what is on disk, stays pending.
    pub fn abandon(&self) -> Vec<Evicted> {
        match &mut self.lock().store {
            Store::Memory(memory) => memory.abandon(),
            Store::Disk(disk) => {
                disk.flush();
                disk.take_losses()
            }
        }
    }

    /// The spool's state.
    pub fn stat(&self) -> SpoolStat {
        match &mut self.lock().store {
            Store::Memory(memory) => memory.stat(),
            Store::Disk(disk) => disk.stat(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;

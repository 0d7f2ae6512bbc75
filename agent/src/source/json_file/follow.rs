//! Follows one container's log: waits for news, takes credit, reads, hands over, remembers.
//!
//! Invariants: credit is taken before bytes are read and goes with the batch until it is stored;
//! acknowledgements come in order, and only they move the position that a later run begins from.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::chain::Chain;
use super::status::JsonFileStatus;
use super::tail::{Progress, READ_BYTES, Tail};
use super::watch::DirWatch;
use crate::batch::{Ack, Acknowledge, RawBatch};
use crate::checkpoint::{Checkpoint, Position};
use crate::clock::{Duration, Instant, monotonic};
use crate::discover::Container;
use crate::intake::Intake;
use crate::limits::{
    FILE_CHUNK_BYTES, FILE_CREDIT_BYTES, FILE_IDLE_AFTER, FILE_POLL_INTERVAL,
    FILE_POLL_INTERVAL_UNWATCHED, FILE_RESCAN_INTERVAL,
};

/// Least credit of a batch, so that batches in flight are few thousands at most.
const BATCH_CREDIT_BYTES_MIN: usize = 1024;
/// Credit taken before a read.
const CHUNK_CREDIT: u32 = FILE_CHUNK_BYTES as u32; // Proof: limits.rs, 256 KiB.
/// Wait after a failed read.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// What all followers share.
pub(super) struct Shared {
    pub(super) status: Arc<JsonFileStatus>,
    pub(super) checkpoint: Arc<Checkpoint>,
    intake: Intake,
    /// Bytes that may be between reading and storing, all files together.
    credit: Arc<Semaphore>,
    /// Read buffers not in use; no more than the credit lets out.
    buffers: Mutex<Vec<Box<[u8]>>>,
}

impl Shared {
    pub(super) fn new(checkpoint: Arc<Checkpoint>, intake: Intake) -> Shared {
        Shared {
            status: Arc::default(),
            checkpoint,
            intake,
            credit: Arc::new(Semaphore::new(FILE_CREDIT_BYTES)),
            buffers: Mutex::default(),
        }
    }

    /// Makes the credit taken for a read fit the batch that came of it.
    fn fit(&self, mut credit: OwnedSemaphorePermit, bytes: usize) -> OwnedSemaphorePermit {
        let need = bytes.max(BATCH_CREDIT_BYTES_MIN);
        let have = credit.num_permits();
        if need < have {
            drop(credit.split(have - need));
        } else if let Ok(more) = u32::try_from(need - have)
            && let Ok(more) = Arc::clone(&self.credit).try_acquire_many_owned(more)
        {
            // A record that was joined from several reads: what is free is taken, without waiting.
            credit.merge(more);
        }
        credit
    }

    fn buffer(&self) -> Box<[u8]> {
        let spare = self.buffers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        spare.unwrap_or_else(|| vec![0; READ_BYTES].into())
    }

    fn give_back(&self, buffer: Box<[u8]>) {
        self.buffers.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
    }
}

/// One container's log, as the directory's watcher and the follower know it.
pub(super) struct Log {
    container: Mutex<Arc<Container>>,
    chain: Mutex<Chain>,
    news: Notify,
    removed: AtomicBool,
    keeper: Arc<Keeper>,
}

impl Log {
    pub(super) fn new(
        container: Arc<Container>,
        path: PathBuf,
        files_max: usize,
        checkpoint: Arc<Checkpoint>,
    ) -> Log {
        let id = container.clean.id().into();
        let chain = Chain::new(path, files_max, checkpoint.get(container.clean.id()));
        let keeper =
            Keeper { id, checkpoint, pending: Mutex::default(), removed: AtomicBool::new(false) };
        Log {
            container: Mutex::new(container),
            chain: Mutex::new(chain),
            news: Notify::new(),
            removed: AtomicBool::new(false),
            keeper: Arc::new(keeper),
        }
    }

    /// The identity for batches to come.
    pub(super) fn set_container(&self, container: Arc<Container>) {
        *self.container.lock().unwrap_or_else(PoisonError::into_inner) = container;
    }

    /// Looks for new files now, before the engine deletes them, and wakes the follower.
    pub(super) fn look(&self, status: &JsonFileStatus) {
        self.looked(|chain| chain.advance(status), status);
    }

    /// As [`Log::look`], for an event that says that a file was created.
    pub(super) fn created(&self, status: &JsonFileStatus) {
        self.looked(|chain| chain.created(status), status);
    }

    fn looked(&self, look: impl FnOnce(&mut Chain) -> io::Result<()>, status: &JsonFileStatus) {
        if look(&mut self.chain.lock().unwrap_or_else(PoisonError::into_inner)).is_err() {
            status.io_errors.fetch_add(1, Relaxed);
        }
        self.news.notify_one();
    }

    /// Wakes the follower.
    pub(super) fn written(&self) {
        self.news.notify_one();
    }

    /// The container was removed: what is open is read to its end, then forgotten.
    pub(super) fn remove(&self) {
        self.removed.store(true, Relaxed);
        self.news.notify_one();
    }

    fn has_news(&self, tail: &mut Tail, status: &JsonFileStatus) -> bool {
        let mut chain = self.chain.lock().unwrap_or_else(PoisonError::into_inner);
        if chain.advance(status).is_err() {
            status.io_errors.fetch_add(1, Relaxed);
        }
        tail.measure_lag(&chain, status);
        tail.has_news(&chain)
    }
}

/// Takes acknowledgements and moves the position.
struct Keeper {
    id: Box<str>,
    checkpoint: Arc<Checkpoint>,
    /// Batches in flight, in order: number, and the position once they are stored.
    pending: Mutex<VecDeque<(u64, Option<Position>)>>,
    removed: AtomicBool,
}

impl Keeper {
    fn expect(&self, number: u64, position: Option<Position>) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.push_back((number, position));
    }

    /// Everything is read; the position goes once everything is stored.
    fn remove(&self) {
        let pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        self.removed.store(true, Relaxed);
        if pending.is_empty() {
            self.checkpoint.forget(&self.id);
        }
    }
}

impl Acknowledge for Keeper {
    fn acknowledge(&self, number: u64) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let mut stored = None;
        while let Some((_, position)) = pending.pop_front_if(|(n, _)| *n <= number) {
            stored = position.or(stored);
        }
        if let Some(position) = stored {
            self.checkpoint.set(&self.id, position);
        }
        if pending.is_empty() && self.removed.load(Relaxed) {
            self.checkpoint.forget(&self.id);
        }
    }
}

/// Follows a log until it is cancelled, the pipeline stops, or the container is gone and read.
pub(super) async fn follow(
    log: Arc<Log>,
    shared: Arc<Shared>,
    watch: DirWatch,
    cancel: CancellationToken,
) {
    let mut tail = Tail::new(log.keeper.checkpoint.get(&log.keeper.id));
    let mut pace = Pace { watch, idle: true, watched: false, last_news: monotonic() };
    let mut number = 0;
    loop {
        // Asked before the last look: what was written before the removal is there then.
        let removed = log.removed.load(Relaxed);
        let due = tail.deadline().is_some_and(|d| d <= monotonic());
        if !log.has_news(&mut tail, &shared.status) && !due && !removed {
            tokio::select! {
                () = cancel.cancelled() => return,
                () = pace.wait(&log.news, tail.deadline()) => continue,
            }
        }
        let last = removed && !log.has_news(&mut tail, &shared.status);
        let credit = Arc::clone(&shared.credit).acquire_many_owned(CHUNK_CREDIT);
        let credit = tokio::select! {
            () = cancel.cancelled() => return,
            credit = credit => credit,
        };
        let Ok(credit) = credit else { return };
        let Some((read, mut batch, progress)) = read(tail, &log, &shared).await else { return };
        tail = read;
        if last {
            tail.finish(&shared.status, &mut batch);
        }
        if !batch.is_empty() {
            number += 1;
            log.keeper.expect(number, tail.resume_point());
            let credit = Some(shared.fit(credit, batch.bytes()));
            let keeper = Arc::clone(&log.keeper) as Arc<dyn Acknowledge>;
            batch.set_ack(Ack::new(keeper, number, credit));
            tokio::select! {
                () = cancel.cancelled() => return,
                sent = shared.intake.send(batch) => if sent.is_err() { return },
            }
        }
        if last {
            return log.keeper.remove();
        }
        match progress {
            Ok(Progress::Moved) => pace.news(),
            Ok(Progress::Idle) => {}
            Err(_) => {
                shared.status.io_errors.fetch_add(1, Relaxed);
                tokio::select! {
                    () = cancel.cancelled() => return,
                    () = tokio::time::sleep(RETRY_INTERVAL) => {}
                }
            }
        }
    }
}

type Read = (Tail, RawBatch, io::Result<Progress>);

/// Reads one chunk: here when it was just written and so is in memory, else on a blocking thread.
/// `None` when the runtime is shutting down.
async fn read(mut tail: Tail, log: &Arc<Log>, shared: &Arc<Shared>) -> Option<Read> {
    let (log, shared) = (Arc::clone(log), Arc::clone(shared));
    let fresh = tail.lag() <= FILE_CHUNK_BYTES as u64;
    let work = move || {
        let container = log.container.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut batch = RawBatch::new(container);
        let mut buffer = shared.buffer();
        let sources = (&log.chain, &*shared.status);
        let progress = tail.fill(sources, &mut buffer, monotonic(), &mut batch);
        shared.give_back(buffer);
        (tail, batch, progress)
    };
    if fresh { Some(work()) } else { tokio::task::spawn_blocking(work).await.ok() }
}

/// When a follower looks at its log.
struct Pace {
    watch: DirWatch,
    /// Nothing was written lately.
    idle: bool,
    /// inotify tells when an idle log is written to.
    watched: bool,
    last_news: Instant,
}

impl Pace {
    fn news(&mut self) {
        self.last_news = monotonic();
        if self.idle {
            self.idle = false;
            self.watched = false;
            let _ = self.watch.set(false);
        }
    }

    async fn wait(&mut self, news: &Notify, deadline: Option<Instant>) {
        let now = monotonic();
        let quiet = now.saturating_duration_since(self.last_news) >= FILE_IDLE_AFTER;
        if quiet && !self.watched {
            let before = self.idle;
            self.idle = true;
            self.watched = self.watch.set(true).is_some();
            if self.watched || !before {
                // Something may have been written before the watch: look once more.
                return;
            }
        }
        let interval = match (quiet, self.watched) {
            (false, _) => FILE_POLL_INTERVAL,
            (true, true) => FILE_RESCAN_INTERVAL,
            (true, false) => FILE_POLL_INTERVAL_UNWATCHED,
        };
        let left = deadline.map_or(interval, |d| d.saturating_duration_since(now));
        let _ = tokio::time::timeout(interval.min(left), news.notified()).await;
    }
}

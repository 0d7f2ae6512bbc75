//! One FIFO: bytes to records to batches.
//!
//! What is read and not yet stored is lost when the process is killed; what is in the pipe is not.
//! So the reader stays a few small batches ahead of the workers and no more.
//!
//! Pacing: a reader faster than the engine would be woken for every line, at a cost on both sides.
//! After lines in quick succession it lets the pipe fill for [`PACE`], unregistered from epoll, and
//! waits on epoll only when the pipe stays empty; at full load it does not wait at all.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use tamis_scrubber::record::Stream;
use tokio::net::unix::pipe::Receiver;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::Shared;
use crate::batch::RawBatch;
use crate::clock;
use crate::decode::log_entry::{Counts, Frames};
use crate::decode::reassemble::{Fragment, Reassembler, Record};
use crate::discover::Container;
use crate::limits::PIPE_BYTES;

/// Bytes asked for at once; each read with records in it makes a batch.
const READ_BYTES: usize = 64 * 1024;
/// With this much in one go the writer is fast: read on at once. A quarter of a default pipe.
const BUSY_BYTES: usize = 16 * 1024;
/// Batches that may wait for this container's worker before more is read.
const BACKLOG_BATCHES: usize = 2;
/// Between two looks at the workers' queue.
const BACKLOG_POLL: Duration = Duration::from_millis(1);
/// How long the pipe may fill between two reads.
const PACE: Duration = Duration::from_millis(5);
/// Wait with nothing to do but read.
const IDLE_WAIT: Duration = Duration::from_secs(3600);
/// Longest search for the end of a record when the agent stops.
const LEAVE_WAIT_MAX: Duration = Duration::from_millis(500);

/// Opens a FIFO for reading without waiting for anyone.
pub(super) fn open(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let fd = rustix::fs::open(path, flags, Mode::empty())?;
    if !FileType::from_raw_mode(rustix::fs::fstat(&fd)?.st_mode).is_fifo() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // A wish: without it the engine waits sooner when the agent is away.
    let _ = rustix::pipe::fcntl_setpipe_size(&fd, PIPE_BYTES);
    Ok(fd)
}

/// What a look into the pipe found.
enum Found {
    /// It is empty now, after this many bytes.
    Empty(usize),
    /// There may be more.
    More,
    /// No writer is left.
    End,
}

/// Reads one FIFO until told to stop, or its end.
pub(super) struct Reader {
    shared: Arc<Shared>,
    file: Box<str>,
    container: Arc<Container>,
    frames: Frames,
    joined: Reassembler,
    batch: RawBatch,
    /// What the shared counters already know.
    counted: Counts,
    stop: CancellationToken,
    leaving: CancellationToken,
}

impl Reader {
    /// `stop` will tell to hand over what is there, open records included, and to end.
    pub(super) fn new(
        shared: Arc<Shared>,
        file: Box<str>,
        container: Arc<Container>,
        stop: CancellationToken,
    ) -> Reader {
        Reader {
            file,
            frames: Frames::default(),
            joined: Reassembler::default(),
            batch: RawBatch::new(Arc::clone(&container)),
            counted: Counts::default(),
            stop,
            leaving: shared.leaving.clone(),
            container,
            shared,
        }
    }

    /// Reads to the end; `done` falls then.
    pub(super) async fn run(mut self, fd: OwnedFd, done: DropGuard) {
        let mut in_succession = false;
        let ended = loop {
            // Before reading: what was written before `stop` is then in the pipe.
            let (stopping, leave) = (self.stop.is_cancelled(), self.leaving.is_cancelled());
            let found = self.fill(&fd).await;
            self.expire();
            self.send().await;
            match found {
                Found::End => break true,
                _ if leave => {
                    self.leave(&fd).await;
                    break false;
                }
                Found::More => tokio::task::yield_now().await,
                Found::Empty(_) if stopping => break false,
                Found::Empty(n) if n >= BUSY_BYTES => tokio::task::yield_now().await,
                Found::Empty(n) if n > 0 && in_succession => self.wait(PACE).await,
                Found::Empty(_) => {
                    self.frames.release();
                    let since = clock::monotonic();
                    self.wait_readable(&fd).await;
                    in_succession = clock::monotonic().saturating_duration_since(since) < PACE;
                }
            }
        };
        self.joined.flush(&mut pusher(&mut self.batch));
        self.send().await;
        if ended {
            self.shared.ended(&self.file).await;
        }
        drop(done);
    }

    /// Reads what the pipe holds, at most one pipe's size.
    async fn fill(&mut self, fd: &OwnedFd) -> Found {
        let mut total = 0;
        while total < PIPE_BYTES {
            self.wait_for_workers().await;
            let buffer = self.frames.buffer();
            buffer.reserve(READ_BYTES);
            let room = buffer.capacity() - buffer.len();
            let read = match rustix::io::read(fd, spare_capacity(buffer)) {
                Ok(0) => return Found::End,
                Ok(n) => n,
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => return Found::Empty(total),
                Err(_) => return Found::End,
            };
            total += read;
            self.decode();
            self.send().await;
            if read < room {
                return Found::Empty(total);
            }
        }
        Found::More
    }

    fn decode(&mut self) {
        let now = clock::monotonic();
        let joined = &mut self.joined;
        let mut push = pusher(&mut self.batch);
        self.frames.decode(|fragment| {
            let timestamp_ns = match fragment.timestamp_ns {
                t if t > 0 => t,
                _ => clock::now_ns(),
            };
            joined.push(Fragment { timestamp_ns, ..fragment }, now, &mut push);
        });
    }

    fn expire(&mut self) {
        if self.joined.deadline().is_some() {
            self.joined.expire(clock::monotonic(), &mut pusher(&mut self.batch));
        }
    }

    /// Hands the batch over; waits for CPU time at most.
    async fn send(&mut self) {
        self.count();
        if self.batch.is_empty() {
            return;
        }
        let next = RawBatch::new(Arc::clone(&self.container));
        let batch = std::mem::replace(&mut self.batch, next);
        let records = batch.len() as u64;
        if self.shared.intake.send(batch).await.is_err() {
            self.shared.status.unsent.fetch_add(records, Relaxed);
        }
    }

    fn count(&mut self) {
        let (now, before) = (self.frames.counts(), self.counted);
        if now == before {
            return;
        }
        self.counted = now;
        let status = &self.shared.status;
        status.frames.fetch_add(now.frames - before.frames, Relaxed);
        status.lost_bytes.fetch_add(now.lost_bytes - before.lost_bytes, Relaxed);
        let errors = now.errors - before.errors;
        status.decode_errors.fetch_add(errors, Relaxed);
        if errors > 0 && status.may_warn() {
            let (container, lost_bytes) = (self.container.clean.short_id(), now.lost_bytes);
            tracing::warn!(container, errors = now.errors, lost_bytes, "log driver: bad frames");
        }
    }

    /// The process ends, the pipe stays: reads on to a place where the next one can begin, the end
    /// of a frame with no record open. What is in the pipe behind it is left for the next process.
    async fn leave(&mut self, fd: &OwnedFd) {
        let until = clock::monotonic() + LEAVE_WAIT_MAX;
        let open = |j: &Reassembler| j.is_open(Stream::Stdout) || j.is_open(Stream::Stderr);
        while (self.frames.missing() > 0 || open(&self.joined)) && clock::monotonic() < until {
            // Between two frames: the first byte tells how it goes on.
            let mut piece = vec![0; self.frames.missing().clamp(1, READ_BYTES)];
            match rustix::io::read(fd, &mut piece[..]) {
                Ok(0) => break,
                Ok(n) => {
                    let bytes = piece.get(..n).unwrap_or_default();
                    self.frames.buffer().extend_from_slice(bytes);
                    self.decode();
                }
                Err(Errno::AGAIN) => tokio::time::sleep(PACE).await,
                Err(Errno::INTR) => {}
                Err(_) => break,
            }
        }
    }

    /// Waits for CPU time while the workers are behind; the bytes are safer in the pipe.
    async fn wait_for_workers(&self) {
        while self.shared.intake.backlog(&self.container) >= BACKLOG_BATCHES
            && !self.stop.is_cancelled()
            && !self.leaving.is_cancelled()
        {
            self.wait(BACKLOG_POLL).await;
        }
    }

    /// Waits until there is something to read or to do.
    async fn wait_readable(&self, fd: &OwnedFd) {
        let timeout = match self.joined.deadline() {
            Some(at) => at.saturating_duration_since(clock::monotonic()),
            None => IDLE_WAIT,
        };
        // Registered only while waiting: else every write of the engine would wake this process.
        match fd.try_clone().and_then(Receiver::from_owned_fd_unchecked) {
            Ok(registered) => tokio::select! {
                // An error shows when reading.
                _ = registered.readable() => {}
                () = self.wait(timeout) => {}
            },
            // Too many open files: look again soon.
            Err(_) => self.wait(PACE).await,
        }
    }

    async fn wait(&self, time: Duration) {
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            () = self.stop.cancelled() => {}
            () = self.leaving.cancelled() => {}
        }
    }
}

fn pusher(batch: &mut RawBatch) -> impl FnMut(Record<'_>) {
    |r| batch.push(r.line, r.timestamp_ns, r.stream, r.truncated)
}

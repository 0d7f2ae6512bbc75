//! Docker's log driver plugin API, served on a unix socket; each container's lines come in through
//! a FIFO of its own.
//!
//! Invariants:
//! - A FIFO is always read: nothing but a full worker queue (CPU) makes its reader wait, so no sink
//!   can wedge the engine.
//! - Environment, arguments and options of containers, which the engine sends, are never
//!   deserialized; names and labels pass the sieve before anything keeps them, the map file
//!   included.
//! - The engine says only once which container a FIFO belongs to, and keeps the FIFO open while the
//!   agent is away: the map of open FIFOs is on disk before `StartLogging` is answered, and a new
//!   process reads on where the last one stopped.
//! - `docker logs` is answered from clean records only.

mod api;
mod map;
mod reader;
mod replay;

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::future::IntoFuture as _;
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tamis_scrubber::sieve::RawContainer;
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::{self, Instant};
use crate::discover::{Container, Registry};
use crate::intake::Intake;
use crate::limits::DRIVER_FIFOS_MAX;
use crate::recent::Recent;
use crate::source::SourceError;

/// Longest wait for another process that still drains.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(5);
/// `StopLogging` is answered after this even if workers are behind: the bytes stay readable.
const STOP_WAIT_MAX: Duration = Duration::from_millis(500);
/// Requests still open when the agent stops.
const REQUESTS_WAIT_MAX: Duration = Duration::from_secs(1);
/// Readers still draining when the agent stops.
const READERS_WAIT_MAX: Duration = Duration::from_secs(8);
/// Shortest time between two warnings of the same kind.
const WARN_INTERVAL: Duration = Duration::from_secs(10);

/// Where the log driver lives.
#[derive(Clone)]
pub struct LogDriverConfig {
    /// Socket of the plugin, in the engine's plugin directory; its name is the driver's name.
    pub socket: PathBuf,
    /// Where the engine makes FIFOs, as seen from here.
    pub fifo_dir: PathBuf,
    /// Where the map of open FIFOs is kept.
    pub state_dir: PathBuf,
}

/// Counters and state, for page and metrics.
#[derive(Default)]
pub struct DriverStatus {
    open: AtomicUsize,
    frames: AtomicU64,
    decode_errors: AtomicU64,
    lost_bytes: AtomicU64,
    unsent: AtomicU64,
    map_errors: AtomicU64,
    warned: Mutex<Option<Instant>>,
}

impl DriverStatus {
    /// FIFOs being read: one per running container on this driver.
    pub fn open_fifos(&self) -> usize {
        self.open.load(Relaxed)
    }

    /// Messages decoded.
    pub fn frames(&self) -> u64 {
        self.frames.load(Relaxed)
    }

    /// Places where bytes were no message of the engine.
    pub fn decode_errors(&self) -> u64 {
        self.decode_errors.load(Relaxed)
    }

    /// Bytes passed over at such places.
    pub fn lost_bytes(&self) -> u64 {
        self.lost_bytes.load(Relaxed)
    }

    /// Records read after the pipeline had stopped, hence lost.
    pub fn unsent(&self) -> u64 {
        self.unsent.load(Relaxed)
    }

    /// Times the map of FIFOs could not be written: a restart would then lose lines.
    pub fn map_errors(&self) -> u64 {
        self.map_errors.load(Relaxed)
    }

    /// Whether the last warning is long enough ago.
    fn may_warn(&self) -> bool {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock::monotonic();
        let may = warned.is_none_or(|last| now.saturating_duration_since(last) >= WARN_INTERVAL);
        if may {
            *warned = Some(now);
        }
        may
    }
}

/// The log driver, bound and reading the FIFOs of the last process.
pub struct LogDriver {
    listener: UnixListener,
    shared: Arc<Shared>,
    /// Held while this process owns the FIFOs.
    _lock: File,
}

impl LogDriver {
    /// Binds the socket (replacing one that nobody serves), re-opens the FIFOs of the saved map and
    /// starts reading them.
    ///
    /// # Errors
    /// When another process serves the socket or holds the state directory, or a path cannot be
    /// used.
    pub async fn bind(
        config: LogDriverConfig,
        registry: Arc<Registry>,
        intake: Intake,
        recent: Arc<Recent>,
    ) -> Result<LogDriver, SourceError> {
        let failed = |what| move |e: io::Error| SourceError::new(what, e.kind());
        std::fs::create_dir_all(&config.state_dir).map_err(failed("state directory"))?;
        let lock = lock(&config.state_dir.join("log_driver.lock")).await;
        let lock = lock.map_err(failed("state directory lock"))?;
        let listener = listen(&config.socket).await.map_err(failed("log driver socket"))?;
        let shared = Arc::new(Shared {
            config,
            registry,
            intake,
            recent,
            status: Arc::default(),
            fifos: Mutex::default(),
            saving: tokio::sync::Mutex::default(),
            leaving: CancellationToken::new(),
            tasks: TaskTracker::new(),
        });
        shared.reopen();
        map::save(&shared.map_path(), &shared.map()).map_err(failed("map of FIFOs"))?;
        Ok(LogDriver { listener, shared, _lock: lock })
    }

    /// Counters and state.
    pub fn status(&self) -> Arc<DriverStatus> {
        Arc::clone(&self.shared.status)
    }

    /// Serves until cancelled; then reads what the FIFOs hold, to the end of a record, and removes
    /// the socket. The map stays: the engine keeps the FIFOs open for the next process.
    pub async fn run(self, cancel: CancellationToken) {
        let LogDriver { listener, shared, _lock } = self;
        let app = api::router(Arc::clone(&shared), cancel.clone());
        let stopped = cancel.clone().cancelled_owned();
        let serving = axum::serve(listener, app).with_graceful_shutdown(stopped).into_future();
        let enough = async {
            cancel.cancelled().await;
            tokio::time::sleep(REQUESTS_WAIT_MAX).await;
        };
        tokio::select! {
            // Accepting goes on after any error; the result says nothing.
            _ = serving => {}
            () = enough => {}
        }
        shared.leaving.cancel();
        shared.tasks.close();
        if tokio::time::timeout(READERS_WAIT_MAX, shared.tasks.wait()).await.is_err() {
            tracing::warn!(
                open = shared.tasks.len(),
                "log driver: stopped before FIFOs were empty"
            );
        }
        // The engine retries while there is no socket; a file that stays behind does no harm.
        let _ = std::fs::remove_file(&shared.config.socket);
    }
}

/// One owner of the FIFOs at a time: two readers would share out one container's bytes.
async fn lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let file = options.create(true).truncate(false).write(true).mode(0o600).open(path)?;
    let until = clock::monotonic() + LOCK_WAIT_MAX;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(std::fs::TryLockError::Error(e)) => return Err(e),
            Err(std::fs::TryLockError::WouldBlock) if clock::monotonic() >= until => {
                return Err(io::ErrorKind::ResourceBusy.into());
            }
            Err(std::fs::TryLockError::WouldBlock) => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Binds beside the final name, so that the socket is never there with other rights.
async fn listen(path: &Path) -> io::Result<UnixListener> {
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir)?;
    }
    if UnixStream::connect(path).await.is_ok() {
        return Err(io::ErrorKind::AddrInUse.into());
    }
    if let Ok(there) = std::fs::symlink_metadata(path) {
        use std::os::unix::fs::FileTypeExt as _;
        if !there.file_type().is_socket() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
    }
    let beside = path.with_extension("new");
    match std::fs::remove_file(&beside) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let listener = UnixListener::bind(&beside)?;
    std::fs::set_permissions(&beside, std::fs::Permissions::from_mode(0o600))?;
    std::fs::rename(&beside, path)?;
    Ok(listener)
}

/// A FIFO being read.
struct Fifo {
    container: Arc<Container>,
    /// Set by `StopLogging`: read what is there and end.
    stop: CancellationToken,
    /// Set when the reader has handed over everything.
    done: CancellationToken,
}

struct Shared {
    config: LogDriverConfig,
    registry: Arc<Registry>,
    intake: Intake,
    recent: Arc<Recent>,
    status: Arc<DriverStatus>,
    /// By file name. At most [`DRIVER_FIFOS_MAX`].
    fifos: Mutex<HashMap<Box<str>, Fifo>>,
    /// One writer of the map file at a time.
    saving: tokio::sync::Mutex<()>,
    /// Set when the process ends: readers stop at the end of a record and stay in the map.
    leaving: CancellationToken,
    tasks: TaskTracker,
}

impl Shared {
    fn fifos(&self) -> MutexGuard<'_, HashMap<Box<str>, Fifo>> {
        self.fifos.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a FIFO and starts its reader. Again for a FIFO already open: the engine repeats a
    /// request whose answer it did not get.
    fn open(
        self: &Arc<Self>,
        file: &str,
        raw: RawContainer<'_>,
        started_ns: i64,
    ) -> Result<(), SourceError> {
        let mut fifos = self.fifos();
        if fifos.contains_key(file) {
            return Ok(());
        }
        if fifos.len() >= DRIVER_FIFOS_MAX {
            return Err(SourceError::new("open FIFOs", io::ErrorKind::QuotaExceeded));
        }
        let fd = reader::open(&self.config.fifo_dir.join(file))
            .map_err(|e| SourceError::new("FIFO", e.kind()))?;
        let container = self.registry.register(raw, started_ns);
        let container =
            container.ok_or(SourceError::new("container", io::ErrorKind::InvalidInput))?;
        let (stop, done) = (CancellationToken::new(), CancellationToken::new());
        let (shared, known) = (Arc::clone(self), Arc::clone(&container));
        let reader = reader::Reader::new(shared, file.into(), known, stop.clone());
        self.tasks.spawn(reader.run(fd, done.clone().drop_guard()));
        fifos.insert(file.into(), Fifo { container, stop, done });
        self.status.open.store(fifos.len(), Relaxed);
        Ok(())
    }

    /// Reads what a FIFO still holds, without waiting for its end, and forgets it.
    async fn stop(&self, file: &str) {
        let Some(fifo) = self.fifos().remove(file) else { return };
        fifo.stop.cancel();
        // Late is not lost: the reader goes on by itself.
        let _ = tokio::time::timeout(STOP_WAIT_MAX, fifo.done.cancelled()).await;
        self.closed(&fifo.container).await;
    }

    /// The engine has closed a FIFO without `StopLogging`: it has ended itself.
    async fn ended(&self, file: &str) {
        let fifo = self.fifos().remove(file);
        if let Some(fifo) = fifo {
            self.closed(&fifo.container).await;
        }
    }

    async fn closed(&self, container: &Container) {
        self.status.open.store(self.fifos().len(), Relaxed);
        if !self.reads(container.clean.id()) {
            self.registry.stopped(container.clean.id());
        }
        self.save().await;
    }

    /// Whether a FIFO of this container is open.
    fn reads(&self, container_id: &str) -> bool {
        self.fifos().values().any(|f| f.container.clean.id() == container_id)
    }

    fn map_path(&self) -> PathBuf {
        self.config.state_dir.join("log_driver.json")
    }

    fn map(&self) -> Vec<map::Entry> {
        self.fifos().iter().map(|(file, f)| map::Entry::new(file, &f.container)).collect()
    }

    /// Writes the map. A failure is an operator's business, not the container's.
    async fn save(&self) {
        let _one = self.saving.lock().await;
        let (path, entries) = (self.map_path(), self.map());
        let saved = tokio::task::spawn_blocking(move || map::save(&path, &entries)).await;
        if !matches!(saved, Ok(Ok(()))) {
            self.status.map_errors.fetch_add(1, Relaxed);
            if self.status.may_warn() {
                tracing::error!("log driver: map of FIFOs not written, a restart would lose lines");
            }
        }
    }

    /// Re-opens the FIFOs of the last process that are still there.
    fn reopen(self: &Arc<Self>) {
        let entries = match map::load(&self.map_path()) {
            Ok(entries) => entries,
            Err(e) => {
                let reason = e.kind();
                tracing::error!(%reason, "log driver: map of FIFOs unreadable; restart containers");
                return;
            }
        };
        for entry in entries {
            if let Err(e) = self.open(entry.file(), entry.container(), entry.started_ns()) {
                // Gone with the engine or with its container: the usual end of a FIFO.
                tracing::debug!(reason = %e, "log driver: FIFO not opened again");
            }
        }
    }
}

#[cfg(test)]
mod tests;

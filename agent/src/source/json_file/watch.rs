//! Tells when the engine's directory changes, through inotify while it has room.
//!
//! Watched: the root, and each container's directory for new names. Writes to a log are watched
//! only while it is idle: an active one is looked at by its follower, which costs less than an
//! event per write. Without inotify everything works by looking (`limits::FILE_*INTERVAL`).
//!
//! A thread of its own waits for events and opens new log files itself: a busy async worker asks
//! for events only every few tens of milliseconds, and by then a fast writer's file is deleted.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use inotify::{Event, EventMask, Inotify, WatchDescriptor, WatchMask, Watches};
use rustix::event::{PollFd, PollFlags, poll};
use tokio::sync::mpsc;

use super::discover::{CONFIG_NAME, HOST_CONFIG_NAME};
use super::follow::Log;
use super::status::JsonFileStatus;

const EVENT_BUFFER_BYTES: usize = 16 * 1024;
/// Changes that wait for the source's task; what finds no room is found by the next rescan.
const CHANGES_MAX: usize = 1024;

/// What has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Containers came or went, or events were lost: look at everything.
    Anything,
    /// The description of a container.
    Described(Box<str>),
}

/// A container's directory.
struct Watched {
    id: Box<str>,
    /// Once it is followed.
    log: Option<Arc<Log>>,
}

type Table = Arc<Mutex<HashMap<WatchDescriptor, Watched>>>;

/// Events of the root and of all containers.
pub(super) struct Watch {
    inner: Option<Inner>,
    table: Table,
}

struct Inner {
    watches: Watches,
    changes: mpsc::Receiver<Change>,
    /// The thread ends when this end of a pipe is closed.
    _stop: OwnedFd,
}

impl Watch {
    /// Watches `root`, if inotify has room.
    pub(super) fn new(root: &Path, status: Arc<JsonFileStatus>) -> Watch {
        let table = Table::default();
        let inner = Inner::start(root, Arc::clone(&table), status);
        if let Err(e) = &inner {
            tracing::warn!(kind = %e.kind(), "inotify is not available, the directory is polled");
        }
        Watch { inner: inner.ok(), table }
    }

    /// Watches a container's directory. The result stays usable without room for it.
    pub(super) fn container(&mut self, id: &str, dir: PathBuf) -> DirWatch {
        let watches = self.inner.as_ref().map(|i| i.watches.clone());
        let mut watch = DirWatch { watches, dir, descriptor: None };
        // The events that come before the table knows the directory count as `Anything`.
        if let Some(descriptor) = watch.set(true) {
            let watched = Watched { id: id.into(), log: None };
            lock(&self.table).insert(descriptor.clone(), watched);
            watch.descriptor = Some(descriptor);
        }
        watch
    }

    /// From now on new files of `log` are opened as they come.
    pub(super) fn follow(&mut self, watch: &DirWatch, log: Arc<Log>) {
        let Some(descriptor) = &watch.descriptor else { return };
        if let Some(watched) = lock(&self.table).get_mut(descriptor) {
            watched.log = Some(log);
        }
    }

    /// Waits for changes, each once; for ever without inotify.
    pub(super) async fn next(&mut self) -> Vec<Change> {
        let Some(inner) = &mut self.inner else { return std::future::pending().await };
        let Some(first) = inner.changes.recv().await else { return std::future::pending().await };
        let mut changes = vec![first];
        while let Ok(change) = inner.changes.try_recv() {
            if !changes.contains(&change) {
                changes.push(change);
            }
        }
        if changes.contains(&Change::Anything) { vec![Change::Anything] } else { changes }
    }
}

impl Inner {
    fn start(root: &Path, table: Table, status: Arc<JsonFileStatus>) -> io::Result<Inner> {
        let inotify = Inotify::init()?;
        let mask = WatchMask::CREATE | WatchMask::MOVED_TO | WatchMask::DELETE;
        let mut watches = inotify.watches();
        watches.add(root, mask | WatchMask::ONLYDIR)?;
        let (stopped, stop) = rustix::pipe::pipe()?;
        let (sender, changes) = mpsc::channel(CHANGES_MAX);
        let listener = Listener { inotify, table, status, sender };
        let thread = std::thread::Builder::new().name("json-file-watch".into());
        thread.spawn(move || listener.run(&stopped))?;
        Ok(Inner { watches, changes, _stop: stop })
    }
}

/// The thread's own.
struct Listener {
    inotify: Inotify,
    table: Table,
    status: Arc<JsonFileStatus>,
    sender: mpsc::Sender<Change>,
}

impl Listener {
    fn run(mut self, stopped: &OwnedFd) {
        let mut buffer = [0; EVENT_BUFFER_BYTES];
        loop {
            let mut ready =
                [PollFd::new(&self.inotify, PollFlags::IN), PollFd::new(stopped, PollFlags::IN)];
            let polled = poll(&mut ready, None);
            let [events, stop] = ready.map(|fd| !fd.revents().is_empty());
            match polled {
                Err(rustix::io::Errno::INTR) => continue,
                Err(_) => return,
                Ok(_) if stop => return,
                Ok(_) if !events => continue,
                Ok(_) => {}
            }
            match self.inotify.read_events(&mut buffer) {
                Ok(events) => {
                    events.for_each(|e| note(&e, &self.table, &self.status, &self.sender))
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }
}

fn note(
    event: &Event<&OsStr>,
    table: &Table,
    status: &JsonFileStatus,
    sender: &mpsc::Sender<Change>,
) {
    let mut table = lock(table);
    if event.mask.contains(EventMask::IGNORED) {
        table.remove(&event.wd);
        return;
    }
    let name = event.name.and_then(OsStr::to_str).unwrap_or_default();
    let change = match table.get(&event.wd) {
        // The root, or the queue of events was too short.
        None => Change::Anything,
        Some(watched) if name == CONFIG_NAME || name == HOST_CONFIG_NAME => {
            Change::Described(watched.id.clone())
        }
        Some(Watched { log: Some(log), .. }) if name.ends_with("-json.log") => {
            let written = event.mask.contains(EventMask::MODIFY);
            let log = Arc::clone(log);
            drop(table);
            return if written { log.written() } else { log.created(status) };
        }
        Some(_) => return,
    };
    // A full queue holds changes enough to wake the task; the rescan finds the rest.
    let _ = sender.try_send(change);
}

fn lock<T>(table: &Mutex<T>) -> MutexGuard<'_, T> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A follower's hand on the watch of its directory.
pub(super) struct DirWatch {
    watches: Option<Watches>,
    dir: PathBuf,
    descriptor: Option<WatchDescriptor>,
}

impl DirWatch {
    /// Asks for events of new names and, with `writes`, of writes. `None` when there is no room.
    pub(super) fn set(&mut self, writes: bool) -> Option<WatchDescriptor> {
        let names = WatchMask::CREATE | WatchMask::MOVED_TO | WatchMask::ONLYDIR;
        let mask = if writes { names | WatchMask::MODIFY } else { names };
        self.watches.as_mut()?.add(&self.dir, mask).ok()
    }
}

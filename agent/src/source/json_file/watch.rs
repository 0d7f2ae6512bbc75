//! Tells when the engine's directory changes, through inotify while it has room.
//!
//! Watched: the root, and each container's directory for new names. Writes to a log are watched
//! only while it is idle: an active one is looked at by its follower, which costs less than an
//! event per write. Without inotify everything works by looking (`limits::FILE_*INTERVAL`).

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use inotify::{Event, EventMask, Inotify, WatchDescriptor, WatchMask, Watches};
use tokio::io::unix::AsyncFd;

use super::discover::{CONFIG_NAME, HOST_CONFIG_NAME};

const EVENT_BUFFER_BYTES: usize = 16 * 1024;

/// What has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Containers came or went, or events were lost: look at everything.
    Anything,
    /// The description of a container.
    Described(Box<str>),
    /// A new log file has been created.
    Rotated(Box<str>),
    /// A log file was written to.
    Written(Box<str>),
}

/// Events of the root and of all containers.
pub(super) struct Watch {
    inotify: Option<AsyncFd<Inotify>>,
    containers: HashMap<WatchDescriptor, Box<str>>,
}

impl Watch {
    /// Watches `root`, if inotify has room.
    pub(super) fn new(root: &Path) -> Watch {
        let inotify = Inotify::init().and_then(|inotify| {
            let mask = WatchMask::CREATE | WatchMask::MOVED_TO | WatchMask::DELETE;
            inotify.watches().add(root, mask | WatchMask::ONLYDIR)?;
            register(inotify)
        });
        if let Err(e) = &inotify {
            tracing::warn!(kind = %e.kind(), "inotify is not available, the directory is polled");
        }
        Watch { inotify: inotify.ok(), containers: HashMap::new() }
    }

    /// Watches a container's directory. The result stays usable without room for it.
    pub(super) fn container(&mut self, id: &str, dir: PathBuf) -> DirWatch {
        let watches = self.inotify.as_ref().map(|i| i.get_ref().watches());
        let mut watch = DirWatch { watches, dir };
        if let Some(descriptor) = watch.set(true) {
            self.containers.insert(descriptor, id.into());
        }
        watch
    }

    /// Waits for changes; for ever without inotify.
    pub(super) async fn next(&mut self) -> Vec<Change> {
        let Some(inotify) = &mut self.inotify else { return std::future::pending().await };
        let mut buffer = [0; EVENT_BUFFER_BYTES];
        let mut changes = Vec::new();
        let Ok(mut ready) = inotify.readable_mut().await else {
            return vec![Change::Anything];
        };
        let read = ready.try_io(|inotify| {
            let events = inotify.get_mut().read_events(&mut buffer)?;
            events.for_each(|e| note(&e, &mut self.containers, &mut changes));
            io::Result::Ok(())
        });
        if let Ok(Err(_)) = read {
            changes.push(Change::Anything);
        }
        changes
    }
}

#[allow(
    deprecated,
    reason = "its unsafe successor asks that the descriptor stays open; Inotify owns it"
)]
fn register(inotify: Inotify) -> io::Result<AsyncFd<Inotify>> {
    AsyncFd::with_interest(inotify, tokio::io::Interest::READABLE)
}

fn note(
    event: &Event<&OsStr>,
    containers: &mut HashMap<WatchDescriptor, Box<str>>,
    changes: &mut Vec<Change>,
) {
    if event.mask.contains(EventMask::IGNORED) {
        containers.remove(&event.wd);
        return;
    }
    let name = event.name.and_then(OsStr::to_str).unwrap_or_default();
    let change = match containers.get(&event.wd) {
        // The root, or the queue of events was too short.
        None => Change::Anything,
        Some(id) if name == CONFIG_NAME || name == HOST_CONFIG_NAME => {
            Change::Described(id.clone())
        }
        Some(id) if name.ends_with("-json.log") => {
            let written = event.mask.contains(EventMask::MODIFY);
            if written { Change::Written(id.clone()) } else { Change::Rotated(id.clone()) }
        }
        Some(_) => return,
    };
    if changes.last() != Some(&change) {
        changes.push(change);
    }
}

/// A follower's hand on the watch of its directory.
pub(super) struct DirWatch {
    watches: Option<Watches>,
    dir: PathBuf,
}

impl DirWatch {
    /// Asks for events of new names and, with `writes`, of writes. `None` when there is no room.
    pub(super) fn set(&mut self, writes: bool) -> Option<WatchDescriptor> {
        let names = WatchMask::CREATE | WatchMask::MOVED_TO | WatchMask::ONLYDIR;
        let mask = if writes { names | WatchMask::MODIFY } else { names };
        self.watches.as_mut()?.add(&self.dir, mask).ok()
    }
}

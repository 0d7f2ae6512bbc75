//! Source: the engine's json-file logs, read from its directory without the Docker socket.
//!
//! `discover` reads what a container is, `watch` tells when something changes, `chain` holds the
//! files of one log through rotations, `tail` reads them, `place` knows from where to read again,
//! `follow` runs one log. Invariants: files are opened as soon as the engine creates them; credit
//! bounds what is between reading and storing; a position moves only by acknowledgement; the
//! agent's own container is never read; no name or content is logged.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use tamis_scrubber::sieve::RawContainer;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::discover::{Described, Stamp, describe, is_container_id, stamp};
use self::follow::{Log, Shared, follow};
use self::status::Complaints;
use self::watch::{Change, DirWatch, Watch};
use super::SourceError;
use crate::checkpoint::Checkpoint;
use crate::discover::{Container, Registry};
use crate::intake::Intake;
use crate::limits::{CHECKPOINT_INTERVAL, CONTAINERS_MAX, FILE_RESCAN_INTERVAL};

mod chain;
mod discover;
mod follow;
mod place;
mod status;
mod tail;
mod watch;

pub use self::status::JsonFileStatus;

/// Where to read, and where to remember.
pub struct JsonFileConfig {
    /// The engine's directory of containers, often `/var/lib/docker/containers`.
    pub root: PathBuf,
    /// Folder for the positions.
    pub state_dir: PathBuf,
    /// Full ids of containers whose logs are never read: the agent's own.
    pub exclude_ids: Vec<String>,
}

/// The source, ready to run.
pub struct JsonFile {
    root: PathBuf,
    exclude: HashSet<String>,
    registry: Arc<Registry>,
    shared: Arc<Shared>,
    watch: Watch,
    known: HashMap<Box<str>, Known>,
    followers: TaskTracker,
    complaints: Complaints,
}

/// A container directory that was seen.
struct Known {
    /// Of the description that was read; `None` when it could not be.
    stamp: Option<Stamp>,
    log: Option<Arc<Log>>,
    /// For the follower, when there will be one.
    watch: Option<DirWatch>,
    /// Whether the registry had room for it.
    covered: bool,
}

impl JsonFile {
    /// Checks that the directory can be read and the positions kept. Needs a tokio runtime.
    ///
    /// # Errors
    /// When one of them cannot be used.
    pub fn open(
        config: JsonFileConfig,
        registry: Arc<Registry>,
        intake: Intake,
    ) -> Result<JsonFile, SourceError> {
        let JsonFileConfig { root, state_dir, exclude_ids } = config;
        if let Err(e) = std::fs::read_dir(&root) {
            return Err(SourceError::new("cannot list the directory of containers", e.kind()));
        }
        let checkpoint = Checkpoint::open(&state_dir, "json_file");
        let checkpoint = checkpoint
            .map_err(|e| SourceError::new("cannot use the file of positions", e.kind()))?;
        let checkpoint = Arc::new(checkpoint);
        let shared = Arc::new(Shared::new(checkpoint, intake));
        Ok(JsonFile {
            watch: Watch::new(&root, Arc::clone(&shared.status)),
            root,
            exclude: exclude_ids.into_iter().collect(),
            registry,
            shared,
            known: HashMap::new(),
            followers: TaskTracker::new(),
            complaints: Complaints::default(),
        })
    }

    /// Counters and gauges; stays valid after [`JsonFile::run`].
    pub fn status(&self) -> Arc<JsonFileStatus> {
        Arc::clone(&self.shared.status)
    }

    /// The positions. Acknowledgements move them after the end of [`JsonFile::run`] too:
    /// [`Checkpoint::flush`] once more when the sinks are drained.
    pub fn checkpoint(&self) -> Arc<Checkpoint> {
        Arc::clone(&self.shared.checkpoint)
    }

    /// Reads until `cancel`. Returns when no more batch is handed over.
    pub async fn run(mut self, cancel: CancellationToken) {
        let mut rescan = tokio::time::interval(FILE_RESCAN_INTERVAL);
        let mut save = tokio::time::interval(CHECKPOINT_INTERVAL);
        for timer in [&mut rescan, &mut save] {
            timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        }
        let saver = TaskTracker::new();
        loop {
            tokio::select! {
                () = cancel.cancelled() => break,
                changes = self.watch.next() => {
                    changes.iter().for_each(|change| self.changed(change, &cancel));
                }
                _ = rescan.tick() => {
                    self.scan(&cancel);
                    self.complaints.speak(&self.shared.status);
                }
                _ = save.tick(), if saver.is_empty() => {
                    let shared = Arc::clone(&self.shared);
                    saver.spawn_blocking(move || save_positions(&shared));
                }
            }
        }
        self.followers.close();
        self.followers.wait().await;
    }

    fn changed(&mut self, change: &Change, cancel: &CancellationToken) {
        match change {
            Change::Anything => self.scan(cancel),
            Change::Described(id) => {
                self.visit(id, cancel);
                self.count();
            }
        }
    }

    /// Looks at the whole directory.
    fn scan(&mut self, cancel: &CancellationToken) {
        let Ok(found) = self.list() else {
            self.shared.status.io_errors.fetch_add(1, Relaxed);
            return;
        };
        let first = self.known.is_empty();
        let gone: Vec<_> = self.known.keys().filter(|id| !found.contains(*id)).cloned().collect();
        gone.iter().for_each(|id| self.gone(id));
        if first && !found.is_empty() {
            self.shared.checkpoint.retain(|id| found.contains(id));
        }
        for id in &found {
            self.visit(id, cancel);
            if let Some(log) = self.known.get(id).and_then(|k| k.log.as_ref()) {
                log.look(&self.shared.status);
            }
        }
        self.count();
    }

    fn list(&self) -> io::Result<HashSet<Box<str>>> {
        let mut found = HashSet::new();
        for entry in std::fs::read_dir(&self.root)? {
            let name = entry?.file_name();
            if let Some(id) = name.to_str().filter(|n| is_container_id(n)) {
                found.insert(id.into());
            }
        }
        Ok(found)
    }

    /// Reads a container's description if it has changed, enters it, and follows its log.
    fn visit(&mut self, id: &str, cancel: &CancellationToken) {
        let dir = self.root.join(id);
        let now = stamp(&dir);
        let room = self.known.len() < CONTAINERS_MAX;
        match self.known.get(id) {
            Some(known) if known.stamp.is_some() && known.stamp == now && known.covered => return,
            Some(_) => {}
            None if room => self.enter(id),
            None => return,
        }
        // While the engine creates a container its files are not all there: later events tell.
        let Ok(described) = describe(&dir) else { return };
        let container = self.register(id, &described);
        let wanted = described.json_file && !self.exclude.contains(id);
        let Some(known) = self.known.get_mut(id) else { return };
        known.stamp = now;
        known.covered = container.is_some();
        let Some(container) = container else { return };
        if let Some(log) = &known.log {
            log.set_container(container);
        } else if wanted && let Some(watch) = known.watch.take() {
            let path = dir.join(format!("{id}-json.log"));
            let checkpoint = Arc::clone(&self.shared.checkpoint);
            let log = Arc::new(Log::new(container, path, described.files_max, checkpoint));
            self.watch.follow(&watch, Arc::clone(&log));
            known.log = Some(Arc::clone(&log));
            let followed = follow(log, Arc::clone(&self.shared), watch, cancel.clone());
            self.followers.spawn(followed);
        }
    }

    /// Begins to know a container. Its directory is watched before it is read.
    fn enter(&mut self, id: &str) {
        let watch = Some(self.watch.container(id, self.root.join(id)));
        self.known.insert(id.into(), Known { stamp: None, log: None, watch, covered: false });
    }

    fn register(&self, id: &str, described: &Described) -> Option<Arc<Container>> {
        let Described { name, project, service, image, .. } = described;
        // A container outside of Compose is its own service.
        let service = if service.is_empty() { name } else { service };
        let raw = RawContainer { id, name, project, service, image };
        let container = self.registry.register(raw, described.started_ns);
        if !described.running {
            self.registry.stopped(id);
        }
        container
    }

    fn gone(&mut self, id: &str) {
        self.registry.stopped(id);
        if let Some(log) = self.known.remove(id).and_then(|k| k.log) {
            log.remove();
        } else {
            self.shared.checkpoint.forget(id);
        }
    }

    /// Updates the gauges of containers.
    fn count(&self) {
        let count = |is: fn(&Known) -> bool| self.known.values().filter(|k| is(k)).count() as u64;
        let status = &self.shared.status;
        status.containers_discovered.store(count(|_| true), Relaxed);
        status.containers_tailed.store(count(|k| k.log.is_some()), Relaxed);
        status.containers_uncovered.store(count(|k| k.stamp.is_some() && !k.covered), Relaxed);
    }
}

/// Writes the positions; a failure is counted and tried again.
fn save_positions(shared: &Shared) {
    if shared.checkpoint.flush().is_err() {
        shared.status.io_errors.fetch_add(1, Relaxed);
    }
}

#[cfg(test)]
mod tests;

//! How far a source's records are stored, kept over restarts.
//!
//! The file holds positions and nothing derived from content: a position is recognised by the
//! engine's own time stamp of the record before it, not by a hash of bytes (a hash of the first
//! bytes of a log is a hash of personal data; a key kept in the same folder would not change that).
//! Written as a whole to a temporary name, synced, renamed (0600), so a reader sees the old or the
//! new state. A damaged file is put aside and reading begins at the start: records are sent twice
//! rather than lost.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::limits::{CHECKPOINT_BYTES_MAX, CONTAINERS_MAX};

const VERSION: u32 = 1;

/// The end of a record in a log file: everything before it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Of the file that holds the record.
    pub inode: u64,
    /// Bytes from the start of that file.
    pub offset: u64,
    /// The engine's time of the record that ends here; tells a reused inode or a truncated file.
    pub time_ns: i64,
    /// By stream: whether the text up to the next end of a record belongs to a record that was
    /// already sent truncated, so that its middle must not be taken for a beginning.
    pub mid_record: [bool; 2],
}

/// Why positions cannot be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The folder or file cannot be read or written.
    #[error("cannot {action} the checkpoint file: {kind}")]
    Io {
        /// `create the folder of`, `read`, `write`.
        action: &'static str,
        /// What the system said.
        kind: io::ErrorKind,
    },
    /// A later version of Tamis wrote the file.
    #[error("the checkpoint file has version {found}, this program knows {VERSION}")]
    Version {
        /// The version found.
        found: u32,
    },
}

impl CheckpointError {
    /// What the system said; a later version is data that cannot be used.
    pub fn kind(&self) -> io::ErrorKind {
        match self {
            CheckpointError::Io { kind, .. } => *kind,
            CheckpointError::Version { .. } => io::ErrorKind::Unsupported,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Wire {
    version: u32,
    positions: HashMap<Box<str>, Position>,
}

/// The version alone, for files whose positions are in a form not known here.
#[derive(Deserialize)]
struct WireVersion {
    version: u32,
}

#[derive(Default)]
struct State {
    positions: HashMap<Box<str>, Position>,
    changed: bool,
}

/// Positions by container id, in memory and on disk.
pub struct Checkpoint {
    path: PathBuf,
    state: Mutex<State>,
    /// Held while the file is written, so that an older state never replaces a newer one.
    writing: Mutex<()>,
}

impl Checkpoint {
    /// Opens `<dir>/<name>.json`, creating the folder.
    ///
    /// # Errors
    /// When the folder or file cannot be used, or a later version wrote it.
    pub fn open(dir: &Path, name: &str) -> Result<Checkpoint, CheckpointError> {
        std::fs::create_dir_all(dir).map_err(|e| io_error("create the folder of", &e))?;
        let path = dir.join(format!("{name}.json"));
        let positions = match read(&path)? {
            Some(bytes) => parse(&bytes, &path)?,
            None => HashMap::new(),
        };
        let state = Mutex::new(State { positions, changed: false });
        let checkpoint = Checkpoint { path, state, writing: Mutex::default() };
        // Fail at start, not at the first record, when the folder is read-only.
        checkpoint.write()?;
        Ok(checkpoint)
    }

    /// The position of a container.
    pub fn get(&self, id: &str) -> Option<Position> {
        self.state().positions.get(id).copied()
    }

    /// Moves the position of a container.
    pub fn set(&self, id: &str, position: Position) {
        let mut state = self.state();
        if let Some(known) = state.positions.get_mut(id) {
            *known = position;
        } else if state.positions.len() < 2 * CONTAINERS_MAX {
            state.positions.insert(id.into(), position);
        }
        state.changed = true;
    }

    /// Forgets a container whose files are gone.
    pub fn forget(&self, id: &str) {
        let mut state = self.state();
        state.changed |= state.positions.remove(id).is_some();
    }

    /// Forgets every container for which `keep` says no.
    pub fn retain(&self, mut keep: impl FnMut(&str) -> bool) {
        let mut state = self.state();
        let before = state.positions.len();
        state.positions.retain(|id, _| keep(id));
        state.changed |= state.positions.len() != before;
    }

    /// Writes the file when a position has changed since the last time. Blocks.
    ///
    /// # Errors
    /// When the file cannot be written; the positions stay in memory and the next call tries again.
    pub fn flush(&self) -> Result<(), CheckpointError> {
        if !self.state().changed {
            return Ok(());
        }
        self.write()
    }

    fn write(&self) -> Result<(), CheckpointError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = {
            let mut state = self.state();
            state.changed = false;
            let wire = WireRef { version: VERSION, positions: &state.positions };
            serde_json::to_vec(&wire)
        };
        let written = bytes.map_err(io::Error::from).and_then(|b| replace(&self.path, &b));
        written.map_err(|e| {
            self.state().changed = true;
            io_error("write", &e)
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Serialize)]
struct WireRef<'a> {
    version: u32,
    positions: &'a HashMap<Box<str>, Position>,
}

fn io_error(action: &'static str, e: &io::Error) -> CheckpointError {
    CheckpointError::Io { action, kind: e.kind() }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, CheckpointError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(io_error("read", &e)),
    };
    let mut bytes = Vec::new();
    let mut limited = file.take(CHECKPOINT_BYTES_MAX);
    limited.read_to_end(&mut bytes).map_err(|e| io_error("read", &e))?;
    Ok(Some(bytes))
}

fn parse(bytes: &[u8], path: &Path) -> Result<HashMap<Box<str>, Position>, CheckpointError> {
    if let Ok(WireVersion { version: found }) = serde_json::from_slice(bytes)
        && found > VERSION
    {
        return Err(CheckpointError::Version { found });
    }
    if let Ok(wire) = serde_json::from_slice::<Wire>(bytes) {
        return Ok(wire.positions);
    }
    tracing::error!(
        bytes = bytes.len(),
        "the checkpoint file is damaged: put aside, logs are read from their start again"
    );
    let aside = path.with_extension("json.damaged");
    std::fs::rename(path, aside).map_err(|e| io_error("write", &e))?;
    Ok(HashMap::new())
}

/// Replaces the file as a whole; after a power cut it is the old or the new one.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("json.tmp");
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)?;
    if let Some(dir) = path.parent() {
        File::open(dir)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn position(offset: u64) -> Position {
        Position { inode: 7, offset, time_ns: 1, mid_record: [false, true] }
    }

    #[test]
    fn positions_survive_and_the_file_is_private() {
        let dir = tempfile::tempdir().unwrap();
        let sub = dir.path().join("state");
        let c = Checkpoint::open(&sub, "json_file").unwrap();
        c.set("a", position(1));
        c.set("a", position(2));
        c.set("b", position(3));
        c.set("c", position(4));
        c.forget("b");
        c.retain(|id| id != "c");
        c.flush().unwrap();
        let path = sub.join("json_file.json");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let again = Checkpoint::open(&sub, "json_file").unwrap();
        assert_eq!(again.get("a"), Some(position(2)));
        assert_eq!((again.get("b"), again.get("c")), (None, None));
        assert!(!sub.join("json_file.json.tmp").exists());
    }

    #[test]
    fn nothing_is_written_when_nothing_changed() {
        let dir = tempfile::tempdir().unwrap();
        let c = Checkpoint::open(dir.path(), "json_file").unwrap();
        std::fs::remove_file(dir.path().join("json_file.json")).unwrap();
        c.flush().unwrap();
        assert!(!dir.path().join("json_file.json").exists());
        c.set("a", position(1));
        c.flush().unwrap();
        assert!(dir.path().join("json_file.json").exists());
    }

    #[test]
    fn a_damaged_file_is_put_aside_and_a_newer_one_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("json_file.json");
        std::fs::write(&path, b"{\"version\":1,\"posi").unwrap();
        let c = Checkpoint::open(dir.path(), "json_file").unwrap();
        assert_eq!(c.get("a"), None);
        assert!(dir.path().join("json_file.json.damaged").exists());
        std::fs::write(&path, b"{\"version\":2,\"places\":[]}").unwrap();
        let refused = Checkpoint::open(dir.path(), "json_file");
        assert!(matches!(refused, Err(CheckpointError::Version { found: 2 })));
        std::fs::write(dir.path().join("file"), b"").unwrap();
        let not_a_folder = Checkpoint::open(&dir.path().join("file"), "json_file");
        assert!(matches!(not_a_folder, Err(CheckpointError::Io { .. })));
    }

    #[test]
    fn a_failed_write_is_tried_again() {
        let dir = tempfile::tempdir().unwrap();
        let sub = dir.path().join("state");
        let c = Checkpoint::open(&sub, "json_file").unwrap();
        c.set("a", position(1));
        std::fs::remove_dir_all(&sub).unwrap();
        assert!(c.flush().is_err());
        std::fs::create_dir(&sub).unwrap();
        c.flush().unwrap();
        let again = Checkpoint::open(&sub, "json_file").unwrap();
        assert_eq!(again.get("a"), Some(position(1)));
    }
}

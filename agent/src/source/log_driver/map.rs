//! The saved map: which FIFO belongs to which container. Holds clean names only; rights 0600.
//!
//! Written beside and renamed, without fsync: FIFOs do not outlive the host's memory, and the file
//! is to outlive this process alone.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tamis_scrubber::sieve::RawContainer;

use crate::discover::Container;
use crate::limits::DRIVER_MAP_BYTES_MAX;

/// Layout of the file.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Map {
    version: u32,
    fifos: Vec<Entry>,
}

/// A FIFO and its container.
#[derive(Serialize, Deserialize)]
pub(super) struct Entry {
    /// Name of the FIFO within its directory.
    file: Box<str>,
    id: Box<str>,
    name: Box<str>,
    project: Box<str>,
    service: Box<str>,
    image: Box<str>,
    started_ns: i64,
}

impl Entry {
    pub(super) fn new(file: &str, container: &Container) -> Entry {
        let clean = &container.clean;
        Entry {
            file: file.into(),
            id: clean.id().into(),
            name: clean.name().into(),
            project: clean.project().into(),
            service: clean.service().into(),
            image: clean.image().into(),
            started_ns: container.started_ns,
        }
    }

    pub(super) fn file(&self) -> &str {
        &self.file
    }

    pub(super) fn started_ns(&self) -> i64 {
        self.started_ns
    }

    pub(super) fn container(&self) -> RawContainer<'_> {
        RawContainer {
            id: &self.id,
            name: &self.name,
            project: &self.project,
            service: &self.service,
            image: &self.image,
        }
    }
}

/// Reads the map; empty when there is none.
pub(super) fn load(path: &Path) -> io::Result<Vec<Entry>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    let mut bytes = Vec::new();
    file.take(DRIVER_MAP_BYTES_MAX as u64).read_to_end(&mut bytes)?;
    let invalid = || io::Error::from(io::ErrorKind::InvalidData);
    let map: Map = serde_json::from_slice(&bytes).map_err(|_| invalid())?;
    let named = map.fifos.iter().all(|e| super::api::is_file_name(&e.file));
    if map.version == VERSION && named { Ok(map.fifos) } else { Err(invalid()) }
}

/// Replaces the map.
pub(super) fn save(path: &Path, entries: &[Entry]) -> io::Result<()> {
    #[derive(Serialize)]
    struct Borrowed<'a> {
        version: u32,
        fifos: &'a [Entry],
    }
    let bytes = serde_json::to_vec(&Borrowed { version: VERSION, fifos: entries })?;
    let beside = path.with_extension("tmp");
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(&bytes)?;
    drop(file);
    std::fs::rename(&beside, path)
}

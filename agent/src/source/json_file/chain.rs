//! One container's log through its rotations: `<id>-json.log`, `.1`, `.2`, … as one sequence.
//!
//! The engine rotates by renaming and creates a new file; a fast writer does so every few
//! milliseconds and soon deletes what was not read. So a new file is opened as soon as it is seen
//! and held until read. Invariants: files are queued in the order they were written; the newest one
//! known is always held open, so its inode cannot be given to another file meanwhile; what is
//! given up is counted.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;

use super::status::JsonFileStatus;
use crate::checkpoint::Position;
use crate::decode::json_file::last_time_ns;
use crate::limits::{HELD_BYTES_MAX, HELD_FILES_MAX, ROTATED_FILES_MAX};

/// Bytes before a position that are looked at to recognise it: the end of a record, with its time.
pub(super) const MARK_BYTES: usize = 64;
/// How often the names are read again when the engine renames them meanwhile.
const ATTEMPTS_MAX: usize = 16;

/// An open log file.
pub(super) struct LogFile {
    pub(super) file: File,
    pub(super) inode: u64,
    /// Where reading begins.
    pub(super) offset: u64,
    /// Whether a file before this one was missed, so that it may begin in the middle of a record.
    pub(super) after_gap: bool,
}

/// Tells whether a file was written to: a truncated one may have grown to its old size again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) size: u64,
    written: (i64, i64),
}

impl LogFile {
    fn open(path: &Path) -> io::Result<LogFile> {
        let file = File::open(path)?;
        let inode = file.metadata()?.ino();
        Ok(LogFile { file, inode, offset: 0, after_gap: false })
    }

    /// Size now; 0 when it cannot be told.
    pub(super) fn size(&self) -> u64 {
        self.file.metadata().map_or(0, |m| m.len())
    }

    /// Size and time of the last write; `None` when they cannot be told.
    pub(super) fn stamp(&self) -> Option<Stamp> {
        let m = self.file.metadata().ok()?;
        Some(Stamp { size: m.len(), written: (m.mtime(), m.mtime_nsec()) })
    }

    /// Whether this is the file that `position` was taken in, with the same record before it.
    fn holds(&self, position: &Position) -> bool {
        let Ok(room) = usize::try_from(position.offset) else { return false };
        let mut mark = [0; MARK_BYTES];
        let len = room.min(MARK_BYTES);
        let Some(mark) = mark.get_mut(..len) else { return false };
        self.inode == position.inode
            && self.file.read_exact_at(mark, position.offset - len as u64).is_ok()
            && last_time_ns(mark) == Some(position.time_ns)
    }
}

/// The files of one container's log that are known and not read yet.
pub(super) struct Chain {
    path: PathBuf,
    /// Where an earlier run stopped, until the first files are found.
    resume: Option<Position>,
    newest: Option<u64>,
    /// The engine's `max-file`: names it keeps before it deletes the oldest.
    files_max: usize,
    /// Creations that inotify told of, less the files found; below 0 while events are on their way.
    unseen: i64,
    /// Size of a file that was full, to estimate what was in those that were missed.
    full_bytes: u64,
    queue: VecDeque<LogFile>,
}

impl Chain {
    /// The log at `path`, from where an earlier run stopped or else from its oldest file.
    pub(super) fn new(path: PathBuf, files_max: usize, resume: Option<Position>) -> Chain {
        Chain {
            path,
            resume,
            newest: None,
            files_max,
            unseen: 0,
            full_bytes: 0,
            queue: VecDeque::new(),
        }
    }

    /// The next file to read, in the order of writing.
    pub(super) fn next(&mut self, status: &JsonFileStatus) -> Option<LogFile> {
        let next = self.queue.pop_front();
        if next.is_some() {
            status.files_queued.fetch_sub(1, Relaxed);
        }
        next
    }

    /// Whether a further file is known: then its predecessor is complete, for the engine closes a
    /// file before it renames it.
    pub(super) fn has_next(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Bytes of the files that are queued.
    pub(super) fn queued_bytes(&self) -> u64 {
        self.queue.iter().map(|f| f.size().saturating_sub(f.offset)).sum()
    }

    /// As [`Chain::advance`], for an event that says that a file was created. What was created and
    /// is nowhere to be found was deleted unread: at least so many files are lost.
    ///
    /// # Errors
    /// As there.
    pub(super) fn created(&mut self, status: &JsonFileStatus) -> io::Result<()> {
        self.unseen += 1;
        self.advance(status)?;
        if self.unseen > 0 {
            let files = std::mem::take(&mut self.unseen).unsigned_abs();
            status.lost_bytes.fetch_add(files.saturating_mul(self.full_bytes), Relaxed);
        }
        Ok(())
    }

    /// Looks at the names and queues the files that are new.
    ///
    /// # Errors
    /// When a file cannot be opened; the next call tries again.
    pub(super) fn advance(&mut self, status: &JsonFileStatus) -> io::Result<()> {
        if self.newest.is_some() && self.newest == inode_at(&self.path) {
            return Ok(());
        }
        let mut look = self.look()?;
        for _ in 1..ATTEMPTS_MAX {
            // A rename while the names were read may have mixed up their order.
            if look.stable {
                break;
            }
            look = self.look()?;
        }
        if look.found.is_empty() {
            return Ok(());
        }
        if self.newest.is_none() {
            self.begin(&mut look, status);
        } else if !look.reached {
            status.gaps.fetch_add(1, Relaxed);
            // With a single name the predecessor is always gone, read to its end by us.
            let oldest = look.found.last_mut().filter(|_| self.files_max > 1);
            oldest.into_iter().for_each(|oldest| oldest.after_gap = true);
        }
        self.newest = look.found.first().map(|f| f.inode).or(self.newest);
        self.full_bytes = look.found.get(1).map_or(self.full_bytes, LogFile::size);
        self.unseen -= i64::try_from(look.found.len()).unwrap_or(0);
        status.files_queued.fetch_add(look.found.len() as u64, Relaxed);
        self.queue.extend(look.found.into_iter().rev());
        self.give_up_excess(status);
        Ok(())
    }

    /// Opens the files from the newest name back to the newest one known. Walking in the direction
    /// of the renames can meet a file twice but not miss one, as long as the walk goes on past one
    /// missing name: while the engine shifts the names, one of them is always free.
    fn look(&self) -> io::Result<Look> {
        let mut found: Vec<LogFile> = Vec::new();
        let mut reached = false;
        let mut free = 0;
        for n in 0..=ROTATED_FILES_MAX {
            let file = match LogFile::open(&self.name(n)) {
                Ok(file) => file,
                Err(e) if e.kind() == io::ErrorKind::NotFound && free == 0 => {
                    free += 1;
                    continue;
                }
                Err(e) if e.kind() == io::ErrorKind::NotFound => break,
                Err(e) => return Err(e),
            };
            free = 0;
            if Some(file.inode) == self.newest {
                reached = true;
                break;
            }
            if !found.iter().any(|f| f.inode == file.inode) {
                found.push(file);
            }
        }
        let stable = found.first().map(|f| f.inode) == inode_at(&self.path);
        Ok(Look { found, reached, stable })
    }

    /// The first files found: drops those that an earlier run has read.
    fn begin(&mut self, look: &mut Look, status: &JsonFileStatus) {
        let compressed = self.compressed_bytes();
        let Some(position) = self.resume.take() else {
            status.lost_bytes.fetch_add(compressed, Relaxed);
            // All names are taken: the engine has probably deleted what came before.
            let deleted =
                compressed > 0 || self.files_max > 1 && look.found.len() >= self.files_max;
            look.found.last_mut().into_iter().for_each(|oldest| oldest.after_gap = deleted);
            return;
        };
        match look.found.iter_mut().position(|f| f.holds(&position)) {
            Some(at) => {
                look.found.truncate(at + 1);
                look.found.last_mut().into_iter().for_each(|f| f.offset = position.offset);
            }
            None => {
                status.gaps.fetch_add(1, Relaxed);
                status.lost_bytes.fetch_add(compressed, Relaxed);
                look.found.last_mut().into_iter().for_each(|oldest| oldest.after_gap = true);
            }
        }
    }

    /// Bytes in compressed predecessors, which are not read.
    fn compressed_bytes(&self) -> u64 {
        let size = |n| {
            let mut name = self.name(n).into_os_string();
            name.push(".gz");
            std::fs::metadata(name).ok().map(|m| m.len())
        };
        let first = (1..=2).find_map(|n| size(n).map(|_| n)).unwrap_or(1);
        (first..=ROTATED_FILES_MAX).map_while(size).sum()
    }

    /// Keeps what is held open within its bounds, oldest out first.
    fn give_up_excess(&mut self, status: &JsonFileStatus) {
        loop {
            let deleted = |f: &LogFile| {
                f.file.metadata().map_or(0, |m| if m.nlink() == 0 { m.len() } else { 0 })
            };
            let held: u64 = self.queue.iter().map(deleted).sum();
            if self.queue.len() <= HELD_FILES_MAX && held <= HELD_BYTES_MAX {
                return;
            }
            let Some(lost) = self.next(status) else { return };
            status.lost_bytes.fetch_add(lost.size().saturating_sub(lost.offset), Relaxed);
            self.queue.front_mut().into_iter().for_each(|f| f.after_gap = true);
        }
    }

    fn name(&self, n: usize) -> PathBuf {
        if n == 0 {
            return self.path.clone();
        }
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{n}"));
        name.into()
    }
}

/// What one walk over the names found.
struct Look {
    /// Newest first.
    found: Vec<LogFile>,
    /// Whether the walk met the newest file known before.
    reached: bool,
    /// Whether the newest name still holds the file it held at the start of the walk.
    stable: bool,
}

fn inode_at(path: &Path) -> Option<u64> {
    std::fs::metadata(path).ok().map(|m| m.ino())
}

//! Reading small kernel files into one buffer, and the shapes that they have.
//!
//! Absent is quiet, unreadable and unparsable are counted. Errors carry nothing of the content.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use rustix::io::Errno;

/// Bytes read from one file; the rest is ignored.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// What the kernel answers for a limit that is not set in v1: the largest number of whole pages,
/// which depends on the page size. No machine has this much memory.
const UNSET_V1: u64 = 1 << 62;

/// A reader with reused buffers, and the count of what it could not read.
#[derive(Default)]
pub(super) struct Files {
    buf: Vec<u8>,
    path: PathBuf,
    failures: u32,
}

impl Files {
    /// The text of `dir/name`; `None` when it is not there or not readable.
    pub(super) fn read(&mut self, dir: &Path, name: &str) -> Option<&str> {
        self.set_path(dir, name);
        self.buf.clear();
        let read = File::open(&self.path)
            .and_then(|f| f.take(FILE_BYTES_MAX).read_to_end(&mut self.buf).map(drop));
        match read {
            Ok(()) => match std::str::from_utf8(&self.buf) {
                Ok(text) => Some(text),
                Err(_) => {
                    self.failures += 1;
                    None
                }
            },
            Err(e) => {
                self.failures += u32::from(!is_quiet(&e));
                None
            }
        }
    }

    /// The number that is the whole of `dir/name`.
    pub(super) fn number(&mut self, dir: &Path, name: &str) -> Option<u64> {
        let parsed = self.read(dir, name)?.trim().parse().ok();
        self.failures += u32::from(parsed.is_none());
        parsed
    }

    /// A limit: 0 when it is not set, in either version's way of saying so.
    pub(super) fn limit(&mut self, dir: &Path, name: &str) -> Option<u64> {
        let parsed = match self.read(dir, name)?.trim() {
            "max" => Some(0),
            digits => digits.parse().ok().map(|n| if n >= UNSET_V1 { 0 } else { n }),
        };
        self.failures += u32::from(parsed.is_none());
        parsed
    }

    /// The inode of `dir/name`.
    pub(super) fn inode(&mut self, dir: &Path, name: &str) -> Option<u64> {
        use std::os::unix::fs::MetadataExt as _;
        self.set_path(dir, name);
        std::fs::metadata(&self.path).ok().map(|m| m.ino())
    }

    /// Something that was read made no sense.
    pub(super) fn failed(&mut self) {
        self.failures += 1;
    }

    /// The failures so far, and forgets them.
    pub(super) fn take_failures(&mut self) -> u32 {
        std::mem::take(&mut self.failures)
    }

    fn set_path(&mut self, dir: &Path, name: &str) {
        self.path.as_mut_os_string().clear();
        self.path.push(dir);
        self.path.push(name);
    }
}

/// Gone, or a feature that this kernel or cgroup does not have.
fn is_quiet(e: &io::Error) -> bool {
    let quiet = [Errno::NOENT, Errno::NODEV, Errno::OPNOTSUPP, Errno::SRCH];
    quiet.iter().any(|q| e.raw_os_error() == Some(q.raw_os_error()))
}

/// `key number` lines; others are skipped.
pub(super) fn flat(text: &str) -> impl Iterator<Item = (&str, u64)> {
    text.lines().filter_map(|line| {
        let (key, value) = line.split_once(' ')?;
        Some((key, value.trim().parse().ok()?))
    })
}

/// `major:minor`.
pub(super) fn device(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once(':')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Microseconds as seconds.
pub(super) fn from_us(n: u64) -> f64 {
    n as f64 / 1e6
}

/// Nanoseconds as seconds.
pub(super) fn from_ns(n: u64) -> f64 {
    n as f64 / 1e9
}

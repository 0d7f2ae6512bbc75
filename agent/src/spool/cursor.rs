//! Where each sink is: one small file per sink, replaced as a whole.
//!
//! `tamis-cursor 1 <sink> <segment> <frame> <offset> <HMAC>`, in hexadecimal. One that is missing,
//! torn or changed is as good as none: the sink starts at the oldest segment and sends some
//! records twice, and loses none.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::crypt::Keys;

/// A place between two frames. Ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) segment: u64,
    /// Number of the next frame in the segment.
    pub(super) frame: u32,
    /// Where it starts; 0 = after the header.
    pub(super) offset: u64,
}

impl Position {
    /// The start of a segment.
    pub(super) fn start_of(segment: u64) -> Self {
        Position { segment, frame: 0, offset: 0 }
    }
}

/// The file of a sink's cursor.
pub(super) fn path(dir: &Path, sink: usize) -> PathBuf {
    dir.join(format!("sink-{sink}.cursor"))
}

/// Replaces a sink's cursor; with `durable`, also across a power failure.
pub(super) fn write(
    dir: &Path,
    sink: usize,
    at: Position,
    keys: &Keys,
    durable: bool,
) -> io::Result<()> {
    let text = text(sink, at);
    let tag: String =
        keys.sign(text.as_bytes()).as_ref().iter().map(|b| format!("{b:02x}")).collect();
    let path = path(dir, sink);
    let temporary = path.with_extension("tmp");
    let options = File::options().write(true).create(true).truncate(true).mode(0o600).clone();
    let mut file = options.open(&temporary)?;
    file.write_all(format!("{text} {tag}\n").as_bytes())?;
    if durable {
        file.sync_all()?;
    }
    fs::rename(&temporary, &path)?;
    if durable { sync_dir(dir) } else { Ok(()) }
}

/// Reads a sink's cursor back.
pub(super) fn read(dir: &Path, sink: usize, keys: &Keys) -> Option<Position> {
    let content = fs::read_to_string(path(dir, sink)).ok()?;
    let (text, tag) = content.strip_suffix('\n')?.rsplit_once(' ')?;
    let digits = tag.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
    let tag = digits.map(|d| u8::from_str_radix(d?, 16).ok()).collect::<Option<Vec<u8>>>()?;
    if !keys.verify(text.as_bytes(), &tag) {
        return None;
    }
    let mut fields = text.split(' ').skip(3);
    let segment = u64::from_str_radix(fields.next()?, 16).ok()?;
    let frame = u32::from_str_radix(fields.next()?, 16).ok()?;
    let offset = u64::from_str_radix(fields.next()?, 16).ok()?;
    Some(Position { segment, frame, offset })
}

fn text(sink: usize, at: Position) -> String {
    format!("tamis-cursor 1 {sink} {:x} {:x} {:x}", at.segment, at.frame, at.offset)
}

/// Makes names in a directory durable.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

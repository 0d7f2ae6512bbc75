//! One segment file: a header, then frames. Little endian.
//!
//! ```text
//! header  magic "TAMISSG1" 8 | key id 8 | segment id 8 | created ns 8 | nonce prefix 8
//! frame   length 4 | records 4 | check 4 | AES-256-GCM(batch) and tag, `length` bytes
//! ```
//! Nonce = prefix, then the frame's number; associated data = header, frame's number, length and
//! records: a frame cannot be moved, repeated or renumbered unseen. `check` tells a torn write
//! from a damaged length and protects nothing else.
//!
//! A segment is written by one process, from its start, and never continued after a failed write
//! or a restart: a nonce is never used twice. The only thing written is `CleanBatch::encode`.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use tamis_scrubber::record::CleanBatch;

use super::crypt::{KEY_ID_BYTES, Keys, TAG_BYTES};
use crate::limits::SPOOL_FRAME_BYTES_MAX;

/// Bytes of a header.
pub(super) const HEADER_BYTES: usize = 40;
/// Bytes before a frame's sealed batch.
const HEAD_BYTES: usize = 12;
const MAGIC: &[u8; 8] = b"TAMISSG1";

/// Where segments are written: the seam through which tests inject faults.
pub(super) trait Storage: Send {
    /// A new, private file for appending.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Append>>;
}

/// A file that only grows.
pub(super) trait Append: Send {
    /// Appends all of it, or fails; then a part may be written.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Makes what was appended durable.
    fn sync(&mut self) -> io::Result<()>;
}

/// The file system.
pub(super) struct Files;

impl Storage for Files {
    fn create(&self, path: &Path) -> io::Result<Box<dyn Append>> {
        let file = File::options().append(true).create_new(true).mode(0o600).open(path)?;
        Ok(Box::new(file))
    }
}

impl Append for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// A segment's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) key_id: [u8; KEY_ID_BYTES],
    pub(super) id: u64,
    pub(super) created_ns: i64,
    prefix: [u8; 8],
}

impl Header {
    fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let mut out = [0; HEADER_BYTES];
        let fields = [
            *MAGIC,
            self.key_id,
            self.id.to_le_bytes(),
            self.created_ns.to_le_bytes(),
            self.prefix,
        ];
        out.chunks_exact_mut(8).zip(fields).for_each(|(to, from)| to.copy_from_slice(&from));
        out
    }

    /// Reads a header. `None` when it is short or no header.
    pub(super) fn read(file: &File) -> Option<Header> {
        let mut bytes = [0; HEADER_BYTES];
        file.read_exact_at(&mut bytes, 0).ok()?;
        let (fields, _) = bytes.as_chunks::<8>();
        let [magic, key_id, id, created, prefix] = fields else { return None };
        (magic == MAGIC).then_some(Header {
            key_id: *key_id,
            id: u64::from_le_bytes(*id),
            created_ns: i64::from_le_bytes(*created),
            prefix: *prefix,
        })
    }

    fn nonce(&self, frame: u32) -> [u8; 12] {
        let mut nonce = [0; 12];
        let (prefix, counter) = nonce.split_at_mut(8);
        prefix.copy_from_slice(&self.prefix);
        counter.copy_from_slice(&frame.to_le_bytes());
        nonce
    }

    fn aad(&self, frame: u32, head: &Head) -> [u8; HEADER_BYTES + 12] {
        let mut aad = [0; HEADER_BYTES + 12];
        let (header, rest) = aad.split_at_mut(HEADER_BYTES);
        header.copy_from_slice(&self.to_bytes());
        let fields = [frame, head.length, head.records].map(u32::to_le_bytes);
        rest.copy_from_slice(fields.as_flattened());
        aad
    }
}

/// What stands before a sealed batch.
#[derive(Clone, Copy)]
struct Head {
    length: u32,
    records: u32,
}

impl Head {
    /// FNV-1a over prefix, number, length and records.
    fn check(self, header: &Header, frame: u32) -> [u8; 4] {
        let fields = [frame, self.length, self.records].map(u32::to_le_bytes);
        let bytes = header.prefix.iter().chain(fields.as_flattened());
        let hash = bytes.fold(0x811c_9dc5u32, |h, b| (h ^ u32::from(*b)).wrapping_mul(0x0100_0193));
        hash.to_le_bytes()
    }

    fn to_bytes(self, header: &Header, frame: u32) -> [u8; HEAD_BYTES] {
        let mut out = [0; HEAD_BYTES];
        let parts =
            [self.length.to_le_bytes(), self.records.to_le_bytes(), self.check(header, frame)];
        out.copy_from_slice(parts.as_flattened());
        out
    }

    fn parse(bytes: &[u8; HEAD_BYTES], header: &Header, frame: u32) -> Option<Head> {
        let (fields, _) = bytes.as_chunks::<4>();
        let [length, records, check] = fields else { return None };
        let head =
            Head { length: u32::from_le_bytes(*length), records: u32::from_le_bytes(*records) };
        let fits = (TAG_BYTES..=SPOOL_FRAME_BYTES_MAX).contains(&(head.length as usize));
        (fits && *check == head.check(header, frame)).then_some(head)
    }
}

/// Appends frames to a new segment.
pub(super) struct Writer {
    file: Box<dyn Append>,
    header: Header,
    frames: u32,
    bytes: u64,
    failed: bool,
}

impl Writer {
    /// Starts segment `id`. `prefix` must be random.
    pub(super) fn create(
        storage: &dyn Storage,
        path: &Path,
        keys: &Keys,
        id: u64,
        created_ns: i64,
        prefix: [u8; 8],
    ) -> io::Result<Writer> {
        let header = Header { key_id: keys.id(), id, created_ns, prefix };
        let mut file = storage.create(path)?;
        file.append(&header.to_bytes())?;
        Ok(Writer { file, header, frames: 0, bytes: HEADER_BYTES as u64, failed: false })
    }

    /// Appends a sealed frame. After an error the segment takes no more.
    pub(super) fn append(&mut self, frame: &mut [u8], records: u32, keys: &Keys) -> io::Result<()> {
        if self.failed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.failed = true;
        let number = self.frames;
        let invalid = io::ErrorKind::InvalidInput;
        let body = frame.len().checked_sub(HEAD_BYTES).ok_or(invalid)?;
        let head = Head { length: u32::try_from(body).map_err(|_| invalid)?, records };
        let (start, body) = frame.split_at_mut(HEAD_BYTES);
        start.copy_from_slice(&head.to_bytes(&self.header, number));
        let text = body.len().checked_sub(TAG_BYTES).ok_or(invalid)?;
        let (text, end) = body.split_at_mut(text);
        let aad = self.header.aad(number, &head);
        end.copy_from_slice(&keys.seal(self.header.nonce(number), &aad, text).ok_or(invalid)?);
        self.file.append(frame)?;
        self.failed = false;
        self.frames += 1;
        self.bytes += frame.len() as u64;
        Ok(())
    }

    /// Makes the segment durable.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.file.sync()
    }

    /// The segment's id.
    pub(super) fn id(&self) -> u64 {
        self.header.id
    }

    /// Frames appended.
    pub(super) fn frames(&self) -> u32 {
        self.frames
    }

    /// Bytes of the file.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// A batch with room for what [`Writer::append`] adds around it.
pub(super) fn frame_of(batch: &CleanBatch) -> Vec<u8> {
    let mut frame = Vec::with_capacity(batch.bytes() + batch.len() * 40 + 1024);
    frame.resize(HEAD_BYTES, 0);
    batch.encode(&mut frame);
    frame.resize(frame.len() + TAG_BYTES, 0);
    frame
}

/// What stands at a place of a segment.
pub(super) enum Found {
    /// A batch, and where the next frame starts.
    Batch(CleanBatch, u64),
    /// A damaged frame of a known length, and how many records it held.
    Damaged { next: u64, records: u32 },
    /// The end of the file, or the beginning of a frame that was never finished.
    End { torn: bool },
    /// Not a frame: what follows cannot be read.
    Lost,
}

/// Reads frame number `frame` at `offset` of a file of `bytes` bytes.
pub(super) fn read_frame(
    file: &File,
    header: &Header,
    keys: &Keys,
    frame: u32,
    offset: u64,
    bytes: u64,
) -> Found {
    let left = bytes.saturating_sub(offset);
    if left < HEAD_BYTES as u64 {
        return Found::End { torn: left > 0 };
    }
    let mut head = [0; HEAD_BYTES];
    if file.read_exact_at(&mut head, offset).is_err() {
        return Found::Lost;
    }
    let Some(head) = Head::parse(&head, header, frame) else {
        let zeros = zeros_to_the_end(file, offset, bytes);
        return if zeros { Found::End { torn: true } } else { Found::Lost };
    };
    let start = offset + HEAD_BYTES as u64;
    let next = start + u64::from(head.length);
    if next > bytes {
        return Found::End { torn: true };
    }
    let mut sealed = vec![0; head.length as usize];
    let damaged = Found::Damaged { next, records: head.records };
    if file.read_exact_at(&mut sealed, start).is_err() {
        return damaged;
    }
    let plain = keys.open(header.nonce(frame), &header.aad(frame, &head), &mut sealed);
    plain.and_then(CleanBatch::decode).map_or(damaged, |batch| Found::Batch(batch, next))
}

/// What a file system leaves when it had grown the file but not yet written to it.
fn zeros_to_the_end(file: &File, offset: u64, bytes: u64) -> bool {
    let mut at = offset;
    let mut block = [0; 4096];
    while at < bytes {
        let n = usize::try_from(bytes - at).unwrap_or(usize::MAX).min(block.len());
        let Some(part) = block.get_mut(..n) else { return false };
        if file.read_exact_at(part, at).is_err() || part.iter().any(|b| *b != 0) {
            return false;
        }
        at += n as u64;
    }
    true
}

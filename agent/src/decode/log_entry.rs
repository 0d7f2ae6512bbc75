//! The engine's log driver wire: `[u32 big-endian size][protobuf LogEntry]`, both directions.
//!
//! ```text
//! LogEntry { source = 1 string, time_nano = 2 int64, line = 3 bytes, partial = 4 bool,
//!            partial_log_metadata = 5 { last = 1 bool, id = 2 string, ordinal = 3 int32 } }
//! ```
//! (moby, `api/types/plugins/logdriver`). Sans-I/O and total: bytes of any layout go in, cut
//! anywhere, and what decodes comes out. The wire has no marker, so after a frame that cannot be
//! one (too long, not protobuf) the decoder looks for the next that begins as the engine's do: a
//! plausible size, then field 1 with `stdout` or `stderr`. Such a search is counted, and so are
//! the bytes passed over. At most one frame is held: [`FRAME_BYTES_MAX`].

use memchr::memmem;
use tamis_scrubber::record::Stream;

use crate::decode::reassemble::{Fragment, Part};
use crate::limits::FRAME_BYTES_MAX;

/// Size in front of a message.
const SIZE_BYTES: usize = 4;
/// How every message of the engine begins: field 1, six bytes, `stdout` or `stderr`.
const BEGINNING: &[u8] = b"\n\x06std";
/// The first byte of `BEGINNING`: key of field 1.
const FIRST_BYTE: u8 = b'\n';
/// What follows `BEGINNING`.
const ENDINGS: [&[u8]; 2] = [b"out", b"err"];
/// Bytes that tell that a frame begins: the size and the whole of field 1.
const SIGN_BYTES: usize = SIZE_BYTES + BEGINNING.len() + 3;

/// What a stream of frames has held so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages decoded.
    pub frames: u64,
    /// Frames that could not be one; each starts a search for the next.
    pub errors: u64,
    /// Bytes passed over while searching.
    pub lost_bytes: u64,
}

/// Cuts a stream of bytes into messages.
#[derive(Default)]
pub struct Frames {
    buffer: Vec<u8>,
    /// Where the next frame begins.
    start: usize,
    searching: bool,
    counts: Counts,
}

impl Frames {
    /// Where new bytes are appended. What is decoded has been removed from it.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        self.buffer.drain(..self.start);
        self.start = 0;
        &mut self.buffer
    }

    /// Gives every message that is complete to `take`.
    pub fn decode(&mut self, mut take: impl FnMut(Fragment<'_>)) {
        loop {
            if self.searching && !self.search() {
                return;
            }
            let rest = self.buffer.get(self.start..).unwrap_or_default();
            let Some((size, after)) = rest.split_first_chunk::<SIZE_BYTES>() else { return };
            let size = size_of(*size);
            // The engine writes field 1 first: what begins otherwise is not waited for.
            if size > FRAME_BYTES_MAX || after.first().is_some_and(|b| *b != FIRST_BYTE) {
                self.lose();
                continue;
            }
            let Some(message) = after.get(..size) else { return };
            match fragment(message) {
                Some(fragment) => {
                    self.counts.frames += 1;
                    take(fragment);
                    self.start += SIZE_BYTES + size;
                }
                None => self.lose(),
            }
        }
    }

    /// Bytes that the frame begun still lacks (at least; its size may not be known yet). Zero
    /// between two frames.
    pub fn missing(&self) -> usize {
        let rest = self.buffer.get(self.start..).unwrap_or_default();
        if rest.is_empty() || self.searching {
            return 0;
        }
        match rest.split_first_chunk::<SIZE_BYTES>() {
            Some((size, after)) => size_of(*size).saturating_sub(after.len()),
            None => SIZE_BYTES - rest.len(),
        }
    }

    /// Gives the memory back when nothing is held.
    pub fn release(&mut self) {
        if self.buffer().is_empty() {
            self.buffer = Vec::new();
        }
    }

    /// What was seen so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The frame at `start` cannot be one: its bytes are searched for the next.
    fn lose(&mut self) {
        self.counts.errors += 1;
        self.pass_over(1);
        self.searching = true;
    }

    fn pass_over(&mut self, bytes: usize) {
        self.start += bytes;
        self.counts.lost_bytes += bytes as u64;
    }

    /// Moves to the next place that looks like the beginning of a frame; `false` when more bytes
    /// are needed to tell.
    fn search(&mut self) -> bool {
        let rest = self.buffer.get(self.start..).unwrap_or_default();
        for found in memmem::find_iter(rest, BEGINNING) {
            let Some(at) = found.checked_sub(SIZE_BYTES) else { continue };
            let (frame, _) =
                rest.get(at..).unwrap_or_default().split_at_checked(SIGN_BYTES).unwrap_or_default();
            let Some((size, sign)) = frame.split_first_chunk::<SIZE_BYTES>() else { break };
            let plausible = (sign.len()..=FRAME_BYTES_MAX).contains(&size_of(*size));
            if plausible && ENDINGS.iter().any(|e| sign.ends_with(e)) {
                self.pass_over(at);
                self.searching = false;
                return true;
            }
        }
        // The beginning of the sign may be there already.
        self.pass_over(rest.len().saturating_sub(SIGN_BYTES - 1));
        false
    }
}

fn size_of(size: [u8; SIZE_BYTES]) -> usize {
    usize::try_from(u32::from_be_bytes(size)).unwrap_or(usize::MAX)
}

/// One message. `None` when it is not protobuf, has a field of the wrong type, or names no stream.
fn fragment(message: &[u8]) -> Option<Fragment<'_>> {
    let (mut stream, mut timestamp_ns, mut line, mut partial) = (None, 0, &[][..], false);
    let mut metadata = None;
    let mut fields = Fields(message);
    while !fields.0.is_empty() {
        match fields.next()? {
            // The engine knows two streams. What a later one might add is kept, as output.
            (1, Wire::Bytes(b"stderr")) => stream = Some(Stream::Stderr),
            (1, Wire::Bytes(_)) => stream = Some(Stream::Stdout),
            (2, Wire::Varint(t)) => timestamp_ns = t.cast_signed(),
            (3, Wire::Bytes(b)) => line = b,
            (4, Wire::Varint(v)) => partial = v != 0,
            (5, Wire::Bytes(b)) => metadata = Some(part(b)?),
            (1..=5, _) => return None,
            _ => {}
        }
    }
    // Engines before 19.03 send no metadata: all but the last fragment are partial.
    let part = metadata.unwrap_or(Part::Unnumbered { last: !partial });
    Some(Fragment { line, timestamp_ns, stream: stream?, part })
}

fn part(message: &[u8]) -> Option<Part<'_>> {
    let (mut id, mut ordinal, mut last) = (&[][..], 0, false);
    let mut fields = Fields(message);
    while !fields.0.is_empty() {
        match fields.next()? {
            (1, Wire::Varint(v)) => last = v != 0,
            (2, Wire::Bytes(b)) => id = b,
            (3, Wire::Varint(v)) => ordinal = u32::try_from(v).unwrap_or(0),
            (1..=3, _) => return None,
            _ => {}
        }
    }
    let numbered = !id.is_empty() && ordinal >= 1;
    Some(if numbered { Part::Numbered { id, ordinal, last } } else { Part::Unnumbered { last } })
}

enum Wire<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    /// Four or eight bytes: no field of ours.
    Fixed,
}

/// Reads protobuf fields.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn next(&mut self) -> Option<(u64, Wire<'a>)> {
        let key = self.varint()?;
        let value = match key & 7 {
            0 => Wire::Varint(self.varint()?),
            1 => self.take(8).map(|_| Wire::Fixed)?,
            2 => {
                let n = usize::try_from(self.varint()?).ok()?;
                Wire::Bytes(self.take(n)?)
            }
            5 => self.take(4).map(|_| Wire::Fixed)?,
            _ => return None,
        };
        Some((key >> 3, value))
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(head)
    }
}

/// Appends the frame of a line that answers `ReadLogs`. The newline that the engine wants there is
/// added.
pub fn encode(out: &mut Vec<u8>, stream: Stream, timestamp_ns: i64, line: &str) {
    let mut message = Vec::with_capacity(line.len() + 32);
    put_bytes(&mut message, 1, stream.name().as_bytes());
    message.push(2 << 3);
    put_varint(&mut message, timestamp_ns.cast_unsigned());
    message.push(3 << 3 | 2);
    put_varint(&mut message, line.len() as u64 + 1);
    message.extend_from_slice(line.as_bytes());
    message.push(b'\n');
    // Clean records are far below 4 GiB; a longer one would be refused by the reader, not cut.
    let size = u32::try_from(message.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&size.to_be_bytes());
    out.extend_from_slice(&message);
}

fn put_bytes(out: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    out.push(field << 3 | 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
pub(crate) mod tests;

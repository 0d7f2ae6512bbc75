//! Reads one container's log in chunks: bytes → lines → records → batch.
//!
//! Blocking reads by position: what is not consumed (half a line, a full batch) is read again from
//! its start, so nothing is carried between two reads but the fragments that the reassembler
//! holds. Invariants: a file is left only when its successor was known before the read that found
//! its end; the bytes before the position are compared at each read, so a file that the engine
//! truncated and filled again is noticed.

use std::io;
use std::os::unix::fs::FileExt;
use std::sync::atomic::Ordering::Relaxed;

use memchr::memchr;
use tamis_scrubber::record::Stream;

use super::chain::{Chain, LogFile, MARK_BYTES, Stamp};
use super::place::Place;
use super::status::JsonFileStatus;
use crate::batch::RawBatch;
use crate::checkpoint::Position;
use crate::clock::Instant;
use crate::decode::json_file::{Decoder, Line};
use crate::decode::reassemble::{Fragment, Part, Reassembler};
use crate::limits::FILE_CHUNK_BYTES;

/// Room for one read: the bytes before the position, and a chunk.
pub(super) const READ_BYTES: usize = MARK_BYTES + FILE_CHUNK_BYTES;

/// The file that is being read.
struct Reading {
    log: LogFile,
    /// Everything before is consumed.
    offset: u64,
    /// The bytes before `offset`.
    mark: Vec<u8>,
    /// The file as it was before a read that left no whole line.
    barren: Option<Stamp>,
    /// Within a line that is too long.
    skipping: bool,
}

/// Reads one container's log.
pub(super) struct Tail {
    reading: Option<Reading>,
    decoder: Decoder,
    joiner: Reassembler,
    place: Place,
    /// Its part of the gauge `lag_bytes`.
    lag: u64,
}

/// What a read did.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing new.
    Idle,
    /// Something was consumed; there may be more.
    Moved,
}

impl Tail {
    /// Begins where an earlier run stopped, or at the start.
    pub(super) fn new(resume: Option<Position>) -> Tail {
        Tail {
            reading: None,
            decoder: Decoder::default(),
            joiner: Reassembler::default(),
            place: Place::new(resume),
            lag: 0,
        }
    }

    /// Whether a read would find something.
    pub(super) fn has_news(&self, chain: &Chain) -> bool {
        let Some(reading) = &self.reading else { return chain.has_next() };
        chain.has_next() || reading.barren.is_none_or(|b| reading.log.stamp() != Some(b))
    }

    /// When an unfinished record has waited long enough.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.joiner.deadline()
    }

    /// From where a later run must read when everything read so far is stored.
    pub(super) fn resume_point(&self) -> Option<Position> {
        self.place.resume_point()
    }

    /// Reads one chunk into `batch`, using `buffer` ([`READ_BYTES`]).
    ///
    /// # Errors
    /// When the file cannot be read; nothing is consumed then.
    pub(super) fn fill(
        &mut self,
        sources: (&std::sync::Mutex<Chain>, &JsonFileStatus),
        buffer: &mut [u8],
        now: Instant,
        batch: &mut RawBatch,
    ) -> io::Result<Progress> {
        let (chain, status) = sources;
        self.expire(now, batch);
        // Asked before the read: a file with a successor does not grow any more.
        let (opened, complete) = {
            let mut chain = chain.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let opened = if self.reading.is_none() { chain.next(status) } else { None };
            (opened, chain.has_next())
        };
        if let Some(log) = opened {
            self.start(log, status, batch);
        }
        if batch.is_full() {
            return Ok(Progress::Moved);
        }
        let Some(reading) = &mut self.reading else { return Ok(Progress::Idle) };
        let stamp = reading.log.stamp();
        let data = reading.read(buffer)?;
        if data.restarted {
            status.truncations.fetch_add(1, Relaxed);
            self.forget_open(batch, false);
        }
        let used = self.consume(data, now, status, batch);
        let Some(reading) = &mut self.reading else { return Ok(Progress::Idle) };
        reading.moved(data, used);
        if used == 0 || stamp.is_some_and(|s| s.size == reading.offset) {
            reading.barren = stamp;
        }
        status.read_bytes.fetch_add(used as u64, Relaxed);
        if used > 0 {
            return Ok(Progress::Moved);
        }
        if !complete {
            return Ok(Progress::Idle);
        }
        let unfinished = data.fresh().len() as u64;
        if unfinished > 0 {
            status.decode_errors.fetch_add(1, Relaxed);
            status.lost_bytes.fetch_add(unfinished, Relaxed);
        }
        self.reading = None;
        status.files_reading.fetch_sub(1, Relaxed);
        Ok(Progress::Moved)
    }

    /// The container is gone: gives out what is held.
    pub(super) fn finish(&mut self, status: &JsonFileStatus, batch: &mut RawBatch) {
        self.joiner.flush(&mut |r| batch.push(r.line, r.timestamp_ns, r.stream, r.truncated));
        if self.reading.take().is_some() {
            status.files_reading.fetch_sub(1, Relaxed);
        }
    }

    /// Bytes written and not read, as last measured.
    pub(super) fn lag(&self) -> u64 {
        self.lag
    }

    /// Updates the gauge of bytes written and not read.
    pub(super) fn measure_lag(&mut self, chain: &Chain, status: &JsonFileStatus) {
        let size = |r: &Reading| r.log.size().saturating_sub(r.offset);
        let lag = self.reading.as_ref().map_or(0, size) + chain.queued_bytes();
        status.lag_bytes.fetch_add(lag.wrapping_sub(self.lag), Relaxed);
        self.lag = lag;
    }

    fn start(&mut self, log: LogFile, status: &JsonFileStatus, batch: &mut RawBatch) {
        if log.after_gap {
            self.forget_open(batch, true);
        }
        let offset = log.offset;
        status.files_reading.fetch_add(1, Relaxed);
        let reading = Reading { log, offset, mark: Vec::new(), barren: None, skipping: false };
        self.reading = Some(reading);
    }

    /// Lines were missed: what is held lost its end. Its rest is swallowed if it still comes; with
    /// `certain`, so is the first record of each stream, which may have lost its beginning.
    fn forget_open(&mut self, batch: &mut RawBatch, certain: bool) {
        let cut = [Stream::Stdout, Stream::Stderr].map(|s| certain || self.joiner.is_open(s));
        self.joiner.flush(&mut |r| batch.push(r.line, r.timestamp_ns, r.stream, r.truncated));
        self.place.after_gap(cut);
    }

    fn expire(&mut self, now: Instant, batch: &mut RawBatch) {
        let mut emitted = [false; 2];
        self.joiner.expire(now, &mut |r| {
            emitted[r.stream as usize] = true; // Proof: two streams.
            batch.push(r.line, r.timestamp_ns, r.stream, r.truncated);
        });
        for stream in [Stream::Stdout, Stream::Stderr] {
            if emitted[stream as usize] {
                self.place.emitted(stream, self.joiner.is_open(stream));
            }
        }
    }

    /// Consumes whole lines and returns their length.
    fn consume(
        &mut self,
        data: Data<'_>,
        now: Instant,
        status: &JsonFileStatus,
        batch: &mut RawBatch,
    ) -> usize {
        let fresh = data.fresh();
        let mut used = self.skip(fresh, status);
        while let Some(rest) = fresh.get(used..).filter(|r| !r.is_empty() && !batch.is_full()) {
            let Some(end) = memchr(b'\n', rest) else { break };
            let line = rest.get(..end).unwrap_or_default();
            used += end + 1;
            self.line(line, used, now, status, batch);
        }
        used
    }

    /// Steps over NUL bytes and over the rest of a line that is too long.
    fn skip(&mut self, fresh: &[u8], status: &JsonFileStatus) -> usize {
        let Some(reading) = &mut self.reading else { return 0 };
        if reading.skipping {
            let end = memchr(b'\n', fresh);
            reading.skipping = end.is_none();
            let used = end.map_or(fresh.len(), |e| e + 1);
            status.lost_bytes.fetch_add(used as u64, Relaxed);
            return used;
        }
        let nul = fresh.iter().take_while(|b| **b == 0).count();
        if nul > 0 {
            status.decode_errors.fetch_add(1, Relaxed);
        } else if fresh.len() >= FILE_CHUNK_BYTES && memchr(b'\n', fresh).is_none() {
            reading.skipping = true;
            status.decode_errors.fetch_add(1, Relaxed);
            status.lost_bytes.fetch_add(fresh.len() as u64, Relaxed);
            return fresh.len();
        }
        nul
    }

    /// Takes one line; `end` is its end, newline included, from the position.
    fn line(
        &mut self,
        line: &[u8],
        end: usize,
        now: Instant,
        status: &JsonFileStatus,
        batch: &mut RawBatch,
    ) {
        let Some(reading) = &self.reading else { return };
        let Some(Line { log, stream, timestamp_ns, partial }) = self.decoder.decode(line) else {
            status.decode_errors.fetch_add(1, Relaxed);
            status.lost_bytes.fetch_add(line.len() as u64 + 1, Relaxed);
            return;
        };
        let (inode, offset) = (reading.log.inode, reading.offset + end as u64);
        if self.place.skips(stream, partial) {
            status.lost_bytes.fetch_add(line.len() as u64 + 1, Relaxed);
        } else {
            let before = self.joiner.is_open(stream);
            let part = Part::Unnumbered { last: !partial };
            let mut emitted = false;
            self.joiner.push(Fragment { line: log, timestamp_ns, stream, part }, now, &mut |r| {
                emitted = true;
                batch.push(r.line, r.timestamp_ns, r.stream, r.truncated);
            });
            let open = self.joiner.is_open(stream);
            if emitted || !open {
                self.place.emitted(stream, open);
            } else if !before {
                self.place.opened(stream);
            }
        }
        self.place.moved(inode, offset, timestamp_ns);
    }
}

/// One read: the bytes before the position, then the fresh ones.
#[derive(Clone, Copy)]
struct Data<'a> {
    bytes: &'a [u8],
    mark: usize,
    /// The file was truncated and is read from its start.
    restarted: bool,
}

impl<'a> Data<'a> {
    fn fresh(self) -> &'a [u8] {
        self.bytes.get(self.mark..).unwrap_or_default()
    }
}

impl Reading {
    /// Reads a chunk; begins again at 0 when the bytes before the position are not there any more.
    fn read<'b>(&mut self, buffer: &'b mut [u8]) -> io::Result<Data<'b>> {
        if self.mark.is_empty() && self.offset > 0 {
            let len = MARK_BYTES.min(usize::try_from(self.offset).unwrap_or(MARK_BYTES));
            let mut mark = vec![0; len];
            self.log.file.read_exact_at(&mut mark, self.offset - len as u64)?;
            self.mark = mark;
        }
        let mut mark = self.mark.len();
        let mut len = read_at(&self.log.file, buffer, self.offset - mark as u64)?;
        let restarted = !buffer.get(..len).unwrap_or_default().starts_with(&self.mark);
        if restarted {
            (self.offset, self.barren, self.skipping) = (0, None, false);
            self.mark.clear();
            mark = 0;
            len = read_at(&self.log.file, buffer, 0)?;
        }
        Ok(Data { bytes: buffer.get(..len).unwrap_or_default(), mark, restarted })
    }

    /// `used` fresh bytes are consumed.
    fn moved(&mut self, data: Data<'_>, used: usize) {
        if used == 0 {
            return;
        }
        let end = data.mark + used;
        let mark = data.bytes.get(end.saturating_sub(MARK_BYTES)..end).unwrap_or_default();
        self.mark.clear();
        self.mark.extend_from_slice(mark);
        self.offset += used as u64;
        self.barren = None;
    }
}

fn read_at(file: &std::fs::File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    loop {
        match file.read_at(buffer, offset) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

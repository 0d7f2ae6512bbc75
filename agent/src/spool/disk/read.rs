//! What a sink takes and gives back.

use std::fs::File;
use std::sync::Arc;

use super::super::Lease;
use super::super::cursor::{self, Position};
use super::super::segment::{Found, HEADER_BYTES, Header, read_frame};
use super::{Cached, Disk, Held, add};
use crate::ledger::Loss;

impl Disk {
    /// Leases the next batches of a sink, in order: at least one when there is one.
    pub(in crate::spool) fn take(
        &mut self,
        sink: usize,
        bytes_max: usize,
        lines_max: usize,
    ) -> Vec<Lease> {
        let mut leases = Vec::new();
        let (mut bytes, mut lines) = (0, 0);
        while let Some(found) = self.peek(sink) {
            bytes += found.batch.bytes();
            lines += found.batch.len();
            let Some(reader) = self.readers.get_mut(sink) else { break };
            if !leases.is_empty() && (bytes > bytes_max || lines > lines_max) {
                reader.stash = Some(found);
                break;
            }
            let Cached { next, batch, .. } = found;
            let (seq, records) = (self.next_seq, batch.len() as u64);
            self.next_seq += 1;
            add(&mut reader.taken, batch.container().service(), records);
            reader.at = next;
            reader.held.push_back(Held { seq, next, records, done: false });
            leases.push(Lease { seq, batch });
        }
        if leases.is_empty() {
            // It may have passed a segment of which nothing could be read.
            self.collect();
        }
        leases
    }

    pub(in crate::spool) fn release(&mut self, sink: usize, leases: Vec<Lease>) {
        let Some(reader) = self.readers.get_mut(sink) else { return };
        for lease in leases {
            let index = reader.held.binary_search_by_key(&lease.seq, |h| h.seq);
            let Some(held) = index.ok().and_then(|i| reader.held.get_mut(i)) else { continue };
            if !std::mem::replace(&mut held.done, true) {
                reader.pending = reader.pending.saturating_sub(held.records);
            }
        }
        while let Some(held) = reader.held.pop_front_if(|h| h.done) {
            reader.cursor = reader.cursor.max(held.next);
        }
        self.pass_ends(sink);
        if !self.collect() {
            self.store_cursor(sink, false);
        }
    }

    /// The next batch of a sink, if there is one.
    fn peek(&mut self, sink: usize) -> Option<Cached> {
        loop {
            self.pass_ends(sink);
            let reader = self.readers.get_mut(sink)?;
            let at = reader.at;
            if let Some(stash) = reader.stash.take().filter(|s| s.at == at) {
                return Some(stash);
            }
            let segment = self.segments.iter().find(|s| s.id == at.segment)?;
            if at.offset >= segment.bytes {
                return None;
            }
            if let Ok(i) = self.cache.binary_search_by_key(&at, |c| c.at) {
                let hit = self.cache.get(i)?;
                return Some(Cached { at, next: hit.next, batch: Arc::clone(&hit.batch) });
            }
            let end = segment.bytes;
            match self.read(sink, at, end) {
                Some(Found::Batch(batch, next)) => {
                    let next = Position { frame: at.frame + 1, offset: next, ..at };
                    return Some(Cached { at, next, batch: Arc::new(batch) });
                }
                Some(Found::Damaged { next, .. }) => {
                    self.skip(sink, Position { frame: at.frame + 1, offset: next, ..at });
                }
                Some(Found::End { .. } | Found::Lost) | None => {
                    self.skip(sink, Position { offset: end, ..at });
                }
            }
        }
    }

    fn read(&mut self, sink: usize, at: Position, end: u64) -> Option<Found> {
        let path = self.path(at.segment);
        let reader = self.readers.get_mut(sink)?;
        if reader.open.as_ref().is_none_or(|(_, header)| header.id != at.segment) {
            let file = File::open(path).ok()?;
            let header = Header::read(&file)?;
            reader.open = Some((file, header));
        }
        let (file, header) = reader.open.as_ref()?;
        Some(read_frame(file, header, &self.keys, at.frame, at.offset, end))
    }

    /// Goes past something that cannot be read. What it held is counted at the segment's end.
    fn skip(&mut self, sink: usize, to: Position) {
        if let Some(segment) = self.segments.iter_mut().find(|s| s.id == to.segment) {
            segment.damaged = true;
        }
        if self.is_open_for_writing(to.segment) {
            self.seal();
        }
        if let Some(reader) = self.readers.get_mut(sink) {
            reader.at = to;
        }
    }

    /// Moves a sink from the end of a finished segment, or from where there is none, to the next
    /// one, and counts what it did not get of the segment it leaves.
    pub(super) fn pass_ends(&mut self, sink: usize) {
        loop {
            let Some(reader) = self.readers.get_mut(sink) else { return };
            let at = reader.at;
            match self.segments.iter().find(|s| s.id >= at.segment) {
                Some(s) if s.id == at.segment => {
                    if reader.at.offset == 0 {
                        reader.at.offset = HEADER_BYTES as u64;
                    }
                    let writing = self.writer.as_ref().is_some_and(|w| w.id() == s.id);
                    if reader.at.offset < s.bytes || writing {
                        break;
                    }
                    let id = s.id;
                    self.leave(sink, id, Loss::SpoolDamaged);
                }
                Some(s) => {
                    reader.at = Position::start_of(s.id);
                    reader.taken.clear();
                }
                None => break,
            }
        }
        if let Some(reader) = self.readers.get_mut(sink).filter(|r| r.held.is_empty()) {
            reader.cursor = reader.cursor.max(reader.at);
        }
    }

    /// Takes a sink past segment `id` and counts what it did not get of it.
    pub(super) fn leave(&mut self, sink: usize, id: u64, reason: Loss) {
        let Some(reader) = self.readers.get_mut(sink) else { return };
        if reader.at.segment > id {
            return;
        }
        let Some(segment) = self.segments.iter().find(|s| s.id == id) else { return };
        let inside = reader.at.segment == id;
        let mut lost = Vec::new();
        for (service, records) in &segment.records {
            let taken = reader.taken.get(service).filter(|_| inside).copied().unwrap_or(0);
            lost.push((Arc::clone(service), records.saturating_sub(taken)));
        }
        reader.pending = reader.pending.saturating_sub(lost.iter().map(|(_, n)| n).sum());
        if inside {
            reader.at = Position::start_of(id + 1);
            reader.taken.clear();
            reader.stash = None;
            reader.open = None;
        }
        for (service, records) in lost {
            self.lose(sink, &service, reason, records);
        }
    }

    /// Writes a sink's cursor. When it cannot be written the sink may send some records twice.
    pub(super) fn store_cursor(&mut self, sink: usize, durable: bool) {
        let Some(reader) = self.readers.get_mut(sink) else { return };
        let at = reader.cursor;
        if cursor::write(&self.dir, sink, at, &self.keys, durable).is_ok() && durable {
            reader.durable = at;
        }
    }
}

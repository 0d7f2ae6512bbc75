//! What is removed, and when.

use std::fs;

use super::Disk;
use crate::ledger::Loss;
use crate::limits::{SPOOL_QUARANTINE_MAX, SPOOL_SEGMENTS_MAX};

impl Disk {
    /// Removes finished segments that every sink has passed, after the cursors are durable.
    /// Returns whether cursors were written.
    pub(super) fn collect(&mut self) -> bool {
        let passed = self.readers.iter().map(|r| r.cursor.segment).min().unwrap_or(u64::MAX);
        let due = |d: &Disk| {
            d.segments.front().is_some_and(|s| s.id < passed && !d.is_open_for_writing(s.id))
        };
        if !due(self) {
            return false;
        }
        let behind: Vec<usize> = (0..self.readers.len())
            .filter(|i| self.readers.get(*i).is_some_and(|r| r.durable != r.cursor))
            .collect();
        behind.into_iter().for_each(|sink| self.store_cursor(sink, true));
        // A cursor that is not durable would bring removed records back as missing: keep the file.
        let durable = self.readers.iter().map(|r| r.durable.segment).min().unwrap_or(u64::MAX);
        while due(self) && self.segments.front().is_some_and(|s| s.id < durable) {
            self.remove(0);
        }
        true
    }

    /// Makes room for `need` more bytes. `false` when sinks hold all that could go.
    pub(super) fn make_room(&mut self, need: u64) -> bool {
        while self.bytes + need > self.bytes_max || self.segments.len() >= SPOOL_SEGMENTS_MAX {
            let held = |id: u64| {
                let mut all = self.readers.iter().flat_map(|r| &r.held);
                all.any(|h| h.next.segment == id)
            };
            let Some(index) = self.segments.iter().position(|s| !held(s.id)) else { return false };
            self.give_up(index, Loss::SpoolFull);
        }
        true
    }

    /// Drops what is older than the age limit, and ends a segment in time for that.
    pub(in crate::spool) fn expire(&mut self) {
        let now = (self.world.now_ns)();
        let age = |created: i64| now.saturating_sub(created);
        while let Some(first) = self.segments.front() {
            if age(first.created_ns) <= self.age_max_ns {
                break;
            }
            self.give_up(0, Loss::TooOld);
        }
        let last = self.segments.back();
        if last.is_some_and(|s| age(s.created_ns) > self.age_max_ns / 8) {
            self.seal();
        }
    }

    /// Drops a segment that sinks may still need, and counts what each of them loses.
    fn give_up(&mut self, index: usize, reason: Loss) {
        let Some(id) = self.segments.get(index).map(|s| s.id) else { return };
        if self.is_open_for_writing(id) {
            self.seal();
        }
        for sink in 0..self.readers.len() {
            self.leave(sink, id, reason);
            if let Some(r) = self.readers.get_mut(sink).filter(|r| r.held.is_empty()) {
                r.cursor = r.cursor.max(r.at);
            }
        }
        self.remove(index);
    }

    /// Unlinks a segment, or sets it aside when it is damaged.
    fn remove(&mut self, index: usize) {
        let Some(segment) = self.segments.remove(index) else { return };
        self.bytes = self.bytes.saturating_sub(segment.file_bytes);
        while let Some(old) = self.cache.pop_front_if(|c| c.at.segment <= segment.id) {
            self.cache_bytes -= old.batch.bytes();
        }
        let path = self.path(segment.id);
        // A file that cannot be removed is found, and removed, at the next start.
        if segment.damaged && self.quarantined < SPOOL_QUARANTINE_MAX {
            let _ = fs::rename(&path, path.with_extension("bad"));
        } else {
            let _ = fs::remove_file(&path);
        }
        self.quarantined += u64::from(segment.damaged);
    }
}

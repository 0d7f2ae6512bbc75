//! What the source tells about itself: counters, no names, no content.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// Counters and gauges of the json-file source.
#[derive(Default)]
pub struct JsonFileStatus {
    /// Gauge: container directories known, whatever their log driver.
    pub containers_discovered: AtomicU64,
    /// Gauge: containers whose json-file log is followed.
    pub containers_tailed: AtomicU64,
    /// Containers that found no room in the registry.
    pub containers_uncovered: AtomicU64,
    /// Gauge: log files open for reading.
    pub files_reading: AtomicU64,
    /// Gauge: rotated log files held open until their turn.
    pub files_queued: AtomicU64,
    /// Gauge: bytes written by the engine and not read yet.
    pub lag_bytes: AtomicU64,
    /// Bytes read from log files, each once per run.
    pub read_bytes: AtomicU64,
    /// Lines that hold no record: NUL bytes, half lines, foreign text, too long.
    pub decode_errors: AtomicU64,
    /// Bytes known to be lost: undecodable lines, files given up, compressed predecessors.
    pub lost_bytes: AtomicU64,
    /// Times that files between two known ones may have been deleted unread.
    pub gaps: AtomicU64,
    /// Times that a file shrank while it was read (`max-file=1`); what was not read is gone.
    pub truncations: AtomicU64,
    /// Reads, directory listings and checkpoint writes that failed and were tried again.
    pub io_errors: AtomicU64,
}

impl JsonFileStatus {
    /// Log files held open.
    pub fn files_open(&self) -> u64 {
        self.files_reading.load(Relaxed) + self.files_queued.load(Relaxed)
    }
}

/// Says in the agent's own log what went wrong since the last time: numbers only.
#[derive(Default)]
pub(super) struct Complaints {
    lost: u64,
    gaps: u64,
    truncations: u64,
    undecoded: u64,
    failed: u64,
}

impl Complaints {
    /// Called at intervals, which limits the rate.
    pub(super) fn speak(&mut self, status: &JsonFileStatus) {
        let since = |counter: &AtomicU64, told: &mut u64| {
            let now = counter.load(Relaxed);
            now - std::mem::replace(told, now)
        };
        let gaps =
            since(&status.gaps, &mut self.gaps) + since(&status.truncations, &mut self.truncations);
        let lost_bytes = since(&status.lost_bytes, &mut self.lost);
        if lost_bytes > 0 || gaps > 0 {
            tracing::error!(lost_bytes, gaps, "log lines were lost before they could be read");
        }
        let lines = since(&status.decode_errors, &mut self.undecoded);
        if lines > 0 {
            tracing::warn!(lines, "log lines hold no record");
        }
        let failed = since(&status.io_errors, &mut self.failed);
        if failed > 0 {
            tracing::warn!(failed, "reads of log files or of their directory failed");
        }
    }
}

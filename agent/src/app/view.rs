//! What the modules know of themselves, put together for metrics and page.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::pipeline::Stores;
use crate::sink::{Answer, CanaryCounts, Reject, SinkStatus};
use crate::source::json_file::JsonFileStatus;
use crate::source::log_driver::DriverStatus;
use crate::telemetry::{Gauges, SinkView, SpoolView};

/// Readers of every module's state.
pub(super) struct View {
    pub(super) policy_hash: String,
    pub(super) stores: Stores,
    pub(super) sinks: Vec<Arc<SinkStatus>>,
    pub(super) log_driver: Option<Arc<DriverStatus>>,
    pub(super) json_file: Option<Arc<JsonFileStatus>>,
    pub(super) canary: Option<Arc<CanaryCounts>>,
    pub(super) ready: AtomicBool,
}

impl View {
    /// Whether the sidecar reads and delivers.
    pub(super) fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Relaxed);
    }

    /// The state of everything now.
    pub(super) fn gauges(&self) -> Gauges {
        let stat = self.stores.spool.stat();
        Gauges {
            ready: self.ready.load(Relaxed),
            policy_hash: self.policy_hash.clone(),
            containers: self.containers(),
            source_errors: self.source_errors(),
            sinks: self.sinks.iter().enumerate().map(|(i, s)| self.sink(i, s)).collect(),
            spool: SpoolView {
                bytes: stat.bytes,
                capacity_bytes: stat.capacity,
                oldest_ns: stat.oldest_ns,
            },
            canary_leaks: self.canary.as_ref().map(|c| c.hits()),
        }
    }

    fn containers(&self) -> Vec<(&'static str, u64)> {
        let fifos = self.log_driver.as_ref().map_or(0, |s| s.open_fifos() as u64);
        let tailed = self.json_file.as_ref().map_or(0, |s| s.containers_tailed.load(Relaxed));
        vec![("covered", fifos + tailed)]
    }

    fn source_errors(&self) -> Vec<(&'static str, &'static str, u64)> {
        let mut errors = Vec::new();
        if let Some(s) = &self.log_driver {
            errors.push(("log_driver", "decode", s.decode_errors()));
            errors.push(("log_driver", "lost_bytes", s.lost_bytes()));
            errors.push(("log_driver", "unsent", s.unsent()));
            errors.push(("log_driver", "map", s.map_errors()));
        }
        if let Some(s) = &self.json_file {
            errors.push(("json_file", "decode", s.decode_errors.load(Relaxed)));
            errors.push(("json_file", "lost_bytes", s.lost_bytes.load(Relaxed)));
            errors.push(("json_file", "io", s.io_errors.load(Relaxed)));
        }
        errors
    }

    fn sink(&self, index: usize, status: &SinkStatus) -> SinkView {
        let ledger = &self.stores.ledger;
        let pending = self.stores.spool.pending(index);
        let queued = u64::try_from(ledger.queued_now()).unwrap_or(0);
        let requests = Answer::ALL.map(|a| (a.name(), status.requests(a)));
        SinkView {
            name: ledger.sinks().get(index).copied().unwrap_or_default(),
            up: status.up(),
            in_flight: pending + queued,
            difference: self.difference(index),
            requests: requests.to_vec(),
            retries: status.retries(),
            rejected: Reject::ALL.map(|r| (r.name(), status.rejected(r))).to_vec(),
        }
    }

    /// The ledger's difference at rest: while records move, a few are between two counters, so the
    /// reading nearest to zero of a handful is the one that tells.
    fn difference(&self, index: usize) -> i64 {
        let read = || self.stores.ledger.difference(index, self.stores.spool.pending(index));
        (0..8).map(|_| read()).min_by_key(|d| d.abs()).unwrap_or(0)
    }
}

//! A sink that proves a negative: it searches every delivered line and container name for planted
//! values and counts. It keeps nothing of what it reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use aho_corasick::AhoCorasick;
use tamis_scrubber::record::CleanBatch;

use super::{Answer, Outcome, SinkStatus};

/// What a [`Canary`] has counted.
#[derive(Default)]
pub struct CanaryCounts {
    records: AtomicU64,
    hits: AtomicU64,
}

impl CanaryCounts {
    /// Records searched.
    pub fn records(&self) -> u64 {
        self.records.load(Relaxed)
    }

    /// Planted values found: each one is a leak.
    pub fn hits(&self) -> u64 {
        self.hits.load(Relaxed)
    }
}

/// Searches delivered records for planted values.
pub struct Canary {
    planted: AhoCorasick,
    counts: Arc<CanaryCounts>,
    status: Arc<SinkStatus>,
}

impl Canary {
    /// Searches for `planted`: every value in every form that it could be delivered in.
    pub fn new(planted: AhoCorasick) -> Self {
        Canary { planted, counts: Arc::default(), status: Arc::default() }
    }

    /// The counts, readable while the sink works.
    pub fn counts(&self) -> Arc<CanaryCounts> {
        Arc::clone(&self.counts)
    }

    pub(super) fn status(&self) -> Arc<SinkStatus> {
        Arc::clone(&self.status)
    }

    pub(super) fn deliver(&mut self, batches: &[Arc<CleanBatch>]) -> Outcome {
        let mut bytes = 0;
        for batch in batches {
            let c = batch.container();
            let names = [c.id(), c.name(), c.project(), c.service(), c.image()];
            let texts = names.into_iter().chain(batch.entries().map(|e| e.line));
            let hits: usize = texts.map(|t| self.planted.find_iter(t).count()).sum();
            self.counts.hits.fetch_add(hits as u64, Relaxed);
            self.counts.records.fetch_add(batch.len() as u64, Relaxed);
            bytes += batch.bytes() as u64;
        }
        self.status.succeeded(Answer::Ok, bytes);
        Outcome::Done { rejected: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{Sample, batch};

    #[test]
    fn planted_values_are_counted_in_lines_and_names() {
        let planted = AhoCorasick::new(["jeanne.martin@example.org", "0639980000"]).unwrap();
        let mut canary = Canary::new(planted);
        let clean = batch("web", &[Sample::new(1, "{\"msg\":\"ok\"}")]);
        canary.deliver(&[Arc::new(clean)]);
        let counts = canary.counts();
        assert_eq!((counts.records(), counts.hits()), (1, 0));
        let leaky = [
            Sample::new(1, "{\"msg\":\"from jeanne.martin@example.org 0639980000\"}"),
            Sample::new(2, "{}"),
        ];
        canary.deliver(&[Arc::new(batch("web", &leaky)), Arc::new(batch("0639980000", &[]))]);
        assert_eq!(counts.records(), 3);
        assert_eq!(counts.hits(), 4, "two in the line, one in the name, one in the service");
    }
}

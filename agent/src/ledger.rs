//! Conservation: per sink and service, in records after reassembly,
//! `read = delivered + dropped{reason} + in_flight`.
//!
//! `read`, `delivered` and `dropped` only grow. `in_flight` is not computed from them: it is what
//! the queues themselves say they hold ([`Ledger::queued`] and the spool's pending counts), so the
//! equation can fail and is checked ([`Ledger::difference`]).

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use tamis_scrubber::report::{DropReason, FieldReason, Kind, Report};

use crate::limits::SERVICES_MAX;

/// Why a clean record did not reach one sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Loss {
    /// The spool was full and the source cannot wait: oldest first.
    SpoolFull,
    /// The sink refused the record for good.
    SinkRejected,
    /// The process ended before the sink took it and no spool directory was configured.
    Shutdown,
    /// The spool could not keep the record (disk error, damaged segment).
    SpoolDamaged,
    /// It waited longer than the spool may keep it.
    TooOld,
}

impl Loss {
    /// Every loss, in declaration order.
    pub const ALL: [Loss; 5] =
        [Loss::SpoolFull, Loss::SinkRejected, Loss::Shutdown, Loss::SpoolDamaged, Loss::TooOld];

    /// The metric label value.
    pub const fn name(self) -> &'static str {
        match self {
            Loss::SpoolFull => "spool_full",
            Loss::SinkRejected => "sink_rejected",
            Loss::Shutdown => "shutdown",
            Loss::SpoolDamaged => "spool_damaged",
            Loss::TooOld => "too_old",
        }
    }
}

/// One service's counters for one sink.
#[derive(Default)]
struct Lane {
    delivered: AtomicU64,
    lost: [AtomicU64; Loss::ALL.len()],
}

/// One service's counters.
pub struct Service {
    name: Box<str>,
    read: AtomicU64,
    read_bytes: AtomicU64,
    truncated: AtomicU64,
    lanes: Vec<Lane>,
    /// What the sieve removed, merged batch by batch.
    report: Mutex<Report>,
}

impl Service {
    /// The service's name, clean.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Records handed over by a source.
    pub fn read(&self, records: usize, bytes: usize) {
        self.read.fetch_add(records as u64, Relaxed);
        self.read_bytes.fetch_add(bytes as u64, Relaxed);
    }

    /// Records that were cut at a limit.
    pub fn truncated(&self, records: usize) {
        self.truncated.fetch_add(records as u64, Relaxed);
    }

    /// What the sieve removed from a batch, dropped records included.
    pub fn sieved(&self, report: &Report) {
        self.report.lock().unwrap_or_else(PoisonError::into_inner).add(report);
    }

    /// Records accepted by sink number `sink`.
    pub fn delivered(&self, sink: usize, records: usize) {
        if let Some(lane) = self.lanes.get(sink) {
            lane.delivered.fetch_add(records as u64, Relaxed);
        }
    }

    /// Records that sink number `sink` will never get.
    pub fn lost(&self, sink: usize, reason: Loss, records: usize) {
        if let Some(lane) = self.lanes.get(sink) {
            lane.lost[reason as usize].fetch_add(records as u64, Relaxed);
        }
    }
}

/// A service's counters at one moment.
#[derive(Clone, Debug)]
pub struct ServiceSnapshot {
    /// The service's name.
    pub name: Box<str>,
    /// Records read.
    pub read: u64,
    /// Bytes read.
    pub read_bytes: u64,
    /// Records cut at a limit.
    pub truncated: u64,
    /// What the sieve removed.
    pub report: Report,
    /// Per sink, in the ledger's order: delivered, lost by reason.
    pub sinks: Vec<(u64, [u64; Loss::ALL.len()])>,
}

impl ServiceSnapshot {
    /// Records dropped by the sieve.
    pub fn sieve_dropped(&self) -> u64 {
        DropReason::ALL.into_iter().map(|r| self.report.dropped_of(r)).sum()
    }
}

/// All counters of the log path.
pub struct Ledger {
    sinks: Vec<&'static str>,
    services: Mutex<HashMap<Box<str>, Arc<Service>>>,
    queued: AtomicI64,
    /// Per sink, records that an earlier run read and left in the spool.
    recovered: Vec<AtomicU64>,
}

impl Ledger {
    /// A ledger for these sinks (metric label values, closed set).
    pub fn new(sinks: Vec<&'static str>) -> Self {
        let recovered = sinks.iter().map(|_| AtomicU64::new(0)).collect();
        Ledger { sinks, services: Mutex::default(), queued: AtomicI64::new(0), recovered }
    }

    /// Names of the sinks, in order.
    pub fn sinks(&self) -> &[&'static str] {
        &self.sinks
    }

    /// The counters of a service; past the maximum all further ones share `other`.
    pub fn service(&self, name: &str) -> Arc<Service> {
        let mut services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(service) = services.get(name) {
            return Arc::clone(service);
        }
        let name = if services.len() < SERVICES_MAX { name } else { "other" };
        let make = || {
            Arc::new(Service {
                name: name.into(),
                read: AtomicU64::new(0),
                read_bytes: AtomicU64::new(0),
                truncated: AtomicU64::new(0),
                lanes: self.sinks.iter().map(|_| Lane::default()).collect(),
                report: Mutex::default(),
            })
        };
        Arc::clone(services.entry(name.into()).or_insert_with(make))
    }

    /// Records now between a source and the spool (worker queues): positive when they enter.
    pub fn queued(&self, change: i64) {
        self.queued.fetch_add(change, Relaxed);
    }

    /// Records now in worker queues.
    pub fn queued_now(&self) -> i64 {
        self.queued.load(Relaxed)
    }

    /// Records that the spool already held for sink number `sink` when it was opened: read by an
    /// earlier run.
    pub fn recovered(&self, sink: usize, records: u64) {
        if let Some(count) = self.recovered.get(sink) {
            count.store(records, Relaxed);
        }
    }

    /// Every service, by name.
    pub fn snapshot(&self) -> Vec<ServiceSnapshot> {
        let services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = services.values().map(|s| snapshot(s)).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// `read − delivered − dropped − in_flight` for sink number `sink`, where `spooled` is what
    /// the spool holds for it and what an earlier run left there counts as read. Zero at rest;
    /// while records move, a few may be between two counters.
    pub fn difference(&self, sink: usize, spooled: u64) -> i64 {
        let mut read = self.recovered.get(sink).map_or(0, |n| n.load(Relaxed));
        let mut gone = 0;
        for s in self.snapshot() {
            read += s.read;
            gone += s.sieve_dropped();
            if let Some((delivered, lost)) = s.sinks.get(sink) {
                gone += delivered + lost.iter().sum::<u64>();
            }
        }
        let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        signed(read) - signed(gone) - signed(spooled) - self.queued_now()
    }
}

fn snapshot(s: &Service) -> ServiceSnapshot {
    let lane = |l: &Lane| {
        let lost = std::array::from_fn(|i| l.lost[i].load(Relaxed));
        (l.delivered.load(Relaxed), lost)
    };
    ServiceSnapshot {
        name: s.name.clone(),
        read: s.read.load(Relaxed),
        read_bytes: s.read_bytes.load(Relaxed),
        truncated: s.truncated.load(Relaxed),
        report: *s.report.lock().unwrap_or_else(PoisonError::into_inner),
        sinks: s.lanes.iter().map(lane).collect(),
    }
}

/// Sums over services, for the summary and the page.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// Records read.
    pub read: u64,
    /// Bytes read.
    pub read_bytes: u64,
    /// Delivered, by sink.
    pub delivered: Vec<u64>,
    /// What the sieve removed.
    pub report: Report,
    /// Lost, by sink and reason.
    pub lost: Vec<[u64; Loss::ALL.len()]>,
}

impl Totals {
    /// Adds up a snapshot.
    pub fn of(services: &[ServiceSnapshot]) -> Totals {
        let mut t = Totals::default();
        for s in services {
            t.read += s.read;
            t.read_bytes += s.read_bytes;
            t.report.add(&s.report);
            t.delivered.resize(s.sinks.len(), 0);
            t.lost.resize(s.sinks.len(), Default::default());
            for (i, (delivered, lost)) in s.sinks.iter().enumerate() {
                t.delivered[i] += delivered;
                t.lost[i].iter_mut().zip(lost).for_each(|(sum, n)| *sum += n);
            }
        }
        t
    }

    /// Everything dropped on the way to sink number `sink`, by label value.
    pub fn dropped(&self, sink: usize) -> Vec<(&'static str, u64)> {
        let sieve = DropReason::ALL.map(|r| (r.name(), self.report.dropped_of(r)));
        let lost = self.lost.get(sink).copied().unwrap_or_default();
        let lost = Loss::ALL.map(|l| (l.name(), lost[l as usize]));
        sieve.into_iter().chain(lost).filter(|(_, n)| *n > 0).collect()
    }

    /// Detections by kind, those that occurred.
    pub fn detections(&self) -> Vec<(&'static str, u64)> {
        let all = Kind::ALL.map(|k| (k.name(), self.report.detections_of(k)));
        all.into_iter().filter(|(_, n)| *n > 0).collect()
    }

    /// Fields removed by reason, those that occurred.
    pub fn fields(&self) -> Vec<(&'static str, u64)> {
        let all = FieldReason::ALL.map(|r| (r.name(), self.report.fields_of(r)));
        all.into_iter().filter(|(_, n)| *n > 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_law_holds_at_each_step_and_fails_when_a_record_vanishes() {
        let ledger = Ledger::new(vec!["loki"]);
        let web = ledger.service("web");
        web.read(10, 1000);
        ledger.queued(10);
        assert_eq!(ledger.difference(0, 0), 0);
        let mut report = Report::default();
        (0..3).for_each(|_| report.dropped(DropReason::NothingTechnical));
        web.sieved(&report);
        ledger.queued(-10);
        assert_eq!(ledger.difference(0, 7), 0);
        web.delivered(0, 5);
        web.lost(0, Loss::SinkRejected, 1);
        assert_eq!(ledger.difference(0, 1), 0);
        assert_eq!(ledger.difference(0, 0), 1, "one record is nowhere");
        let totals = Totals::of(&ledger.snapshot());
        assert_eq!(totals.dropped(0), [("nothing_technical", 3), ("sink_rejected", 1)]);
    }
}

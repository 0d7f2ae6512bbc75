//! The last minute of each service: counters become rates once a second.
//!
//! Bounded: [`POINTS`] rates per service, services as many as the ledger has.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Instant;
use crate::ledger::{Ledger, ServiceSnapshot};
use crate::stats::{ContainerStats, Snapshot};
use crate::telemetry::Process;

/// Seconds kept.
pub(super) const POINTS: usize = 60;
/// Seconds over which a shown rate is the mean: sinks deliver in bursts.
const MEAN_POINTS: usize = 5;
/// Shortest time between two notes; a little under a second, for timers that are early.
const STEP_MIN: Duration = Duration::from_millis(900);

/// Rates of one counter, oldest first.
#[derive(Clone, Default)]
pub(super) struct Track {
    last: u64,
    rates: VecDeque<f32>,
}

impl Track {
    fn note(&mut self, now: u64, seconds: f64) {
        let rate = (now.saturating_sub(self.last) as f64 / seconds) as f32;
        self.last = now;
        // Seconds that nobody noted get the mean.
        for _ in 0..(seconds.round() as usize).clamp(1, POINTS) {
            if self.rates.len() == POINTS {
                self.rates.pop_front();
            }
            self.rates.push_back(rate);
        }
    }

    /// Mean of the last seconds, per second.
    pub(super) fn rate(&self) -> f64 {
        let last = self.rates.iter().rev().take(MEAN_POINTS);
        let n = last.len().max(1);
        last.map(|r| f64::from(*r)).sum::<f64>() / n as f64
    }

    /// Rates per second, oldest first.
    pub(super) fn points(&self) -> impl ExactSizeIterator<Item = f32> {
        self.rates.iter().copied()
    }
}

/// One service, or all.
#[derive(Clone, Default)]
pub(super) struct Flow {
    /// Records read.
    pub(super) read: Track,
    /// Records accepted by the first sink.
    pub(super) out: Track,
}

struct Inner {
    at: Instant,
    total: Flow,
    services: BTreeMap<Box<str>, Flow>,
    process: Process,
    process_percent: f64,
    before: Arc<Snapshot>,
    now: Arc<Snapshot>,
    /// Unaccounted lines per sink at the last looks.
    differences: VecDeque<Vec<u64>>,
}

/// Rates of the last minute.
pub(super) struct History(Mutex<Inner>);

/// A copy to render from.
pub(super) struct Rates {
    pub(super) total: Flow,
    pub(super) services: BTreeMap<Box<str>, Flow>,
    /// This process now.
    pub(super) process: Process,
    /// Processor time of this process, percent of one core.
    pub(super) process_percent: f64,
    /// The newest sample of the containers, and the one before it.
    pub(super) containers: Arc<Snapshot>,
    before: Arc<Snapshot>,
}

impl History {
    /// Nothing yet; rates count from `now`.
    pub(super) fn new(now: Instant) -> Self {
        History(Mutex::new(Inner {
            at: now,
            total: Flow::default(),
            services: BTreeMap::new(),
            process: Process::read(),
            process_percent: 0.0,
            before: Arc::default(),
            now: Arc::default(),
            differences: VecDeque::new(),
        }))
    }

    /// Notes the counters, at most about once a second.
    pub(super) fn tick(&self, now: Instant, ledger: &Ledger, stats: Arc<Snapshot>) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if stats.taken_ns != inner.now.taken_ns {
            inner.before = std::mem::replace(&mut inner.now, stats);
        }
        let elapsed = now.saturating_duration_since(inner.at);
        if elapsed < STEP_MIN {
            return;
        }
        inner.at = now;
        inner.note(&ledger.snapshot(), elapsed.as_secs_f64());
    }

    /// The least difference of each sink over the last looks: while lines move, a few are between
    /// two counters; only what stays is unaccounted for.
    pub(super) fn settled(&self, now: Vec<u64>) -> Vec<u64> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.differences.len() == MEAN_POINTS {
            inner.differences.pop_front();
        }
        inner.differences.push_back(now.clone());
        let least = |i: usize| inner.differences.iter().filter_map(|d| d.get(i)).min().copied();
        (0..now.len()).map(|i| least(i).unwrap_or(0)).collect()
    }

    /// What was noted.
    pub(super) fn rates(&self) -> Rates {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Rates {
            total: inner.total.clone(),
            services: inner.services.clone(),
            process: inner.process,
            process_percent: inner.process_percent,
            containers: Arc::clone(&inner.now),
            before: Arc::clone(&inner.before),
        }
    }
}

impl Inner {
    fn note(&mut self, services: &[ServiceSnapshot], seconds: f64) {
        let delivered = |s: &ServiceSnapshot| s.sinks.first().map_or(0, |(n, _)| *n);
        self.total.read.note(services.iter().map(|s| s.read).sum(), seconds);
        self.total.out.note(services.iter().map(delivered).sum(), seconds);
        for s in services {
            let flow = self.services.entry(s.name.clone()).or_default();
            flow.read.note(s.read, seconds);
            flow.out.note(delivered(s), seconds);
        }
        let process = Process::read();
        let spent = process.cpu_seconds - self.process.cpu_seconds;
        self.process_percent = 100.0 * spent.max(0.0) / seconds;
        self.process = process;
    }
}

impl Rates {
    /// Processor time of a container of the newest sample, percent of one core. `None` until it
    /// was sampled twice, or when its counter started again.
    pub(super) fn cpu_percent(&self, now: &ContainerStats) -> Option<f64> {
        let before = self.before.containers.iter().find(|c| c.id == now.id)?;
        let seconds = (self.containers.taken_ns - self.before.taken_ns) as f64 / 1e9;
        let spent = now.cpu.usage_seconds? - before.cpu.usage_seconds?;
        (seconds > 0.0 && spent >= 0.0).then(|| 100.0 * spent / seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn counters_become_rates() {
        let start = clock::monotonic();
        let history = History::new(start);
        let ledger = Ledger::new(vec!["loki"]);
        let web = ledger.service("web");
        let at = |s: u64| start + Duration::from_secs(s);
        for second in 1..=10 {
            web.read(100, 1000);
            web.delivered(0, 40);
            history.tick(at(second), &ledger, Arc::default());
            history.tick(at(second) + Duration::from_millis(10), &ledger, Arc::default());
        }
        let rates = history.rates();
        assert_eq!((rates.total.read.rate(), rates.services["web"].out.rate()), (100.0, 40.0));
        assert_eq!(rates.total.read.points().len(), 10);
        // Nobody looked for a long time: the mean, and no more points than fit.
        web.read(50 * 1000, 1);
        history.tick(at(1010), &ledger, Arc::default());
        let rates = history.rates();
        assert_eq!((rates.total.read.rate(), rates.total.read.points().len()), (50.0, POINTS));
    }

    #[test]
    fn only_a_difference_that_stays_is_shown() {
        let history = History::new(clock::monotonic());
        assert_eq!(history.settled(vec![4, 7]), [4, 7]);
        assert_eq!(history.settled(vec![0, 9]), [0, 7]);
        for _ in 0..MEAN_POINTS {
            history.settled(vec![3, 8]);
        }
        assert_eq!(history.settled(vec![3, 8]), [3, 8]);
    }

    #[test]
    fn a_container_has_a_rate_from_its_second_sample_on() {
        let snapshot = |taken_ns, usage| {
            let mut c = ContainerStats { id: "a".into(), ..ContainerStats::default() };
            c.cpu.usage_seconds = Some(usage);
            Arc::new(Snapshot { taken_ns, containers: vec![c], ..Snapshot::default() })
        };
        let start = clock::monotonic();
        let history = History::new(start);
        let ledger = Ledger::new(Vec::new());
        let percent = |s: Arc<Snapshot>| {
            history.tick(start, &ledger, s);
            let rates = history.rates();
            rates.cpu_percent(&rates.containers.containers[0])
        };
        assert_eq!(percent(snapshot(1_000_000_000, 1.0)), None);
        assert_eq!(percent(snapshot(3_000_000_000, 2.0)), Some(50.0));
        assert_eq!(percent(snapshot(3_000_000_000, 2.0)), Some(50.0), "no new sample");
        assert_eq!(percent(snapshot(5_000_000_000, 0.1)), None, "started again");
    }
}

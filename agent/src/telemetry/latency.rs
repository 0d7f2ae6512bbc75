//! Durations of one thing: an HDR histogram since the start, shown as classic buckets, and two of
//! half a minute each, for the percentiles of now.
//!
//! Recorded once per batch, so one lock per histogram is enough. Microseconds, two significant
//! digits, 1 µs to 60 s; longer counts as 60 s.

use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::clock;

/// Upper bounds of the exported buckets, seconds.
pub const BUCKETS_SECONDS: [f64; 15] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

const LONGEST_US: u64 = 60_000_000;
const SIGNIFICANT_DIGITS: u8 = 2;
const WINDOW: Duration = Duration::from_secs(30);

/// Percentiles of the last half to whole minute.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quantiles {
    /// Values recorded; with none, the percentiles are 0.
    pub count: u64,
    /// Median, seconds.
    pub p50: f64,
    /// 99th percentile, seconds.
    pub p99: f64,
}

struct State {
    total: Histogram<u64>,
    total_us: u64,
    current: Histogram<u64>,
    previous: Histogram<u64>,
    turned: clock::Instant,
}

/// Durations of one thing.
pub(super) struct Latency(Mutex<State>);

impl Default for Latency {
    fn default() -> Self {
        let empty = || {
            // Proof: the bounds are constants that the histogram accepts (1 ≤ low, 2 low ≤ high,
            // digits ≤ 5).
            #[allow(clippy::expect_used, reason = "constants, see the proof")]
            Histogram::new_with_bounds(1, LONGEST_US, SIGNIFICANT_DIGITS).expect("valid bounds")
        };
        Latency(Mutex::new(State {
            total: empty(),
            total_us: 0,
            current: empty(),
            previous: empty(),
            turned: clock::monotonic(),
        }))
    }
}

impl Latency {
    /// Records a duration `n` times.
    pub(super) fn record(&self, took: Duration, n: u64) {
        let us = u64::try_from(took.as_micros()).unwrap_or(LONGEST_US);
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.turn(clock::monotonic());
        state.total.saturating_record_n(us, n);
        state.current.saturating_record_n(us, n);
        state.total_us = state.total_us.saturating_add(us.saturating_mul(n));
    }

    /// Percentiles of the last half to whole minute.
    pub(super) fn recent(&self) -> Quantiles {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.turn(clock::monotonic());
        let mut both = state.previous.clone();
        // Two histograms of the same bounds always add up.
        let _ = both.add(&state.current);
        let at = |q| if both.is_empty() { 0.0 } else { both.value_at_quantile(q) as f64 / 1e6 };
        Quantiles { count: both.len(), p50: at(0.5), p99: at(0.99) }
    }

    /// Appends the buckets, sum and count since the start.
    pub(super) fn write(&self, name: &str, label: &str, value: &str, out: &mut String) {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut below = 0;
        let mut from_us = 0;
        for le in BUCKETS_SECONDS {
            let to_us = (le * 1e6) as u64;
            below += state.total.count_between(from_us, to_us.saturating_sub(1));
            from_us = to_us;
            // A write to a String cannot fail.
            let _ = writeln!(out, "{name}_bucket{{{label}=\"{value}\",le=\"{le}\"}} {below}");
        }
        let count = state.total.len();
        let sum = state.total_us as f64 / 1e6;
        // A write to a String cannot fail.
        let _ = writeln!(out, "{name}_bucket{{{label}=\"{value}\",le=\"+Inf\"}} {count}");
        let _ = writeln!(out, "{name}_sum{{{label}=\"{value}\"}} {sum}");
        let _ = writeln!(out, "{name}_count{{{label}=\"{value}\"}} {count}");
    }
}

impl State {
    /// Lets go of what is older than two windows.
    fn turn(&mut self, now: clock::Instant) {
        let age = now.saturating_duration_since(self.turned);
        if age < WINDOW {
            return;
        }
        std::mem::swap(&mut self.current, &mut self.previous);
        self.current.reset();
        if age >= 2 * WINDOW {
            self.previous.reset();
        }
        self.turned = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cumulative_and_percentiles_recent() {
        let latency = Latency::default();
        assert_eq!(latency.recent(), Quantiles::default());
        for us in [400, 600, 3_000, 40_000] {
            latency.record(Duration::from_micros(us), 1);
        }
        latency.record(Duration::from_secs(600), 2);
        let mut out = String::new();
        latency.write("m", "stage", "sieve", &mut out);
        for line in [
            "m_bucket{stage=\"sieve\",le=\"0.001\"} 2",
            "m_bucket{stage=\"sieve\",le=\"0.005\"} 3",
            "m_bucket{stage=\"sieve\",le=\"0.05\"} 4",
            "m_bucket{stage=\"sieve\",le=\"30\"} 4",
            "m_bucket{stage=\"sieve\",le=\"+Inf\"} 6",
            "m_count{stage=\"sieve\"} 6",
            "m_sum{stage=\"sieve\"} 1200.044",
        ] {
            assert!(out.contains(line), "{line} in\n{out}");
        }
        let q = latency.recent();
        assert_eq!(q.count, 6);
        assert!((0.0029..0.0032).contains(&q.p50) && q.p99 > 59.0, "{q:?}");
    }

    #[test]
    fn old_values_leave_the_percentiles_but_not_the_buckets() {
        let latency = Latency::default();
        latency.record(Duration::from_millis(5), 1);
        let later = |n| clock::monotonic() + n * WINDOW;
        let mut state = latency.0.lock().unwrap();
        state.turn(later(1));
        assert_eq!((state.current.len(), state.previous.len()), (0, 1));
        state.turn(later(2) + WINDOW / 2);
        assert_eq!((state.current.len(), state.previous.len()), (0, 0));
        assert_eq!(state.total.len(), 1);
    }
}

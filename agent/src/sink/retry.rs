//! How long to wait before sending the same bytes again.
//!
//! Full jitter: a random time between zero and a bound that doubles with each attempt, so that
//! agents that lost the same store do not come back together. No cap on the number of attempts:
//! the spool is the bound.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

/// Bounds of the waits of a sink.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// Bound of the first wait after a failure that passes by itself (429, 5xx, connection).
    pub first: Duration,
    /// Bound of any such wait.
    pub max: Duration,
    /// Bound of the first wait when an operator is needed (401, 403, 404, blocked ingestion).
    pub hold_first: Duration,
    /// Bound of any such wait.
    pub hold_max: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Backoff {
            first: Duration::from_millis(500),
            max: Duration::from_secs(30),
            hold_first: Duration::from_secs(5),
            hold_max: Duration::from_secs(60),
        }
    }
}

/// Longest wait that a store may ask for.
pub(super) const RETRY_AFTER_MAX: Duration = Duration::from_secs(300);

/// Waits of one sink, from a seed.
pub(super) struct Waits {
    backoff: Backoff,
    random: u64,
}

impl Waits {
    /// With a seed of the process's own.
    pub(super) fn new(backoff: Backoff) -> Self {
        Waits::seeded(backoff, RandomState::new().hash_one(0u8))
    }

    pub(super) fn seeded(backoff: Backoff, seed: u64) -> Self {
        Waits { backoff, random: seed }
    }

    /// The wait before attempt number `attempt` (1 = the first repetition).
    pub(super) fn next(&mut self, attempt: u32, hold: bool) -> Duration {
        let Backoff { first, max, hold_first, hold_max } = self.backoff;
        let (first, max) = if hold { (hold_first, hold_max) } else { (first, max) };
        let bound = first.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(max);
        // 53 bits make a uniform fraction.
        bound.mul_f64((self.draw() >> 11) as f64 / (1u64 << 53) as f64)
    }

    /// SplitMix64 (Steele, Lea, Flood 2014).
    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = self.random;
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// The wait that a `Retry-After` header asks for, in seconds. A date is not read: the backoff
/// covers it.
pub(super) fn retry_after(value: &[u8]) -> Option<Duration> {
    let text = std::str::from_utf8(value).ok()?.trim();
    let seconds = text.parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_stay_within_bounds_that_double() {
        let mut waits = Waits::seeded(Backoff::default(), 7);
        for (attempt, bound_ms) in [(1, 500), (2, 1000), (3, 2000), (7, 30_000), (1000, 30_000)] {
            let drawn: Vec<_> = (0..500).map(|_| waits.next(attempt, false)).collect();
            let bound = Duration::from_millis(bound_ms);
            assert!(drawn.iter().all(|w| *w <= bound));
            assert!(drawn.iter().any(|w| *w > bound.mul_f64(0.9)), "attempt {attempt}");
            assert!(drawn.iter().any(|w| *w < bound.mul_f64(0.1)), "attempt {attempt}");
        }
        assert!((0..500).any(|_| waits.next(1, true) > Duration::from_secs(3)));
    }

    #[test]
    fn retry_after_is_read_in_seconds_and_bounded() {
        let rows: [(&[u8], Option<u64>); 6] = [
            (b"0", Some(0)),
            (b" 7 ", Some(7)),
            (b"999999", Some(300)),
            (b"-1", None),
            (b"Wed, 21 Oct 2026 07:28:00 GMT", None),
            (b"\xff", None),
        ];
        for (value, seconds) in rows {
            assert_eq!(retry_after(value), seconds.map(Duration::from_secs));
        }
    }
}

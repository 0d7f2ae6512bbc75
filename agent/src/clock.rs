//! The only place that reads the time.

pub use std::time::{Duration, Instant};

/// Wall clock, nanoseconds since the Unix epoch.
#[allow(clippy::disallowed_methods, reason = "this module is where the clock is read")]
pub fn now_ns() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |d| i64::try_from(d.as_nanos()).unwrap_or(i64::MAX))
}

/// Monotonic clock, for durations.
#[allow(clippy::disallowed_methods, reason = "this module is where the clock is read")]
pub fn monotonic() -> Instant {
    Instant::now()
}

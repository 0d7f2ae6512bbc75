//! Time taken by several subjects over the same bytes, in turns, so that whatever slows the
//! machine for a moment slows all of them. The time is what the thread had of its processor, so
//! that other processes, which interrupt long passes more often than short ones, do not count.

use std::hint::black_box;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Bytes of the reference copy: more than the caches of a core, however small the corpus, so that
/// the ratios of small and large runs mean the same.
const COPY_BYTES: usize = 32 << 20;

/// The passes of one subject over one corpus.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timing {
    passes: Vec<Duration>,
}

impl Timing {
    pub(crate) fn add(&mut self, pass: Duration) {
        self.passes.push(pass);
    }

    /// Takes the passes of another run of the same.
    pub(crate) fn merge(&mut self, other: &Timing) {
        self.passes.extend_from_slice(&other.passes);
    }

    /// The same, had it taken twice the time.
    #[cfg(test)]
    pub(crate) fn twice(self) -> Timing {
        Timing { passes: self.passes.into_iter().map(|p| 2 * p).collect() }
    }

    /// Number of passes.
    pub(crate) fn passes(&self) -> usize {
        self.passes.len()
    }

    /// Seconds of the fastest pass.
    pub(crate) fn best(&self) -> f64 {
        self.passes.iter().min().map_or(f64::INFINITY, Duration::as_secs_f64)
    }

    /// How much longer the middle pass took than the fastest, as a fraction.
    pub(crate) fn spread(&self) -> f64 {
        let mut sorted = self.passes.clone();
        sorted.sort_unstable();
        let median = sorted.get(sorted.len() / 2).map_or(f64::INFINITY, Duration::as_secs_f64);
        median / self.best() - 1.0
    }
}

/// How long a definition is measured.
#[derive(Clone, Copy)]
pub(crate) struct Patience {
    /// Passes of each subject, at least.
    pub(crate) passes_min: usize,
    /// Passes of each subject, at most.
    pub(crate) passes_max: usize,
    /// No new pass begins after this, once there are enough.
    pub(crate) time: Duration,
}

/// Runs `round` in turns until the patience is at an end.
///
/// # Errors
/// What `round` refuses.
pub(crate) fn rounds(
    patience: Patience,
    mut round: impl FnMut() -> Result<(), String>,
) -> Result<(), String> {
    let start = wall();
    for n in 0..patience.passes_max {
        if n >= patience.passes_min && start.elapsed() >= patience.time {
            break;
        }
        round()?;
    }
    Ok(())
}

/// The processor time that `work` takes, and what it gives.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = processor();
    let out = work();
    (processor().saturating_sub(start), out)
}

/// What this thread has had of a processor.
fn processor() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
}

#[allow(clippy::disallowed_methods, reason = "a benchmark measures; the kernel has no clock")]
fn wall() -> Instant {
    Instant::now()
}

/// The physical reference: bytes copied from memory to memory.
pub(crate) struct Memcpy {
    from: Vec<u8>,
    to: Vec<u8>,
}

impl Memcpy {
    /// Buffers that are in memory, not promised.
    pub(crate) fn new() -> Memcpy {
        let from: Vec<u8> = (0..COPY_BYTES).map(|i| i as u8 | 1).collect();
        Memcpy { to: from.clone(), from }
    }

    /// One copy.
    pub(crate) fn pass(&mut self) -> Duration {
        let (took, ()) = timed(|| self.to.copy_from_slice(black_box(&self.from)));
        black_box(&self.to);
        took
    }

    /// Bytes of one copy.
    pub(crate) const fn bytes() -> usize {
        COPY_BYTES
    }
}

//! The last clean records of each container, in memory: for `docker logs` and the page's tail.
//!
//! Bounded in lines and bytes per container and in containers. Holds clean records only.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use tamis_scrubber::record::{CleanBatch, CleanContainer, Stream};
use tokio::sync::broadcast;

use crate::limits::{RECENT_BYTES_MAX, RECENT_CONTAINERS_MAX, RECENT_LINES_MAX};

/// A clean record kept in memory.
#[derive(Clone)]
pub struct RecentLine {
    /// The container it came from.
    pub container: Arc<CleanContainer>,
    /// When the runtime saw the line, nanoseconds since the Unix epoch.
    pub timestamp_ns: i64,
    /// The stream it was written to.
    pub stream: Stream,
    /// The record as compact JSON.
    pub line: Arc<str>,
}

#[derive(Default)]
struct Ring {
    lines: VecDeque<RecentLine>,
    bytes: usize,
    touched: u64,
}

#[derive(Default)]
struct Rings {
    by_container: HashMap<Box<str>, Ring>,
    clock: u64,
}

/// Recent records of all containers.
pub struct Recent {
    rings: Mutex<Rings>,
    live: broadcast::Sender<RecentLine>,
}

impl Default for Recent {
    fn default() -> Self {
        Recent { rings: Mutex::default(), live: broadcast::channel(1024).0 }
    }
}

impl Recent {
    /// Keeps the end of a batch and shows it to followers.
    pub fn add(&self, batch: &CleanBatch) {
        let container = batch.container();
        let skip = batch.len().saturating_sub(RECENT_LINES_MAX);
        let mut rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        rings.clock += 1;
        let clock = rings.clock;
        if !rings.by_container.contains_key(container.id()) {
            forget_idle(&mut rings);
        }
        let ring = rings.by_container.entry(container.id().into()).or_default();
        ring.touched = clock;
        for entry in batch.entries().skip(skip) {
            let line = RecentLine {
                container: Arc::clone(container),
                timestamp_ns: entry.timestamp_ns,
                stream: entry.stream,
                line: entry.line.into(),
            };
            if self.live.receiver_count() > 0 {
                // No follower is no error; a slow one is told how many it missed.
                let _ = self.live.send(line.clone());
            }
            ring.bytes += line.line.len();
            ring.lines.push_back(line);
            while ring.lines.len() > RECENT_LINES_MAX || ring.bytes > RECENT_BYTES_MAX {
                let Some(old) = ring.lines.pop_front() else { break };
                ring.bytes -= old.line.len();
            }
        }
    }

    /// The last records of one container, oldest first.
    pub fn of(&self, container_id: &str, lines_max: usize) -> Vec<RecentLine> {
        let rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(ring) = rings.by_container.get(container_id) else { return Vec::new() };
        let skip = ring.lines.len().saturating_sub(lines_max);
        ring.lines.iter().skip(skip).cloned().collect()
    }

    /// The last records of all containers, oldest first.
    pub fn all(&self, lines_max: usize) -> Vec<RecentLine> {
        self.tail(lines_max, |_| true)
    }

    /// The last records of the containers that `wanted` accepts, oldest first.
    pub fn tail(
        &self,
        lines_max: usize,
        wanted: impl Fn(&CleanContainer) -> bool,
    ) -> Vec<RecentLine> {
        let rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |r: &Ring| r.lines.back().is_some_and(|l| wanted(&l.container));
        let each = rings.by_container.values().filter(|r| of(r));
        let newest = |r: &Ring| r.lines.len().saturating_sub(lines_max);
        let mut lines: Vec<RecentLine> =
            each.flat_map(|r| r.lines.iter().skip(newest(r)).cloned()).collect();
        // Stable: what a container wrote within one tick of its clock stays in order.
        lines.sort_by_key(|l| l.timestamp_ns);
        let skip = lines.len().saturating_sub(lines_max);
        lines.split_off(skip)
    }

    /// Records from now on, of all containers.
    pub fn follow(&self) -> broadcast::Receiver<RecentLine> {
        self.live.subscribe()
    }
}

fn forget_idle(rings: &mut Rings) {
    if rings.by_container.len() < RECENT_CONTAINERS_MAX {
        return;
    }
    let idle = rings.by_container.iter().min_by_key(|(_, r)| r.touched).map(|(id, _)| id.clone());
    if let Some(id) = idle {
        rings.by_container.remove(&id);
    }
}

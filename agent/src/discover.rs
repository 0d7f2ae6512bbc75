//! Who is running: the one table of containers. Sources fill it; pipeline, stats and page read it.
//!
//! Names and labels pass the sieve before they enter; nothing here holds raw metadata. A container
//! that stops stays in the table until [`crate::limits::CONTAINERS_MAX`] forces the ones that
//! stopped first out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tamis_scrubber::record::CleanContainer;
use tamis_scrubber::sieve::ProfileId;
use tamis_scrubber::sieve::{RawContainer, Sieve};

use crate::limits::CONTAINERS_MAX;

/// A container that a source reads.
pub struct Container {
    /// Identity after both walls.
    pub clean: Arc<CleanContainer>,
    /// Profile chosen by policy, service or image; `None` = detected from each line.
    pub profile: Option<ProfileId>,
    /// When it was started, nanoseconds since the Unix epoch; 0 = unknown.
    pub started_ns: i64,
}

struct Known {
    container: Arc<Container>,
    running: bool,
    /// Order of registration, to forget the oldest first.
    seq: u64,
}

#[derive(Default)]
struct Table {
    containers: HashMap<Box<str>, Known>,
    seq: u64,
}

/// The table of containers, keyed by full id.
pub struct Registry {
    sieve: Arc<Sieve>,
    table: Mutex<Table>,
}

impl Registry {
    /// An empty table whose labels pass `sieve`.
    pub fn new(sieve: Arc<Sieve>) -> Self {
        Registry { sieve, table: Mutex::default() }
    }

    /// Enters a running container, or refreshes it, and returns its identity. `None` when the id
    /// is not a container id or the table is full of running containers.
    pub fn register(&self, raw: RawContainer<'_>, started_ns: i64) -> Option<Arc<Container>> {
        let profile = self.sieve.profile_for(raw.service, raw.image);
        let clean = self.sieve.container(raw);
        if clean.id().is_empty() {
            return None;
        }
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.seq += 1;
        let seq = table.seq;
        if let Some(known) = table.containers.get_mut(clean.id()) {
            known.running = true;
            let same = *known.container.clean == clean && known.container.started_ns == started_ns;
            if !same {
                known.container =
                    Arc::new(Container { clean: Arc::new(clean), profile, started_ns });
            }
            return Some(Arc::clone(&known.container));
        }
        if table.containers.len() >= CONTAINERS_MAX && !forget_oldest_stopped(&mut table) {
            return None;
        }
        let id = clean.id().into();
        let container = Arc::new(Container { clean: Arc::new(clean), profile, started_ns });
        let known = Known { container: Arc::clone(&container), running: true, seq };
        table.containers.insert(id, known);
        Some(container)
    }

    /// Marks a container as stopped.
    pub fn stopped(&self, id: &str) {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = table.containers.get_mut(id) {
            known.running = false;
        }
    }

    /// The container with this full id.
    pub fn get(&self, id: &str) -> Option<Arc<Container>> {
        let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.containers.get(id).map(|k| Arc::clone(&k.container))
    }

    /// Running containers, in order of registration.
    pub fn running(&self) -> Vec<Arc<Container>> {
        let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known: Vec<_> = table.containers.values().filter(|k| k.running).collect();
        known.sort_by_key(|k| k.seq);
        known.into_iter().map(|k| Arc::clone(&k.container)).collect()
    }
}

fn forget_oldest_stopped(table: &mut Table) -> bool {
    let stopped = table.containers.iter().filter(|(_, k)| !k.running);
    let Some(id) = stopped.min_by_key(|(_, k)| k.seq).map(|(id, _)| id.clone()) else {
        return false;
    };
    table.containers.remove(&id).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw<'a>(id: &'a str, name: &'a str) -> RawContainer<'a> {
        RawContainer { id, name, project: "demo", service: name, image: "caddy:2" }
    }

    #[test]
    fn a_container_is_entered_once_and_refreshed() {
        let registry = Registry::new(Arc::new(Sieve::builtin()));
        let id = "ab".repeat(32);
        let first = registry.register(raw(&id, "web"), 1).unwrap();
        let again = registry.register(raw(&id, "web"), 1).unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        let restarted = registry.register(raw(&id, "web"), 2).unwrap();
        assert_eq!(restarted.started_ns, 2);
        assert_eq!(registry.running().len(), 1);
        registry.stopped(&id);
        assert!(registry.running().is_empty() && registry.get(&id).is_some());
        assert!(registry.register(raw("not-an-id", "web"), 1).is_none());
    }
}

//! Container metrics, read from cgroupfs and procfs. Never the engine's statistics API, never a
//! walk over file systems of containers.
//!
//! Invariants:
//! - One collector per kind of resource ([`COLLECTORS`]); each reports success and duration, and
//!   one that fails never hides what the others read.
//! - A file that is not there is no failure: the container ended, or the kernel lacks the feature.
//! - A container that is gone is absent from the next snapshot.
//! - Labels come from [`CleanContainer`] only. A container that nobody registered shows its id.
//! - Roots are parameters, so tests point at trees of fixtures.
//!
//! Units: cgroup v2 and pressure files count microseconds, v1 nanoseconds and `USER_HZ` ticks; the
//! snapshot holds seconds and bytes.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::clock;
use crate::discover::{Container, Registry};

mod cgroup_v1;
mod cgroup_v2;
mod exposition;
mod files;
mod locate;
mod machine;
mod network;
mod pressure;
mod snapshot;
mod tasks;
#[cfg(test)]
mod tests;

use files::Files;
use locate::{Hierarchies, Place};
use machine::Machine;

pub use exposition::{ContainerMetric, container_metrics, render};
pub use snapshot::{
    CollectorRun, ContainerStats, Cpu, Device, Interface, Memory, Network, Pressure, Snapshot,
    Tasks,
};

/// Where the kernel's file systems are.
#[derive(Clone, Debug)]
pub struct StatsConfig {
    /// Usually `/sys/fs/cgroup`.
    pub cgroup_root: PathBuf,
    /// Usually `/proc`; the host's, or a process of another container cannot be found.
    pub proc_root: PathBuf,
}

/// The hierarchies are walked again after this many samples, to find what nobody registered.
const RESCAN_SAMPLES: u32 = 6;
/// A registered container without a cgroup is searched in this many samples one after another.
const SEARCHES_MAX: u8 = 3;

/// What a collector works on: one container, its place, and the machine it runs on.
struct Visit<'a> {
    place: &'a Place,
    files: &'a mut Files,
    machine: &'a Machine,
    out: &'a mut ContainerStats,
}

/// One kind of resource.
struct Collector {
    name: &'static str,
    collect: fn(&mut Visit<'_>),
}

/// In order: `network` reads the process that `tasks` found.
const COLLECTORS: [Collector; 6] = [
    Collector { name: "cpu", collect: cpu },
    Collector { name: "memory", collect: memory },
    Collector { name: "io", collect: io },
    Collector { name: "tasks", collect: tasks::collect },
    Collector { name: "network", collect: network::collect },
    Collector { name: "pressure", collect: pressure::collect },
];

fn cpu(v: &mut Visit<'_>) {
    match v.place {
        Place::V1(dirs) => cgroup_v1::cpu(dirs, v.files, &mut v.out.cpu),
        Place::V2(dir) => cgroup_v2::cpu(dir, v.files, &mut v.out.cpu),
    }
}

fn memory(v: &mut Visit<'_>) {
    match v.place {
        Place::V1(dirs) => cgroup_v1::memory(dirs, v.files, &mut v.out.memory),
        Place::V2(dir) => cgroup_v2::memory(dir, v.files, &mut v.out.memory),
    }
}

fn io(v: &mut Visit<'_>) {
    let found = &mut v.out.devices;
    match v.place {
        Place::V1(dirs) => cgroup_v1::io(dirs, v.files, found),
        Place::V2(dir) => cgroup_v2::io(dir, v.files, found),
    }
    for device in found {
        device.name = v.machine.device_name(device.major, device.minor);
    }
}

/// A container with a cgroup, and what is remembered of it from sample to sample.
struct Located {
    id: Box<str>,
    place: Place,
    /// A process of the container, kept while it lives, so that values tied to it do not jump.
    pid: Option<u32>,
    /// When that process started, seconds since the Unix epoch.
    pid_started: Option<f64>,
}

/// Reads the metrics of every container. Blocking: call it where blocking is allowed.
pub struct Sampler {
    config: StatsConfig,
    registry: Arc<Registry>,
    files: Files,
    located: Vec<Located>,
    searched: HashMap<Box<str>, u8>,
    samples_since_scan: u32,
    discovery_ok: bool,
}

impl Sampler {
    /// A sampler of the containers below `config.cgroup_root`, named by `registry`.
    pub fn new(config: StatsConfig, registry: Arc<Registry>) -> Self {
        Sampler {
            config,
            registry,
            files: Files::default(),
            located: Vec::new(),
            searched: HashMap::new(),
            samples_since_scan: RESCAN_SAMPLES,
            discovery_ok: false,
        }
    }

    /// Reads everything once. Costs a few system calls per container and file.
    pub fn sample(&mut self) -> Snapshot {
        let mut runs = Vec::with_capacity(COLLECTORS.len() + 2);
        let started = clock::monotonic();
        self.locate();
        runs.push(run("discovery", started, self.discovery_ok));

        let started = clock::monotonic();
        let machine = Machine::read(&self.config.proc_root, &mut self.files);
        runs.push(run("machine", started, self.files.take_failures() == 0));

        let mut containers: Vec<_> = self.located.iter().map(|l| self.blank(l)).collect();
        for collector in COLLECTORS {
            let started = clock::monotonic();
            for (out, at) in containers.iter_mut().zip(&self.located) {
                let files = &mut self.files;
                (collector.collect)(&mut Visit { place: &at.place, files, machine: &machine, out });
            }
            runs.push(run(collector.name, started, self.files.take_failures() == 0));
        }
        self.start_times(&machine, &mut containers);
        containers.retain(ContainerStats::is_present);
        Snapshot {
            taken_ns: clock::now_ns(),
            cpu_cores: machine.cpu_cores,
            memory_bytes: machine.memory_bytes,
            swap_bytes: machine.swap_bytes,
            containers,
            collectors: runs,
        }
    }

    fn blank(&self, at: &Located) -> ContainerStats {
        let known = self.registry.get(&at.id);
        let started_ns = known.as_ref().map_or(0, |c| c.started_ns);
        ContainerStats {
            id: at.id.clone(),
            clean: known.map(|c| Arc::clone(&c.clean)),
            start_time_seconds: (started_ns > 0).then_some((started_ns / 1_000_000) as f64 / 1e3),
            tasks: Tasks { pid: at.pid, ..Tasks::default() },
            ..ContainerStats::default()
        }
    }

    /// Keeps the process found, and asks the kernel for its age where the registry knows none.
    fn start_times(&mut self, machine: &Machine, containers: &mut [ContainerStats]) {
        for (at, stats) in self.located.iter_mut().zip(containers) {
            if at.pid != stats.tasks.pid {
                at.pid = stats.tasks.pid;
                at.pid_started = None;
            }
            if stats.start_time_seconds.is_some() {
                continue;
            }
            if let (None, Some(pid)) = (at.pid_started, at.pid) {
                at.pid_started = tasks::started(machine, pid, &mut self.files);
            }
            stats.start_time_seconds = at.pid_started;
        }
        // A process that ended in between is no failure of a collector.
        self.files.take_failures();
    }

    fn locate(&mut self) {
        let running = self.registry.running();
        let wanted = self.wanted(&running);
        if self.samples_since_scan < RESCAN_SAMPLES && wanted.is_empty() {
            self.samples_since_scan += 1;
            return;
        }
        self.samples_since_scan = 1;
        let hierarchies = Hierarchies::detect(&self.config.cgroup_root);
        self.discovery_ok = hierarchies.found();
        let mut before: HashMap<_, _> =
            self.located.drain(..).map(|l| (l.id, (l.pid, l.pid_started))).collect();
        for (id, place) in hierarchies.scan() {
            let (pid, pid_started) = before.remove(&id).unwrap_or_default();
            self.located.push(Located { id, place, pid, pid_started });
        }
        let found = |id: &str| self.located.iter().any(|l| &*l.id == id);
        self.searched.retain(|id, _| running.iter().any(|c| c.clean.id() == &**id));
        for id in wanted {
            if found(&id) {
                self.searched.remove(&id);
            } else {
                *self.searched.entry(id).or_default() += 1;
            }
        }
    }

    /// Registered containers without a cgroup that are still worth a search: the log driver hears
    /// of a container before its cgroup exists.
    fn wanted(&self, running: &[Arc<Container>]) -> Vec<Box<str>> {
        let ids: std::collections::HashSet<&str> = self.located.iter().map(|l| &*l.id).collect();
        let missing = running.iter().map(|c| c.clean.id()).filter(|id| !ids.contains(id));
        let tries = |id: &str| self.searched.get(id).copied().unwrap_or(0);
        missing.filter(|id| tries(id) < SEARCHES_MAX).map(Into::into).collect()
    }
}

fn run(name: &'static str, started: clock::Instant, success: bool) -> CollectorRun {
    let duration: Duration = clock::monotonic().saturating_duration_since(started);
    CollectorRun { name, success, duration }
}

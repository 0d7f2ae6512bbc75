//! The classic text format (0.0.4) of a snapshot: cAdvisor's names and labels, so that dashboards
//! made for it work. No timestamps: they would defeat Prometheus' staleness.
//!
//! Label values are a container's clean identity, device and interface names of the kernel, and
//! words of this file.

use std::fmt::Write as _;

use super::snapshot::{
    CollectorRun, ContainerStats, Cpu, Device, Interface, Memory, Pressure, Snapshot,
};

/// Longest label value, bytes.
const LABEL_BYTES_MAX: usize = 256;

/// A metric that `/metrics/containers` shows.
#[derive(Clone, Copy, Debug)]
pub struct ContainerMetric {
    /// Its name.
    pub name: &'static str,
    /// `counter`, `gauge` or `untyped`.
    pub kind: &'static str,
    /// What it says, one sentence.
    pub help: &'static str,
}

/// One metric of every container.
struct Family {
    metric: ContainerMetric,
    write: fn(&ContainerStats, &mut Series<'_>),
}

const COUNTER: &str = "counter";
const GAUGE: &str = "gauge";
/// cAdvisor calls it a counter, but without `_total` that is not one by today's rules.
const UNTYPED: &str = "untyped";

macro_rules! families {
    ($($kind:ident $name:literal $help:literal $write:expr;)*) => {
        &[$(Family {
            metric: ContainerMetric { name: $name, kind: $kind, help: $help },
            write: $write,
        }),*]
    };
}

/// The metrics, in order of output.
const FAMILIES: &[Family] = families! {
    COUNTER "container_cpu_usage_seconds_total"
        "Processor time used." |c, s| s.cpu_total(c.cpu.usage_seconds);
    COUNTER "container_cpu_user_seconds_total"
        "Processor time in user mode." |c, s| s.cpu(|x| x.user_seconds, c);
    COUNTER "container_cpu_system_seconds_total"
        "Processor time in the kernel." |c, s| s.cpu(|x| x.system_seconds, c);
    COUNTER "container_cpu_cfs_periods_total"
        "Elapsed enforcement periods." |c, s| s.count(c.cpu.periods);
    COUNTER "container_cpu_cfs_throttled_periods_total"
        "Periods in which the quota was used up." |c, s| s.count(c.cpu.throttled_periods);
    COUNTER "container_cpu_cfs_throttled_seconds_total"
        "Time throttled." |c, s| s.cpu(|x| x.throttled_seconds, c);
    COUNTER "container_cpu_cfs_burst_periods_total"
        "Periods in which a burst was used." |c, s| s.count(c.cpu.burst_periods);
    COUNTER "container_cpu_cfs_burst_seconds_total"
        "Time above quota in bursts." |c, s| s.cpu(|x| x.burst_seconds, c);
    GAUGE "container_spec_cpu_period"
        "Length of an enforcement period, microseconds." |c, s| s.count(c.cpu.period_us);
    GAUGE "container_spec_cpu_quota"
        "Processor time allowed per period, microseconds; absent = not limited."
        |c, s| s.count(c.cpu.quota_us);
    GAUGE "container_spec_cpu_shares"
        "Relative processor weight." |c, s| s.count(c.cpu.shares);
    GAUGE "container_memory_usage_bytes"
        "Memory charged, page cache included." |c, s| s.mem(|m| m.usage_bytes, c);
    GAUGE "container_memory_working_set_bytes"
        "Usage less inactive page cache." |c, s| s.mem(|m| m.working_set_bytes, c);
    GAUGE "container_memory_rss"
        "Anonymous memory, bytes." |c, s| s.mem(|m| m.rss, c);
    GAUGE "container_memory_cache"
        "Page cache, bytes." |c, s| s.mem(|m| m.cache, c);
    GAUGE "container_memory_mapped_file"
        "Mapped files, bytes." |c, s| s.mem(|m| m.mapped_file, c);
    GAUGE "container_memory_swap"
        "Swap in use, bytes." |c, s| s.mem(|m| m.swap, c);
    GAUGE "container_memory_max_usage_bytes"
        "Highest usage." |c, s| s.mem(|m| m.max_usage_bytes, c);
    GAUGE "container_memory_kernel_usage"
        "Kernel memory, bytes." |c, s| s.mem(|m| m.kernel_usage, c);
    UNTYPED "container_memory_failcnt"
        "How often usage met the limit." |c, s| s.mem(|m| m.failcnt, c);
    COUNTER "container_memory_failures_total"
        "Page faults." |c, s| s.faults(&c.memory);
    COUNTER "container_memory_events_high_total"
        "How often memory.high throttled." |c, s| s.mem(|m| m.events_high, c);
    COUNTER "container_memory_events_max_total"
        "How often usage was about to pass the limit." |c, s| s.mem(|m| m.events_max, c);
    GAUGE "container_spec_memory_limit_bytes"
        "Memory limit; 0 = none." |c, s| s.mem(|m| m.limit_bytes, c);
    GAUGE "container_spec_memory_swap_limit_bytes"
        "Swap limit (cgroup v1: memory and swap); 0 = none."
        |c, s| s.mem(|m| m.swap_limit_bytes, c);
    GAUGE "container_spec_memory_reservation_limit_bytes"
        "Memory reserved; 0 = none." |c, s| s.mem(|m| m.reservation_bytes, c);
    COUNTER "container_oom_events_total"
        "Processes killed for want of memory, from the cgroup (cAdvisor: from the kernel log)."
        |c, s| s.mem(|m| m.oom_kills, c);
    COUNTER "container_fs_reads_bytes_total"
        "Bytes read from block devices." |c, s| s.devices(c, |d| d.read_bytes);
    COUNTER "container_fs_writes_bytes_total"
        "Bytes written to block devices." |c, s| s.devices(c, |d| d.written_bytes);
    COUNTER "container_fs_reads_total"
        "Reads from block devices." |c, s| s.devices(c, |d| d.reads);
    COUNTER "container_fs_writes_total"
        "Writes to block devices." |c, s| s.devices(c, |d| d.writes);
    COUNTER "container_blkio_device_usage_total"
        "Bytes moved, by device and operation." |c, s| s.blkio(c);
    COUNTER "container_network_receive_bytes_total"
        "Bytes received." |c, s| s.network(c, |i| i.received[0]);
    COUNTER "container_network_receive_packets_total"
        "Packets received." |c, s| s.network(c, |i| i.received[1]);
    COUNTER "container_network_receive_errors_total"
        "Errors while receiving." |c, s| s.network(c, |i| i.received[2]);
    COUNTER "container_network_receive_packets_dropped_total"
        "Packets dropped while receiving." |c, s| s.network(c, |i| i.received[3]);
    COUNTER "container_network_transmit_bytes_total"
        "Bytes sent." |c, s| s.network(c, |i| i.transmitted[0]);
    COUNTER "container_network_transmit_packets_total"
        "Packets sent." |c, s| s.network(c, |i| i.transmitted[1]);
    COUNTER "container_network_transmit_errors_total"
        "Errors while sending." |c, s| s.network(c, |i| i.transmitted[2]);
    COUNTER "container_network_transmit_packets_dropped_total"
        "Packets dropped while sending." |c, s| s.network(c, |i| i.transmitted[3]);
    GAUGE "tamis_stats_host_network"
        "1 for a container on the host's network, which has no counters of its own."
        |c, s| s.count(c.network.host.then_some(1));
    GAUGE "container_processes"
        "Processes." |c, s| s.count(c.tasks.processes);
    GAUGE "container_threads"
        "Threads." |c, s| s.count(c.tasks.threads);
    GAUGE "container_threads_max"
        "Limit of threads; 0 = none." |c, s| s.count(c.tasks.threads_max);
    COUNTER "container_pressure_cpu_waiting_seconds_total"
        "Time in which a task waited for a processor." |c, s| s.waiting(c, 0);
    COUNTER "container_pressure_cpu_stalled_seconds_total"
        "Time in which all tasks waited for a processor." |c, s| s.stalled(c, 0);
    COUNTER "container_pressure_memory_waiting_seconds_total"
        "Time in which a task waited for memory." |c, s| s.waiting(c, 1);
    COUNTER "container_pressure_memory_stalled_seconds_total"
        "Time in which all tasks waited for memory." |c, s| s.stalled(c, 1);
    COUNTER "container_pressure_io_waiting_seconds_total"
        "Time in which a task waited for I/O." |c, s| s.waiting(c, 2);
    COUNTER "container_pressure_io_stalled_seconds_total"
        "Time in which all tasks waited for I/O." |c, s| s.stalled(c, 2);
    GAUGE "container_start_time_seconds"
        "When it was started, Unix time." |c, s| s.put("", c.start_time_seconds);
    GAUGE "container_last_seen"
        "When it was last sampled, Unix time." |_, s| s.count(Some(s.seen));
};

const fn gauge(name: &'static str, help: &'static str) -> ContainerMetric {
    ContainerMetric { name, kind: GAUGE, help }
}

/// The machine, in the order of the values in [`render`].
const MACHINE: [ContainerMetric; 3] = [
    gauge("machine_cpu_cores", "Processors of the machine."),
    gauge("machine_memory_bytes", "Memory of the machine."),
    gauge("machine_swap_bytes", "Swap of the machine."),
];

/// The collectors themselves: success, duration.
const COLLECTORS: [ContainerMetric; 2] = [
    gauge(
        "tamis_stats_collector_success",
        "Whether the collector could read everything that exists.",
    ),
    gauge("tamis_stats_collector_duration_seconds", "Time the collector took for all containers."),
];

/// Writes one metric's lines; its header goes before the first of them.
struct Series<'a> {
    out: &'a mut String,
    family: &'a Family,
    labels: &'a str,
    seen: u64,
    headed: bool,
}

impl Series<'_> {
    fn put(&mut self, more: &str, value: Option<f64>) {
        let Some(value) = value else { return };
        if !std::mem::replace(&mut self.headed, true) {
            header(self.out, &self.family.metric);
        }
        let Series { out, family, labels, .. } = self;
        let comma = if more.is_empty() { "" } else { "," };
        // A write to a String cannot fail.
        let _ = writeln!(out, "{}{{{labels}{comma}{more}}} {value}", family.metric.name);
    }

    fn count(&mut self, value: Option<u64>) {
        self.put("", value.map(|n| n as f64));
    }

    fn cpu_total(&mut self, value: Option<f64>) {
        self.put("cpu=\"total\"", value);
    }

    fn cpu(&mut self, get: fn(&Cpu) -> Option<f64>, c: &ContainerStats) {
        self.put("", get(&c.cpu));
    }

    fn mem(&mut self, get: fn(&Memory) -> Option<u64>, c: &ContainerStats) {
        self.count(get(&c.memory));
    }

    /// The kernel counts children in, so both scopes are the same, as in cAdvisor.
    fn faults(&mut self, m: &Memory) {
        for (kind, n) in [("pgfault", m.page_faults), ("pgmajfault", m.major_page_faults)] {
            for scope in ["container", "hierarchy"] {
                let more = format!("failure_type=\"{kind}\",scope=\"{scope}\"");
                self.put(&more, n.map(|n| n as f64));
            }
        }
    }

    fn devices(&mut self, c: &ContainerStats, get: fn(&Device) -> u64) {
        for d in &c.devices {
            self.put(&label("device", &d.name), Some(get(d) as f64));
        }
    }

    fn blkio(&mut self, c: &ContainerStats) {
        for d in &c.devices {
            for (operation, n) in [("Read", d.read_bytes), ("Write", d.written_bytes)] {
                let device = label("device", &d.name);
                let Device { major, minor, .. } = d;
                let more = format!(
                    "{device},major=\"{major}\",minor=\"{minor}\",operation=\"{operation}\""
                );
                self.put(&more, Some(n as f64));
            }
        }
    }

    fn network(&mut self, c: &ContainerStats, get: fn(&Interface) -> u64) {
        for i in &c.network.interfaces {
            self.put(&label("interface", &i.name), Some(get(i) as f64));
        }
    }

    fn waiting(&mut self, c: &ContainerStats, resource: usize) {
        self.put("", c.pressure.get(resource).and_then(|p: &Pressure| p.waiting_seconds));
    }

    fn stalled(&mut self, c: &ContainerStats, resource: usize) {
        self.put("", c.pressure.get(resource).and_then(|p: &Pressure| p.stalled_seconds));
    }
}

/// Appends the snapshot.
pub fn render(snapshot: &Snapshot, out: &mut String) {
    let labels: Vec<String> = snapshot.containers.iter().map(identity).collect();
    let seen = u64::try_from(snapshot.taken_ns / 1_000_000_000).unwrap_or(0);
    for family in FAMILIES {
        let mut headed = false;
        for (container, labels) in snapshot.containers.iter().zip(&labels) {
            let mut series = Series { out, family, labels, seen, headed };
            (family.write)(container, &mut series);
            headed = series.headed;
        }
    }
    let machine = [snapshot.cpu_cores, snapshot.memory_bytes, snapshot.swap_bytes];
    for (metric, value) in MACHINE.iter().zip(machine) {
        let Some(value) = value else { continue };
        header(out, metric);
        // A write to a String cannot fail.
        let _ = writeln!(out, "{} {value}", metric.name);
    }
    let [success, duration] = &COLLECTORS;
    collectors(snapshot, out, success, |run| f64::from(u8::from(run.success)));
    collectors(snapshot, out, duration, |run| run.duration.as_secs_f64());
}

/// Every metric of `/metrics/containers`, in order of output.
pub fn container_metrics() -> impl Iterator<Item = ContainerMetric> {
    let containers = FAMILIES.iter().map(|f| f.metric);
    containers.chain(MACHINE).chain(COLLECTORS)
}

fn collectors(
    snapshot: &Snapshot,
    out: &mut String,
    metric: &ContainerMetric,
    get: fn(&CollectorRun) -> f64,
) {
    if snapshot.collectors.is_empty() {
        return;
    }
    header(out, metric);
    for run in &snapshot.collectors {
        // A write to a String cannot fail.
        let _ = writeln!(out, "{}{{collector=\"{}\"}} {}", metric.name, run.name, get(run));
    }
}

fn header(out: &mut String, metric: &ContainerMetric) {
    let ContainerMetric { name, kind, help } = metric;
    // A write to a String cannot fail.
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

/// cAdvisor's labels of a container. Its `id` is the cgroup path; ours is the same whatever the
/// engine's cgroup driver and parent.
fn identity(c: &ContainerStats) -> String {
    let clean = c.clean.as_deref();
    [
        label("container_label_com_docker_compose_project", clean.map_or("", |c| c.project())),
        label("container_label_com_docker_compose_service", clean.map_or("", |c| c.service())),
        label("id", &format!("/docker/{}", c.id)),
        label("image", clean.map_or("", |c| c.image())),
        label("name", clean.map_or("", |c| c.name())),
    ]
    .join(",")
}

fn label(name: &str, value: &str) -> String {
    let mut out = format!("{name}=\"");
    let cut = value.floor_char_boundary(LABEL_BYTES_MAX);
    for c in value.get(..cut).unwrap_or_default().chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_values_are_escaped_and_bounded() {
        assert_eq!(label("a", "b\"c\\d\ne"), r#"a="b\"c\\d\ne""#);
        let long = "é".repeat(LABEL_BYTES_MAX);
        assert_eq!(label("a", &long).len(), LABEL_BYTES_MAX + 4);
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = container_metrics().map(|m| m.name).collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}

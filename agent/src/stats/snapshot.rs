//! What one sample found. Plain values in seconds and bytes; `None` = the kernel does not tell.

use std::sync::Arc;
use std::time::Duration;

use tamis_scrubber::record::CleanContainer;

/// Everything read at one moment. Immutable once made; shared behind an `Arc`.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// When, nanoseconds since the Unix epoch; 0 = never.
    pub taken_ns: i64,
    /// Processors of the machine.
    pub cpu_cores: Option<u64>,
    /// Memory of the machine.
    pub memory_bytes: Option<u64>,
    /// Swap of the machine.
    pub swap_bytes: Option<u64>,
    /// Running containers, ordered by id.
    pub containers: Vec<ContainerStats>,
    /// How each collector fared.
    pub collectors: Vec<CollectorRun>,
}

/// How one collector fared over all containers.
#[derive(Clone, Copy, Debug)]
pub struct CollectorRun {
    /// Its name, a metric label value.
    pub name: &'static str,
    /// Whether everything that exists could be read.
    pub success: bool,
    /// How long it took.
    pub duration: Duration,
}

/// One container at one moment.
#[derive(Clone, Debug, Default)]
pub struct ContainerStats {
    /// Full id, 64 hexadecimal digits.
    pub id: Box<str>,
    /// Its identity after both walls; `None` when no source registered it.
    pub clean: Option<Arc<CleanContainer>>,
    /// When it was started, seconds since the Unix epoch.
    pub start_time_seconds: Option<f64>,
    /// Processor time.
    pub cpu: Cpu,
    /// Memory.
    pub memory: Memory,
    /// Block devices.
    pub devices: Vec<Device>,
    /// Processes and threads.
    pub tasks: Tasks,
    /// Network.
    pub network: Network,
    /// Pressure stall: cpu, memory, io ([`Pressure::RESOURCES`]).
    pub pressure: [Pressure; 3],
}

impl ContainerStats {
    /// Whether any of its files was there.
    pub(super) fn is_present(&self) -> bool {
        self.cpu.usage_seconds.is_some()
            || self.memory.usage_bytes.is_some()
            || self.tasks.threads.is_some()
    }
}

/// Processor time and its limits.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cpu {
    /// All processor time.
    pub usage_seconds: Option<f64>,
    /// In user mode.
    pub user_seconds: Option<f64>,
    /// In the kernel.
    pub system_seconds: Option<f64>,
    /// Elapsed enforcement periods.
    pub periods: Option<u64>,
    /// Periods in which the quota was used up.
    pub throttled_periods: Option<u64>,
    /// Time spent waiting for the next period.
    pub throttled_seconds: Option<f64>,
    /// Periods in which the burst allowance was used.
    pub burst_periods: Option<u64>,
    /// Time above quota within the burst allowance.
    pub burst_seconds: Option<f64>,
    /// Length of a period, microseconds.
    pub period_us: Option<u64>,
    /// Time allowed per period, microseconds; `None` = not limited.
    pub quota_us: Option<u64>,
    /// Relative weight, in v1 shares.
    pub shares: Option<u64>,
}

/// Memory and its limits, bytes unless named otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Everything charged to the container.
    pub usage_bytes: Option<u64>,
    /// Usage less the page cache that is easy to drop; never below 0.
    pub working_set_bytes: Option<u64>,
    /// Anonymous memory.
    pub rss: Option<u64>,
    /// Page cache.
    pub cache: Option<u64>,
    /// Mapped files.
    pub mapped_file: Option<u64>,
    /// Swap in use.
    pub swap: Option<u64>,
    /// Highest usage.
    pub max_usage_bytes: Option<u64>,
    /// Kernel memory.
    pub kernel_usage: Option<u64>,
    /// How often usage met the limit.
    pub failcnt: Option<u64>,
    /// Page faults.
    pub page_faults: Option<u64>,
    /// Page faults that read from disk.
    pub major_page_faults: Option<u64>,
    /// How often the soft limit throttled (v2).
    pub events_high: Option<u64>,
    /// How often usage was about to pass the limit (v2).
    pub events_max: Option<u64>,
    /// Processes killed for want of memory.
    pub oom_kills: Option<u64>,
    /// Limit; 0 = none.
    pub limit_bytes: Option<u64>,
    /// Limit of swap (v1: memory and swap); 0 = none.
    pub swap_limit_bytes: Option<u64>,
    /// Memory kept from reclaim; 0 = none.
    pub reservation_bytes: Option<u64>,
}

/// One block device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// Major number.
    pub major: u32,
    /// Minor number.
    pub minor: u32,
    /// `/dev/sda`, or `8:0` when the kernel lists no such device.
    pub name: String,
    /// Bytes read.
    pub read_bytes: u64,
    /// Bytes written.
    pub written_bytes: u64,
    /// Reads.
    pub reads: u64,
    /// Writes.
    pub writes: u64,
}

/// Processes and threads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tasks {
    /// Processes.
    pub processes: Option<u64>,
    /// Threads.
    pub threads: Option<u64>,
    /// Limit of threads; 0 = none.
    pub threads_max: Option<u64>,
    /// A process of the container, as the configured procfs numbers it.
    pub pid: Option<u32>,
}

/// Network counters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// The container uses the host's network: it has no counters of its own.
    pub host: bool,
    /// Its interfaces, without the loopback.
    pub interfaces: Vec<Interface>,
}

/// One network interface: `[bytes, packets, errors, dropped]` per direction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Received.
    pub received: [u64; 4],
    /// Transmitted.
    pub transmitted: [u64; 4],
}

/// Time lost waiting for one resource.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pressure {
    /// At least one task waited.
    pub waiting_seconds: Option<f64>,
    /// All tasks waited.
    pub stalled_seconds: Option<f64>,
}

impl Pressure {
    /// Names of the resources, in the order of [`ContainerStats::pressure`].
    pub const RESOURCES: [&'static str; 3] = ["cpu", "memory", "io"];
}

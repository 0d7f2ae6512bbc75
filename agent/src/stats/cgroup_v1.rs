//! Version 1: a directory per controller. Nanoseconds, and ticks of `USER_HZ` in `cpuacct.stat`.
//! Formulas follow cAdvisor's, which follow the engine's.

use super::files::{Files, device, flat, from_ns};
use super::locate::V1;
use super::snapshot::{Cpu, Device, Memory};

/// `cpuacct.*` and `cpu.*`.
pub(super) fn cpu(dirs: &V1, files: &mut Files, out: &mut Cpu) {
    if let Some(dir) = &dirs.cpuacct {
        out.usage_seconds = files.number(dir, "cpuacct.usage").map(from_ns);
        let ticks = rustix::param::clock_ticks_per_second().max(1) as f64;
        for (key, n) in files.read(dir, "cpuacct.stat").map(flat).into_iter().flatten() {
            let slot = match key {
                "user" => &mut out.user_seconds,
                "system" => &mut out.system_seconds,
                _ => continue,
            };
            *slot = Some(n as f64 / ticks);
        }
    }
    let Some(dir) = &dirs.cpu else { return };
    for (key, n) in files.read(dir, "cpu.stat").map(flat).into_iter().flatten() {
        match key {
            "nr_periods" => out.periods = Some(n),
            "nr_throttled" => out.throttled_periods = Some(n),
            "throttled_time" => out.throttled_seconds = Some(from_ns(n)),
            "nr_bursts" => out.burst_periods = Some(n),
            "burst_time" => out.burst_seconds = Some(from_ns(n)),
            _ => {}
        }
    }
    out.period_us = files.number(dir, "cpu.cfs_period_us");
    // −1 = not limited, so a number that does not parse is no failure here.
    out.quota_us = files.read(dir, "cpu.cfs_quota_us").and_then(|t| t.trim().parse().ok());
    out.shares = files.number(dir, "cpu.shares");
}

/// `memory.*`. The `total_` keys include children of the container's cgroup.
pub(super) fn memory(dirs: &V1, files: &mut Files, out: &mut Memory) {
    let Some(dir) = &dirs.memory else { return };
    out.usage_bytes = files.number(dir, "memory.usage_in_bytes");
    let mut inactive_file = 0;
    for (key, n) in files.read(dir, "memory.stat").map(flat).into_iter().flatten() {
        match key {
            "total_rss" => out.rss = Some(n),
            "total_cache" => out.cache = Some(n),
            "total_mapped_file" => out.mapped_file = Some(n),
            "total_swap" => out.swap = Some(n),
            "total_inactive_file" => inactive_file = n,
            "total_pgfault" => out.page_faults = Some(n),
            "total_pgmajfault" => out.major_page_faults = Some(n),
            _ => {}
        }
    }
    out.working_set_bytes = out.usage_bytes.map(|u| u.saturating_sub(inactive_file));
    out.max_usage_bytes = files.number(dir, "memory.max_usage_in_bytes");
    out.kernel_usage = files.number(dir, "memory.kmem.usage_in_bytes");
    out.failcnt = files.number(dir, "memory.failcnt");
    let oom = files.read(dir, "memory.oom_control").map(flat).into_iter().flatten();
    out.oom_kills = oom.filter(|(key, _)| *key == "oom_kill").map(|(_, n)| n).last();
    out.limit_bytes = files.limit(dir, "memory.limit_in_bytes");
    out.swap_limit_bytes = files.limit(dir, "memory.memsw.limit_in_bytes");
    out.reservation_bytes = files.limit(dir, "memory.soft_limit_in_bytes");
}

/// `blkio.throttle.*`: the only counters that exist whatever the I/O scheduler.
pub(super) fn io(dirs: &V1, files: &mut Files, out: &mut Vec<Device>) {
    let Some(dir) = &dirs.blkio else { return };
    let kinds = [("blkio.throttle.io_service_bytes", true), ("blkio.throttle.io_serviced", false)];
    for (name, bytes) in kinds {
        let Some(text) = files.read(dir, name) else { continue };
        for line in text.lines() {
            let mut words = line.split_ascii_whitespace();
            let Some((major, minor)) = words.next().and_then(device) else { continue };
            let (Some(operation), Some(Ok(n))) = (words.next(), words.next().map(str::parse))
            else {
                continue;
            };
            let d = entry(out, major, minor);
            match (operation, bytes) {
                ("Read", true) => d.read_bytes = n,
                ("Write", true) => d.written_bytes = n,
                ("Read", false) => d.reads = n,
                ("Write", false) => d.writes = n,
                _ => {}
            }
        }
    }
}

fn entry(devices: &mut Vec<Device>, major: u32, minor: u32) -> &mut Device {
    let at = devices.iter().position(|d| (d.major, d.minor) == (major, minor));
    let at = at.unwrap_or_else(|| {
        devices.push(Device { major, minor, ..Device::default() });
        devices.len() - 1
    });
    // Proof: `at` is the position of an element or of the one just pushed.
    &mut devices[at]
}

//! Version 2: one directory. Microseconds.

use std::path::Path;

use super::files::{Files, device, flat, from_us};
use super::snapshot::{Cpu, Device, Memory};

/// `cpu.stat`, `cpu.max`, `cpu.weight`.
pub(super) fn cpu(dir: &Path, files: &mut Files, out: &mut Cpu) {
    for (key, n) in files.read(dir, "cpu.stat").map(flat).into_iter().flatten() {
        match key {
            "usage_usec" => out.usage_seconds = Some(from_us(n)),
            "user_usec" => out.user_seconds = Some(from_us(n)),
            "system_usec" => out.system_seconds = Some(from_us(n)),
            "nr_periods" => out.periods = Some(n),
            "nr_throttled" => out.throttled_periods = Some(n),
            "throttled_usec" => out.throttled_seconds = Some(from_us(n)),
            "nr_bursts" => out.burst_periods = Some(n),
            "burst_usec" => out.burst_seconds = Some(from_us(n)),
            _ => {}
        }
    }
    if let Some(text) = files.read(dir, "cpu.max") {
        // `max 100000` = not limited.
        let mut words = text.split_ascii_whitespace();
        out.quota_us = words.next().and_then(|w| w.parse().ok());
        out.period_us = words.next().and_then(|w| w.parse().ok());
    }
    out.shares = files.number(dir, "cpu.weight").map(shares);
}

/// The weight (1–10,000) in v1 shares (2–262,144), as cAdvisor converts it.
fn shares(weight: u64) -> u64 {
    weight.clamp(1, 10_000).saturating_sub(1) * 262_142 / 9_999 + 2
}

/// `memory.*`. The counts include children of the container's cgroup.
pub(super) fn memory(dir: &Path, files: &mut Files, out: &mut Memory) {
    out.usage_bytes = files.number(dir, "memory.current");
    let mut inactive_file = 0;
    for (key, n) in files.read(dir, "memory.stat").map(flat).into_iter().flatten() {
        match key {
            "anon" => out.rss = Some(n),
            "file" => out.cache = Some(n),
            "file_mapped" => out.mapped_file = Some(n),
            "kernel" => out.kernel_usage = Some(n),
            "inactive_file" => inactive_file = n,
            "pgfault" => out.page_faults = Some(n),
            "pgmajfault" => out.major_page_faults = Some(n),
            _ => {}
        }
    }
    out.working_set_bytes = out.usage_bytes.map(|u| u.saturating_sub(inactive_file));
    for (key, n) in files.read(dir, "memory.events").map(flat).into_iter().flatten() {
        match key {
            "high" => out.events_high = Some(n),
            "max" => (out.events_max, out.failcnt) = (Some(n), Some(n)),
            "oom_kill" => out.oom_kills = Some(n),
            _ => {}
        }
    }
    out.swap = files.number(dir, "memory.swap.current");
    out.max_usage_bytes = files.number(dir, "memory.peak");
    out.limit_bytes = files.limit(dir, "memory.max");
    out.swap_limit_bytes = files.limit(dir, "memory.swap.max");
    out.reservation_bytes = files.limit(dir, "memory.low");
}

/// `io.stat`: `8:0 rbytes=1 wbytes=2 rios=3 wios=4 …`. Some kernels put the numbers of idle
/// devices, alone, before the next device on the same line.
pub(super) fn io(dir: &Path, files: &mut Files, out: &mut Vec<Device>) {
    for line in files.read(dir, "io.stat").unwrap_or_default().lines() {
        let mut found = None;
        let mut d = Device::default();
        for word in line.split_ascii_whitespace() {
            let Some((key, n)) = word.split_once('=') else {
                found = device(word);
                continue;
            };
            let slot = match key {
                "rbytes" => &mut d.read_bytes,
                "wbytes" => &mut d.written_bytes,
                "rios" => &mut d.reads,
                "wios" => &mut d.writes,
                _ => continue,
            };
            *slot = n.parse().unwrap_or(0);
        }
        if let Some((major, minor)) = found {
            out.push(Device { major, minor, ..d });
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn weights_become_shares() {
        for (weight, shares) in [(0, 2), (1, 2), (39, 998), (100, 2597), (10_000, 262_144)] {
            assert_eq!(super::shares(weight), shares, "{weight}");
        }
    }
}

//! The machine: processors, memory, devices, boot time.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::files::Files;

/// Block devices whose names are kept.
const DEVICES_MAX: usize = 4096;

/// What is read once per sample for all containers.
pub(super) struct Machine {
    pub(super) proc_root: PathBuf,
    pub(super) cpu_cores: Option<u64>,
    pub(super) memory_bytes: Option<u64>,
    pub(super) swap_bytes: Option<u64>,
    /// Seconds since the Unix epoch.
    pub(super) boot_seconds: Option<u64>,
    /// Inode of the host network's `net/dev`.
    pub(super) host_network: Option<u64>,
    devices: HashMap<(u32, u32), Box<str>>,
}

impl Machine {
    /// Reads procfs.
    pub(super) fn read(proc_root: &Path, files: &mut Files) -> Machine {
        let mut m = Machine {
            proc_root: proc_root.to_owned(),
            cpu_cores: None,
            memory_bytes: None,
            swap_bytes: None,
            boot_seconds: None,
            host_network: files.inode(proc_root, "1/net/dev"),
            devices: HashMap::new(),
        };
        for line in files.read(proc_root, "stat").unwrap_or_default().lines() {
            match line.split_once(' ') {
                Some(("btime", n)) => m.boot_seconds = n.trim().parse().ok(),
                Some((cpu, _)) if is_core(cpu) => *m.cpu_cores.get_or_insert(0) += 1,
                _ => {}
            }
        }
        for line in files.read(proc_root, "meminfo").unwrap_or_default().lines() {
            match line.split_once(':') {
                Some(("MemTotal", n)) => m.memory_bytes = from_kib(n),
                Some(("SwapTotal", n)) => m.swap_bytes = from_kib(n),
                _ => {}
            }
        }
        let disks = files.read(proc_root, "diskstats").unwrap_or_default().lines();
        m.devices = disks.filter_map(disk).take(DEVICES_MAX).collect();
        m
    }

    /// `/dev/<name>`, or the numbers of a device that the kernel does not list.
    pub(super) fn device_name(&self, major: u32, minor: u32) -> String {
        match self.devices.get(&(major, minor)) {
            Some(name) => format!("/dev/{name}"),
            None => format!("{major}:{minor}"),
        }
    }
}

fn is_core(word: &str) -> bool {
    word.strip_prefix("cpu").is_some_and(|n| n.parse::<u32>().is_ok())
}

fn from_kib(text: &str) -> Option<u64> {
    text.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

fn disk(line: &str) -> Option<((u32, u32), Box<str>)> {
    let mut words = line.split_ascii_whitespace();
    let numbers = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some((numbers, words.next()?.into()))
}

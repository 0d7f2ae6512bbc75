//! Processes and threads of a container, and one process to ask further questions of.

use std::fs;
use std::path::Path;

use super::Visit;
use super::files::Files;
use super::locate::Place;
use super::machine::Machine;
use super::snapshot::Tasks;

/// Levels below the container searched for processes when it has made cgroups of its own.
const DEPTH_MAX: usize = 3;
/// Directories searched for them.
const DIRECTORIES_MAX: usize = 64;

/// `pids.current`, `pids.max`, `cgroup.procs`.
pub(super) fn collect(v: &mut Visit<'_>) {
    let (limits, procs) = match v.place {
        Place::V2(dir) => (Some(dir), Some(dir)),
        Place::V1(d) => {
            let any = [&d.pids, &d.memory, &d.cpuacct, &d.cpu, &d.blkio];
            (d.pids.as_ref(), any.into_iter().flatten().next())
        }
    };
    let out = &mut v.out.tasks;
    if let Some(dir) = limits {
        out.threads = v.files.number(dir, "pids.current");
        out.threads_max = v.files.limit(dir, "pids.max");
    }
    if let Some(dir) = procs {
        processes(dir, v.files, out);
    }
}

/// Counts processes and keeps the process known before while it lives, else takes the first. A
/// container that runs its own service manager has them all in cgroups below.
fn processes(dir: &Path, files: &mut Files, out: &mut Tasks) {
    let before = out.pid.take();
    let mut pending = vec![(dir.to_owned(), 0)];
    let mut visited = 0;
    while let Some((dir, depth)) = pending.pop() {
        visited += 1;
        let Some(text) = files.read(&dir, "cgroup.procs") else { continue };
        let mut count = 0;
        for pid in text.lines().filter_map(|l| l.parse::<u32>().ok()) {
            count += 1;
            // 0 = a process that this procfs does not see.
            if pid != 0 && (out.pid.is_none() || Some(pid) == before) {
                out.pid = Some(pid);
            }
        }
        *out.processes.get_or_insert(0) += count;
        if count > 0 || depth == DEPTH_MAX {
            continue;
        }
        for child in fs::read_dir(&dir).into_iter().flatten().flatten() {
            let is_dir = child.file_type().is_ok_and(|t| t.is_dir());
            if is_dir && visited + pending.len() < DIRECTORIES_MAX {
                pending.push((child.path(), depth + 1));
            }
        }
    }
}

/// When a process started, seconds since the Unix epoch.
pub(super) fn started(machine: &Machine, pid: u32, files: &mut Files) -> Option<f64> {
    let boot = machine.boot_seconds?;
    let text = files.read(&machine.proc_root, &format!("{pid}/stat"))?;
    // The name in parentheses may hold spaces and parentheses; field 22 is the 20th after it.
    let ticks: u64 = text.rsplit_once(") ")?.1.split(' ').nth(19)?.parse().ok()?;
    let per_second = rustix::param::clock_ticks_per_second().max(1) as f64;
    Some(boot as f64 + ticks as f64 / per_second)
}

//! Network counters of a container, from `/proc/<pid>/net/dev` of one of its processes.
//!
//! A container on the host's network has no counters of its own: it is marked, and the host's are
//! not shown as its. Which network a process uses is told by the inode of its `net/dev`: each
//! network namespace has its own, and asking needs no privilege.

use super::Visit;
use super::snapshot::Interface;

/// Interfaces kept per container.
const INTERFACES_MAX: usize = 64;

/// Reads the interfaces.
pub(super) fn collect(v: &mut Visit<'_>) {
    let Some(pid) = v.out.tasks.pid else { return };
    let path = format!("{pid}/net/dev");
    let proc_root = &v.machine.proc_root;
    let inode = v.files.inode(proc_root, &path);
    if inode.is_none() {
        return;
    }
    if inode == v.machine.host_network {
        v.out.network.host = true;
        return;
    }
    let Some(text) = v.files.read(proc_root, &path) else { return };
    let interfaces = text.lines().filter_map(parse).filter(|i| i.name != "lo");
    v.out.network.interfaces = interfaces.take(INTERFACES_MAX).collect();
    let headed = text.contains("bytes");
    if !headed {
        v.files.failed();
    }
}

/// `eth0: bytes packets errs drop fifo frame compressed multicast bytes packets errs drop …`.
fn parse(line: &str) -> Option<Interface> {
    let (name, counters) = line.rsplit_once(':')?;
    let mut n = [0; 12];
    let mut words = counters.split_ascii_whitespace();
    for slot in &mut n {
        *slot = words.next()?.parse().ok()?;
    }
    let [b, p, e, d, _, _, _, _, tb, tp, te, td] = n;
    let (received, transmitted) = ([b, p, e, d], [tb, tp, te, td]);
    Some(Interface { name: name.trim().to_owned(), received, transmitted })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_net_dev() {
        let row = "  eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16";
        let want =
            Interface { name: "eth0".into(), received: [1, 2, 3, 4], transmitted: [9, 10, 11, 12] };
        assert_eq!(parse(row), Some(want));
        // Old kernels leave no space, aliases hold a colon.
        assert_eq!(parse("eth0:1 2 3 4 5 6 7 8 9 10 11 12 0 0 0 0").unwrap().received[0], 1);
        assert_eq!(parse("eth0:1: 7 2 3 4 5 6 7 8 9 10 11 12 0 0 0 0").unwrap().name, "eth0:1");
        for bad in ["", "Inter-|   Receive", "eth0: 1 2 3", "eth0: a b c d e f g h i j k l"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}

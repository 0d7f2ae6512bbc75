//! Fake trees in, golden exposition out. `UPDATE_GOLDEN=1` rewrites the goldens.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tamis_scrubber::sieve::{RawContainer, Sieve};

use super::*;

const WEB: &str = "aaaa0000bbbb1111cccc2222dddd3333eeee4444ffff5555aaaa6666bbbb7777";
const DB: &str = "bbbb0000cccc1111dddd2222eeee3333ffff4444aaaa5555bbbb6666cccc7777";
const LLM: &str = "cccc0000dddd1111eeee2222ffff3333aaaa4444bbbb5555cccc6666dddd7777";

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
}

fn registry() -> Arc<Registry> {
    let registry = Registry::new(Arc::new(Sieve::builtin()));
    for (id, service, image, started_ns) in
        [(WEB, "web", "caddy:2", 1_795_500_000_250_000_000), (DB, "db", "postgres:16", 0)]
    {
        let raw = RawContainer { id, name: service, project: "demo", service, image };
        registry.register(raw, started_ns).unwrap();
    }
    Arc::new(registry)
}

fn sampler(cgroup_root: PathBuf) -> Sampler {
    Sampler::new(StatsConfig { cgroup_root, proc_root: fixtures().join("proc") }, registry())
}

/// The exposition of a tree, with the times that differ from run to run set to fixed ones.
fn exposition(tree: &str) -> String {
    let mut snapshot = sampler(fixtures().join(tree)).sample();
    assert!(snapshot.taken_ns > 0);
    snapshot.taken_ns = 1_795_505_484_000_000_000;
    for run in &mut snapshot.collectors {
        assert!(run.success, "{} failed on {tree}", run.name);
        run.duration = Duration::from_millis(1);
    }
    let mut out = String::new();
    render(&snapshot, &mut out);
    out
}

#[test]
#[allow(clippy::disallowed_methods, reason = "UPDATE_GOLDEN rewrites the expected file")]
fn every_tree_gives_its_golden() {
    for tree in ["cgroup_v1", "cgroup_v1_systemd", "cgroup_v2", "cgroup_v2_systemd"] {
        let got = exposition(tree);
        let golden = fixtures().join("stats").join(tree).with_extension("prom");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::create_dir_all(golden.parent().unwrap()).unwrap();
            fs::write(&golden, &got).unwrap();
        }
        let want = fs::read_to_string(&golden).unwrap();
        for (n, (got, want)) in got.lines().zip(want.lines()).enumerate() {
            assert_eq!(got, want, "{tree}.prom line {}", n + 1);
        }
        assert_eq!(got.len(), want.len(), "{tree}");
    }
}

#[test]
fn promtool_accepts_the_exposition() {
    let promtool = |text: &str| {
        let mut child = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .ok()?;
        std::io::Write::write_all(&mut child.stdin.take()?, text.as_bytes()).ok()?;
        child.wait_with_output().ok()
    };
    for tree in ["cgroup_v1", "cgroup_v2"] {
        let Some(answer) = promtool(&exposition(tree)) else {
            eprintln!("skipped: promtool is not installed");
            return;
        };
        assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    }
}

#[test]
fn each_layout_has_its_containers() {
    let rows: [(&str, &[&str]); 4] = [
        ("cgroup_v1", &[WEB, DB]),
        ("cgroup_v1_systemd", &[WEB]),
        ("cgroup_v2", &[WEB, DB]),
        ("cgroup_v2_systemd", &[WEB, LLM]),
    ];
    for (tree, ids) in rows {
        let snapshot = sampler(fixtures().join(tree)).sample();
        let got: Vec<_> = snapshot.containers.iter().map(|c| &*c.id).collect();
        assert_eq!(got, ids, "{tree}");
        assert_eq!((snapshot.cpu_cores, snapshot.memory_bytes), (Some(2), Some(25_276_502_016)));
    }
}

#[test]
fn units_and_floors() {
    for tree in ["cgroup_v1", "cgroup_v2"] {
        let snapshot = sampler(fixtures().join(tree)).sample();
        let [web, db] = &snapshot.containers[..] else { panic!("two containers") };
        // 392.6 ms of processor time, whatever the file counts in.
        assert_eq!(web.cpu.usage_seconds.map(|s| (s * 1e4).round()), Some(3926.0), "{tree}");
        assert_eq!(web.cpu.user_seconds, Some(0.37), "{tree}");
        assert_eq!(web.cpu.throttled_seconds, Some(1.25), "{tree}");
        assert_eq!((web.cpu.quota_us, db.cpu.quota_us), (Some(50_000), None), "{tree}");
        assert_eq!(web.memory.working_set_bytes, Some(17_661_952 - 8_388_608), "{tree}");
        assert_eq!(db.memory.working_set_bytes, Some(0), "{tree}: inactive cache above usage");
        assert_eq!((web.memory.limit_bytes, db.memory.limit_bytes), (Some(64 << 20), Some(0)));
        assert_eq!((web.tasks.threads_max, db.tasks.threads_max), (Some(100), Some(0)), "{tree}");
        assert_eq!(web.start_time_seconds, Some(1_795_500_000.25), "from the registry");
        assert_eq!(db.start_time_seconds, Some(1_795_505_484.0 + 1598.8), "from procfs");
        assert_eq!(web.network.interfaces.len(), 1, "{tree}: no loopback");
        assert!(db.network.host && db.network.interfaces.is_empty(), "{tree}");
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn success(snapshot: &Snapshot, name: &str) -> bool {
    snapshot.collectors.iter().find(|r| r.name == name).unwrap().success
}

#[test]
fn a_failing_file_hides_nothing_and_a_gone_container_is_quiet() {
    let dir = tempfile::tempdir().unwrap();
    copy(&fixtures().join("cgroup_v2"), dir.path());
    let web = dir.path().join("docker").join(WEB);
    let mut sampler = sampler(dir.path().to_owned());
    assert_eq!(sampler.sample().containers.len(), 2);

    fs::write(web.join("memory.current"), "garbage\n").unwrap();
    fs::write(web.join("cpu.weight"), [0xff, 0xfe]).unwrap();
    let snapshot = sampler.sample();
    assert!(!success(&snapshot, "memory") && !success(&snapshot, "cpu"));
    assert!(success(&snapshot, "io") && success(&snapshot, "tasks"));
    let web_stats = &snapshot.containers[0];
    assert_eq!(web_stats.memory.usage_bytes, None);
    assert!(web_stats.memory.rss.is_some() && web_stats.cpu.usage_seconds.is_some());

    fs::remove_dir_all(&web).unwrap();
    let snapshot = sampler.sample();
    assert_eq!(snapshot.containers.len(), 1);
    assert!(snapshot.collectors.iter().all(|r| r.success));
}

#[test]
fn a_registered_container_is_found_at_once_and_a_stranger_at_the_next_scan() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("cgroup.controllers"), "cpu memory\n").unwrap();
    let mut sampler = sampler(dir.path().to_owned());
    assert!(sampler.sample().containers.is_empty());
    let source = fixtures().join("cgroup_v2/docker").join(WEB);
    copy(&source, &dir.path().join("docker").join(WEB));
    assert_eq!(sampler.sample().containers.len(), 1, "registered");
    copy(&source, &dir.path().join("any.slice").join(format!("docker-{LLM}.scope")));
    let found = (0..=RESCAN_SAMPLES).map(|_| sampler.sample()).last().unwrap();
    assert_eq!(found.containers.len(), 2);
    assert!(found.containers[1].clean.is_none(), "a stranger has no name");
}

#[test]
fn a_root_without_cgroups_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    let snapshot = sampler(dir.path().to_owned()).sample();
    assert!(!success(&snapshot, "discovery") && snapshot.containers.is_empty());
}

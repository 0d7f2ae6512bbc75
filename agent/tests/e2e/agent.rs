//! The real binary as a sidecar: configuration in a temporary directory, free ports, a driver name
//! of its own so that runs do not meet.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::canary;
use crate::docker::Docker;
use crate::http;
use crate::servers::{Process, wait_for};

/// Where the engine looks for plugins; fixed in the engine.
const PLUGINS: &str = "/run/docker/plugins";
/// Where the engine makes the pipes; fixed in the engine.
const FIFOS: &str = "/run/docker/logging";
/// Budget for the debug build on a busy machine; the release budget is measured elsewhere.
const START: Duration = Duration::from_secs(20);
/// A graceful stop includes a last delivery.
const STOP: Duration = Duration::from_secs(30);

/// What a run needs, kept over restarts of the agent.
pub(crate) struct Site {
    dir: TempDir,
    /// Name for `--log-driver`.
    pub(crate) driver: String,
    docker: Docker,
    push_url: String,
}

/// A running agent.
pub(crate) struct Agent {
    process: Process,
    /// `host:port` of its HTTP server.
    pub(crate) address: String,
}

impl Site {
    /// A site whose agent serves a log driver, reads json-file logs, and pushes to this URL.
    pub(crate) fn new(docker: &Docker, push_url: String) -> Site {
        std::fs::create_dir_all(PLUGINS).unwrap();
        let driver = format!("tamis-{}", canary::token());
        Site { dir: tempfile::tempdir().unwrap(), driver, docker: docker.clone(), push_url }
    }

    fn socket(&self) -> PathBuf {
        Path::new(PLUGINS).join(format!("{}.sock", self.driver))
    }

    /// Where spool and checkpoints lie.
    pub(crate) fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// Everything the agent writes: state and its own log.
    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Starts the agent and waits until it is ready.
    pub(crate) fn start(&self) -> Agent {
        let config = self.dir.path().join("tamis.toml");
        std::fs::create_dir_all(self.state()).unwrap();
        let _ = std::fs::remove_file(self.state().join("listen")); // of the run before
        std::fs::write(&config, self.config()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tamis"));
        command.args(["run", "--config"]).arg(&config);
        let mut process = Process::start(&mut command, self.dir.path().join("agent.log"));
        let address = wait_for("the agent to be ready", START, || {
            if let Some(status) = process.ended() {
                panic!("the agent ended with {status}:\n{}", process.log());
            }
            let address = std::fs::read_to_string(self.state().join("listen")).ok()?;
            let address = address.trim().to_owned();
            http::body(&address, "/readyz").map(|_| address)
        });
        Agent { process, address }
    }

    fn config(&self) -> String {
        let text = |path: &Path| format!("{:?}", path.to_str().unwrap());
        format!(
            r#"state_dir = {state}
[server]
listen = "127.0.0.1:0"
[source.log_driver]
socket = {socket}
fifo_dir = "{FIFOS}"
[source.json_file]
root = {containers}
[stats]
cgroup_root = "/sys/fs/cgroup"
proc_root = "/proc"
interval = "1s"
[sink.loki]
url = "{url}"
batch_interval = "200ms"
"#,
            state = text(&self.state()),
            socket = text(&self.socket()),
            containers = text(&self.docker.containers()),
            url = self.push_url,
        )
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(self.socket());
    }
}

impl Agent {
    /// The body of one of its pages.
    pub(crate) fn page(&self, path: &str) -> String {
        http::body(&self.address, path).unwrap_or_else(|| panic!("no answer for {path}"))
    }

    /// The sum of a metric over all its series that hold `labels`.
    pub(crate) fn metric(&self, path: &str, name: &str, labels: &str) -> f64 {
        let page = self.page(path);
        page.lines()
            .filter(|l| l.starts_with(name) && l[name.len()..].starts_with(['{', ' ']))
            .filter(|l| l.contains(labels))
            .filter_map(|l| l.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }

    /// What it said so far.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }

    /// Asks it to stop, and waits.
    ///
    /// # Panics
    /// When it does not end well.
    pub(crate) fn stop(mut self) {
        self.process.signal("TERM");
        let status = self.process.wait(STOP);
        assert!(status.success(), "the agent ended with {status}:\n{}", self.process.log());
    }

    /// Ends it without warning.
    pub(crate) fn kill(mut self) {
        self.process.signal("KILL");
        self.process.wait(STOP);
    }
}

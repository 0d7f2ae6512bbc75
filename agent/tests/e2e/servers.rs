//! Which real servers there are, and small things every test needs: patience, ports, processes.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// One test at a time uses the servers.
static SERIAL: Mutex<()> = Mutex::new(());

/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(50);

/// The servers that `.ci/servers.sh` has prepared.
pub(crate) struct Servers {
    /// Address of the engine, `unix://…`.
    pub(crate) docker_host: String,
    /// Data directory of the engine.
    pub(crate) docker_root: PathBuf,
    /// A tiny image with busybox.
    pub(crate) image: String,
    /// Compose, as words of a command.
    pub(crate) compose: String,
    /// VictoriaLogs binary.
    pub(crate) victorialogs: PathBuf,
    /// Prometheus binary.
    pub(crate) prometheus: PathBuf,
    /// Its rule and metrics checker.
    pub(crate) promtool: PathBuf,
    _serial: MutexGuard<'static, ()>,
}

impl Servers {
    /// The servers, or `None` when the test is to be skipped.
    ///
    /// # Panics
    /// Where they are mandatory (`TAMIS_E2E=1`) and one is missing.
    pub(crate) fn get(test: &str) -> Option<Servers> {
        let var = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
        let found = || {
            Some(Servers {
                docker_host: var("TAMIS_E2E_DOCKER_HOST")?,
                docker_root: var("TAMIS_E2E_DOCKER_ROOT")?.into(),
                image: var("TAMIS_E2E_IMAGE")?,
                compose: var("TAMIS_E2E_COMPOSE")?,
                victorialogs: var("TAMIS_E2E_VICTORIALOGS")?.into(),
                prometheus: var("TAMIS_E2E_PROMETHEUS")?.into(),
                promtool: var("TAMIS_E2E_PROMTOOL")?.into(),
                _serial: SERIAL.lock().unwrap_or_else(PoisonError::into_inner),
            })
        };
        let servers = found();
        if servers.is_none() {
            let mandatory = var("TAMIS_E2E").is_some_and(|v| v == "1");
            assert!(!mandatory, "{test}: real servers are mandatory; use `make e2e`");
            eprintln!("{test}: SKIPPED, no real servers; `make e2e` starts them");
        }
        servers
    }
}

/// The top of the repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// A port of the loopback address that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Looks at a condition until it gives a value.
///
/// # Panics
/// When it has not within `limit`.
pub(crate) fn wait_for<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = look() {
            return value;
        }
        assert!(start.elapsed() < limit, "{what}: not within {limit:?}");
        sleep(POLL);
    }
}

/// Runs a command to its end, killed by `timeout` after so many seconds.
pub(crate) fn run(seconds: u32, program: &Path, args: &[&str]) -> Output {
    Command::new("timeout")
        .arg("--kill-after=5")
        .arg(seconds.to_string())
        .arg(program)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// A server started by a test; killed with it.
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command` with its output in `log`.
    pub(crate) fn start(command: &mut Command, log: PathBuf) -> Process {
        let out = std::fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let err = out.try_clone().unwrap();
        let child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn().unwrap();
        Process { child, log }
    }

    /// What it wrote so far.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Sends a signal by name (`TERM`, `INT`, `KILL`).
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.pid().to_string()]).status();
        assert!(sent.unwrap().success(), "kill -s {name}");
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self, limit: Duration) -> ExitStatus {
        wait_for("end of the process", limit, || self.ended())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

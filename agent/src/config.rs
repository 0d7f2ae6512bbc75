//! Configuration: one TOML file, every mistake reported at once, no value ever echoed.
//!
//! Only this module reads the environment (`TAMIS_CONFIG`). Durations and sizes need a unit.
//! Secrets are files, never values.

mod reader;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::de::DeTable;

pub use reader::{Mistake, nearest};
use reader::{Mistakes, Section};

use crate::limits;

/// Where `tamis run` looks when neither `--config` nor `TAMIS_CONFIG` says otherwise.
pub const DEFAULT_PATH: &str = "/etc/tamis/tamis.toml";

/// A validated configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Checkpoints, maps and the bound address live here.
    pub state_dir: PathBuf,
    /// The `host` label.
    pub host: String,
    /// Sieving threads.
    pub workers: usize,
    /// How long a stop waits for the sinks.
    pub shutdown_grace: Duration,
    /// The page, metrics and health.
    pub listen: SocketAddr,
    /// Docker's LogDriver plugin API.
    pub log_driver: Option<LogDriver>,
    /// The engine's json-file directory.
    pub json_file: Option<JsonFile>,
    /// Container metrics.
    pub stats: Option<Stats>,
    /// Encrypted buffer on disk; without it records wait in memory.
    pub spool: Option<Spool>,
    /// Grafana Loki, or a store that speaks its push protocol.
    pub loki: Option<Loki>,
    /// Clean records on standard output.
    pub stdout: bool,
    /// The user's policy.
    pub policy: Option<PathBuf>,
}

/// `[source.log_driver]`
#[derive(Clone, Debug)]
pub struct LogDriver {
    /// Unix socket that the engine finds the driver by (its file name is the driver's name).
    pub socket: PathBuf,
    /// Where the engine makes the FIFOs.
    pub fifo_dir: PathBuf,
}

/// `[source.json_file]`
#[derive(Clone, Debug)]
pub struct JsonFile {
    /// The engine's `containers` directory.
    pub root: PathBuf,
}

/// `[stats]`
#[derive(Clone, Debug)]
pub struct Stats {
    /// Mount point of the cgroup hierarchies.
    pub cgroup_root: PathBuf,
    /// Mount point of the host's procfs.
    pub proc_root: PathBuf,
    /// Time between two samples.
    pub interval: Duration,
}

/// `[spool]`
#[derive(Clone, Debug)]
pub struct Spool {
    /// Directory of the segments.
    pub dir: PathBuf,
    /// File with the 32-byte key.
    pub key_file: PathBuf,
    /// Maximum size.
    pub bytes_max: u64,
    /// Maximum age.
    pub age_max: Duration,
    /// Whether a batch is on the disk, not only with the system, before it is acknowledged.
    pub sync_each_batch: bool,
}

/// `[sink.loki]`
#[derive(Clone, Debug)]
pub struct Loki {
    /// Push endpoint.
    pub url: String,
    /// `X-Scope-OrgID`.
    pub tenant: Option<String>,
    /// File with `user:password`.
    pub basic_auth_file: Option<PathBuf>,
    /// File with a bearer token.
    pub bearer_file: Option<PathBuf>,
    /// File with a private CA, PEM.
    pub ca_file: Option<PathBuf>,
    /// Time allowed for one request.
    pub timeout: Duration,
    /// Longest time a record waits for company.
    pub batch_interval: Duration,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the {what} file: {reason}")]
    Unreadable {
        /// `configuration` or `policy`.
        what: &'static str,
        /// The operating system's word for it.
        reason: String,
    },
    /// The file has mistakes.
    #[error("the {what} file has {} mistake(s)", mistakes.len())]
    Invalid {
        /// `configuration` or `policy`.
        what: &'static str,
        /// All of them.
        mistakes: Vec<Mistake>,
    },
}

/// The file that `--config` names, else `TAMIS_CONFIG`, else [`DEFAULT_PATH`].
#[allow(clippy::disallowed_methods, reason = "this module is where the environment is read")]
pub fn path_or_default(given: Option<PathBuf>) -> PathBuf {
    let from_env = || std::env::var_os("TAMIS_CONFIG").map(PathBuf::from);
    given.or_else(from_env).unwrap_or_else(|| DEFAULT_PATH.into())
}

/// Whether `NO_COLOR` asks for plain output.
#[allow(clippy::disallowed_methods, reason = "this module is where the environment is read")]
pub fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty())
}

/// The operating system's word for an I/O error: never a path or a value.
pub fn io_reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        std::io::ErrorKind::InvalidData => "it is not valid UTF-8 text".to_owned(),
        kind => kind.to_string(),
    }
}

/// The system's directory for temporary files.
#[allow(clippy::disallowed_methods, reason = "this module is where the environment is read")]
pub fn temp_dir() -> PathBuf {
    std::env::temp_dir()
}

/// Reads a file of at most [`limits::CONFIG_BYTES_MAX`].
///
/// # Errors
/// When it cannot be read, is too large or is not UTF-8. The path is not repeated.
pub fn read_file(what: &'static str, path: &Path) -> Result<String, ConfigError> {
    use std::io::Read as _;
    let unreadable = |e: std::io::Error| ConfigError::Unreadable { what, reason: io_reason(&e) };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut text = String::new();
    let limit = limits::CONFIG_BYTES_MAX as u64;
    file.take(limit + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > limit {
        let reason = format!("it is larger than {limit} bytes");
        return Err(ConfigError::Unreadable { what, reason });
    }
    Ok(text)
}

impl Config {
    /// Reads and validates a file.
    ///
    /// # Errors
    /// When it cannot be read or has mistakes.
    pub fn load(path: &Path) -> Result<Config, ConfigError> {
        let text = read_file("configuration", path)?;
        Config::parse(&text)
            .map_err(|mistakes| ConfigError::Invalid { what: "configuration", mistakes })
    }

    /// Validates a file's text.
    ///
    /// # Errors
    /// Every mistake, with its place and a hint.
    pub fn parse(text: &str) -> Result<Config, Vec<Mistake>> {
        let mut mistakes = Mistakes::new(text);
        let (table, syntax) = DeTable::parse_recoverable(text);
        for error in &syntax {
            let hint = "see docs/CONFIG.md for a full example";
            mistakes.add(error.span().unwrap_or(0..0), "this is not valid TOML", hint);
        }
        let config = if syntax.is_empty() {
            let top = Section::new("", table.get_ref(), 0..0);
            read(top, &mut mistakes)
        } else {
            None
        };
        let mistakes = mistakes.into_sorted();
        match config {
            Some(config) if mistakes.is_empty() => Ok(config),
            _ => Err(mistakes),
        }
    }
}

fn read(mut top: Section<'_, '_>, m: &mut Mistakes<'_>) -> Option<Config> {
    let state_dir = top.path("state_dir", m);
    let state_dir = top.require("state_dir", state_dir, "a directory that survives restarts", m);
    let host = top.text("host", m).unwrap_or_else(hostname);
    let workers = top.integer("workers", 1..=64, m).map_or_else(default_workers, |n| n as usize);
    let shutdown_grace = top.duration("shutdown_grace", m).unwrap_or(Duration::from_secs(20));
    let listen = top.section("server", "server", m).and_then(|s| read_server(s, m));
    let (log_driver, json_file) = read_sources(&mut top, m);
    let stats = top.section("stats", "stats", m).map(|s| read_stats(s, m));
    let spool = top.section("spool", "spool", m).map(|s| read_spool(s, m));
    let (loki, stdout) = read_sinks(&mut top, m);
    let policy = top.section("policy", "policy", m).and_then(|mut s| {
        let file = s.path("file", m);
        let file = s.require("file", file, "the policy's TOML file", m);
        s.close(m);
        file
    });
    if log_driver.is_none() && json_file.is_none() && stats.is_none() {
        let hint = "add [source.log_driver], [source.json_file] or [stats]";
        m.add(0..0, "nothing to collect", hint);
    }
    if (log_driver.is_some() || json_file.is_some()) && loki.is_none() && !stdout {
        m.add(0..0, "nowhere to deliver to", "add [sink.loki] or [sink.stdout]");
    }
    top.close(m);
    Some(Config {
        state_dir: state_dir?,
        host,
        workers,
        shutdown_grace,
        listen: listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 9464))),
        log_driver,
        json_file,
        stats,
        spool: spool.flatten(),
        loki: loki.flatten(),
        stdout,
        policy,
    })
}

fn read_server(mut s: Section<'_, '_>, m: &mut Mistakes<'_>) -> Option<SocketAddr> {
    let expected = "an address and port, such as \"127.0.0.1:9464\"";
    let listen = s.parsed("listen", expected, m, |v| v.parse().ok());
    s.close(m);
    listen
}

fn read_sources(
    top: &mut Section<'_, '_>,
    m: &mut Mistakes<'_>,
) -> (Option<LogDriver>, Option<JsonFile>) {
    let Some(mut source) = top.section("source", "source", m) else { return (None, None) };
    let log_driver = source.section("log_driver", "source.log_driver", m).map(|mut s| {
        let socket = s.path("socket", m);
        let fifo_dir = s.path("fifo_dir", m);
        s.close(m);
        LogDriver {
            socket: socket.unwrap_or_else(|| "/run/docker/plugins/tamis.sock".into()),
            fifo_dir: fifo_dir.unwrap_or_else(|| "/run/docker/logging".into()),
        }
    });
    let json_file = source.section("json_file", "source.json_file", m).map(|mut s| {
        let root = s.path("root", m);
        s.close(m);
        JsonFile { root: root.unwrap_or_else(|| "/var/lib/docker/containers".into()) }
    });
    source.close(m);
    (log_driver, json_file)
}

fn read_stats(mut s: Section<'_, '_>, m: &mut Mistakes<'_>) -> Stats {
    let cgroup_root = s.path("cgroup_root", m);
    let proc_root = s.path("proc_root", m);
    let interval = s.duration("interval", m);
    let span = s.span();
    s.close(m);
    if interval.is_some_and(|i| i < Duration::from_millis(200)) {
        m.add(span, "`interval` in [stats] is too short", "at least \"200ms\"");
    }
    Stats {
        cgroup_root: cgroup_root.unwrap_or_else(|| "/sys/fs/cgroup".into()),
        proc_root: proc_root.unwrap_or_else(|| "/proc".into()),
        interval: interval.unwrap_or(Duration::from_secs(5)),
    }
}

fn read_spool(mut s: Section<'_, '_>, m: &mut Mistakes<'_>) -> Option<Spool> {
    let dir = s.path("dir", m);
    let dir = s.require("dir", dir, "the directory of the segments", m);
    let key_file = s.path("key_file", m);
    let key_file = s.require("key_file", key_file, "a file with 32 random bytes", m);
    let bytes_max = s.bytes("bytes_max", m).unwrap_or(1 << 30);
    let age_max = s.duration("age_max", m).unwrap_or(Duration::from_secs(6 * 86_400));
    let sync = s.parsed("sync", "\"segment\" or \"batch\"", m, |v| match v {
        "segment" => Some(false),
        "batch" => Some(true),
        _ => None,
    });
    let sync_each_batch = sync.unwrap_or(false);
    let span = s.span();
    s.close(m);
    if bytes_max < 16 << 20 {
        m.add(span, "`bytes_max` in [spool] is too small", "at least \"16MiB\"");
    }
    Some(Spool { dir: dir?, key_file: key_file?, bytes_max, age_max, sync_each_batch })
}

fn read_sinks(top: &mut Section<'_, '_>, m: &mut Mistakes<'_>) -> (Option<Option<Loki>>, bool) {
    let Some(mut sink) = top.section("sink", "sink", m) else { return (None, false) };
    let loki = sink.section("loki", "sink.loki", m).map(|s| read_loki(s, m));
    let stdout = sink.section("stdout", "sink.stdout", m).map(|s| s.close(m)).is_some();
    sink.close(m);
    (loki, stdout)
}

fn read_loki(mut s: Section<'_, '_>, m: &mut Mistakes<'_>) -> Option<Loki> {
    let expected = "an http:// or https:// address without user or password";
    let url = s.parsed("url", expected, m, |v| {
        let rest = v.strip_prefix("http://").or_else(|| v.strip_prefix("https://"))?;
        let authority = rest.split(['/', '?', '#']).next()?;
        (!authority.is_empty() && !authority.contains('@')).then(|| v.to_owned())
    });
    let url = s.require("url", url, "such as \"http://loki:3100/loki/api/v1/push\"", m);
    let tenant = s.text("tenant", m);
    let basic_auth_file = s.path("basic_auth_file", m);
    let bearer_file = s.path("bearer_file", m);
    let ca_file = s.path("ca_file", m);
    let timeout = s.duration("timeout", m).unwrap_or(Duration::from_secs(10));
    let batch_interval = s.duration("batch_interval", m).unwrap_or(Duration::from_secs(1));
    let span = s.span();
    s.close(m);
    if basic_auth_file.is_some() && bearer_file.is_some() {
        let hint = "keep one of `basic_auth_file` and `bearer_file`";
        m.add(span, "two ways to authenticate in [sink.loki]", hint);
    }
    let url = url?;
    Some(Loki { url, tenant, basic_auth_file, bearer_file, ca_file, timeout, batch_interval })
}

fn hostname() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

fn default_workers() -> usize {
    std::thread::available_parallelism().map_or(1, |n| n.get().min(8))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = include_str!("../../docs/tamis.example.toml");

    #[test]
    fn the_documented_example_is_valid() {
        let config = Config::parse(FULL).unwrap();
        assert!(config.log_driver.is_some() && config.json_file.is_some());
        assert!(config.spool.is_some() && config.loki.is_some() && config.policy.is_some());
    }

    #[test]
    fn every_mistake_is_reported_once_with_place_and_hint_and_without_values() {
        let text = "state_dri = \"/x/jean.dupont\"\n[server]\nlisten = \"jean.dupont\"\n\
                    [source.json_file]\n[sink.loki]\nurl = \"http://u:s3cret@h/\"\ntimeout = 5\n\
                    [stats]\ninterval = \"1ms\"\n[nonsense]\nx = 1\n";
        let mistakes = Config::parse(text).unwrap_err();
        let places: Vec<_> = mistakes.iter().map(|m| m.line).collect();
        assert_eq!(places, [1, 1, 3, 6, 7, 8, 10], "{mistakes:?}");
        for m in &mistakes {
            let all = format!("{} {}", m.message, m.hint);
            assert!(
                !all.contains("dupont") && !all.contains("s3cret") && !all.contains("nonsense")
            );
            assert!(!m.hint.is_empty());
        }
    }

    #[test]
    fn broken_toml_is_a_mistake_with_a_line() {
        let mistakes = Config::parse("state_dir = \"/x\"\n[server\n").unwrap_err();
        assert_eq!(mistakes.first().map(|m| m.line), Some(2));
    }
}

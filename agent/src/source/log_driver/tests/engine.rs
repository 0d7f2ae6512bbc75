//! An engine for tests: makes FIFOs, calls the plugin, writes frames.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use prost::Message as _;
use serde_json::Value;
use tamis_scrubber::record::{CleanBatch, RawLine, Stream};
use tamis_scrubber::sieve::{Envelope, Scratch, Sieve, Verdict};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::super::{DriverStatus, LogDriver, LogDriverConfig};
use crate::batch::RawBatch;
use crate::decode::log_entry::tests::{LogEntry, line};
use crate::discover::Registry;
use crate::intake::Intake;
use crate::ledger::Ledger;
use crate::recent::Recent;
use crate::source::SourceError;

/// Everything a test waits for.
const PATIENCE: Duration = Duration::from_secs(20);

/// The directories of a driver, and of the next one after a restart.
#[derive(Clone)]
pub(super) struct Home {
    pub(super) config: LogDriverConfig,
    _dir: Arc<TempDir>,
}

impl std::ops::Deref for Home {
    type Target = LogDriverConfig;

    fn deref(&self) -> &LogDriverConfig {
        &self.config
    }
}

/// A running driver and what stands around it.
pub(super) struct Rig {
    pub(super) config: Home,
    pub(super) registry: Arc<Registry>,
    pub(super) recent: Arc<Recent>,
    pub(super) status: Arc<DriverStatus>,
    pub(super) cancel: CancellationToken,
    pub(super) task: JoinHandle<()>,
    pub(super) rx: mpsc::Receiver<RawBatch>,
    intake: Intake,
    sieve: Arc<Sieve>,
}

/// A record as it came out.
pub(super) struct Got {
    pub(super) line: Vec<u8>,
    pub(super) timestamp_ns: i64,
    pub(super) stream: Stream,
    pub(super) truncated: bool,
}

impl Rig {
    pub(super) async fn start() -> Rig {
        let dir = TempDir::new().unwrap();
        std::fs::create_dir(dir.path().join("fifo")).unwrap();
        let config = LogDriverConfig {
            socket: dir.path().join("plugins/tamis.sock"),
            fifo_dir: dir.path().join("fifo"),
            state_dir: dir.path().join("state"),
        };
        Rig::start_in(Home { config, _dir: Arc::new(dir) }).await
    }

    /// A rig without a driver.
    pub(super) fn idle(config: Home) -> Rig {
        let sieve = Arc::new(Sieve::builtin());
        let (tx, rx) = mpsc::channel(64);
        Rig {
            config,
            registry: Arc::new(Registry::new(Arc::clone(&sieve))),
            recent: Arc::default(),
            status: Arc::default(),
            cancel: CancellationToken::new(),
            task: tokio::spawn(async {}),
            rx,
            intake: Intake::new(vec![tx], Arc::new(Ledger::new(vec!["test"]))),
            sieve,
        }
    }

    pub(super) async fn start_in(config: Home) -> Rig {
        let mut rig = Rig::idle(config);
        let driver = rig.bind(rig.config.config.clone()).await.unwrap();
        rig.status = driver.status();
        rig.task = tokio::spawn(driver.run(rig.cancel.clone()));
        rig
    }

    pub(super) async fn bind(&self, config: LogDriverConfig) -> Result<LogDriver, SourceError> {
        let (registry, recent) = (Arc::clone(&self.registry), Arc::clone(&self.recent));
        LogDriver::bind(config, registry, self.intake.clone(), recent).await
    }

    /// Ends the driver; its directory stays for the next.
    pub(super) async fn end(self) -> Home {
        self.cancel.cancel();
        tokio::time::timeout(PATIENCE, self.task).await.unwrap().unwrap();
        self.config
    }

    /// Status and body of a request.
    pub(super) async fn call(&self, method: &str, body: &str) -> (u16, String) {
        let (status, body) = self.call_bytes(method, body).await;
        (status, String::from_utf8(body).unwrap())
    }

    async fn call_bytes(&self, method: &str, body: &str) -> (u16, Vec<u8>) {
        let mut socket = UnixStream::connect(&self.config.socket).await.unwrap();
        let head = format!(
            "POST /{method} HTTP/1.1\r\nHost: p\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let mut answer = Vec::new();
        let exchange = async {
            socket.write_all(head.as_bytes()).await.unwrap();
            // A body over the limit is answered before it is read.
            let _ = socket.write_all(body.as_bytes()).await;
            let _ = socket.read_to_end(&mut answer).await;
        };
        tokio::time::timeout(PATIENCE, exchange).await.unwrap();
        let split = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
        let head = String::from_utf8_lossy(&answer[..split]).to_lowercase();
        let status = head[9..12].parse().unwrap();
        let body = &answer[split + 4..];
        let chunked = head.contains("transfer-encoding: chunked");
        (status, if chunked { unchunk(body) } else { body.to_vec() })
    }

    pub(super) async fn start_logging(&self, pipe: &Pipe, info: Value) {
        let body = serde_json::json!({ "File": pipe.file(), "Info": info }).to_string();
        let answer = self.call("LogDriver.StartLogging", &body).await;
        assert_eq!(answer, (200, r#"{"Err":""}"#.to_owned()));
    }

    pub(super) async fn stop_logging(&self, pipe: &Pipe) -> u16 {
        let body = serde_json::json!({ "File": pipe.file() }).to_string();
        self.call("LogDriver.StopLogging", &body).await.0
    }

    /// Lines of the answer, with stream and time.
    pub(super) async fn read_logs(&self, n: u8, config: &Value) -> Vec<String> {
        let body = serde_json::json!({ "Info": info(n, "web"), "Config": config }).to_string();
        let (status, mut bytes) = self.call_bytes("LogDriver.ReadLogs", &body).await;
        assert_eq!(status, 200);
        let mut lines = Vec::new();
        while !bytes.is_empty() {
            let size = u32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize;
            let entry = LogEntry::decode(&bytes[4..4 + size]).unwrap();
            let text = String::from_utf8(entry.line).unwrap();
            let text = text.strip_suffix('\n').unwrap();
            lines.push(format!("{} {} {text}", entry.source, entry.time_nano));
            bytes.drain(..4 + size);
        }
        lines
    }

    /// At least `n` records, in order of arrival.
    pub(super) async fn records(&mut self, n: usize) -> Vec<Got> {
        let mut all = Vec::new();
        while all.len() < n {
            let batch = tokio::time::timeout(PATIENCE, self.rx.recv()).await.unwrap().unwrap();
            all.extend(records_of(&batch));
        }
        all
    }

    /// Clean records of container `n` into memory, one a second; as `read_logs` shows them.
    pub(super) fn store(&self, n: u8, records: i64) -> Vec<String> {
        let raw = tamis_scrubber::sieve::RawContainer {
            id: &id(n),
            name: "demo-web-1",
            project: "demo",
            service: "web",
            image: "",
        };
        let mut scratch = Scratch::new(&self.sieve);
        let mut batch = CleanBatch::new(Arc::new(self.sieve.container(raw)));
        for at in 0..records {
            let raw = RawLine::new(br#"{"level":"info","status":200,"duration_ms":12}"#);
            let timestamp_ns = second(at);
            let at =
                Envelope { timestamp_ns, stream: Stream::Stderr, profile: None, truncated: false };
            let Verdict::Keep(record) = self.sieve.sieve(raw, &at, &mut scratch) else {
                panic!("a technical record is kept")
            };
            assert!(batch.push(record));
        }
        self.recent.add(&batch);
        let show = |e: tamis_scrubber::record::CleanEntry<'_>| {
            format!("{} {} {}", e.stream.name(), e.timestamp_ns, e.line)
        };
        batch.entries().map(show).collect()
    }
}

fn second(n: i64) -> i64 {
    (1_700_000_000 + n) * 1_000_000_000
}

/// The time of stored record `n`.
pub(super) fn rfc3339(n: i64) -> String {
    jiff::Timestamp::from_nanosecond(second(n).into()).unwrap().to_string()
}

pub(super) fn records_of(batch: &RawBatch) -> Vec<Got> {
    let metas = batch.records().map(|r| (r.timestamp_ns, r.stream, r.truncated));
    let lines = batch.lines_for_test().into_iter().zip(metas);
    lines
        .map(|(line, (timestamp_ns, stream, truncated))| Got {
            line,
            timestamp_ns,
            stream,
            truncated,
        })
        .collect()
}

/// Frames of line `n` of a long run; every hundredth comes in fragments.
pub(super) fn lines_like_engine(n: usize) -> Vec<u8> {
    let mut text = format!("{n} ").into_bytes();
    text.resize(if n.is_multiple_of(100) { 40_000 } else { 90 }, b'x');
    line(if n.is_multiple_of(7) { "stderr" } else { "stdout" }, 1, &text, &format!("id{n}"))
}

/// The number of such a line, which must be whole.
pub(super) fn number(got: &Got) -> usize {
    let text = std::str::from_utf8(&got.line).unwrap();
    let n: usize = text.split(' ').next().unwrap().parse().unwrap();
    assert_eq!(
        (text.len(), got.truncated),
        (if n.is_multiple_of(100) { 40_000 } else { 90 }, false)
    );
    n
}

/// A container id.
pub(super) fn id(n: u8) -> String {
    format!("{n:02x}").repeat(32)
}

/// The Info of the engine.
pub(super) fn info(n: u8, service: &str) -> Value {
    serde_json::json!({
        "Config": {}, "ContainerID": id(n), "ContainerName": format!("/demo-{service}-1"),
        "ContainerEntrypoint": "sh", "ContainerArgs": ["-c", "true"],
        "ContainerImageID": format!("sha256:{}", id(1)), "ContainerImageName": "caddy:2",
        "ContainerCreated": "2026-11-24T08:00:00Z", "ContainerEnv": ["A=b"],
        "ContainerLabels": {
            "com.docker.compose.project": "demo", "com.docker.compose.service": service,
        },
        "LogPath": "", "DaemonName": "docker",
    })
}

/// A FIFO as the engine makes it, open for reading and writing.
pub(super) struct Pipe {
    pub(super) name: String,
    pub(super) file: File,
}

impl Pipe {
    pub(super) fn make(rig: &Rig, n: usize) -> Pipe {
        Pipe::named(rig, format!("{n:064x}"))
    }

    pub(super) fn named(rig: &Rig, name: String) -> Pipe {
        let path = rig.config.fifo_dir.join(&name);
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, mode).unwrap();
        let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
        Pipe { name, file }
    }

    /// The path as the engine knows it.
    pub(super) fn file(&self) -> String {
        format!("/run/docker/logging/{}", self.name)
    }

    /// Writes what fits into the pipe.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        self.file.write_all(bytes).unwrap();
    }

    pub(super) async fn write_in_thread(&self, bytes: Vec<u8>) {
        let mut file = self.file.try_clone().unwrap();
        let writing = tokio::task::spawn_blocking(move || file.write_all(&bytes).unwrap());
        tokio::time::timeout(PATIENCE, writing).await.unwrap().unwrap();
    }
}

fn unchunk(mut body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(end) = body.windows(2).position(|w| w == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&body[..end]).unwrap(), 16).unwrap();
        out.extend_from_slice(&body[end + 2..end + 2 + size]);
        body = &body[end + 4 + size..];
    }
    out
}

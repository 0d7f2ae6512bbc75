//! A real VictoriaLogs: what "delivered" means is what can be read back from it.

use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::http;
use crate::servers::{Process, Servers, free_port, wait_for};

/// Where it takes Loki's push protocol. The lines are left as they are.
const PUSH: &str = "/insert/loki/api/v1/push?disable_message_parsing=1";

/// Pause between two looks at what is stored.
const LOOK_AGAIN: Duration = Duration::from_millis(300);

/// A running store with its data in a temporary directory.
pub(crate) struct Store {
    _process: Process,
    dir: TempDir,
    address: String,
}

impl Store {
    /// Starts an empty store on a free port.
    pub(crate) fn start(servers: &Servers) -> Store {
        let dir = tempfile::tempdir().unwrap();
        let address = format!("127.0.0.1:{}", free_port());
        let process = Process::start(
            Command::new(&servers.victorialogs)
                .arg(format!("-storageDataPath={}", dir.path().join("data").display()))
                .arg(format!("-httpListenAddr={address}"))
                .arg("-loggerLevel=WARN"),
            dir.path().join("log"),
        );
        wait_for("VictoriaLogs", Duration::from_secs(30), || http::body(&address, "/health"));
        Store { _process: process, dir, address }
    }

    /// The URL to push to.
    pub(crate) fn push_url(&self) -> String {
        format!("http://{}{PUSH}", self.address)
    }

    /// Its data directory.
    pub(crate) fn data(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// Everything stored for a service: the fields of each entry, `_msg` is the line.
    pub(crate) fn entries(&self, service: &str) -> Vec<Value> {
        let query = http::encoded(&format!("service_name:={service}"));
        http::body(&self.address, "/internal/force_flush");
        let path = format!("/select/logsql/query?query={query}&limit=1000000");
        let text = http::body(&self.address, &path).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The records of a service once there are at least `count` different ones, or what there is
    /// after `limit`.
    pub(crate) fn records(&self, service: &str, count: usize, limit: Duration) -> Vec<Value> {
        let start = Instant::now();
        loop {
            let entries = self.entries(service);
            // Records sent twice do not stand for others: their numbers are counted once.
            let records: Vec<Value> = entries.iter().map(record).collect();
            let mut distinct = numbers(&records);
            let numbered = distinct.len();
            distinct.dedup();
            if records.len() - (numbered - distinct.len()) >= count || start.elapsed() > limit {
                return records;
            }
            sleep(LOOK_AGAIN);
        }
    }
}

/// The line of an entry as JSON.
fn record(entry: &Value) -> Value {
    let line = entry["_msg"].as_str().unwrap_or_default();
    serde_json::from_str(line).unwrap_or_else(|e| panic!("a stored line is not a record: {e}"))
}

/// The numbers of technical lines (see [`crate::canary::technical`]), sorted, duplicates kept.
pub(crate) fn numbers(records: &[Value]) -> Vec<u64> {
    let sizes = records.iter().filter_map(|r| r["http_response_body_size"].as_u64());
    let mut found: Vec<u64> = sizes.filter(|n| *n > 0).collect();
    found.sort_unstable();
    found
}

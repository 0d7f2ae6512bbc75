//! A real Prometheus with the rules that are shipped, and its checker.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::http;
use crate::servers::{Process, Servers, free_port, repository, run, wait_for};

/// A running Prometheus that scrapes one agent every second.
pub(crate) struct Prometheus {
    _process: Process,
    _dir: TempDir,
    address: String,
}

impl Prometheus {
    /// Starts it with both endpoints of `agent` (`host:port`) as targets.
    pub(crate) fn start(servers: &Servers, agent: &str) -> Prometheus {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("prometheus.yml");
        let rules = repository().join("dashboards/prometheus/rules/*.yml");
        let text = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\n\
             rule_files: [{rules:?}]\n\
             scrape_configs:\n\
             - {{job_name: tamis, static_configs: [{{targets: [{agent:?}]}}]}}\n\
             - {{job_name: cadvisor, metrics_path: /metrics/containers, \
                static_configs: [{{targets: [{agent:?}]}}]}}\n"
        );
        std::fs::write(&config, text).unwrap();
        let address = format!("127.0.0.1:{}", free_port());
        let process = Process::start(
            Command::new(&servers.prometheus)
                .arg(format!("--config.file={}", config.display()))
                .arg(format!("--storage.tsdb.path={}", dir.path().join("data").display()))
                .arg(format!("--web.listen-address={address}"))
                .arg("--log.level=warn"),
            dir.path().join("log"),
        );
        wait_for("Prometheus", Duration::from_secs(30), || http::body(&address, "/-/ready"));
        Prometheus { _process: process, _dir: dir, address }
    }

    /// The first value of an instant query, if there is one.
    pub(crate) fn value(&self, query: &str) -> Option<f64> {
        let path = format!("/api/v1/query?query={}", http::encoded(query));
        let json: Value = serde_json::from_str(&http::body(&self.address, &path)?).ok()?;
        json["data"]["result"][0]["value"][1].as_str()?.parse().ok()
    }
}

/// `promtool ARGS` with `input` on its standard input.
pub(crate) fn promtool(servers: &Servers, args: &[&str], input: &str) -> Output {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("input");
    std::fs::write(&file, input).unwrap();
    Command::new(&servers.promtool)
        .args(args)
        .stdin(Stdio::from(std::fs::File::open(&file).unwrap()))
        .output()
        .unwrap()
}

#[test]
fn shipped_configuration_and_rules_are_valid_and_fire_as_meant() {
    let Some(servers) = Servers::get("promtool") else { return };
    let dir = repository().join("dashboards/prometheus");
    let file = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    for args in [
        ["check", "config", &file("prometheus.yml")],
        ["check", "rules", &file("rules/tamis-alerts.yml")],
        ["test", "rules", &file("tests/tamis-alerts.yml")],
    ] {
        let out = run(60, Path::new(&servers.promtool), &args);
        let said = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
        assert!(out.status.success(), "promtool {args:?}:\n{said}");
    }
}

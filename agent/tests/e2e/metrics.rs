//! Both metric endpoints in a real Prometheus, and the CPU of a busy container against the engine's
//! own figure.

use std::time::Duration;

use crate::agent::Site;
use crate::docker::{self, Docker, Spec};
use crate::prometheus::{Prometheus, promtool};
use crate::servers::{Servers, wait_for};
use crate::store::Store;

/// CPU quota of the busy container: low enough to be had on a loaded machine.
const CORES: &str = "0.25";
/// Readings of the engine, about two seconds each, that are averaged.
const READINGS: usize = 5;
/// Agreement asked for by the issue.
const TOLERANCE: f64 = 0.10;

/// `promtool check metrics` with the endpoint's text: exit 1 is an error, 3 a matter of style.
fn check(servers: &Servers, text: &str, style_too: bool) {
    let out = promtool(servers, &["check", "metrics"], text);
    let said = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
    let code = out.status.code();
    let fine = code == Some(0) || (code == Some(3) && !style_too);
    assert!(fine, "promtool check metrics ended with {code:?}:\n{said}");
}

#[test]
fn prometheus_scrapes_both_endpoints_and_cpu_agrees_with_the_engine() {
    let Some(servers) = Servers::get("metrics") else { return };
    let docker = Docker::new(&servers);
    let store = Store::start(&servers);
    let site = Site::new(&docker, store.push_url());
    let agent = site.start();
    let busy = docker.start(&Spec {
        service: "busy",
        log: docker::driver(&site.driver),
        input: None,
        script: "while :; do :; done",
        options: &["--cpus", CORES],
    });
    let prometheus = Prometheus::start(&servers, &agent.address);
    let id = &busy.id;
    let query =
        format!("rate(container_cpu_usage_seconds_total{{id=~\".*{id}\",cpu=\"total\"}}[10s])");
    wait_for("the container's CPU in Prometheus", Duration::from_secs(30), || {
        prometheus.value(&query)
    });
    // `rate` divides by its whole range: it is too low until samples fill the range.
    std::thread::sleep(Duration::from_secs(12));
    let readings: Vec<(f64, f64)> = (0..READINGS)
        .map(|_| (busy.stats_cores(), prometheus.value(&query).expect("a rate")))
        .collect();
    let mean =
        |pick: fn(&(f64, f64)) -> f64| readings.iter().map(pick).sum::<f64>() / READINGS as f64;
    let (engine, ours) = (mean(|r| r.0), mean(|r| r.1));
    eprintln!("cores of a container limited to {CORES}: engine {engine:.3}, tamis {ours:.3}");
    assert!((ours - engine).abs() <= TOLERANCE * engine, "engine {engine}, tamis {ours}");

    for job in ["tamis", "cadvisor"] {
        assert_eq!(prometheus.value(&format!("up{{job=\"{job}\"}}")), Some(1.0), "{job}");
    }
    assert_eq!(prometheus.value("count(ALERTS{alertstate=\"firing\"})"), None, "no alert fires");
    check(&servers, &agent.page("/metrics"), true);
    // cAdvisor's names break promtool's taste (`_failcnt` is a counter without `_total`).
    check(&servers, &agent.page("/metrics/containers"), false);
    drop(busy);
    agent.stop();
}

//! The list, the exposition and the document agree.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};

use tamis_scrubber::report::Report;

use super::*;

fn ledger(services: usize) -> Ledger {
    let ledger = Ledger::new(vec!["loki", "stdout"]);
    for i in 0..services {
        let service = ledger.service(&format!("service{i}"));
        service.read(10, 1000);
        service.truncated(1);
        let mut report = Report::default();
        report.detection(Kind::Email);
        report.field(FieldReason::Type);
        report.dropped(DropReason::Budget);
        report.words(5, 4);
        service.sieved(&report);
        service.delivered(0, 8);
        service.lost(0, Loss::SinkRejected, 1);
    }
    ledger
}

fn gauges() -> Gauges {
    let sink = |name, difference| SinkView {
        name,
        up: true,
        in_flight: 3,
        difference,
        requests: vec![("204", 7), ("timeout", 1)],
        retries: 2,
        rejected: vec![("too_old", 1)],
    };
    Gauges {
        ready: true,
        policy_hash: "0123456789ab".into(),
        containers: vec![("covered", 4)],
        source_errors: vec![("json_file", "unreadable", 1)],
        sinks: vec![sink("loki", 0), sink("stdout", -1)],
        spool: SpoolView { bytes: 4096, capacity_bytes: 1 << 25, oldest_ns: Some(1_500_000_000) },
        canary_leaks: Some(2),
    }
}

fn exposition(services: usize) -> String {
    let telemetry = Telemetry::new(&["loki", "stdout"]);
    telemetry.stage(Stage::Sieve, Duration::from_micros(800));
    telemetry.delivered(0, Duration::from_millis(30), 8);
    telemetry.render(&ledger(services), &gauges())
}

/// Family name of a sample's name: without a histogram's suffix.
fn family(name: &str) -> &str {
    let suffixes = ["_bucket", "_sum", "_count"];
    let histogram =
        |n: &&str| METRICS.iter().any(|m| m.name == *n && m.kind == MetricKind::Histogram);
    suffixes.iter().find_map(|s| name.strip_suffix(s).filter(histogram)).unwrap_or(name)
}

#[test]
fn what_is_exported_is_the_list() {
    let text = exposition(2);
    let mut seen: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for line in text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap();
        let labels = line.split_once('{').map_or("", |(_, r)| r.split_once('}').unwrap().0);
        let names = labels.split("\",").filter(|l| !l.is_empty());
        let names = names.map(|l| l.split_once('=').unwrap().0.to_owned()).filter(|l| l != "le");
        seen.entry(family(name)).or_default().extend(names);
    }
    let listed: BTreeMap<&str, BTreeSet<String>> = METRICS
        .iter()
        .map(|m| (m.name, m.labels.iter().map(|l| (*l).to_owned()).collect()))
        .collect();
    assert_eq!(seen, listed);
    for m in METRICS {
        assert_eq!(text.matches(&format!("# HELP {} ", m.name)).count(), 1, "{}", m.name);
        assert!(text.contains(&format!("# TYPE {} {}\n", m.name, m.kind.name())), "{}", m.name);
        let counter = m.kind == MetricKind::Counter;
        assert_eq!(counter, m.name.ends_with("_total"), "{}", m.name);
    }
}

#[test]
fn values_come_from_where_they_are_counted() {
    let text = exposition(1);
    for line in [
        "tamis_source_lines_total{service=\"service0\"} 10",
        "tamis_source_bytes_total{service=\"service0\"} 1000",
        "tamis_lines_dropped_total{reason=\"budget\",service=\"service0\",sink=\"\"} 1",
        "tamis_lines_dropped_total{reason=\"policy\",service=\"service0\",sink=\"\"} 0",
        "tamis_lines_dropped_total{reason=\"sink_rejected\",service=\"service0\",sink=\"loki\"} 1",
        "tamis_sink_lines_total{sink=\"loki\",service=\"service0\"} 8",
        "tamis_scrub_detections_total{kind=\"EMAIL\",service=\"service0\"} 1",
        "tamis_scrub_detections_total{kind=\"NIR\",service=\"service0\"} 0",
        "tamis_scrub_words_total{result=\"masked\",service=\"service0\"} 4",
        "tamis_sink_requests_total{sink=\"loki\",code=\"204\"} 7",
        "tamis_conservation_difference_lines{sink=\"stdout\"} -1",
        "tamis_spool_oldest_timestamp_seconds 1.5",
        "tamis_source_containers{state=\"covered\"} 4",
        "tamis_source_containers{state=\"failed\"} 0",
        "tamis_policy_info{sha256_12=\"0123456789ab\"} 1",
        "tamis_canary_leaks_total 2",
        "tamis_ready 1",
        "tamis_stage_duration_seconds_count{stage=\"sieve\"} 1",
        "tamis_e2e_latency_seconds_count{sink=\"loki\"} 8",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
    }
}

#[test]
fn a_policy_that_is_replaced_leaves_no_series() {
    let telemetry = Telemetry::new(&[]);
    let ledger = Ledger::new(Vec::new());
    let of = |hash: &str| Gauges { policy_hash: hash.into(), ..Gauges::default() };
    telemetry.render(&ledger, &of("aaaaaaaaaaaa"));
    let text = telemetry.render(&ledger, &of("bbbbbbbbbbbb"));
    assert!(text.contains("bbbbbbbbbbbb") && !text.contains("aaaaaaaaaaaa"));
}

#[test]
fn twelve_services_stay_below_a_thousand_series() {
    let text = exposition(12);
    let series = text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).count();
    assert!(series < 1000, "{series}");
}

#[test]
fn promtool_accepts_the_exposition() {
    let spawned = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = spawned else {
        eprintln!("skipped: promtool is not installed");
        return;
    };
    let text = exposition(2);
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), text.as_bytes()).unwrap();
    let answer = child.wait_with_output().unwrap();
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
}

fn document() -> String {
    let mut out = String::from(
        "# Metrics\n\nMade from the tables in `agent/src/telemetry.rs` and \
         `agent/src/stats/exposition.rs`; a test holds it up to date \
         (`UPDATE_GOLDEN=1 cargo test -p tamis document`).\n\n\
         ## The agent: `/metrics`\n\n\
         | name | kind | unit | labels | meaning |\n|---|---|---|---|---|\n",
    );
    for m in METRICS {
        let labels: Vec<_> = m.labels.iter().map(|l| format!("`{l}`")).collect();
        let (name, kind, labels) = (m.name, m.kind.name(), labels.join(", "));
        out += &format!("| `{name}` | {kind} | {} | {labels} | {} |\n", m.unit, m.help);
    }
    let buckets: Vec<_> = BUCKETS_SECONDS.iter().map(f64::to_string).collect();
    out += &format!("\nBuckets of the histograms, seconds: {}.\n", buckets.join(", "));
    out += "\n`sum()` over all labels makes sense for every counter but \
            `tamis_lines_dropped_total` and `tamis_sink_lines_total` with more than one sink: \
            a record may be lost on the way to one and reach the other, so choose a `sink`.\n\n\
            ## Containers: `/metrics/containers`\n\n\
            cAdvisor's names. Labels of each: `id`, `name`, `image`, \
            `container_label_com_docker_compose_project`, \
            `container_label_com_docker_compose_service`, all after both walls.\n\n\
            | name | kind | meaning |\n|---|---|---|\n";
    for m in crate::stats::container_metrics() {
        out += &format!("| `{}` | {} | {} |\n", m.name, m.kind, m.help);
    }
    out
}

#[test]
#[allow(clippy::disallowed_methods, reason = "UPDATE_GOLDEN rewrites the expected file")]
fn the_document_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/METRICS.md");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, document()).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), document());
}

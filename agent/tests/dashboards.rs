//! What is shipped for Grafana and Prometheus agrees with the code: every metric exists, every
//! panel says what it shows and in which unit, no query names a person, every alert has a runbook.
//!
//! The syntax itself is checked by `promtool` in the end-to-end tests.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Oldest dashboard schema that is supported (Grafana 10.3 to 11); Grafana migrates forward only.
const SCHEMA_VERSION: u64 = 39;
/// Grafana's grid.
const GRID_WIDTH: u64 = 24;
/// Labels that would tell who used a service. None may appear in a query, legend or rule.
const FORBIDDEN_LABELS: [&str; 9] = [
    "end_user",
    "user",
    "user_id",
    "user_email",
    "email",
    "ip",
    "client_ip",
    "hashed_api_key",
    "api_key_alias",
];
/// Core panels that exist in every supported Grafana.
const PANEL_TYPES: [&str; 11] = [
    "timeseries",
    "stat",
    "gauge",
    "bargauge",
    "table",
    "logs",
    "heatmap",
    "state-timeline",
    "text",
    "row",
    "piechart",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Files below `dir` with this extension, sorted.
fn files(dir: &Path, ext: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut rest = vec![dir.to_path_buf()];
    while let Some(dir) = rest.pop() {
        for entry in std::fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display())) {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => rest.push(path),
                false if path.extension().is_some_and(|e| e == ext) => found.push(path),
                false => {}
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no .{ext} below {}", dir.display());
    found
}

/// The file's name without folder and extension.
fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_str().unwrap().to_owned()
}

/// Every shipped dashboard, by file stem.
fn dashboards() -> Vec<(String, Value)> {
    files(&root().join("dashboards/grafana/dashboards"), "json")
        .into_iter()
        .map(|path| {
            let json = serde_json::from_str(&read(&path));
            (stem(&path), json.unwrap_or_else(|e| panic!("{path:?}: {e}")))
        })
        .collect()
}

/// The panels of a dashboard.
fn panels(dashboard: &Value) -> &Vec<Value> {
    dashboard["panels"].as_array().expect("panels")
}

/// Every string under a key of this name, at any depth.
fn strings<'v>(value: &'v Value, key: &str, out: &mut Vec<&'v str>) {
    match value {
        Value::Array(items) => items.iter().for_each(|v| strings(v, key, out)),
        Value::Object(map) => map.iter().for_each(|(k, v)| match v {
            Value::String(s) if k == key => out.push(s),
            _ => strings(v, key, out),
        }),
        _ => {}
    }
}

/// Identifiers of a query outside quotes.
fn identifiers(query: &str) -> BTreeSet<String> {
    let unquoted: String = query.split('"').step_by(2).collect::<Vec<_>>().join(" ");
    unquoted
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'))
        .filter(|word| word.starts_with(|c: char| c.is_ascii_alphabetic()))
        .map(str::to_owned)
        .collect()
}

/// The name as it is registered: histograms are queried by their parts.
fn registered(name: &str) -> bool {
    let known = |n: &str| tamis::telemetry::METRICS.iter().any(|m| m.name == n);
    let parts = ["_bucket", "_sum", "_count"];
    known(name) || parts.iter().any(|part| name.strip_suffix(part).is_some_and(known))
}

/// No unknown metric, no forbidden label.
fn check_query(place: &str, query: &str) {
    for word in identifiers(query) {
        assert!(
            !word.starts_with("tamis_") || registered(&word),
            "{place}: {word} is not in tamis::telemetry::METRICS"
        );
        assert!(!FORBIDDEN_LABELS.contains(&word.as_str()), "{place}: label {word} names a person");
    }
}

/// The values of one key of a rule file, folded blocks included. Enough YAML for files that
/// `promtool` has checked.
fn rule_values(text: &str, key: &str) -> Vec<String> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut found = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(rest) = line.trim_start().trim_start_matches("- ").strip_prefix(key) else {
            continue;
        };
        let mut value = rest.trim().to_owned();
        if value.starts_with(['>', '|']) {
            value.clear();
            while let Some(next) = lines.next_if(|l| l.is_empty() || indent(l) > indent(line)) {
                value.push(' ');
                value.push_str(next.trim());
            }
        }
        found.push(value);
    }
    found
}

#[test]
fn every_metric_of_a_dashboard_exists() {
    for (name, json) in dashboards() {
        let mut queries = Vec::new();
        for key in ["expr", "query", "definition", "legendFormat"] {
            strings(&json, key, &mut queries);
        }
        assert!(queries.iter().any(|q| q.contains("tamis_")), "{name} queries nothing");
        queries.iter().for_each(|q| check_query(&name, q));
    }
}

#[test]
fn every_metric_of_a_rule_exists() {
    for path in files(&root().join("dashboards/prometheus/rules"), "yml") {
        let exprs = rule_values(&read(&path), "expr:");
        assert!(!exprs.is_empty(), "{path:?} has no expr");
        exprs.iter().for_each(|e| check_query(&stem(&path), e));
    }
}

#[test]
fn every_alert_has_a_runbook_a_test_and_a_dashboard() {
    let mut alerts = BTreeSet::new();
    for path in files(&root().join("dashboards/prometheus/rules"), "yml") {
        for rule in read(&path).split("- alert:").skip(1) {
            let name = rule.lines().next().unwrap().trim().to_owned();
            for key in ["severity:", "summary:", "description:", "dashboard_url:"] {
                assert!(rule.contains(key), "{name}: no {key}");
            }
            assert!(rule.contains(&format!("runbook_url: docs/runbooks/{name}.md\n")), "{name}");
            assert!(alerts.insert(name.clone()), "{name} twice");
        }
    }
    let cases = files(&root().join("dashboards/prometheus/tests"), "yml");
    let cases: String = cases.iter().map(|path| read(path)).collect();
    for name in &alerts {
        let runbook = read(&root().join(format!("docs/runbooks/{name}.md")));
        let headings: Vec<&str> = runbook.lines().filter(|l| l.starts_with('#')).collect();
        let title = format!("# {name}");
        let want = [&title, "## Meaning", "## Impact", "## Diagnosis", "## Mitigation"];
        assert_eq!(headings, want, "{name}");
        assert!(cases.contains(name.as_str()), "{name} has no case in dashboards/prometheus/tests");
    }
    for path in files(&root().join("docs/runbooks"), "md") {
        assert!(alerts.contains(&stem(&path)), "{path:?} has no alert");
    }
}

#[test]
fn dashboards_are_provisionable() {
    for (name, json) in dashboards() {
        assert_eq!(json["uid"], name.as_str(), "uid and file name agree");
        assert!(name.len() <= 40, "{name}: uid is too long");
        assert_eq!(json["id"], Value::Null, "{name}: id is Grafana's");
        assert_eq!(json["schemaVersion"], SCHEMA_VERSION, "{name}");
        assert_eq!(json["editable"], false, "{name}");
        assert_eq!(json["graphTooltip"], 1, "{name}");
        assert_eq!(json["tags"][0], "tamis", "{name}");
        assert_eq!(json["__inputs"], Value::Null, "{name}: not resolved by provisioning");
        let mut sources = Vec::new();
        strings(&json["panels"], "uid", &mut sources);
        assert!(!sources.is_empty(), "{name}");
        for uid in sources {
            let variable = uid.starts_with("${") && uid.ends_with("_datasource}");
            assert!(variable, "{name}: literal {uid}");
        }
    }
}

#[test]
fn uids_ids_and_titles_are_unique() {
    let mut uids = BTreeSet::new();
    for (name, json) in dashboards() {
        assert!(uids.insert(name.clone()), "{name} twice");
        let mut seen = BTreeSet::new();
        for panel in panels(&json) {
            assert!(seen.insert(panel["id"].to_string()), "{name}: id {} twice", panel["id"]);
            assert!(seen.insert(panel["title"].to_string()), "{name}: {} twice", panel["title"]);
        }
    }
}

#[test]
fn panels_say_what_they_show() {
    for (name, json) in dashboards() {
        for panel in panels(&json) {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let title = text(&panel["title"]);
            let kind = text(&panel["type"]);
            assert!(!title.is_empty(), "{name}: a panel without title");
            assert!(PANEL_TYPES.contains(&kind.as_str()), "{name}/{title}: type {kind}");
            if kind == "row" {
                continue;
            }
            assert!(text(&panel["description"]).len() > 10, "{name}/{title}: description");
            assert_ne!(text(&panel["fieldConfig"]["defaults"]["unit"]), "", "{name}/{title}: unit");
            assert!(!panel["targets"].as_array().is_none_or(Vec::is_empty), "{name}/{title}");
        }
    }
}

#[test]
fn panels_do_not_overlap() {
    for (name, json) in dashboards() {
        let mut cells = BTreeSet::new();
        for panel in panels(&json) {
            let at = |key: &str| panel["gridPos"][key].as_u64().expect("gridPos");
            assert!(at("x") + at("w") <= GRID_WIDTH, "{name}: {} is too wide", panel["title"]);
            for x in at("x")..at("x") + at("w") {
                for y in at("y")..at("y") + at("h") {
                    assert!(cells.insert((x, y)), "{name}: {} overlaps", panel["title"]);
                }
            }
        }
    }
}

#[test]
fn rates_use_the_interval_of_the_data_source() {
    for (name, json) in dashboards() {
        let mut queries = Vec::new();
        strings(&json, "expr", &mut queries);
        for q in queries.iter().filter(|q| q.contains("rate(")) {
            assert!(q.contains("[$__rate_interval]"), "{name}: {q}");
        }
    }
    let scrape = read(&root().join("dashboards/prometheus/prometheus.yml"));
    let source = read(&root().join("dashboards/grafana/provisioning/datasources/tamis.yaml"));
    let of = |text: &str, key| rule_values(text, key).into_iter().next().expect("interval");
    assert_eq!(of(&scrape, "scrape_interval:"), of(&source, "timeInterval:"));
}

//! The page over a real socket, with clean records of a synthetic stack.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tamis_scrubber::record::CleanBatch;
use tamis_scrubber::report::{DropReason, FieldReason, Kind, Report};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::stats::{ContainerStats, Network};
use crate::telemetry::{SinkView, SpoolView, Stage};

/// A batch in the spool's layout, the one way to clean records outside of the kernel.
fn batch(service: &str, lines: &[&str]) -> CleanBatch {
    fn put(text: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(&(text.len() as u32).to_le_bytes());
        out.extend_from_slice(text.as_bytes());
    }
    let mut frame = vec![1];
    for text in [&"ab".repeat(32), service, "demo", service, "image:1"] {
        put(text, &mut frame);
    }
    put(&lines.concat(), &mut frame);
    frame.extend_from_slice(&(lines.len() as u32).to_le_bytes());
    let mut end = 0;
    for line in lines {
        end += line.len() as u32;
        frame.extend_from_slice(&45_296_789_000_000_i64.to_le_bytes());
        frame.extend_from_slice(&end.to_le_bytes());
        frame.extend_from_slice(&[0, u8::MAX, 0]);
        frame.extend_from_slice(&[0; 24]);
    }
    CleanBatch::decode(&frame).unwrap()
}

fn state(ready: bool) -> PageState {
    let ledger = Arc::new(Ledger::new(vec!["loki"]));
    let service = ledger.service("web<img src=x>");
    service.read(1234, 99_000);
    let mut report = Report::default();
    report.detection(Kind::Nir);
    report.field(FieldReason::Unknown);
    report.dropped(DropReason::NothingTechnical);
    service.sieved(&report);
    service.delivered(0, 1233);
    let recent = Arc::new(Recent::default());
    recent.add(&batch(
        "web",
        &[
            r#"{"level":"warn","msg":"mail to [EMAIL] <script>alert(1)</script>","ms":1.5}"#,
            r#"{"msg":"second","removed":{"fields":2,"words":1,"detections":0}}"#,
        ],
    ));
    let telemetry = Arc::new(Telemetry::new(&["loki"]));
    telemetry.stage(Stage::Sieve, Duration::from_micros(420));
    let gauges = move || Gauges {
        ready,
        policy_hash: "0123456789ab".into(),
        sinks: vec![SinkView { name: "loki", up: ready, ..SinkView::default() }],
        spool: SpoolView { bytes: 1, capacity_bytes: 2, oldest_ns: None },
        ..Gauges::default()
    };
    let mut container = ContainerStats { id: "cd".repeat(32).into(), ..ContainerStats::default() };
    container.memory.working_set_bytes = Some(48 << 20);
    container.memory.limit_bytes = Some(64 << 20);
    container.cpu.usage_seconds = Some(1.0);
    container.network = Network { host: true, interfaces: Vec::new() };
    let snapshot = Snapshot { taken_ns: 1, containers: vec![container], ..Snapshot::default() };
    let (_, stats) = watch::channel(Arc::new(snapshot));
    PageState::new(ledger, recent, telemetry, Arc::new(gauges), stats)
}

struct Answer {
    head: String,
    body: String,
}

/// Serves for the time of `ask`, on a free port of the loopback.
async fn serve(state: PageState) -> (SocketAddr, tokio::task::JoinHandle<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let server = axum::serve(listener, router(state));
    (addr, tokio::spawn(async move { server.await.unwrap() }))
}

async fn ask(addr: SocketAddr, path: &str) -> Answer {
    let mut stream = tokio::net::TcpStream::connect(addr).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    Answer { head: head.to_ascii_lowercase(), body: body.to_owned() }
}

#[tokio::test]
async fn every_path_answers_and_is_secured() {
    let (addr, server) = serve(state(true)).await;
    let rows = [
        ("/", "200", "text/html", "<h1>Tamis</h1>"),
        ("/app.js", "200", "text/javascript", "'use strict'"),
        ("/style.css", "200", "text/css", ":root"),
        ("/api/status", "200", "application/json", "\"in_total\":\"1,234\""),
        ("/api/tail", "200", "application/json", "second"),
        ("/metrics", "200", "text/plain; version=0.0.4", "tamis_ready 1"),
        ("/metrics/containers", "200", "text/plain; version=0.0.4", "_working_set_bytes{"),
        ("/healthz", "200", "text/plain", "ok"),
        ("/readyz", "200", "text/plain", "ready"),
        ("/version", "200", "application/json", "0123456789ab"),
        ("/favicon.ico", "404", "", ""),
    ];
    for (path, code, content_type, part) in rows {
        let answer = ask(addr, path).await;
        assert!(answer.head.starts_with(&format!("http/1.1 {code}")), "{path}: {}", answer.head);
        assert!(answer.head.contains(&format!("content-type: {content_type}")) || code == "404");
        assert!(answer.body.contains(part), "{path}");
        for header in [
            "cache-control: no-store",
            "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'",
            "x-content-type-options: nosniff",
        ] {
            assert!(answer.head.contains(header), "{path} without {header}");
        }
    }
    server.abort();
}

#[tokio::test]
async fn an_agent_that_is_not_ready_says_so() {
    let (addr, server) = serve(state(false)).await;
    let answer = ask(addr, "/readyz").await;
    assert!(answer.head.starts_with("http/1.1 503"), "{}", answer.head);
    assert_eq!(answer.body, "unready\n");
    assert!(ask(addr, "/healthz").await.head.starts_with("http/1.1 200"));
    let page = ask(addr, "/").await.body;
    assert!(page.contains("Not ready") && page.contains("loki down"));
    server.abort();
}

#[tokio::test]
async fn values_are_text_and_questions_are_not_echoed() {
    let (addr, server) = serve(state(true)).await;
    let page = ask(addr, "/").await.body;
    assert!(!page.contains("<img src=x") && !page.contains("<script>alert"));
    assert!(page.contains("web&lt;img src=x&gt;") && page.contains("&lt;script&gt;alert"));
    assert!(page.contains("<mark class=\"\">[EMAIL]</mark>") && !page.contains("{{"));
    for path in ["/api/tail?service=zzz", "/zzz", "/api/tail?service=zzz&service=zzz", "/?zzz"] {
        assert!(!ask(addr, path).await.body.contains("zzz"), "{path}");
    }
    server.abort();
}

#[tokio::test]
async fn the_tail_is_filtered_and_newest_first() {
    let (addr, server) = serve(state(true)).await;
    let tail = ask(addr, "/api/tail?service=web").await.body;
    let records: Value = serde_json::from_str(&tail).unwrap();
    let first = &records[0];
    assert_eq!(first["msg"][0]["text"], "second");
    assert_eq!(first["removed"], "2 fields, 1 word");
    assert_eq!((&first["time"], &first["service"]), (&"12:34:56.789".into(), &"web".into()));
    assert_eq!(records[1]["level"], "warn");
    assert_eq!(records[1]["fields"][0][0], "ms");
    assert_eq!(ask(addr, "/api/tail?service=other").await.body, "[]");
    server.abort();
}

/// Values of `attribute="…"` in the template.
fn places(attribute: &str) -> Vec<&'static str> {
    let template = include_str!("index.html");
    let parts = template.split(attribute).skip(1).filter_map(|t| t.strip_prefix("=\""));
    parts.filter_map(|t| t.split('"').next()).collect()
}

#[test]
fn template_and_view_agree() {
    let view = state(true).view();
    let sorted = |mut v: Vec<&'static str>| {
        v.sort_unstable();
        v.dedup();
        v
    };
    assert_eq!(sorted(places("data-text")), view.text.keys().copied().collect::<Vec<_>>());
    assert_eq!(sorted(places("data-spark")), view.spark.keys().copied().collect::<Vec<_>>());
    assert!(places("data-class").iter().all(|p| view.class.contains_key(p)));
    let template = include_str!("index.html");
    for table in &view::TABLES {
        assert!(template.contains(&format!("{{{{table:{}}}}}", table.name)), "{}", table.name);
        for row in &view.tables[table.name] {
            assert!(row.len() == table.columns.len() || row[0].kind == "empty", "{}", table.name);
        }
    }
}

#[test]
fn the_page_needs_nothing_that_its_policy_forbids() {
    let html = include_str!("index.html");
    for forbidden in ["style=\"", "<style", "onclick", "onload", "javascript:", "//cdn", "<form"] {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
    let all = [html, include_str!("app.js"), include_str!("style.css")].concat();
    for address in all.split("http").skip(1) {
        let namespace = address.starts_with("://www.w3.org/2000/svg");
        assert!(namespace || address.starts_with("-equiv"), "{}", &address[..20]);
    }
    for forbidden in ["innerHTML", "insertAdjacentHTML", "document.write", "eval(", "url("] {
        assert!(!all.contains(forbidden), "{forbidden}");
    }
    assert!(all.len() < 40_000, "{} bytes", all.len());
}

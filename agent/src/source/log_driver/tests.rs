//! The driver as the engine sees it: requests on the socket, frames into FIFOs.

mod engine;

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use tamis_scrubber::record::Stream;

use self::engine::{Pipe, Rig, id, info, lines_like_engine};
use super::*;
use crate::clock::monotonic;
use crate::decode::log_entry::tests::{line, tail};

const CANARY: &str = "canary-7f3a-zq";

#[tokio::test]
async fn it_presents_itself() {
    let rig = Rig::start().await;
    let (status, body) = rig.call("Plugin.Activate", "").await;
    assert_eq!((status, body.as_str()), (200, r#"{"Implements":["LogDriver"]}"#));
    let (status, body) = rig.call("LogDriver.Capabilities", "").await;
    assert_eq!((status, body.as_str()), (200, r#"{"Cap":{"ReadLogs":true},"Err":""}"#));
    let socket = std::fs::metadata(&rig.config.socket).unwrap();
    assert_eq!(socket.permissions().mode() & 0o777, 0o600);
    let config = rig.end().await;
    assert!(!config.socket.exists());
}

#[tokio::test]
async fn lines_arrive_whole_and_stop_does_not_wait_for_the_end_of_file() {
    let mut rig = Rig::start().await;
    let mut pipe = Pipe::make(&rig, 1);
    rig.start_logging(&pipe, info(7, "web")).await;
    assert_eq!((rig.status.open_fifos(), rig.registry.running().len()), (1, 1));
    let container = rig.registry.get(&id(7)).unwrap();
    assert_eq!((container.clean.name(), container.clean.service()), ("demo-web-1", "web"));
    let long = vec![b'l'; 40_000];
    let exact = vec![b'e'; 16_384];
    pipe.write(&line("stdout", 11, b"one", ""));
    pipe.write(&line("stderr", 12, b"", ""));
    pipe.write(&line("stdout", 13, &long, "p1"));
    pipe.write(&line("stderr", 14, &exact, "p2"));
    let records = rig.records(4).await;
    let sizes: Vec<_> = records.iter().map(|r| (r.line.len(), r.timestamp_ns, r.stream)).collect();
    let (out, err) = (Stream::Stdout, Stream::Stderr);
    assert_eq!(sizes, [(3, 11, out), (0, 12, err), (40_000, 13, out), (16_384, 14, err)]);
    assert!(records.iter().all(|r| !r.truncated));

    // A burst and an unterminated tail, then at once the stop; the writer keeps its end open.
    let burst: Vec<u8> = (0..500).flat_map(|n| line("stdout", 20 + n, b"burst", "")).collect();
    pipe.write(&burst);
    pipe.write(&tail("stdout", 999, b"no newline", "p3"));
    let before = monotonic();
    assert_eq!(rig.stop_logging(&pipe).await, 200);
    assert!(monotonic() - before < Duration::from_millis(400));
    let records = rig.records(501).await;
    let last = records.last().unwrap();
    assert_eq!((last.line.as_slice(), last.truncated), (&b"no newline"[..], true));
    assert_eq!((rig.status.open_fifos(), rig.registry.running().len()), (0, 0));
    assert_eq!((rig.status.frames(), rig.status.decode_errors()), (508, 0));
    assert_eq!(rig.stop_logging(&pipe).await, 200, "unknown by now: no failure");
    rig.end().await;
}

#[tokio::test]
async fn what_must_not_be_read_is_nowhere() {
    let rig = Rig::start().await;
    let pipe = Pipe::make(&rig, 1);
    let mut info = info(7, "web");
    info["ContainerEnv"] = serde_json::json!([format!("PASSWORD={CANARY}")]);
    info["ContainerArgs"] = serde_json::json!([CANARY]);
    info["Config"] = serde_json::json!({ "env": CANARY });
    info["ContainerLabels"]["org.example.owner"] = CANARY.into();
    rig.start_logging(&pipe, info).await;
    let map = rig.config.state_dir.join("log_driver.json");
    let text = std::fs::read_to_string(&map).unwrap();
    assert!(text.contains(&id(7)) && !text.contains(CANARY));
    assert_eq!(std::fs::metadata(&map).unwrap().permissions().mode() & 0o777, 0o600);
    let request = format!("{{\"File\":\"x\",\"Info\":{{\"ContainerID\":[\"{CANARY}\"]}}}}");
    for (call, body) in [("StartLogging", request.as_str()), ("StopLogging", CANARY)] {
        let (status, answer) = rig.call(&format!("LogDriver.{call}"), body).await;
        assert!(status == 500 && answer.contains("Err") && !answer.contains(CANARY));
    }
    rig.end().await;
}

/// The requests of a real engine (fixtures/wire/log_driver/README.md).
#[tokio::test]
async fn the_requests_of_an_engine_are_understood() {
    let requests =
        include_str!("../../../../fixtures/wire/log_driver/engine-20.10.24.requests.jsonl");
    assert!(requests.contains(CANARY));
    let rig = Rig::start().await;
    let mut pipes = Vec::new();
    for request in requests.lines() {
        let request: serde_json::Value = serde_json::from_str(request).unwrap();
        let (path, body) = (request["path"].as_str().unwrap(), &request["body"]);
        if path == "LogDriver.StartLogging" {
            let name = body["File"].as_str().unwrap().rsplit('/').next().unwrap();
            pipes.push(Pipe::named(&rig, name.to_owned()));
        }
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, answer) = rig.call(path, &body).await;
        assert!(status == 200 && !answer.contains(CANARY), "{path}: {status}");
        if path == "LogDriver.StartLogging" {
            let known = rig.registry.running();
            let clean = &known[0].clean;
            assert_eq!((clean.name(), clean.service(), clean.image()), ("caddy-1", "web", "bb"));
        }
        let map = std::fs::read_to_string(rig.config.state_dir.join("log_driver.json")).unwrap();
        assert!(!map.contains(CANARY));
    }
    assert_eq!((pipes.len(), rig.status.open_fifos()), (3, 0));
    rig.end().await;
}

#[tokio::test]
async fn refusals_name_the_reason_and_leave_nothing_open() {
    let rig = Rig::start().await;
    std::fs::write(rig.config.fifo_dir.join("regular"), "x").unwrap();
    std::os::unix::fs::symlink("/dev/null", rig.config.fifo_dir.join("link")).unwrap();
    let pipe = Pipe::make(&rig, 1);
    let rows = [
        ("/run/docker/logging/absent".to_owned(), info(7, "web"), "not found"),
        ("/run/docker/logging/regular".to_owned(), info(7, "web"), "invalid"),
        ("/run/docker/logging/link".to_owned(), info(7, "web"), "FIFO"),
        ("/run/docker/logging/..".to_owned(), info(7, "web"), "name"),
        ("/run/docker/logging/".to_owned(), info(7, "web"), "name"),
        (pipe.file(), serde_json::json!({ "ContainerID": "short" }), "container"),
        (pipe.file(), serde_json::json!({}), "request"),
    ];
    for (file, info, reason) in rows {
        let body = serde_json::json!({ "File": file, "Info": info }).to_string();
        let (status, answer) = rig.call("LogDriver.StartLogging", &body).await;
        assert!(status == 500 && answer.contains(reason), "{file}: {status} {answer}");
    }
    let huge = format!("{{\"File\":\"{}\"}}", "x".repeat(crate::limits::PLUGIN_BODY_BYTES_MAX));
    assert_eq!(rig.call("LogDriver.StartLogging", &huge).await.0, 413);
    assert_eq!((rig.status.open_fifos(), rig.registry.running().len()), (0, 0));
    let minimal = serde_json::json!({ "ContainerID": id(9), "ContainerLabels": null });
    rig.start_logging(&pipe, minimal).await;
    assert_eq!(rig.status.open_fifos(), 1);
    rig.end().await;
}

#[tokio::test]
async fn one_process_owns_the_socket_and_a_stale_one_is_replaced() {
    let rig = Rig::start().await;
    let elsewhere =
        LogDriverConfig { state_dir: rig.config.state_dir.join("b"), ..rig.config.config.clone() };
    let refused = rig.bind(elsewhere).await.err().unwrap();
    assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);
    assert!(!refused.to_string().contains(rig.config.socket.to_str().unwrap()));
    let config = rig.end().await;
    drop(UnixListener::bind(&config.socket).unwrap());
    let rig = Rig::start_in(config).await;
    assert_eq!(rig.call("Plugin.Activate", "").await.0, 200);
    let config = rig.end().await;
    std::fs::write(&config.socket, "precious").unwrap();
    let rig = Rig::idle(config);
    let refused = rig.bind(rig.config.config.clone()).await.err().unwrap();
    assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(std::fs::read(&rig.config.socket).unwrap(), b"precious");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_in_the_middle_loses_nothing() {
    let mut rig = Rig::start().await;
    let pipe = Pipe::make(&rig, 1);
    rig.start_logging(&pipe, info(7, "web")).await;
    let total = 20_000;
    let mut writer = pipe.file.try_clone().unwrap();
    let writing = std::thread::spawn(move || {
        for n in 0..total {
            writer.write_all(&lines_like_engine(n)).unwrap();
        }
    });
    let mut numbers = Vec::new();
    for lives in 1..=4usize {
        let enough = lives * 4_000;
        while numbers.len() < enough {
            numbers.extend(rig.records(1).await.iter().map(engine::number));
        }
        let Rig { cancel, task, config, mut rx, .. } = rig;
        cancel.cancel();
        task.await.unwrap();
        // What the first process had handed over.
        while let Ok(batch) = rx.try_recv() {
            numbers.extend(engine::records_of(&batch).iter().map(engine::number));
        }
        rig = Rig::start_in(config).await;
        assert_eq!((rig.status.open_fifos(), rig.registry.running().len()), (1, 1));
        assert_eq!(rig.registry.get(&id(7)).unwrap().clean.service(), "web");
    }
    while numbers.len() < total {
        numbers.extend(rig.records(1).await.iter().map(engine::number));
    }
    writing.join().unwrap();
    assert!(numbers.iter().copied().eq(0..total), "in order, none lost, none twice");
    assert_eq!(rig.status.decode_errors(), 0);
    assert_eq!(rig.stop_logging(&pipe).await, 200);
    let config = rig.end().await;
    let rig = Rig::start_in(config).await;
    assert_eq!(rig.status.open_fifos(), 0, "a FIFO that was stopped is not opened again");
    rig.end().await;
}

#[tokio::test]
async fn a_damaged_map_starts_empty_and_says_so_without_content() {
    let rig = Rig::start().await;
    let pipe = Pipe::make(&rig, 1);
    rig.start_logging(&pipe, info(7, "web")).await;
    let config = rig.end().await;
    let map = config.state_dir.join("log_driver.json");
    let good = std::fs::read_to_string(&map).unwrap();
    let escape = good.replace(&pipe.name, "../../etc/passwd");
    for bad in [&good[..good.len() - 2], &good.replace("\"version\":1", "\"version\":9"), &escape] {
        std::fs::write(&map, bad).unwrap();
        assert_eq!(map::load(&map).err().unwrap().kind(), io::ErrorKind::InvalidData);
    }
    let rig = Rig::start_in(config).await;
    assert_eq!(rig.status.open_fifos(), 0);
    assert!(map::load(&map).unwrap().is_empty());
    rig.end().await;
}

#[tokio::test]
async fn a_container_is_read_until_its_last_fifo_closes() {
    let mut rig = Rig::start().await;
    let (mut one, mut two) = (Pipe::make(&rig, 1), Pipe::make(&rig, 2));
    rig.start_logging(&one, info(7, "web")).await;
    rig.start_logging(&two, info(7, "web")).await;
    rig.start_logging(&two, info(7, "web")).await;
    assert_eq!((rig.status.open_fifos(), rig.registry.running().len()), (2, 1));
    one.write(&line("stdout", 1, b"a", ""));
    two.write(&line("stdout", 2, b"b", ""));
    rig.records(2).await;
    rig.stop_logging(&one).await;
    assert_eq!(rig.registry.running().len(), 1);
    // The engine dies: no StopLogging, the end of the file.
    two.write(&line("stdout", 3, b"c", ""));
    drop(two);
    rig.records(1).await;
    let until = monotonic() + Duration::from_secs(5);
    while !rig.registry.running().is_empty() && monotonic() < until {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!((rig.status.open_fifos(), rig.registry.running().len()), (0, 0));
    rig.end().await;
}

#[tokio::test]
async fn damage_is_counted_and_passed_over() {
    let mut rig = Rig::start().await;
    let mut pipe = Pipe::make(&rig, 1);
    rig.start_logging(&pipe, info(7, "web")).await;
    // A process killed in the middle of a frame leaves the rest of it.
    pipe.write(&line("stdout", 1, b"killed in the middle", "")[7..]);
    pipe.write(&line("stdout", 2, b"after", ""));
    let records = rig.records(1).await;
    assert_eq!(records[0].line, b"after");
    assert!(rig.status.decode_errors() > 0 && rig.status.lost_bytes() > 0);
    rig.end().await;
}

#[tokio::test]
async fn a_stopped_pipeline_does_not_stop_the_reading() {
    let mut rig = Rig::start().await;
    let pipe = Pipe::make(&rig, 1);
    rig.start_logging(&pipe, info(7, "web")).await;
    rig.rx.close();
    let lines: Vec<u8> = (0..1000).flat_map(|_| line("stdout", 1, &[b'x'; 3000], "")).collect();
    pipe.write_in_thread(lines).await;
    assert_eq!(rig.stop_logging(&pipe).await, 200);
    assert_eq!(rig.status.unsent(), 1000);
    rig.end().await;
}

#[tokio::test]
async fn docker_logs_serves_clean_records_only() {
    let rig = Rig::start().await;
    let stored = rig.store(7, 20);
    rig.store(8, 5);
    let rows = [
        (serde_json::json!({ "Tail": -1 }), 0..20),
        (serde_json::json!({ "Tail": 3 }), 17..20),
        (serde_json::json!({ "Tail": 0 }), 20..20),
        (serde_json::json!({ "Tail": 99, "Since": "0001-01-01T00:00:00Z" }), 0..20),
        (serde_json::json!({ "Tail": -1, "Since": engine::rfc3339(15) }), 15..20),
        (serde_json::json!({ "Tail": 2, "Until": engine::rfc3339(4) }), 3..5),
    ];
    for (n, (config, range)) in rows.into_iter().enumerate() {
        // `docker logs` of a stopped container: a FIFO of its own for the time of the request.
        let pipe = Pipe::make(&rig, 50 + n);
        rig.start_logging(&pipe, info(7, "web")).await;
        let got = rig.read_logs(7, &config).await;
        rig.stop_logging(&pipe).await;
        assert_eq!(got, stored[range], "{config}");
    }
    rig.end().await;
}

#[tokio::test]
async fn docker_logs_follows_until_the_container_stops() {
    let rig = Rig::start().await;
    let pipe = Pipe::make(&rig, 1);
    rig.start_logging(&pipe, info(7, "web")).await;
    let kept = rig.store(7, 3);
    let config = serde_json::json!({ "Tail": 1, "Follow": true });
    let (first, rest) = tokio::join!(rig.read_logs(7, &config), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        rig.store(8, 2);
        let live = rig.store(7, 4);
        rig.stop_logging(&pipe).await;
        live
    });
    assert_eq!(first, [&kept[2..], &rest].concat());
    // A follower does not hold up the end of the process.
    let pipe = Pipe::make(&rig, 2);
    rig.start_logging(&pipe, info(7, "web")).await;
    let reading = rig.read_logs(7, &config);
    let ending = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        rig.cancel.cancel();
    };
    let before = monotonic();
    tokio::join!(reading, ending);
    assert!(monotonic() - before < Duration::from_millis(900));
    rig.end().await;
}

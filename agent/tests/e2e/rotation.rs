//! The engine rotates json-file logs by itself while they are written: no line is lost.

use std::time::Duration;

use crate::agent::Site;
use crate::canary;
use crate::docker::{self, Docker, Spec};
use crate::servers::Servers;
use crate::store::{self, Store};

/// Lines printed, about 190 bytes each in the engine's file.
const LINES: u64 = 20_000;
/// Rotation after about 700 lines: some thirty times in this test.
const MAX_SIZE: &str = "128k";
/// Patience with the debug build.
const DELIVERY: Duration = Duration::from_secs(120);

#[test]
fn rotation_under_load_loses_no_line() {
    let Some(servers) = Servers::get("rotation") else { return };
    let docker = Docker::new(&servers);
    let store = Store::start(&servers);
    let site = Site::new(&docker, store.push_url());
    let agent = site.start();
    let lines: Vec<String> = (1..=LINES).map(canary::technical).collect();
    let input = docker::input(&lines);
    let container = docker.start(&Spec {
        service: "rotated",
        log: docker::json_file(MAX_SIZE, 3),
        input: Some(input.path()),
        script: &format!("{}; sleep 600", docker::print_paced(100, 0.03)),
        options: &[],
    });
    let records = store.records("rotated", LINES as usize, DELIVERY);
    let numbers = store::numbers(&records);
    let mut distinct = numbers.clone();
    distinct.dedup();
    let logs = docker.containers().join(&container.id);
    let kept = std::fs::read_dir(&logs).unwrap().flatten();
    let kept = kept.filter(|e| e.file_name().to_string_lossy().contains("-json.log")).count();
    assert_eq!(kept, 3, "the engine has rotated and removed files");
    assert_eq!(distinct.len() as u64, LINES, "lines lost");
    assert_eq!(numbers.len(), distinct.len(), "lines twice");
    agent.stop();
}

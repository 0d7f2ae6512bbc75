//! The agent goes away and comes back while containers print: no line is lost.

use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::Duration;

use crate::agent::Site;
use crate::canary;
use crate::docker::{self, Docker, Spec};
use crate::servers::Servers;
use crate::store::{self, Store};

/// Lines printed, 25 every 50 ms: about eight seconds.
const LINES: u64 = 4_000;
/// Patience with the debug build.
const DELIVERY: Duration = Duration::from_secs(90);

/// Prints through `log`, disturbs the agent with `disturb` in the midst, and says what arrived:
/// distinct numbers, and how many entries were sent twice.
fn with_interruption(
    servers: &Servers,
    log: impl Fn(&Site) -> Vec<String>,
    disturb: impl Fn(crate::agent::Agent),
) -> (BTreeSet<u64>, usize) {
    let docker = Docker::new(servers);
    let store = Store::start(servers);
    let site = Site::new(&docker, store.push_url());
    let agent = site.start();
    let lines: Vec<String> = (1..=LINES).map(canary::technical).collect();
    let input = docker::input(&lines);
    let container = docker.start(&Spec {
        service: "printer",
        log: log(&site),
        input: Some(input.path()),
        script: &format!("{}; sleep 600", docker::print_paced(25, 0.05)),
        options: &[],
    });
    sleep(Duration::from_secs(2));
    disturb(agent);
    sleep(Duration::from_secs(1));
    let agent = site.start();
    let before = store::numbers(&store.records("printer", 1, DELIVERY)).len() as u64;
    assert!((1..LINES).contains(&before), "interrupted in the midst: {before} lines stored");
    let records = store.records("printer", LINES as usize, DELIVERY);
    let numbers = store::numbers(&records);
    let distinct: BTreeSet<u64> = numbers.iter().copied().collect();
    let twice = numbers.len() - distinct.len();
    drop(container);
    agent.stop();
    (distinct, twice)
}

/// Every number, and no more than one batch sent twice.
fn assert_all((distinct, twice): (BTreeSet<u64>, usize), twice_max: usize) {
    let missing: Vec<u64> = (1..=LINES).filter(|n| !distinct.contains(n)).collect();
    let some = &missing[..missing.len().min(10)];
    assert!(missing.is_empty(), "{} lines lost, first {some:?}", missing.len());
    assert!(twice <= twice_max, "{twice} lines twice");
}

#[test]
fn stop_and_start_loses_no_line_of_the_log_driver() {
    let Some(servers) = Servers::get("restart, log driver") else { return };
    let driver = |site: &Site| docker::driver(&site.driver);
    assert_all(with_interruption(&servers, driver, |agent| agent.stop()), 0);
}

#[test]
fn stop_and_start_loses_no_line_of_json_file() {
    let Some(servers) = Servers::get("restart, json-file") else { return };
    let json_file = |_: &Site| docker::json_file("100m", 1);
    assert_all(with_interruption(&servers, json_file, |agent| agent.stop()), 0);
}

#[test]
fn kill_loses_no_line_of_json_file() {
    let Some(servers) = Servers::get("kill, json-file") else { return };
    let json_file = |_: &Site| docker::json_file("100m", 1);
    // What was sent but not yet noted may be sent again: a batch, here at most a second's lines.
    assert_all(with_interruption(&servers, json_file, |agent| agent.kill()), 600);
}

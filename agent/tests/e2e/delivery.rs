//! Real containers in, a real store out: every technical line arrives, and nothing of a person is
//! found anywhere that Tamis or, for its own driver, the engine writes.

use std::time::Duration;

use crate::agent::{Agent, Site};
use crate::canary::{self, Person};
use crate::docker::{self, Docker, Spec};
use crate::servers::{Servers, wait_for};
use crate::store::{self, Store};

/// Technical lines of each container.
const LINES: u64 = 2_000;
/// Patience with the debug build.
const DELIVERY: Duration = Duration::from_secs(60);

/// Technical lines numbered from 1, with a person's lines among them.
fn lines_with(person: &Person) -> Vec<String> {
    let personal = person.lines();
    let mut lines = Vec::new();
    for number in 1..=LINES {
        lines.push(canary::technical(number));
        if number % 97 == 0 {
            lines.push(personal[(number / 97) as usize % personal.len()].clone());
        }
    }
    lines.extend(personal);
    lines
}

/// Nothing of a person on any page, in the state directory, in the agent's log, or in the store.
fn assert_clean(person: &Person, agent: &Agent, site: &Site, store: &Store) {
    for path in ["/", "/metrics", "/metrics/containers", "/readyz", "/healthz"] {
        assert!(!person.is_in(agent.page(path).as_bytes()), "a value on {path}");
    }
    assert!(!person.is_in(agent.log().as_bytes()), "a value in the agent's log");
    assert_eq!(person.found_below(site.path()), Vec::<std::path::PathBuf>::new());
    assert_eq!(person.found_below(store.data()), Vec::<std::path::PathBuf>::new());
}

/// No sink has lost sight of a line.
fn assert_conserved(agent: &Agent) {
    let name = "tamis_conservation_difference_lines";
    wait_for("lines to be accounted for", DELIVERY, || {
        let flying = agent.metric("/metrics", "tamis_in_flight_lines", "");
        (flying == 0.0 && agent.metric("/metrics", name, "") == 0.0).then_some(())
    });
}

#[test]
fn log_driver_delivers_what_is_technical_and_leaves_nothing_on_disk() {
    let Some(servers) = Servers::get("log driver") else { return };
    let docker = Docker::new(&servers);
    let store = Store::start(&servers);
    let site = Site::new(&docker, store.push_url());
    let agent = site.start();
    let person = Person::new();
    let input = docker::input(&lines_with(&person));
    let control = person.found_below(input.path());
    assert_eq!(control.len(), 1, "the search finds what is there");

    let container = docker.start(&Spec {
        service: "driver",
        log: docker::driver(&site.driver),
        input: Some(input.path()),
        script: &docker::print_all(),
        options: &[],
    });
    container.wait_exit(DELIVERY);
    let records = store.records("driver", LINES as usize, DELIVERY);
    assert_eq!(store::numbers(&records), (1..=LINES).collect::<Vec<_>>());
    assert_conserved(&agent);

    assert_clean(&person, &agent, &site, &store);
    let in_engine = person.found_below(docker.root());
    assert!(in_engine.is_empty(), "raw values in the engine's directory: {in_engine:?}");
    let shown = container.logs();
    assert!(shown.contains("http_response_status_code"), "docker logs shows clean records");
    assert!(!person.is_in(shown.as_bytes()), "a value in docker logs");
    agent.stop();
    assert!(person.found_below(site.path()).is_empty(), "a value after the stop");
}

#[test]
fn json_file_delivers_what_is_technical() {
    let Some(servers) = Servers::get("json-file") else { return };
    let docker = Docker::new(&servers);
    let store = Store::start(&servers);
    let site = Site::new(&docker, store.push_url());
    let agent = site.start();
    let person = Person::new();
    let input = docker::input(&lines_with(&person));
    let container = docker.start(&Spec {
        service: "file",
        log: docker::json_file("100m", 1),
        input: Some(input.path()),
        script: &format!("{}; sleep 600", docker::print_all()),
        options: &[],
    });
    let records = store.records("file", LINES as usize, DELIVERY);
    assert_eq!(store::numbers(&records), (1..=LINES).collect::<Vec<_>>());
    assert_conserved(&agent);
    assert_clean(&person, &agent, &site, &store);
    // The engine itself has written the raw lines: the search works there too.
    assert!(
        !person.found_below(docker.root()).is_empty(),
        "the search finds raw lines of json-file"
    );
    drop(container);
    agent.stop();
}

#[test]
fn a_driver_that_is_away_refuses_new_containers() {
    let Some(servers) = Servers::get("absent driver") else { return };
    let docker = Docker::new(&servers);
    let absent = format!("tamis-{}", canary::token());
    let image = &servers.image;
    let out = docker.command(&["run", "--rm", "--log-driver", &absent, image, "sh", "-c", "echo"]);
    assert!(!out.status.success(), "fail closed: no reader, no start");
}

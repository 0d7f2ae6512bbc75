//! Positive controls: the tools of these tests see what is there, so that "nothing found" means
//! something.

use std::time::Duration;

use crate::canary::{self, Person};
use crate::docker::{self, Docker, Spec};
use crate::servers::Servers;

#[test]
fn raw_lines_of_the_default_driver_are_found() {
    let Some(servers) = Servers::get("controls") else { return };
    let docker = Docker::new(&servers);
    let person = Person::new();
    assert!(person.found_below(docker.root()).is_empty());
    let lines: Vec<String> = (1..=50).map(canary::technical).chain(person.lines()).collect();
    let input = docker::input(&lines);
    let container = docker.start(&Spec {
        service: "control",
        log: docker::json_file("10m", 2),
        input: Some(input.path()),
        script: &docker::print_paced(10, 0.01),
        options: &[],
    });
    container.wait_exit(Duration::from_secs(30));
    let printed = container.logs();
    assert!(lines.iter().all(|line| printed.contains(line.as_str())), "{printed}");
    let found = person.found_below(docker.root());
    let raw = docker.containers().join(&container.id).join(format!("{}-json.log", container.id));
    assert_eq!(found, [raw], "in the log, and not in the container's configuration");
}

//! The shipped stack keeps its promises: hardened services, loopback ports, internal networks, no
//! engine socket, pinned images, no secret in the file. Read as text; that Compose accepts the file
//! is an end-to-end test.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Directories and files of the host that a service may see.
const HOST_PATHS: [&str; 5] = [
    "/run/docker/plugins:",
    "/run/docker/logging:",
    "/var/lib/docker/containers:/var/lib/docker/containers:ro",
    "/sys/fs/cgroup:/sys/fs/cgroup:ro",
    "/proc:/host/proc:ro",
];

fn compose() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../compose")
}

fn read(name: &str) -> String {
    let path = compose().join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Blocks below a top-level key, by name, comments removed.
fn blocks(text: &str, section: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut inside = false;
    let mut name = String::new();
    for line in text.lines().map(|l| l.split(" #").next().unwrap_or(l).trim_end()) {
        if line.is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        if !line.starts_with(' ') {
            inside = line.strip_suffix(':') == Some(section);
        } else if inside && line.starts_with("  ") && !line.starts_with("   ") {
            name = line.trim().split(':').next().unwrap_or_default().to_owned();
            found.insert(name.clone(), format!("{line}\n"));
        } else if let Some(block) = found.get_mut(&name).filter(|_| inside) {
            block.push_str(line);
            block.push('\n');
        }
    }
    assert!(!found.is_empty(), "no {section}");
    found
}

#[test]
fn every_service_is_hardened_and_bounded() {
    let text = read("compose.yml");
    let hard = text.split("x-hard:").nth(1).unwrap().split("\n\n").next().unwrap();
    for key in ["read_only: true", "cap_drop: [ALL]", "no-new-privileges:true", "pids_limit:"] {
        assert!(hard.contains(key), "x-hard: {key}");
    }
    for (name, service) in blocks(&text, "services") {
        for key in ["<<: *hard", "user: \"", "mem_limit:", "memswap_limit:", "cpus:", "logging:"] {
            assert!(service.contains(key), "{name}: {key}");
        }
        let value =
            |key: &str| service.split(key).nth(1).unwrap().lines().next().unwrap().to_owned();
        assert_eq!(value(" mem_limit:"), value("memswap_limit:"), "{name}: no swap");
        assert!(service.contains("image: ${") && service.contains("_IMAGE:?"), "{name}: image");
        for never in ["docker.sock", "privileged", "network_mode", "cap_add", "pid: host"] {
            assert!(!service.contains(never), "{name}: {never}");
        }
    }
}

#[test]
fn ports_are_published_on_loopback_only() {
    for (name, service) in blocks(&read("compose.yml"), "services") {
        for ports in service.lines().filter(|l| l.trim_start().starts_with("ports:")) {
            let list = ports.split('[').nth(1).unwrap_or_else(|| panic!("{name}: one-line list"));
            for port in list.trim_end_matches(']').split(',') {
                assert!(port.trim().starts_with("\"127.0.0.1:"), "{name}: {port}");
            }
        }
    }
}

#[test]
fn networks_lead_nowhere() {
    let text = read("compose.yml");
    for (name, network) in blocks(&text, "networks") {
        if name.starts_with("e_") {
            let edge = network.contains("*edge")
                || (network.contains("internal: true")
                    && network.contains("inhibit_ipv4: \"true\""));
            assert!(edge, "{name} is not an internal edge");
        } else {
            let no_way_out = network.contains("enable_ip_masquerade: \"false\"");
            assert!(network.contains("*published") || no_way_out, "{name} leads to the Internet");
        }
    }
    let services = blocks(&text, "services");
    let of = |name: &str| {
        let line = services[name].lines().find(|l| l.trim_start().starts_with("networks:"));
        line.unwrap().to_owned()
    };
    for peer in ["loki", "prometheus"] {
        assert!(of("tamis").contains(&format!("e_tamis_{peer}")), "tamis reaches {peer}");
        assert!(!of(peer).contains("page"), "{peer} is on internal networks only");
    }
}

#[test]
fn host_paths_are_few_and_read_only_where_they_can_be() {
    for (name, service) in blocks(&read("compose.yml"), "services") {
        for line in service.lines().filter(|l| l.trim_start().starts_with("- /")) {
            let mount = line.trim_start().trim_start_matches("- ");
            assert!(name == "tamis", "{name} sees the host: {mount}");
            assert!(HOST_PATHS.iter().any(|p| mount.starts_with(p)), "{mount}");
        }
        for line in service.lines().filter(|l| l.contains("./")) {
            assert!(line.contains(":ro"), "{name}: {line}");
        }
    }
}

#[test]
fn tamis_does_not_log_through_itself_and_the_example_does() {
    let services = blocks(&read("compose.yml"), "services");
    for (name, service) in &services {
        let through_tamis = service.contains("logging: {driver: tamis}");
        assert_eq!(through_tamis, name == "web", "{name}");
        assert!(through_tamis || service.contains("logging: *own-log"), "{name}");
    }
    assert!(services["web"].contains("tamis: {condition: service_healthy}"), "fail closed");
}

#[test]
fn images_are_pinned_and_no_secret_is_in_a_file() {
    let env = read(".env");
    for line in env.lines().filter(|l| !l.starts_with('#')) {
        let (key, image) = line.split_once('=').unwrap();
        assert!(key.ends_with("_IMAGE"), "{key}: only images belong here");
        let tag = image.rsplit_once(':').unwrap_or_else(|| panic!("{key} has no version")).1;
        assert!(!["latest", "main", "master"].contains(&tag), "{key}: {tag}");
    }
    let text = read("compose.yml");
    for word in ["PASSWORD:", "TOKEN:", "SECRET:", "_KEY:"] {
        assert!(!text.contains(word), "{word} has a value in compose.yml");
    }
    assert_eq!(read("secrets/.gitignore"), "*\n!.gitignore\n");
}

#[test]
fn loki_forgets_and_sends_nothing_home() {
    let loki = read("loki/loki.yml");
    for key in [
        "retention_enabled: true",
        "delete_request_store:",
        "retention_period:",
        "deletion_mode: filter-and-delete",
        "reporting_enabled: false",
    ] {
        assert!(loki.contains(key), "{key}");
    }
}

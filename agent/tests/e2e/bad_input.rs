//! What a person does wrong: a clear message with a hint, the right exit code, no panic, and
//! nothing of the value in the message.

use std::net::TcpListener;
use std::process::Output;

use crate::canary;
use crate::commands::tamis;

/// Exit code for wrong usage.
const USAGE: i32 = 2;
/// Exit code for input and output.
const IO: i32 = 74;
/// Exit code for a configuration.
const CONFIG: i32 = 78;

/// The code, and a message that says something, does not panic and echoes nothing.
fn assert_refused(what: &str, out: &Output, code: i32, secret: &str) {
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(code), "{what}: {said}");
    assert!(said.len() > 20, "{what}: says nothing: {said:?}");
    assert!(!said.contains("panicked") && !said.contains("RUST_BACKTRACE"), "{what}: {said}");
    assert!(!said.contains(secret), "{what} echoes the value: {said}");
    assert!(!String::from_utf8_lossy(&out.stdout).contains(secret), "{what} echoes on stdout");
}

#[test]
fn wrong_usage_is_refused() {
    let secret = canary::token();
    let option = format!("--nope={secret}");
    for args in [
        vec!["--nope"],
        vec!["nope"],
        vec!["run", "--nope"],
        vec!["demo", "--seconds", "soon"],
        vec!["scrub", "--format", "xml"],
        vec!["scrub", &option],
    ] {
        assert_refused(&format!("{args:?}"), &tamis(&args, b""), USAGE, &secret);
    }
}

#[test]
fn files_that_cannot_be_read_are_named_by_kind() {
    let secret = canary::token();
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing.log");
    for command in ["scrub", "sieve"] {
        let out = tamis(&[command, missing.to_str().unwrap()], b"");
        assert_refused(&format!("{command} of a missing file"), &out, IO, &secret);
        let out = tamis(&[command, dir.path().to_str().unwrap()], b"");
        assert_refused(&format!("{command} of a directory"), &out, IO, &secret);
    }
}

/// `check` and `run` with this configuration.
fn with_config(text: &str) -> [Output; 2] {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("tamis.toml");
    std::fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap();
    [tamis(&["check", "--config", file], b""), tamis(&["run", "--config", file], b"")]
}

#[test]
fn wrong_configuration_is_refused_without_echo() {
    let secret = canary::token();
    let cases = [
        ("not TOML", format!("state_dir = \"/x\"\n[[[ {secret}")),
        ("unterminated", format!("state_dir = \"{secret}")),
        ("unknown key", format!("state_dir = \"/x\"\npassword = \"{secret}\"\n")),
        ("wrong type", format!("state_dir = \"/x\"\n[server]\nlisten = [\"{secret}\"]\n")),
        ("wrong address", format!("state_dir = \"/x\"\n[server]\nlisten = \"{secret}\"\n")),
        ("wrong duration", format!("state_dir = \"/x\"\n[stats]\ninterval = \"{secret}\"\n")),
        ("wrong URL", format!("state_dir = \"/x\"\n[sink.loki]\nurl = \"{secret}\"\n")),
    ];
    for (what, text) in cases {
        for out in with_config(&text) {
            assert_refused(what, &out, CONFIG, &secret);
        }
    }
    let out = tamis(&["run", "--config", "/nonexistent/tamis.toml"], b"");
    let code = out.status.code();
    assert!(matches!(code, Some(IO | CONFIG)), "missing configuration: {code:?}");
    assert_refused("missing configuration", &out, code.unwrap(), &secret);
}

#[test]
fn every_mistake_is_told_at_once() {
    let [check, _] = with_config("state_dir = 7\n[server]\nlisten = 8\n[stats]\ninterval = 9\n");
    let said = String::from_utf8_lossy(&[check.stdout, check.stderr].concat()).into_owned();
    assert_eq!(check.status.code(), Some(CONFIG), "{said}");
    for key in ["state_dir", "listen", "interval"] {
        assert!(said.contains(key), "{key} is not named: {said}");
    }
}

#[test]
fn a_port_in_use_is_told() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let text = format!(
        "state_dir = {:?}\n[server]\nlisten = \"{address}\"\n[source.json_file]\nroot = {:?}\n\
         [sink.stdout]\n",
        dir.path().join("state"),
        dir.path()
    );
    let file = dir.path().join("tamis.toml");
    std::fs::write(&file, text).unwrap();
    let out = tamis(&["run", "--config", file.to_str().unwrap()], b"");
    assert_refused("port in use", &out, IO, "in no message");
}

#[test]
fn a_source_that_cannot_be_read_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let text = format!(
        "state_dir = {:?}\n[server]\nlisten = \"127.0.0.1:0\"\n[source.json_file]\n\
         root = {:?}\n[sink.stdout]\n",
        dir.path().join("state"),
        dir.path().join("missing")
    );
    let file = dir.path().join("tamis.toml");
    std::fs::write(&file, text).unwrap();
    let out = tamis(&["run", "--config", file.to_str().unwrap()], b"");
    let code = out.status.code();
    assert!(matches!(code, Some(IO | CONFIG)), "{code:?}");
    assert_refused("missing source directory", &out, code.unwrap(), "in no message");
}

#[test]
fn healthcheck_fails_without_an_agent() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("tamis.toml");
    let port = crate::servers::free_port();
    let text = format!(
        "state_dir = {:?}\n[server]\nlisten = \"127.0.0.1:{port}\"\n[source.json_file]\n\
         root = {:?}\n[sink.stdout]\n",
        dir.path(),
        dir.path()
    );
    std::fs::write(&file, text).unwrap();
    let out = tamis(&["healthcheck", "--config", file.to_str().unwrap()], b"");
    assert!(!out.status.success());
}

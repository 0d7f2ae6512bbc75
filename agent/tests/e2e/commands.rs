//! `scrub`, `sieve` and `demo` as a person at a shell uses them. No server is needed.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::canary::Person;
use crate::servers::repository;

/// Seconds after which a command is killed.
pub(crate) const LIMIT: &str = "120";

/// `tamis ARGS` with these bytes on its standard input.
pub(crate) fn tamis(args: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new("timeout")
        .args(["--kill-after=5", LIMIT, env!("CARGO_BIN_EXE_tamis")])
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        let _ = stdin.write_all(&input); // a command that refuses its arguments reads nothing
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

/// Lines as a person counts them: an unfinished last one is one.
fn lines(bytes: &[u8]) -> usize {
    let unfinished = bytes.last().is_some_and(|b| *b != b'\n');
    memchr::memchr_iter(b'\n', bytes).count() + usize::from(unfinished)
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|e| e.path()).filter(|p| p.is_file()).collect();
    files.sort();
    files
}

#[test]
fn scrub_and_sieve_give_one_line_for_each() {
    let shared = repository().join("../shared");
    let mut corpus = files(&repository().join("fixtures/bench"));
    for dir in ["samples", "corpora"] {
        let found = files(&shared.join(dir));
        if found.is_empty() {
            eprintln!("scrub and sieve: SKIPPED for {dir}, not beside this repository");
        }
        corpus.extend(found);
    }
    assert!(!corpus.is_empty());
    for path in corpus {
        let want = lines(&std::fs::read(&path).unwrap());
        for command in ["scrub", "sieve"] {
            let out = tamis(&[command, path.to_str().unwrap()], b"");
            let said = String::from_utf8_lossy(&out.stderr).into_owned();
            assert_eq!(out.status.code(), Some(0), "{command} {path:?}: {said}");
            assert_eq!(lines(&out.stdout), want, "{command} {path:?}");
        }
    }
}

#[test]
fn odd_input_gives_one_line_for_each() {
    let garbage: Vec<u8> =
        (0..20_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let long = [b"status=200 ".repeat(300_000), b"\nend\n".to_vec()].concat();
    let cases: [&[u8]; 7] =
        [b"", b"\n", b"a", b"\n\n\na\n\n", b"\r\n\0\n\xff\xfe\n{\"a\":\n[[[[", &garbage, &long];
    for (i, input) in cases.into_iter().enumerate() {
        for command in ["scrub", "sieve"] {
            let out = tamis(&[command], input);
            assert_eq!(out.status.code(), Some(0), "{command}, case {i}");
            assert_eq!(lines(&out.stdout), lines(input), "{command}, case {i}");
            let said = String::from_utf8_lossy(&out.stderr);
            assert!(!said.contains("panicked"), "{command}, case {i}: {said}");
        }
    }
}

#[test]
fn sieve_prints_records_without_the_person() {
    let person = Person::new();
    let mut text = person.lines().join("\n");
    text.push('\n');
    let out = tamis(&["sieve"], text.as_bytes());
    assert_eq!(out.status.code(), Some(0));
    assert!(!person.is_in(&out.stdout), "{}", String::from_utf8_lossy(&out.stdout));
    assert!(!person.is_in(&out.stderr), "a value on standard error");
    let printed = String::from_utf8(out.stdout).unwrap();
    for line in printed.lines().filter(|l| !l.is_empty()) {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(record.is_object(), "{line}");
    }
    assert!(printed.contains("\"http_response_status_code\":200"), "{printed}");
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let binary = env!("CARGO_BIN_EXE_tamis");
    let script =
        format!("yes 'status=200 took 12 ms' | head -n 200000 | {binary} scrub | head -n 1");
    let out = Command::new("sh").arg("-c").arg(script).output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(!said.contains("panicked") && !said.contains("roken pipe"), "{said}");
}

#[test]
fn demo_leaks_no_canary() {
    let out = tamis(&["demo", "--seconds", "3"], b"");
    let text =
        String::from_utf8_lossy(&[out.stdout.clone(), out.stderr.clone()].concat()).into_owned();
    assert_eq!(out.status.code(), Some(0), "{text}");
    assert!(text.contains("http://127.0.0.1:"), "the address of the page: {text}");
    assert!(text.to_lowercase().contains("canar"), "the canaries' result: {text}");
}

/// The bytes and the mode of a key file.
type Key<'k> = (&'k [u8], u32);

/// A policy in a directory of its own, with the key of its pseudonyms if there is one.
fn policy(text: &str, key: Option<Key<'_>>) -> (tempfile::TempDir, PathBuf) {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let key_path = dir.path().join("key");
    if let Some((bytes, mode)) = key {
        std::fs::write(&key_path, bytes).unwrap();
        std::fs::set_permissions(&key_path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    let path = dir.path().join("policy.toml");
    std::fs::write(&path, text.replace("KEY", key_path.to_str().unwrap())).unwrap();
    (dir, path)
}

#[test]
fn scrub_and_sieve_follow_a_policy() {
    let text = "[actions]\nnir = \"mask\"\nip = \"truncate\"\nemail = \"drop-record\"\n\
                [[rules]]\nname = \"ticket\"\npattern = 'TCK-\\d+'\n";
    let (_dir, path) = policy(text, None);
    let path = path.to_str().unwrap();
    let input = b"NIR 1 85 05 78 006 084 91\nfrom 203.0.113.77\nto jean@example.org\nTCK-7 open\n";
    let out = tamis(&["scrub", "--policy", path], input);
    let want = "NIR [NIR:***]\nfrom [IP:203.0.113.0/24]\n\n[CUSTOM:ticket] open\n";
    assert_eq!(String::from_utf8(out.stdout).unwrap(), want);
    assert_eq!(out.status.code(), Some(0));
    let input = b"{\"msg\":\"connection refused from 203.0.113.77 port 5432\"}\n";
    let out = tamis(&["sieve", "--policy", path], input);
    let said = String::from_utf8(out.stdout).unwrap();
    assert!(said.contains("from [IP:203.0.113.0/24] port 5432"), "{said}");
}

#[test]
fn pseudonyms_need_their_key() {
    let text = "[actions]\nphone = \"pseudonym\"\n[pseudonym]\nkey_id = \"k1\"\n\
                key_file = \"KEY\"\n";
    let hex = "0a".repeat(32);
    let rows: [(Option<Key<'_>>, &str); 5] = [
        (Some((hex.as_bytes(), 0o400)), ""),
        (Some((&[0x0a; 32], 0o600)), ""),
        (None, "missing or cannot be read"),
        (Some((hex.as_bytes(), 0o644)), "open to every user"),
        (Some((&[0x0a; 31], 0o600)), "does not hold a key of 32 bytes"),
    ];
    let mut tags = Vec::new();
    for (key, want) in rows {
        let (_dir, path) = policy(text, key);
        for command in ["scrub", "sieve"] {
            let input = b"connection refused for 06 39 98 12 34\n";
            let out = tamis(&[command, "--policy", path.to_str().unwrap()], input);
            let (said, told) = (String::from_utf8(out.stdout), String::from_utf8(out.stderr));
            let (said, told) = (said.unwrap(), told.unwrap());
            if want.is_empty() {
                let tag = said.split("[PHONE:k1:").nth(1).and_then(|t| t.get(..16));
                tags.push(tag.unwrap_or_else(|| panic!("{said}{told}")).to_owned());
                continue;
            }
            assert_eq!((out.status.code(), said.as_str()), (Some(78), ""), "{told}");
            assert!(told.contains("pseudonym key file") && told.contains(want), "{told}");
            assert!(told.contains("openssl rand") && !told.contains("0a0a"), "{told}");
            assert!(!told.contains(path.parent().unwrap().to_str().unwrap()), "{told}");
        }
    }
    assert!(tags.len() == 4 && tags.iter().all(|t| *t == tags[0]), "{tags:?}");
}

#[test]
fn check_tells_the_mistakes_of_a_policy_by_line() {
    let text = "[actions]\nnir = \"masq\"\nphone = \"pseudonym\"\n[[rules]]\npattern = 'x*'\n";
    let (dir, path) = policy(text, None);
    let config = dir.path().join("tamis.toml");
    let path = path.to_str().unwrap();
    let lines = [
        "state_dir = \"/tmp/x\"\n[source.json_file]\n[sink.stdout]\n",
        &format!("[policy]\nfile = \"{path}\"\n"),
    ];
    std::fs::write(&config, lines.concat()).unwrap();
    let out = tamis(&["check", "--config", config.to_str().unwrap()], b"");
    let told = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(78), "{told}");
    assert!(told.contains("the policy file has 2 mistake(s)"), "{told}");
    assert!(told.contains("line 2, column 7: ") && told.contains("did you mean `mask`?"), "{told}");
    assert!(told.contains("line 3, column 9: pseudonyms need a key"), "{told}");
    // References and patterns are checked once the syntax is right.
    let right = text.replace("masq", "mask").replace("pseudonym", "mask");
    std::fs::write(path, right).unwrap();
    let out = tamis(&["check", "--config", config.to_str().unwrap()], b"");
    let told = String::from_utf8(out.stderr).unwrap();
    assert!(told.contains("line 5, column 11: the pattern matches the empty text"), "{told}");
}

//! The shape of the code, held by a test: which module may see which, where time, environment and
//! standard output are touched, what the privacy kernel may depend on, and the habits of the house.
//!
//! Everything is read from the source text. Test code (`#[cfg(test)]` modules, `tests.rs`,
//! `tests/`) is bound by the habits but not by the arrows.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Longest line of a Rust file, in characters.
const LINE_MAX: usize = 100;
/// Longest Rust file, in lines.
const FILE_MAX: usize = 600;

/// Files that may be longer, and why.
const LONG_FILES: &[(&str, &str)] =
    &[("scrubber/src/record.rs", "the type wall: one idea, private fields shared by its types")];

/// What the privacy kernel may depend on: no I/O, no clock, no async, no logging.
const SCRUBBER_DEPENDENCIES: [&str; 7] =
    ["aho-corasick", "aws-lc-rs", "memchr", "regex-automata", "serde", "thiserror", "toml"];

/// Paths of the standard library that would give the kernel a way to the world.
const SCRUBBER_NEVER: [&str; 15] = [
    "std::fs",
    "std::io::std",
    "std::io::Read",
    // Address types are values; sockets are not.
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "ToSocketAddrs",
    "UnixStream",
    "std::env",
    "std::process",
    "std::thread",
    "std::os",
    "SystemTime",
    "Instant",
    "static mut",
];

/// Arrows that must not exist: (module, modules it never sees). The data flow is
/// `source -> decode -> sieve -> spool -> sink`; only the pipeline knows all of it.
const NEVER_SEES: &[(&str, &[&str])] = &[
    ("source", &["spool", "sink", "page", "stats", "pipeline", "app", "cli"]),
    ("decode", &["source", "spool", "sink", "page", "stats", "pipeline", "app", "cli", "clock"]),
    ("spool", &["source", "decode", "sink", "page", "stats", "pipeline", "app", "cli"]),
    ("sink", &["source", "decode", "spool", "page", "stats", "pipeline", "app", "cli"]),
    ("page", &["source", "decode", "spool", "sink", "pipeline", "app", "cli"]),
    ("stats", &["source", "decode", "spool", "sink", "page", "pipeline", "app", "cli"]),
    ("telemetry", &["source", "decode", "spool", "sink", "page", "pipeline", "app", "cli"]),
    ("ledger", &["source", "decode", "spool", "sink", "page", "stats", "pipeline", "app", "cli"]),
    ("pipeline", &["page", "stats", "app", "cli"]),
    ("config", &["pipeline", "app", "cli"]),
    ("app", &["cli"]),
    ("clock", &["source", "decode", "spool", "sink", "page", "pipeline", "config", "app", "cli"]),
    ("limits", &["source", "decode", "spool", "sink", "page", "pipeline", "config", "app", "cli"]),
];

/// Text that may stand in one module only: (text, modules, why).
const ONLY_IN: &[(&str, &[&str], &str)] = &[
    ("std::env", &["config"], "only config reads the environment"),
    ("env::var", &["config"], "only config reads the environment"),
    ("Instant::now", &["clock"], "time is passed in"),
    ("SystemTime::now", &["clock"], "time is passed in"),
    ("Timestamp::now", &["clock"], "time is passed in"),
    ("println!", &["cli"], "standard output carries data"),
    ("print!", &["cli"], "standard output carries data"),
    ("stdout()", &["cli", "sink"], "standard output carries data"),
    ("counter!", &["telemetry"], "one list of metric names"),
    ("gauge!", &["telemetry"], "one list of metric names"),
    ("histogram!", &["telemetry"], "one list of metric names"),
    ("unbounded_channel", &[], "every queue has a named maximum"),
    ("mpsc::channel()", &[], "every queue has a named maximum"),
];

/// Left-overs that never reach a commit. Spelt in parts so that this file passes its own test.
const LEFT_OVERS: [&str; 5] = [
    concat!("to", "do!("),
    concat!("unimpl", "emented!("),
    concat!("db", "g!("),
    "FIX\u{4d}E",
    "TO\u{44}O",
];

/// A Rust file of the workspace.
struct Source {
    /// Path from the top of the repository, with `/`.
    path: String,
    /// As written.
    text: String,
    /// Without comments and without test modules.
    code: String,
}

impl Source {
    /// The first module below the crate root: `sink` for `agent/src/sink/loki.rs`.
    fn module(&self) -> Option<&str> {
        let inner = self.path.split_once("/src/")?.1;
        let first = inner.split('/').next()?;
        Some(first.strip_suffix(".rs").unwrap_or(first))
    }

    /// Whether this is production code of this package.
    fn is_product_of(&self, package: &str) -> bool {
        let inner = self.path.strip_prefix(package).and_then(|p| p.strip_prefix("/src/"));
        inner.is_some_and(|p| !p.ends_with("/tests.rs") && !p.contains("/tests/"))
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Code without comments, up to the test module that ends the file.
fn code_of(text: &str) -> String {
    let product = text.split("#[cfg(test)]\nmod ").next().unwrap_or(text);
    let mut code = String::new();
    for line in product.lines() {
        let trimmed = line.trim_start();
        if !trimmed.starts_with("//") {
            code.push_str(line.split(" // ").next().unwrap_or(line));
        }
        code.push('\n');
    }
    code
}

fn sources() -> Vec<Source> {
    let root = root();
    let mut found = Vec::new();
    let mut rest: Vec<PathBuf> = ["scrubber", "agent", "benches"].map(|d| root.join(d)).to_vec();
    while let Some(dir) = rest.pop() {
        for entry in std::fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                rest.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let code = code_of(&text);
                let path = path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
                found.push(Source { path, text, code });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(found.len() > 10, "the walk found {} files", found.len());
    found
}

/// Modules named after `crate::` anywhere in the code, groups included.
fn edges(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let names = match rest.strip_prefix('{') {
            Some(group) => top_level_names(group),
            None => vec![first_word(rest)],
        };
        found.extend(names.into_iter().filter(|n| !n.is_empty()));
    }
    found
}

fn first_word(text: &str) -> String {
    text.trim_start().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

/// The first word of each item of a `use` group, up to its closing brace.
fn top_level_names(group: &str) -> Vec<String> {
    let mut depth = 0;
    let mut item = String::new();
    let mut names = Vec::new();
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(first_word(&std::mem::take(&mut item))),
            _ if depth == 0 => item.push(c),
            _ => {}
        }
    }
    names.push(first_word(&item));
    names
}

/// Whether `needle` stands in `code` as its own word: `print!` is not in `println!` or `eprint!`.
fn has_word(code: &str, needle: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    code.match_indices(needle).any(|(at, _)| !code[..at].ends_with(word))
}

/// Fails with every finding at once.
fn assert_none(findings: Vec<String>) {
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
}

#[test]
fn edges_are_read_from_paths_and_groups() {
    let code = "use crate::{sink::{self, loki}, limits};\nlet x = crate::clock::now();";
    let names: Vec<String> = edges(code).into_iter().collect();
    assert_eq!(names, ["clock", "limits", "sink"]);
    assert!(has_word("a; print!(x)", "print!") && !has_word("eprint!(x)", "print!"));
    assert_eq!(code_of("a\n// b\nc // d\n#[cfg(test)]\nmod tests {}\n"), "a\n\nc\n");
}

#[test]
fn modules_of_the_agent_keep_to_the_data_flow() {
    let mut findings = Vec::new();
    for source in sources().iter().filter(|s| s.is_product_of("agent")) {
        let module = source.module().unwrap();
        let Some((_, never)) = NEVER_SEES.iter().find(|(name, _)| *name == module) else {
            continue;
        };
        for edge in edges(&source.code).iter().filter(|e| never.contains(&e.as_str())) {
            findings.push(format!("{}: {module} must not see {edge}", source.path));
        }
    }
    assert_none(findings);
}

#[test]
fn world_is_touched_where_it_may_be() {
    let mut findings = Vec::new();
    for source in sources().iter().filter(|s| s.is_product_of("agent")) {
        let module = source.module().unwrap();
        for (text, modules, why) in ONLY_IN {
            if !modules.contains(&module) && has_word(&source.code, text) {
                findings.push(format!("{}: {text}: {why}", source.path));
            }
        }
    }
    assert_none(findings);
}

#[test]
fn main_is_a_table_of_contents() {
    let sources = sources();
    let main = sources.iter().find(|s| s.path == "agent/src/main.rs").unwrap();
    assert!(main.text.lines().count() <= 40, "main.rs starts cli and nothing else");
    let seen: BTreeSet<String> = main.code.split("tamis::").skip(1).map(first_word).collect();
    assert!(seen.iter().all(|m| m == "cli"), "main.rs sees {seen:?}");
}

#[test]
fn kernel_depends_on_nothing_that_reaches_the_world() {
    let manifest = std::fs::read_to_string(root().join("scrubber/Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let allowed: BTreeSet<&str> = SCRUBBER_DEPENDENCIES.into();
    let used = manifest["dependencies"].as_table().unwrap();
    let used: BTreeSet<&str> = used.keys().map(String::as_str).collect();
    assert!(used.is_subset(&allowed), "new: {:?}", used.difference(&allowed));
    for section in ["build-dependencies", "target", "features"] {
        assert!(!manifest.contains_key(section), "scrubber has no [{section}]");
    }
    let mut findings = Vec::new();
    for source in sources().iter().filter(|s| s.is_product_of("scrubber")) {
        for never in SCRUBBER_NEVER.iter().filter(|n| has_word(&source.code, n)) {
            findings.push(format!("{}: {never}", source.path));
        }
    }
    assert_none(findings);
}

#[test]
fn packages_point_the_right_way() {
    let uses = |package: &str, dependency: &str| {
        let text = std::fs::read_to_string(root().join(package).join("Cargo.toml")).unwrap();
        let manifest: toml::Table = text.parse().unwrap();
        manifest["dependencies"].as_table().unwrap().contains_key(dependency)
    };
    assert!(uses("agent", "tamis-scrubber") && uses("benches", "tamis-scrubber"));
    assert!(!uses("scrubber", "tamis") && !uses("agent", "tamis-benches"));
}

#[test]
fn files_are_tidy() {
    let mut findings = Vec::new();
    for Source { path, text, .. } in &sources() {
        let mut note = |what: String| findings.push(format!("{path}: {what}"));
        if !text.starts_with("//!") {
            note("does not start with `//!`".into());
        }
        if !text.ends_with('\n') {
            note("does not end with a newline".into());
        }
        if path.ends_with("/mod.rs") {
            note("use `foo.rs` and `foo/`".into());
        }
        let lines = text.lines().count();
        if lines > FILE_MAX && !LONG_FILES.iter().any(|(long, _)| long == path) {
            note(format!("{lines} lines; split it or give a reason in LONG_FILES"));
        }
        for (number, line) in text.lines().enumerate() {
            if line.chars().count() > LINE_MAX {
                note(format!("line {} is longer than {LINE_MAX}", number + 1));
            }
            if line.ends_with([' ', '\t']) {
                note(format!("line {} ends with a blank", number + 1));
            }
            if LEFT_OVERS.iter().any(|left| line.contains(left)) {
                note(format!("line {} is unfinished", number + 1));
            }
        }
    }
    for (path, reason) in LONG_FILES {
        let long = std::fs::read_to_string(root().join(path)).map(|t| t.lines().count());
        if long.is_ok_and(|lines| lines <= FILE_MAX) {
            findings.push(format!("{path} is short again; remove it from LONG_FILES ({reason})"));
        }
    }
    assert_none(findings);
}

//! What the engine's directory says about a container: `config.v2.json` and `hostconfig.json`.
//!
//! Both files hold secrets (environment, command line). Only the members named in the wire structs
//! below are taken out; the rest is skipped by the parser and the buffer is dropped. Errors carry
//! no text of these files.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::decode::json_file::rfc3339_ns;
use crate::limits::CONTAINER_CONFIG_BYTES_MAX;

/// Name of the file with identity and state.
pub(super) const CONFIG_NAME: &str = "config.v2.json";
/// Name of the file with the log driver and its options.
pub(super) const HOST_CONFIG_NAME: &str = "hostconfig.json";

/// A container as the engine describes it. Raw: it passes the registry's sieve before any use.
pub(super) struct Described {
    pub(super) name: String,
    pub(super) project: String,
    pub(super) service: String,
    pub(super) image: String,
    /// Whether its log is written by the json-file driver.
    pub(super) json_file: bool,
    /// Files that the driver keeps; 1 without rotation.
    pub(super) files_max: usize,
    pub(super) running: bool,
    /// 0 when it was never started.
    pub(super) started_ns: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireConfig {
    #[serde(default)]
    name: String,
    #[serde(default)]
    config: Option<WireInner>,
    #[serde(default)]
    state: Option<WireState>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireInner {
    #[serde(default)]
    image: String,
    #[serde(default)]
    labels: Option<WireLabels>,
}

#[derive(Default, Deserialize)]
struct WireLabels {
    #[serde(default, rename = "com.docker.compose.project")]
    project: String,
    #[serde(default, rename = "com.docker.compose.service")]
    service: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireState {
    #[serde(default)]
    running: bool,
    #[serde(default)]
    started_at: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireHost {
    log_config: WireLog,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireLog {
    #[serde(rename = "Type")]
    driver: String,
    #[serde(default)]
    config: Option<WireLogOptions>,
}

#[derive(Deserialize)]
struct WireLogOptions {
    #[serde(default, rename = "max-file")]
    files_max: Option<String>,
}

/// Tells whether a file was replaced: inode, modification time, size.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp(u64, i64, i64, u64);

/// The stamp of a container's configuration, `None` when there is none.
pub(super) fn stamp(dir: &Path) -> Option<Stamp> {
    let m = std::fs::metadata(dir.join(CONFIG_NAME)).ok()?;
    Some(Stamp(m.ino(), m.mtime(), m.mtime_nsec(), m.len()))
}

/// Reads the description of the container in `dir`.
///
/// # Errors
/// When a file is missing (the engine is still writing), too long, or not what it should be.
pub(super) fn describe(dir: &Path) -> io::Result<Described> {
    let config: WireConfig = read(&dir.join(CONFIG_NAME))?;
    let host: WireHost = read(&dir.join(HOST_CONFIG_NAME))?;
    let inner = config.config.unwrap_or(WireInner { image: String::new(), labels: None });
    let labels = inner.labels.unwrap_or_default();
    let state = config.state.unwrap_or(WireState { running: false, started_at: String::new() });
    let options = host.log_config.config.and_then(|o| o.files_max);
    Ok(Described {
        name: config.name.strip_prefix('/').unwrap_or(&config.name).to_owned(),
        project: labels.project,
        service: labels.service,
        image: inner.image,
        json_file: host.log_config.driver == "json-file",
        files_max: options.and_then(|n| n.parse().ok()).unwrap_or(1),
        running: state.running,
        started_ns: rfc3339_ns(state.started_at.as_bytes()).unwrap_or(0),
    })
}

fn read<T: DeserializeOwned>(path: &Path) -> io::Result<T> {
    let mut bytes = Vec::new();
    let max = CONTAINER_CONFIG_BYTES_MAX as u64;
    File::open(path)?.take(max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    // The parser's message could quote the file: only the kind goes on.
    serde_json::from_slice(&bytes).map_err(|_| io::ErrorKind::InvalidData.into())
}

/// Whether `name` is a container's directory: 64 lower-case hexadecimal digits.
pub(super) fn is_container_id(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine_dir() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/json_file/engine")
    }

    #[test]
    fn the_engines_files_are_read() {
        let web = describe(&engine_dir().join("compose")).unwrap();
        assert_eq!((&*web.name, &*web.project, &*web.service), ("shop-web-1", "shop", "web"));
        assert_eq!((&*web.image, web.files_max, web.json_file), ("caddy:2", 3, true));
        assert!(web.running);
        assert_eq!(web.started_ns, 1_795_506_909_123_456_789);
        let other = describe(&engine_dir().join("other_driver")).unwrap();
        assert!(!other.json_file && !other.running);
        assert_eq!((&*other.name, &*other.service, other.started_ns), ("lone", "", 0));
        assert_eq!(other.files_max, 1);
    }

    #[test]
    fn errors_say_nothing_of_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let kind = |dir: &Path| describe(dir).err().unwrap();
        assert_eq!(kind(dir.path()).kind(), io::ErrorKind::NotFound);
        std::fs::write(dir.path().join(CONFIG_NAME), br#"{"Name":17,"x":"c4n4ry"}"#).unwrap();
        assert_eq!(kind(dir.path()).kind(), io::ErrorKind::InvalidData);
        assert!(!format!("{:?} {0}", kind(dir.path())).contains("c4n4ry"));
        let big = vec![b' '; CONTAINER_CONFIG_BYTES_MAX + 1];
        std::fs::write(dir.path().join(CONFIG_NAME), big).unwrap();
        assert_eq!(kind(dir.path()).kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn only_full_ids_are_containers() {
        assert!(is_container_id(&"0f".repeat(32)));
        for other in ["", "0f", &"0F".repeat(32), &"0g".repeat(32), &"0f".repeat(33)] {
            assert!(!is_container_id(other));
        }
    }
}

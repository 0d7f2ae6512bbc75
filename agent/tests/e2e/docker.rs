//! Containers of the real engine. Every command has a time limit, because a container whose log
//! reader is stuck makes `docker` hang for ever. Nothing personal is put on a command line or in an
//! environment: the engine stores both in clear. Lines come from a mounted file.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use crate::canary;
use crate::servers::{self, Servers, wait_for};

/// Where lines to print are mounted.
const INPUT: &str = "/in/lines";

/// The engine.
#[derive(Clone)]
pub(crate) struct Docker {
    host: String,
    root: PathBuf,
    image: String,
}

/// A container to be started.
pub(crate) struct Spec<'s> {
    /// Compose service that it pretends to be.
    pub(crate) service: &'s str,
    /// `--log-driver` and `--log-opt` arguments.
    pub(crate) log: Vec<String>,
    /// Directory mounted at `/in`, read-only; holds `lines`.
    pub(crate) input: Option<&'s Path>,
    /// Shell script that it runs.
    pub(crate) script: &'s str,
    /// Further arguments of `docker run`.
    pub(crate) options: &'s [&'s str],
}

/// A container; removed when dropped.
pub(crate) struct Container {
    docker: Docker,
    /// 64 hexadecimal digits.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
}

impl Docker {
    /// The engine of these servers.
    pub(crate) fn new(servers: &Servers) -> Docker {
        Docker {
            host: servers.docker_host.clone(),
            root: servers.docker_root.clone(),
            image: servers.image.clone(),
        }
    }

    /// The engine's data directory.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where json-file logs and container configurations lie.
    pub(crate) fn containers(&self) -> PathBuf {
        self.root.join("containers")
    }

    /// `docker ARGS`, at most 60 seconds.
    pub(crate) fn command(&self, args: &[&str]) -> Output {
        let mut all = vec!["--host", self.host.as_str()];
        all.extend_from_slice(args);
        servers::run(60, Path::new("docker"), &all)
    }

    /// Standard output of a command that must succeed.
    pub(crate) fn output(&self, args: &[&str]) -> String {
        let out = self.command(args);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        assert!(out.status.success(), "docker {args:?}: {}", text(&out.stderr));
        text(&out.stdout)
    }

    /// Starts a container in the background.
    pub(crate) fn start(&self, spec: &Spec<'_>) -> Container {
        let name = format!("tamis-test-{}", canary::token());
        let service = format!("com.docker.compose.service={}", spec.service);
        let mount = spec.input.map(|dir| format!("{}:/in:ro", dir.display()));
        let mut args = vec!["run", "--detach", "--name", &name, "--label", &service];
        args.extend(["--label", "com.docker.compose.project=e2e", "--network", "none"]);
        args.extend(spec.log.iter().map(String::as_str));
        if let Some(mount) = &mount {
            args.extend(["--volume", mount]);
        }
        args.extend_from_slice(spec.options);
        args.extend([self.image.as_str(), "sh", "-c", spec.script]);
        // Made before it runs, so that a failing `run` is cleaned up as well.
        let mut container =
            Container { docker: self.clone(), id: String::new(), name: name.clone() };
        container.id = self.output(&args);
        assert_eq!(container.id.len(), 64, "{}", container.id);
        container
    }
}

impl Container {
    /// Waits until its process has ended.
    pub(crate) fn wait_exit(&self, limit: Duration) {
        wait_for("end of the container", limit, || {
            let format = "{{.State.Running}}";
            (self.docker.output(&["inspect", "--format", format, &self.name]) == "false")
                .then_some(())
        });
    }

    /// What `docker logs` says: standard output and error together.
    pub(crate) fn logs(&self) -> String {
        let out = self.docker.command(&["logs", &self.name]);
        String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned()
    }

    /// CPU use as `docker stats` says, in cores, over about two seconds.
    pub(crate) fn stats_cores(&self) -> f64 {
        let format = "{{.CPUPerc}}";
        let out = self.docker.output(&["stats", "--no-stream", "--format", format, &self.name]);
        out.trim_end_matches('%').parse::<f64>().unwrap() / 100.0
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        self.docker.command(&["rm", "--force", "--volumes", &self.name]);
    }
}

/// A directory to mount at `/in` whose file `lines` holds these.
pub(crate) fn input(lines: &[String]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut text = lines.join("\n");
    text.push('\n');
    std::fs::write(dir.path().join("lines"), text).unwrap();
    dir
}

/// Prints the mounted lines at once.
pub(crate) fn print_all() -> String {
    format!("cat {INPUT}")
}

/// Prints the mounted lines, `chunk` at a time with a pause between, so that a test can act while
/// they are printed.
pub(crate) fn print_paced(chunk: usize, pause_seconds: f64) -> String {
    format!(
        "n=0; while read -r line; do printf '%s\\n' \"$line\"; n=$((n+1)); \
         if [ $((n % {chunk})) = 0 ]; then sleep {pause_seconds}; fi; done < {INPUT}"
    )
}

/// Arguments for Docker's own driver with rotation.
pub(crate) fn json_file(max_size: &str, max_file: u32) -> Vec<String> {
    let mut args = vec!["--log-driver".to_owned(), "json-file".to_owned()];
    for option in [format!("max-size={max_size}"), format!("max-file={max_file}")] {
        args.extend(["--log-opt".to_owned(), option]);
    }
    args
}

/// Arguments for our driver.
pub(crate) fn driver(name: &str) -> Vec<String> {
    vec!["--log-driver".to_owned(), name.to_owned()]
}

#[test]
fn compose_accepts_the_shipped_stack() {
    let Some(servers) = Servers::get("compose") else { return };
    let file = servers::repository().join("compose/compose.yml");
    let mut words = servers.compose.split(' ');
    let program = Path::new(words.next().unwrap());
    let mut args: Vec<&str> = words.collect();
    args.extend(["--file", file.to_str().unwrap(), "config", "--quiet"]);
    let out = servers::run(60, program, &args);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}

//! A synthetic AI stack on disk: what the engine's directory looks like while five services work.
//!
//! It writes real json-file logs and a cgroup v2 tree into a temporary directory; the real
//! sources, sieve and sampler read them. Every person, number and secret is made up (ARCEP fiction
//! ranges, `example.org`), and each planted value is known, so that the demo can prove afterwards
//! that none of them was delivered.

mod lines;
mod persons;
mod tree;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

use lines::Writer;
use tree::Container;

/// Time between two bursts of lines.
const TICK: Duration = Duration::from_millis(50);

/// A service of the synthetic stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Proxy,
    Backend,
    Gateway,
    Ollama,
    Postgres,
}

impl Service {
    pub(crate) const ALL: [Service; 5] =
        [Service::Proxy, Service::Backend, Service::Gateway, Service::Ollama, Service::Postgres];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Service::Proxy => "proxy",
            Service::Backend => "backend",
            Service::Gateway => "gateway",
            Service::Ollama => "ollama",
            Service::Postgres => "postgres",
        }
    }

    pub(crate) fn image(self) -> &'static str {
        match self {
            Service::Proxy => "caddy:2",
            Service::Backend => "tamis-demo/backend:1.4.2",
            Service::Gateway => "litellm:1.106",
            Service::Ollama => "ollama/ollama:0.9",
            Service::Postgres => "postgres:16",
        }
    }
}

/// The running stack. Dropping it stops the writer and removes its directory.
pub(crate) struct Stack {
    root: PathBuf,
    stop: Arc<AtomicBool>,
    writer: Option<JoinHandle<()>>,
}

impl Stack {
    /// Creates the tree under `root` (made, and removed at the end) and starts writing.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub(crate) fn start(root: PathBuf) -> io::Result<Stack> {
        let containers = Service::ALL.map(|s| Container::create(&root, s));
        let containers: Vec<Container> = containers.into_iter().collect::<io::Result<_>>()?;
        tree::machine(&root)?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let writer = std::thread::Builder::new().name("demo-stack".into()).spawn(move || {
            let mut writer = Writer::new(containers);
            while !stopped.load(Relaxed) {
                // A full or vanished directory ends the demo's traffic, not the demo.
                if writer.tick().is_err() {
                    tracing::warn!("the demo cannot write its logs any more");
                    return;
                }
                std::thread::sleep(TICK);
            }
        })?;
        Ok(Stack { root, stop, writer: Some(writer) })
    }

    /// The engine's `containers` directory.
    pub(crate) fn containers_dir(&self) -> PathBuf {
        self.root.join("containers")
    }

    /// The cgroup mount point.
    pub(crate) fn cgroup_dir(&self) -> PathBuf {
        self.root.join("cgroup")
    }

    /// The procfs mount point.
    pub(crate) fn proc_dir(&self) -> PathBuf {
        self.root.join("proc")
    }

    /// Every planted value, in each form in which it is written.
    pub(crate) fn planted() -> Vec<String> {
        persons::planted()
    }

    /// Stops writing; what is written stays until the stack is dropped.
    pub(crate) fn stop(&mut self) {
        self.stop.store(true, Relaxed);
        if let Some(writer) = self.writer.take() {
            // A panic of the writer ends its traffic only.
            let _ = writer.join();
        }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.stop();
        // Left-overs in the temporary directory hold made-up data only.
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

/// Writes a file and names what failed by kind only.
pub(crate) fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir)?;
    }
    std::fs::write(path, text)
}

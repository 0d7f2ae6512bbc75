//! What a figure was measured on.

use std::process::Command;

use crate::corpus::root;

/// Vector extensions worth telling.
const FEATURES: [&str; 6] = ["ssse3", "avx2", "avx512bw", "avx512vbmi", "asimd", "sve"];

/// The machine and the code.
pub(crate) struct Machine {
    /// Model and vector extensions.
    pub(crate) cpu: String,
    /// Logical cores that may be used.
    pub(crate) cores: usize,
    /// Kernel release.
    pub(crate) kernel: String,
    /// Compiler.
    pub(crate) rustc: String,
    /// Commit, `+` when the tree was changed.
    pub(crate) commit: String,
    /// Date of the commit.
    pub(crate) date: String,
}

impl Machine {
    /// This one. What cannot be told is `unknown`.
    pub(crate) fn here() -> Machine {
        let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let field = |name: &str| {
            let line = info.lines().find(|l| l.starts_with(name));
            line.and_then(|l| l.split_once(':')).map_or("", |(_, v)| v.trim())
        };
        let model = Some(field("model name")).filter(|m| !m.is_empty()).unwrap_or("unknown CPU");
        let flags = field("flags").to_owned() + " " + field("Features");
        let vector: Vec<&str> =
            FEATURES.into_iter().filter(|f| flags.split(' ').any(|flag| flag == *f)).collect();
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease");
        let changed = !output("git", &["status", "--porcelain"]).is_empty();
        Machine {
            cpu: format!("{model} ({})", vector.join(", ")),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: kernel.map_or_else(|_| "unknown".to_owned(), |k| k.trim().to_owned()),
            rustc: output("rustc", &["--version"]),
            commit: output("git", &["rev-parse", "--short=12", "HEAD"])
                + if changed { "+" } else { "" },
            date: output("git", &["show", "-s", "--format=%cs", "HEAD"]),
        }
    }
}

/// What a command prints at the top of the repository; nothing where it cannot be run.
fn output(command: &str, args: &[&str]) -> String {
    let out = Command::new(command).args(args).current_dir(root()).output();
    let out = out.ok().filter(|o| o.status.success());
    out.map_or_else(String::new, |o| String::from_utf8_lossy(&o.stdout).trim().to_owned())
}

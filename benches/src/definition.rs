//! A benchmark as data: what is run over which lines, and what must come out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// One file of `definitions/`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Definition {
    /// File name without extension.
    #[serde(skip)]
    pub(crate) name: String,
    /// Which part of the kernel.
    pub(crate) model: Model,
    /// Files from the top of the repository; the whole is repeated up to the size asked for.
    pub(crate) corpus: Vec<PathBuf>,
    /// The corpus does not belong to the repository: skip where it is absent.
    #[serde(default)]
    pub(crate) only_where_present: bool,
    /// What one pass over the corpus gives. Verified on every run.
    pub(crate) expect: Expect,
}

/// The part of the kernel that is measured.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Model {
    /// Wall 2: every line in, the line with placeholders out.
    Scrub,
    /// Both walls: every line in, a clean record or nothing out.
    Sieve,
}

impl Model {
    /// As written in a definition.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Model::Scrub => "scrub",
            Model::Sieve => "sieve",
        }
    }
}

/// Counts of one pass. What is not named is not checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    /// Lines of the corpus.
    pub(crate) lines: u64,
    /// Records kept (`sieve`).
    pub(crate) kept: Option<u64>,
    /// Records dropped (`sieve`).
    pub(crate) dropped: Option<u64>,
    /// Detections by kind; a kind that is not named must not be found.
    pub(crate) detections: Option<BTreeMap<String, u64>>,
}

impl Definition {
    /// Every definition, by name.
    pub(crate) fn all() -> Result<Vec<Definition>, String> {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("definitions");
        let entries = std::fs::read_dir(&dir).map_err(|e| format!("definitions: {e}"))?;
        let mut found = Vec::new();
        for entry in entries {
            let path = entry.map_err(|e| format!("definitions: {e}"))?.path();
            let Some(name) = path.file_stem().and_then(|s| s.to_str()) else { continue };
            let text = std::fs::read_to_string(&path).map_err(|e| format!("{name}: {e}"))?;
            let mut definition: Definition =
                toml::from_str(&text).map_err(|e| format!("{name}: {e}"))?;
            definition.name = name.to_owned();
            found.push(definition);
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }
}

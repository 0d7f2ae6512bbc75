//! A benchmark as data: what is run over which lines, and what must come out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// One file of `definitions/`, or one flood of it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Definition {
    /// File name without extension, and the flood's name behind it.
    #[serde(skip)]
    pub(crate) name: String,
    /// Which part of the kernel.
    pub(crate) model: Model,
    /// One line for the table of results.
    pub(crate) about: String,
    /// Order in the tables.
    pub(crate) rank: u32,
    /// Whether the peers run over the same bytes.
    #[serde(default)]
    pub(crate) peers: bool,
    /// Where the lines come from. The whole is repeated up to the size asked for.
    #[serde(default)]
    pub(crate) corpus: Source,
    /// Hostile units: each becomes a definition of its own.
    #[serde(default)]
    pub(crate) flood: Vec<Flood>,
    /// What one pass over the corpus gives. Verified on every run.
    #[serde(default)]
    pub(crate) expect: Expect,
}

/// The lines of a benchmark.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    /// Files from the top of the repository, as they are.
    #[serde(default)]
    pub(crate) files: Vec<PathBuf>,
    /// The files do not belong to the repository: skip where one is absent.
    #[serde(default)]
    pub(crate) only_where_present: bool,
    /// Templates to be filled with synthetic values instead.
    pub(crate) templates: Option<PathBuf>,
    /// Times that every template is filled.
    #[serde(default)]
    pub(crate) rounds: usize,
    /// The first value: another seed gives other values, and the same counts.
    #[serde(default)]
    pub(crate) seed: u64,
    /// Joins all lines to one, with this between them.
    pub(crate) join: Option<String>,
    /// One unit, repeated to long lines.
    #[serde(skip)]
    pub(crate) flood: Option<String>,
}

/// A unit that an attacker would repeat.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Flood {
    /// For the table.
    pub(crate) name: String,
    /// What is repeated.
    pub(crate) unit: String,
}

/// The part of the kernel that is measured.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Model {
    /// Wall 2: every line in, the line with placeholders out.
    Scrub,
    /// Both walls: every line in, a clean record or nothing out.
    Sieve,
    /// The time from nothing to compiled rules.
    Compile,
}

impl Model {
    /// As written in a definition.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Model::Scrub => "scrub",
            Model::Sieve => "sieve",
            Model::Compile => "compile",
        }
    }
}

/// Counts of one pass. What is not named is not checked.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    /// Lines of the corpus.
    pub(crate) lines: Option<u64>,
    /// Records kept (`sieve`).
    pub(crate) kept: Option<u64>,
    /// Records dropped (`sieve`).
    pub(crate) dropped: Option<u64>,
    /// Detections by kind; a kind that is not named must not be found.
    pub(crate) detections: Option<BTreeMap<String, u64>>,
    /// What each peer must find at least, by kind, to be a fair one.
    pub(crate) peers: Option<BTreeMap<String, u64>>,
    /// Longest time that compiling may take, milliseconds (`compile`).
    pub(crate) milliseconds_max: Option<f64>,
}

impl Definition {
    /// Every definition, in the order of the tables.
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
            definition.into_each(&mut found);
        }
        found.sort_by_key(|d| d.rank);
        Ok(found)
    }

    /// Itself, or one for each of its floods.
    fn into_each(mut self, out: &mut Vec<Definition>) {
        let floods = std::mem::take(&mut self.flood);
        if floods.is_empty() {
            out.push(self);
            return;
        }
        for flood in floods {
            let mut one = self.clone();
            one.name = format!("{}/{}", self.name, flood.name);
            one.corpus.flood = Some(flood.unit);
            out.push(one);
        }
    }

    /// Whether this is one unit repeated.
    pub(crate) fn is_flood(&self) -> bool {
        self.corpus.flood.is_some()
    }
}

//! Finding containers in the cgroup hierarchies, whatever the version, the engine's cgroup driver
//! or the parent that the user chose: by a directory named after the 64-digit id.
//!
//! | hierarchy | `cgroupfs` driver | `systemd` driver |
//! |---|---|---|
//! | v1 | `<controller>/docker/<id>` | `<controller>/system.slice/docker-<id>.scope` |
//! | v2 | `docker/<id>` | `system.slice/docker-<id>.scope` |
//! | rootless | – | `user.slice/user-<uid>.slice/user@<uid>.service/…/docker-<id>.scope` |
//!
//! A container's own subtree is not entered: what it starts inside counts as its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::limits::CONTAINERS_MAX;

/// Directories visited in one hierarchy.
const DIRECTORIES_MAX: usize = 20_000;
/// Levels below the root of a hierarchy.
const DEPTH_MAX: usize = 12;

/// Where a container's files are.
pub(super) enum Place {
    /// One directory per controller.
    V1(V1),
    /// One directory.
    V2(PathBuf),
}

/// Directories of one container below the controllers of version 1.
#[derive(Default)]
pub(super) struct V1 {
    pub(super) cpu: Option<PathBuf>,
    pub(super) cpuacct: Option<PathBuf>,
    pub(super) memory: Option<PathBuf>,
    pub(super) blkio: Option<PathBuf>,
    pub(super) pids: Option<PathBuf>,
    /// The v2 hierarchy beside it: pressure only.
    pub(super) unified: Option<PathBuf>,
}

impl V1 {
    fn slot(&mut self, controller: usize) -> &mut Option<PathBuf> {
        match controller {
            0 => &mut self.cpu,
            1 => &mut self.cpuacct,
            2 => &mut self.memory,
            3 => &mut self.blkio,
            4 => &mut self.pids,
            _ => &mut self.unified,
        }
    }
}

/// Names under which each controller is mounted, in the order of [`V1::slot`].
const CONTROLLERS: [&[&str]; 6] = [
    &["cpu", "cpu,cpuacct", "cpuacct,cpu"],
    &["cpuacct", "cpu,cpuacct", "cpuacct,cpu"],
    &["memory"],
    &["blkio"],
    &["pids"],
    &["unified"],
];

/// The hierarchies below a root.
pub(super) enum Hierarchies {
    /// Nothing that looks like a cgroup file system.
    None,
    /// A directory per controller.
    V1([Option<PathBuf>; CONTROLLERS.len()]),
    /// The unified hierarchy.
    V2(PathBuf),
}

impl Hierarchies {
    /// Looks at the root.
    pub(super) fn detect(root: &Path) -> Self {
        if root.join("cgroup.controllers").is_file() {
            return Hierarchies::V2(root.to_owned());
        }
        let mounted = |names: &[&str]| names.iter().map(|n| root.join(n)).find(|p| p.is_dir());
        let controllers = CONTROLLERS.map(mounted);
        if controllers.iter().all(Option::is_none) {
            return Hierarchies::None;
        }
        Hierarchies::V1(controllers)
    }

    /// Whether there is anything to scan.
    pub(super) fn found(&self) -> bool {
        !matches!(self, Hierarchies::None)
    }

    /// Every container, by id.
    pub(super) fn scan(&self) -> BTreeMap<Box<str>, Place> {
        let mut found = BTreeMap::new();
        match self {
            Hierarchies::None => {}
            Hierarchies::V2(root) => walk(root, &mut |id, dir| {
                found.entry(id.into()).or_insert(Place::V2(dir));
            }),
            Hierarchies::V1(controllers) => {
                for (i, root) in controllers.iter().enumerate() {
                    let Some(root) = root else { continue };
                    walk(root, &mut |id, dir| {
                        let place = found.entry(id.into()).or_insert(Place::V1(V1::default()));
                        if let Place::V1(dirs) = place {
                            dirs.slot(i).get_or_insert(dir);
                        }
                    });
                }
            }
        }
        while found.len() > CONTAINERS_MAX {
            found.pop_last();
        }
        found
    }
}

/// Calls `found` for every directory of a container below `root`.
fn walk(root: &Path, found: &mut dyn FnMut(&str, PathBuf)) {
    let mut pending = vec![(root.to_owned(), 0)];
    let mut visited = 0;
    while let Some((dir, depth)) = pending.pop() {
        visited += 1;
        // A directory that vanished between listing and reading is no news.
        let Ok(entries) = fs::read_dir(&dir) else { continue };
        for entry in entries.flatten() {
            if !entry.file_type().is_ok_and(|t| t.is_dir()) {
                continue;
            }
            let name = entry.file_name();
            if let Some(id) = name.to_str().and_then(container_id) {
                found(id, entry.path());
            } else if depth < DEPTH_MAX && visited + pending.len() < DIRECTORIES_MAX {
                pending.push((entry.path(), depth + 1));
            }
        }
    }
}

/// The id in a directory's name: `<id>`, or `<runtime>-<id>.scope`.
fn container_id(name: &str) -> Option<&str> {
    let id = match name.strip_suffix(".scope") {
        Some(scope) => scope.rsplit_once('-')?.1,
        None => name,
    };
    let hex = id.len() == 64 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    hex.then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_in_directory_names() {
        let id = "0123456789abcdef".repeat(4);
        let rows = [
            (id.clone(), true),
            (format!("docker-{id}.scope"), true),
            (format!("libpod-{id}.scope"), true),
            (format!("{id}.scope"), false),
            (format!("docker-{id}"), false),
            (format!("{id}0"), false),
            (id.to_uppercase(), false),
            (id.replace('0', "g"), false),
            ("system.slice".into(), false),
            (String::new(), false),
        ];
        for (name, is_container) in rows {
            assert_eq!(container_id(&name).is_some(), is_container, "{name}");
        }
    }
}

//! How log bytes reach the agent.

pub mod json_file;
pub mod log_driver;

/// A source cannot start. Names what failed and how, never a path or a value.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {kind}")]
pub struct SourceError {
    what: &'static str,
    kind: std::io::ErrorKind,
}

impl SourceError {
    /// `what` failed in this way.
    pub fn new(what: &'static str, kind: std::io::ErrorKind) -> Self {
        SourceError { what, kind }
    }

    /// The way it failed.
    pub fn kind(&self) -> std::io::ErrorKind {
        self.kind
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self.kind {
            std::io::ErrorKind::PermissionDenied => "tamis needs root, or rights on this directory",
            std::io::ErrorKind::AddrInUse => "another process serves this socket; stop it first",
            std::io::ErrorKind::NotFound => {
                "is the engine's directory mounted where [source] says?"
            }
            _ => "see [source] in docs/CONFIG.md",
        }
    }
}

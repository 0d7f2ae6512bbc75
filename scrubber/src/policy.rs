//! The policy: which fields of which service are technical, with a type for each.
//!
//! Built-in profiles and the user's file have one syntax and one validator. A policy that has a
//! mistake is refused as a whole, with every mistake told at once, by position and hint, never by
//! value: a policy may hold names that are nobody's business.

pub(crate) mod profile;
pub(crate) mod schema;
pub(crate) mod types;

use std::fmt;
use std::ops::Range;

use schema::Definitions;

/// A parsed and validated user policy. The default is empty: built-in profiles only.
#[derive(Clone, Default)]
pub struct Policy {
    text: String,
    definitions: Definitions,
}

impl Policy {
    /// Reads a policy from TOML.
    ///
    /// # Errors
    /// Every mistake of the file, in the order of the text.
    pub fn parse(toml: &str) -> Result<Policy, PolicyErrors> {
        let definitions = schema::read(toml)?;
        // Profiles are compiled against the built-in ones here already, so that whoever parses a
        // policy learns of every mistake, not only of those of syntax.
        let policy = Policy { text: toml.to_owned(), definitions };
        profile::compile(&policy)?;
        Ok(policy)
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn definitions(&self) -> &Definitions {
        &self.definitions
    }
}

/// Every mistake of a policy. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyErrors(pub Vec<PolicyError>);

/// One mistake of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    /// Where, in bytes of the TOML text.
    pub span: Option<Range<usize>>,
    /// What is wrong. Never holds a value or an unknown key of the file.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl fmt::Display for PolicyErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, e) in self.0.iter().enumerate() {
            let line_break = if i == 0 { "" } else { "\n" };
            write!(f, "{line_break}{e}")?;
        }
        Ok(())
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(span) = &self.span {
            write!(f, "byte {}: ", span.start)?;
        }
        write!(f, "{} ({})", self.message, self.hint)
    }
}

impl std::error::Error for PolicyErrors {}
impl std::error::Error for PolicyError {}

#[cfg(test)]
mod tests;

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

use crate::pseudonym::{KeyError, PseudonymKey};

/// A parsed and validated user policy. The default is empty: built-in profiles only.
#[derive(Clone, Default)]
pub struct Policy {
    text: String,
    definitions: Definitions,
    key: Option<PseudonymKey>,
}

/// Where a policy says that the key of its pseudonyms is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyPlace<'a> {
    /// The path of the file, as written.
    pub file: &'a str,
    /// The place of the section, in bytes of the TOML text.
    pub span: &'a Range<usize>,
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
        let policy = Policy { text: toml.to_owned(), definitions, key: None };
        profile::compile(&policy)?;
        Ok(policy)
    }

    /// Where the key of its pseudonyms is, if it has any. Who reads a policy reads that file too
    /// and gives what is in it to [`Policy::with_key`].
    pub fn key_place(&self) -> Option<KeyPlace<'_>> {
        self.definitions.key.as_ref().map(|k| KeyPlace { file: &k.file, span: &k.span })
    }

    /// The policy with the secret of its pseudonyms.
    ///
    /// # Errors
    /// The secret is too short.
    pub fn with_key(mut self, secret: &[u8]) -> Result<Policy, KeyError> {
        let id = self.definitions.key.as_ref().map_or("", |k| &k.id);
        self.key = Some(PseudonymKey::new(id, secret)?);
        Ok(self)
    }

    pub(crate) fn key(&self) -> Option<&PseudonymKey> {
        self.key.as_ref()
    }

    /// A mistake if there is a key and its secret was not given.
    pub(crate) fn without_secret(&self) -> Result<(), PolicyErrors> {
        match &self.definitions.key {
            Some(place) if self.key.is_none() => Err(PolicyErrors(vec![PolicyError {
                span: Some(place.span.clone()),
                message: "the key of pseudonyms is missing".to_owned(),
                hint: "mount the file that `key_file` names".to_owned(),
            }])),
            _ => Ok(()),
        }
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

//! Keyed pseudonyms: the same person gets the same tag, and only who holds the key can link them.
//!
//! A tag is HMAC-SHA256 over the kind's name and the *canonical* value, cut to 64 bits, with the id
//! of its key: `[NIR:k3:9f2c4b1a77de0c11]`. Kinds are separate domains, so one number under two
//! kinds has two tags. A plain hash is not offered: every French number can be enumerated.

use std::fmt;

use aws_lc_rs::hmac;

use crate::placeholder::{self, Detail, TAG_DIGITS};
use crate::report::Kind;

mod canonical;

pub(crate) use canonical::address;

/// Shortest secret, bytes.
pub const SECRET_MIN: usize = 32;
/// Longest canonical value that is told apart, bytes.
const CANONICAL_MAX: usize = 512;

/// The key of a generation of pseudonyms. Destroying it makes its tags meaningless.
#[derive(Clone)]
pub struct PseudonymKey {
    id: Box<str>,
    key: hmac::Key,
}

/// Why a key was refused. Carries nothing of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The id is not a `k` and one to four digits.
    #[error("key id must be `k` and one to four digits")]
    Id,
    /// The secret is too short.
    #[error("key must have at least {SECRET_MIN} bytes")]
    Secret,
}

impl PseudonymKey {
    /// A key from its id and secret.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if the id or the length of the secret does not fit.
    pub fn new(id: &str, secret: &[u8]) -> Result<PseudonymKey, KeyError> {
        if !placeholder::is_key_id(id) {
            return Err(KeyError::Id);
        }
        if secret.len() < SECRET_MIN {
            return Err(KeyError::Secret);
        }
        Ok(PseudonymKey { id: id.into(), key: hmac::Key::new(hmac::HMAC_SHA256, secret) })
    }

    /// Appends `[KIND:id:tag]` for a value as it was found, decoded but not yet canonical. `rule`
    /// is the name of the user's rule that found it, or empty: rules are domains of their own.
    pub(crate) fn write(&self, kind: Kind, rule: &str, value: &[u8], out: &mut Vec<u8>) {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(b"tamis pseudonym 1\0");
        context.update(kind.name().as_bytes());
        context.update(b"\0");
        if kind == Kind::Custom {
            context.update(rule.as_bytes());
            context.update(b"\0");
        }
        let mut canonical = [0; CANONICAL_MAX];
        let n = canonical::write(kind, value, &mut canonical);
        context.update(canonical.get(..n).unwrap_or_default());
        let tag = tag(context.sign().as_ref());
        placeholder::write(kind, &Detail::Tag { key: &self.id, tag }, out);
    }
}

/// The first 64 bits as hexadecimal. A tag of digits alone could be taken for a value, and would
/// be by a detector: its first digit becomes a letter.
fn tag(hash: &[u8]) -> [u8; TAG_DIGITS] {
    let mut tag = [b'0'; TAG_DIGITS];
    for (pair, byte) in tag.chunks_exact_mut(2).zip(hash) {
        let digit = |n: u8| if n < 10 { b'0' + n } else { b'a' + n - 10 };
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
    if tag.iter().all(u8::is_ascii_digit)
        && let Some(first) = tag.first_mut()
    {
        *first = b'a' + (*first - b'0') % 6;
    }
    tag
}

impl fmt::Debug for PseudonymKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PseudonymKey").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(kind: Kind, value: &str) -> String {
        let mut out = Vec::new();
        PseudonymKey::new("k3", &[7; 32]).unwrap().write(kind, "", value.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn spellings_agree_and_kinds_do_not() {
        let phone = tag(Kind::Phone, "06 39 98 12 34");
        for same in ["+33 6 39 98 12 34", "0033639981234", "+33 (0)6 39 98 12 34", "06.39.98.12.34"]
        {
            assert_eq!(tag(Kind::Phone, same), phone, "{same}");
        }
        assert_ne!(tag(Kind::Phone, "0639981235"), phone);
        assert_eq!(tag(Kind::Nir, "1 85 05 78 006 084 91"), tag(Kind::Nir, "1850578006084"));
        assert_eq!(tag(Kind::Email, "A.B@Example.ORG"), tag(Kind::Email, "a.b@example.org"));
        for same in ["::ffff:192.0.2.1", "::ffff:c000:201", "192-0-2-1", "3221225985"] {
            assert_eq!(tag(Kind::Ip, same), tag(Kind::Ip, "192.0.2.1"), "{same}");
        }
        assert_eq!(tag(Kind::Ip, "2001:DB8:0::1%eth0"), tag(Kind::Ip, "2001:db8::1"));
        assert_ne!(
            tag(Kind::Siren, "732829320").split(':').nth(2),
            tag(Kind::Id, "732829320").split(':').nth(2)
        );
        assert_eq!(phone.len(), "[PHONE:k3:0123456789abcdef]".len());
    }

    #[test]
    fn weak_keys_are_refused() {
        assert_eq!(PseudonymKey::new("k3", &[7; 31]).unwrap_err(), KeyError::Secret);
        assert_eq!(PseudonymKey::new("", &[7; 32]).unwrap_err(), KeyError::Id);
        for id in ["k:3", "3", "k", "k12345", "0639981234", "K3"] {
            assert_eq!(PseudonymKey::new(id, &[7; 32]).unwrap_err(), KeyError::Id, "{id}");
        }
    }

    #[test]
    fn a_tag_has_a_letter_in_it() {
        assert_eq!(&super::tag(&[0x12; 32]), b"b212121212121212");
        assert_eq!(&super::tag(&[0x9f; 32]), b"9f9f9f9f9f9f9f9f");
    }
}

//! Keyed pseudonyms: the same person gets the same tag, and only who holds the key can link them.
//!
//! A tag is HMAC-SHA256 over the kind's name and the *canonical* value, cut to 64 bits, with the id
//! of its key: `[NIR:k3:9f2c4b1a77de0c11]`. Kinds are separate domains, so one number under two
//! kinds has two tags. A plain hash is not offered: every French number can be enumerated.

use std::fmt;

use aws_lc_rs::hmac;

use crate::report::Kind;

/// Shortest secret, bytes.
pub const SECRET_MIN: usize = 32;
/// Longest key id, characters.
pub const KEY_ID_MAX: usize = 16;
/// Longest canonical value that is told apart, bytes.
const CANONICAL_MAX: usize = 512;

/// The key of a generation of pseudonyms. Destroying it makes its tags meaningless.
pub struct PseudonymKey {
    id: Box<str>,
    key: hmac::Key,
}

/// Why a key was refused. Carries nothing of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The id is empty, too long, or has a character other than `a-z`, `A-Z`, `0-9`.
    #[error("key id must be 1 to {KEY_ID_MAX} letters or digits")]
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
        let fits =
            (1..=KEY_ID_MAX).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric());
        if !fits {
            return Err(KeyError::Id);
        }
        if secret.len() < SECRET_MIN {
            return Err(KeyError::Secret);
        }
        Ok(PseudonymKey { id: id.into(), key: hmac::Key::new(hmac::HMAC_SHA256, secret) })
    }

    /// Appends `[KIND:id:tag]` for a value as it was found, decoded but not yet canonical.
    pub(crate) fn write(&self, kind: Kind, value: &[u8], out: &mut Vec<u8>) {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(b"tamis pseudonym 1\0");
        context.update(kind.name().as_bytes());
        context.update(b"\0");
        let mut canonical = [0; CANONICAL_MAX];
        let n = canonicalise(kind, value, &mut canonical);
        context.update(canonical.get(..n).unwrap_or_default());
        out.push(b'[');
        out.extend_from_slice(kind.name().as_bytes());
        out.push(b':');
        out.extend_from_slice(self.id.as_bytes());
        out.push(b':');
        for byte in context.sign().as_ref().iter().take(8) {
            for half in [byte >> 4, byte & 15] {
                out.push(if half < 10 { b'0' + half } else { b'a' + half - 10 });
            }
        }
        out.push(b']');
    }
}

impl fmt::Debug for PseudonymKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PseudonymKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Writes the canonical form of a value: what all its spellings have in common.
fn canonicalise(kind: Kind, value: &[u8], out: &mut [u8; CANONICAL_MAX]) -> usize {
    let mut n = 0;
    let mut push = |b: u8| {
        if let Some(o) = out.get_mut(n) {
            *o = b;
            n += 1;
        }
    };
    match kind {
        Kind::Phone => {
            let digits = || value.iter().copied().filter(u8::is_ascii_digit);
            let plus = value.iter().find(|b| b.is_ascii_digit() || **b == b'+') == Some(&b'+');
            let zeros = digits().take_while(|&b| b == b'0').count();
            let lead: &[u8] = if !plus && zeros == 1 { b"33" } else { b"" };
            lead.iter().for_each(|&b| push(b));
            let rest = digits().skip(if plus { 0 } else { zeros.min(2) });
            // The trunk zero of `+33 (0)6`.
            let french = plus && value.windows(3).any(|w| w == b"(0)");
            rest.enumerate()
                .filter(|&(i, b)| !(french && i == 2 && b == b'0'))
                .for_each(|(_, b)| push(b));
        }
        Kind::Nir => {
            let chars = value.iter().filter(|b| b.is_ascii_alphanumeric());
            chars.take(13).for_each(|b| push(b.to_ascii_uppercase()));
        }
        Kind::Email => value
            .iter()
            .filter(|b| !b.is_ascii_whitespace() && !b"<>".contains(b))
            .for_each(|b| push(b.to_ascii_lowercase())),
        Kind::Ip => {
            match std::str::from_utf8(value).ok().and_then(|s| s.parse::<std::net::IpAddr>().ok()) {
                Some(std::net::IpAddr::V4(v)) => v.octets().into_iter().for_each(push),
                Some(std::net::IpAddr::V6(v)) => match v.to_ipv4_mapped() {
                    Some(v) => v.octets().into_iter().for_each(push),
                    None => v.octets().into_iter().for_each(push),
                },
                None => value.iter().for_each(|b| push(b.to_ascii_lowercase())),
            }
        }
        Kind::Secret => value.iter().for_each(|&b| push(b)),
        Kind::Person | Kind::Address => value
            .iter()
            .filter(|b| b.is_ascii_alphanumeric() || **b >= 0x80)
            .for_each(|b| push(b.to_ascii_lowercase())),
        _ => value
            .iter()
            .filter(|b| b.is_ascii_alphanumeric())
            .for_each(|b| push(b.to_ascii_uppercase())),
    }
    n
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(kind: Kind, value: &str) -> String {
        let mut out = Vec::new();
        PseudonymKey::new("k3", &[7; 32]).unwrap().write(kind, value.as_bytes(), &mut out);
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
        assert_eq!(tag(Kind::Ip, "::ffff:192.0.2.1"), tag(Kind::Ip, "192.0.2.1"));
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
        assert_eq!(PseudonymKey::new("k:3", &[7; 32]).unwrap_err(), KeyError::Id);
    }
}

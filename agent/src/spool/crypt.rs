//! The spool's key: AES-256-GCM for frames, HMAC-SHA-256 for cursors, and a name for the key.
//!
//! The file's 32 bytes are only used to derive three keys (HMAC-SHA-256 as a pseudo-random
//! function, one label each), so no key serves two algorithms. The id in a segment's header tells
//! nothing about the key. Destroying the file erases the spool. The file is refused when it is
//! missing, readable by everyone or has not exactly one key in it; no message holds its bytes.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hmac;

use super::{SpoolError, SpoolErrorKind};

/// Bytes of the key.
pub const KEY_BYTES: usize = 32;
/// Bytes that sealing adds.
pub(super) const TAG_BYTES: usize = 16;
/// Bytes of a key's name.
pub(super) const KEY_ID_BYTES: usize = 8;

/// The derived keys. No `Debug`.
pub(super) struct Keys {
    frame: LessSafeKey,
    cursor: hmac::Key,
    id: [u8; KEY_ID_BYTES],
}

impl Keys {
    /// Reads a key file.
    pub(super) fn read(path: &Path) -> Result<Keys, SpoolError> {
        let key = read_key(path)?;
        Keys::derive(&key).ok_or_else(|| SpoolErrorKind::KeyMalformed.into())
    }

    fn derive(key: &[u8; KEY_BYTES]) -> Option<Keys> {
        let root = hmac::Key::new(hmac::HMAC_SHA256, key);
        let derived = |label: &str| hmac::sign(&root, label.as_bytes());
        let frame = UnboundKey::new(&AES_256_GCM, derived("tamis spool frame 1").as_ref()).ok()?;
        let id = derived("tamis spool key id 1");
        Some(Keys {
            frame: LessSafeKey::new(frame),
            cursor: hmac::Key::new(hmac::HMAC_SHA256, derived("tamis spool cursor 1").as_ref()),
            id: id.as_ref().first_chunk().copied()?,
        })
    }

    /// The key's name.
    pub(super) fn id(&self) -> [u8; KEY_ID_BYTES] {
        self.id
    }

    /// Encrypts `plain` in place and returns the tag. A nonce must never come back under one key.
    pub(super) fn seal(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        plain: &mut [u8],
    ) -> Option<[u8; TAG_BYTES]> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self.frame.seal_in_place_separate_tag(nonce, Aad::from(aad), plain).ok()?;
        tag.as_ref().try_into().ok()
    }

    /// Decrypts in place. `None` when anything was changed.
    pub(super) fn open<'a>(
        &self,
        nonce: [u8; 12],
        aad: &[u8],
        sealed: &'a mut [u8],
    ) -> Option<&'a [u8]> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.frame.open_in_place(nonce, Aad::from(aad), sealed).ok().map(|plain| &*plain)
    }

    /// Authenticates a cursor.
    pub(super) fn sign(&self, text: &[u8]) -> hmac::Tag {
        hmac::sign(&self.cursor, text)
    }

    /// Whether `tag` is that of `text`.
    pub(super) fn verify(&self, text: &[u8], tag: &[u8]) -> bool {
        hmac::verify(&self.cursor, text, tag).is_ok()
    }
}

/// Reads a key file: 32 bytes, or 64 hexadecimal digits and white space around them.
///
/// # Errors
/// The file is missing, readable by everyone or has not exactly one key in it.
pub fn read_key(path: &Path) -> Result<[u8; KEY_BYTES], SpoolError> {
    let mut file = File::open(path).map_err(|_| SpoolErrorKind::KeyMissing)?;
    let meta = file.metadata().map_err(|_| SpoolErrorKind::KeyMissing)?;
    if !meta.is_file() {
        return Err(SpoolErrorKind::KeyMissing.into());
    }
    if meta.mode() & 0o007 != 0 {
        return Err(SpoolErrorKind::KeyExposed.into());
    }
    let mut bytes = Vec::with_capacity(4 * KEY_BYTES);
    let limit = 4 * KEY_BYTES as u64;
    let read = Read::by_ref(&mut file).take(limit).read_to_end(&mut bytes);
    read.map_err(|_| SpoolErrorKind::KeyMissing)?;
    parse(&bytes).ok_or_else(|| SpoolErrorKind::KeyMalformed.into())
}

fn parse(bytes: &[u8]) -> Option<[u8; KEY_BYTES]> {
    if let Ok(raw) = bytes.try_into() {
        return Some(raw);
    }
    let text = bytes.trim_ascii();
    let mut key = [0; KEY_BYTES];
    if text.len() != 2 * KEY_BYTES {
        return None;
    }
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    for (byte, pair) in key.iter_mut().zip(text.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_file_is_raw_or_hexadecimal_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let hex = "0a".repeat(32);
        let rows: [(&[u8], u32, Option<SpoolErrorKind>); 9] = [
            (&[0x0a; 32], 0o600, None),
            (hex.as_bytes(), 0o400, None),
            (&[hex.as_bytes(), b"\n"].concat(), 0o640, None),
            (&[0x0a; 31], 0o600, Some(SpoolErrorKind::KeyMalformed)),
            (&[0x0a; 33], 0o600, Some(SpoolErrorKind::KeyMalformed)),
            (&[b'z'; 64], 0o600, Some(SpoolErrorKind::KeyMalformed)),
            (b"", 0o600, Some(SpoolErrorKind::KeyMalformed)),
            (&[0x0a; 32], 0o644, Some(SpoolErrorKind::KeyExposed)),
            (&[0x0a; 32], 0o602, Some(SpoolErrorKind::KeyExposed)),
        ];
        let mut ids = Vec::new();
        for (bytes, mode, want) in rows {
            std::fs::write(&path, bytes).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            let got = Keys::read(&path);
            assert_eq!(got.as_ref().err().map(SpoolError::kind), want);
            ids.extend(got.ok().map(|k| k.id()));
            std::fs::remove_file(&path).unwrap();
        }
        assert!(ids.iter().all(|id| *id == ids[0]), "the same key in every form");
        let missing = Keys::read(&path).err().unwrap();
        assert_eq!(missing.kind(), SpoolErrorKind::KeyMissing);
        assert!(missing.hint().contains("openssl rand"));
    }
}

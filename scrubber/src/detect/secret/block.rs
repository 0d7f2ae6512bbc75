//! Key material: `-----BEGIN … PRIVATE KEY-----`, PuTTY's keys, lines of a key that stand alone,
//! hashes of passwords.

use super::shape::Mix;
use crate::detect::text::{at, back, before, has, skip, sub};
use crate::detect::{Scan, Walk};
use crate::report::Kind;

/// Characters of a full line of a key: PEM and GnuPG, OpenSSH.
const LINES: [usize; 2] = [64, 70];
/// Bytes before a line of base64 in which a block may have been opened.
const BLOCK_MAX: usize = 4096;
/// Longest hash of a password.
const HASH_MAX: usize = 256;

/// At a dash: `-----BEGIN … PRIVATE KEY-----` to its end, or to the end of the value.
pub(crate) fn at_dash(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    if !has(text, p, b"-----BEGIN ") && !has(text, p, b"---- BEGIN ") {
        return;
    }
    let name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'_' | b'.');
    let label = skip(text, p + 11, 48, name);
    let kind = sub(text, p + 11, label);
    if !kind.windows(7).any(|w| w.eq_ignore_ascii_case(b"PRIVATE"))
        && !kind.windows(6).any(|w| w.eq_ignore_ascii_case(b"SECRET"))
        && !has(text, p + 11, b"OpenVPN Static key")
    {
        return;
    }
    let body = skip(text, label, 5, |b| b == b'-');
    let end = scan.walk(Walk::Key, body, 0, key_end).max(body);
    scan.hit(p, end, Kind::Secret);
}

/// The end of a private key: its last line, the quote that closes its value, or the text's end.
fn key_end(text: &[u8], body: usize) -> usize {
    let rest = sub(text, body, text.len());
    let quote = rest.iter().position(|b| matches!(b, b'"' | b'\'' | b'`')).unwrap_or(rest.len());
    let close = memchr::memmem::find(sub(rest, 0, quote), b"-----END");
    match close {
        Some(i) => {
            let end = skip(text, body + i + 8, 48, |b| b.is_ascii_alphanumeric() || b == b' ');
            skip(text, end, 5, |b| b == b'-')
        }
        None => body + quote,
    }
}

/// At `P` of `PuTTY-User-Key-File-`: everything up to the end of the text.
pub(super) fn putty(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    if has(text, p, b"Private-Lines:") || has(text, p, b"Private-MAC:") {
        let from = p + 14;
        let end = scan.walk(Walk::Key, from, 1, key_end).max(from);
        scan.hit(skip(text, from, 3, |b| b == b' '), end, Kind::Secret);
    }
}

/// A line of base64 alone, as a record of a key that was cut into lines. Public ones look the same:
/// only a text that names them is left.
pub(super) fn line(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    let start = back(text, p, 2, |b| matches!(b, b'+' | b'/'));
    if start > 0 && !matches!(before(text, start), b'\n' | b' ' | b'\t')
        || back(text, start, 16, |b| matches!(b, b' ' | b'\t')) > 0 && before(text, start) != b'\n'
    {
        return;
    }
    let base64 = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    let stop = skip(text, start, 80, base64);
    let end = skip(text, stop, 2, |b| b == b'=');
    let last = !matches!(at(text, end), 0 | b'\n' | b'\r');
    let full = LINES.contains(&(end - start));
    let tail = end > stop && end - start >= 16 && (end - start).is_multiple_of(4);
    if last || !full && !tail {
        return;
    }
    let mix = Mix::of(sub(text, start, stop));
    let mixed = mix.lower > 0 && mix.upper > 0 && mix.is_random();
    let named =
        memchr::memmem::find(sub(text, start.saturating_sub(BLOCK_MAX), start), b"-----BEGIN ");
    if mixed && named.is_none() {
        scan.hit(start, end, Kind::Secret);
    }
}

/// At `$`: hashes of passwords, `$2y$…`, `$argon2id$…`, `$6$…`, and Asaas's tokens.
pub(crate) fn at_dollar(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    const HASHES: [&[u8]; 18] = [
        b"$2y$",
        b"$2a$",
        b"$2b$",
        b"$2x$",
        b"$apr1$",
        b"$argon2",
        b"$6$",
        b"$5$",
        b"$1$",
        b"$y$",
        b"$7$",
        b"$sha1$",
        b"$scrypt$",
        b"$pbkdf2",
        b"$P$",
        b"$H$",
        b"$S$",
        b"$aact_",
    ];
    if HASHES.iter().any(|h| sub(text, p, p + h.len()) == *h) {
        let hash = |b: u8| b.is_ascii_alphanumeric() || b"$./=,+-_".contains(&b);
        let end = skip(text, p, HASH_MAX, hash);
        if end - p >= 20 {
            scan.hit(p, end, Kind::Secret);
        }
        return;
    }
    // `pbkdf2_sha256$600000$salt$hash`, `scrypt:32768:8:1$salt$hash`.
    let name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b':');
    let start = back(text, p, 32, name);
    let known =
        [&b"pbkdf2"[..], b"scrypt:", b"argon2", b"bcrypt", b"sha1", b"md5", b"access_token"];
    if start < p && known.iter().any(|k| has(text, start, k)) {
        let end = skip(text, p, HASH_MAX, |b| b.is_ascii_alphanumeric() || b"$./=+-_".contains(&b));
        if end - p >= 24 {
            scan.hit(p + 1, end, Kind::Secret);
        }
    }
}

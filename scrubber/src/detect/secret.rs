//! Secrets by their own shape: provider prefixes, JWT, `Bearer` and `Basic`, credentials in URLs,
//! private keys, password hashes. Secrets by the name of their key are in `keyed`.

use super::text::{at, back, before, has, is_space, is_word, prior, skip, sub};
use super::{Scan, Walk};
use crate::report::Kind;

/// Longest credentials in a URL.
const USERINFO_MAX: usize = 256;

/// Bytes of a token that are judged.
const HEAD_MAX: usize = 256;

/// Prefixes that providers give their tokens, and the least length of a whole token.
const PREFIXES: &[(&[u8], usize)] = &[
    (b"AKIA", 16),
    (b"ASIA", 16),
    (b"AROA", 16),
    (b"AIDA", 16),
    (b"AIza", 30),
    (b"ghp_", 20),
    (b"gho_", 20),
    (b"ghu_", 20),
    (b"ghs_", 20),
    (b"ghr_", 20),
    (b"github_pat_", 30),
    (b"glpat-", 16),
    (b"gldt-", 16),
    (b"glrt-", 16),
    (b"xoxa-", 15),
    (b"xoxb-", 15),
    (b"xoxp-", 15),
    (b"xoxr-", 15),
    (b"xoxs-", 15),
    (b"xapp-", 15),
    (b"sk-", 20),
    (b"sk_live_", 16),
    (b"sk_test_", 16),
    (b"rk_live_", 16),
    (b"pk_live_", 16),
    (b"whsec_", 16),
    (b"ya29.", 20),
    (b"hf_", 20),
    (b"npm_", 20),
    (b"pypi-", 20),
    (b"SG.", 20),
    (b"dop_v1_", 20),
    (b"hvs.", 20),
    (b"hvb.", 20),
    (b"gsk_", 20),
    (b"r8_", 20),
    (b"lsv2_", 20),
    (b"AGE-SECRET-KEY-1", 20),
    (b"LS0tLS1CRUdJTi", 20),
    (b"dckr_pat_", 20),
    (b"shpat_", 20),
    (b"tskey-", 16),
    (b"eyJ", 16),
    (b"nvapi-", 20),
    (b"pplx-", 20),
    (b"xai-", 20),
    (b"gAAAAA", 60),
];

/// Letters that a prefix starts with.
const FIRST: [bool; 256] = {
    let (mut first, mut i) = ([false; 256], 0);
    while i < PREFIXES.len() {
        first[PREFIXES[i].0[0] as usize] = true; // Proof: i < len, no prefix is empty, u8 < 256
        i += 1;
    }
    first
};

/// The first three bytes of the prefixes, as a filter.
pub(crate) struct Prefixes {
    bits: Vec<u64>,
}

impl Prefixes {
    /// Reads the table.
    pub(crate) fn new() -> Prefixes {
        let mut all = Prefixes { bits: vec![0; 1 << 9] };
        for (prefix, _) in PREFIXES {
            let head = prefix.iter().take(3).rev().fold(0, |n, b| n << 8 | u64::from(*b));
            let bit = Prefixes::bit(head);
            if let Some(bits) = all.bits.get_mut(bit / 64) {
                *bits |= 1 << (bit % 64);
            }
        }
        all
    }

    /// Whether a token may have a prefix; `head` holds its first bytes, the first lowest.
    #[inline(always)]
    pub(crate) fn may_start(&self, head: u64) -> bool {
        let bit = Prefixes::bit(head);
        self.bits.get(bit / 64).is_some_and(|bits| bits >> (bit % 64) & 1 == 1)
    }

    #[inline(always)]
    fn bit(head: u64) -> usize {
        ((head & 0xFF_FFFF).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 49) as usize
    }
}

/// At the start of a word.
pub(crate) fn at_word(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    let prev = before(text, p);
    if matches!(at(text, p), b'B' | b'b') {
        scheme(scan, p);
    }
    if !FIRST.get(usize::from(at(text, p))).is_some_and(|f| *f) {
        return;
    }
    let second = at(text, p + 1);
    let hit = PREFIXES.iter().find(|(prefix, _)| {
        prefix.get(1) == Some(&second)
            && at(text, p) == prefix.first().copied().unwrap_or(0)
            && sub(text, p, p + prefix.len()) == *prefix
    });
    let Some(&(prefix, least)) = hit else { return };
    if prev == b'-' && is_word(prior(text, p, 2)) || prev == b'_' {
        return;
    }
    let end = scan.walk(Walk::Token, p, 0, token);
    if end - p < least {
        return;
    }
    let body = sub(text, p + prefix.len(), end.min(p + HEAD_MAX));
    let jwt = prefix != b"eyJ" || body.contains(&b'.');
    let mixed = body.iter().any(u8::is_ascii_digit) || body.iter().any(u8::is_ascii_uppercase);
    if jwt && mixed {
        scan.hit(p, end, Kind::Secret);
    }
}

/// The end of a token: base64 in either alphabet, dots between its parts.
pub(crate) fn token(text: &[u8], p: usize) -> usize {
    let part =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'+' | b'/' | b'.' | b'~');
    let end = skip(text, p, text.len(), part);
    let end = back(text, end, 3, |b| b == b'.');
    skip(text, end, 2, |b| b == b'=')
}

/// `Bearer x`, `Basic x`.
fn scheme(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    let Some(word) = [&b"Bearer"[..], b"Basic"].into_iter().find(|w| has(text, p, w)) else {
        return;
    };
    let start =
        skip(text, p + word.len(), 4, |b| is_space(b) || matches!(b, b':' | b'"' | b'\'' | b'='));
    let end = scan.walk(Walk::Token, start, 0, token).max(start);
    let body = sub(text, start, end.min(start + HEAD_MAX));
    let coded = body.iter().any(u8::is_ascii_digit)
        || body.iter().any(u8::is_ascii_uppercase) && body.iter().any(u8::is_ascii_lowercase)
        || at(text, end.saturating_sub(1)) == b'=';
    let least = if word == b"Basic" { 8 } else { 12 };
    if start > p + word.len() && body.len() >= least && coded {
        scan.hit(start, end, Kind::Secret);
    }
}

/// At `@`: the credentials of `scheme://user:password@host`.
pub(crate) fn at_sign(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    let inside = |b: u8| b > b' ' && !matches!(b, b'"' | b'<' | b'>' | b'`');
    let floor = back(text, p, USERINFO_MAX, inside);
    let Some(i) = sub(text, floor, p).windows(3).rposition(|w| w == b"://") else { return };
    let start = floor + i + 3;
    let info = sub(text, start, p);
    // A slash means the authority ended before; a password may hold one only after a colon.
    let head = info.split(|&b| b == b':').next().unwrap_or_default();
    let query = head.iter().any(|b| matches!(b, b'/' | b'?' | b'#'));
    let path = !info.contains(&b':')
        || info.iter().position(|b| *b == b'/').is_some_and(|s| {
            let port = sub(info, head.len() + 1, s);
            port.iter().all(u8::is_ascii_digit)
        });
    if info.is_empty() || query || info.contains(&b'/') && path {
        return;
    }
    scan.hit(start, p, Kind::Secret);
}

/// At a dash: `-----BEGIN … PRIVATE KEY-----` to its end, or to the end of the value.
pub(crate) fn at_dash(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    if !has(text, p, b"-----BEGIN ") {
        return;
    }
    let label =
        skip(text, p + 11, 48, |b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b' ');
    let kind = sub(text, p + 11, label);
    if !kind.windows(7).any(|w| w == b"PRIVATE") && !kind.windows(6).any(|w| w == b"SECRET") {
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

/// At `$`: hashes of passwords, `$2y$…`, `$argon2id$…`, `$6$…`.
pub(crate) fn at_dollar(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    const HASHES: [&[u8]; 9] =
        [b"$2y$", b"$2a$", b"$2b$", b"$apr1$", b"$argon2", b"$6$", b"$5$", b"$1$", b"$y$"];
    if HASHES.iter().any(|h| sub(text, p, p + h.len()) == *h) {
        let hash = |b: u8| {
            b.is_ascii_alphanumeric() || matches!(b, b'$' | b'.' | b'/' | b'=' | b',' | b'+' | b'-')
        };
        let end = skip(text, p, 200, hash);
        if end - p >= 20 {
            scan.hit(p, end, Kind::Secret);
        }
    }
}

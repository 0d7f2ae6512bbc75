//! Secrets by their own shape: tokens with the prefix of their provider, JWT, `Bearer` and `Basic`,
//! credentials in URLs, private keys, password hashes, command lines. Secrets by the name of their
//! key are in `keyed`.

mod block;
mod command;
mod prefix;
pub(crate) mod shape;

pub(crate) use block::{at_dash, at_dollar};
pub(crate) use prefix::Prefixes;

use super::text::{at, back, before, digits_in, has, is_space, is_word, prior, skip, sub};
use super::words::{NAME, NOT_VALUE, PASSWORD, PUBLIC, TOKEN, WEAK};
use super::{Scan, Walk};
use crate::report::Kind;

/// Longest credentials in a URL.
const USERINFO_MAX: usize = 256;
/// Bytes of a token that are judged.
const HEAD_MAX: usize = 256;
/// Least length of a token told by signs inside it.
const SHAPED_MIN: usize = 34;

/// URLs that anyone who knows them may post to: what stands before the secret part.
const HOOKS: [&[u8]; 9] = [
    b"hooks.slack.com/services/",
    b"hooks.slack.com/workflows/",
    b"hooks.slack.com/triggers/",
    b"discord.com/api/webhooks/",
    b"discordapp.com/api/webhooks/",
    b"webhook.office.com/webhookb2/",
    b"hooks.zapier.com/hooks/catch/",
    b"outlook.office.com/webhook/",
    b"api.telegram.org/bot",
];

/// At the start of a word.
pub(crate) fn at_word(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    if matches!(at(text, p), b'B' | b'b') {
        scheme(scan, p);
    }
    command::at_word(scan, p);
    if !scan.token {
        return;
    }
    if matches!(at(text, p), b'h' | b'd' | b'w' | b'o' | b'a') {
        hook(scan, p);
    }
    if at(text, p) == b'P' {
        block::putty(scan, p);
    }
    token_at(scan, p);
}

/// At the first digit of a number: tokens that start with one. Needs: [`SHAPED_MIN`] characters of
/// a token, or eight to ten digits and a colon.
pub(crate) fn at_digit(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    let digits = skip(text, p, 20, |b| b.is_ascii_digit());
    if at(text, digits) == b':' && at(text, digits + 1) == b'A' && (8..=10).contains(&(digits - p))
    {
        let end = skip(text, digits + 1, 64, |b| is_word(b) || matches!(b, b'_' | b'-'));
        if (34..=36).contains(&(end - digits - 1)) {
            return scan.hit(p, end, Kind::Secret);
        }
    }
    // Facebook: `application|secret`.
    if at(text, digits) == b'|' && (15..=16).contains(&(digits - p)) {
        let end = skip(text, digits + 1, 64, |b| is_word(b) || matches!(b, b'_' | b'-'));
        if (27..=40).contains(&(end - digits - 1)) {
            return scan.hit(digits + 1, end, Kind::Secret);
        }
    }
    if scan.token && !is_word(before(text, p)) {
        token_at(scan, p);
    }
}

/// At a tilde: Microsoft Entra's `abc8Q~…`, OpenShift's `sha256~…`.
pub(crate) fn at_tilde(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    let part = |b: u8| b.is_ascii_alphanumeric() || b"_~.-".contains(&b);
    let end = skip(text, p + 1, 64, part);
    let end = back(text, end, 2, |b| b == b'.');
    let start = p.saturating_sub(5);
    let entra = p >= 5
        && before(text, p) == b'Q'
        && prior(text, p, 2).is_ascii_digit()
        && sub(text, start, p).iter().all(|b| part(*b))
        && !is_word(before(text, start))
        && (31..=40).contains(&(end - p - 1));
    let openshift = p >= 6 && sub(text, p - 6, p) == b"sha256" && end - p > 40;
    if shape::is_placeholder(sub(text, p + 1, end)) {
        return;
    }
    if entra {
        scan.hit(start, end, Kind::Secret);
    } else if openshift {
        scan.hit(p + 1, end, Kind::Secret);
    }
}

/// A token that starts at `p`, by its prefix or by signs inside it.
fn token_at(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    let prev = before(text, p);
    if matches!(prev, b'_' | b'%') || prev == b'-' && is_word(prior(text, p, 2)) {
        return;
    }
    // What starts inside a secret that was just found is part of it.
    if scan.spans.last().is_some_and(|s| s.kind == Kind::Secret && (s.start..s.end).contains(&p)) {
        return;
    }
    // Base64 of `-----BEGIN CERTIFICATE` or `PUBLIC KEY`.
    let public = has(text, p, b"LS0tLS1CRUdJTiBDRVJU") || has(text, p, b"LS0tLS1CRUdJTiBQVUJM");
    if !public && let Some(n) = scan.tables.prefixes.find(text, p) {
        let whole = scan.walk(Walk::Token, p, 0, token);
        let end = if n >= HEAD_MAX { whole.max(p + n) } else { p + n };
        let end = skip(text, end, 2, |b| b == b'=');
        return scan.hit(p, end, Kind::Secret);
    }
    if prev == b'}' && hashed(scan, p) || prev == b',' && listed(scan, p) {
        return;
    }
    let jwt = matches!(sub(text, p, p + 3), b"eyJ" | b"ewo" | b"ew0" | b"eyA");
    let start = p;
    block::line(scan, p);
    if at(text, p + SHAPED_MIN / 2) <= b' ' && !jwt {
        return;
    }
    let end = scan.walk(Walk::Token, start, 0, token).max(start);
    let body = sub(text, start, end.min(start + HEAD_MAX));
    let mixed =
        || body.iter().any(u8::is_ascii_digit) || body.iter().skip(3).any(u8::is_ascii_uppercase);
    if jwt && end - start >= 16 && body.contains(&b'.') && mixed()
        || end - start >= SHAPED_MIN && has_shape(body) && !shape::is_placeholder(body)
    {
        scan.hit(start, end, Kind::Secret);
    }
}

/// A hash of a password, as directories write it: `{SSHA}x`.
fn hashed(scan: &mut Scan<'_>, p: usize) -> bool {
    let text = scan.text;
    let open = back(text, p - 1, 16, |b| is_word(b) || b == b'-');
    let names = [&b"SHA"[..], b"SSHA", b"SMD5", b"MD5", b"CRYPT", b"PBKDF2"];
    let named = names.iter().any(|n| has(text, open, n)) && before(text, open) == b'{';
    if named {
        let end = scan.walk(Walk::Token, p, 0, token).max(p);
        scan.hit(p, end, Kind::Secret);
    }
    named
}

/// A random value after the name of a secret in a row: `api_token,x,`.
fn listed(scan: &mut Scan<'_>, p: usize) -> bool {
    let text = scan.text;
    let start = back(text, p - 1, 48, |b| is_word(b) || matches!(b, b'_' | b'-'));
    let tags = scan.tables.words.of_key(sub(text, start, p - 1));
    let named = tags & (PASSWORD | TOKEN | WEAK) != 0 && tags & (NOT_VALUE | NAME | PUBLIC) == 0;
    let end = skip(text, p, HEAD_MAX, |b| b > b' ' && !b",;\"'".contains(&b));
    let body = sub(text, p, end);
    if named && body.len() >= 16 && shape::Mix::of(body).is_random() && !shape::is_place(body) {
        scan.hit(p, end, Kind::Secret);
        return true;
    }
    false
}

/// Tokens without a prefix, told by what stands at fixed places in them.
fn has_shape(body: &[u8]) -> bool {
    let n = body.len();
    let hex = |a: usize, z: usize| sub(body, a, z).iter().all(u8::is_ascii_hexdigit);
    let sign = |i: usize, b: u8| body.get(i) == Some(&b);
    let terraform = sub(body, 14, 23) == b".atlasv1.";
    let maxmind = n == 40 && sign(6, b'_') && sub(body, 36, 40) == b"_mmk";
    let mailchimp = (36..=37).contains(&n) && sub(body, 32, 35) == b"-us" && hex(0, 32);
    let mailgun = n == 50 && sign(32, b'-') && sign(41, b'-') && hex(0, 32) && hex(33, 41);
    let airtable = n >= 60 && sign(17, b'.') && sub(body, 0, 3) == b"pat" && hex(18, 60);
    terraform
        || maxmind
        || mailchimp
        || mailgun
        || airtable
        || is_discord(body)
        || is_authress(body)
}

/// Three parts of 24 to 28, 6 or 7, and at least 27 characters.
fn is_discord(body: &[u8]) -> bool {
    let mut parts = body.split(|b| *b == b'.');
    let [Some(a), Some(b), Some(c), None] = std::array::from_fn(|_| parts.next()) else {
        return false;
    };
    let part = |t: &[u8]| t.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    (24..=28).contains(&a.len())
        && (6..=7).contains(&b.len())
        && (27..=40).contains(&c.len())
        && matches!(a.first(), Some(b'M' | b'N' | b'O'))
        && [a, b, c].into_iter().all(part)
        && shape::Mix::of(a).is_random()
}

/// `sc_client.key.acc_account.secret`.
fn is_authress(body: &[u8]) -> bool {
    let mut parts = body.split(|b| *b == b'.');
    let [Some(a), Some(_), Some(account), Some(secret)] = std::array::from_fn(|_| parts.next())
    else {
        return false;
    };
    let known = [&b"sc_"[..], b"ext_", b"scauth_", b"authress_"];
    known.iter().any(|k| a.starts_with(k)) && account.starts_with(b"acc") && secret.len() >= 20
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
    let mix = shape::Mix::of(body);
    let coded =
        mix.digit > 0 || mix.turns * 3 >= body.len() || at(text, end.saturating_sub(1)) == b'=';
    let least = if word == b"Basic" { 8 } else { 12 };
    if start > p + word.len() && body.len() >= least && coded && !shape::is_place(body) {
        scan.hit(start, end, Kind::Secret);
    }
}

/// The secret part of a webhook's address.
fn hook(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    let Some(head) = HOOKS.iter().find(|h| has(text, p, h)) else { return };
    let start = p + head.len();
    let path = |b: u8| b.is_ascii_alphanumeric() || b"-_/@.%:".contains(&b);
    let end = skip(text, start, HEAD_MAX * 2, path);
    let end = back(text, end, 2, |b| matches!(b, b'.' | b':'));
    let body = sub(text, start, end);
    if body.len() >= 15 && digits_in(body) > 0 && !shape::Mix::of(body).is_masked() {
        scan.hit(start, end, Kind::Secret);
    }
}

/// At `@`: the credentials of `scheme://user:password@host`.
pub(crate) fn at_sign(scan: &mut Scan<'_>, p: usize) {
    if !scan.has_scheme_before(p) {
        return;
    }
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
    let password = sub(info, head.len() + 1, info.len());
    let named = password.is_empty()
        && (scan.technical(start, start + head.len()) || shape::is_placeholder(head));
    if named || !password.is_empty() && shape::is_placeholder(password) {
        return;
    }
    scan.hit(start, p, Kind::Secret);
}

//! E-mail addresses, outwards from `@`, and the ways people write them to hide the `@`.

use super::Scan;
use super::text::{at, back, before, digits_in, has, is_letter, is_word, prior, skip, sub};
use super::words::EMAIL;
use crate::report::Kind;

/// Longest local part: four times the standard's, since what is over-long is still a name.
const LOCAL_MAX: usize = 256;
const DOMAIN_MAX: usize = 253;

/// Last labels that make a name after `@` a unit of systemd.
const UNITS: [&[u8]; 11] = [
    b"service",
    b"socket",
    b"timer",
    b"mount",
    b"automount",
    b"target",
    b"slice",
    b"scope",
    b"path",
    b"swap",
    b"device",
];
/// Last labels that are the ending of a file: `logo@2x.png`.
const FILES: [&[u8]; 22] = [
    b"png", b"jpg", b"jpeg", b"gif", b"svg", b"webp", b"ico", b"css", b"js", b"mjs", b"json",
    b"html", b"htm", b"xml", b"yaml", b"yml", b"php", b"jar", b"gz", b"log", b"txt", b"conf",
];
/// Domains of the vendors that name the algorithms of SSH.
const SSH: [&[u8]; 5] =
    [b"openssh.com", b"libssh.org", b"lysator.liu.se", b"ssh.com", b"roumenpetrov.info"];
/// How names of algorithms start.
const ALGORITHMS: [&[u8]; 14] = [
    b"aes",
    b"rijndael-",
    b"chacha20-",
    b"curve25519-",
    b"ecdsa-",
    b"ecdh-",
    b"ssh-",
    b"rsa-sha",
    b"hmac-",
    b"umac-",
    b"sntrup",
    b"diffie-hellman-",
    b"sk-",
    b"zlib",
];
/// Top levels that `_at_` is trusted with.
const COMMON: [&[u8]; 12] =
    [b"org", b"com", b"net", b"fr", b"eu", b"de", b"be", b"ch", b"it", b"es", b"info", b"edu"];
/// Services of Kerberos: `HTTP/web.example.org@EXAMPLE.ORG` names a machine.
const PRINCIPALS: [&[u8]; 7] = [b"host", b"http", b"ldap", b"nfs", b"cifs", b"krbtgt", b"postgres"];

/// At `@`.
pub(crate) fn at_sign(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    // `jean [@] example.org`, `jean @ example.org`.
    let bracket = matches!((before(text, p), at(text, p + 1)), (b'(', b')') | (b'[', b']'));
    let spaced = before(text, p) == b' ' && at(text, p + 1) == b' ';
    let pad = usize::from(bracket || spaced);
    let left = back(text, p - pad, usize::from(bracket), |b| b == b' ');
    let right = skip(text, p + 1 + pad, usize::from(bracket), |b| b == b' ');
    let Some(start) = local(text, left) else { return };
    let Some(end) = domain(text, right) else {
        return if pad == 0 {
            bare_host(scan, start, p)
        };
    };
    let named = sub(text, start, left).contains(&b'.') && is_word(at(text, right));
    if spaced && !named && scan.context(start) & EMAIL == 0 || technical(text, start, p, end) {
        return;
    }
    scan.hit(start, end, Kind::Email);
    if before(text, start) == b'<' {
        super::person::display_name(scan, start - 1);
    }
}

/// Names of repositories, algorithms, builds, machines and escapes around an `@` at `p`.
pub(crate) fn technical(text: &[u8], start: usize, p: usize, end: usize) -> bool {
    let (name, host) = (sub(text, start, p), sub(text, p + 1, end));
    let algorithm =
        ALGORITHMS.iter().any(|a| name.starts_with(a)) && (name.contains(&b'-') || name == b"zlib");
    // `user@host` in a URL is looked at by its credentials.
    name == b"git" && matches!(at(text, end), b':' | b'/')
        || algorithm
        || SSH.contains(&host)
            && name.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
        || before(text, start) == b'\\' && matches!(name, b"t" | b"n" | b"r")
        || before(text, start) == b'/' && {
            let service = back(text, start - 1, 10, |b| b.is_ascii_alphabetic());
            let service = sub(text, service, start - 1);
            PRINCIPALS.iter().any(|s| service.eq_ignore_ascii_case(s))
                && host.iter().all(|b| !b.is_ascii_lowercase())
        }
        || has(text, end, b", date=") && is_build(text, start)
}

/// Whether `user=…` at `start` is the maker of a program: `(go=go1.21.1, platform=…, user=…`.
fn is_build(text: &[u8], start: usize) -> bool {
    has(text, start.saturating_sub(5), b"user=")
        && sub(text, start.saturating_sub(96), start).windows(5).any(|w| w == b"go=go")
}

/// The local part that ends before `@`: dot-atom, quoted string, either with a comment after it.
fn local(text: &[u8], p: usize) -> Option<usize> {
    if before(text, p) == b'"' {
        let open = back(text, p - 1, LOCAL_MAX, |b| b != b'"' && b >= b' ');
        let escaped = before(text, open) == b'"' && prior(text, open, 2) == b'\\';
        let open = if escaped && open > 2 {
            back(text, open - 2, LOCAL_MAX, |b| b != b'"' && b >= b' ')
        } else {
            open
        };
        return (open > 0
            && before(text, open) == b'"'
            && open < p - 1
            && !is_word(prior(text, open, 2)))
        .then(|| open - 1);
    }
    if before(text, p) == b')' {
        let open = back(text, p - 1, LOCAL_MAX, |b| b > b' ' && b != b'(' && b != b')');
        let start = if open < p - 1 && before(text, open) == b'(' { open - 1 } else { p };
        return if start < p && is_word(before(text, start)) { local(text, start) } else { None };
    }
    let atom = |b: u8| is_word(b) || b".!#$%&'*+-/=?^_`{|}~".contains(&b);
    let start = back(text, p, LOCAL_MAX, atom);
    // What lies left of a delimiter is a key, a path or a quote, not a name.
    let cut = sub(text, start, p).iter().rposition(|b| b"=/?&{}|`!*#$^".contains(b));
    let mut start = cut.map_or(start, |i| start + i + 1);
    while start < p && !is_word(at(text, start)) && at(text, start) != b'_' {
        start += 1;
    }
    // `'name@…'`: an apostrophe with a letter on its left is part of a name.
    (start < p && before(text, p) != b'.').then_some(start)
}

/// The end of the domain that starts at `from`: labels with an alphabetic top level, or a literal.
fn domain(text: &[u8], from: usize) -> Option<usize> {
    if at(text, from) == b'[' {
        let end = skip(text, from + 1, 48, |b| b.is_ascii_hexdigit() || b":.IPv".contains(&b));
        let bytes = sub(text, from + 1, end);
        let separated = bytes.iter().any(|b| matches!(b, b'.' | b':'));
        return (at(text, end) == b']' && digits_in(bytes) >= 2 && separated).then_some(end + 1);
    }
    let end = skip(text, from, DOMAIN_MAX, |b| is_word(b) || matches!(b, b'-' | b'.'));
    let (mut best, mut start, mut numbers) = (None, from, 0);
    for (k, label) in sub(text, from, end).split(|&b| b == b'.').enumerate() {
        let ok = !label.is_empty() && label.first() != Some(&b'-') && label.len() <= 63;
        // `name@1.2.3-rc.a`, `name@v1.2.x`
        let number = usize::from(k == 0 && label.first() == Some(&b'v'));
        numbers += usize::from(label.get(number).is_some_and(u8::is_ascii_digit));
        if !ok || numbers == 2 && k == 1 {
            break;
        }
        // `jean@example.org-1`: a suffix that is no part of the domain.
        let head = label.split(|&b| b == b'-').next().unwrap_or_default();
        if k > 0 && has(label, 0, b"xn--") {
            best = Some(start + label.len());
        } else if k > 0 && is_top(head) {
            best = Some(start + head.len());
        }
        start += label.len() + 1;
    }
    best
}

/// Whether a label can be a top level: letters, in one case or with one capital, and not the
/// ending of a file or unit.
fn is_top(label: &[u8]) -> bool {
    let mixed = label.windows(2).any(|w| match w {
        [a, b] => a.is_ascii_lowercase() && b.is_ascii_uppercase(),
        _ => false,
    });
    label.len() >= 2
        && label.iter().all(|&b| is_letter(b))
        && !mixed
        && !UNITS.iter().chain(&FILES).any(|w| label.eq_ignore_ascii_case(w))
}

/// `name@host`: an address only where the key or the sentence says e-mail.
fn bare_host(scan: &mut Scan<'_>, start: usize, p: usize) {
    let end = skip(scan.text, p + 1, 63, |b| is_word(b) || b == b'-');
    if end > p + 1 && at(scan.text, p + 1).is_ascii_alphabetic() && scan.context(start) & EMAIL != 0
    {
        scan.hit(start, end, Kind::Email);
    }
}

/// At the start of the word `at` or `arobase`: ` AT `, `(at)`, `[at]`, ` arobase `.
pub(crate) fn at_word(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    let len = match at(text, p) {
        b'a' | b'A' if has(text, p, b"arobase") => 7,
        b'a' | b'A' if has(text, p, b"at") => 2,
        _ => return,
    };
    let end = p + len;
    if is_word(at(text, end)) {
        return;
    }
    let open = matches!(before(text, p), b'(' | b'[' | b'{' | b'<');
    let (mut left, mut right) = (p, end);
    if open {
        left -= 1;
        right += 1;
    }
    left = back(text, left, 2, |b| matches!(b, b' ' | b'+' | b'_'));
    right = skip(text, right, 2, |b| matches!(b, b' ' | b'+' | b'_'));
    if left == p || right == end {
        return;
    }
    let Some(start) = local(text, left) else { return };
    let (host, dotted) = spelt_domain(text, right);
    let Some(host) = host else { return };
    let start = spelt_local(text, start);
    let shouted = sub(text, p, end) == b"AT" || len == 7;
    // `jean_at_example.org`, but not `failed_at_main.go`.
    let joined = before(text, p) == b'_' && at(text, end) == b'_' && {
        let top = back(text, host, 8, is_letter);
        COMMON.iter().any(|t| sub(text, top, host).eq_ignore_ascii_case(t))
    };
    if open || dotted || shouted || joined || scan.context(start) & EMAIL != 0 {
        scan.hit(start, host, Kind::Email);
    }
}

/// Where a local part with ` dot ` or ` point ` between its words starts.
fn spelt_local(text: &[u8], start: usize) -> usize {
    let mut start = start;
    for _ in 0..3 {
        let end = back(text, start, 2, |b| matches!(b, b' ' | b')' | b']'));
        let word = back(text, end, 6, is_letter);
        let dot = matches!(sub(text, word, end), b"dot" | b"DOT" | b"point");
        let left = back(text, word, 2, |b| matches!(b, b' ' | b'(' | b'['));
        let name = back(text, left, 32, |b| is_word(b) || b"._-".contains(&b));
        if !dot || end == start || left == word || name == left {
            break;
        }
        start = name;
    }
    start
}

/// A domain with dots, or with ` dot `, `[dot]`, ` point ` between its labels.
fn spelt_domain(text: &[u8], from: usize) -> (Option<usize>, bool) {
    let mut end = domain(text, from);
    let mut dotted = false;
    let mut i = end.unwrap_or_else(|| skip(text, from, 63, |b| is_word(b) || b == b'-'));
    for _ in 0..3 {
        let dot = skip(text, i, 2, |b| matches!(b, b' ' | b'(' | b'[' | b'{' | b'+'));
        let len =
            [&b"dot"[..], b"point"].into_iter().find(|w| has(text, dot, w)).map_or(0, <[u8]>::len);
        let next = skip(text, dot + len, 2, |b| matches!(b, b' ' | b')' | b']' | b'}' | b'+'));
        let stop = skip(text, next, 63, |b| is_word(b) || b == b'-');
        // `at this point in time`: a dot in words alone needs a common top level somewhere.
        let bracketed = matches!(before(text, dot), b'(' | b'[' | b'{');
        // Not those that are words: `it`, `be`, `de`.
        const TOPS: [&[u8]; 7] = [b"org", b"com", b"net", b"fr", b"eu", b"edu", b"ch"];
        let top = TOPS.iter().any(|t| sub(text, next, stop).eq_ignore_ascii_case(t));
        let more = skip(text, stop, 2, |b| b == b' ');
        let again = has(text, more, b"dot") || has(text, more, b"point");
        if !bracketed && !top && !again {
            break;
        }
        if len == 0 || dot == i || next == dot + len || stop < next + 2 || i == from {
            break;
        }
        (end, dotted, i) = (Some(stop), true, stop);
    }
    (end, dotted)
}

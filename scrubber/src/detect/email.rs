//! E-mail addresses, outwards from `@`, and the ways people write them to hide the `@`.

use super::Scan;
use super::text::{at, back, before, digits_in, has, is_letter, is_word, prior, skip, sub};
use super::words::EMAIL;
use crate::report::Kind;

const LOCAL_MAX: usize = 64;
const DOMAIN_MAX: usize = 253;

/// At `@`.
pub(crate) fn at_sign(scan: &mut Scan<'_>, p: usize) {
    let Some(start) = local(scan.text, p) else { return };
    let Some(end) = domain(scan.text, p + 1) else {
        return bare_host(scan, start, p);
    };
    // `git@host:path` names a repository, `user@host` in a URL is looked at by its credentials.
    if sub(scan.text, start, p) == b"git" && matches!(at(scan.text, end), b':' | b'/') {
        return;
    }
    scan.hit(start, end, Kind::Email);
}

/// The local part that ends before `@`: dot-atom or quoted string.
fn local(text: &[u8], p: usize) -> Option<usize> {
    if before(text, p) == b'"' {
        let open = back(text, p - 1, LOCAL_MAX, |b| b != b'"' && b >= b' ');
        return (open > 0
            && before(text, open) == b'"'
            && open < p - 1
            && !is_word(prior(text, open, 2)))
        .then(|| open - 1);
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
        return (at(text, end) == b']' && digits_in(bytes) >= 2 && bytes.len() >= 3)
            .then_some(end + 1);
    }
    let end = skip(text, from, DOMAIN_MAX, |b| is_word(b) || matches!(b, b'-' | b'.'));
    let mut best = None;
    let mut start = from;
    for (k, label) in sub(text, from, end).split(|&b| b == b'.').enumerate() {
        let ok = !label.is_empty() && label.first() != Some(&b'-') && label.len() <= 63;
        if !ok {
            break;
        }
        let stop = start + label.len();
        let top = label.len() >= 2 && label.iter().all(|&b| is_letter(b));
        if k > 0 && (top || has(label, 0, b"xn--")) {
            best = Some(stop);
        }
        start = stop + 1;
    }
    best
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
    let shouted = sub(text, p, end) == b"AT" || len == 7;
    if open || dotted || shouted || scan.context(start) & EMAIL != 0 {
        scan.hit(start, host, Kind::Email);
    }
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
        if len == 0 || dot == i || next == dot + len || stop < next + 2 || i == from {
            break;
        }
        (end, dotted, i) = (Some(stop), true, stop);
    }
    (end, dotted)
}

//! IPv4, IPv6 and hardware addresses. Versions, times, fingerprints and paths look like them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Scan;
use super::run::Run;
use super::text::{at, back, before, has, hex, is_word, prior, skip, sub};
use super::words::{VALUE, VERSION};
use crate::report::Kind;

/// Longest text of an IPv6 address with a port in eight full groups.
const V6_MAX: usize = 48;
/// The zone of names for IPv4 addresses.
/// Bytes of 32 nibbles, each with its dot.
const NIBBLES: usize = 64;
const ARPA: &[u8] = b".in-addr.arpa";

/// At a number's first digit: four octets.
pub(crate) fn at_number(scan: &mut Scan<'_>, p: usize, _: &Run) {
    let text = scan.text;
    let Some((octets, end, sep)) = four(text, p) else { return };
    if has(text, end, ARPA) && !is_word(before(text, p)) {
        let [a, b, c, d] = octets.octets();
        if !keeps(scan, Ipv4Addr::new(d, c, b, a).into()) {
            scan.hit(p, end + ARPA.len(), Kind::Ip);
        }
        return;
    }
    let prev = before(text, p);
    let host = sep == b'-';
    if host {
        let label = is_word(at(text, end)) || !matches!(at(text, end), b'.' | b'-');
        let named = prev == b'-' && is_word(prior(text, p, 2)) || !is_word(prev) && prev != b'-';
        let dotted = at(text, end) == b'.' && at(text, end + 1).is_ascii_alphabetic();
        if label || !named || !dotted && !has(text, p.saturating_sub(3), b"ip-") {
            return;
        }
    } else {
        let (a, b) = (at(text, end), at(text, end + 1));
        let more = a == b'.' && b.is_ascii_digit() || a == b'-' && b.is_ascii_alphabetic();
        if is_word(prev) || matches!(prev, b'.' | b'-') || is_word(at(text, end)) || more {
            return;
        }
        if is_version(scan, p, end) {
            return;
        }
    }
    if !keeps(scan, octets.into()) {
        scan.hit(p, end, Kind::Ip);
    }
}

/// At `arpa`: the name under which an address is looked up, `1.0.….8.b.d.0.1.0.0.2.ip6.arpa`.
fn reverse_v6(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    let Some(start) = p.checked_sub(NIBBLES + 4).filter(|_| has(text, p - 4, b"ip6.")) else {
        return;
    };
    let mut groups = [0u16; 8];
    for (count, nibble) in sub(text, start, p - 4).chunks(2).enumerate() {
        let (Some(value), Some(b'.')) = (nibble.first().copied().and_then(hex), nibble.get(1))
        else {
            return;
        };
        if let Some(g) = groups.get_mut(7 - count / 4) {
            *g |= u16::from(value) << (count % 4 * 4);
        }
    }
    if !is_word(before(text, start)) && !keeps(scan, Ipv6Addr::from(groups).into()) {
        scan.hit(start, p + 4, Kind::Ip);
    }
}

/// The address that a value is, written as one number or with octal or hexadecimal parts, as the C
/// library reads it; `None` for four decimal octets, which need no key, and for what is too short.
pub(crate) fn written(text: &[u8]) -> Option<IpAddr> {
    let (mut value, mut count, mut odd) = (0u64, 0, false);
    for part in text.split(|&b| b == b'.') {
        let (digits, radix) = match part {
            [b'0', b'x' | b'X', rest @ ..] => (rest, 16),
            [b'0', rest @ ..] if !rest.is_empty() => (rest, 8),
            _ => (part, 10),
        };
        odd |= radix != 10;
        count += 1;
        let n = u64::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()?;
        let last = count == text.split(|&b| b == b'.').count();
        value = match (last, count) {
            (true, 1..=4) => value << (8 * (5 - count)) | n,
            (false, 1..=3) if n < 256 => value << 8 | n,
            _ => return None,
        };
    }
    let whole = count == 1 && (text.len() >= 8 || odd && text.len() == 10);
    let fits = u32::try_from(value).ok().filter(|v| *v >= 1 << 24);
    fits.filter(|_| whole || count > 1 && odd).map(|v| Ipv4Addr::from(v).into())
}

/// Whether an address is left: a local one, or one that is no host's: `0.…`, a group's, a mask.
pub(crate) fn keeps(scan: &Scan<'_>, ip: IpAddr) -> bool {
    let nobody = match ip.to_canonical() {
        IpAddr::V4(v) => matches!(v.octets(), [0 | 224..=255, ..]),
        IpAddr::V6(v) => v.is_multicast(),
    };
    nobody && scan.tables.keep_private_ip || scan.keeps_ip(ip)
}

/// Four decimal octets with one separator, `.` or `-`.
fn four(text: &[u8], p: usize) -> Option<(Ipv4Addr, usize, u8)> {
    let (mut i, mut sep, mut octets) = (p, 0, [0u8; 4]);
    for (k, o) in octets.iter_mut().enumerate() {
        if k > 0 {
            let b = at(text, i);
            if !matches!(b, b'.' | b'-') || sep != 0 && b != sep {
                return None;
            }
            sep = b;
            i += 1;
        }
        let end = skip(text, i, 4, |b| b.is_ascii_digit());
        let digits = sub(text, i, end);
        if digits.is_empty() || digits.len() > 3 {
            return None;
        }
        *o = digits.iter().try_fold(0u8, |n, d| n.checked_mul(10)?.checked_add(d - b'0'))?;
        i = end;
    }
    Some((octets.into(), i, sep))
}

/// `v1.2.3.4`, `version=1.2.3.4`, `Chrome/126.0.0.0`, `name@1.2.3.4`, `name-1.2.3.4`.
fn is_version(scan: &mut Scan<'_>, p: usize, end: usize) -> bool {
    let text = scan.text;
    let prev = before(text, p);
    if prev == b'/' {
        let product = back(text, p - 1, 24, |b| b.is_ascii_alphabetic() || b == b'_');
        let head = before(text, product);
        // `UP.Browser/6.2.3.3`
        let dotted = head == b'.' && at(text, product).is_ascii_uppercase();
        let path = matches!(head, b'/' | b'.') && !dotted;
        return product < p - 1 && !path && !head.is_ascii_digit();
    }
    if prev == b'@' {
        let name = prior(text, p, 2);
        return name.is_ascii_alphabetic() && at(text, end) != b':';
    }
    // The word or key just before, not a segment of a path (`/v1 192.0.2.1`).
    let gap = back(text, p, 6, |b| b" =:\"'([\\".contains(&b));
    let start = back(text, gap, 32, |b| is_word(b) || matches!(b, b'_' | b'-' | b'.'));
    let word = sub(text, start, gap);
    let tags = scan.tables.words.of_key(word);
    // `v1.2.3.4` is a version, `v=192.0.2.1` a value.
    let value = tags & VALUE != 0 && gap < p;
    before(text, start) != b'/' && tags & VERSION != 0 && !value
}

/// At a colon: the address around it, handled once, at its first colon.
pub(crate) fn at_colon(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    let (left, right) = (before(text, p), at(text, p + 1));
    let hexish = |b: u8| b.is_ascii_hexdigit();
    if right != b':' && !(hexish(left) && hexish(right)) {
        return;
    }
    let start = back(text, p, 4, hexish);
    let prev = before(text, start);
    // `Address:2001:db8::1`: a colon after a word that is no group of an address.
    let label = back(text, start.saturating_sub(1), 24, is_word);
    let named = sub(text, label, start.saturating_sub(1))
        .iter()
        .any(|&b| b.is_ascii_alphabetic() && !hexish(b));
    if is_word(prev) || prev == b':' && !named || prev == b'.' && is_word(prior(text, start, 2)) {
        return;
    }
    let end = skip(text, start, V6_MAX, |b| b.is_ascii_hexdigit() || b == b':' || b == b'.');
    let end = back(text, end, 1, |b| b == b'.');
    if mac(scan, start, end, b':', 2) {
        return;
    }
    if let Some((addr, len)) = longest(sub(text, start, end))
        && is_address(sub(text, start, start + len), addr)
        && !is_word(at(text, start + len))
    {
        let zone = match (at(text, start + len), at(text, start + len + 1)) {
            (b'%', b) if b.is_ascii_alphabetic() => skip(text, start + len + 1, 16, is_word),
            (b'%', b'2') => skip(text, start + len + 1, 18, is_word),
            _ => start + len,
        };
        if !keeps(scan, addr.into()) {
            scan.hit(start, zone, Kind::Ip);
        }
    }
}

/// The longest prefix that is an address: all of it, or without a port or a final colon.
fn longest(text: &[u8]) -> Option<(Ipv6Addr, usize)> {
    let mut len = text.len();
    for _ in 0..3 {
        let s = std::str::from_utf8(sub(text, 0, len)).ok()?;
        if let Ok(addr) = s.parse::<Ipv6Addr>() {
            return Some((addr, len));
        }
        len = sub(text, 0, len).iter().rposition(|&b| b == b':')?;
    }
    None
}

/// `a::b` is a path in some languages: an address has three groups, or a prefix in use.
fn is_address(text: &[u8], addr: Ipv6Addr) -> bool {
    let groups = text.split(|&b| b == b':').filter(|g| !g.is_empty()).count();
    let head = addr.segments()[0]; // Proof: segments() is an array of eight
    let used = (0x2000..0x4000).contains(&head) || head >= 0xfc00;
    let mapped = addr.to_ipv4_mapped().is_some() && text.contains(&b'.');
    // Eight pairs and more are a part of a fingerprint.
    let pairs = text.split(|&b| b == b':').all(|g| g.len() == 2);
    mapped || !pairs && text.iter().any(u8::is_ascii_digit) && (groups >= 3 || used && groups >= 2)
}

/// Six pairs (or eight) with one separator; longer chains are fingerprints.
fn mac(scan: &mut Scan<'_>, start: usize, end: usize, sep: u8, width: usize) -> bool {
    let text = sub(scan.text, start, end);
    let groups = text.split(|&b| b == sep);
    let pairs = groups.clone().all(|g| g.len() == width && g.iter().all(u8::is_ascii_hexdigit));
    let n = groups.count();
    let known = matches!((width, n), (2, 6 | 8) | (4, 3));
    let null = text.iter().all(|&b| b == sep || b == b'0')
        || text.iter().all(|&b| b == sep || b | 0x20 == b'f');
    if pairs && known && !null && !is_word(at(scan.text, end)) && at(scan.text, end) != sep {
        scan.hit(start, end, Kind::Mac);
    }
    pairs && n >= 6
}

/// At the start of a word or number: hardware addresses with dashes or Cisco's dots.
pub(crate) fn at_word(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    if has(text, p, b"arpa") {
        return reverse_v6(scan, p);
    }
    if !at(text, p).is_ascii_hexdigit()
        || is_word(before(text, p))
        || matches!(before(text, p), b'-' | b':' | b'.')
    {
        return;
    }
    let (sep, width) = match (at(text, p + 2), at(text, p + 4)) {
        (b'-', _) => (b'-', 2),
        (_, b'.') => (b'.', 4),
        _ => return,
    };
    let end = skip(text, p, 24, |b| b.is_ascii_hexdigit() || b == sep);
    if width == 2 || sub(text, p, end).iter().any(u8::is_ascii_alphabetic) {
        mac(scan, p, end, sep, width);
    }
}

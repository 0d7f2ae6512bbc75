//! What stands in the text where a detection stood, written and recognised in one place.
//!
//! | form | when |
//! |---|---|
//! | `[NIR]` | redacted |
//! | `[NIR:***]` | masked: a constant, whatever was there |
//! | `[NIR:k3:9f2c4b1a77de0c11]` | pseudonym: key id, 64 bits of a keyed hash with a letter in it |
//! | `[IP:203.0.113.0/24]`, `[IP:2001:db8:1::/48]` | truncated address: no bit of the host is set |
//! | `[CUSTOM:ticket]` | redacted by a named rule of the user's policy |
//!
//! All are ASCII without quotes or backslashes, at most [`BYTES_MAX`] long, and recognised exactly,
//! so that scrubbing again leaves them, and nothing else that stands in brackets: a log that writes
//! `[PHONE:0639981234]` is not taken for scrubbed.

use std::net::{IpAddr, Ipv6Addr};

use crate::report::Kind;

/// Longest placeholder, bytes.
pub const BYTES_MAX: usize = 40;

/// Longest name of a user's rule, bytes.
pub(crate) const RULE_NAME_MAX: usize = 24;
/// Longest id of a key, bytes.
pub(crate) const KEY_ID_MAX: usize = 5;
/// Hexadecimal digits of a tag.
pub(crate) const TAG_DIGITS: usize = 16;
/// Longest network: three groups of four digits.
const NETWORK_MAX: usize = "2001:db81:1234::/48".len();
/// Longest name of a kind.
const KIND_MAX: usize = "PASSPORT".len();

const _: () = {
    let mut i = 0;
    while i < Kind::ALL.len() {
        assert!(Kind::ALL[i].name().len() <= KIND_MAX);
        i += 1;
    }
    // Brackets and colons included.
    assert!(KIND_MAX + KEY_ID_MAX + TAG_DIGITS + 4 <= BYTES_MAX);
    assert!("[CUSTOM:]".len() + RULE_NAME_MAX <= BYTES_MAX);
    assert!("[IP:]".len() + NETWORK_MAX <= BYTES_MAX);
};

/// What stands behind the kind.
pub(crate) enum Detail<'a> {
    /// Nothing.
    Plain,
    /// A constant.
    Mask,
    /// The id of a key and the tag made with it.
    Tag { key: &'a str, tag: [u8; TAG_DIGITS] },
    /// The network of an address.
    Network(IpAddr),
    /// The name of a user's rule.
    Rule(&'a str),
}

/// Appends a placeholder.
pub(crate) fn write(kind: Kind, detail: &Detail<'_>, out: &mut Vec<u8>) {
    use std::io::Write;
    out.push(b'[');
    out.extend_from_slice(kind.name().as_bytes());
    match detail {
        Detail::Plain => {}
        Detail::Mask => out.extend_from_slice(b":***"),
        Detail::Tag { key, tag } => {
            out.push(b':');
            out.extend_from_slice(key.as_bytes());
            out.push(b':');
            out.extend_from_slice(tag);
        }
        Detail::Network(ip) => {
            let (ip, bits) = network(*ip);
            // Writing to a vector cannot fail.
            let _ = write!(out, ":{ip}/{bits}");
        }
        Detail::Rule(name) => {
            out.push(b':');
            out.extend_from_slice(name.as_bytes());
        }
    }
    out.push(b']');
}

/// The length of the placeholder that `text` starts with.
pub(crate) fn len(text: &[u8]) -> Option<usize> {
    let body = text.strip_prefix(b"[")?;
    let n = body.iter().take(BYTES_MAX - 1).position(|&b| b == b']')?;
    let inner = std::str::from_utf8(body.get(..n)?).ok()?;
    let (name, detail) = match inner.split_once(':') {
        Some((name, detail)) => (name, Some(detail)),
        None => (inner, None),
    };
    let kind = Kind::from_name(name)?;
    detail.is_none_or(|d| is_detail(kind, d)).then_some(n + 2)
}

fn is_detail(kind: Kind, detail: &str) -> bool {
    let tagged = detail.split_once(':').is_some_and(|(key, tag)| is_key_id(key) && is_tag(tag));
    match kind {
        _ if detail == "***" || tagged => true,
        Kind::Ip => detail.len() <= NETWORK_MAX && is_network(detail),
        Kind::Custom => is_rule_name(detail),
        _ => false,
    }
}

/// `k3`: a `k` and one to four digits, which no value is.
pub(crate) fn is_key_id(id: &str) -> bool {
    let digits = id.strip_prefix('k').unwrap_or("");
    (1..KEY_ID_MAX).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
}

/// Sixteen digits of lower-case hexadecimal; digits alone could be the value itself.
fn is_tag(tag: &str) -> bool {
    tag.len() == TAG_DIGITS
        && tag.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        && tag.bytes().any(|b| b.is_ascii_lowercase())
}

/// What a rule of the user may be called: lower-case letters, or digits and dashes after one.
pub(crate) fn is_rule_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    name.len() <= RULE_NAME_MAX
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(plain)
}

/// Whether the text is what [`write`] makes of some address.
fn is_network(text: &str) -> bool {
    let Some((ip, bits)) = text.split_once('/') else { return false };
    let Ok(ip) = ip.parse::<IpAddr>() else { return false };
    let (same, length) = network(ip);
    same == ip && bits == if length == 24 { "24" } else { "48" }
}

/// The network of an address and its bits: /24, or /48 where no IPv4 address is inside.
fn network(ip: IpAddr) -> (IpAddr, u8) {
    match ip.to_canonical() {
        IpAddr::V4(v) => {
            let [a, b, c, _] = v.octets();
            (IpAddr::from([a, b, c, 0]), 24)
        }
        IpAddr::V6(v) => match v.segments() {
            // 6to4 carries an IPv4 address where others carry the network.
            [0x2002, high, low, ..] => {
                let [a, b] = high.to_be_bytes();
                let [c, _] = low.to_be_bytes();
                (IpAddr::from([a, b, c, 0]), 24)
            }
            [a, b, c, ..] => (Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).into(), 48),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(kind: Kind, detail: &Detail<'_>) -> String {
        let mut out = Vec::new();
        write(kind, detail, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_is_written_is_recognised_and_short() {
        let tag = *b"9f2c4b1a77de0c11";
        let long = "a".repeat(RULE_NAME_MAX);
        let address = |s: &str| Detail::Network(s.parse().unwrap());
        for kind in Kind::ALL {
            let mut details = vec![Detail::Plain, Detail::Mask, Detail::Tag { key: "k9999", tag }];
            match kind {
                Kind::Custom => details.push(Detail::Rule(&long)),
                Kind::Ip => details.extend([
                    address("203.0.113.77"),
                    address("::ffff:203.0.113.77"),
                    address("2001:db8:1234:5678::1"),
                    address("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
                    address("::1"),
                    address("2002:c000:024d::1"),
                    address("0:0:0:1::"),
                ]),
                _ => {}
            }
            for detail in details {
                let text = written(kind, &detail);
                assert!(text.len() <= BYTES_MAX, "{text}");
                assert_eq!(len(format!("{text}x").as_bytes()), Some(text.len()), "{text}");
            }
        }
        let networks = [
            ("203.0.113.77", "[IP:203.0.113.0/24]"),
            ("::ffff:203.0.113.77", "[IP:203.0.113.0/24]"),
            ("2002:cb00:714d::1", "[IP:203.0.113.0/24]"),
            ("2001:db8:1234:5678::1", "[IP:2001:db8:1234::/48]"),
        ];
        for (ip, want) in networks {
            assert_eq!(written(Kind::Ip, &address(ip)), want);
        }
    }

    #[test]
    fn values_in_brackets_are_no_placeholders() {
        for text in [
            "[PHONE:0639981234]",
            "[NIR:1850578006084]",
            "[EMAIL:jean]",
            "[ID:123456789]",
            "[CUSTOM:0639981234]",
            "[CUSTOM:]",
            "[CUSTOM:Dupont]",
            "[CARD:k3:4970100000000014]",
            "[CARD:0639981234:9f2c4b1a77de0c11]",
            "[CARD:k12345:9f2c4b1a77de0c11]",
            "[NIR:k3:9f2c4b1a77de0c11:x]",
            "[IP:203.0.113.77/24]",
            "[IP:203.0.113.77]",
            "[IP:203.0.113.0/25]",
            "[IP:2001:db8:1234:5678::/48]",
            "[IP:2002:cb00:714d::/48]",
            "[NOM]",
            "[EMAIL",
            "EMAIL]",
            "[]",
        ] {
            assert_eq!(len(text.as_bytes()), None, "{text}");
        }
    }
}

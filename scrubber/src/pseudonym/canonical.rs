//! The canonical form of a value, by kind, so that all spellings of one value have one pseudonym.

use std::net::{IpAddr, Ipv4Addr};

use super::CANONICAL_MAX;
use crate::report::Kind;

/// Writes the canonical form of a value: what all its spellings have in common. Returns its length.
pub(super) fn write(kind: Kind, value: &[u8], out: &mut [u8; CANONICAL_MAX]) -> usize {
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
            // `06…`, or the nine digits that a JSON number keeps of it.
            let french = !plus && (zeros == 1 || zeros == 0 && digits().count() == 9);
            let lead: &[u8] = if french { b"33" } else { b"" };
            lead.iter().for_each(|&b| push(b));
            let rest = digits().skip(if plus { 0 } else { zeros.min(2) });
            // The trunk zero of `+33 (0)6`.
            let trunk = plus && value.windows(3).any(|w| w == b"(0)");
            rest.enumerate()
                .filter(|&(i, b)| !(trunk && i == 2 && b == b'0'))
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
        Kind::Ip => match address(value).map(|ip| ip.to_canonical()) {
            Some(IpAddr::V4(v)) => v.octets().into_iter().for_each(push),
            Some(IpAddr::V6(v)) => v.octets().into_iter().for_each(push),
            None => value.iter().for_each(|b| push(b.to_ascii_lowercase())),
        },
        Kind::Secret | Kind::Custom => value.iter().for_each(|&b| push(b)),
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

/// The address that a detector found, in any notation that detectors find: in brackets, with a
/// zone, with dashes, as one number, in octal or hexadecimal octets.
pub(crate) fn address(value: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(value).ok()?.trim_matches(['[', ']']);
    let text = text.split('%').next()?;
    text.parse().ok().or_else(|| legacy(text).map(IpAddr::V4))
}

/// What `inet_aton` reads in four parts or one.
fn legacy(text: &str) -> Option<Ipv4Addr> {
    let number = |s: &str| match s.strip_prefix("0x").or_else(|| s.strip_prefix("0X")) {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None if s.len() > 1 && s.starts_with('0') => u32::from_str_radix(s, 8).ok(),
        None => s.parse().ok(),
    };
    let mut parts = text.split(['.', '-']);
    let first = number(parts.next()?)?;
    let mut octets = [u8::try_from(first).unwrap_or(0), 0, 0, 0];
    let mut n = 1;
    for part in parts {
        *octets.get_mut(n)? = u8::try_from(number(part)?).ok()?;
        n += 1;
    }
    match n {
        1 => Some(first.into()),
        4 if first < 256 => Some(octets.into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn notations_of_an_address() {
        let rows = [
            ("192.0.2.77", "192.0.2.77"),
            ("192-0-2-77", "192.0.2.77"),
            ("::ffff:192.0.2.77", "::ffff:192.0.2.77"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("fe80::1%eth0", "fe80::1"),
            ("2001:db8::1%25eth0", "2001:db8::1"),
            ("3221226061", "192.0.2.77"),
            ("0xc000024d", "192.0.2.77"),
            ("0xc0.0x00.0x02.0x4d", "192.0.2.77"),
            ("0300.0000.0002.0115", "192.0.2.77"),
        ];
        for (text, want) in rows {
            assert_eq!(address(text.as_bytes()).map(|a| a.to_string()).as_deref(), Some(want));
        }
        for text in
            ["", "192.0.2", "192.0.2.256", "1.2.3.4.5", "a.b.c.d", "4294967296", "300-1-1-1"]
        {
            assert_eq!(address(text.as_bytes()), None, "{text}");
        }
    }
}

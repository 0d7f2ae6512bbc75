//! Reads a line as somebody would who wants the value: decodes everything that can be decoded, in
//! any order, and looks for the value without separators and case.
//!
//! Written apart from the scrubber's own decoding, and less careful: it may misread, never miss.

use std::collections::HashSet;

use super::canary::Canary;

/// Decodings applied one after the other.
const DEPTH_MAX: usize = 7;
/// Texts looked at.
const VIEWS_MAX: usize = 200;
/// Part of an identifier that still identifies, in percent.
const PART: usize = 70;

/// Whether the value, or enough of it, can be read in `line`.
pub(crate) fn reads(canary: &Canary, line: &[u8]) -> bool {
    let needles = needles(canary);
    let holds = |view: &Vec<u8>| {
        let compact = compact(view);
        needles.iter().any(|n| contains(&compact, n))
    };
    let mut seen: HashSet<Vec<u8>> = HashSet::from([line.to_vec()]);
    let mut frontier = vec![line.to_vec()];
    for _ in 0..DEPTH_MAX {
        if frontier.iter().any(holds) {
            return true;
        }
        let mut next = Vec::new();
        for view in &frontier {
            for decode in DECODERS {
                let decoded = decode(view);
                if decoded != *view && seen.len() < VIEWS_MAX && seen.insert(decoded.clone()) {
                    next.push(decoded);
                }
            }
        }
        frontier = next;
    }
    frontier.iter().any(holds)
}

/// The value, and the parts that identify as well.
fn needles(canary: &Canary) -> Vec<Vec<u8>> {
    let whole = compact(canary.needle.as_bytes());
    // A JSON number has no leading zero, a foreign form no trunk prefix.
    let whole = whole.strip_prefix(b"0").map_or(whole.clone(), <[u8]>::to_vec);
    if !canary.partial {
        return vec![whole];
    }
    let n = (whole.len() * PART).div_ceil(100).max(7).min(whole.len());
    vec![whole[..n].to_vec(), whole[whole.len() - n..].to_vec()]
}

fn contains(text: &[u8], needle: &[u8]) -> bool {
    text.windows(needle.len()).any(|w| w == needle)
}

/// Letters and digits only, in lower case.
fn compact(text: &[u8]) -> Vec<u8> {
    text.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase).collect()
}

type Decoder = fn(&[u8]) -> Vec<u8>;

const DECODERS: &[Decoder] = &[
    fold,
    percent,
    backslashes,
    entities,
    quoted_printable,
    base64,
    hexadecimal,
    terminal,
    utf7,
    byte_lists,
    |v| utf16(v, 0, false),
    |v| utf16(v, 1, false),
    |v| utf16(v, 1, true),
    nuls,
    tags,
    numbers,
];

fn at(v: &[u8], i: usize) -> u8 {
    v.get(i).copied().unwrap_or(0)
}

fn hex(b: u8) -> Option<u8> {
    (b as char).to_digit(16).and_then(|d| u8::try_from(d).ok())
}

fn pair(v: &[u8], i: usize) -> Option<u8> {
    Some(hex(at(v, i))? << 4 | hex(at(v, i + 1))?)
}

fn code_point(c: u32, out: &mut Vec<u8>) {
    let c = char::from_u32(c).unwrap_or('?');
    out.extend_from_slice(c.to_string().as_bytes());
}

/// Replaces what `decode` recognises at a position: it gives the bytes and how many it read.
fn rewrite(v: &[u8], decode: impl Fn(usize) -> Option<(Vec<u8>, usize)>) -> Vec<u8> {
    let (mut out, mut i) = (Vec::with_capacity(v.len()), 0);
    while i < v.len() {
        match decode(i) {
            Some((bytes, n)) if n > 0 => {
                out.extend(bytes);
                i += n;
            }
            _ => {
                out.push(v[i]);
                i += 1;
            }
        }
    }
    out
}

fn percent(v: &[u8]) -> Vec<u8> {
    rewrite(v, |i| {
        if v[i] != b'%' {
            return None;
        }
        pair(v, i + 1).map(|b| (vec![b], 3))
    })
}

fn backslashes(v: &[u8]) -> Vec<u8> {
    let number = |i: usize, n: usize| {
        std::str::from_utf8(v.get(i..i + n)?).ok().and_then(|s| u32::from_str_radix(s, 16).ok())
    };
    rewrite(v, |i| {
        if v[i] != b'\\' {
            return None;
        }
        let mut out = Vec::new();
        let n = match at(v, i + 1) {
            b'u' if at(v, i + 2) == b'{' => {
                let n = v[i + 3..].iter().take(8).take_while(|b| b.is_ascii_hexdigit()).count();
                code_point(number(i + 3, n)?, &mut out);
                n + 4
            }
            b'u' => match (number(i + 2, 4)?, number(i + 8, 4)) {
                (hi @ 0xD800..=0xDBFF, Some(lo @ 0xDC00..=0xDFFF)) => {
                    code_point(0x10000 + ((hi - 0xD800) << 10) + (lo - 0xDC00), &mut out);
                    12
                }
                (c, _) => {
                    code_point(c, &mut out);
                    6
                }
            },
            b'x' => {
                out.push(pair(v, i + 2)?);
                4
            }
            a @ b'0'..=b'3' if matches!(at(v, i + 2), b'0'..=b'7') => {
                let digit = |j: usize| at(v, j).wrapping_sub(b'0') & 7;
                out.push((a - b'0') << 6 | digit(i + 2) << 3 | digit(i + 3));
                4
            }
            b @ (b'n' | b'r' | b't') => {
                out.push(if b == b't' { b'\t' } else { b'\n' });
                2
            }
            b'b' => {
                out.push(8);
                2
            }
            b'e' => {
                out.push(0x1B);
                2
            }
            0 => return None,
            b => {
                out.push(b);
                2
            }
        };
        Some((out, n))
    })
}

const NAMED: &[(&str, char)] = &[
    ("commat", '@'),
    ("period", '.'),
    ("plus", '+'),
    ("hyphen", '-'),
    ("colon", ':'),
    ("sol", '/'),
    ("equals", '='),
    ("lowbar", '_'),
    ("excl", '!'),
    ("ast", '*'),
    ("nbsp", '\u{a0}'),
    ("shy", '\u{ad}'),
    ("thinsp", '\u{2009}'),
    ("zwj", '\u{200d}'),
    ("percnt", '%'),
    ("amp", '&'),
    ("bsol", '\\'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
];

fn entities(v: &[u8]) -> Vec<u8> {
    rewrite(v, |i| {
        if v[i] != b'&' {
            return None;
        }
        let mut out = Vec::new();
        if at(v, i + 1) == b'#' {
            let radix = if at(v, i + 2) == b'x' { 16 } else { 10 };
            let from = i + 2 + usize::from(radix == 16);
            let ok = |b: &&u8| (**b as char).is_digit(radix);
            let n = v.get(from..)?.iter().take(9).take_while(ok).count();
            let digits = std::str::from_utf8(&v[from..from + n]).ok()?;
            code_point(u32::from_str_radix(digits, radix).ok()?, &mut out);
            let end = from + n + usize::from(at(v, from + n) == b';');
            return Some((out, end - i));
        }
        let (name, c) = NAMED.iter().find(|(name, _)| {
            v[i + 1..].starts_with(name.as_bytes()) && at(v, i + 1 + name.len()) == b';'
        })?;
        code_point(u32::from(*c), &mut out);
        Some((out, name.len() + 2))
    })
}

fn quoted_printable(v: &[u8]) -> Vec<u8> {
    rewrite(v, |i| match (v[i], at(v, i + 1), at(v, i + 2)) {
        (b'=', b'\r', b'\n') => Some((vec![], 3)),
        (b'=', b'\n', _) => Some((vec![], 2)),
        (b'=', ..) => pair(v, i + 1).map(|b| (vec![b], 3)),
        _ => None,
    })
}

/// Runs of the alphabet, from each of their first four characters.
fn base64(v: &[u8]) -> Vec<u8> {
    let mut out = v.to_vec();
    for run in v.split(|b| !(b.is_ascii_alphanumeric() || b"+/-_".contains(b))) {
        let parts = run.split(|b| b"/-_".contains(b)).filter(|p| p.len() != run.len());
        for part in parts.chain([run]).filter(|p| p.len() >= 8) {
            for skipped in 0..4 {
                out.push(b'\n');
                out.extend(sextets(&part[skipped..]));
            }
        }
    }
    out
}

fn sextets(run: &[u8]) -> Vec<u8> {
    let value = |b: u8| match b {
        b'A'..=b'Z' => b - b'A',
        b'a'..=b'z' => b - b'a' + 26,
        b'0'..=b'9' => b - b'0' + 52,
        b'+' | b'-' => 62,
        _ => 63,
    };
    let decode = |q: &[u8]| {
        let n = q.iter().fold(0, |n, &b| n << 6 | u32::from(value(b))) << (6 * (4 - q.len()));
        n.to_be_bytes()[1..q.len()].to_vec()
    };
    run.chunks(4).filter(|q| q.len() > 1).flat_map(decode).collect()
}

/// Pairs of hexadecimal digits, together or with one separator between.
fn hexadecimal(v: &[u8]) -> Vec<u8> {
    let mut out = v.to_vec();
    for i in 0..v.len() {
        // From the start of a run of digits and from its second one.
        let inside = i > 1 && hex(v[i - 1]).is_some() && hex(v[i - 2]).is_some();
        if inside || hex(v[i]).is_none() {
            continue;
        }
        for sep in [None, Some(b' '), Some(b':')] {
            let (mut j, mut bytes) = (i, Vec::new());
            while let Some(b) = pair(v, j) {
                bytes.push(b);
                j += 2;
                match sep {
                    Some(s) if at(v, j) == s => j += 1,
                    Some(_) => break,
                    None => {}
                }
            }
            if bytes.len() >= 6 {
                out.push(b'\n');
                out.extend(bytes);
            }
        }
    }
    out
}

/// What a terminal shows.
fn terminal(v: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::new();
    let mut i = 0;
    while i < v.len() {
        let csi = match (v[i], at(v, i + 1)) {
            (0x1B, b'[') => 2,
            (0x9B, _) if i == 0 || v[i - 1] < 0x80 => 1,
            (b'^', b'[') if at(v, i + 2) == b'[' => 3,
            _ => 0,
        };
        if csi > 0 {
            i += csi;
            while at(v, i).is_ascii_digit() || at(v, i) == b';' {
                i += 1;
            }
            i += 1;
        } else if v[i] == 0x1B && at(v, i + 1) == b']' {
            i += v[i..].iter().position(|&b| b == 7).map_or(2, |n| n + 1);
        } else if v[i] == 0x1B {
            i += if at(v, i + 1) == b'(' { 3 } else { 1 };
        } else if v[i] == 8 {
            while out.pop().is_some_and(|b| (0x80..0xC0).contains(&b)) {}
            i += 1;
        } else {
            out.push(v[i]);
            i += 1;
        }
    }
    out
}

fn utf7(v: &[u8]) -> Vec<u8> {
    rewrite(v, |i| {
        if v[i] != b'+' {
            return None;
        }
        let ok = |b: &&u8| b.is_ascii_alphanumeric() || b"+/".contains(b);
        let n = v[i + 1..].iter().take_while(ok).count();
        if n < 2 || at(v, i + 1 + n) != b'-' {
            return None;
        }
        Some((units(&sextets(&v[i + 1..i + 1 + n]), true), n + 2))
    })
}

fn units(v: &[u8], big: bool) -> Vec<u8> {
    let unit = |p: &[u8]| {
        let p = [p[0], p[1]];
        if big { u16::from_be_bytes(p) } else { u16::from_le_bytes(p) }
    };
    String::from_utf16_lossy(&v.chunks_exact(2).map(unit).collect::<Vec<_>>()).into_bytes()
}

/// From the first NUL on, or the byte before it, read as units of 16 bits.
fn utf16(v: &[u8], offset: usize, big: bool) -> Vec<u8> {
    let Some(nul) = v.iter().position(|&b| b == 0) else { return v.to_vec() };
    let start = (nul + offset).saturating_sub(1).min(v.len());
    [&v[..start], &units(&v[start..], big)].concat()
}

/// Units of ASCII, wherever they start.
fn nuls(v: &[u8]) -> Vec<u8> {
    v.iter().copied().filter(|b| *b != 0).collect()
}

/// Lists of the values of bytes, in brackets.
fn byte_lists(v: &[u8]) -> Vec<u8> {
    rewrite(v, |i| {
        if v[i] != b'[' {
            return None;
        }
        let n = v[i..].iter().position(|&b| b == b']')?;
        let items = v[i + 1..i + n].split(|b| b", ".contains(b)).filter(|p| !p.is_empty());
        let values = items.map(|p| std::str::from_utf8(p).ok()?.parse::<u8>().ok());
        let values = values.collect::<Option<Vec<u8>>>()?;
        (values.len() >= 5 && values.iter().any(|&b| b > 9)).then_some((values, n + 1))
    })
}

/// Markup dropped.
fn tags(v: &[u8]) -> Vec<u8> {
    rewrite(v, |i| {
        if v[i] != b'<' {
            return None;
        }
        v[i..].iter().take(64).position(|&b| b == b'>').map(|n| (vec![], n + 1))
    })
}

/// Numbers with an exponent written out.
fn numbers(v: &[u8]) -> Vec<u8> {
    rewrite(v, |i| {
        if !v[i].is_ascii_digit() || i > 0 && at(v, i - 1).is_ascii_alphanumeric() {
            return None;
        }
        let ok = |b: &&u8| b.is_ascii_digit() || b".eE+".contains(b);
        let n = v[i..].iter().take_while(ok).count();
        let text = std::str::from_utf8(&v[i..i + n]).ok()?;
        if !text.contains(['e', 'E']) {
            return None;
        }
        let value: f64 = text.parse().ok().filter(|x| *x < 1e30)?;
        Some((format!("{value:.0}").into_bytes(), n))
    })
}

/// First code points of ten digits in a row.
const ZEROS: &[u32] =
    &[0xFF10, 0x660, 0x6F0, 0x966, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6, 0x2080, 0x2070];

/// Other scripts to ASCII, accents and what is not drawn dropped, bytes that are no text dropped.
fn fold(v: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut i = 0;
    while i < v.len() {
        let width = match v[i] {
            0xC0..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF7 => 4,
            _ => 1,
        };
        let bytes = v.get(i..i + width).unwrap_or(&v[i..=i]);
        let tail = bytes[1..].iter().all(|b| (0x80..0xC0).contains(b));
        let first = u32::from(bytes[0]) & (0x7F >> (bytes.len() - usize::from(bytes.len() == 1)));
        let c = bytes[1..].iter().fold(first, |c, &b| c << 6 | u32::from(b) & 0x3F);
        match () {
            () if v[i] < 0x80 => out.push(v[i]),
            () if bytes.len() > 1 && tail => {
                folded(c, &mut out);
                i += bytes.len() - 1;
            }
            () if v[i] == 0xA0 => out.push(b' '),
            () => {}
        }
        i += 1;
    }
    out
}

fn folded(c: u32, out: &mut Vec<u8>) {
    const LETTERS: &str = "аеорсухіѕјονια";
    const LATIN: &[u8] = b"aeopcyxisjovia";
    let character = char::from_u32(c).unwrap_or('?');
    if let Some(zero) = ZEROS.iter().find(|z| (**z..**z + 10).contains(&c)) {
        return out.push(b'0' + (c - zero) as u8);
    }
    if let Some(i) = LETTERS.chars().position(|x| x == character) {
        return out.push(LATIN[i]);
    }
    let byte = match c {
        0..0x80 => c,
        0xB9 => u32::from(b'1'),
        0xB2 | 0xB3 => u32::from(b'2') + c - 0xB2,
        0x2460..=0x2468 => u32::from(b'1') + c - 0x2460,
        0x24EA | 0x24FF => u32::from(b'0'),
        0x2776..=0x277E => u32::from(b'1') + c - 0x2776,
        0xFF01..=0xFF5E => c - 0xFF01 + 0x21,
        0xFE6B => u32::from(b'@'),
        0x1D41A..=0x1D433 => u32::from(b'a') + c - 0x1D41A,
        0xE0020..=0xE007E => c - 0xE0000,
        0xA0 | 0x2000..=0x200A | 0x202F | 0x3000 => u32::from(b' '),
        0x2010..=0x2015 | 0x2212 | 0xFE63 => u32::from(b'-'),
        0xAD | 0x300..=0x36F | 0x20D0..=0x20FF | 0x200B..=0x200F | 0x202A..=0x202E => return,
        0x2060..=0x206F | 0xFE00..=0xFE0F | 0xFEFF | 0xFFFD | 0xE0000..=0xE01EF => return,
        _ => return out.extend_from_slice(character.to_string().as_bytes()),
    };
    out.push(byte as u8);
}

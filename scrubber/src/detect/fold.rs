//! Characters that stand for ASCII ones: other digits, signs, spaces, hyphens, letters of other
//! scripts drawn the same, and characters that are not drawn at all.
//!
//! Source: Unicode 16 (UnicodeData.txt: decimal digits, White_Space, Dash, Default_Ignorable);
//! look-alikes from confusables.txt, the Latin ones only.

/// What a character becomes in the shadow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fold {
    /// Itself.
    Keep,
    /// Nothing.
    Drop,
    /// This ASCII character.
    To(u8),
}

/// First code points of runs of ten decimal digits.
const DIGITS: &[u32] = &[
    0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xE50,
    0xED0, 0xF20, 0x1040, 0x17E0, 0x1810, 0xFF10, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6,
    0x1FBF0,
];

/// The fold of a code point above ASCII.
pub(crate) fn fold(c: u32) -> Fold {
    if let Some(&zero) = DIGITS.iter().find(|&&z| (z..z + 10).contains(&c)) {
        return to(c - zero + u32::from(b'0'));
    }
    match c {
        0xAD
        | 0x34F
        | 0x61C
        | 0x115F
        | 0x1160
        | 0x17B4
        | 0x17B5
        | 0x180B..=0x180E
        | 0x200B..=0x200F => Fold::Drop,
        0x202A..=0x202E | 0x2060..=0x206F | 0xFE00..=0xFE0F | 0xFEFF | 0xE0000..=0xE01EF => {
            Fold::Drop
        }
        0xA0 | 0x1680 | 0x2000..=0x200A | 0x202F | 0x205F | 0x3000 => Fold::To(b' '),
        0x2028 | 0x2029 | 0x85 => Fold::To(b'\n'),
        0x2010..=0x2015 | 0x2212 | 0xFE58 | 0xFE63 | 0x2043 => Fold::To(b'-'),
        0x2018 | 0x2019 | 0x2032 | 0x02BC | 0x201B => Fold::To(b'\''),
        0x201C | 0x201D => Fold::To(b'"'),
        0xFE6B => Fold::To(b'@'),
        0xFE52 | 0x3002 | 0xFF61 | 0x2024 => Fold::To(b'.'),
        0xFE62 => Fold::To(b'+'),
        0xFF01..=0xFF5E => to(c - 0xFF01 + u32::from(b'!')),
        0xB2 | 0xB3 => to(c - 0xB2 + u32::from(b'2')),
        0xB9 => Fold::To(b'1'),
        0x2070 | 0x2074..=0x2079 => to(c - 0x2070 + u32::from(b'0')),
        0x2080..=0x2089 => to(c - 0x2080 + u32::from(b'0')),
        0x2460..=0x2468 => to(c - 0x2460 + u32::from(b'1')),
        0x24B6..=0x24CF => to(c - 0x24B6 + u32::from(b'A')),
        0x24D0..=0x24E9 => to(c - 0x24D0 + u32::from(b'a')),
        0x24EA => Fold::To(b'0'),
        0x1D400..=0x1D6A3 => {
            let i = (c - 0x1D400) % 52;
            to(if i < 26 { u32::from(b'A') + i } else { u32::from(b'a') + i - 26 })
        }
        _ => look_alike(c),
    }
}

fn to(c: u32) -> Fold {
    u8::try_from(c).map_or(Fold::Keep, Fold::To)
}

/// Cyrillic and Greek letters drawn like Latin ones.
fn look_alike(c: u32) -> Fold {
    const FROM: &str = "аеорсухіјѕԁһкмтвнАЕОРСУХІЈЅКМТВНΑΒΕΖΗΙΚΜΝΟΡΤΥΧοινα";
    const TO: &[u8] = b"aeopcyxijsdhkmtbhAEOPCYXIJSKMTBHABEZHIKMNOPTYXoiva";
    let Some(c) = char::from_u32(c) else { return Fold::Keep };
    if !matches!(c as u32, 0x370..=0x52F) {
        return Fold::Keep;
    }
    FROM.chars().position(|x| x == c).and_then(|i| TO.get(i)).map_or(Fold::Keep, |&b| Fold::To(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds() {
        for (c, to) in
            [('٣', b'3'), ('３', b'3'), ('𝟛', b'3'), ('²', b'2'), ('＠', b'@'), ('﹫', b'@')]
        {
            assert_eq!(fold(c as u32), Fold::To(to), "{c}");
        }
        for (c, to) in [('\u{a0}', b' '), ('\u{202f}', b' '), ('‑', b'-'), ('а', b'a'), ('α', b'a')]
        {
            assert_eq!(fold(c as u32), Fold::To(to), "{c}");
        }
        assert_eq!(fold(0x200B), Fold::Drop);
        assert_eq!(fold('é' as u32), Fold::Keep);
    }
}

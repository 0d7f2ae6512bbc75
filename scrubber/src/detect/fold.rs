//! Characters that stand for ASCII ones: other digits, signs, spaces, hyphens, letters of other
//! scripts drawn the same, and characters that are not drawn at all.
//!
//! Source of [`table`]: Unicode (UnicodeData.txt: compatibility decompositions to one ASCII
//! character, decimal digits, digits in circles and brackets, White_Space, Dash,
//! Default_Ignorable, combining marks; digits of Unicode 15 and 16 added), and the Latin
//! look-alikes of confusables.txt in Cyrillic, Greek and Armenian.

mod table;

use table::{DROPPED, RUNS};

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

/// The fold of a code point above ASCII.
pub(crate) fn fold(c: u32) -> Fold {
    // The accented letters of western Europe, by far the most frequent, are themselves.
    if (0xBB..0x130).contains(&c) {
        return Fold::Keep;
    }
    let i = RUNS.partition_point(|run| run.0 <= c);
    if let Some(&(first, to, count)) = i.checked_sub(1).and_then(|i| RUNS.get(i))
        && let Ok(step) = u8::try_from(c - first)
        && step < count
    {
        return Fold::To(to + step);
    }
    let i = DROPPED.partition_point(|range| range.0 <= c);
    match i.checked_sub(1).and_then(|i| DROPPED.get(i)) {
        Some(&(_, last)) if c <= last => Fold::Drop,
        _ => Fold::Keep,
    }
}

/// The ASCII character that a tag character (drawn as nothing) stands for.
pub(crate) fn tag(c: u32) -> Option<u8> {
    u8::try_from(c.checked_sub(0xE0000)?).ok().filter(|b| (b' '..=b'~').contains(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds() {
        for (c, to) in
            [('٣', b'3'), ('３', b'3'), ('𝟛', b'3'), ('²', b'2'), ('❸', b'3'), ('＠', b'@')]
        {
            assert_eq!(fold(c as u32), Fold::To(to), "{c}");
        }
        for (c, to) in [('\u{a0}', b' '), ('\u{202f}', b' '), ('‑', b'-'), ('а', b'a'), ('α', b'a')]
        {
            assert_eq!(fold(c as u32), Fold::To(to), "{c}");
        }
        for c in ['\u{200b}', '\u{301}', '\u{20e3}', '\u{fffd}', '\u{e0001}', '\u{ad}'] {
            assert_eq!(fold(c as u32), Fold::Drop, "{:x}", c as u32);
        }
        for c in ['é', 'œ', '€', '日', 'ж'] {
            assert_eq!(fold(c as u32), Fold::Keep, "{c}");
        }
    }

    #[test]
    fn tables_are_sorted_and_apart() {
        assert!(RUNS.windows(2).all(|w| w[0].0 + u32::from(w[0].2) <= w[1].0));
        assert!(DROPPED.windows(2).all(|w| w[0].1 < w[1].0));
        for (first, last) in DROPPED {
            assert!((*first..=*last).all(|c| fold(c) == Fold::Drop));
        }
        assert!(RUNS.iter().all(|r| r.1.is_ascii() && (r.1 + r.2 - 1).is_ascii()));
    }
}

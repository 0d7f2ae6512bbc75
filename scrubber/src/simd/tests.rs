//! Every level gives the bits of the portable code.

use super::*;
use proptest::prelude::*;

fn groups(level: Level, text: &[u8]) -> Vec<Group> {
    let mut groups = Vec::new();
    Classifier::of(level).classify(text, &mut groups);
    groups
}

#[test]
fn every_byte_has_its_classes() {
    let all: Vec<u8> = (0..=255).collect();
    let expected = groups(Level::Portable, &all);
    for (i, byte) in all.iter().enumerate() {
        let is = |row| expected[0].row(row).word(i / BLOCK) >> (i % BLOCK) & 1 == 1;
        assert_eq!(is(Row::Digit), byte.is_ascii_digit());
        assert_eq!(is(Row::Lower), byte.is_ascii_lowercase());
        assert_eq!(is(Row::Upper), byte.is_ascii_uppercase());
        assert_eq!(is(Row::Hex) | is(Row::Digit), byte.is_ascii_hexdigit());
        assert_eq!(is(Row::High), !byte.is_ascii());
        assert_eq!(is(Row::Lead), *byte >= 0xC0);
        assert_eq!(is(Row::Latin), *byte == 0xC3);
    }
    for level in Level::all() {
        assert_eq!(groups(level, &all), expected, "{level:?}");
    }
}

#[test]
fn padding_has_no_class_and_used_buffers_are_cleared() {
    for level in Level::all() {
        let mut reused = Vec::new();
        for n in [700, 0, 1, 63, 64, 65, 127, 511, 512, 513, 1500, 3] {
            Classifier::of(level).classify(&vec![b'0'; n], &mut reused);
            assert_eq!(reused.len(), n.div_ceil(GROUP), "{level:?} {n}");
            assert!(reused.iter().all(|g| !g.row(Row::Control).any()), "{level:?} {n}");
            let count = |g: &Group| g.row(Row::Digit).words().map(|w| w.count_ones()).iter().sum();
            let digits: u32 = reused.iter().map(|g| -> u32 { count(g) }).sum();
            assert_eq!(digits as usize, n, "{level:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn levels_agree(text in prop::collection::vec(any::<u8>(), 0..1300)) {
        let expected = groups(Level::Portable, &text);
        for level in Level::all() {
            prop_assert_eq!(&groups(level, &text), &expected, "{:?}", level);
        }
    }

    #[test]
    fn levels_agree_on_text(text in "[a-zA-Z0-9é =:.-]{0,600}") {
        let expected = groups(Level::Portable, text.as_bytes());
        for level in Level::all() {
            prop_assert_eq!(&groups(level, text.as_bytes()), &expected, "{:?}", level);
        }
    }
}

//! Every level gives the bits of the portable code.

use super::*;
use proptest::prelude::*;

fn blocks(level: Level, text: &[u8]) -> Vec<Block> {
    let mut blocks = Vec::new();
    Classifier::of(level).classify(text, &mut blocks);
    blocks
}

#[test]
fn every_byte_has_its_classes() {
    let all: Vec<u8> = (0..=255).collect();
    let expected = blocks(Level::Portable, &all);
    for (i, byte) in all.iter().enumerate() {
        let bit = |map: u64| map >> (i % BLOCK) & 1 == 1;
        let block = expected[i / BLOCK];
        assert_eq!(bit(block.digit), byte.is_ascii_digit());
        assert_eq!(bit(block.lower), byte.is_ascii_lowercase());
        assert_eq!(bit(block.upper), byte.is_ascii_uppercase());
        assert_eq!(bit(block.hex | block.digit), byte.is_ascii_hexdigit());
        assert_eq!(bit(block.high), !byte.is_ascii());
    }
    for level in Level::all() {
        assert_eq!(blocks(level, &all), expected, "{level:?}");
    }
}

#[test]
fn padding_has_no_class() {
    for level in Level::all() {
        for n in [0, 1, 63, 64, 65, 67, 68, 127, 128, 131] {
            let found = blocks(level, &vec![b'0'; n]);
            assert_eq!(found.len(), n.div_ceil(BLOCK) + 1, "{level:?} {n}");
            assert!(found.iter().all(|b| b.escape == 0), "{level:?} {n}");
            let digits: u32 = found.iter().map(|b| b.digit.count_ones()).sum();
            assert_eq!(digits as usize, n, "{level:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]

    #[test]
    fn levels_agree(text in prop::collection::vec(any::<u8>(), 0..300)) {
        let expected = blocks(Level::Portable, &text);
        for level in Level::all() {
            prop_assert_eq!(&blocks(level, &text), &expected, "{:?}", level);
        }
    }

    #[test]
    fn levels_agree_on_text(text in "[a-zA-Z0-9é =:.-]{0,200}") {
        let expected = blocks(Level::Portable, text.as_bytes());
        for level in Level::all() {
            prop_assert_eq!(&blocks(level, text.as_bytes()), &expected, "{:?}", level);
        }
    }
}

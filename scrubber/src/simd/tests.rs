//! Every level gives the bits of the portable code.

use super::*;
use proptest::prelude::*;

fn words() -> Words {
    Words::new([&b"nir"[..], b"m", b"password", b"prenom", b"iban", b"at", b"zz"].into_iter())
}

fn blocks(level: Level, text: &[u8]) -> Vec<Block> {
    let mut blocks = Vec::new();
    Classifier::with(words(), level).classify(text, &mut blocks);
    blocks
}

#[test]
fn words_start_where_their_letters_are() {
    for (text, starts) in [
        ("nir", 0b1),
        ("a nir", 0b100),
        ("xNIR=1 Iban", 0b1000_0000 | 0b10),
        ("telNirX", 0b1000),
        ("nirs", 0),
        ("M.", 1),
        ("M\u{e9}", 1),
        ("at", 1),
    ] {
        for level in Level::all() {
            let found = blocks(level, text.as_bytes())[0].word;
            assert_eq!(found & starts, starts, "{text:?} {level:?} {found:b}");
        }
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

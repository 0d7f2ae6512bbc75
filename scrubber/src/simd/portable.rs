//! Portable code: the definition that the vector code is compared with.

use super::{Block, CLASS_TABLES, CLASSES, DEPTH, Words, window};

pub(super) fn run(words: &Words, text: &[u8], blocks: &mut [Block]) {
    for (i, block) in blocks.iter_mut().enumerate() {
        if let Some(bytes) = window(text, i) {
            *block = one(words, bytes);
        }
    }
}

fn one(words: &Words, bytes: &[u8; super::READ]) -> Block {
    let mut block = Block::default();
    for (i, start) in bytes.windows(DEPTH).enumerate() {
        let bit = 1u64 << i;
        let byte = start.first().copied().unwrap_or(0);
        if byte >= 0x80 {
            block.high |= bit;
        } else {
            for (c, (_, field)) in CLASSES.iter().enumerate() {
                // Proof: c < 18 and byte < 128
                if CLASS_TABLES[c / 8][usize::from(byte)] >> (c % 8) & 1 == 1 {
                    *field(&mut block) |= bit;
                }
            }
        }
        let buckets = |half| {
            let at = |(place, &b): (usize, &u8)| words.at(half, place, b);
            start.iter().enumerate().map(at).fold(!0, |all, b| all & b)
        };
        if buckets(0) | buckets(1) != 0 {
            block.word |= bit;
        }
    }
    block
}

//! Portable code: the definition that the vector code is compared with.

use super::{BLOCK, Block, CLASS_TABLES, CLASSES, window};

pub(super) fn run(text: &[u8], blocks: &mut [Block]) {
    for (i, block) in blocks.iter_mut().enumerate() {
        if let Some(bytes) = window(text, i) {
            *block = one(bytes);
        }
    }
}

fn one(bytes: &[u8; BLOCK]) -> Block {
    let mut block = Block::default();
    for (i, &byte) in bytes.iter().enumerate() {
        let bit = 1u64 << i;
        if byte >= 0x80 {
            block.high |= bit;
            continue;
        }
        for (c, (_, field)) in CLASSES.iter().enumerate() {
            // Proof: c < 19 and byte < 128
            if CLASS_TABLES[c / 8][usize::from(byte)] >> (c % 8) & 1 == 1 {
                *field(&mut block) |= bit;
            }
        }
    }
    block
}

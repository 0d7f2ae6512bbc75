//! Portable code: the definition that the vector code is compared with.

use super::{ASCII, BLOCK, Group, Row, TABLES, for_blocks};

pub(super) fn run(text: &[u8], groups: &mut [Group]) {
    for_blocks!(text, groups, |bytes, group, lane| one(bytes, group, lane));
}

fn one(bytes: &[u8; BLOCK], group: &mut Group, lane: usize) {
    let mut rows = [0u64; ASCII.len()];
    let (mut high, mut lead, mut latin) = (0u64, 0u64, 0u64);
    for (i, &byte) in bytes.iter().enumerate() {
        let bit = 1u64 << i;
        if byte >= 0x80 {
            high |= bit;
            lead |= if byte >= 0xC0 { bit } else { 0 };
            latin |= if byte == 0xC3 { bit } else { 0 };
            continue;
        }
        for (c, row) in rows.iter_mut().enumerate() {
            // Proof: c < 22 and byte < 128
            *row |= u64::from(TABLES[c / 8][usize::from(byte)] >> (c % 8) & 1) << i;
        }
    }
    for ((row, _), bits) in ASCII.iter().zip(rows) {
        group.set(*row, lane, bits);
    }
    group.set(Row::High, lane, high);
    group.set(Row::Lead, lane, lead);
    group.set(Row::Latin, lane, latin);
}

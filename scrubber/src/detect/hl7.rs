//! HL7 version 2 messages, as hospitals exchange and log them: the persons of a message stand in
//! known fields of known segments, whatever their values look like.
//!
//! Source: HL7 2.5, chapters 3 (PID, NK1, PV1) and 6 (IN1); the French profile IHE PAM uses them.

use super::text::{at, is_word, skip, sub};
use super::{Scan, Walk};
use crate::report::Kind;

/// Fields of a segment that are read.
const FIELDS_MAX: usize = 48;

/// What a field of a segment holds, by its number.
type Field = (usize, Kind);

const SEGMENTS: &[(&[u8], &[Field])] = &[
    (
        b"PID",
        &[
            (2, Kind::Id),
            (3, Kind::Id),
            (4, Kind::Id),
            (5, Kind::Person),
            (6, Kind::Person),
            (7, Kind::Dob),
            (9, Kind::Person),
            (11, Kind::Address),
            (13, Kind::Phone),
            (14, Kind::Phone),
            (18, Kind::Id),
            (19, Kind::Nir),
            (20, Kind::Licence),
            (21, Kind::Id),
            (23, Kind::Address),
        ],
    ),
    (
        b"NK1",
        &[
            (2, Kind::Person),
            (4, Kind::Address),
            (5, Kind::Phone),
            (6, Kind::Phone),
            (16, Kind::Dob),
        ],
    ),
    (
        b"PV1",
        &[
            (7, Kind::Person),
            (8, Kind::Person),
            (9, Kind::Person),
            (17, Kind::Person),
            (19, Kind::Id),
            (52, Kind::Person),
        ],
    ),
    (b"IN1", &[(16, Kind::Person), (18, Kind::Dob), (19, Kind::Address), (36, Kind::Id)]),
    (b"GT1", &[(3, Kind::Person), (5, Kind::Address), (6, Kind::Phone), (8, Kind::Dob)]),
    (b"OBR", &[(16, Kind::Person)]),
    (b"ORC", &[(12, Kind::Person)]),
];

/// At `~`, the third of the signs that start a message: `MSH|^~\&|`.
pub(crate) fn at_tilde(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    let Some(start) = p.checked_sub(5).filter(|&i| sub(text, i, p) == b"MSH|^") else { return };
    // A message is read once, however many starts lie in it.
    let mut first = false;
    let limit = scan.walk(Walk::Message, start, 0, |text, _| {
        first = true;
        text.len()
    });
    let mut i = if first { p } else { limit };
    while i < limit {
        let end = skip(text, i, limit - i, |b| b != b'\r' && b != b'\n');
        let next = skip(text, end, 2, |b| b == b'\r' || b == b'\n');
        if next == end {
            return;
        }
        if let Some((_, fields)) = SEGMENTS.iter().find(|(name, _)| {
            sub(text, next, next + name.len()) == *name && at(text, next + name.len()) == b'|'
        }) {
            segment(scan, next, fields);
        }
        i = next;
    }
}

/// Reports the fields of the segment at `start`.
fn segment(scan: &mut Scan<'_>, start: usize, fields: &[Field]) {
    let text = scan.text;
    let mut i = skip(text, start, 4, |b| b != b'|') + 1;
    for n in 1..FIELDS_MAX {
        let end = skip(text, i, usize::MAX, |b| b != b'|' && b != b'\r' && b != b'\n' && b != b'"');
        let value = sub(text, i, end);
        if let Some((_, kind)) = fields.iter().find(|(field, _)| *field == n)
            && value.iter().any(|b| is_word(*b))
            && !super::is_placeholder(text, i, end)
        {
            scan.hit(i, end, *kind);
        }
        if at(text, end) != b'|' {
            return;
        }
        i = end + 1;
    }
}

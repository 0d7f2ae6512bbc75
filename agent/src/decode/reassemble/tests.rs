//! Order, bounds and what is emitted when they are met.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::clock;

type Out = Vec<(Vec<u8>, i64, Stream, bool)>;

fn plain(line: &[u8], timestamp_ns: i64, last: bool) -> Fragment<'_> {
    Fragment { line, timestamp_ns, stream: Stream::Stdout, part: Part::Unnumbered { last } }
}

fn numbered<'a>(line: &'a [u8], id: &'a [u8], ordinal: u32, last: bool) -> Fragment<'a> {
    let part = Part::Numbered { id, ordinal, last };
    Fragment { line, timestamp_ns: 1, stream: Stream::Stdout, part }
}

fn on(stream: Stream, fragment: Fragment<'_>) -> Fragment<'_> {
    Fragment { stream, ..fragment }
}

fn collect(out: &mut Out) -> impl FnMut(Record<'_>) {
    |r| out.push((r.line.to_vec(), r.timestamp_ns, r.stream, r.truncated))
}

/// Pushes, then flushes; lines only, with `…` behind a truncated one.
fn lines(fragments: &[Fragment<'_>]) -> (Vec<String>, Oddities) {
    let mut r = Reassembler::default();
    let mut out = Out::new();
    for f in fragments {
        r.push(*f, clock::monotonic(), &mut collect(&mut out));
    }
    r.flush(&mut collect(&mut out));
    let show = |(line, _, _, cut): &(Vec<u8>, i64, Stream, bool)| {
        format!("{}{}", String::from_utf8_lossy(line), if *cut { "…" } else { "" })
    };
    (out.iter().map(show).collect(), r.oddities())
}

#[test]
fn whole_records_pass_and_fragments_join_with_the_first_timestamp() {
    let mut r = Reassembler::default();
    let mut out = Out::new();
    let now = clock::monotonic();
    for f in [plain(b"a", 1, true), plain(b"b", 2, false), plain(b"c", 3, false)] {
        r.push(f, now, &mut collect(&mut out));
    }
    assert!(r.is_open(Stream::Stdout) && !r.is_open(Stream::Stderr));
    r.push(plain(b"d", 4, true), now, &mut collect(&mut out));
    let expected = [(b"a".to_vec(), 1), (b"bcd".to_vec(), 2)];
    let expected = expected.map(|(line, t)| (line, t, Stream::Stdout, false));
    assert_eq!(out, expected);
    assert!(!r.is_open(Stream::Stdout) && r.deadline().is_none());
}

#[test]
fn streams_and_ids_never_join() {
    let fragments = [
        numbered(b"one-", b"i", 1, false),
        on(Stream::Stderr, numbered(b"err-", b"i", 1, false)),
        numbered(b"two-", b"j", 1, false),
        plain(b"whole", 1, true),
        numbered(b"end", b"i", 2, true),
        on(Stream::Stderr, numbered(b"err", b"i", 2, true)),
        numbered(b"", b"j", 2, true),
    ];
    let (out, odd) = lines(&fragments);
    assert_eq!(out, ["whole", "one-end", "err-err", "two-"]);
    assert_eq!(odd, Oddities::default());
}

#[test]
fn order_is_by_ordinal_and_only_a_beginning_is_emitted() {
    let (out, odd) = lines(&[
        numbered(b"b", b"i", 2, false),
        numbered(b"a", b"i", 1, false),
        numbered(b"a", b"i", 1, false),
        numbered(b"c", b"i", 3, true),
    ]);
    assert_eq!(out, ["abc"]);
    assert_eq!(odd.out_of_order, 3, "1 after 2, 1 again, 3 after 1");
    let gap = [numbered(b"a", b"i", 1, false), numbered(b"c", b"i", 3, true)];
    assert_eq!(lines(&gap).0, ["a…"]);
    let (out, odd) = lines(&[numbered(b"c", b"i", 3, false), numbered(b"d", b"i", 4, true)]);
    assert!(out.is_empty(), "the reader started in the middle of a record");
    assert_eq!((odd.headless, odd.truncated), (1, 0));
    let (out, odd) = lines(&[numbered(b"d", b"i", 4, true), plain(b"next", 1, true)]);
    assert_eq!((out, odd.headless), (vec!["next".to_owned()], 1));
}

#[test]
fn over_the_size_the_beginning_goes_out_once_and_the_rest_is_swallowed() {
    let chunk = vec![b'x'; 16 * 1024];
    let chunks = LINE_BYTES_MAX / chunk.len();
    for numbers in [false, true] {
        for (extra, truncated) in [(0, false), (1, true), (3, true)] {
            let mut r = Reassembler::default();
            let mut out = Out::new();
            let total = chunks + extra;
            for n in 1..=total + 1 {
                let last = n == total + 1;
                let line: &[u8] = if last { b"" } else { &chunk };
                let f = if numbers {
                    numbered(line, b"i", u32::try_from(n).unwrap(), last)
                } else {
                    plain(line, 1, last)
                };
                r.push(f, clock::monotonic(), &mut collect(&mut out));
            }
            r.push(plain(b"next", 9, true), clock::monotonic(), &mut collect(&mut out));
            let sizes: Vec<_> = out.iter().map(|(l, _, _, cut)| (l.len(), *cut)).collect();
            assert_eq!(sizes, [(LINE_BYTES_MAX, truncated), (4, false)], "{numbers} {extra}");
            assert!(!r.is_open(Stream::Stdout));
            assert_eq!(r.oddities().swallowed, extra as u64);
        }
    }
    let whole = vec![b'y'; LINE_BYTES_MAX + 1];
    let (out, odd) = lines(&[plain(&whole, 1, true)]);
    assert_eq!((out.len(), odd.truncated), (1, 1));
    let tail = [plain(&chunk, 1, false), plain(&whole, 1, true), plain(b"next", 1, true)];
    assert_eq!(lines(&tail).0[1], "next", "the fragment that overflows may be the last");
}

#[test]
fn over_the_time_the_beginning_goes_out_and_the_rest_is_swallowed() {
    let mut r = Reassembler::default();
    let mut out = Out::new();
    let start = clock::monotonic();
    r.push(plain(b"a", 1, false), start, &mut collect(&mut out));
    let later = start + Duration::from_secs(4);
    r.push(plain(b"b", 2, false), later, &mut collect(&mut out));
    assert_eq!(r.deadline(), Some(later + FRAGMENT_WAIT_MAX), "counted from the last fragment");
    r.expire(start + FRAGMENT_WAIT_MAX, &mut collect(&mut out));
    assert!(out.is_empty());
    r.expire(later + FRAGMENT_WAIT_MAX, &mut collect(&mut out));
    assert_eq!(out, [(b"ab".to_vec(), 1, Stream::Stdout, true)]);
    assert!(r.is_open(Stream::Stdout) && r.deadline().is_none());
    for f in [plain(b"c", 3, false), plain(b"d", 3, true), plain(b"e", 5, true)] {
        r.push(f, later, &mut collect(&mut out));
    }
    assert_eq!(out[1..], [(b"e".to_vec(), 5, Stream::Stdout, false)]);
}

#[test]
fn a_flood_of_ids_or_of_empty_fragments_is_bounded() {
    let ids: Vec<[u8; 2]> = (0..200u16).map(u16::to_be_bytes).collect();
    let flood: Vec<_> = ids.iter().map(|id| numbered(b"x", id, 1, false)).collect();
    let (out, odd) = lines(&flood);
    assert_eq!((out.len(), odd.truncated), (200, 200), "each beginning goes out once");
    let empty = vec![plain(b"", 1, false); 3 * FRAGMENTS_MAX];
    assert_eq!(lines(&empty).0, ["…"]);
}

proptest! {
    /// Whatever comes: bounded lines, and no byte is invented or emitted twice.
    #[test]
    fn total(
        parts in prop::collection::vec((any::<bool>(), 0u8..3, 0u32..5, any::<bool>()), 0..60),
    ) {
        let texts: Vec<String> = (0..parts.len()).map(|i| format!("<{i}>")).collect();
        let fragments: Vec<_> = parts.iter().zip(&texts).map(|((err, id, ordinal, last), text)| {
            let f = match id {
                0 => plain(text.as_bytes(), 1, *last),
                1 => numbered(text.as_bytes(), b"i", *ordinal, *last),
                _ => numbered(text.as_bytes(), b"j", *ordinal, *last),
            };
            on(if *err { Stream::Stderr } else { Stream::Stdout }, f)
        }).collect();
        let all = lines(&fragments).0.concat();
        for text in &texts {
            prop_assert!(all.matches(text.as_str()).count() <= 1);
        }
    }

    /// Cutting a record anywhere gives the record back.
    #[test]
    fn cuts_do_not_matter(cuts in prop::collection::vec(0usize..40, 0..6), numbers: bool) {
        let text = b"0123456789abcdefghijklmnopqrstuvwxyzABCD";
        let mut cuts: Vec<usize> = cuts;
        cuts.sort_unstable();
        let mut fragments = Vec::new();
        let mut from = 0;
        for (n, to) in cuts.iter().copied().chain([text.len()]).enumerate() {
            let (line, last) = (&text[from..to], n == cuts.len());
            let ordinal = u32::try_from(n).unwrap() + 1;
            fragments.push(if numbers {
                numbered(line, b"i", ordinal, last)
            } else {
                plain(line, 1, last)
            });
            from = to;
        }
        let (out, odd) = lines(&fragments);
        prop_assert_eq!(out, vec![String::from_utf8_lossy(text).into_owned()]);
        prop_assert_eq!(odd, Oddities::default());
    }
}

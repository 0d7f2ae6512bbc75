//! Rows, cuts and damage; an independent encoder (prost) writes what the engine would.

use std::time::Duration;

use proptest::prelude::*;
use prost::Message as _;

use super::*;
use crate::decode::reassemble::Reassembler;

/// The engine's message, by an independent encoder.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct LogEntry {
    #[prost(string, tag = "1")]
    pub(crate) source: String,
    #[prost(int64, tag = "2")]
    pub(crate) time_nano: i64,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) line: Vec<u8>,
    #[prost(bool, tag = "4")]
    pub(crate) partial: bool,
    #[prost(message, tag = "5")]
    pub(crate) metadata: Option<Metadata>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Metadata {
    #[prost(bool, tag = "1")]
    pub(crate) last: bool,
    #[prost(string, tag = "2")]
    pub(crate) id: String,
    #[prost(int32, tag = "3")]
    pub(crate) ordinal: i32,
}

/// What a later engine might send.
#[derive(Clone, PartialEq, prost::Message)]
struct Later {
    #[prost(string, tag = "1")]
    source: String,
    #[prost(bytes = "vec", tag = "3")]
    line: Vec<u8>,
    #[prost(fixed64, tag = "6")]
    six: u64,
    #[prost(fixed32, tag = "7")]
    seven: u32,
    #[prost(string, tag = "4000")]
    far: String,
}

fn framed(message: &impl prost::Message) -> Vec<u8> {
    let body = message.encode_to_vec();
    [&u32::try_from(body.len()).unwrap().to_be_bytes()[..], &body].concat()
}

/// The frames of one line as the engine's copier sends them: whole, or 16 KiB fragments.
pub(crate) fn line(source: &str, time_nano: i64, line: &[u8], id: &str) -> Vec<u8> {
    let entry = |line: &[u8], metadata: Option<Metadata>| {
        let (source, line, partial) = (source.to_owned(), line.to_vec(), metadata.is_some());
        framed(&LogEntry { source, time_nano, line, partial, metadata })
    };
    let chunk = crate::limits::DOCKER_FRAGMENT_BYTES;
    if line.len() < chunk {
        return entry(line, None);
    }
    // A full buffer is sent before the newline is seen: the last fragment may be empty.
    let last = line.len() / chunk;
    let part = |n: usize| {
        let from = &line[n * chunk..];
        let ordinal = i32::try_from(n).unwrap() + 1;
        let metadata = Metadata { last: n == last, id: id.to_owned(), ordinal };
        entry(&from[..from.len().min(chunk)], Some(metadata))
    };
    (0..=last).flat_map(part).collect()
}

/// A line that ends with the process, without a newline: never closed.
pub(crate) fn tail(source: &str, time_nano: i64, line: &[u8], id: &str) -> Vec<u8> {
    let metadata = Some(Metadata { last: false, id: id.to_owned(), ordinal: 1 });
    let (source, line) = (source.to_owned(), line.to_vec());
    framed(&LogEntry { source, time_nano, line, partial: true, metadata })
}

/// Lines out of a stream that arrives in these pieces; `…` behind a truncated one.
fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<String>, Counts) {
    let now = crate::clock::monotonic();
    let (mut frames, mut joined) = (Frames::default(), Reassembler::default());
    let mut lines = Vec::new();
    let mut emit = |r: crate::decode::reassemble::Record<'_>| {
        let (line, cut) = (String::from_utf8_lossy(r.line), if r.truncated { "…" } else { "" });
        lines.push(format!("{} {} {line}{cut}", r.stream.name(), r.timestamp_ns));
    };
    for piece in pieces {
        frames.buffer().extend_from_slice(piece);
        frames.decode(|f| joined.push(f, now, &mut emit));
    }
    joined.expire(now + Duration::from_secs(3600), &mut emit);
    (lines, frames.counts())
}

fn read_all(bytes: &[u8]) -> (Vec<String>, Counts) {
    read(std::iter::once(bytes))
}

#[test]
fn every_cut_gives_the_same_lines() {
    let bytes = [
        line("stdout", 1, b"one", ""),
        line("stderr", 2, b"", ""),
        line("stdout", 3, "deux \u{e9}\0\r".as_bytes(), ""),
        tail("stdout", 4, b"no newline", "p1"),
    ]
    .concat();
    let expected =
        ["stdout 1 one", "stderr 2 ", "stdout 3 deux \u{e9}\0\r", "stdout 4 no newline…"];
    for size in 1..bytes.len() {
        let (lines, counts) = read(bytes.chunks(size));
        assert_eq!(lines, expected, "pieces of {size}");
        assert_eq!(counts, Counts { frames: 4, errors: 0, lost_bytes: 0 });
        let (lines, _) = read([&bytes[..size], &bytes[size..]].into_iter());
        assert_eq!(lines, expected, "cut at {size}");
    }
}

/// What a real engine wrote (fixtures/wire/log_driver/README.md).
#[test]
fn the_capture_of_an_engine_reads_as_printed() {
    let bytes = include_bytes!("../../../../fixtures/wire/log_driver/engine-20.10.24.frames");
    let (lines, counts) = read(bytes.chunks(1000));
    assert_eq!(counts, Counts { frames: 10, errors: 0, lost_bytes: 0 });
    let lines: Vec<(&str, &str)> = lines
        .iter()
        .map(|l| {
            let (stream, rest) = l.split_once(' ').unwrap();
            let (time, line) = rest.split_once(' ').unwrap();
            assert!(time.starts_with("17955084"), "nanoseconds of the capture");
            (stream, line)
        })
        .collect();
    let (e, f, d) = ("e".repeat(16384), "f".repeat(16385), "d".repeat(16383));
    let expected = [
        ("stdout", "first"),
        ("stdout", ""),
        ("stderr", "to stderr"),
        ("stdout", "bytes \0 \u{fffd} \u{fffd} end\r"),
        ("stdout", &e),
        ("stdout", &f),
        ("stdout", &d),
        ("stdout", "no newline…"),
    ];
    assert_eq!(lines, expected);
}

#[test]
fn missing_leads_to_the_end_of_the_frame() {
    let bytes = line("stdout", 1, b"one", "");
    for have in 0..bytes.len() {
        let mut frames = Frames::default();
        frames.buffer().extend_from_slice(&bytes[..have]);
        frames.decode(|_| panic!("incomplete"));
        let mut at = have;
        while frames.missing() > 0 {
            let to = at + frames.missing();
            frames.buffer().extend_from_slice(&bytes[at..to]);
            frames.decode(|_| {});
            at = to;
        }
        assert_eq!(at, if have == 0 { 0 } else { bytes.len() });
    }
}

#[test]
fn sixteen_kib_lines_come_back_whole() {
    let chunk = crate::limits::DOCKER_FRAGMENT_BYTES;
    for size in [chunk - 1, chunk, chunk + 1, 2 * chunk, 5 * chunk + 7] {
        let text = vec![b'x'; size];
        let bytes = line("stderr", 9, &text, "abc");
        let (lines, counts) = read(bytes.chunks(4096));
        assert_eq!(lines.len(), 1, "{size}");
        assert_eq!(lines[0].len(), "stderr 9 ".len() + size);
        assert_eq!(counts.frames as usize, size / chunk + 1);
    }
}

#[test]
fn unknown_fields_pass_and_old_engines_number_nothing() {
    let later = Later {
        source: "stdout".into(),
        line: b"later".into(),
        six: 6,
        seven: 7,
        far: "x".repeat(300),
    };
    let old = |line: &[u8], partial| {
        let (source, line) = ("stdout".to_owned(), line.to_vec());
        framed(&LogEntry { source, time_nano: 1, line, partial, metadata: None })
    };
    let bytes = [framed(&later), old(b"a", true), old(b"b", true), old(b"c", false)].concat();
    assert_eq!(read_all(&bytes).0, ["stdout 0 later", "stdout 1 abc"]);
}

#[test]
fn after_damage_the_next_frame_is_found() {
    let good = line("stdout", 1, b"good", "");
    let errline = line("stderr", 2, b"also", "");
    let long = u32::try_from(FRAME_BYTES_MAX + 1).unwrap().to_be_bytes();
    let no_source = framed(&LogEntry { line: b"x".into(), ..LogEntry::default() });
    let cut = &line("stdout", 1, b"cut in the middle", "")[9..];
    let bad_type = [&[0, 0, 0, 4][..], b"\n\0\x18\x01"].concat();
    let group = [&[0, 0, 0, 3][..], b"\n\0\x0b"].concat();
    let varint = [&[0, 0, 0, 13][..], b"\n\0", &[0xff; 11]].concat();
    let rows: [&[u8]; 8] = [
        &long,
        b"\0\0\0\0",
        &no_source,
        cut,
        &bad_type,
        &group,
        &varint,
        b"\xff\xff\xff\xff\n\x06std",
    ];
    for damage in rows {
        let bytes = [damage, &good, damage, &errline].concat();
        for size in [1, 2, 3, 7, 11, bytes.len()] {
            let (lines, counts) = read(bytes.chunks(size));
            assert_eq!(lines, ["stdout 1 good", "stderr 2 also"], "{damage:?} by {size}");
            assert!(counts.errors >= 2);
            assert_eq!(counts.lost_bytes as usize, 2 * damage.len());
        }
    }
}

#[test]
fn what_is_encoded_for_the_engine_is_what_it_decodes() {
    let mut out = Vec::new();
    encode(&mut out, Stream::Stderr, 1_700_000_000_000_000_001, "{\"a\":1}");
    encode(&mut out, Stream::Stdout, -1, &"y".repeat(300));
    let (first, rest) = out.split_at(4 + usize::from(out[3]));
    let entry = LogEntry::decode(&first[4..]).unwrap();
    assert_eq!((entry.source.as_str(), &entry.line[..]), ("stderr", &b"{\"a\":1}\n"[..]));
    assert_eq!((entry.time_nano, entry.partial), (1_700_000_000_000_000_001, false));
    let entry = LogEntry::decode(&rest[4..]).unwrap();
    assert_eq!((entry.time_nano, entry.line.len()), (-1, 301));
}

proptest! {
    /// Any bytes, cut anywhere: no panic, memory bounded, and good frames behind them are found
    /// unless the garbage announces a frame that contains them.
    #[test]
    fn total(bytes in prop::collection::vec(any::<u8>(), 0..400), size in 1usize..50) {
        let (_, counts) = read(bytes.chunks(size));
        prop_assert!(counts.lost_bytes as usize <= bytes.len());
        let garbage: Vec<u8> = bytes.iter().map(|b| b | 0x80).collect();
        let all = [&garbage[..], &line("stdout", 1, b"good", "")].concat();
        prop_assert_eq!(read(all.chunks(size)).0, vec!["stdout 1 good".to_owned()]);
    }

    /// What the engine writes is read, whatever the line holds.
    #[test]
    fn round_trip(texts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..9)) {
        let bytes: Vec<u8> = texts.iter().flat_map(|t| line("stdout", 5, t, "")).collect();
        let expected: Vec<String> =
            texts.iter().map(|t| format!("stdout 5 {}", String::from_utf8_lossy(t))).collect();
        prop_assert_eq!(read(bytes.chunks(13)).0, expected);
    }
}

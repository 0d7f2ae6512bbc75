//! The encoder against structures derived by `prost` from the published field numbers.

use prost::Message;

use super::*;
use crate::sink::Reject;
use crate::testkit::{Sample, batch, named, numbered};

#[derive(Clone, PartialEq, Message)]
pub(crate) struct PushRequest {
    #[prost(message, repeated, tag = "1")]
    pub(crate) streams: Vec<StreamAdapter>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct StreamAdapter {
    #[prost(string, tag = "1")]
    pub(crate) labels: String,
    #[prost(message, repeated, tag = "2")]
    pub(crate) entries: Vec<EntryAdapter>,
    #[prost(uint64, tag = "3")]
    pub(crate) hash: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct EntryAdapter {
    #[prost(message, optional, tag = "1")]
    pub(crate) timestamp: Option<Timestamp>,
    #[prost(string, tag = "2")]
    pub(crate) line: String,
    #[prost(message, repeated, tag = "3")]
    pub(crate) structured_metadata: Vec<LabelPair>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Timestamp {
    #[prost(int64, tag = "1")]
    pub(crate) seconds: i64,
    #[prost(int32, tag = "2")]
    pub(crate) nanos: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct LabelPair {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) value: String,
}

/// Reads a body as Loki would.
pub(crate) fn decode(body: &[u8]) -> PushRequest {
    let raw = snap::raw::Decoder::new().decompress_vec(body).unwrap();
    PushRequest::decode(&raw[..]).unwrap()
}

fn encode(batches: &[Arc<CleanBatch>]) -> Request {
    Encoder::new("host-1").encode(batches, 0..usize::MAX)
}

#[test]
fn labels_are_a_closed_set_escaped_and_never_empty() {
    let mut error = Sample::new(1, "{}");
    error.level = Some(Level::Error);
    error.stream = Stream::Stderr;
    let mut plain = Sample::new(2, "{}");
    plain.level = None;
    let id = "0123456789ab".repeat(6);
    let batch = named([&id[..64], "we\"b\\1\n", "", "wéb", "img"], &[error, plain]);
    let got = decode(&encode(&[Arc::new(batch)]).body);
    let labels: Vec<_> = got.streams.iter().map(|s| s.labels.as_str()).collect();
    assert_eq!(
        labels,
        [
            "{container=\"we\\\"b\\\\1\\n\",host=\"host-1\",level=\"error\",\
             service_name=\"wéb\",stream=\"stderr\"}",
            "{container=\"we\\\"b\\\\1\\n\",host=\"host-1\",service_name=\"wéb\",\
             stream=\"stdout\"}",
        ]
    );
    let pair = &got.streams[0].entries[0].structured_metadata[0];
    assert_eq!((pair.name.as_str(), pair.value.as_str()), ("container_id", "0123456789ab"));
}

#[test]
fn a_long_label_is_cut_between_characters() {
    let batch = named(["", &"é".repeat(3000), "", "web", ""], &[Sample::new(1, "{}")]);
    let got = decode(&encode(&[Arc::new(batch)]).body);
    let value = got.streams[0].labels.split('"').nth(1).unwrap();
    assert_eq!((value.len(), value.chars().all(|c| c == 'é')), (2048, true));
    assert!(got.streams[0].entries[0].structured_metadata.is_empty());
}

#[test]
fn the_bytes_are_those_that_prost_derives() {
    let mut samples = Vec::new();
    for (i, ns) in [0, 1, -1, 999_999_999, 1_000_000_000, i64::MAX, i64::MIN].iter().enumerate() {
        let mut sample = Sample::new(*ns, &"x".repeat(i * 60));
        sample.trace_id = (i % 2 == 0).then_some([i as u8 + 0xa0; 16]);
        sample.span_id = (i % 3 == 0).then_some([i as u8; 8]);
        sample.level = Level::ALL.get(i).copied();
        samples.push(sample);
    }
    let batches = [Arc::new(batch("web", &samples)), Arc::new(batch("db", &samples))];
    let body = encode(&batches).body;
    let raw = snap::raw::Decoder::new().decompress_vec(&body).unwrap();
    let got = PushRequest::decode(&raw[..]).unwrap();
    assert_eq!(got.encode_to_vec(), raw);
    let entries: Vec<_> = got.streams.iter().flat_map(|s| &s.entries).collect();
    assert_eq!(entries.len(), 14);
    for (entry, sample) in entries.iter().zip(samples.iter().chain(&samples)) {
        let at = entry.timestamp.as_ref().unwrap();
        assert!((0..1_000_000_000).contains(&at.nanos));
        let ns = i128::from(at.seconds) * 1_000_000_000 + i128::from(at.nanos);
        assert_eq!((ns, &entry.line), (sample.timestamp_ns.into(), &sample.line));
        let names: Vec<_> = entry.structured_metadata.iter().map(|p| p.name.as_str()).collect();
        let want = [("trace_id", sample.trace_id.is_some()), ("span_id", sample.span_id.is_some())];
        let want = want.into_iter().filter(|(_, has)| *has).map(|(name, _)| name);
        assert_eq!(names, std::iter::once("container_id").chain(want).collect::<Vec<_>>());
    }
    let trace = &entries[2].structured_metadata[1];
    assert_eq!((trace.name.as_str(), trace.value.as_str()), ("trace_id", &*"a2".repeat(16)));
}

#[test]
fn entries_are_grouped_per_label_set_in_order_across_batches_and_requests_are_repeatable() {
    let batches: Vec<_> =
        (0..6).map(|n| Arc::new(numbered(["web", "db"][n % 2], n as u64 * 10, 3))).collect();
    let mut encoder = Encoder::new("host-1");
    let first = encoder.encode(&batches, 0..18);
    let got = decode(&first.body);
    assert_eq!(got.streams.len(), 2);
    let lines: Vec<_> = got.streams[1].entries.iter().map(|e| e.line.as_str()).collect();
    let want: Vec<_> =
        [10, 11, 12, 30, 31, 32, 50, 51, 52].map(|n| format!("{{\"n\":{n}}}")).into();
    assert_eq!(lines, want);
    encoder.encode(&batches[..1], 0..3);
    assert_eq!(encoder.encode(&batches, 0..18).body, first.body);
    let halves = [encoder.encode(&batches, 0..7), encoder.encode(&batches, 7..18)];
    assert_eq!(halves.iter().map(Request::records).sum::<usize>(), 18);
    let second: Vec<_> = decode(&halves[1].body).streams;
    assert_eq!(second[0].entries[0].line, "{\"n\":21}");
}

#[test]
fn lines_that_the_store_would_drop_silently_are_left_out_and_told() {
    let long = format!("{{\"msg\":\"{}\"}}", "x".repeat(LOKI_LINE_BYTES_MAX));
    let samples = [Sample::new(1, "{}"), Sample::new(2, &long), Sample::new(3, "{}")];
    let request = encode(&[Arc::new(batch("web", &samples))]);
    assert_eq!((request.records(), request.too_long[0].1), (2, 1));
    assert_eq!(decode(&request.body).streams[0].entries.len(), 2);
    let edge = "x".repeat(LOKI_LINE_BYTES_MAX);
    assert_eq!(encode(&[Arc::new(batch("web", &[Sample::new(1, &edge)]))]).records(), 1);
}

#[test]
fn a_refusal_never_counts_more_than_was_sent() {
    let request = encode(&[Arc::new(numbered("web", 0, 2)), Arc::new(numbered("db", 0, 3))]);
    for (ignored, counts) in [(None, vec![2, 3]), (Some(3), vec![2, 1]), (Some(99), vec![2, 3])] {
        let mut rejected = Vec::new();
        request.refuse(&Refusal { reason: Reject::TooOld, ignored }, &mut rejected);
        assert_eq!(rejected.iter().map(|r| r.records).collect::<Vec<_>>(), counts);
    }
}

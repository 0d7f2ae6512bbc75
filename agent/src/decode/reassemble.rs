//! Fragments to records: joins what the engine cut at 16 KiB before anything looks at it.
//!
//! One [`Reassembler`] per source of one container (a FIFO, a log file); streams never join each
//! other. Sans-I/O: fragments and the time go in, records come out through `emit`.
//!
//! Invariants: a record is emitted whole, or as its beginning with `truncated` set and the rest
//! swallowed, never from its middle. Bounded by [`LINE_BYTES_MAX`], [`FRAGMENT_WAIT_MAX`],
//! [`FRAGMENTS_MAX`] and, for interleaved partial ids, [`OPEN_FRAGMENTS_MAX`]. A record that fits
//! in one fragment is passed on without a copy.

use std::collections::VecDeque;
use std::time::Instant;

use tamis_scrubber::record::Stream;

use crate::limits::{FRAGMENT_WAIT_MAX, FRAGMENTS_MAX, LINE_BYTES_MAX, OPEN_FRAGMENTS_MAX};

/// Buffer kept between two long records.
const SPARE_BYTES_MAX: usize = 64 * 1024;

/// Where a fragment stands in its record.
#[derive(Clone, Copy)]
pub enum Part<'a> {
    /// In order of arrival. `last` ends the record: text that ended with a newline.
    Unnumbered {
        /// Whether the record ends with this fragment.
        last: bool,
    },
    /// As the engine numbers them, from 1.
    Numbered {
        /// Chosen by the engine, the same for all fragments of a record.
        id: &'a [u8],
        /// Place in the record, from 1.
        ordinal: u32,
        /// Whether the record ends with this fragment.
        last: bool,
    },
}

impl Part<'_> {
    /// A whole record.
    pub const WHOLE: Part<'static> = Part::Unnumbered { last: true };
}

/// A piece of a record, or a whole one, without its newline.
#[derive(Clone, Copy)]
pub struct Fragment<'a> {
    /// The bytes.
    pub line: &'a [u8],
    /// When the runtime saw it, nanoseconds since the Unix epoch.
    pub timestamp_ns: i64,
    /// The stream it was written to.
    pub stream: Stream,
    /// Its place.
    pub part: Part<'a>,
}

/// A record, for `RawBatch::push`.
pub struct Record<'a> {
    /// The bytes, at most [`LINE_BYTES_MAX`].
    pub line: &'a [u8],
    /// Of its first fragment.
    pub timestamp_ns: i64,
    /// The stream it was written to.
    pub stream: Stream,
    /// Whether the end is missing (size, time, or end of the stream).
    pub truncated: bool,
}

/// What did not go as usual, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Oddities {
    /// Records emitted without their end.
    pub truncated: u64,
    /// Fragments dropped because the beginning of their record was already emitted.
    pub swallowed: u64,
    /// Fragments that came before their predecessor, or twice.
    pub out_of_order: u64,
    /// Records dropped because their beginning never came (the reader started in their middle).
    pub headless: u64,
}

type Key<'a> = Option<&'a [u8]>;

/// A record that lacks its end.
struct Open {
    /// `None` = unnumbered.
    id: Option<Box<[u8]>>,
    timestamp_ns: i64,
    touched: Instant,
    /// In order of arrival.
    bytes: Vec<u8>,
    /// Ordinal and end in `bytes` of each fragment, in order of arrival.
    ends: Vec<(u32, usize)>,
    /// Ordinal of the last fragment, once seen.
    last: Option<u32>,
}

#[derive(Default)]
struct Lane {
    open: Vec<Open>,
    /// Records already emitted whose remaining fragments are dropped, oldest first.
    swallow: VecDeque<Option<Box<[u8]>>>,
}

/// Joins the fragments of one container's log.
#[derive(Default)]
pub struct Reassembler {
    lanes: [Lane; 2],
    spare: Vec<u8>,
    oddities: Oddities,
}

impl Reassembler {
    /// Takes a fragment; calls `emit` for each record that it completes or forces out.
    pub fn push(
        &mut self,
        fragment: Fragment<'_>,
        now: Instant,
        emit: &mut impl FnMut(Record<'_>),
    ) {
        let (key, ordinal, last) = match fragment.part {
            Part::Unnumbered { last } => (None, None, last),
            Part::Numbered { id, ordinal, last } => (Some(id), Some(ordinal), last),
        };
        let lane = lane_mut(&mut self.lanes, fragment.stream);
        if lane.swallows(key, last) {
            self.oddities.swallowed += 1;
            return;
        }
        let found = lane.open.iter().position(|o| o.id.as_deref() == key);
        if found.is_none() && last && ordinal.is_none_or(|n| n <= 1) {
            return self.whole(&fragment, emit);
        }
        if found.is_none() && lane.open.len() >= OPEN_FRAGMENTS_MAX {
            self.give_up(fragment.stream, 0, emit);
        }
        let lane = lane_mut(&mut self.lanes, fragment.stream);
        let i = found.unwrap_or_else(|| {
            let bytes = std::mem::take(&mut self.spare);
            lane.open.push(Open::new(key, fragment.timestamp_ns, now, bytes));
            lane.open.len() - 1
        });
        let Some(open) = lane.open.get_mut(i) else { return };
        open.touched = now;
        let ordinal = ordinal.unwrap_or(open.next_ordinal());
        if ordinal != open.next_ordinal() {
            self.oddities.out_of_order += u64::from(!open.ends.is_empty());
        }
        let fits = open.add(ordinal, last, fragment.line);
        if fits && open.is_complete() {
            let open = lane.open.remove(i);
            self.emit(open, fragment.stream, false, emit);
        } else if !fits {
            self.give_up(fragment.stream, i, emit);
            if last {
                // Nothing is left to swallow.
                lane_mut(&mut self.lanes, fragment.stream).swallow.pop_back();
            }
        }
    }

    /// Emits the beginnings of records that have waited too long for their next fragment.
    pub fn expire(&mut self, now: Instant, emit: &mut impl FnMut(Record<'_>)) {
        for stream in [Stream::Stdout, Stream::Stderr] {
            let late = |o: &Open| now.saturating_duration_since(o.touched) >= FRAGMENT_WAIT_MAX;
            while let Some(i) = lane_mut(&mut self.lanes, stream).open.iter().position(late) {
                self.give_up(stream, i, emit);
            }
        }
    }

    /// When [`Reassembler::expire`] has something to do next.
    pub fn deadline(&self) -> Option<Instant> {
        let open = self.lanes.iter().flat_map(|l| &l.open);
        open.map(|o| o.touched).min().map(|t| t + FRAGMENT_WAIT_MAX)
    }

    /// Emits what is held: the stream has ended.
    pub fn flush(&mut self, emit: &mut impl FnMut(Record<'_>)) {
        for stream in [Stream::Stdout, Stream::Stderr] {
            while !lane_mut(&mut self.lanes, stream).open.is_empty() {
                self.give_up(stream, 0, emit);
            }
            lane_mut(&mut self.lanes, stream).swallow.clear();
        }
    }

    /// Whether a record of this stream lacks its end: held, or emitted and the rest swallowed. A
    /// source that keeps positions must restart before the beginning of such a record.
    pub fn is_open(&self, stream: Stream) -> bool {
        let lane = &self.lanes[stream as usize]; // Proof: two streams, two lanes.
        !lane.open.is_empty() || !lane.swallow.is_empty()
    }

    /// What did not go as usual.
    pub fn oddities(&self) -> Oddities {
        self.oddities
    }

    fn whole(&mut self, f: &Fragment<'_>, emit: &mut impl FnMut(Record<'_>)) {
        let truncated = f.line.len() > LINE_BYTES_MAX;
        self.oddities.truncated += u64::from(truncated);
        let line = f.line.get(..LINE_BYTES_MAX).unwrap_or(f.line);
        emit(Record { line, timestamp_ns: f.timestamp_ns, stream: f.stream, truncated });
    }

    /// Emits record `i` of a lane as it is and swallows what may still come of it.
    fn give_up(&mut self, stream: Stream, i: usize, emit: &mut impl FnMut(Record<'_>)) {
        let lane = lane_mut(&mut self.lanes, stream);
        if i >= lane.open.len() {
            return;
        }
        let mut open = lane.open.remove(i);
        if lane.swallow.len() >= OPEN_FRAGMENTS_MAX {
            lane.swallow.pop_front();
        }
        lane.swallow.push_back(open.id.take());
        self.emit(open, stream, true, emit);
    }

    fn emit(
        &mut self,
        mut open: Open,
        stream: Stream,
        truncated: bool,
        emit: &mut impl FnMut(Record<'_>),
    ) {
        let timestamp_ns = open.timestamp_ns;
        if open.in_order() {
            self.oddities.truncated += u64::from(truncated);
            emit(Record { line: &open.bytes, timestamp_ns, stream, truncated });
        } else if let Some(line) = open.beginning() {
            self.oddities.truncated += u64::from(truncated);
            emit(Record { line: &line, timestamp_ns, stream, truncated });
        } else {
            self.oddities.headless += 1;
        }
        if open.bytes.capacity() <= SPARE_BYTES_MAX {
            open.bytes.clear();
            self.spare = open.bytes;
        }
    }
}

impl Lane {
    /// Whether this fragment belongs to a record already emitted.
    fn swallows(&mut self, key: Key<'_>, last: bool) -> bool {
        let Some(i) = self.swallow.iter().position(|k| k.as_deref() == key) else { return false };
        if last {
            self.swallow.remove(i);
        }
        true
    }
}

impl Open {
    fn new(key: Key<'_>, timestamp_ns: i64, now: Instant, bytes: Vec<u8>) -> Open {
        let id = key.map(Into::into);
        Open { id, timestamp_ns, touched: now, bytes, ends: Vec::new(), last: None }
    }

    fn next_ordinal(&self) -> u32 {
        self.ends.last().map_or(1, |(n, _)| n.saturating_add(1))
    }

    /// Adds a fragment, or as much of it as fits. A second one with the same ordinal is ignored.
    fn add(&mut self, ordinal: u32, last: bool, line: &[u8]) -> bool {
        if self.ends.iter().any(|(n, _)| *n == ordinal) {
            return true;
        }
        let room = LINE_BYTES_MAX.saturating_sub(self.bytes.len());
        let fits = line.len() <= room && self.ends.len() < FRAGMENTS_MAX;
        self.bytes.extend_from_slice(line.get(..room).unwrap_or(line));
        self.ends.push((ordinal, self.bytes.len()));
        if last {
            self.last = Some(ordinal);
        }
        fits
    }

    fn in_order(&self) -> bool {
        self.ends.iter().zip(1u32..).all(|((n, _), expected)| *n == expected)
    }

    fn is_complete(&self) -> bool {
        // Ordinals are distinct: as many as the last says, none beyond it.
        self.last.is_some_and(|n| usize::try_from(n) == Ok(self.ends.len()))
            && self.ends.iter().all(|(n, _)| *n >= 1 && Some(*n) <= self.last)
    }

    /// The bytes from ordinal 1 up to the first gap; `None` without ordinal 1.
    fn beginning(&self) -> Option<Vec<u8>> {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|(_, end)| *end));
        let mut parts: Vec<_> =
            self.ends.iter().zip(starts).map(|((n, end), start)| (*n, start..*end)).collect();
        parts.sort_by_key(|(n, _)| *n);
        let run = parts.into_iter().zip(1u32..).take_while(|((n, _), expected)| n == expected);
        let mut line = None;
        for ((_, range), _) in run {
            let line: &mut Vec<u8> = line.get_or_insert_default();
            line.extend_from_slice(self.bytes.get(range).unwrap_or_default());
        }
        line
    }
}

fn lane_mut(lanes: &mut [Lane; 2], stream: Stream) -> &mut Lane {
    &mut lanes[stream as usize] // Proof: `Stream` has two values, 0 and 1.
}

#[cfg(test)]
mod tests;

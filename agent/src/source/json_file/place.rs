//! From where a later run must read so that no record is lost and none begins in its middle.
//!
//! The engine's lines of two streams interleave, and a record may be many lines. The point is the
//! end of the last line, or, while a record lacks its end, the point before its first line. A
//! record that was sent truncated (it waited too long, or is too long) does not hold the point
//! back: the point then says that the stream is in the middle of a record.

use tamis_scrubber::record::Stream;

use crate::checkpoint::Position;

/// Where one container's log is.
pub(super) struct Place {
    /// End of the last record line.
    last: Option<Position>,
    /// By stream: the point before the record that lacks its end, and its place in time.
    open: [Option<(u64, Option<Position>)>; 2],
    /// By stream: whether the rest of a record is to be swallowed.
    mid_record: [bool; 2],
    /// By stream: whether this run began, or went on after a gap, within a record.
    skip: [bool; 2],
    lines: u64,
}

impl Place {
    /// After an earlier run, or at the start.
    pub(super) fn new(resume: Option<Position>) -> Place {
        let skip = resume.map_or([false; 2], |p| p.mid_record);
        Place { last: resume, open: [None; 2], mid_record: [false; 2], skip, lines: 0 }
    }

    /// Lines were missed: the next record of these streams may have lost its beginning.
    pub(super) fn after_gap(&mut self, cut: [bool; 2]) {
        self.open = [None; 2];
        self.mid_record = [false; 2];
        self.skip = cut;
    }

    /// Whether this line belongs to a record that has lost its beginning.
    pub(super) fn skips(&mut self, stream: Stream, partial: bool) -> bool {
        let skip = &mut self.skip[stream as usize]; // Proof: two streams.
        std::mem::replace(skip, *skip && partial)
    }

    /// A record of `stream` began with the line that comes now and lacks its end.
    pub(super) fn opened(&mut self, stream: Stream) {
        self.open[stream as usize] = Some((self.lines, self.last)); // Proof: two streams.
    }

    /// A record of `stream` was given out, or its rest swallowed; `open` when its end is still to
    /// come.
    pub(super) fn emitted(&mut self, stream: Stream, open: bool) {
        self.open[stream as usize] = None; // Proof: two streams.
        self.mid_record[stream as usize] = open; // Proof: two streams.
        let mid_record = self.flags();
        self.last.iter_mut().for_each(|last| last.mid_record = mid_record);
    }

    /// A record line ends at `offset`.
    pub(super) fn moved(&mut self, inode: u64, offset: u64, time_ns: i64) {
        self.lines += 1;
        let mid_record = self.flags();
        self.last = Some(Position { inode, offset, time_ns, mid_record });
    }

    /// The point.
    pub(super) fn resume_point(&self) -> Option<Position> {
        let open = self.open.iter().flatten().min_by_key(|(line, _)| line);
        open.map_or(self.last, |(_, before)| *before)
    }

    fn flags(&self) -> [bool; 2] {
        std::array::from_fn(|s| self.mid_record[s] || self.skip[s]) // Proof: two streams.
    }
}

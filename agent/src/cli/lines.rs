//! Reads lines of any length in bounded memory.
//!
//! A line longer than [`LINE_BYTES_MAX`] is handed over as its prefix, cut well before the limit
//! so that no token (a number written in groups included) is cut in the middle; the rest of the
//! line is read and forgotten. Bytes are handed over without their newline.

use std::io::{self, Read};

use crate::limits::LINE_BYTES_MAX;

/// Bytes asked of the source at once.
const READ_BYTES: usize = 128 * 1024;
/// Taken off a cut line before its last blank: longer than any identifier written in groups.
const CUT_MARGIN_BYTES: usize = 128;

/// One line.
pub(super) struct Line<'a> {
    /// Its bytes, without the newline.
    pub(super) bytes: &'a [u8],
    /// Whether the end is missing because the line is longer than the limit.
    pub(super) truncated: bool,
    /// Whether a newline ended it (the last line of a file may lack one).
    pub(super) newline: bool,
}

/// A line reader over any source.
pub(super) struct Lines<R> {
    source: R,
    buffer: Vec<u8>,
    /// The unread part of `buffer`.
    start: usize,
    end: usize,
    /// Bytes from `start` already known to hold no newline.
    scanned: usize,
    ended: bool,
}

impl<R: Read> Lines<R> {
    /// Reads from `source`.
    pub(super) fn new(source: R) -> Self {
        let buffer = vec![0; READ_BYTES];
        Lines { source, buffer, start: 0, end: 0, scanned: 0, ended: false }
    }

    /// The next line, or `None` at the end. `before_read` runs before each read of the source,
    /// which may block: the moment to flush what was written.
    ///
    /// # Errors
    /// When the source or `before_read` fails.
    pub(super) fn next(
        &mut self,
        mut before_read: impl FnMut() -> io::Result<()>,
    ) -> io::Result<Option<Line<'_>>> {
        loop {
            let pending = self.buffer.get(self.start + self.scanned..self.end).unwrap_or_default();
            if let Some(at) = memchr::memchr(b'\n', pending) {
                let (from, to) = (self.start, self.start + self.scanned + at);
                self.start = to + 1;
                self.scanned = 0;
                return Ok(Some(self.line(from, to, true)));
            }
            self.scanned = self.end - self.start;
            if self.scanned > LINE_BYTES_MAX {
                return self.cut(before_read).map(Some);
            }
            if self.ended {
                let (from, to) = (self.start, self.end);
                self.start = self.end;
                self.scanned = 0;
                return Ok((from < to).then(|| self.line(from, to, false)));
            }
            before_read()?;
            self.fill()?;
        }
    }

    /// As many whole lines as were read, as one [`Line`] with LF between them; else as [`next`].
    ///
    /// # Errors
    /// When the source or `before_read` fails.
    ///
    /// [`next`]: Lines::next
    pub(super) fn batch(
        &mut self,
        before_read: impl FnMut() -> io::Result<()>,
    ) -> io::Result<Option<Line<'_>>> {
        let pending = self.buffer.get(self.start..self.end).unwrap_or_default();
        match memchr::memrchr(b'\n', pending) {
            // Nothing in so short a text is too long for a line.
            Some(at) if pending.len() <= LINE_BYTES_MAX => {
                let (from, to) = (self.start, self.start + at);
                self.start = to + 1;
                self.scanned = 0;
                Ok(Some(self.line(from, to, true)))
            }
            _ => self.next(before_read),
        }
    }

    fn line(&self, from: usize, to: usize, newline: bool) -> Line<'_> {
        let bytes = self.buffer.get(from..to).unwrap_or_default();
        if bytes.len() > LINE_BYTES_MAX {
            let kept = bytes.get(..LINE_BYTES_MAX).unwrap_or_default();
            return Line { bytes: whole_tokens(kept), truncated: true, newline };
        }
        Line { bytes, truncated: false, newline }
    }

    /// Reads on to the newline without keeping what it reads.
    fn cut(&mut self, mut before_read: impl FnMut() -> io::Result<()>) -> io::Result<Line<'_>> {
        self.make_room();
        let keep = LINE_BYTES_MAX + 1;
        let mut newline = false;
        self.end = keep;
        loop {
            before_read()?;
            let got = read_some(&mut self.source, self.buffer.get_mut(keep..).unwrap_or_default())?;
            if got == 0 {
                self.ended = true;
                break;
            }
            let fresh = self.buffer.get(keep..keep + got).unwrap_or_default();
            if let Some(at) = memchr::memchr(b'\n', fresh) {
                newline = true;
                self.end = keep + got;
                self.start = keep + at + 1;
                self.scanned = 0;
                return Ok(self.line(0, keep, newline));
            }
        }
        self.start = self.end;
        self.scanned = 0;
        Ok(self.line(0, keep, newline))
    }

    fn fill(&mut self) -> io::Result<()> {
        self.make_room();
        let got = read_some(&mut self.source, self.buffer.get_mut(self.end..).unwrap_or_default())?;
        self.end += got;
        self.ended = got == 0;
        Ok(())
    }

    /// Moves what is unread to the front and makes room for one read.
    fn make_room(&mut self) {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        // At most LINE_BYTES_MAX + 2 reads: `next` cuts before it grows further.
        let needed = self.end + READ_BYTES;
        if self.buffer.len() < needed {
            self.buffer.resize(needed, 0);
        }
    }
}

fn read_some(source: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match source.read(into) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// The part of a cut line that surely holds whole tokens only: up to the last blank that lies
/// [`CUT_MARGIN_BYTES`] before the end. Nothing when there is no blank at all.
pub(super) fn whole_tokens(cut: &[u8]) -> &[u8] {
    let sure = cut.get(..cut.len().saturating_sub(CUT_MARGIN_BYTES)).unwrap_or_default();
    let end = sure.iter().rposition(u8::is_ascii_whitespace).unwrap_or(0);
    sure.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands out at most `step` bytes a read.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let n = self.1.min(self.0.len()).min(into.len());
            into[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    fn read_all(text: &[u8], step: usize) -> Vec<(Vec<u8>, bool, bool)> {
        let mut lines = Lines::new(Trickle(text, step));
        let mut all = Vec::new();
        while let Some(l) = lines.next(|| Ok(())).unwrap() {
            all.push((l.bytes.to_vec(), l.truncated, l.newline));
        }
        all
    }

    #[test]
    fn lines_do_not_depend_on_how_they_are_read() {
        let text = b"one\n\n\ntwo \r\nlast";
        for step in 1..=text.len() {
            let got: Vec<_> = read_all(text, step).into_iter().map(|(b, ..)| b).collect();
            assert_eq!(got, [&b"one"[..], b"", b"", b"two \r", b"last"], "step {step}");
        }
        assert!(read_all(b"", 5).is_empty());
        assert_eq!(read_all(b"\n", 5), [(vec![], false, true)]);
    }

    #[test]
    fn batches_hold_the_same_lines() {
        let text = b"one\n\n\ntwo \r\nthree\nlast";
        for step in 1..=text.len() {
            let mut lines = Lines::new(Trickle(text, step));
            let mut all = Vec::new();
            while let Some(l) = lines.batch(|| Ok(())).unwrap() {
                all.extend_from_slice(l.bytes);
                all.extend(l.newline.then_some(b'\n'));
            }
            assert_eq!(all, text, "step {step}");
        }
    }

    /// What a line is scrubbed to depends on its bytes alone: cut at any byte and read in pieces,
    /// it gives what it gives when read whole.
    #[test]
    fn scrubbing_does_not_depend_on_how_lines_are_read() {
        use tamis_scrubber::scrub::{ScrubScratch, Scrubber};
        let text = "tel 06 39 98 12 34\r\nde jean%40example.org \u{200b}é\n\
                    {\"nir\":185057800608491}\n\niban FR76 3000 6000 0112 3456 7890 189";
        let (scrubber, mut scratch) = (Scrubber::default(), ScrubScratch::default());
        let mut scrubbed = |step: usize| {
            let mut out = Vec::new();
            for (line, ..) in read_all(text.as_bytes(), step) {
                scrubber.scrub(&line, &mut out, &mut scratch, &mut Default::default());
                out.push(b'\n');
            }
            String::from_utf8(out).unwrap()
        };
        let whole = "tel [PHONE]\r\nde [EMAIL] \u{200b}é\n{\"nir\":\"[NIR]\"}\n\niban [IBAN]\n";
        assert_eq!(scrubbed(text.len()), whole);
        for step in 1..text.len() {
            assert_eq!(scrubbed(step), whole, "step {step}");
        }
    }

    #[test]
    fn long_lines_are_cut_before_a_token_and_the_next_line_is_whole() {
        for extra in [0, 1, 2, READ_BYTES - 1, READ_BYTES, READ_BYTES + 1, 3 * READ_BYTES + 7] {
            let mut text: Vec<u8> = b"ab cd ".repeat(LINE_BYTES_MAX / 6 + 1);
            text.truncate(LINE_BYTES_MAX);
            text.extend(b"1 85 05 78 006 ".repeat(extra / 15 + 1).iter().take(extra));
            text.extend(b"\nnext\n");
            let got = read_all(&text, READ_BYTES);
            assert_eq!(got.len(), 2, "extra {extra}");
            assert_eq!(got[0].1, extra > 0, "extra {extra}");
            assert!(got[0].0.len() <= LINE_BYTES_MAX && got[0].2);
            assert!(extra == 0 || text[got[0].0.len()].is_ascii_whitespace());
            assert_eq!(got[1], (b"next".to_vec(), false, true), "extra {extra}");
        }
    }

    #[test]
    fn a_long_line_without_a_blank_or_a_newline_leaves_nothing() {
        let got = read_all(&vec![b'7'; LINE_BYTES_MAX + 3 * READ_BYTES], READ_BYTES);
        assert_eq!(got, [(vec![], true, false)]);
    }
}

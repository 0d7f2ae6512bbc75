//! What a terminal does not show: control sequences, titles and links, characters struck over.

use super::super::text::{at, back, before, has, skip};
use super::Shadow;

/// Parameters of a control sequence.
const PARAMETERS_MAX: usize = 24;
/// Text of an operating system command: a title, a link.
const COMMAND_MAX: usize = 256;

impl Shadow {
    /// At an escape character, or `^[` as some programs show it.
    pub(super) fn terminal(&mut self, source: &[u8], i: usize) -> usize {
        let from = if at(source, i) == 0x1B {
            i + 1
        } else if has(source, i, b"^[[") || has(source, i, b"^[]") {
            i + 2
        } else {
            return i + 1;
        };
        match at(source, from) {
            b'[' => self.sequence(source, i, from + 1),
            b']' => {
                let end = skip(source, from + 1, COMMAND_MAX, |b| b != 0x07 && b != 0x1B);
                let end = match (at(source, end), at(source, end + 1)) {
                    (0x07, _) => end + 1,
                    (0x1B, b'\\') => end + 2,
                    _ => from + 1,
                };
                self.put(source, i, end, b"")
            }
            b'(' | b')' | b'*' | b'+' | b'#' | b'%' => {
                self.put(source, i, (from + 2).min(source.len()), b"")
            }
            b'7'..=b'9' | b'=' | b'>' | b'c' | b'M' | b'D' | b'E' | b'H' | b'N' | b'O' | b'Z' => {
                self.put(source, i, from + 1, b"")
            }
            _ => self.put(source, i, from, b""),
        }
    }

    /// A control sequence that is introduced at `i` and has its parameters at `from`.
    pub(super) fn sequence(&mut self, source: &[u8], i: usize, from: usize) -> usize {
        let end = skip(source, from, PARAMETERS_MAX, |b| (b' '..=b'?').contains(&b));
        let ends = at(source, end).is_ascii_alphabetic() || matches!(at(source, end), b'@' | b'~');
        self.put(source, i, if ends { end + 1 } else { from }, b"")
    }

    /// A backspace at `from..to`: what was printed before it is printed over.
    pub(super) fn backspace(&mut self, source: &[u8], from: usize, to: usize) -> usize {
        self.flush(source, from);
        self.take_back();
        self.put(source, from, to, b"")
    }

    /// Removes the last character of the shadow.
    fn take_back(&mut self) {
        let Some(last) = self.segments.last_mut() else { return };
        let start = last.start as usize;
        let own = self.text.len() - start;
        let lead = back(&self.text, self.text.len(), 3, |b| (0x80..0xC0).contains(&b));
        let whole = lead < self.text.len() && before(&self.text, lead) >= 0xC0;
        let width = if whole { self.text.len() - lead + 1 } else { 1 };
        if width >= own {
            self.text.truncate(start);
            self.segments.pop();
        } else if last.to - last.from == own as u32 {
            // A stretch that corresponds byte for byte goes on doing so.
            last.to -= width as u32;
            self.text.truncate(self.text.len() - width);
        }
    }
}

//! What the scrubber promises for any bytes. Read by the tests and by the fuzz targets.

#![allow(dead_code, reason = "each target keeps one of the promises")]

use tamis_scrubber::report::{Kind, Report};
use tamis_scrubber::scrub::{ScrubScratch, Scrubber};

/// The longest placeholder with its quotes, `"[PASSPORT]"`, for a value of one byte.
const GROWTH: usize = 12;

std::thread_local! {
    /// Reused, as a worker does: what one text leaves must not matter to the next.
    static WORKER: std::cell::RefCell<(Scrubber, ScrubScratch)> = std::cell::RefCell::default();
}

/// A broken promise, in words.
pub(crate) type Broken = String;

/// Spans are sorted, disjoint, not empty, in range, and cut no character of a text in UTF-8.
///
/// # Errors
/// The promise that is broken.
pub(crate) fn spans(text: &[u8]) -> Result<(), Broken> {
    WORKER.with_borrow_mut(|(scrubber, scratch)| {
        let mut last = 0;
        for s in scrubber.spans(text, scratch) {
            if s.start < last || s.start >= s.end || s.end > text.len() {
                return Err(format!("span {}..{} after {last} of {}", s.start, s.end, text.len()));
            }
            let utf8 = std::str::from_utf8(text).ok();
            if utf8.is_some_and(|t| !t.is_char_boundary(s.start) || !t.is_char_boundary(s.end)) {
                return Err(format!("span {}..{} cuts a character", s.start, s.end));
            }
            last = s.end;
        }
        Ok(())
    })
}

/// The output is clean, is scrubbed again to itself, stays UTF-8 and JSON, is not much longer, and
/// holds as many placeholders more as were counted. A number that is a whole line is text.
///
/// # Errors
/// The promise that is broken.
pub(crate) fn rewrites(text: &[u8]) -> Result<(), Broken> {
    WORKER.with_borrow_mut(|(scrubber, scratch)| {
        let (mut out, mut report) = (Vec::new(), Report::default());
        scrubber.scrub(text, &mut out, scratch, &mut report);
        let (mut again, mut none) = (Vec::new(), Report::default());
        scrubber.scrub(&out, &mut again, scratch, &mut none);
        let counted = report.detections_total();
        // Given up as a whole, the output has one for all.
        let whole = out == b"[SECRET]";
        let written = placeholders(&out).checked_sub(placeholders(text));
        for (kept, what) in [
            (again == out && none.detections_total() == 0, "scrubbing twice changes nothing"),
            (!is_utf8(text) || is_utf8(&out), "UTF-8 stays"),
            (!is_json(text) || is_json(&out), "JSON stays"),
            (out.len() <= GROWTH * (text.len() + 1), "the output is bounded"),
            (whole || written == Some(counted), "what is counted is written"),
            (counted > 0 || out == text, "nothing found, nothing changed"),
        ] {
            if !kept {
                return Err(format!("{what}: {} gave {}", text.escape_ascii(), out.escape_ascii()));
            }
        }
        Ok(())
    })
}

fn is_utf8(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok()
}

fn is_json(text: &[u8]) -> bool {
    let number = |b: &u8| b.is_ascii_digit() || *b == b'-';
    !text.trim_ascii().first().is_some_and(number)
        && serde_json::from_slice::<serde_json::Value>(text).is_ok()
}

/// Placeholders of any kind without a tag.
fn placeholders(text: &[u8]) -> u64 {
    let starts = |rest: &[u8]| {
        let rest = rest.strip_prefix(b"[").unwrap_or_default();
        Kind::ALL.iter().any(|kind| {
            rest.strip_prefix(kind.name().as_bytes()).is_some_and(|r| r.starts_with(b"]"))
        })
    };
    (0..text.len()).filter(|i| text.get(*i..).is_some_and(starts)).count() as u64
}

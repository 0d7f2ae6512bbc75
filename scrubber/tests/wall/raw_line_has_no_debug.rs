//! A raw line cannot be printed for debugging.

use tamis_scrubber::record::RawLine;

fn main() {
    let line = RawLine::new(b"secret");
    let _ = format!("{line:?}");
}

//! A raw line cannot be kept.

use tamis_scrubber::record::RawLine;

fn main() {
    let line = RawLine::new(b"secret");
    let _ = RawLine::clone(&line);
}

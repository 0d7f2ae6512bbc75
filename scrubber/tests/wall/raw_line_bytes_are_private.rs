//! A raw line cannot be read outside the scrubber.

use tamis_scrubber::record::RawLine;

fn main() {
    let line = RawLine::new(b"secret");
    let _ = line.bytes();
}

//! A raw line cannot be turned into text.

use tamis_scrubber::record::RawLine;

fn main() {
    let line = RawLine::new(b"secret");
    let _ = line.to_string();
}

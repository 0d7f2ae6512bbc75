//! A raw line cannot be serialized.

use tamis_scrubber::record::RawLine;

fn main() {
    let line = RawLine::new(b"secret");
    let _ = serde_json::to_string(&line);
}

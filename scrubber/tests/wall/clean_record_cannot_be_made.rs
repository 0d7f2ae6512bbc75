//! Only the sieve makes clean records.

use tamis_scrubber::record::{CleanRecord, Stream};

fn main() {
    let _ = CleanRecord {
        timestamp_ns: 0,
        stream: Stream::Stdout,
        text: "secret".to_owned(),
    };
}

//! Spans on any bytes: sorted, disjoint, in range; characters and placeholders stay whole.

#![no_main]

#[path = "../../scrubber/tests/properties/promises.rs"]
mod promises;

libfuzzer_sys::fuzz_target!(|text: &[u8]| {
    if let Err(broken) = promises::spans(text) {
        panic!("{broken}");
    }
});

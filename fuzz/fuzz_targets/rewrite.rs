//! What the scrubber writes, on any bytes: see `promises`.

#![no_main]

#[path = "../../scrubber/tests/properties/promises.rs"]
mod promises;

libfuzzer_sys::fuzz_target!(|text: &[u8]| {
    if let Err(broken) = promises::rewrites(text) {
        panic!("{broken}");
    }
});

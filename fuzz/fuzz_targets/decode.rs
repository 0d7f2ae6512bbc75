//! The layers that are taken off any bytes: never longer than what they decode, every range of
//! them maps into the text.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &[u8]| tamis_scrubber::detect::check_layers(text));

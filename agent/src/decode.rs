//! Bytes to records: sans-I/O, bounded.

pub mod json_file;
pub mod log_entry;
pub mod reassemble;

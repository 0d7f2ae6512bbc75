//! Nothing can be added to a clean record.

use tamis_scrubber::record::{CleanRecord, FieldId, Value};

fn fill(record: &mut CleanRecord) {
    record.push(FieldId::MSG, Value::Text("secret"));
}

fn main() {}

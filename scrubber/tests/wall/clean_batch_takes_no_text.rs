//! A batch takes clean records only.

use tamis_scrubber::record::CleanBatch;

fn fill(batch: &mut CleanBatch) {
    let _ = batch.push("secret");
}

fn main() {}

//! Container metadata passes the sieve.

use tamis_scrubber::record::CleanContainer;

fn main() {
    let _ = CleanContainer {
        id: "".into(),
        name: "secret".into(),
        project: "".into(),
        service: "".into(),
        image: "".into(),
    };
}

//! What holds for the layers of any text. Run by the fuzz target `decode`, and by a test over the
//! inputs that it broke something with.

use super::{LAYERS_MAX, Shadow};
use crate::detect::Tables;
use crate::detect::gate::Gate;

static TABLES: std::sync::LazyLock<Tables> = std::sync::LazyLock::new(Tables::new);

/// Takes the layers off a text.
///
/// # Panics
/// When a layer is longer than what it decodes, or a range of it lies outside of the text.
pub(crate) fn layers(text: &[u8]) {
    let mut taken: Vec<Shadow> = Vec::new();
    let mut gate = Gate::default();
    while taken.len() < LAYERS_MAX {
        let source = taken.last().map_or(text, Shadow::text);
        let mut shadow = Shadow::default();
        gate.open(source, &TABLES);
        if !shadow.decode(source, gate.view(0, source.len())) {
            break;
        }
        assert!(shadow.text().len() <= source.len(), "layer {} grew", taken.len());
        assert!(shadow.text() != source, "layer {} changed nothing", taken.len());
        let (length, mut last) = (shadow.text().len(), 0);
        for at in 0..length {
            let (from, to) = shadow.map(at, at + 1);
            assert!(from < to && to <= source.len(), "{at} of layer {}", taken.len());
            assert!(from >= last, "{at} of layer {} goes back", taken.len());
            last = from;
        }
        let (from, to) = shadow.map(0, length);
        assert!(from <= to && to <= source.len(), "the whole of layer {}", taken.len());
        taken.push(shadow);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn kept_inputs() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/fuzz/decode");
        for file in std::fs::read_dir(dir).unwrap() {
            super::layers(&std::fs::read(file.unwrap().path()).unwrap());
        }
    }

    #[test]
    fn fixtures() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/detect");
        for file in std::fs::read_dir(dir).unwrap() {
            let data = std::fs::read(file.unwrap().path()).unwrap();
            data.split(|b| *b == b'\n').for_each(super::layers);
            super::layers(&data);
        }
    }
}

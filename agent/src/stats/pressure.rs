//! Pressure stall information: time in which tasks waited for a resource. Only the totals.

use super::Visit;
use super::files::from_us;
use super::locate::Place;
use super::snapshot::Pressure;

const FILES: [&str; 3] = ["cpu.pressure", "memory.pressure", "io.pressure"];

/// `*.pressure` of the v2 directory; with v1, of the v2 hierarchy mounted beside it.
pub(super) fn collect(v: &mut Visit<'_>) {
    let dir = match v.place {
        Place::V2(dir) => dir,
        Place::V1(dirs) => match &dirs.unified {
            Some(dir) => dir,
            None => return,
        },
    };
    for (out, name) in v.out.pressure.iter_mut().zip(FILES) {
        if let Some(text) = v.files.read(dir, name) {
            *out = parse(text);
        }
    }
}

/// `some avg10=0.00 avg60=0.00 avg300=0.00 total=54415`, then `full …` where it applies.
fn parse(text: &str) -> Pressure {
    let mut out = Pressure::default();
    for line in text.lines() {
        let total = line.rsplit_once("total=").and_then(|(_, n)| n.trim().parse().ok());
        match line.split(' ').next() {
            Some("some") => out.waiting_seconds = total.map(from_us),
            Some("full") => out.stalled_seconds = total.map(from_us),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_read_and_a_missing_line_is_absent() {
        let some = "some avg10=0.00 avg60=0.00 avg300=0.00 total=1500000\n";
        let full = "full avg10=0.00 avg60=0.00 avg300=0.00 total=250000\n";
        let rows = [
            (format!("{some}{full}"), Some(1.5), Some(0.25)),
            (some.to_owned(), Some(1.5), None),
            ("some total=x\n".to_owned(), None, None),
            (String::new(), None, None),
        ];
        for (text, waiting_seconds, stalled_seconds) in rows {
            assert_eq!(parse(&text), Pressure { waiting_seconds, stalled_seconds }, "{text}");
        }
    }
}

//! What a 400 says. Bodies hold labels, so only a reason class and a count leave this file.

use super::Reject;

/// What the store did not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// Why, as far as the answer tells.
    pub(super) reason: Reject,
    /// How many records; `None` = it does not say, so none can be called delivered.
    pub(super) ignored: Option<usize>,
}

/// Phrases of Loki's validation messages (`pkg/validation/validate.go`, `pkg/ingester/stream.go`,
/// `pkg/chunkenc`), first match wins.
const PHRASES: [(&str, Reject); 14] = [
    ("max entry size", Reject::LineTooLong),
    ("too far behind", Reject::TooOld),
    ("out of order", Reject::TooOld),
    ("timestamp too old", Reject::TooOld),
    ("timestamp too new", Reject::TooNew),
    ("parsing labels", Reject::Labels),
    ("label pair is required", Reject::Labels),
    ("label names; limit", Reject::Labels),
    ("label name too long", Reject::Labels),
    ("label value too long", Reject::Labels),
    ("duplicate label name", Reject::Labels),
    ("missing required labels", Reject::Labels),
    ("structured metadata", Reject::Labels),
    ("request body too large", Reject::TooLarge),
];

/// Reads the text of a 400.
pub(super) fn refusal(body: &[u8]) -> Refusal {
    let text = String::from_utf8_lossy(body).to_ascii_lowercase();
    let known = PHRASES.iter().find(|(phrase, _)| text.contains(phrase));
    let reason = known.map_or(Reject::Malformed, |(_, reason)| *reason);
    Refusal { reason, ignored: ignored(&text) }
}

/// Adds up every `total ignored: N out of M` (one per stream).
fn ignored(text: &str) -> Option<usize> {
    let mut sum = None;
    for tail in text.split("total ignored: ").skip(1) {
        let digits = tail.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
        if let (Ok(n), Some(_)) = (digits.parse::<usize>(), tail.split_once(" out of ")) {
            sum = Some(sum.unwrap_or(0usize).saturating_add(n));
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_classified_and_counted() {
        let rows = include_str!("../../../../fixtures/loki/answers-400.tsv");
        let mut count = 0;
        for row in rows.lines().filter(|l| !l.starts_with('#')) {
            let [reason, ignored, body] = row.split('\t').collect::<Vec<_>>()[..] else {
                panic!("row of three columns: {row}");
            };
            let got = refusal(body.replace("\\n", "\n").as_bytes());
            assert_eq!(got.reason.name(), reason, "{body}");
            assert_eq!(got.ignored, ignored.parse().ok(), "{body}");
            count += 1;
        }
        assert!(count >= 15);
        assert_eq!(refusal(b"\xff\xfe").reason, Reject::Malformed);
    }
}

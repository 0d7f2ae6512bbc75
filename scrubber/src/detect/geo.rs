//! Places on a map: a latitude and a longitude with four decimals or more, which is a house. Two
//! decimal numbers are anything, so a keyword, or a pair that lies in France.

use super::Scan;
use super::run::Run;
use super::text::{at, before, is_letter, skip, sub};
use super::words::GEO;
use super::{context, person};
use crate::report::Kind;

/// Decimals of a place, about ten metres.
const DECIMALS_MIN: usize = 4;
/// Latitudes and longitudes of France in Europe, in millionths of a degree.
const FRANCE: [(i64, i64); 2] = [(41_300_000, 51_200_000), (-5_300_000, 9_700_000)];

/// A decimal number of degrees.
struct Degrees {
    /// Millionths.
    value: i64,
    decimals: usize,
    end: usize,
}

impl Degrees {
    /// Reads `-2.3522` at `p`.
    fn read(text: &[u8], p: usize) -> Option<Degrees> {
        let digits = p + usize::from(matches!(at(text, p), b'-' | b'+'));
        let dot = skip(text, digits, 4, |b| b.is_ascii_digit());
        let end = skip(text, dot + 1, 18, |b| b.is_ascii_digit());
        if dot == digits || dot > digits + 3 || at(text, dot) != b'.' || end == dot + 1 {
            return None;
        }
        let digit = |i: usize| i64::from(at(text, i).wrapping_sub(b'0') % 10);
        let whole = (digits..dot).fold(0, |n, i| n * 10 + digit(i));
        let part =
            (0..6).fold(0, |n, k| n * 10 + if dot + 1 + k < end { digit(dot + 1 + k) } else { 0 });
        let value = whole * 1_000_000 + part;
        let value = if at(text, p) == b'-' { -value } else { value };
        Some(Degrees { value, decimals: end - dot - 1, end })
    }

    fn within(&self, degrees: i64) -> bool {
        self.value.abs() <= degrees * 1_000_000
    }
}

/// Two numbers of degrees with a comma, a semicolon or a space between.
fn pair(text: &[u8], p: usize) -> Option<(Degrees, Degrees)> {
    let first = Degrees::read(text, p)?;
    let next = skip(text, first.end, 3, |b| matches!(b, b',' | b';' | b' ' | b'/'));
    let second = Degrees::read(text, next).filter(|_| next > first.end)?;
    let ranges = first.within(90) && second.within(180) || first.within(180) && second.within(90);
    let fine = first.decimals >= DECIMALS_MIN && second.decimals >= DECIMALS_MIN;
    (ranges && fine && !is_letter(at(text, second.end))).then_some((first, second))
}

/// At a number's first digit: `48.8566, 2.3522`. Needs: a dot after one to three digits, four more
/// digits, and a comma, or a keyword.
pub(crate) fn at_number(scan: &mut Scan<'_>, p: usize, _: &Run) {
    let text = scan.text;
    if !(1..=3).any(|k| at(text, p + k) == b'.') {
        return;
    }
    let start = p - usize::from(before(text, p) == b'-');
    let prev = before(text, start);
    if is_letter(prev) || prev == b'.' || prev.is_ascii_digit() {
        return;
    }
    let Some((a, b)) = pair(text, start) else { return };
    let inside = |d: &Degrees, (lo, hi): (i64, i64)| (lo..=hi).contains(&d.value);
    let [lat, lon] = FRANCE;
    let listed = matches!(prev, b',') || at(text, b.end) == b',' && prev != b'@';
    let french = inside(&a, lat) && inside(&b, lon) && at(text, a.end) == b',' && !listed;
    if french || scan.context(start) & GEO != 0 {
        scan.hit(start, b.end, Kind::Address);
    }
}

/// Whether the value of a key of [`GEO`] is a place: a pair, or one coordinate.
pub(crate) fn is_value(scan: &Scan<'_>, key: usize, start: usize, end: usize) -> bool {
    let text = scan.text;
    if let Some((_, b)) = pair(text, start) {
        return b.end == end;
    }
    let Some(one) = Degrees::read(text, start).filter(|d| d.end == end && d.within(180)) else {
        return false;
    };
    let (from, to) = context::key_range(text, key);
    let name = sub(text, from, to);
    // `lat` is also latency, `long` a type, `point` a score.
    let clear = [&b"latitude"[..], b"longitude", b"lng", b"gps"];
    let other = [&b"lon"[..], b"lng", b"long", b"longitude", b"lat", b"latitude"];
    one.decimals >= DECIMALS_MIN - 1
        && (clear.iter().any(|w| contains(name, w))
            || other.iter().any(|w| !contains(name, w) && person::is_near(scan, from, end, w)))
}

fn contains(name: &[u8], word: &[u8]) -> bool {
    name.windows(word.len()).any(|w| w.eq_ignore_ascii_case(word))
}

//! Numbers for people. ASCII but for the multiplication of units; no locale.

use std::time::Duration;

/// `1,234,567`; from ten millions on `12.3 M`.
pub(super) fn count(n: u64) -> String {
    if n >= 10_000_000 {
        return scaled(n as f64, 1e3, &["", "k", "M", "G", "T", "P"]);
    }
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + 2);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Events per second: one decimal below ten.
pub(super) fn rate(per_second: f64) -> String {
    if per_second >= 9.95 {
        return count(per_second.round() as u64);
    }
    let text = format!("{per_second:.1}");
    if text == "0.0" { "0".to_owned() } else { text }
}

/// `12.3 MiB`.
pub(super) fn bytes(n: u64) -> String {
    scaled(n as f64, 1024.0, &["B", "KiB", "MiB", "GiB", "TiB", "PiB"])
}

/// `12.3 %`.
pub(super) fn percent(p: f64) -> String {
    if p >= 99.95 { format!("{p:.0} %") } else { format!("{p:.1} %") }
}

/// `1.5 ms`.
pub(super) fn seconds(s: f64) -> String {
    match s {
        s if s >= 9.95 => format!("{s:.0} s"),
        s if s >= 0.9995 => format!("{s:.1} s"),
        s if s >= 0.009_95 => format!("{:.0} ms", s * 1e3),
        s if s >= 0.000_999_5 => format!("{:.1} ms", s * 1e3),
        s => format!("{:.0} µs", s * 1e6),
    }
}

/// `3 d 4 h`, `4 h 5 min`, `5 min 6 s`, `6 s`.
pub(super) fn age(d: Duration) -> String {
    let s = d.as_secs();
    let parts = [(s / 86_400, "d"), (s / 3_600 % 24, "h"), (s / 60 % 60, "min"), (s % 60, "s")];
    let shown = parts.iter().skip_while(|(n, unit)| *n == 0 && *unit != "s").take(2);
    shown.map(|(n, unit)| format!("{n} {unit}")).collect::<Vec<_>>().join(" ")
}

/// Time of day in UTC, milliseconds: `07:05:09.123`.
pub(super) fn time_of_day(ns: i64) -> String {
    let ms = ns.div_euclid(1_000_000).rem_euclid(86_400_000);
    let (h, m, s) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    format!("{h:02}:{m:02}:{s:02}.{:03}", ms % 1000)
}

/// A label value as words: `nothing_technical` becomes `nothing technical`.
pub(super) fn words(name: &str) -> String {
    name.replace('_', " ")
}

fn scaled(n: f64, step: f64, units: &[&str]) -> String {
    let mut n = n;
    let mut units = units.iter();
    let mut unit = units.next().copied().unwrap_or_default();
    for next in units {
        if n < step {
            break;
        }
        n /= step;
        unit = next;
    }
    let decimals = usize::from(n < 99.95 && n.fract() != 0.0);
    format!("{n:.decimals$} {unit}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        for (n, text) in [(0, "0"), (999, "999"), (1234, "1,234"), (9_999_999, "9,999,999")] {
            assert_eq!(count(n), text);
        }
        assert_eq!(count(12_345_678), "12.3 M");
        for (n, text) in [(0.0, "0"), (0.04, "0"), (0.25, "0.2"), (9.96, "10"), (1500.4, "1,500")] {
            assert_eq!(rate(n), text);
        }
        for (n, text) in [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (64 << 20, "64 MiB")] {
            assert_eq!(bytes(n), text);
        }
        for (p, text) in [(0.0, "0.0 %"), (12.34, "12.3 %"), (187.6, "188 %")] {
            assert_eq!(percent(p), text);
        }
        let rows = [(13e-6, "13 µs"), (0.0015, "1.5 ms"), (0.042, "42 ms"), (1.25, "1.2 s")];
        for (s, text) in rows {
            assert_eq!(seconds(s), text);
        }
        let rows = [(6, "6 s"), (60, "1 min 0 s"), (3_725, "1 h 2 min"), (266_400, "3 d 2 h")];
        for (s, text) in rows {
            assert_eq!(age(Duration::from_secs(s)), text);
        }
        assert_eq!(time_of_day(25_509_123_000_000), "07:05:09.123");
        assert_eq!(time_of_day(-1), "23:59:59.999");
    }
}

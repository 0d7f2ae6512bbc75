//! Lines as the engine writes them, and what is not one.

use proptest::prelude::*;

use super::*;

/// Rust byte escapes of a fixture cell.
fn bytes(cell: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = cell.as_bytes();
    while let Some((&b, tail)) = rest.split_first() {
        rest = tail;
        if b != b'\\' {
            out.push(b);
            continue;
        }
        rest = &tail[1..];
        match tail[0] {
            b'0' => out.push(0),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'x' => {
                let hex = std::str::from_utf8(&tail[1..3]).unwrap();
                out.push(u8::from_str_radix(hex, 16).unwrap());
                rest = &tail[3..];
            }
            other => out.push(other),
        }
    }
    out
}

fn check(row: &str) {
    let cells: Vec<&str> = row.split(" | ").collect();
    let name = cells[0];
    let raw = bytes(cells.get(1).unwrap_or(&""));
    let mut decoder = Decoder::default();
    let got = decoder.decode(&raw);
    if cells.len() <= 2 {
        assert!(got.is_none(), "{name}: not a record");
        return;
    }
    let got = got.unwrap_or_else(|| panic!("{name}: a record"));
    assert_eq!(got.stream.name(), cells[2], "{name}");
    assert_eq!(got.timestamp_ns.to_string(), cells[3], "{name}");
    assert_eq!(if got.partial { "partial" } else { "whole" }, cells[4], "{name}");
    assert_eq!(got.log, bytes(cells[5]), "{name}");
}

#[test]
fn rows() {
    let rows = include_str!("../../../../fixtures/json_file/lines.txt");
    let rows: Vec<&str> = rows.lines().filter(|l| !l.starts_with('#')).collect();
    assert!(rows.len() > 30);
    rows.into_iter().for_each(check);
}

#[test]
fn the_time_before_a_position_is_found_in_its_last_bytes() {
    let line = br#"{"log":"a\n","stream":"stdout","time":"1970-01-01T00:00:01.000000002Z"}"#;
    assert_eq!(last_time_ns(line), Some(1_000_000_002));
    assert_eq!(last_time_ns(&[&line[line.len() - 45..], b"\n"].concat()), Some(1_000_000_002));
    assert_eq!(last_time_ns(&line[..line.len() - 1]), None);
    assert_eq!(last_time_ns(b""), None);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(line in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Decoder::default().decode(&line);
        let _ = rfc3339_ns(&line);
    }

    #[test]
    fn damaged_lines_are_read_without_a_panic(
        at in 0usize..120, byte: u8, cut in 0usize..120,
    ) {
        let mut line = br#"{"log":"a\u00e9\"\\\n","stream":"stdout","attrs":{"a":"b"},"#.to_vec();
        line.extend(br#""time":"2026-11-24T07:55:09.123456789Z"}"#);
        if let Some(b) = line.get_mut(at) { *b = byte; }
        let _ = Decoder::default().decode(line.get(cut..).unwrap_or_default());
        let _ = Decoder::default().decode(line.get(..cut).unwrap_or(&line));
    }

    #[test]
    fn what_serde_writes_is_read_back(text in "\\PC*", odd in "[\u{0}-\u{1f}\"\\\\/]*", err: bool) {
        let text = format!("{text}{odd}");
        let stream = if err { "stderr" } else { "stdout" };
        let line = format!(
            r#"{{"log":{},"stream":"{stream}","time":"2026-11-24T07:55:09.123456789Z"}}"#,
            serde_json::to_string(&text).unwrap()
        );
        let mut decoder = Decoder::default();
        let got = decoder.decode(line.as_bytes()).unwrap();
        prop_assert_eq!(got.partial, !text.ends_with('\n'));
        prop_assert_eq!(got.log, text.strip_suffix('\n').unwrap_or(&text).as_bytes());
        prop_assert_eq!(got.stream.name(), stream);
    }

    #[test]
    fn time_agrees_with_jiff(ns in -9_000_000_000_000_000_000i64..9_000_000_000_000_000_000) {
        let text = jiff::Timestamp::from_nanosecond(ns.into()).unwrap().to_string();
        prop_assert_eq!(rfc3339_ns(text.as_bytes()), Some(ns));
    }
}

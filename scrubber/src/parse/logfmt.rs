//! logfmt: `key=value key="quoted \" value" flag`.
//!
//! A word without `=` is passed over: it has no key that could be on a list. [`tail`] finds pairs
//! at the end of a sentence (`migrations completed performed=9 skipped=0`).

use super::{Outcome, Text, Value, Visit};

/// Pairs that a line needs to be taken for logfmt when nobody said that it is.
const PAIRS_MIN: usize = 2;

/// Visits the pairs of a line that starts with one.
pub(crate) fn walk(text: &str, visit: &mut impl Visit) -> Outcome {
    let text = text.trim_start();
    if key_at(text).is_none() {
        return Outcome::Foreign;
    }
    pairs(text, visit)
}

/// Whether the line starts with at least two pairs.
pub(crate) fn looks(text: &str) -> bool {
    struct Count(usize);
    impl Visit for Count {
        fn enter(&mut self, _: Text<'_>) -> super::Step {
            super::Step::Skip
        }
        fn leave(&mut self) {}
        fn value(&mut self, _: Text<'_>, _: Value<'_>) {
            self.0 += 1;
        }
    }
    let mut count = Count(0);
    walk(text, &mut count) != Outcome::Foreign && count.0 >= PAIRS_MIN
}

/// Byte offset where pairs start that go on to the end of a sentence, if there are some.
pub(crate) fn tail(text: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = memchr::memchr(b'=', text.as_bytes().get(from..)?) {
        let eq = from + at;
        let head = text.get(..eq)?;
        let start = head.rfind([' ', '\t']).map_or(0, |i| i + 1);
        if key_at(text.get(start..)?).is_some() {
            return Some(start);
        }
        from = eq + 1;
    }
    None
}

/// Visits pairs wherever they are; everything else is passed over.
pub(crate) fn pairs(text: &str, visit: &mut impl Visit) -> Outcome {
    let mut rest = text;
    let mut outcome = Outcome::Whole;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',', ';', '\n', '\r']);
        if rest.is_empty() {
            return outcome;
        }
        let Some(key) = key_at(rest) else {
            rest = rest.find([' ', '\t']).and_then(|i| rest.get(i..)).unwrap_or("");
            continue;
        };
        let value = rest.get(key.len() + 1..).unwrap_or("");
        let (text, used, closed) = value_at(value);
        if closed {
            visit.value(Text::plain(key), text);
        } else {
            outcome = Outcome::Broken;
        }
        rest = value.get(used..).unwrap_or("");
    }
}

/// The key at the start of `s`, if `=` follows it.
fn key_at(s: &str) -> Option<&str> {
    let key = s.get(..s.bytes().position(|b| !is_key(b))?)?;
    let first = key.bytes().next()?;
    (s.as_bytes().get(key.len()) == Some(&b'=') && (first.is_ascii_alphabetic() || first == b'_'))
        .then_some(key)
}

fn is_key(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b'/' | b'@')
}

/// The value at the start of `s`, its length with quotes, and whether its quotes close.
fn value_at(s: &str) -> (Value<'_>, usize, bool) {
    if let Some(quoted) = s.strip_prefix('"') {
        let bytes = quoted.as_bytes();
        let mut i = 0;
        while let Some(at) = bytes.get(i..).and_then(|b| memchr::memchr2(b'"', b'\\', b)) {
            i += at;
            if bytes.get(i) == Some(&b'"') {
                let text = quoted.get(..i).unwrap_or("");
                return (Value::Text(Text::backslashed(text)), i + 2, true);
            }
            i += 2;
        }
        return (Value::Null, s.len(), false);
    }
    let end = s.find([' ', '\t', '\n', '\r']).unwrap_or(s.len());
    let text = s.get(..end).unwrap_or("");
    let value = if text.is_empty() { Value::Null } else { Value::Text(Text::plain(text)) };
    (value, end, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::Step;

    #[derive(Default)]
    struct Tape(String);

    impl Visit for Tape {
        fn enter(&mut self, _: Text<'_>) -> Step {
            Step::Skip
        }
        fn leave(&mut self) {}
        fn value(&mut self, key: Text<'_>, value: Value<'_>) {
            let text = match value {
                Value::Text(t) => t.decode(&mut String::new()).to_owned(),
                _ => "-".to_owned(),
            };
            self.0.push_str(&format!("{}={text};", key.raw()));
        }
    }

    #[test]
    fn pairs_are_visited() {
        let rows = [
            (
                "level=info msg=\"a \\\"b\\\" c\" n=1",
                "level=info;msg=a \"b\" c;n=1;",
                Outcome::Whole,
            ),
            ("a= b=2", "a=-;b=2;", Outcome::Whole),
            ("a=1 flag b=2", "a=1;b=2;", Outcome::Whole),
            ("a=1 b=\"cut", "a=1;", Outcome::Broken),
            ("url=http://h/?x=1 b=2", "url=http://h/?x=1;b=2;", Outcome::Whole),
            ("hello a=1", "", Outcome::Foreign),
            ("=1", "", Outcome::Foreign),
            ("1=1", "", Outcome::Foreign),
        ];
        for (line, want, outcome) in rows {
            let mut tape = Tape::default();
            assert_eq!(walk(line, &mut tape), outcome, "{line}");
            assert_eq!(tape.0, want, "{line}");
        }
        assert!(looks("a=1 b=2") && !looks("a=1 hello"));
        assert_eq!(tail("migrations completed performed=9 skipped=0"), Some(21));
        assert_eq!(tail("nothing here == at all"), None);
    }
}

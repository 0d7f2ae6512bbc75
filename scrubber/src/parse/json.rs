//! JSON objects, read in one pass and without copies.
//!
//! Lenient where a logger may be (control characters in strings, any number), strict where leniency
//! could hand a value to the wrong key. A line that stops in the middle keeps the members read so
//! far. Skipped branches are passed over by their brackets and strings alone.

use super::{DEPTH_MAX, Outcome, Step, Text, Value, Visit};

/// Visits the members of the object that `text` consists of.
pub(crate) fn walk(text: &str, visit: &mut impl Visit) -> Outcome {
    let mut r = Reader { text, at: 0, members: 0 };
    r.space();
    if r.peek() != Some(b'{') {
        return Outcome::Foreign;
    }
    let read = r.object(visit, 0);
    r.space();
    match read {
        Some(()) if r.at == text.len() => Outcome::Whole,
        _ if r.members == 0 => Outcome::Foreign,
        _ => Outcome::Broken,
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// Members handed to the visitor.
    members: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn eat(&mut self, b: u8) -> Option<()> {
        self.space();
        (self.peek() == Some(b)).then(|| self.at += 1)
    }

    fn object(&mut self, visit: &mut impl Visit, depth: usize) -> Option<()> {
        self.eat(b'{')?;
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Some(());
        }
        loop {
            self.space();
            let key = self.string()?;
            self.eat(b':')?;
            self.space();
            self.member(key, visit, depth)?;
            self.members += 1;
            self.space();
            match self.peek()? {
                b',' => self.at += 1,
                b'}' => {
                    self.at += 1;
                    return Some(());
                }
                _ => return None,
            }
        }
    }

    fn member(&mut self, key: Text<'a>, visit: &mut impl Visit, depth: usize) -> Option<()> {
        match self.peek()? {
            b'{' => {
                if depth + 1 < DEPTH_MAX && visit.enter(key) == Step::Descend {
                    let read = self.object(visit, depth + 1);
                    visit.leave();
                    read
                } else {
                    self.skip()
                }
            }
            b'[' => {
                self.skip()?;
                visit.value(key, Value::Array);
                Some(())
            }
            b'"' => {
                let text = self.string()?;
                visit.value(key, Value::Text(text));
                Some(())
            }
            _ => {
                let value = self.scalar()?;
                visit.value(key, value);
                Some(())
            }
        }
    }

    /// A string without its quotes. `None` when it does not end.
    fn string(&mut self) -> Option<Text<'a>> {
        if self.peek() != Some(b'"') {
            return None;
        }
        let bytes = self.text.as_bytes();
        let start = self.at + 1;
        let mut i = start;
        loop {
            i += memchr::memchr2(b'"', b'\\', bytes.get(i..)?)?;
            if bytes.get(i) == Some(&b'"') {
                self.at = i + 1;
                return Some(Text::backslashed(self.text.get(start..i)?));
            }
            i += 2;
        }
    }

    fn scalar(&mut self) -> Option<Value<'a>> {
        let rest = self.text.get(self.at..)?;
        let end = rest
            .bytes()
            .position(|b| matches!(b, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r'))?;
        let word = rest.get(..end)?;
        self.at += end;
        match word {
            "null" => Some(Value::Null),
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            _ if is_number(word) => Some(Value::Number(word)),
            _ => None,
        }
    }

    /// Passes over an object or array, however deep, by counting brackets outside strings.
    fn skip(&mut self) -> Option<()> {
        let mut open = 0usize;
        loop {
            match self.peek()? {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' => open += 1,
                b'}' | b']' => {
                    open -= 1;
                    if open == 0 {
                        self.at += 1;
                        return Some(());
                    }
                }
                _ => {}
            }
            self.at += 1;
        }
    }
}

/// Whether `s` is a number as JSON writes it, of any size.
fn is_number(s: &str) -> bool {
    let s = s.strip_prefix('-').unwrap_or(s);
    s.bytes().next().is_some_and(|b| b.is_ascii_digit())
        && s.bytes().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes what it is told, and enters every object whose key does not start with `x`.
    #[derive(Default)]
    pub(super) struct Tape {
        out: String,
        path: Vec<String>,
    }

    impl Visit for Tape {
        fn enter(&mut self, key: Text<'_>) -> Step {
            let key = key.decode(&mut String::new()).to_owned();
            if key.starts_with('x') {
                return Step::Skip;
            }
            self.path.push(key);
            Step::Descend
        }

        fn leave(&mut self) {
            self.path.pop();
        }

        fn value(&mut self, key: Text<'_>, value: Value<'_>) {
            for p in &self.path {
                self.out.push_str(p);
                self.out.push('.');
            }
            self.out.push_str(key.decode(&mut String::new()));
            self.out.push('=');
            match value {
                Value::Null => self.out.push_str("null"),
                Value::Bool(b) => self.out.push_str(if b { "true" } else { "false" }),
                Value::Number(n) => self.out.push_str(n),
                Value::Text(t) => self.out.push_str(t.decode(&mut String::new())),
                Value::Array => self.out.push_str("[]"),
            }
            self.out.push(';');
        }
    }

    #[test]
    fn objects_are_walked_and_damage_is_told() {
        use Outcome::{Broken, Foreign, Whole};
        let rows = [
            (
                r#"{"a":1,"b":{"c":"d","e":[1,{"f":2}]},"g":null}"#,
                "a=1;b.c=d;b.e=[];g=null;",
                Whole,
            ),
            (r#" { } "#, "", Whole),
            (r#"{"x":{"a":"}","b":[[{}]]},"c":true}"#, "c=true;", Whole),
            (r#"{"a":"\u0041\n\"q\"","a":2}"#, "a=A\n\"q\";a=2;", Whole),
            (
                r#"{"n":-1.5e300,"h":123456789012345678901234567890}"#,
                "n=-1.5e300;h=123456789012345678901234567890;",
                Whole,
            ),
            (r#"{"a":1,"b":"cut in the mid"#, "a=1;", Broken),
            (r#"{"a":1,"b":{"c":2,"d":"#, "a=1;b.c=2;", Broken),
            (r#"{"a":1} trailing"#, "a=1;", Broken),
            (r#"{"a":1,"b":nonsense}"#, "a=1;", Broken),
            (r#"{"a":"esc\"#, "", Foreign),
            (r#"{'a': 1}"#, "", Foreign),
            (r#"[{"a":1}]"#, "", Foreign),
            ("{", "", Foreign),
            ("", "", Foreign),
            (r#"{"a" 1}"#, "", Foreign),
        ];
        for (line, want, outcome) in rows {
            let mut tape = Tape::default();
            assert_eq!(walk(line, &mut tape), outcome, "{line}");
            assert_eq!(tape.out, want, "{line}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let deep = |n: usize| format!("{}1{}", r#"{"a":"#.repeat(n), "}".repeat(n));
        let mut tape = Tape::default();
        assert_eq!(walk(&deep(DEPTH_MAX), &mut tape), Outcome::Whole);
        assert!(tape.out.ends_with("a=1;"));
        let mut tape = Tape::default();
        assert_eq!(walk(&deep(5_000), &mut tape), Outcome::Whole);
        assert_eq!(tape.out, "");
        let mut tape = Tape::default();
        assert_eq!(walk(&"[{".repeat(100_000), &mut tape), Outcome::Foreign);
    }

    #[test]
    fn every_cut_is_survived() {
        let line = r#"{"a":{"b":"é\u00e9\"","c":[1,2,{"d":"]"}]},"e":-1.0,"f":false}"#;
        for cut in (0..=line.len()).filter(|&i| line.is_char_boundary(i)) {
            walk(&line[..cut], &mut Tape::default());
        }
    }
}

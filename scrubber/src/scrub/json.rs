//! Whether a text is one JSON value, in one walk without allocation.

/// Nesting followed; deeper texts count as not JSON.
const DEPTH_MAX: u32 = 127;

/// Whether `text` is one JSON value by RFC 8259. UTF-8 is not checked.
pub(super) fn is_json(text: &[u8]) -> bool {
    Walk { text, at: 0, objects: 0, depth: 0 }.value_and_end()
}

struct Walk<'a> {
    text: &'a [u8],
    at: usize,
    /// Bit `d`: the container at depth `d` is an object.
    objects: u128,
    depth: u32,
}

impl Walk<'_> {
    fn value_and_end(mut self) -> bool {
        loop {
            // A value is due here.
            match self.peek() {
                open @ (b'{' | b'[') => {
                    let object = open == b'{';
                    if self.depth == DEPTH_MAX {
                        return false;
                    }
                    self.at += 1;
                    self.depth += 1;
                    self.objects =
                        self.objects & !(1 << self.depth) | u128::from(object) << self.depth;
                    if self.peek() == if object { b'}' } else { b']' } {
                        if !self.close() {
                            return self.ends();
                        }
                    } else if !object || self.key() {
                        continue;
                    } else {
                        return false;
                    }
                }
                _ if !self.scalar() => return false,
                _ => {}
            }
            if !self.after_value() {
                return self.depth == 0 && self.ends();
            }
        }
    }

    /// After a value: closes what ends and moves to the next value. False if none is due.
    fn after_value(&mut self) -> bool {
        while self.depth > 0 {
            let object = self.objects >> self.depth & 1 == 1;
            match self.peek() {
                b',' => {
                    self.at += 1;
                    return !object || self.key();
                }
                b'}' if object => self.close(),
                b']' if !object => self.close(),
                _ => return false,
            };
        }
        false
    }

    /// Leaves a container. Whether another surrounds it.
    fn close(&mut self) -> bool {
        self.at += 1;
        self.depth -= 1;
        self.depth > 0
    }

    fn ends(&mut self) -> bool {
        self.peek();
        self.at == self.text.len()
    }

    /// The next byte that is no white space, NUL at the end.
    fn peek(&mut self) -> u8 {
        while matches!(self.byte(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
        self.byte()
    }

    fn byte(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(0)
    }

    fn key(&mut self) -> bool {
        let string = self.peek() == b'"' && self.string();
        let colon = string && self.peek() == b':';
        self.at += usize::from(colon);
        colon
    }

    fn scalar(&mut self) -> bool {
        match self.peek() {
            b'"' => self.string(),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &[u8]) -> bool {
        let same = self.text.get(self.at..).is_some_and(|t| t.starts_with(word));
        self.at += word.len();
        same
    }

    fn string(&mut self) -> bool {
        self.at += 1;
        loop {
            match self.byte() {
                b'"' => {
                    self.at += 1;
                    return true;
                }
                b'\\' => self.at += 2,
                0..0x20 => return false,
                _ => self.at += 1,
            }
        }
    }

    fn number(&mut self) -> bool {
        self.at += usize::from(self.byte() == b'-');
        let whole = self.digits();
        let mut ok = whole > 0;
        if self.byte() == b'.' {
            self.at += 1;
            ok &= self.digits() > 0;
        }
        if matches!(self.byte(), b'e' | b'E') {
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), b'+' | b'-'));
            ok &= self.digits() > 0;
        }
        ok
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.byte().is_ascii_digit() {
            self.at += 1;
        }
        self.at - start
    }
}

#[cfg(test)]
mod tests {
    use super::is_json;

    #[test]
    fn grammar() {
        for ok in [
            "{}",
            "[]",
            " {\"a\":[1,-2.5e+3,{\"b\":null}],\"c\":\"\\\"\"} ",
            "[[],{}]",
            "0",
            "[true ,false]",
        ] {
            assert!(is_json(ok.as_bytes()), "{ok}");
        }
        for bad in [
            "",
            "{",
            "[1,]",
            "{\"a\":}",
            "{a:1}",
            "[2026-01-02] x",
            "[1] 2",
            "{\"a\":1,}",
            "\"",
            "[1}",
            "{]",
        ] {
            assert!(!is_json(bad.as_bytes()), "{bad}");
        }
    }
}

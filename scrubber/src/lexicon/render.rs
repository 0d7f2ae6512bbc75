//! Writes a judged message: kept tokens as they were, the rest as placeholders.
//!
//! Invariants: nothing of a masked token is copied; a run of masked tokens becomes one placeholder
//! (`<n>` when it was numbers only, `<str>` for quoted text, else `<w>`); control characters and
//! terminal escapes are never copied.

use super::token::{Kind, Token, escape_len};

const WORD: &str = "<w>";
const NUMBER: &str = "<n>";
const QUOTED: &str = "<str>";

/// Appends the message to `out`.
pub(super) fn render(text: &str, tokens: &[Token], out: &mut String) {
    let mut end = 0;
    let mut run: Option<(usize, &'static str)> = None;
    for token in tokens {
        let gap = text.get(end..token.start as usize).unwrap_or("");
        end = token.end as usize;
        if token.keep {
            push_gap(gap, out);
            out.push_str(text.get(token.range()).unwrap_or(WORD));
            run = None;
            continue;
        }
        let name = match token.kind {
            Kind::Number(_) => NUMBER,
            Kind::Quoted => QUOTED,
            _ => WORD,
        };
        match run {
            Some((start, before)) if is_joint(gap) => {
                if before != name {
                    out.truncate(start);
                    out.push_str(WORD);
                    run = Some((start, WORD));
                }
            }
            _ => {
                push_gap(gap, out);
                run = Some((out.len(), name));
                out.push_str(name);
            }
        }
    }
    push_gap(text.get(end..).unwrap_or(""), out);
}

/// Punctuation inside a run of masked tokens; quotes and brackets show structure and stay.
fn is_joint(gap: &str) -> bool {
    !gap.bytes().any(|b| {
        matches!(
            b,
            b'"' | b'`' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'=' | b'<' | b'>' | b'|'
        )
    })
}

fn push_gap(gap: &str, out: &mut String) {
    if !gap.bytes().any(|b| b.is_ascii_control()) {
        out.push_str(gap);
        return;
    }
    let mut at = 0;
    while let Some(c) = gap.get(at..).and_then(|g| g.chars().next()) {
        if c == '\u{1b}' {
            at += escape_len(gap.as_bytes().get(at..).unwrap_or(&[]));
            continue;
        }
        if c.is_ascii_control() {
            out.push(' ');
        } else {
            out.push(c);
        }
        at += c.len_utf8();
    }
}

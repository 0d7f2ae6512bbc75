//! The disguises of a value in the encoded corpus, by the names that templates use.

use std::fmt::Write;

/// Appends `value` as `encoding` writes it.
///
/// # Errors
/// An encoding that is not known.
pub(super) fn write(encoding: &str, value: &str, out: &mut String) -> Result<(), String> {
    match encoding {
        "" => out.push_str(value),
        "percent" => percent(value, "%", out),
        "percent2" => percent(value, "%25", out),
        "json" => {
            each(value, |c| matches!(c, '@' | '+' | '.'), out, |out, c| hex(out, "\\u00", c, ""))
        }
        "html" => each(
            value,
            |c| !c.is_ascii_alphanumeric(),
            out,
            |out, c| {
                // Writing to a string cannot fail.
                let _ = write!(out, "&#{};", c as u32);
            },
        ),
        "qp" => each(value, |c| matches!(c, '@' | '+' | '='), out, |out, c| hex(out, "=", c, "")),
        "base64" => base64(value.as_bytes(), out),
        "fullwidth" => each(
            value,
            |c| c.is_ascii_digit(),
            out,
            |out, c| {
                out.extend(char::from_u32(c as u32 + 0xFEE0));
            },
        ),
        "nbsp" => each(value, |c| c == ' ', out, |out, _| out.push('\u{a0}')),
        "zero" => each(value, |_| true, out, |out, c| out.extend([c, '\u{200b}'])),
        _ => return Err(format!("no encoding is called `{encoding}`")),
    }
    Ok(())
}

fn each(value: &str, is: impl Fn(char) -> bool, out: &mut String, f: impl Fn(&mut String, char)) {
    for c in value.chars() {
        if is(c) { f(out, c) } else { out.push(c) }
    }
}

fn percent(value: &str, sign: &str, out: &mut String) {
    each(value, |c| !c.is_ascii_alphanumeric() && c != '.', out, |out, c| hex(out, sign, c, ""));
}

fn hex(out: &mut String, before: &str, c: char, after: &str) {
    // Writing to a string cannot fail.
    let _ = write!(out, "{before}{:02X}{after}", c as u32);
}

/// Standard alphabet, padded.
fn base64(bytes: &[u8], out: &mut String) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for group in bytes.chunks(3) {
        let byte = |i: usize| u32::from(group.get(i).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            let six = (bits >> (18 - 6 * i) & 63) as usize;
            let letter = ALPHABET.get(six).copied().unwrap_or(b'=');
            out.push(if i <= group.len() { char::from(letter) } else { '=' });
        }
    }
}

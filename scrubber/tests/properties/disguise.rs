//! Ways in which a value stands in a log without being written plainly: other characters, invisible
//! ones, encodings. Structures around values are in `carrier`.
//!
//! A disguise takes bytes, since some leave UTF-8, and gives nothing where it has no sense.

use super::canary::Canary;
use super::random::Random;

/// One way to write a value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Disguise {
    pub(crate) name: &'static str,
    /// What it does. `None` where it changes nothing or has no sense.
    pub(crate) write: fn(&[u8], &Canary, &mut Random) -> Option<Vec<u8>>,
}

macro_rules! disguises {
    ($($name:literal = $write:expr;)*) => {
        /// Every disguise.
        pub(crate) const DISGUISES: &[Disguise] = &[$(Disguise { name: $name, write: $write }),*];
    };
}

disguises! {
    "plain" = |v, _, _| Some(v.to_vec());
    // A1: digits of other scripts.
    "digits full width" = |v, _, _| digits(v, '０');
    "digits arabic" = |v, _, _| digits(v, '٠');
    "digits extended arabic" = |v, _, _| digits(v, '۰');
    "digits devanagari" = |v, _, _| digits(v, '०');
    "digits mathematical bold" = |v, _, _| digits(v, '𝟎');
    "digits mathematical mono" = |v, _, _| digits(v, '𝟶');
    "digits superscript" = |v, _, _| table(v, "⁰¹²³⁴⁵⁶⁷⁸⁹");
    "digits subscript" = |v, _, _| table(v, "₀₁₂₃₄₅₆₇₈₉");
    "digits circled" = |v, _, _| table(v, "⓪①②③④⑤⑥⑦⑧⑨");
    "digits circled black" = |v, _, _| table(v, "⓿❶❷❸❹❺❻❼❽❾");
    // A2, A3: signs and letters drawn the same.
    "signs full width" = |v, _, _| replace(v, "@.+-:/", &["＠", "．", "＋", "－", "：", "／"]);
    "sign small at" = |v, _, _| replace(v, "@", &["﹫"]);
    "all full width" = |v, _, _| full_width(v);
    "letters cyrillic" = |v, c, _| look_alike(v, c, "aeopcyxisj", "аеорсухіѕј");
    "letters greek" = |v, c, _| look_alike(v, c, "ovia", "ονια");
    "letters mathematical" = |v, c, _| look_alike(v, c, LOWER, BOLD);
    "combining stroke" = |v, _, _| after_each(v, "\u{336}");
    "combining keycap" = |v, _, _| after_each(v, "\u{fe0f}\u{20e3}");
    // A4: not drawn.
    "zero width space" = |v, _, r| insert(v, "\u{200b}", r);
    "zero width joiner" = |v, _, r| insert(v, "\u{200d}", r);
    "word joiner" = |v, _, r| insert(v, "\u{2060}", r);
    "byte order mark" = |v, _, r| insert(v, "\u{feff}", r);
    "soft hyphen" = |v, _, r| insert(v, "\u{ad}", r);
    "bidi override" = |v, _, _| Some([b"\xE2\x80\xAD", v, b"\xE2\x80\xAC"].concat());
    "bidi isolates" = |v, _, r| insert(v, "\u{2069}\u{2066}", r);
    "variation selector" = |v, _, _| after_each(v, "\u{fe0e}");
    "variation supplement" = |v, _, r| insert(v, "\u{e0101}", r);
    "tag character" = |v, _, r| insert(v, "\u{e0001}", r);
    "written in tags" = |v, _, _| in_tags(v);
    // A5, A6: spaces and hyphens.
    "space no-break" = |v, _, _| replace(v, " ", &["\u{a0}"]);
    "space narrow" = |v, _, _| replace(v, " ", &["\u{202f}"]);
    "space thin" = |v, _, _| replace(v, " ", &["\u{2009}"]);
    "space figure" = |v, _, _| replace(v, " ", &["\u{2007}"]);
    "space ideographic" = |v, _, _| replace(v, " ", &["\u{3000}"]);
    "hyphen" = |v, _, _| replace(v, "-", &["\u{2010}"]);
    "hyphen no-break" = |v, _, _| replace(v, "-", &["\u{2011}"]);
    "hyphen figure" = |v, _, _| replace(v, "-", &["\u{2012}"]);
    "hyphen en" = |v, _, _| replace(v, "-", &["\u{2013}"]);
    "hyphen minus" = |v, _, _| replace(v, "-", &["\u{2212}"]);
    "hyphen small" = |v, _, _| replace(v, "-", &["\u{fe63}"]);
    "hyphen full width" = |v, _, _| replace(v, "-", &["\u{ff0d}"]);
    // B: encodings of the field.
    "percent specials" = |v, _, _| escape(v, special, |b| format!("%{b:02X}"));
    "percent all" = |v, _, _| escape(v, any, |b| format!("%{b:02X}"));
    "percent lower" = |v, _, _| escape(v, any, |b| format!("%{b:02x}"));
    "percent double" = |v, _, _| escape(v, special, |b| format!("%25{b:02X}"));
    "percent double all" = |v, _, _| escape(v, any, |b| format!("%25{b:02x}"));
    "plus as space" = |v, _, _| replace(v, " ", &["+"]);
    "u specials" = |v, _, _| unicode(v, |c| !c.is_ascii_alphanumeric());
    "u all" = |v, _, _| unicode(v, |_| true);
    "u braces" = |v, _, _| chars(v, |_| true, |c| format!("\\u{{{:x}}}", u32::from(c)));
    "x specials" = |v, _, _| escape(v, special, |b| format!("\\x{b:02x}"));
    "x all" = |v, _, _| escape(v, any, |b| format!("\\x{b:02x}"));
    "x upper" = |v, _, _| escape(v, any, |b| format!("\\x{b:02X}"));
    "octal specials" = |v, _, _| escape(v, special, |b| format!("\\{b:03o}"));
    "octal all" = |v, _, _| escape(v, any, |b| format!("\\{b:03o}"));
    "html decimal" = |v, _, _| chars(v, |_| true, |c| format!("&#{};", u32::from(c)));
    "html padded" = |v, _, _| chars(v, |_| true, |c| format!("&#{:07}", u32::from(c)));
    "html hexadecimal" = |v, _, _| chars(v, |_| true, |c| format!("&#x{:x};", u32::from(c)));
    "html named" = |v, _, _| html_named(v).filter(|_| !on_terminal(v));
    "html twice" = |v, _, _| chars(v, |_| true, |c| format!("&amp;#{};", u32::from(c)));
    "quoted-printable" = |v, _, _| quoted_printable(v);
    "quoted-printable all" = |v, _, _| escape(v, any, |b| format!("={b:02X}"));
    "quoted-printable breaks" = |v, _, r| insert(v, "=\r\n", r);
    "utf-7" = |v, _, _| utf7(v, |c| !c.is_ascii_alphanumeric());
    "utf-7 all" = |v, _, _| utf7(v, |_| true);
    "base64" = |v, _, _| Some(base64(v, STANDARD, true));
    "base64 second" = |v, _, _| Some(base64(&[b"x ", v].concat(), STANDARD, true));
    "base64 third" = |v, _, _| Some(base64(&[b"v=", v, b"\n"].concat(), STANDARD, true));
    "base64 unpadded" = |v, _, _| Some(base64(v, STANDARD, false));
    "base64 url" = |v, _, _| Some(base64(&[b"?>~", v].concat(), URL_SAFE, false));
    "base64 in text" = |v, _, _| Some(in_text(&base64(&[b"(", v, b")"].concat(), STANDARD, false)));
    "hex" = |v, _, _| Some(hex(v, "", false));
    "hex upper" = |v, _, _| Some(hex(v, "", true));
    "hex 0x" = |v, _, _| Some([&b"0x"[..], &hex(v, "", false)].concat());
    "hex bytea" = |v, _, _| Some([&b"\\x"[..], &hex(v, "", false)].concat());
    "hex spaced" = |v, _, _| Some(hex(v, " ", false));
    "hex colons" = |v, _, _| Some(hex(v, ":", true));
    "bytes of go" = |v, _, _| Some(bytes(v, " "));
    "bytes of node" = |v, _, _| Some(bytes(v, ","));
    // B18 to B20: other encodings of the bytes.
    "utf-16 little" = |v, _, _| utf16(v, false);
    "utf-16 big" = |v, _, _| utf16(v, true);
    "latin-1 space" = |v, _, _| latin1(v);
    "invalid byte" = |v, _, r| insert_bytes(v, &[*r.pick(&[0xFF, 0xC3, 0x80])], r);
    "replacement" = |v, _, r| insert(v, "\u{fffd}", r);
    "overlong two" = |v, _, _| overlong(v, |b| vec![0xC0 | b >> 6, 0x80 | b & 0x3F]);
    "overlong three" = |v, _, _| overlong(v, |b| vec![0xE0, 0x80 | b >> 6, 0x80 | b & 0x3F]);
    // D9, D10: terminals.
    "colour" = |v, _, r| insert(v, "\u{1b}[1;31m", r);
    "colour of bytes" = |v, _, r| insert_bytes(v, b"\x9b0m", r);
    "colour shown" = |v, _, r| insert(v, "^[[0m", r);
    "link" = |v, _, r| insert(v, "\u{1b}]8;;\u{7}", r);
    "charset" = |v, _, r| insert(v, "\u{1b}(B", r);
    "overstrike" = |v, _, _| overstrike(v, |c| c.to_string());
    "underline" = |v, _, _| overstrike(v, |_| "_".into());
    // C2 to C5, C19: structures that take a value apart.
    "html tags" = |v, _, _| tags(v);
    "array" = |v, c, _| array(v, c, "", ",");
    "array of strings" = |v, c, _| array(v, c, "\"", ", ");
    "number" = |v, c, _| number(v, c, "");
    "number with fraction" = |v, c, _| number(v, c, ".0");
    "number with exponent" = |v, c, _| exponent(v, c);
    "name then value" = |v, c, _| pair(v, c, true);
    "value then name" = |v, c, _| pair(v, c, false);
    "two fields" = |v, c, _| two_fields(v, c);
}

const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const BOLD: &str = "𝐚𝐛𝐜𝐝𝐞𝐟𝐠𝐡𝐢𝐣𝐤𝐥𝐦𝐧𝐨𝐩𝐪𝐫𝐬𝐭𝐮𝐯𝐰𝐱𝐲𝐳";
const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn utf8(v: &[u8]) -> Option<&str> {
    std::str::from_utf8(v).ok()
}

/// Each character that `which` selects, as `write` writes it. `None` if none is.
fn chars(
    v: &[u8],
    which: impl Fn(char) -> bool,
    write: impl Fn(char) -> String,
) -> Option<Vec<u8>> {
    let v = utf8(v)?;
    let out: String = v.chars().map(|c| if which(c) { write(c) } else { c.to_string() }).collect();
    (out != v).then(|| out.into_bytes())
}

/// Control sequences are ASCII or none: other characters are chosen before them.
fn on_terminal(v: &[u8]) -> bool {
    v.iter().any(|b| matches!(b, 0x1B | 0x08 | b'^' | 0x9B))
}

/// In UTF-16 already: a character of bytes among its units has no sense.
fn is_wide(v: &[u8]) -> bool {
    v.contains(&0)
}

fn is_tag(c: char) -> bool {
    (0xE0020..0xE0080).contains(&(c as u32))
}

/// Written with escapes, which end where they please their decoder.
fn escaped(v: &[u8]) -> bool {
    v.iter().any(|b| matches!(b, b'&' | b'\\' | b'%' | b'='))
}

fn digits(v: &[u8], zero: char) -> Option<Vec<u8>> {
    if on_terminal(v) || is_wide(v) {
        return None;
    }
    let to = |c: char| char::from_u32(zero as u32 + c as u32 - u32::from(b'0')).unwrap();
    chars(v, |c| c.is_ascii_digit(), |c| to(c).to_string())
}

fn table(v: &[u8], digits: &str) -> Option<Vec<u8>> {
    if on_terminal(v) || is_wide(v) {
        return None;
    }
    let to = |c: char| digits.chars().nth(c as usize - usize::from(b'0')).unwrap();
    chars(v, |c| c.is_ascii_digit(), |c| to(c).to_string())
}

fn replace(v: &[u8], from: &str, to: &[&str]) -> Option<Vec<u8>> {
    if is_wide(v) {
        return None;
    }
    chars(v, |c| from.contains(c), |c| to[from.find(c).unwrap()].into())
}

fn full_width(v: &[u8]) -> Option<Vec<u8>> {
    if on_terminal(v) || is_wide(v) {
        return None;
    }
    let wide = |c: char| char::from_u32(c as u32 - 0x21 + 0xFF01).unwrap();
    chars(v, |c| c.is_ascii_graphic(), |c| wide(c).to_string())
}

fn look_alike(v: &[u8], canary: &Canary, from: &str, to: &str) -> Option<Vec<u8>> {
    let to = |c: char| to.chars().nth(from.chars().position(|x| x == c).unwrap()).unwrap();
    // Where case and script matter a look-alike is another value.
    if canary.exact || !v.is_ascii() || on_terminal(v) {
        return None;
    }
    chars(v, |c| from.contains(c), |c| to(c).to_string())
}

fn after_each(v: &[u8], mark: &str) -> Option<Vec<u8>> {
    if on_terminal(v) || is_wide(v) {
        return None;
    }
    chars(v, |c| c.is_ascii_alphanumeric(), |c| format!("{c}{mark}"))
}

/// At one to three places inside. A control sequence or a hidden text stays whole.
fn insert(v: &[u8], what: &str, r: &mut Random) -> Option<Vec<u8>> {
    let v = utf8(v)?;
    if on_terminal(v.as_bytes()) || is_wide(v.as_bytes()) || v.contains(is_tag) {
        return None;
    }
    // An escape stays whole too.
    let free = |(i, c): &(usize, char)| *i > 0 && (!escaped(v.as_bytes()) || "&\\%=".contains(*c));
    let places: Vec<usize> = v.char_indices().filter(free).map(|(i, _)| i).collect();
    insert_at(v.as_bytes(), &places, what.as_bytes(), r)
}

fn insert_bytes(v: &[u8], what: &[u8], r: &mut Random) -> Option<Vec<u8>> {
    if on_terminal(v) || is_wide(v) {
        return None;
    }
    let free = |i: usize| !escaped(v) || b"&\\%=".contains(&v[i]);
    let plain =
        |i: &usize| free(*i) && v[*i].is_ascii_alphanumeric() && v[i - 1].is_ascii_alphanumeric();
    let places: Vec<usize> = (1..v.len()).filter(plain).collect();
    insert_at(v, &places, what, r)
}

fn insert_at(v: &[u8], places: &[usize], what: &[u8], r: &mut Random) -> Option<Vec<u8>> {
    if places.is_empty() {
        return None;
    }
    let mut at: Vec<usize> = (0..=r.below(3)).map(|_| *r.pick(places)).collect();
    at.sort_unstable();
    at.dedup();
    let mut out = v.to_vec();
    for i in at.into_iter().rev() {
        out.splice(i..i, what.iter().copied());
    }
    Some(out)
}

fn in_tags(v: &[u8]) -> Option<Vec<u8>> {
    let printed = v.iter().all(|b| (b' '..=b'~').contains(b));
    chars(v, |_| printed, |c| char::from_u32(0xE0000 + c as u32).unwrap().to_string())
}

fn special(b: u8) -> bool {
    !b.is_ascii_alphanumeric()
}

fn any(_: u8) -> bool {
    true
}

/// Each byte that `which` selects, as `write` writes it.
fn escape(v: &[u8], which: impl Fn(u8) -> bool, write: impl Fn(u8) -> String) -> Option<Vec<u8>> {
    let out: Vec<u8> =
        v.iter().flat_map(|&b| if which(b) { write(b).into_bytes() } else { vec![b] }).collect();
    (out != v).then_some(out)
}

/// A single `=20` between a word and a number cannot be told from a pair. The signs of other
/// escapes are printable: quoted-printable leaves them.
fn quoted_printable(v: &[u8]) -> Option<Vec<u8>> {
    // Of its own output, or of a control sequence of bytes, nobody makes it.
    let twice = v.windows(2).any(|w| w == b"=\r") || v.iter().filter(|b| **b == b'=').count() == 1;
    if twice || v.contains(&0x9B) {
        return None;
    }
    let (escapes, pair) = (escaped(v) || v.contains(&b'+'), v.contains(&b' '));
    let pair = (pair || utf8(v).is_none()) && v.iter().filter(|b| special(**b)).count() == 1;
    let which = |b: u8| if escapes { b == b'=' || b >= 0x80 } else { special(b) && !pair };
    escape(v, which, |b| format!("={b:02X}"))
}

fn unicode(v: &[u8], which: impl Fn(char) -> bool) -> Option<Vec<u8>> {
    let write = |c: char| {
        let mut units = [0; 2];
        c.encode_utf16(&mut units).iter().map(|u| format!("\\u{u:04x}")).collect()
    };
    chars(v, which, write)
}

fn html_named(v: &[u8]) -> Option<Vec<u8>> {
    let name = |c: char| match c {
        '@' => "&commat;",
        '.' => "&period;",
        '+' => "&plus;",
        '-' => "&hyphen;",
        ':' => "&colon;",
        '/' => "&sol;",
        '=' => "&equals;",
        '_' => "&lowbar;",
        '!' => "&excl;",
        '*' => "&ast;",
        '\u{a0}' => "&nbsp;",
        '\u{ad}' => "&shy;",
        '\u{2009}' => "&thinsp;",
        '\u{200d}' => "&zwj;",
        '%' => "&percnt;",
        '&' => "&amp;",
        '\\' => "&bsol;",
        _ => "",
    };
    chars(v, |c| !name(c).is_empty(), |c| name(c).into())
}

fn utf7(v: &[u8], which: impl Fn(char) -> bool) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut pending: Vec<u8> = Vec::new();
    let close = |pending: &mut Vec<u8>, out: &mut Vec<u8>| {
        if !pending.is_empty() {
            out.push(b'+');
            out.extend(base64(pending, STANDARD, false));
            out.push(b'-');
            pending.clear();
        }
    };
    for c in utf8(v)?.chars() {
        if which(c) {
            let mut units = [0; 2];
            pending.extend(c.encode_utf16(&mut units).iter().flat_map(|u| u.to_be_bytes()));
        } else {
            close(&mut pending, &mut out);
            out.extend(c.to_string().into_bytes());
        }
    }
    close(&mut pending, &mut out);
    (out != v).then_some(out)
}

fn base64(v: &[u8], alphabet: &[u8; 64], pad: bool) -> Vec<u8> {
    let mut out = Vec::new();
    for chunk in v.chunks(3) {
        let n = chunk.iter().fold(0, |n, &b| n << 8 | u32::from(b)) << (8 * (3 - chunk.len()));
        for i in 0..=chunk.len() {
            out.push(alphabet[(n >> (18 - 6 * i)) as usize & 63]);
        }
        if pad {
            out.resize(out.len() + 3 - chunk.len(), b'=');
        }
    }
    out
}

fn in_text(v: &[u8]) -> Vec<u8> {
    [b"data:text/plain;base64,", v].concat()
}

fn hex(v: &[u8], sep: &str, upper: bool) -> Vec<u8> {
    let one = |b: &u8| if upper { format!("{b:02X}") } else { format!("{b:02x}") };
    v.iter().map(one).collect::<Vec<_>>().join(sep).into_bytes()
}

fn bytes(v: &[u8], sep: &str) -> Vec<u8> {
    let list = v.iter().map(u8::to_string).collect::<Vec<_>>().join(sep);
    format!("[{list}]").into_bytes()
}

/// Of ASCII: a value in another script has no NUL that would tell it in a line of bytes. Whole
/// lines in UTF-16 are carriers.
fn utf16(v: &[u8], big: bool) -> Option<Vec<u8>> {
    if !v.is_ascii() {
        return None;
    }
    let order = |u: u16| if big { u.to_be_bytes() } else { u.to_le_bytes() };
    Some(utf8(v)?.encode_utf16().flat_map(order).collect())
}

fn latin1(v: &[u8]) -> Option<Vec<u8>> {
    v.contains(&b' ').then(|| v.iter().map(|&b| if b == b' ' { 0xA0 } else { b }).collect())
}

fn overlong(v: &[u8], write: impl Fn(u8) -> Vec<u8>) -> Option<Vec<u8>> {
    v.is_ascii().then(|| v.iter().flat_map(|&b| write(b)).collect())
}

fn overstrike(v: &[u8], first: impl Fn(char) -> String) -> Option<Vec<u8>> {
    if on_terminal(v) || is_wide(v) {
        return None;
    }
    chars(v, |c| c.is_alphanumeric(), |c| format!("{}\u{8}{c}", first(c)))
}

/// `<b>06</b>12…`, around characters: an escape stays whole.
fn tags(v: &[u8]) -> Option<Vec<u8>> {
    if on_terminal(v) || is_wide(v) || escaped(v) || v.contains(&b'+') {
        return None;
    }
    let v = utf8(v)?;
    let at = v.char_indices().map(|(i, _)| i).nth(v.chars().count() / 3)?;
    Some(format!("<b class=\"x\">{}</b>{}", &v[..at], &v[at..]).into_bytes())
}

/// The digits of a value that is nothing else, but for a sign or spaces.
fn only_digits(v: &[u8]) -> Option<String> {
    let v = utf8(v)?;
    let digits: String = v.chars().filter(|c| c.is_ascii_digit()).collect();
    let rest = v.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | ' ' | '-'));
    // An identifier, not what an encoding made of one.
    (rest && (9..=23).contains(&digits.len())).then_some(digits)
}

fn array(v: &[u8], canary: &Canary, quote: &str, sep: &str) -> Option<Vec<u8>> {
    let digits: Vec<_> = only_digits(v)?.chars().map(|d| format!("{quote}{d}{quote}")).collect();
    Some(format!("{{\"{}\":[{}]}}", canary.key, digits.join(sep)).into_bytes())
}

fn number(v: &[u8], canary: &Canary, end: &str) -> Option<Vec<u8>> {
    let digits = only_digits(v)?;
    let digits = digits.trim_start_matches('0');
    Some(format!("{{\"{}\":{digits}{end}}}", canary.key).into_bytes())
}

fn exponent(v: &[u8], canary: &Canary) -> Option<Vec<u8>> {
    let digits = only_digits(v)?;
    let digits = digits.trim_start_matches('0');
    let (n, mantissa) = (digits.len() - 1, digits.trim_end_matches('0'));
    let (a, b) = mantissa.split_at(1);
    (!b.is_empty()).then(|| format!("{{\"{}\":{a}.{b}E{n}}}", canary.key).into_bytes())
}

fn pair(v: &[u8], canary: &Canary, name_first: bool) -> Option<Vec<u8>> {
    let (v, key) = (utf8(v)?, canary.key);
    if v.contains(['"', '\\']) || v.chars().any(char::is_control) {
        return None;
    }
    let pair = if name_first {
        format!("{{\"name\":\"{key}\",\"value\":\"{v}\"}}")
    } else {
        format!("{{\"value\":\"{v}\",\"name\":\"{key}\"}}")
    };
    Some(pair.into_bytes())
}

/// A prefix and a number, or a NIR and its key.
fn two_fields(v: &[u8], canary: &Canary) -> Option<Vec<u8>> {
    let digits = only_digits(v)?;
    let pair = match (digits.strip_prefix("33").or(digits.strip_prefix('0')), digits.len()) {
        (Some(local), 10 | 11) if canary.name.starts_with("phone") => {
            format!("{{\"prefix\":\"+33\",\"number\":\"{local}\"}}")
        }
        (_, 15) => format!("{{\"nir\":\"{}\",\"cle\":\"{}\"}}", &digits[..13], &digits[13..]),
        _ => return None,
    };
    Some(pair.into_bytes())
}

//! Secrets in command lines and sentences: `--password x`, `curl -u user:x`, `mysql -px`,
//! `login u password x`, `mdp x`, `the password is x`. Starts at: the first letter of a word of
//! `COMMAND`; needs: that word.

use super::shape::{self, Mix};
use crate::detect::Scan;
use crate::detect::text::{at, back, before, has, is_letter, is_word, skip, sub};
use crate::detect::words::{KEY, KEY_OF, NAME, NOT_VALUE, PASSWORD, PUBLIC, TOKEN, WEAK};
use crate::report::Kind;

/// Bytes of a command line that are read after its command.
const LINE_MAX: usize = 1024;
/// Longest argument.
const ARGUMENT_MAX: usize = 512;

/// At the first letter of a word.
pub(super) fn at_word(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    if before(text, p) == b'-' {
        return flag(scan, p);
    }
    if !matches!(at(text, p) | 0x20, b'p' | b'm' | b't' | b'c' | b's' | b'l') {
        return;
    }
    let end = skip(text, p, 16, is_letter);
    let word = sub(text, p, end);
    let is = |w: &[u8]| word.eq_ignore_ascii_case(w);
    if is(b"curl") {
        arguments(scan, end, &[b"-u", b"--user", b"-U", b"--proxy-user"], Shape::User);
    } else if is(b"mysql") || is(b"mysqldump") || is(b"mysqladmin") || is(b"mariadb") {
        arguments(scan, end, &[b"-p"], Shape::Glued);
    } else if is(b"sshpass") || is(b"login") {
        arguments(scan, end, &[b"-p"], Shape::Any);
    } else if is(b"password") || is(b"passwd") || is(b"passphrase") || is(b"pwd") || is(b"token") {
        spoken(scan, p, end, false);
    } else if is(b"mdp") || is(b"passe") || is(b"motdepasse") {
        spoken(scan, p, end, true);
    }
}

/// `--api-key x`: the flag's last word is the one at `p`.
fn flag(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    let end = skip(text, p, 24, is_letter);
    let start = back(text, p, 40, |b| is_word(b) || matches!(b, b'-' | b'_'));
    let gap = skip(text, end, 5, |b| b" \"',\\".contains(&b));
    let opens = at(text, start) == b'-' && !is_word(before(text, start));
    if gap == end || !opens {
        return;
    }
    let tags = scan.tables.words.of_key(sub(text, start, end));
    let key = tags & KEY != 0 && tags & KEY_OF != 0;
    let named = tags & (PASSWORD | TOKEN) != 0
        || key
        || scan.tables.words.of(sub(text, p, end)) & WEAK != 0;
    let close = argument(text, gap);
    let body = sub(text, gap, close);
    let known = super::super::is_placeholder(text, gap, close);
    if named && tags & (NOT_VALUE | PUBLIC | NAME) == 0 && !known && is_given(scan, body) {
        scan.hit(gap, close, Kind::Secret);
    }
}

/// What an argument must be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// `user:password`.
    User,
    /// Without a space before it.
    Glued,
    Any,
}

/// The arguments of `flags` in the command line that goes on at `from`.
fn arguments(scan: &mut Scan<'_>, from: usize, flags: &[&[u8]], shape: Shape) {
    let text = scan.text;
    let stop = skip(text, from, LINE_MAX, |b| !matches!(b, b'\n' | b';' | b'|'));
    let mut i = from;
    while let Some(dash) = sub(text, i, stop).iter().position(|b| *b == b'-') {
        let start = i + dash;
        i = start + 1;
        if !matches!(before(text, start), b' ' | b'"' | b'\'' | b',') {
            continue;
        }
        let flag = flags.iter().find(|f| sub(text, start, start + f.len()) == **f);
        let Some(flag) = flag else {
            i = skip(text, i, 64, |b| b > b' ');
            continue;
        };
        let end = start + flag.len();
        let value = skip(text, end, 6, |b| b" \"',=\\".contains(&b));
        let glued = value == end;
        let spaced = flag.len() > 2 && glued || shape == Shape::Glued && !glued;
        let close = argument(text, value);
        let body = sub(text, value, close);
        let user = shape != Shape::User || body.contains(&b':') && body.len() >= 4;
        if !spaced && user && is_given(scan, body) {
            scan.hit(value, close, Kind::Secret);
        }
        i = close.max(i);
    }
}

/// The end of an argument; quotes inside it belong to it after a colon.
fn argument(text: &[u8], from: usize) -> usize {
    let mut quote = if matches!(before(text, from), b'"' | b'\'') { before(text, from) } else { 0 };
    let mut i = from;
    while i < text.len() && i < from + ARGUMENT_MAX {
        match at(text, i) {
            b'\n' => break,
            b if quote != 0 && b == quote => {
                // `"user":"password"`
                if at(text, i + 1) != b':' || !matches!(at(text, i + 2), b'"' | b'\'') {
                    break;
                }
                quote = at(text, i + 2);
                i += 2;
            }
            b'\\' => break,
            _ if quote != 0 => {}
            b @ (b'"' | b'\'') if before(text, i) == b':' => quote = b,
            b'"' | b'\'' => break,
            b if b <= b' ' => break,
            _ => {}
        }
        i += 1;
    }
    i.min(text.len())
}

/// Whether an argument is a secret: long enough, no placeholder, no other flag.
fn is_given(scan: &Scan<'_>, body: &[u8]) -> bool {
    let colon = body.iter().position(|b| *b == b':');
    let quotes = |b: &u8| matches!(b, b'"' | b'\'');
    let (user, password) =
        colon.map_or((body, body), |i| (sub(body, 0, i), sub(body, i + 1, body.len())));
    let password = if password.is_empty() { user } else { password };
    let password = password.strip_prefix(b"\"").or(password.strip_prefix(b"'")).unwrap_or(password);
    body.len() >= 3
        && body.first() != Some(&b'-')
        && !password.iter().all(quotes)
        && !shape::is_placeholder(password)
        && !shape::is_placeholder(body)
        && !shape::is_state(scan, password)
        && !super::super::is_placeholder(body, 0, body.len())
}

/// `--password x`, `login u password x`, `password is x`; after a French word also `mdp x`.
fn spoken(scan: &mut Scan<'_>, p: usize, end: usize, french: bool) {
    let text = scan.text;
    // `", "` between the items of a list of arguments.
    let gap = skip(text, end, 5, |b| b" \"',".contains(&b));
    if gap == end || !matches!(at(text, end), b' ' | b'"' | b'\'') {
        return;
    }
    let flag = back(text, p, 32, |b| is_word(b) || b == b'-');
    let is_flag = at(text, flag) == b'-' && flag < p && !is_word(before(text, flag));
    let listed = gap > end + 1;
    let copula = [&b"is "[..], b"est ", b"was ", b"etait ", b"= "];
    let said = copula.iter().find(|c| has(text, gap, c));
    let start = gap + said.map_or(0, |c| c.len());
    let start = start + usize::from(said.is_some() && matches!(at(text, start), b'"' | b'\''));
    let stop = argument(text, start);
    let stop = back(text, stop, 3, |b| b",.;:!?)]}".contains(&b)).max(start);
    let body = sub(text, start, stop);
    if !is_given(scan, body) || shape::is_reference(scan, body, false) || body.contains(&b'=') {
        return;
    }
    let mix = Mix::of(body);
    let strong = mix.digit > 0 && mix.lower + mix.upper > 0 && !shape::is_place(body);
    let last = !is_word(at(text, skip(text, stop, 2, |b| b == b' ')));
    let plain = !listed && said.is_none();
    let ok = match said {
        Some(_) => strong && body.len() >= 5 || before(text, start) != b' ' && body.len() >= 4,
        None if is_flag => true,
        None => plain && (has_login(text, p) || french && (strong || last && body.len() >= 4)),
    };
    if ok && !super::super::is_placeholder(text, start, stop) {
        scan.hit(start, stop, Kind::Secret);
    }
}

/// `login jean` just before.
fn has_login(text: &[u8], p: usize) -> bool {
    let word = back(text, p, 2, |b| b == b' ');
    let name = back(text, word, 64, |b| b > b' ');
    let key = back(text, name, 2, |b| b == b' ');
    let start = back(text, key, 12, is_letter);
    let names = [&b"login"[..], b"identifiant", b"user", b"username", b"utilisateur"];
    word < p && name < word && names.iter().any(|n| sub(text, start, key).eq_ignore_ascii_case(n))
}

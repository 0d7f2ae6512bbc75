//! Secrets in command lines and sentences: `--password x`, `curl -u user:x`, `mysql -px`,
//! `login u password x`, `mdp x`, `the password is x`. Starts at: the first letter of a word of
//! `COMMAND`; needs: that word.

use super::shape::{self, Mix};
use crate::detect::Scan;
use crate::detect::text::{at, back, before, has, is_letter, is_word, skip, sub};
use crate::report::Kind;

/// Bytes of a command line that are read after its command.
const LINE_MAX: usize = 1024;
/// Longest argument.
const ARGUMENT_MAX: usize = 512;

/// At the first letter of a word.
pub(super) fn at_word(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
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
        let user = shape != Shape::User || body.iter().skip(1).any(|b| *b == b':');
        if !spaced && user && is_given(scan, body) {
            scan.hit(value, close, Kind::Secret);
        }
        i = close.max(i);
    }
}

/// The end of an argument.
fn argument(text: &[u8], from: usize) -> usize {
    let quote = before(text, from);
    let quoted = matches!(quote, b'"' | b'\'');
    skip(text, from, ARGUMENT_MAX, |b| {
        if quoted {
            b != quote && b != b'\\' && b != b'\n'
        } else {
            b > b' ' && !b"\"'\\".contains(&b)
        }
    })
}

/// Whether an argument is a secret: long enough, no placeholder, no other flag.
fn is_given(scan: &Scan<'_>, body: &[u8]) -> bool {
    let password =
        body.iter().position(|b| *b == b':').map_or(body, |i| sub(body, i + 1, body.len()));
    body.len() >= 3
        && body.first() != Some(&b'-')
        && !shape::is_placeholder(password)
        && !shape::is_placeholder(body)
        && !super::super::is_placeholder(body, 0, body.len())
        && !shape::is_state(scan, body)
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

//! Secrets in command lines and sentences: `--password x`, `curl -u user:x`, `mysql -px`,
//! `login u password x`, `mdp x`, `the password is x`. Starts at: the first letter of a word of
//! `COMMAND`; needs: that word.

use super::shape::{self, Mix};
use crate::detect::text::{at, back, before, has, is_letter, is_word, skip, sub};
use crate::detect::words::{KEY, KEY_OF, NAME, NOT_VALUE, PASSWORD, PUBLIC, STATE, TOKEN, WEAK};
use crate::detect::{Scan, Walk};
use crate::report::Kind;

/// Bytes of a command line that are read after its command.
const LINE_MAX: usize = 1024;
/// Bytes between a word and the colon of its phrase.
const PHRASE_MAX: usize = 48;
/// Longest argument.
const ARGUMENT_MAX: usize = 512;

/// At the first letter of a word.
pub(super) fn at_word(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    if before(text, p) == b'-' {
        return flag(scan, p);
    }
    if !matches!(
        at(text, p) | 0x20,
        b'a' | b'c' | b'l' | b'm' | b'o' | b'p' | b'r' | b's' | b't' | b'v'
    ) {
        return;
    }
    let end = skip(text, p, 16, is_letter);
    let word = sub(text, p, end);
    let is = |w: &[u8]| word.eq_ignore_ascii_case(w);
    if at(text, p).is_ascii_uppercase() && protocol(scan, p, end) {
        return;
    }
    if is(b"curl") {
        arguments(scan, end, &[b"-u", b"--user", b"-U", b"--proxy-user"], Shape::User);
    } else if is(b"mysql") || is(b"mysqldump") || is(b"mysqladmin") || is(b"mariadb") {
        arguments(scan, end, &[b"-p"], Shape::Glued);
    } else if is(b"sshpass") || is(b"login") {
        arguments(scan, end, &[b"-p"], Shape::Any);
    } else if is(b"password") || is(b"passwd") || is(b"passphrase") || is(b"pwd") || is(b"token") {
        spoken(scan, p, end, Speech::English);
    } else if is(b"requirepass") || is(b"masterauth") {
        spoken(scan, p, end, Speech::Setting);
    } else if is(b"otp") || word.ends_with(b"rification") || word.ends_with(b"nfirmation") {
        spoken(scan, p, end, Speech::Code);
    } else if is(b"mdp") || is(b"passe") || is(b"motdepasse") {
        spoken(scan, p, end, Speech::French);
    }
}

/// Commands of mail, file transfer and caches: `AUTH PLAIN x`, `PASS x`, `LOGIN user x`, `AUTH x`.
fn protocol(scan: &mut Scan<'_>, p: usize, end: usize) -> bool {
    let text = scan.text;
    let start = match sub(text, p, end + 7) {
        [b'A', b'U', b'T', b'H', b' ', b'P', b'L', b'A', b'I', b'N', b' ', ..] => end + 7,
        [b'A', b'U', b'T', b'H', b' ', b'L', b'O', b'G', b'I', b'N', b' ', ..] => end + 7,
        [b'A', b'U', b'T', b'H', b' ', ..] => end + 1,
        [b'P', b'A', b'S', b'S', b' ', ..] if matches!(before(text, p), b' ' | b'"') => end + 1,
        [b'L', b'O', b'G', b'I', b'N', b' ', ..] => {
            skip(text, end + 1, 64, |b| b > b' ' && !b"\"'".contains(&b)) + 1
        }
        _ => return false,
    };
    let stop = skip(text, start, ARGUMENT_MAX, |b| b > b' ' && !b"\"'\\".contains(&b));
    let body = sub(text, start, stop);
    let ends = matches!(at(text, stop), 0 | b'\n' | b'\r' | b'"' | b'\'' | b'\\');
    let mix = Mix::of(body);
    let coded = start == end + 7 && body.len() >= 8 && mix.other <= 2;
    let given =
        body.len() >= 4 && mix.digit > 0 && mix.lower + mix.upper > 0 && is_given(scan, body);
    let ok = ends && (coded || given) && !shape::is_place(body);
    if ok {
        scan.hit(start, stop, Kind::Secret);
    }
    ok
}

/// What the word before a secret is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Speech {
    /// `password`, which also stands before what is no password.
    English,
    /// `mdp`, which stands before a password unless a word of state follows.
    French,
    /// A setting of a configuration file.
    Setting,
    /// A one-time code.
    Code,
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
    let close = back(text, close, 3, |b| b"]),;.".contains(&b)).max(gap);
    let body = sub(text, gap, close);
    let password = tags & PASSWORD != 0;
    let mix = Mix::of(body);
    if is_help(text, body, close) || !password && mix.digit == 0 && body.len() < 16 {
        return;
    }
    let known = super::super::is_placeholder(text, gap, close);
    if named && tags & (NOT_VALUE | PUBLIC | NAME) == 0 && !known && is_given(scan, body) {
        scan.hit(gap, close, Kind::Secret);
    }
}

/// What a help text writes after a flag: `--password PASS`, `--password asks for one`.
fn is_help(text: &[u8], body: &[u8], end: usize) -> bool {
    let mix = Mix::of(body);
    if mix.digit > 0 || mix.other > 0 {
        return false;
    }
    mix.lower == 0 || shape::goes_on(text, end)
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
    let mut fresh = false;
    let stop = scan.walk(Walk::Key, from, shape as usize + 2, |text, from| {
        fresh = true;
        skip(text, from, LINE_MAX, |b| !matches!(b, b'\n' | b';' | b'|'))
    });
    // The same command before on this line read these arguments too.
    if !fresh {
        return;
    }
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

/// `--password x`, `login u password x`, `password is x`; after some words `mdp x`.
fn spoken(scan: &mut Scan<'_>, p: usize, end: usize, speech: Speech) {
    let text = scan.text;
    // `", "` between the items of a list of arguments.
    let gap = skip(text, end, 5, |b| b" \"',".contains(&b));
    if gap == end || !matches!(at(text, end), b' ' | b'"' | b'\'') {
        return;
    }
    let flag = back(text, p, 32, |b| is_word(b) || b == b'-');
    let is_flag = at(text, flag) == b'-' && flag < p && !is_word(before(text, flag));
    let listed = gap > end + 1;
    // `password for user x is y`
    let gap = match sub(text, gap, gap + 64).windows(4).position(|w| w == b" is ") {
        Some(i) if has(text, gap, b"for ") => gap + i + 1,
        _ => gap,
    };
    let copula = [&b"is "[..], b"est ", b"was ", b"etait "];
    let said = copula.iter().find(|c| has(text, gap, c));
    let start = gap + said.map_or(0, |c| c.len());
    let start = start + usize::from(said.is_some() && matches!(at(text, start), b'"' | b'\''));
    let stop = argument(text, start);
    let stop = back(text, stop, 3, |b| b",.;:!?)]}".contains(&b)).max(start);
    let body = sub(text, start, stop);
    if !is_given(scan, body) || shape::is_reference(scan, body, false, true) || body.contains(&b'=')
    {
        return phrase(scan, end);
    }
    let mix = Mix::of(body);
    let strong = mix.digit > 0 && mix.lower + mix.upper > 0 && !shape::is_place(body);
    let random = strong && body.len() >= 16 && mix.upper > 0 && mix.lower > 0 && mix.is_random();
    let next = at(text, skip(text, stop, 2, |b| b == b' '));
    let last = !is_word(next) && !matches!(next, b':' | b'=');
    let plain = !listed && said.is_none();
    let ok = match (speech, said) {
        (Speech::Code, _) => {
            let given = said.is_some() || end - p == 3;
            given && mix.digit == body.len() && (4..=8).contains(&body.len())
        }
        (_, Some(_)) => {
            let quoted = before(text, start) != b' ';
            strong && (body.len() >= 6 || body.len() == 5 && last) || quoted && body.len() >= 4
        }
        (_, None) if is_flag => !is_help(text, body, stop),
        (Speech::Setting, None) => plain,
        (Speech::French, None) => {
            plain && (strong || last && body.len() >= 4 || has_login(scan, p))
        }
        (Speech::English, None) => {
            plain
                && (random
                    || strong
                        && body.len() >= 6
                        && (is_given_with(text, p) || is_line(text, p, stop))
                    || has_login(scan, p))
        }
    };
    if ok && !super::super::is_placeholder(text, start, stop) {
        return scan.hit(start, stop, Kind::Secret);
    }
    if speech != Speech::Code {
        phrase(scan, end);
    }
}

/// `password is generated for root@localhost: x`, `mot de passe de connexion : x`.
fn phrase(scan: &mut Scan<'_>, end: usize) {
    let text = scan.text;
    let part = |b: u8| is_word(b) || b" '-_@.()".contains(&b);
    let colon = skip(text, end, PHRASE_MAX, part);
    let sign = matches!(at(text, colon), b':' | b'=') && at(text, colon + 1) == b' ';
    // `password hash algorithm: x` is about one.
    let last = back(text, colon, 2, |b| b == b' ');
    let word = back(text, last, 24, is_letter);
    let about = scan.tables.words.of(sub(text, word, last)) & (NOT_VALUE | NAME | STATE) != 0;
    if !sign || about || colon < end + 3 {
        return;
    }
    let start = skip(text, colon + 1, 4, |b| b" \"'".contains(&b));
    let stop = argument(text, start);
    let stop = back(text, stop, 3, |b| b",.;)]}".contains(&b)).max(start);
    let body = sub(text, start, stop);
    let mix = Mix::of(body);
    let strong = mix.digit > 0 && mix.lower + mix.upper > 0 && body.len() >= 6;
    let known = super::super::is_placeholder(text, start, stop);
    if strong
        && !known
        && !shape::is_place(body)
        && !shape::is_numeric(body)
        && is_given(scan, body)
    {
        scan.hit(start, stop, Kind::Secret);
    }
}

/// `with password x`.
fn is_given_with(text: &[u8], p: usize) -> bool {
    let end = back(text, p, 2, |b| b == b' ');
    let start = back(text, end, 8, is_letter);
    [&b"with"[..], b"using"].iter().any(|w| sub(text, start, end).eq_ignore_ascii_case(w))
}

/// Nothing else on the line, as in `.netrc`.
fn is_line(text: &[u8], p: usize, stop: usize) -> bool {
    let start = back(text, p, 16, |b| matches!(b, b' ' | b'\t'));
    matches!(before(text, start), 0 | b'\n') && matches!(at(text, stop), 0 | b'\n' | b'\r')
}

/// `login jean` just before.
fn has_login(scan: &Scan<'_>, p: usize) -> bool {
    let text = scan.text;
    let word = back(text, p, 2, |b| b == b' ');
    let name = back(text, word, 64, |b| b > b' ');
    let key = back(text, name, 2, |b| b == b' ');
    let start = back(text, key, 12, is_letter);
    let names = [&b"login"[..], b"identifiant", b"user", b"username", b"utilisateur"];
    let middle = sub(text, name, word);
    let plain = scan.tables.words.of(middle) & STATE == 0 && !middle.contains(&b'/');
    word < p
        && name < word
        && plain
        && names.iter().any(|n| sub(text, start, key).eq_ignore_ascii_case(n))
}

//! Logins in sentences and paths: `user jdupont`, `password for jdupont from`, `logged in as`,
//! `DOMAIN\\jdupont`, `sudo: jdupont : TTY=`. A login is any word, so the sentence must ask for
//! one, and the word must not be a technical one.

use super::super::Scan;
use super::super::text::{at, back, before, has, is_letter, is_word, skip, sub};
use super::super::words::{AUTH, GIVEN, LOGIN, PARTICLE, STATE, TECHNICAL, VERB};
use super::{is_login, is_ordinary};
use crate::report::Kind;

/// Longest login.
const LOGIN_MAX: usize = 64;
/// Words looked at for one of authentication.
const AUTH_WORDS: usize = 5;

/// Endings of hosts, packages and files: the last part of a dotted word that is no login.
pub(crate) const ENDINGS: [&[u8]; 44] = [
    b"com",
    b"org",
    b"net",
    b"fr",
    b"eu",
    b"io",
    b"dev",
    b"local",
    b"internal",
    b"lan",
    b"test",
    b"go",
    b"py",
    b"rs",
    b"js",
    b"ts",
    b"java",
    b"sh",
    b"so",
    b"php",
    b"rb",
    b"json",
    b"yaml",
    b"yml",
    b"xml",
    b"toml",
    b"conf",
    b"cfg",
    b"log",
    b"txt",
    b"sql",
    b"service",
    b"pid",
    b"sock",
    b"pdf",
    b"doc",
    b"docx",
    b"xls",
    b"xlsx",
    b"csv",
    b"png",
    b"jpg",
    b"zip",
    b"html",
];

/// At the start of a word of [`LOGIN`] or [`AUTH`]: the login that follows it.
pub(crate) fn at_word(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    let end = skip(text, p, 24, is_letter);
    let tags = scan.tables.words.of(sub(text, p, end));
    if tags & LOGIN != 0 {
        after_user(scan, p, end);
    }
    if tags & (AUTH | VERB) != 0 {
        after_auth(scan, end, tags & AUTH != 0);
    }
}

/// `user jdupont`, `user 'jdupont'`, `user [jdupont]`.
fn after_user(scan: &mut Scan<'_>, start: usize, end: usize) {
    let text = scan.text;
    // `Login OK: [jdupont`
    let state = skip(text, end + 1, 12, is_letter);
    let reported =
        has(text, state, b": [") && scan.tables.words.of(sub(text, end + 1, state)) & STATE != 0;
    let end = if reported { state + 1 } else { end };
    let p = skip(text, end, 4, |b| b" '\"[`\\".contains(&b));
    let signs = sub(text, end, p);
    let quoted = signs.iter().any(|b| b"'\"[`".contains(b));
    if signs.first() != Some(&b' ') || !is_word(at(text, p)) {
        return;
    }
    let stop = self::end(text, p);
    let plain = is_plain(scan, p, stop) && !is_told(scan, start, p, stop);
    if (quoted || is_shaped(text, p, stop) || plain) && is_somebody(scan, p, stop) {
        scan.hit(p, stop, Kind::Person);
    }
}

/// With `any`, after any preposition; else after `by` only.
/// `password for jdupont from`, `logged in as jdupont`, `session opened for user root by jdupont(`.
fn after_auth(scan: &mut Scan<'_>, end: usize, any: bool) {
    let text = scan.text;
    let mut i = end;
    for _ in 0..AUTH_WORDS {
        let word = skip(text, i, 3, |b| b" ,/:()".contains(&b));
        let next = skip(text, word, 24, |b| is_word(b) || matches!(b, b'-' | b'_' | b'\''));
        if word == i || next == word {
            return;
        }
        let p = skip(text, next, 4, |b| b" '\"[`\\".contains(&b));
        let quoted = sub(text, next, p).iter().any(|b| b"'\"[`".contains(b));
        let stop = self::end(text, p);
        let name = |word: &[u8], list: &[&[u8]]| list.iter().any(|w| word.eq_ignore_ascii_case(w));
        let word = sub(text, word, next);
        let asked = p > next
            && stop > p
            && match () {
                () if !any => name(word, &[b"by", b"par"]) && is_dotted(text, p, stop),
                () if name(word, &[b"for", b"pour"]) => {
                    let followed = has(text, stop, b" from ") || has(text, stop, b" by ");
                    let last = matches!(at(text, stop), 0 | b'.' | b',' | b';' | b'\n');
                    quoted
                        || followed
                        || is_dotted(text, p, stop)
                        || last && is_plain(scan, p, stop)
                }
                () if name(word, &[b"as", b"que"]) => {
                    quoted || is_dotted(text, p, stop) || is_plain(scan, p, stop)
                }
                () if name(word, &[b"by", b"par"]) => {
                    is_dotted(text, p, stop) || has(text, stop, b"(uid=")
                }
                () => name(word, &[b"de"]) && is_dotted(text, p, stop),
            };
        if asked && is_somebody(scan, p, stop) {
            return scan.hit(p, stop, Kind::Person);
        }
        i = next;
    }
}

/// Whether a login is no word of systems, in the table or the lexicon.
fn is_somebody(scan: &Scan<'_>, p: usize, end: usize) -> bool {
    let login = sub(scan.text, p, end);
    let known = scan.tables.words.of(login);
    is_login(scan, p, end) && (known & GIVEN != 0 || known & STATE == 0 && !is_ordinary(login))
}

/// At the separator of a key that ends before `p`: `sudo: jdupont : TTY=pts/0`.
pub(crate) fn before_tty(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    let stop = p.saturating_sub(6);
    let start = back(text, stop, LOGIN_MAX, |b| is_word(b) || b"._-".contains(&b));
    if has(text, stop, b" : TTY=") && is_somebody(scan, start, stop) {
        scan.hit(start, stop, Kind::Person);
    }
}

/// Whether a sentence tells what users do: `if a user mistypes`, `User Stories`.
fn is_told(scan: &Scan<'_>, user: usize, p: usize, end: usize) -> bool {
    const ARTICLES: [&[u8]; 12] = [
        b"a", b"an", b"the", b"any", b"each", b"every", b"this", b"that", b"same", b"your", b"our",
        b"when",
    ];
    const SAID: [&[u8]; 8] =
        [b" logged", b" from ", b" has ", b" is ", b" does ", b" was ", b" not ", b" already "];
    let text = scan.text;
    if scan.tables.words.of(sub(text, p, end)) & GIVEN != 0 {
        return false;
    }
    let gap = back(text, user, 1, |b| b == b' ');
    let word = sub(text, back(text, gap, 6, is_letter), gap);
    let article = gap < user && ARTICLES.iter().any(|a| word.eq_ignore_ascii_case(a));
    let said = before(text, end) != b's' && SAID.iter().any(|s| has(text, end, s));
    let title = at(text, user).is_ascii_uppercase() && at(text, p).is_ascii_uppercase();
    article && !said || title
}

/// Where the login at `p` ends.
fn end(text: &[u8], p: usize) -> usize {
    let end = skip(text, p, LOGIN_MAX, |b| is_word(b) || b"._-".contains(&b));
    back(text, end, end - p, |b| b"._-".contains(&b))
}

/// A dotted pair of words, `jean.dupont`, that is neither a host nor a file.
fn is_dotted(text: &[u8], p: usize, end: usize) -> bool {
    let login = sub(text, p, end);
    let mut parts = login.split(|&b| b == b'.');
    let letters = |w: &[u8]| !w.is_empty() && w.iter().all(|b| is_letter(*b) || *b == b'-');
    let (Some(first), Some(last), None) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    letters(first)
        && letters(last)
        && last.len() > 1
        && !ENDINGS.iter().any(|e| last.eq_ignore_ascii_case(e))
        && !matches!(at(text, end), b'(' | b'/' | b':' | b'=' | b'[')
}

/// A login by its shape: dotted, or letters with digits.
fn is_shaped(text: &[u8], p: usize, end: usize) -> bool {
    let login = sub(text, p, end);
    is_dotted(text, p, end)
        || login.iter().any(u8::is_ascii_digit)
            && is_letter(at(text, p))
            && !login.contains(&b'.')
            && !matches!(at(text, end), b'(' | b'/' | b'=')
}

/// One word of letters that a sentence can end or go on after.
fn is_plain(scan: &Scan<'_>, p: usize, end: usize) -> bool {
    let text = scan.text;
    let login = sub(text, p, end);
    let known = scan.tables.words.of(login);
    let ending = [&b"ed"[..], b"ing", b"\xC3\xA9", b"\xC3\xA9e"].iter().any(|e| login.ends_with(e));
    const NOUNS: [&[u8]; 12] = [
        b"tion", b"tions", b"ment", b"ments", b"ness", b"ity", b"ities", b"tive", b"able", b"ible",
        b"ship", b"ance",
    ];
    let noun = NOUNS.iter().any(|n| login.len() > n.len() + 2 && login.ends_with(n));
    login.len() > 2
        && !noun
        && login.iter().all(|b| is_letter(*b) || b"-_".contains(b))
        && known & (TECHNICAL | PARTICLE | STATE) == 0
        && (!ending || known & GIVEN != 0)
        && matches!(at(text, end), 0 | b' ' | b'.' | b',' | b';' | b')' | b'\n')
}

/// After a backslash: `C:\\Users\\jdupont\\`, `DOMAIN\\jdupont`.
pub(crate) fn after_backslash(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    let slash = back(text, p, 5, |b| b == b'\\');
    let folder = back(text, slash, 20, |b| is_word(b) || b == b'-');
    let word = sub(text, folder, slash);
    if word.len() < 2 || !is_letter(at(text, p)) {
        return;
    }
    let outer = before(text, folder);
    if matches!(outer, b'\\' | b'/') {
        let home = matches!(word, b"Users" | b"users" | b"home" | b"Profiles" | b"profiles");
        let named = |b: u8| is_word(b) || b"._- ".contains(&b);
        let long = skip(text, p, LOGIN_MAX, named);
        let stop = if at(text, long) == b'\\' { long } else { end(text, p) };
        if home && is_login(scan, p, stop) {
            scan.hit(p, stop, Kind::Person);
        }
        return;
    }
    let stop = end(text, p);
    let domain = word.len() <= 15
        && word.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'-')
        && word.iter().any(u8::is_ascii_uppercase)
        && word.last().is_some_and(|b| *b != b'-')
        && !is_word(outer)
        && outer != b':';
    // One backslash and one of these letters is more likely an escape: `WARN\\nfoo`.
    let escape = p - slash == 1 && b"abefnrtuvx".contains(&at(text, p));
    if domain
        && !escape
        && at(text, p).is_ascii_lowercase()
        && at(text, stop) != b'\\'
        && is_login(scan, p, stop)
        && !is_ordinary(sub(text, p, stop))
    {
        scan.hit(p, stop, Kind::Person);
    }
}

/// At `(`: `(jdupont) CMD (…)` at the second, `su: (to root) jdupont on`.
pub(crate) fn at_paren(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    if has(text, p.saturating_sub(6), b") CMD ") {
        let stop = p - 6;
        let start = back(text, stop, LOGIN_MAX, |b| is_word(b) || b"._-".contains(&b));
        if before(text, start) == b'(' && is_somebody(scan, start, stop) {
            scan.hit(start, stop, Kind::Person);
        }
    } else if has(text, p + 1, b"to ") && has(text, p.saturating_sub(4), b"su: ") {
        let close = skip(text, p + 4, 32, |b| b != b')' && b != b' ');
        let start = close + 2;
        let stop = end(text, start.min(text.len()));
        if has(text, close, b") ") && has(text, stop, b" on ") && is_somebody(scan, start, stop) {
            scan.hit(start, stop, Kind::Person);
        }
    }
}

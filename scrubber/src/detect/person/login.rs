//! Logins in sentences and paths: `user jdupont`, `password for jdupont from`, `logged in as`,
//! `DOMAIN\\jdupont`, `sudo: jdupont : TTY=`. A login is any word, so the sentence must ask for one,
//! and the word must not be a technical one.

use super::super::Scan;
use super::super::text::{at, back, before, has, is_letter, is_word, prior, skip, sub};
use super::super::words::{AUTH, FUNCTION, GIVEN, LOGIN, PARTICLE, TECHNICAL};
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

/// At the start of a word. Needs: a word of [`LOGIN`] or [`AUTH`] within 72 bytes before.
pub(crate) fn at_word(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    let gap = back(text, p, 4, |b| b" '\"[(:\t`\\".contains(&b));
    let last = (prior(text, gap, 2) | 0x20, before(text, gap) | 0x20);
    if gap == p
        || !matches!(
            last,
            (b'e', b'r')
                | (b'u', b'r')
                | (b'o', b'r')
                | (b'a', b's' | b'r' | b'l')
                | (b'b', b'y')
                | (b'm', b'e')
                | (b'i', b'n')
                | (b'u' | b'd' | b't', b'e')
                | (b'n', b't')
                | (b'd', b'o')
                | (b'o', b't')
                | (b'l', b'e')
                | (_, b')' | b'o' | b']')
        )
    {
        return;
    }
    let end = end(text, p);
    let login = sub(text, p, end);
    if login.len() < 2 || !is_login(scan, p, end) || is_ordinary(login) && !is_given(scan, login) {
        return;
    }
    let start = back(text, gap, 16, is_letter);
    let word = sub(text, start, gap);
    let between = sub(text, gap, p);
    let colon = between.contains(&b':');
    let quoted = between.iter().any(|b| b"'\"[`".contains(b));
    let spaced = !colon && between.contains(&b' ');
    let is = |list: &[&[u8]]| list.iter().any(|w| word.eq_ignore_ascii_case(w));
    let found = match () {
        () if colon => {
            (is(&[b"sudo"]) || before(text, gap) == b']') && has(text, end, b" : TTY=")
                || is(&[b"name"]) && between.contains(&b'\t')
        }
        () if !spaced || is_word(before(text, start)) => false,
        () if is(&[b"role"]) => quoted,
        () if scan.tables.words.of(word) & LOGIN != 0 => {
            quoted || is_shaped(text, p, end) || is_plain(scan, p, end)
        }
        () if is(&[b"for", b"pour"]) => auth(scan, start) && asked(scan, p, end, quoted),
        () if is(&[b"as", b"que"]) => {
            auth(scan, start) && (quoted || is_dotted(text, p, end) || is_plain(scan, p, end))
        }
        () if is(&[b"by", b"par"]) => is_dotted(text, p, end) || has(text, end, b"(uid="),
        () if is(&[b"de"]) => auth(scan, start) && is_dotted(text, p, end),
        () if before(text, gap) == b')' => {
            let open = back(text, gap - 1, 32, |b| b != b'(');
            has(text, open, b"to ") && has(text, end, b" on ")
        }
        () => false,
    };
    if found {
        scan.hit(p, end, Kind::Person);
    }
}

/// Where the login at `p` ends.
fn end(text: &[u8], p: usize) -> usize {
    let end = skip(text, p, LOGIN_MAX, |b| is_word(b) || b"._-".contains(&b));
    back(text, end, end - p, |b| b"._-".contains(&b))
}

fn is_given(scan: &Scan<'_>, login: &[u8]) -> bool {
    scan.tables.words.of(login) & GIVEN != 0
}

/// Whether `for X` after a word of authentication asks for a login.
fn asked(scan: &Scan<'_>, p: usize, end: usize, quoted: bool) -> bool {
    let text = scan.text;
    let last = matches!(at(text, end), 0 | b'.' | b',' | b';' | b'\n');
    quoted
        || is_dotted(text, p, end)
        || has(text, end, b" from ")
        || has(text, end, b" by ")
        || last && is_plain(scan, p, end)
}

/// Whether one of the words before `pos` is of authentication.
fn auth(scan: &Scan<'_>, pos: usize) -> bool {
    let mut i = pos;
    for _ in 0..AUTH_WORDS {
        i = back(scan.text, i, 4, |b| b" ,:[]()/'".contains(&b));
        let start = back(scan.text, i, 24, is_word);
        if start == i {
            return false;
        }
        if scan.tables.words.of(sub(scan.text, start, i)) & AUTH != 0 {
            return true;
        }
        i = start;
    }
    false
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
    login.len() > 2
        && login.iter().all(|b| is_letter(*b) || b"-_".contains(b))
        && known & (TECHNICAL | PARTICLE | FUNCTION) == 0
        && (!ending || known & GIVEN != 0)
        && matches!(at(text, end), 0 | b' ' | b'.' | b',' | b';' | b')' | b'\n')
}

/// After a backslash: `C:\\Users\\jdupont\\`, `DOMAIN\\jdupont`.
pub(crate) fn after_backslash(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    let slash = back(text, p, 8, |b| b == b'\\');
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

/// At `(`: the user of a job, `(jdupont) CMD (…)`.
pub(crate) fn at_paren(scan: &mut Scan<'_>, p: usize) {
    let stop = end(scan.text, p + 1);
    if has(scan.text, stop, b") CMD (") && is_login(scan, p + 1, stop) {
        scan.hit(p + 1, stop, Kind::Person);
    }
}

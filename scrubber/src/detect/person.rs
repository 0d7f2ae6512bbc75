//! Names of persons where something beside them says so: a civility, a greeting, a role, a quoted
//! login, a home directory, the user of an access log. Names alone in prose are the lexicon's job.

use super::Scan;
use super::text::{at, back, before, has, is_letter, is_word, skip, sub};
use super::words::{CIVILITY, GREETING, LOGIN, PARTICLE, TECHNICAL, WHO};
use crate::lexicon::Lexicon;
use crate::report::Kind;

/// Words of a name.
const NAME_WORDS: usize = 4;

/// At the start of a word: a capitalised name after a civility, a greeting or a role.
pub(crate) fn at_word(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    if !capital(text, p) || !matches!(before(text, p), b' ' | b'+' | b'.' | b':' | b'"' | b'\'') {
        return;
    }
    let gap = back(text, p, 3, |b| matches!(b, b' ' | b'+' | b'.' | b':'));
    if gap == p {
        return;
    }
    let start = back(text, gap, 16, is_letter);
    if is_word(before(text, start)) {
        return;
    }
    let word = sub(text, start, gap);
    let tags = scan.tables.words.of(word);
    let dotted = at(text, gap) == b'.';
    let titled = match word.len() {
        0 => return,
        1 => dotted && word == b"M" && at(text, gap + 1) == b' ',
        2 => capital(text, start) && tags & CIVILITY != 0 && word != b"ME" && word != b"MS",
        _ => (capital(text, start) || word.is_ascii()) && tags & (CIVILITY | GREETING) != 0,
    };
    let role = tags & WHO != 0 && !dotted && at(text, gap) == b' ';
    if !titled && !role {
        return;
    }
    let (end, words) = name(scan, p);
    if titled && words > 0 || role && words > 1 {
        scan.hit(p, end, Kind::Person);
    }
}

/// An upper-case letter, ASCII or of the Latin-1 supplement.
fn capital(text: &[u8], p: usize) -> bool {
    at(text, p).is_ascii_uppercase()
        || at(text, p) == 0xC3 && matches!(at(text, p + 1), 0x80..=0x9E)
}

/// The end of the capitalised words that start at `p`, and how many they are.
fn name(scan: &Scan<'_>, p: usize) -> (usize, usize) {
    let text = scan.text;
    let (mut i, mut end, mut words) = (p, p, 0);
    while words < NAME_WORDS {
        let stop = skip(text, i, 24, |b| is_letter(b) || matches!(b, b'-' | b'\''));
        let w = sub(text, i, stop);
        let initial = w.len() == 1 && at(text, stop) == b'.';
        let known = scan.tables.words.of(w);
        let particle = words > 0 && !w.is_empty() && known & PARTICLE != 0 && !capital(text, i);
        if w.is_empty() || !capital(text, i) && !particle || is_word(at(text, stop)) {
            break;
        }
        if known & TECHNICAL != 0 && words == 0 || matches!(at(text, stop), b'=' | b'/') {
            break;
        }
        let stop = stop + usize::from(initial);
        if !particle && (w.len() > 1 || initial) {
            (end, words) = (stop, words + 1);
        }
        i = skip(text, stop, 2, |b| matches!(b, b' ' | b'+'));
        if i == stop {
            break;
        }
    }
    (end, words)
}

/// At a quote: `user "marchand.prudence"`.
pub(crate) fn at_quote(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    let gap = back(text, p, 6, |b| b == b'\\');
    if before(text, gap) != b' ' {
        return;
    }
    let start = back(text, gap - 1, 16, is_letter);
    if start == gap - 1 || scan.tables.words.of(sub(text, start, gap - 1)) & LOGIN == 0 {
        return;
    }
    let end = skip(text, p + 1, 64, |b| is_word(b) || matches!(b, b'.' | b'_' | b'-' | b' '));
    let close = at(text, skip(text, end, 6, |b| b == b'\\'));
    if close == at(text, p) && is_login(scan, p + 1, end) {
        scan.hit(p + 1, end, Kind::Person);
    }
}

/// At a slash: `/home/jdupont/`, `/users/jeanne.cohen/`, `/dossier/mvalette/`.
pub(crate) fn at_slash(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    let folder = back(text, p, 12, |b| b.is_ascii_alphabetic());
    let sep = before(text, folder);
    if folder == p || !matches!(sep, b'/' | b'\\') {
        return;
    }
    let name = sub(text, folder, p);
    const HOMES: [&[u8]; 2] = [b"home", b"Users"];
    const OWNED: [&[u8]; 14] = [
        b"users",
        b"user",
        b"dossier",
        b"dossiers",
        b"clients",
        b"client",
        b"patients",
        b"patient",
        b"profile",
        b"profiles",
        b"members",
        b"people",
        b"accounts",
        b"employees",
    ];
    let home = HOMES.contains(&name);
    if !home && !OWNED.iter().any(|w| name.eq_ignore_ascii_case(w)) {
        return;
    }
    let end = skip(text, p + 1, 64, |b| is_word(b) || matches!(b, b'.' | b'_' | b'-'));
    let login = sub(text, p + 1, end);
    let web = !home && (login.iter().any(|b| b.is_ascii_digit()) || at(text, end) == b'.');
    if !web && is_login(scan, p + 1, end) && at(text, end) != b'@' {
        scan.hit(p + 1, end, Kind::Person);
    }
}

/// At a bracket: the user of an access log, `192.0.2.1 - jdupont [18/Jun/2026:…`.
pub(crate) fn at_bracket(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    if before(text, p) != b' ' || !at(text, p + 1).is_ascii_digit() || at(text, p + 3) != b'/' {
        return;
    }
    let start = back(text, p - 1, 64, |b| b > b' ');
    if !matches!(sub(text, start.saturating_sub(3), start), b" - ") || has(text, start, b"- ") {
        return;
    }
    if is_login(scan, start, p - 1) {
        scan.hit(start, p - 1, Kind::Person);
    }
}

/// Whether a login can be a person's: it has letters, and not only words of systems.
pub(crate) fn is_login(scan: &Scan<'_>, start: usize, end: usize) -> bool {
    let login = sub(scan.text, start, end);
    let mut parts = login.split(|&b| !is_letter(b)).filter(|part| !part.is_empty());
    let personal = |part: &[u8]| part.len() > 1 && scan.tables.words.of(part) & TECHNICAL == 0;
    let hex = login.len() >= 8 && login.iter().all(|b| b.is_ascii_hexdigit() || *b == b'-');
    login.len() >= 2 && !hex && !super::is_placeholder(scan.text, start, end) && parts.any(personal)
}

/// Whether a word is one of the lexicon of technical words, so more likely one than a name.
pub(crate) fn is_ordinary(word: &[u8]) -> bool {
    std::str::from_utf8(word).is_ok_and(|w| Lexicon::default().is_technical(w))
}

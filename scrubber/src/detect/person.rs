//! Names of persons where something beside them says so: a civility, a greeting, a role, a label,
//! a given name after `de` or `by`, an address in angle brackets, a home directory, the user of an
//! access log. Logins are in [`login`]. Names alone in prose are the lexicon's job.

pub(crate) mod login;

use super::Scan;
use super::text::{at, back, before, has, is_letter, is_word, skip, sub};
use super::words::{
    ABOUT, BIC, CIVILITY, DOB, EMAIL, GIVEN, GREETING, HOSTLIKE, LOGIN, NAME, NOT_VALUE, PARTICLE,
    PERSON, PHONE, STATE, TECHNICAL, Tags, WHO, WHOSE,
};
use crate::lexicon::Lexicon;
use crate::report::Kind;

/// Meanings that only a whole word has.
const ROLES: Tags = WHO | CIVILITY | GREETING | ABOUT | BIC;
/// Words of a name.
const NAME_WORDS: usize = 4;
/// Bytes looked at around a name whose key says too little.
const LOOK: usize = 96;
/// Words of a label: `nom du patient`, `account holder`.
const LABEL_WORDS: usize = 4;
/// Bytes of a label.
const LABEL_MAX: usize = 16;

/// At the start of a word. Needs: a word of [`CIVILITY`], [`GREETING`], [`WHO`], [`PERSON`],
/// [`NAME`] or [`ABOUT`] within 24 bytes before a capital; for [`login`], a word of [`LOGIN`] or
/// `AUTH` at `p`, or a backslash before.
pub(crate) fn at_word(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    if before(text, p) == b'\\' {
        login::after_backslash(scan, p);
    }
    if capital(text, p) && b" +.:\"'=>|\t([".contains(&before(text, p)) {
        named(scan, p);
    }
    login::at_word(scan, p);
}

/// What stands before a capitalised word.
struct Lead {
    /// The word before, and the meanings of it.
    start: usize,
    tags: Tags,
    /// Where the signs between the two start.
    gap: usize,
    /// A colon, an equals sign, an arrow or a verb is between.
    linked: bool,
}

impl Lead {
    fn read(scan: &Scan<'_>, p: usize) -> Option<Lead> {
        let text = scan.text;
        let sign = |b: u8| b" +.:\"'=>|\t-\\`".contains(&b);
        let gap = back(text, p, 6, sign);
        let start = back(text, gap, 24, |b| is_word(b) || b == b'_');
        if gap == p || start == gap || is_word(before(text, start)) {
            return None;
        }
        let linked = sub(text, gap, p).iter().any(|b| b":=>|".contains(b));
        let word = sub(text, start, gap);
        let verb = !linked && matches!(word, b"is" | b"est" | b"ist" | b"was" | b"are");
        if verb {
            let gap = back(text, start, 2, |b| b == b' ');
            let start = back(text, gap, 24, |b| is_word(b) || b == b'_');
            let tags = scan.tables.words.of_key(sub(text, start, gap));
            return Some(Lead { start, tags, gap, linked: true });
        }
        // `UpdateAgent` is no role: only a word of its own is.
        let role = scan.tables.words.of(word) & ROLES;
        let tags = scan.tables.words.of_key(word) & !ROLES | role;
        Some(Lead { start, tags, gap, linked })
    }
}

/// A capitalised name after what names it.
fn named(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    let Some(lead) = Lead::read(scan, p) else { return };
    if lead.tags & BIC != 0 {
        let end = skip(text, p, 12, is_word);
        if super::iban::is_bic(scan, sub(text, p, end)) {
            return scan.hit(p, end, Kind::Id);
        }
    }
    let particle = lead.tags & PARTICLE != 0 && !capital(text, lead.start) && !lead.linked;
    if particle && let Some(outer) = Lead::read(scan, lead.start) {
        // `Madame de La Tour`
        if is_titled(text, lead.start, &outer) {
            return hit(scan, lead.start, p, |_| true);
        }
    }
    let dotted = at(text, lead.gap) == b'.';
    if is_titled(text, p, &lead) {
        let greeted = lead.tags & GREETING != 0;
        return hit(scan, p, p, |name| !greeted || name.given || name.ordinary < name.words);
    }
    if lead.tags & WHO != 0 && !dotted {
        hit(scan, p, p, |name| name.words > 1 && (name.given || name.ordinary == 0));
    } else if lead.tags & PERSON != 0 && !dotted && at(text, p) != b'.' {
        hit(scan, p, p, |name| name.given || name.ordinary == 0);
    }
    let labelled = lead.linked || lead.tags & NAME != 0;
    let label = if labelled { label(scan, lead.gap) } else { 0 };
    let whose = label & (PERSON | WHO) != 0 || label & NAME != 0 && label & (WHOSE | LOGIN) != 0;
    if whose {
        hit(scan, p, p, |name| name.given || name.ordinary == 0);
    }
    let about = lead.tags & (STATE | PARTICLE) != 0
        && Lead::read(scan, lead.start).is_some_and(|outer| outer.tags & (ABOUT | WHO) != 0);
    if about || lead.tags & NAME != 0 && lead.linked {
        hit(scan, p, p, |name| name.given && name.words > 1);
    }
}

/// Whether a civility or a greeting is before the name at `p`.
fn is_titled(text: &[u8], p: usize, lead: &Lead) -> bool {
    let word = sub(text, lead.start, lead.gap);
    let signs = if word.len() > 3 { &b" +.:\"'"[..] } else { b" +.\"'" };
    let spaced = sub(text, lead.gap, p).iter().all(|b| signs.contains(b));
    let shouted = word.iter().all(u8::is_ascii_uppercase);
    let titled = match word.len() {
        1 => word == b"M" && has(text, lead.gap, b". "),
        // `ME`, `MS`, `PR` are more often something else.
        2 => capital(text, lead.start) && (!shouted || word == b"MR"),
        3 => capital(text, lead.start),
        _ => true,
    };
    let letters = word.iter().all(|b| is_letter(*b));
    titled && letters && spaced && lead.tags & (CIVILITY | GREETING) != 0
}

/// The meanings of the words of the label that ends at `end`, 0 if one of them makes it the label
/// of a thing: `nom du service`.
fn label(scan: &Scan<'_>, end: usize) -> Tags {
    let text = scan.text;
    let (mut i, mut tags) = (end, 0);
    for _ in 0..LABEL_WORDS {
        let start = back(text, i, 24, |b| is_word(b) || b == b'_');
        if start == i || end - i > LABEL_MAX {
            break;
        }
        let word = sub(text, start, i);
        let usage = word == b"usage" && before(text, start) == b'\'';
        let known = if usage { 0 } else { scan.tables.words.of_key(word) };
        let somebody = known & (PERSON | WHO | NAME | LOGIN | WHOSE | PARTICLE) != 0;
        if known & (TECHNICAL | NOT_VALUE | HOSTLIKE) != 0 && !somebody {
            return 0;
        }
        tags |= known;
        i = back(text, start, 1, |b| matches!(b, b' ' | b'\'' | b'-'));
    }
    tags
}

/// An upper-case letter, ASCII or of the Latin-1 supplement.
fn capital(text: &[u8], p: usize) -> bool {
    at(text, p).is_ascii_uppercase()
        || at(text, p) == 0xC3 && matches!(at(text, p + 1), 0x80..=0x9E)
}

/// Capitalised words that may be a name.
#[derive(Default)]
struct Name {
    end: usize,
    words: usize,
    /// How many of them are technical words.
    ordinary: usize,
    /// One of them is a given name.
    given: bool,
}

/// Reports the name at `p` from `start` on, if it is one and `ok`.
fn hit(scan: &mut Scan<'_>, start: usize, p: usize, ok: impl Fn(&Name) -> bool) {
    let found = name(scan, p);
    if found.words > 0 && ok(&found) {
        scan.hit(start, found.end, Kind::Person);
    }
}

/// Reads the capitalised words that start at `p`.
fn name(scan: &Scan<'_>, p: usize) -> Name {
    let text = scan.text;
    let (mut i, mut found) = (p, Name { end: p, ..Name::default() });
    while found.words < NAME_WORDS {
        let stop = skip(text, i, 24, |b| is_letter(b) || matches!(b, b'-' | b'\''));
        let stop = back(text, stop, 2, |b| matches!(b, b'-' | b'\''));
        let w = sub(text, i, stop);
        let initial = w.len() == 1 && at(text, stop) == b'.';
        let known = scan.tables.words.of(w);
        let first = found.words == 0;
        let particle = !first && !w.is_empty() && known & PARTICLE != 0 && !capital(text, i);
        if w.is_empty() || !capital(text, i) && !particle || is_word(at(text, stop)) {
            break;
        }
        if first && known & (TECHNICAL | CIVILITY | GREETING | PERSON) != 0
            || matches!(at(text, stop), b'=' | b'/' | b'_' | b'(')
            || at(text, stop) == b':' && !first
            // `N'Dupont'` is a string of SQL
            || at(text, stop) == b'\'' && w.get(1) == Some(&b'\'')
        {
            break;
        }
        let stop = stop + usize::from(initial);
        if !particle && (w.len() > 1 || initial) {
            (found.end, found.words) = (stop, found.words + 1);
            found.given |= known & GIVEN != 0;
            let ordinary = known & STATE != 0 || is_ordinary(w);
            found.ordinary += usize::from(known & GIVEN == 0 && ordinary);
        }
        // `DUPONT, Jean`
        let comma = usize::from(at(text, stop) == b',' && first);
        i = skip(text, stop + comma, 2, |b| matches!(b, b' ' | b'+'));
        if i == stop + comma || comma > 0 && !is_given(scan, i) {
            break;
        }
    }
    found
}

/// Whether a given name starts at `i`.
fn is_given(scan: &Scan<'_>, i: usize) -> bool {
    let end = skip(scan.text, i, 24, is_letter);
    capital(scan.text, i) && scan.tables.words.of(sub(scan.text, i, end)) & GIVEN != 0
}

/// Before an address in angle brackets whose `<` is at `open`: `Jean Dupont <…>`.
pub(crate) fn display_name(scan: &mut Scan<'_>, open: usize) {
    let text = scan.text;
    let end = back(text, open, 3, |b| matches!(b, b' ' | b'"' | b'\\' | b'\''));
    let (mut start, mut i) = (end, end);
    for _ in 0..NAME_WORDS {
        let word = back(text, i, 24, |b| is_letter(b) || matches!(b, b'-' | b'\'' | b'.'));
        let particle = scan.tables.words.of(sub(text, word, i)) & PARTICLE != 0;
        if word == i || !capital(text, word) && !particle {
            break;
        }
        start = if capital(text, word) { word } else { start };
        i = back(text, word, 2, |b| matches!(b, b' ' | b','));
        if i == word {
            break;
        }
    }
    let words = sub(text, start, end);
    let personal = |w: &[u8]| scan.tables.words.of(w) & TECHNICAL == 0 && !is_ordinary(w);
    if end < open
        && words.len() > 1
        && words.split(|b| b" ,".contains(b)).all(|w| w.is_empty() || personal(w))
    {
        scan.hit(start, end, Kind::Person);
    }
}

/// At a quote: `user "marchand.prudence"`.
pub(crate) fn at_quote(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    let gap = back(text, p, 6, |b| b == b'\\');
    if before(text, gap) != b' ' {
        return;
    }
    let start = back(text, gap - 1, 16, is_letter);
    let word = sub(text, start, gap - 1);
    if start == gap - 1
        || scan.tables.words.of(word) & LOGIN == 0 && !word.eq_ignore_ascii_case(b"role")
    {
        return;
    }
    let end = skip(text, p + 1, 64, |b| is_word(b) || matches!(b, b'.' | b'_' | b'-' | b' '));
    let close = at(text, skip(text, end, 6, |b| b == b'\\'));
    let ordinary = is_ordinary(sub(text, p + 1, end));
    if close == at(text, p) && !ordinary && is_login(scan, p + 1, end) {
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
    let web = web || !home && is_ordinary(login);
    if !web && is_login(scan, p + 1, end) && at(text, end) != b'@' {
        scan.hit(p + 1, end, Kind::Person);
    }
}

/// At `~`: the home page of somebody, `/~jdupont/`.
pub(crate) fn at_tilde(scan: &mut Scan<'_>, p: usize) {
    let text = scan.text;
    let end = skip(text, p + 1, 64, |b| is_word(b) || matches!(b, b'.' | b'_' | b'-'));
    if before(text, p) == b'/'
        && matches!(at(text, end), b'/' | b' ' | b'"' | 0)
        && is_login(scan, p + 1, end)
    {
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

/// Whether one of the words of a value is a given name.
pub(crate) fn has_given(scan: &Scan<'_>, body: &[u8]) -> bool {
    body.split(|&b| !is_letter(b)).any(|w| scan.tables.words.of(w) & GIVEN != 0)
}

/// Whether the subject at `p` (`cn=…`) is a person: words, none of them technical.
pub(crate) fn is_subject(scan: &Scan<'_>, p: usize) -> bool {
    let end = skip(scan.text, p, LOOK, |b| !b",/;\"\n)<".contains(&b));
    let body = sub(scan.text, p, end);
    let technical = |w: &[u8]| scan.tables.words.of(w) & TECHNICAL != 0 || is_ordinary(w);
    has_given(scan, body)
        || !body.iter().any(|b| b".:*@".contains(b)) && !body.split(|&b| b == b' ').any(technical)
}

/// Whether `word` stands as a key within [`LOOK`] bytes around a pair.
pub(crate) fn is_near(scan: &Scan<'_>, from: usize, to: usize, word: &[u8]) -> bool {
    let around = |text: &[u8]| text.split(|&b| !is_letter(b)).any(|w| w.eq_ignore_ascii_case(word));
    around(sub(scan.text, from.saturating_sub(LOOK), from)) || around(sub(scan.text, to, to + LOOK))
}

/// Whether the value at `start` of a key `name` at `key` is a person's: a given name and another,
/// in the object of a person, or two capitalised words beside an e-mail, a phone, a birth date.
pub(crate) fn is_named(scan: &Scan<'_>, key: usize, start: usize, end: usize) -> bool {
    let text = scan.text;
    let body = sub(text, start, end);
    let spaced = body.iter().any(|b| matches!(b, b' ' | b'+'));
    if spaced && has_given(scan, body) {
        return true;
    }
    if has(text, key.saturating_sub(6), b"user: ") {
        return true;
    }
    let quote = back(text, key, 8, |b| matches!(b, b'"' | b'\'' | b'\\' | b' '));
    if before(text, quote) == b'{' {
        let outer = back(text, quote - 1, 2, |b| matches!(b, b' ' | b':' | b'='));
        let tags = super::context::key(text, outer, scan.tables);
        if tags & (WHO | LOGIN | PERSON | WHOSE) != 0 && tags & (NOT_VALUE | HOSTLIKE) == 0 {
            return true;
        }
    }
    spaced && capital(text, start) && {
        let known = |text: &[u8]| {
            let words = text.split(|&b| !is_letter(b) && b != b'_');
            words.fold(0, |tags, w| tags | scan.tables.words.of_key(w))
        };
        let around =
            known(sub(text, key.saturating_sub(LOOK), key)) | known(sub(text, end, end + LOOK));
        around & (EMAIL | PHONE | DOB | PERSON) != 0
    }
}

/// Whether the word before a key `name` at `key` says whose: `Account Name`, `first name`.
pub(crate) fn is_whose(scan: &Scan<'_>, key: usize) -> bool {
    let end = back(scan.text, key, 1, |b| b == b' ');
    let start = back(scan.text, end, 16, is_letter);
    end < key && scan.tables.words.of(sub(scan.text, start, end)) & (WHOSE | LOGIN | WHO) != 0
}

//! Free text: what has a shape is taken out as typed fields (HTTP requests, SQL, pairs), payloads
//! are cut off, and the sentence that is left goes through the lexicon and wall 2.

use aws_lc_rs::hmac;

use super::Sieve;
use super::judge::Judge;
use crate::lexicon::Setting;
use crate::parse::request::Request;
use crate::parse::{logfmt, postgres, request};
use crate::policy::types::{FieldType, Grammar, INT_MAX, Unit};
use crate::record::{FieldId, Value};
use crate::report::FieldReason;
use crate::scrub::Action;

/// Bytes of a message that are read; what follows is dropped and counted.
const MESSAGE_MAX: usize = 8 << 10;

/// Judges a message and adds what is left of it.
pub(super) fn judge(
    j: &mut Judge<'_>,
    id: FieldId,
    text: &str,
    setting: Setting,
    grammar: Grammar,
) {
    let text = bounded(j, text);
    match grammar {
        Grammar::Plain => plain(j, id, text, setting),
        Grammar::Postgres => server(j, id, text, setting),
        Grammar::PostgresDetail => match postgres::detail(text) {
            Some(said) => j.push(id, Value::Text(said)),
            None => j.removed(FieldReason::Policy),
        },
    }
}

fn bounded<'a>(j: &mut Judge<'_>, text: &'a str) -> &'a str {
    if text.len() <= MESSAGE_MAX {
        return text;
    }
    j.removed(FieldReason::Bound);
    let mut end = MESSAGE_MAX;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let head = text.get(..end).unwrap_or("");
    // The token at the cut may be half of something.
    head.rfind(char::is_whitespace).and_then(|i| head.get(..i)).unwrap_or("")
}

fn plain(j: &mut Judge<'_>, id: FieldId, text: &str, setting: Setting) {
    if let Some(r) = request::quoted(text) {
        http(j, &r);
        trailing_seconds(j, r.after);
        if !is_client(r.before) {
            plain_text(j, id, r.before, setting);
        }
        return;
    }
    if let Some(r) = request::bare(text) {
        http(j, &r);
        let mut joined = j.work.pool.pop().unwrap_or_default();
        joined.clear();
        joined.push_str(r.before);
        joined.push_str(r.after);
        plain_text(j, id, &joined, setting);
        j.work.pool.push(joined);
        return;
    }
    plain_text(j, id, text, setting);
}

/// A request's method, route, status and size.
fn http(j: &mut Judge<'_>, r: &Request<'_>) {
    j.push(FieldId::HTTP_REQUEST_METHOD, Value::Text(r.method));
    j.typed(FieldId::HTTP_ROUTE, &FieldType::Route { declared: false }, r.target);
    if r.target.contains(['?', '#']) {
        j.removed(FieldReason::Policy);
    }
    if let Some(status) = r.status {
        j.typed(FieldId::HTTP_RESPONSE_STATUS_CODE, &FieldType::Status, status);
    }
    if let Some(size) = r.size {
        j.typed(FieldId::HTTP_RESPONSE_BODY_SIZE, &FieldType::Bytes, size);
    }
}

/// Whether the text before a request is no more than the address it came from.
fn is_client(before: &str) -> bool {
    let mut words = before.split_whitespace().filter(|w| *w != "-");
    let address = |w: &str| w.bytes().any(|b| b == b'.' || b == b':');
    words.next().is_none_or(address) && words.next().is_none()
}

/// actix ends its access line with the seconds it took: `… "agent" 0.004214`.
fn trailing_seconds(j: &mut Judge<'_>, after: &str) {
    let last = after.trim_end().rsplit('"').next().unwrap_or("").trim();
    let decimal = last.contains('.') && last.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if decimal && after.contains('"') {
        j.typed(FieldId::DURATION_MS, &FieldType::Duration { unit: Unit::Seconds }, last);
    }
}

/// Cuts payloads and SQL, reads pairs at the end, and masks what is left.
fn plain_text(j: &mut Judge<'_>, id: FieldId, text: &str, setting: Setting) {
    let mut text = text;
    if let Some((at, verb)) = sql(text) {
        j.push(j.sieve.operation_id, Value::Text(verb));
        if let Some(name) = text.get(at..).and_then(postgres::table) {
            j.typed(j.sieve.relation_id, &FieldType::Ident { known: true }, name);
        }
        j.removed(FieldReason::Policy);
        text = text.get(..at).unwrap_or("");
    }
    if let Some(at) = payload(text) {
        j.removed(FieldReason::Policy);
        if let Some(name) = text.get(at..).and_then(model) {
            j.typed(FieldId::GEN_AI_REQUEST_MODEL, &FieldType::Model, name);
        }
        text = text.get(..at).unwrap_or("");
    }
    if let Some(at) = logfmt::tail(text)
        && let (Some(sentence), Some(pairs)) = (text.get(..at), text.get(at..))
    {
        // The sentence first: the first message wins.
        mask(j, id, sentence, setting);
        if j.pairs(pairs) {
            return;
        }
        j.removed(FieldReason::Bound);
        return;
    }
    mask(j, id, text, setting);
}

/// The model that a payload names: `'model': 'x'`, `"model":"x"`.
fn model(payload: &str) -> Option<&str> {
    let rest = payload.get(payload.find("model")? + 5..)?;
    let rest = rest.trim_start_matches(['\'', '"', '\\', ':', '=', ' ']);
    rest.get(..rest.find(['\'', '"', '\\', ','])?)
}

/// Where content starts that is data, not a sentence: an object, a list of objects, a tag, keyword
/// arguments, what a database adds to its errors.
fn payload(text: &str) -> Option<usize> {
    const LEADS: [&str; 5] = [" DETAIL: ", "[SQL: ", "[parameters: ", "prompt: ", "messages="];
    let lead = |l: &&str| memchr::memmem::find(text.as_bytes(), l.as_bytes());
    LEADS.iter().filter_map(lead).chain(object(text)).min()
}

fn object(text: &str) -> Option<usize> {
    let b = text.as_bytes();
    let mut from = 0;
    while let Some(at) = memchr::memchr3(b'{', b'[', b'<', b.get(from..)?) {
        let i = from + at;
        let next = b.get(i + 1..).unwrap_or_default();
        let next = next.iter().find(|c| !c.is_ascii_whitespace());
        let data = match (b.get(i), next) {
            (Some(b'{'), Some(b'"' | b'\'' | b'\\' | b'{' | b'[' | b'}')) => true,
            (Some(b'['), Some(b'{' | b'"' | b'\'')) => true,
            (Some(b'<'), Some(c)) => c.is_ascii_alphabetic() && text.contains("</"),
            _ => false,
        };
        if data {
            return Some(i);
        }
        from = i + 1;
    }
    None
}

/// Where an SQL text starts, and its verb: capitals, as code writes them, with a clause behind.
fn sql(text: &str) -> Option<(usize, &'static str)> {
    const STARTS: [(&str, &str); 8] = [
        ("SELECT ", "FROM"),
        ("INSERT INTO ", "VALUES"),
        ("UPDATE ", "SET "),
        ("DELETE FROM ", ""),
        ("CREATE ", ""),
        ("ALTER ", ""),
        ("WITH ", "SELECT "),
        ("COPY ", "FROM"),
    ];
    STARTS.iter().find_map(|(verb, clause)| {
        let at = memchr::memmem::find(text.as_bytes(), verb.as_bytes())?;
        let starts = at == 0 || !text.as_bytes().get(at - 1)?.is_ascii_alphanumeric();
        let rest = text.get(at + verb.len()..)?;
        // A cut statement has lost its clause; a literal or parameter gives it away.
        let is = clause.is_empty() && rest.contains(['(', '=', '\''])
            || !clause.is_empty() && (rest.contains(clause) || rest.contains(['\'', '%']));
        (starts && is).then(|| postgres::operation(verb).map(|name| (at, name)))?
    })
}

/// A message of the PostgreSQL server.
fn server(j: &mut Judge<'_>, id: FieldId, text: &str, setting: Setting) {
    let m = postgres::message(text);
    if let Some(ms) = m.duration_ms {
        let kind = FieldType::Duration { unit: Unit::Milliseconds };
        j.typed(FieldId::DURATION_MS, &kind, ms);
    }
    if let Some(sql) = m.statement {
        match postgres::operation(sql) {
            Some(verb) => j.push(j.sieve.operation_id, Value::Text(verb)),
            None => j.removed(FieldReason::Policy),
        }
    }
    if m.sentence.len() < text.len() && m.duration_ms.is_none() {
        j.removed(FieldReason::Policy);
    }
    if let Some(name) = m.constraint {
        j.typed(j.sieve.constraint_id, &FieldType::Ident { known: false }, name);
    }
    if let Some(name) = m.relation {
        j.typed(j.sieve.relation_id, &FieldType::Ident { known: true }, name);
    }
    mask(j, id, m.sentence, setting);
}

/// Wall 2 on the words as they are, where the context of a value still stands beside it; then the
/// lexicon; then wall 2 on what is left, so that nothing leaves that it would find.
fn mask(j: &mut Judge<'_>, id: FieldId, text: &str, setting: Setting) {
    let text = text.trim();
    if text.is_empty() {
        return;
    }
    if setting == Setting::Drop {
        return j.removed(FieldReason::Policy);
    }
    if j.profile.messages.contains(text) {
        // Word for word a sentence of the profile: it holds nothing of anybody.
        j.report.words(text.split_whitespace().count() as u64, 0);
        return j.push(id, Value::Text(text));
    }
    let mut first = std::mem::take(&mut j.work.first);
    let mut masked = std::mem::take(&mut j.work.masked);
    let mut last = std::mem::take(&mut j.work.last);
    let mut plain = j.work.pool.pop().unwrap_or_default();
    masked.clear();
    let dropped = wall2(j, text.as_bytes(), &mut first);
    let scrubbed = unencoded(std::str::from_utf8(&first).unwrap_or(""), &mut plain);
    let words = j.sieve.lexicon.mask(scrubbed, setting, &mut masked, &mut j.work.lex);
    j.report.words(u64::from(words.kept), u64::from(words.masked));
    let removed = j.record.removed_mut();
    removed.words = removed.words.saturating_add(words.masked);
    if dropped {
        j.removed(FieldReason::Detection);
    } else if words.kept == 0 {
        shape(j, scrubbed);
    } else if wall2(j, masked.trim().as_bytes(), &mut last) {
        j.removed(FieldReason::Detection);
    } else if let Ok(text) = std::str::from_utf8(&last) {
        j.push(id, Value::Text(text));
    }
    j.work.pool.push(plain);
    j.work.first = first;
    j.work.masked = masked;
    j.work.last = last;
}

/// `text` with `<str>` for every word that holds an encoded byte (`%e9`, `=C3=A9`, `\xe9`,
/// `\u00e9`, `&#233;`): the lexicon would judge the letters around it, which are half a word.
fn unencoded<'a>(text: &'a str, buffer: &'a mut String) -> &'a str {
    if !text.split_whitespace().any(is_encoded) {
        return text;
    }
    buffer.clear();
    for word in text.split_inclusive(char::is_whitespace) {
        let bare = word.trim_end();
        if is_encoded(bare) {
            buffer.push_str("<str>");
            buffer.push_str(word.get(bare.len()..).unwrap_or(""));
        } else {
            buffer.push_str(word);
        }
    }
    buffer
}

fn is_encoded(word: &str) -> bool {
    let hex = |s: &[u8]| s.len() == 2 && s.iter().all(u8::is_ascii_hexdigit);
    let escape = |w: &[u8]| match w {
        [b'%', a, b, ..] => hex(&[*a, *b]),
        [b'\\', b'x', a, b, ..] | [b'\\', b'u', a, b, ..] => hex(&[*a, *b]),
        [b'&', b'#', ..] | [b'=', b'?', ..] => true,
        [b'=', a @ (b'8'..=b'9' | b'A'..=b'F'), b, b'=', ..] => hex(&[*a, *b]),
        _ => false,
    };
    let b = word.as_bytes();
    (0..b.len()).any(|i| b.get(i..).is_some_and(escape))
}

/// Detectors and the user's rules: writes placeholders, counts, and tells whether the policy wants
/// the field gone.
fn wall2(j: &mut Judge<'_>, text: &[u8], out: &mut Vec<u8>) -> bool {
    out.clear();
    let before = j.report.detections_total();
    let scrubber = &j.sieve.scrubber;
    scrubber.spans(text, &mut j.work.scrub);
    let action = scrubber.drops(&j.work.scrub);
    j.refused |= action == Action::DropRecord;
    scrubber.scrub(text, out, &mut j.work.scrub, j.report);
    let found = u32::try_from(j.report.detections_total() - before).unwrap_or(u32::MAX);
    let removed = j.record.removed_mut();
    removed.detections = removed.detections.saturating_add(found);
    matches!(action, Action::DropField | Action::DropRecord)
}

/// Remembers the shape of a message of which nothing was left: its technical words one by one, its
/// signs, and a letter for the rest. Only the keyed hash of that leaves. A run of unknown words and
/// numbers alone has no shape.
fn shape(j: &mut Judge<'_>, text: &str) {
    if j.template.is_some() {
        return;
    }
    let mut shape = j.work.pool.pop().unwrap_or_default();
    shape.clear();
    let told = write_shape(j.sieve, text, &mut shape);
    if told {
        let mut context = hmac::Context::with_key(&j.sieve.template_key);
        context.update(j.profile.name.as_bytes());
        context.update(b"\0");
        context.update(shape.as_bytes());
        j.template = Some(hex16(context.sign().as_ref()));
    }
    j.work.pool.push(shape);
}

/// Writes the shape of `text`; `false` when there is nothing in it that tells it from another.
fn write_shape(sieve: &Sieve, text: &str, out: &mut String) -> bool {
    let mut told = false;
    for word in text.split_whitespace() {
        for part in word.split_inclusive(|c: char| !c.is_alphanumeric()) {
            let (word, sign) = match part.char_indices().next_back() {
                Some((i, c)) if !c.is_alphanumeric() => part.split_at(i),
                _ => (part, ""),
            };
            let known = !word.is_empty() && sieve.lexicon.is_technical(word);
            let class = match () {
                () if known => word,
                () if word.bytes().any(|b| b.is_ascii_digit()) => "0",
                () if word.is_empty() || out.ends_with('?') => "",
                () => "?",
            };
            out.push_str(class);
            out.push_str(if sign.is_ascii() { sign } else { "" });
            told |= known || matches!(sign, ":" | "=" | "/" | "(" | "[" | "{");
        }
        if !out.ends_with('?') {
            out.push(' ');
        }
    }
    told
}

/// 64 bits of a hash as hexadecimal.
fn hex16(bytes: &[u8]) -> [u8; 16] {
    let digit = |n: u8| if n < 10 { b'0' + n } else { b'a' + n - 10 };
    let mut hex = [b'0'; 16];
    for (pair, byte) in hex.chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
    hex
}

// A default `int` must stay too small for the shortest identifier with nine digits (SIREN).
const _: () = assert!(INT_MAX < 100_000_000);

//! From TOML to definitions: syntax, known keys, types of values. Walks the spanned document by
//! hand so that every mistake is reported at once and none of them quotes the file.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::types::{FieldType, Format, Grammar, INT_MAX, SETTINGS, Unit};
use super::{PolicyError, PolicyErrors};
use crate::lexicon::Setting;

mod wall2;

pub(crate) use wall2::{ActionDef, KeyDef, RuleDef};

/// Everything a policy file can define.
#[derive(Clone, Default)]
pub(crate) struct Definitions {
    pub(crate) profiles: Vec<ProfileDef>,
    pub(crate) services: Vec<ServiceDef>,
    /// Words of free text that are technical here.
    pub(crate) words: Vec<Box<str>>,
    /// Path segments and identifier parts that are technical here.
    pub(crate) segments: Vec<Box<str>>,
    /// Model names and families.
    pub(crate) models: Vec<Box<str>>,
    /// Host names of services.
    pub(crate) hosts: Vec<Box<str>>,
    pub(crate) actions: Vec<ActionDef>,
    pub(crate) key: Option<KeyDef>,
    pub(crate) rules: Vec<RuleDef>,
}

/// How the lines of a kind of service are read.
#[derive(Clone)]
pub(crate) struct ProfileDef {
    pub(crate) name: Box<str>,
    pub(crate) span: Range<usize>,
    pub(crate) extends: Option<(Box<str>, Range<usize>)>,
    pub(crate) formats: Vec<Format>,
    pub(crate) setting: Option<Setting>,
    pub(crate) images: Vec<Box<str>>,
    pub(crate) services: Vec<Box<str>>,
    pub(crate) detect: Vec<DetectDef>,
    /// Messages that the service prints word for word.
    pub(crate) messages: Vec<Box<str>>,
    pub(crate) fields: Vec<FieldDef>,
}

/// A line is of this profile when it starts and contains so.
#[derive(Clone, Default)]
pub(crate) struct DetectDef {
    pub(crate) starts: Box<str>,
    pub(crate) contains: Vec<Box<str>>,
    pub(crate) format: Option<Format>,
}

/// A field on the allow-list.
#[derive(Clone)]
pub(crate) struct FieldDef {
    pub(crate) path: Box<str>,
    pub(crate) kind: FieldType,
    pub(crate) name: Option<Box<str>>,
    pub(crate) span: Range<usize>,
}

/// What a service of the user's compose file is read by.
#[derive(Clone)]
pub(crate) struct ServiceDef {
    pub(crate) name: Box<str>,
    pub(crate) span: Range<usize>,
    pub(crate) profile: Option<(Box<str>, Range<usize>)>,
    pub(crate) setting: Option<Setting>,
    pub(crate) fields: Vec<FieldDef>,
}

const UNITS: [(&str, Unit); 4] = [
    ("s", Unit::Seconds),
    ("ms", Unit::Milliseconds),
    ("us", Unit::Microseconds),
    ("ns", Unit::Nanoseconds),
];

const GRAMMARS: [(&str, Grammar); 3] = [
    ("plain", Grammar::Plain),
    ("postgres", Grammar::Postgres),
    ("postgres-detail", Grammar::PostgresDetail),
];

/// Longest list, name and path that a policy may hold.
const NAME_MAX: usize = 128;
const LIST_MAX: usize = 4096;

/// Reads definitions.
pub(crate) fn read(toml: &str) -> Result<Definitions, PolicyErrors> {
    let (document, syntax) = DeTable::parse_recoverable(toml);
    let mut r = Reader { errors: Vec::new() };
    for e in &syntax {
        // The parser's own message may quote the file, so only the position is passed on.
        r.error(e.span(), "not valid TOML", "compare with the example in the documentation");
    }
    let definitions = r.definitions(document.get_ref());
    r.errors.sort_by_key(|e| e.span.as_ref().map_or(0, |s| s.start));
    if r.errors.is_empty() { Ok(definitions) } else { Err(PolicyErrors(r.errors)) }
}

struct Reader {
    errors: Vec<PolicyError>,
}

type Item<'a, 'i> = &'a Spanned<DeValue<'i>>;

impl Reader {
    fn error(&mut self, span: Option<Range<usize>>, message: &str, hint: impl Into<String>) {
        self.errors.push(PolicyError { span, message: message.to_owned(), hint: hint.into() });
    }

    /// Members of a table with known keys; the others are mistakes.
    fn known<'a, 'i>(
        &mut self,
        table: &'a DeTable<'i>,
        keys: &[&'static str],
    ) -> Vec<(&'static str, Item<'a, 'i>)> {
        let mut out = Vec::new();
        for (key, value) in table {
            match keys.iter().find(|k| **k == key.get_ref().as_ref()) {
                Some(k) => out.push((*k, value)),
                None => {
                    self.error(Some(key.span()), "unknown key", suggest(key.get_ref(), keys));
                }
            }
        }
        out
    }

    fn table<'a, 'i>(&mut self, v: Item<'a, 'i>) -> Option<&'a DeTable<'i>> {
        let table = v.get_ref().as_table();
        if table.is_none() {
            self.error(Some(v.span()), "a table is needed here", "write `[section]` or `{ … }`");
        }
        table
    }

    fn text(&mut self, v: Item<'_, '_>) -> Option<Box<str>> {
        let text = v.get_ref().as_str().filter(|s| !s.is_empty() && s.len() <= NAME_MAX);
        if text.is_none() {
            let hint = format!("a string of 1 to {NAME_MAX} bytes");
            self.error(Some(v.span()), "a short string is needed here", hint);
        }
        text.map(Into::into)
    }

    fn texts(&mut self, v: Item<'_, '_>) -> Vec<Box<str>> {
        match v.get_ref().as_array() {
            Some(list) if list.len() <= LIST_MAX => {
                list.iter().filter_map(|item| self.text(item)).collect()
            }
            _ => {
                let hint = format!("`[\"one\", \"two\"]`, at most {LIST_MAX}");
                self.error(Some(v.span()), "a list of strings is needed here", hint);
                Vec::new()
            }
        }
    }

    /// Words for the lexicon.
    fn words(&mut self, v: Item<'_, '_>) -> Vec<Box<str>> {
        for item in v.get_ref().as_array().into_iter().flatten() {
            let word = item.get_ref().as_str().unwrap_or("");
            if !word.bytes().all(|b| b.is_ascii_alphanumeric()) {
                let hint = "one word of ASCII letters and digits";
                self.error(Some(item.span()), "not a word", hint);
            }
        }
        self.texts(v)
    }

    /// One of a closed list of words.
    fn choice<T: Copy>(&mut self, v: Item<'_, '_>, choices: &[(&'static str, T)]) -> Option<T> {
        let word = v.get_ref().as_str().unwrap_or("");
        let found = choices.iter().find(|(name, _)| *name == word).map(|(_, t)| *t);
        if found.is_none() {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            self.error(Some(v.span()), "not one of the possible values", suggest(word, &names));
        }
        found
    }

    fn definitions(&mut self, root: &DeTable<'_>) -> Definitions {
        const KEYS: [&str; 9] = [
            "profiles",
            "services",
            "words",
            "segments",
            "models",
            "hosts",
            "actions",
            "pseudonym",
            "rules",
        ];
        let mut d = Definitions::default();
        for (key, value) in self.known(root, &KEYS) {
            match key {
                "profiles" => {
                    for (name, v) in self.table(value).into_iter().flatten() {
                        let profile = self.profile(name.get_ref(), name.span(), v);
                        d.profiles.extend(profile);
                    }
                }
                "services" => {
                    for (name, v) in self.table(value).into_iter().flatten() {
                        let service = self.service(name.get_ref(), name.span(), v);
                        d.services.extend(service);
                    }
                }
                "words" => d.words = self.words(value),
                "segments" => d.segments = self.texts(value),
                "models" => d.models = self.texts(value),
                "hosts" => d.hosts = self.texts(value),
                "actions" => d.actions = self.actions(value),
                "pseudonym" => d.key = self.key(value),
                _ => d.rules = self.rules(value),
            }
        }
        self.without_key(root, &d);
        d
    }

    fn profile(&mut self, name: &str, span: Range<usize>, v: Item<'_, '_>) -> Option<ProfileDef> {
        const KEYS: [&str; 8] =
            ["extends", "formats", "lexicon", "images", "services", "detect", "messages", "fields"];
        let mut p = ProfileDef {
            name: name.into(),
            span,
            extends: None,
            formats: Vec::new(),
            setting: None,
            images: Vec::new(),
            services: Vec::new(),
            detect: Vec::new(),
            messages: Vec::new(),
            fields: Vec::new(),
        };
        let table = self.table(v)?;
        for (key, value) in self.known(table, &KEYS) {
            match key {
                "extends" => p.extends = self.text(value).map(|t| (t, value.span())),
                "formats" => p.formats = self.formats(value),
                "lexicon" => p.setting = self.choice(value, &SETTINGS),
                "images" => p.images = self.texts(value),
                "services" => p.services = self.texts(value),
                "detect" => p.detect = self.detect(value),
                "messages" => p.messages = self.texts(value),
                _ => p.fields = self.fields(value),
            }
        }
        Some(p)
    }

    fn service(&mut self, name: &str, span: Range<usize>, v: Item<'_, '_>) -> Option<ServiceDef> {
        let table = self.table(v)?;
        let mut s = ServiceDef {
            name: name.into(),
            span,
            profile: None,
            setting: None,
            fields: Vec::new(),
        };
        for (key, value) in self.known(table, &["profile", "lexicon", "fields"]) {
            match key {
                "profile" => s.profile = self.text(value).map(|t| (t, value.span())),
                "lexicon" => s.setting = self.choice(value, &SETTINGS),
                _ => s.fields = self.fields(value),
            }
        }
        Some(s)
    }

    fn formats(&mut self, v: Item<'_, '_>) -> Vec<Format> {
        match v.get_ref().as_array() {
            Some(list) if !list.is_empty() => {
                list.iter().filter_map(|item| self.choice(item, &Format::ALL)).collect()
            }
            _ => {
                self.error(Some(v.span()), "a list of formats is needed here", "`[\"json\"]`");
                Vec::new()
            }
        }
    }

    fn detect(&mut self, v: Item<'_, '_>) -> Vec<DetectDef> {
        let Some(list) = v.get_ref().as_array() else {
            self.error(Some(v.span()), "a list is needed here", "`[{ starts = \"[GIN] \" }]`");
            return Vec::new();
        };
        let mut out = Vec::new();
        for item in list {
            let mut d = DetectDef::default();
            let Some(table) = self.table(item) else { continue };
            for (key, value) in self.known(table, &["starts", "contains", "format"]) {
                match key {
                    "starts" => d.starts = self.text(value).unwrap_or_default(),
                    "contains" => d.contains = self.texts(value),
                    _ => d.format = self.choice(value, &Format::ALL),
                }
            }
            out.push(d);
        }
        out
    }

    fn fields(&mut self, v: Item<'_, '_>) -> Vec<FieldDef> {
        let mut out = Vec::new();
        for (path, value) in self.table(v).into_iter().flatten() {
            let span = path.span();
            if path.get_ref().is_empty() || path.get_ref().len() > NAME_MAX {
                self.error(Some(span.clone()), "the path is empty or too long", "`\"a.b\" = …`");
            }
            let (kind, name) = match value.get_ref().as_str() {
                Some(word) => (self.kind(word, None, value.span()), None),
                None => self.field(value),
            };
            out.extend(kind.map(|kind| FieldDef {
                path: path.get_ref().as_ref().into(),
                kind,
                name,
                span,
            }));
        }
        out
    }

    fn field(&mut self, v: Item<'_, '_>) -> (Option<FieldType>, Option<Box<str>>) {
        const KEYS: [&str; 9] =
            ["type", "name", "unit", "max", "values", "lexicon", "grammar", "known", "declared"];
        let Some(table) = self.table(v) else { return (None, None) };
        let members = self.known(table, &KEYS);
        let kind = members.iter().find(|(k, _)| *k == "type").map(|(_, v)| *v);
        let Some(kind) = kind else {
            self.error(Some(v.span()), "the field has no type", "add `type = \"ident\"`");
            return (None, None);
        };
        let name = members.iter().find(|(k, _)| *k == "name").map(|(_, v)| *v);
        let name = name.and_then(|n| self.field_name(n));
        let word = kind.get_ref().as_str().unwrap_or("");
        (self.kind(word, Some(&members), kind.span()), name)
    }

    /// The name in records: what a label and a JSON key may be.
    fn field_name(&mut self, v: Item<'_, '_>) -> Option<Box<str>> {
        let name = self.text(v)?;
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        if !name.bytes().all(plain) {
            let hint = "lower-case letters, digits and `_`, as in OpenTelemetry's names";
            self.error(Some(v.span()), "not a field name", hint);
            return None;
        }
        Some(name)
    }

    fn kind(
        &mut self,
        word: &str,
        options: Option<&[(&'static str, Item<'_, '_>)]>,
        span: Range<usize>,
    ) -> Option<FieldType> {
        let option =
            |key: &str| options.into_iter().flatten().find(|(k, _)| *k == key).map(|(_, v)| *v);
        let flag = |key: &str| option(key).is_some_and(|v| v.get_ref().as_bool() == Some(true));
        Some(match word {
            "drop" => FieldType::Drop,
            "level" => FieldType::Level,
            "timestamp" => FieldType::Timestamp,
            "int" => FieldType::Int { max: self.max(option("max"))? },
            "float" => FieldType::Float,
            "bool" => FieldType::Bool,
            "duration" => FieldType::Duration {
                unit: match option("unit") {
                    Some(v) => self.choice(v, &UNITS)?,
                    None => Unit::Milliseconds,
                },
            },
            "bytes" => FieldType::Bytes,
            "enum" => FieldType::Enum { values: self.values(option("values"), span)? },
            "http_method" => FieldType::HttpMethod,
            "status" => FieldType::Status,
            "route" => FieldType::Route { declared: flag("declared") },
            "service_host" => FieldType::ServiceHost,
            "ident" => FieldType::Ident { known: flag("known") },
            "exception" => FieldType::Exception,
            "source_location" => FieldType::SourceLocation,
            "sqlstate" => FieldType::Sqlstate,
            "sql_operation" => FieldType::SqlOperation,
            "version" => FieldType::Version,
            "digest" => FieldType::Digest,
            "trace_id" => FieldType::TraceId,
            "span_id" => FieldType::SpanId,
            "model" => FieldType::Model,
            "ip_class" => FieldType::IpClass,
            "message" => FieldType::Message {
                setting: option("lexicon").and_then(|v| self.choice(v, &SETTINGS)),
                grammar: match option("grammar") {
                    Some(v) => self.choice(v, &GRAMMARS)?,
                    None => Grammar::Plain,
                },
            },
            "json" => FieldType::Json,
            _ => {
                let mut names = FieldType::NAMES.to_vec();
                names.push("drop");
                self.error(Some(span), "not a known type", suggest(word, &names));
                return None;
            }
        })
    }

    fn max(&mut self, v: Option<Item<'_, '_>>) -> Option<u64> {
        let Some(v) = v else { return Some(INT_MAX) };
        let int = v.get_ref().as_integer();
        let max = int.and_then(|i| u64::from_str_radix(i.as_str(), i.radix()).ok());
        let max = max.filter(|m| *m <= INT_MAX * 100_000);
        if max.is_none() {
            self.error(
                Some(v.span()),
                "not a possible maximum",
                "a whole number, 13 digits at most",
            );
        }
        max
    }

    fn values(&mut self, v: Option<Item<'_, '_>>, span: Range<usize>) -> Option<Vec<Box<str>>> {
        let Some(v) = v else {
            self.error(Some(span), "an enum needs its values", "`values = [\"free\", \"pro\"]`");
            return None;
        };
        Some(self.texts(v))
    }
}

/// A hint that names the nearest of the possible words, or all of them.
pub(crate) fn suggest(word: &str, possible: &[&str]) -> String {
    let nearest = possible.iter().map(|p| (distance(word, p), *p)).min();
    match nearest {
        Some((d, p)) if d <= 3 && d * 2 <= p.len() => format!("did you mean `{p}`?"),
        _ => format!("possible: {}", possible.join(", ")),
    }
}

/// Edit distance, of at most the first 64 bytes.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<u8> = b.bytes().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.bytes().take(64).enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, cb) in row.iter_mut().skip(1).zip(&b) {
            let next = (*cell + 1).min(left + 1).min(diagonal + usize::from(ca != *cb));
            diagonal = *cell;
            *cell = next;
            left = next;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

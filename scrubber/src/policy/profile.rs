//! From definitions to what the sieve runs on: profiles with key tries, the table of field names,
//! word sets, rules.

use std::collections::HashSet;
use std::ops::Range;

use super::schema::{Definitions, DetectDef, FieldDef, ProfileDef, suggest};
use super::types::{FieldType, Format};
use super::{Policy, PolicyError, PolicyErrors};
use crate::lexicon::Setting;
use crate::record::{FieldId, FieldNames};
use crate::scrub::{Options, Rules};

/// The built-in profiles, in the order in which a line without a name is tried on them.
pub(crate) const BUILTIN: [(&str, &str); 10] = [
    ("caddy", include_str!("../../profiles/caddy.toml")),
    ("nginx", include_str!("../../profiles/nginx.toml")),
    ("postgres", include_str!("../../profiles/postgres.toml")),
    ("ollama", include_str!("../../profiles/ollama.toml")),
    ("litellm", include_str!("../../profiles/litellm.toml")),
    ("uvicorn", include_str!("../../profiles/uvicorn.toml")),
    ("observability", include_str!("../../profiles/observability.toml")),
    ("data", include_str!("../../profiles/data.toml")),
    ("web", include_str!("../../profiles/web.toml")),
    ("common", include_str!("../../profiles/common.toml")),
];

/// Profiles may extend one another so many times.
const EXTENDS_MAX: usize = 8;

/// Everything compiled.
pub(crate) struct Compiled {
    pub(crate) names: FieldNames,
    pub(crate) profiles: Vec<Profile>,
    /// Service name of the user's policy, index of its profile.
    pub(crate) services: Vec<(Box<str>, usize)>,
    pub(crate) segments: HashSet<Box<str>>,
    pub(crate) models: Vec<Box<str>>,
    pub(crate) hosts: HashSet<Box<str>>,
    pub(crate) options: Options,
}

/// How the lines of a kind of service are read and judged.
pub(crate) struct Profile {
    pub(crate) name: Box<str>,
    pub(crate) formats: Vec<Format>,
    pub(crate) setting: Setting,
    pub(crate) images: Vec<Box<str>>,
    pub(crate) services: Vec<Box<str>>,
    pub(crate) detect: Vec<DetectDef>,
    pub(crate) messages: HashSet<Box<str>>,
    pub(crate) trie: Trie,
}

/// A field on the allow-list, compiled.
pub(crate) struct FieldSpec {
    pub(crate) kind: FieldType,
    pub(crate) id: FieldId,
}

/// The keys of a profile. Node 0 is the root; keys are compared without ASCII case.
pub(crate) struct Trie {
    nodes: Vec<Node>,
}

#[derive(Default)]
struct Node {
    /// Lower-case keys, sorted.
    children: Vec<(Box<str>, usize)>,
    spec: Option<FieldSpec>,
}

impl Trie {
    /// The root.
    pub(crate) const ROOT: usize = 0;

    fn new() -> Self {
        Trie { nodes: vec![Node::default()] }
    }

    /// The node of `key` under `node`. A key with dots is also looked up part by part, so that
    /// `{"log.level": …}` and `{"log": {"level": …}}` are the same field.
    pub(crate) fn child(&self, node: usize, key: &str) -> Option<usize> {
        if let Some(found) = self.direct(node, key) {
            return Some(found);
        }
        let mut at = node;
        let mut parts = key.split('.');
        let first = parts.next().filter(|p| p.len() < key.len())?;
        at = self.direct(at, first)?;
        for part in parts {
            at = self.direct(at, part)?;
        }
        Some(at)
    }

    fn direct(&self, node: usize, key: &str) -> Option<usize> {
        let children = &self.nodes.get(node)?.children;
        let lower = |k: &str| k.bytes().map(|b| b.to_ascii_lowercase()).collect::<KeyBytes>();
        let found = if key.len() <= KeyBytes::MAX {
            let key = lower(key);
            children.binary_search_by(|(k, _)| k.as_bytes().cmp(key.bytes())).ok()?
        } else {
            return None;
        };
        children.get(found).map(|(_, n)| *n)
    }

    /// The field at a node.
    pub(crate) fn spec(&self, node: usize) -> Option<&FieldSpec> {
        self.nodes.get(node)?.spec.as_ref()
    }

    /// Whether some field lies below a node.
    pub(crate) fn has_children(&self, node: usize) -> bool {
        self.nodes.get(node).is_some_and(|n| !n.children.is_empty())
    }

    fn insert(&mut self, path: &str, spec: FieldSpec) {
        let mut at = Self::ROOT;
        for part in path.split('.') {
            let part = part.to_ascii_lowercase();
            let next = self.nodes.len();
            // Proof: `at` is an index this function got from `nodes` itself.
            let children = &mut self.nodes[at].children;
            at = match children.binary_search_by(|(k, _)| (**k).cmp(&part)) {
                Ok(i) => children[i].1,
                Err(i) => {
                    children.insert(i, (part.into(), next));
                    self.nodes.push(Node::default());
                    next
                }
            };
        }
        self.nodes[at].spec = Some(spec);
    }
}

/// A short key, lower-cased on the stack.
struct KeyBytes {
    bytes: [u8; KeyBytes::MAX],
    len: usize,
}

impl KeyBytes {
    const MAX: usize = 64;

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl FromIterator<u8> for KeyBytes {
    fn from_iter<I: IntoIterator<Item = u8>>(iter: I) -> Self {
        let mut key = KeyBytes { bytes: [0; KeyBytes::MAX], len: 0 };
        for (slot, b) in key.bytes.iter_mut().zip(iter) {
            *slot = b;
            key.len += 1;
        }
        key
    }
}

/// Compiles the built-in profiles and a policy.
pub(crate) fn compile(policy: &Policy) -> Result<Compiled, PolicyErrors> {
    let mut all = Definitions::default();
    for (_, text) in BUILTIN {
        let d = super::schema::read(text)?;
        all.profiles.extend(d.profiles);
        all.segments.extend(d.segments);
        all.models.extend(d.models);
        all.hosts.extend(d.hosts);
    }
    let user = policy.definitions();
    let mut c = Compiler { errors: Vec::new(), names: FieldNames::new(), all };
    c.check_names(user);
    c.all.segments.extend_from_slice(&user.segments);
    c.all.models.extend_from_slice(&user.models);
    c.all.hosts.extend_from_slice(&user.hosts);
    // The user's profiles come first, so that they are tried first and found first by name.
    let mut profiles = user.profiles.clone();
    profiles.append(&mut c.all.profiles);
    c.all.profiles = profiles;
    let services = c.services(user);
    let compiled: Vec<Profile> = c.all.profiles.clone().iter().map(|p| c.profile(p)).collect();
    let mut options = Options::default();
    for a in &user.actions {
        options = options.action(a.kind, a.action);
    }
    match Rules::compile(&user.rules) {
        Ok(rules) => options = options.rules(rules),
        Err(errors) => c.errors.extend(errors),
    }
    if let Some(key) = policy.key() {
        options = options.key(key.clone());
    }
    if !c.errors.is_empty() {
        return Err(PolicyErrors(c.errors));
    }
    let index = |name: &str| compiled.iter().position(|p| &*p.name == name);
    let services = services.iter().filter_map(|(s, p)| Some((s.clone(), index(p)?))).collect();
    Ok(Compiled {
        names: c.names,
        services,
        segments: c.all.segments.into_iter().collect(),
        models: c.all.models,
        hosts: c.all.hosts.into_iter().collect(),
        options,
        profiles: compiled,
    })
}

struct Compiler {
    errors: Vec<PolicyError>,
    names: FieldNames,
    all: Definitions,
}

impl Compiler {
    fn error(&mut self, span: &Range<usize>, message: &str, hint: String) {
        let message = message.to_owned();
        self.errors.push(PolicyError { span: Some(span.clone()), message, hint });
    }

    fn check_names(&mut self, user: &Definitions) {
        for p in &user.profiles {
            if self.all.profiles.iter().any(|b| b.name == p.name) {
                let hint = "choose another name and write `extends = \"…\"`".to_owned();
                self.error(&p.span, "a built-in profile has this name", hint);
            }
        }
    }

    /// Services of the policy; one that changes something gets a profile of its own.
    fn services(&mut self, user: &Definitions) -> Vec<(Box<str>, Box<str>)> {
        let mut out = Vec::new();
        for s in &user.services {
            let base = match &s.profile {
                Some((name, span)) if !self.exists(name) => {
                    let hint = self.suggest_profile(name);
                    self.error(span, "no profile has this name", hint);
                    continue;
                }
                Some((name, _)) => Some(name.clone()),
                None => self.by_service(&s.name),
            };
            let base = base.unwrap_or_else(|| "json".into());
            if s.setting.is_none() && s.fields.is_empty() {
                out.push((s.name.clone(), base));
                continue;
            }
            let name: Box<str> = format!("{base}+{}", s.name).into();
            self.all.profiles.push(ProfileDef {
                name: name.clone(),
                span: s.span.clone(),
                extends: Some((base, s.span.clone())),
                formats: Vec::new(),
                setting: s.setting,
                images: Vec::new(),
                services: Vec::new(),
                detect: Vec::new(),
                messages: Vec::new(),
                fields: s.fields.clone(),
            });
            out.push((s.name.clone(), name));
        }
        out
    }

    fn exists(&self, name: &str) -> bool {
        self.all.profiles.iter().any(|p| &*p.name == name)
    }

    fn by_service(&self, service: &str) -> Option<Box<str>> {
        let takes = |p: &&ProfileDef| p.services.iter().any(|s| &**s == service);
        self.all.profiles.iter().find(takes).map(|p| p.name.clone())
    }

    fn suggest_profile(&self, name: &str) -> String {
        // Only built-in names may be told.
        let names: Vec<&str> = self
            .all
            .profiles
            .iter()
            .map(|p| &*p.name)
            .filter(|n| BUILTIN.iter().any(|(_, text)| text.contains(&format!("[profiles.{n}]"))))
            .collect();
        suggest(name, &names)
    }

    /// A profile and what it extends, nearest first.
    fn lineage(&mut self, p: &ProfileDef) -> Vec<ProfileDef> {
        let mut line = vec![p.clone()];
        while let Some((name, span)) = line.last().and_then(|l| l.extends.clone()) {
            let Some(base) = self.all.profiles.iter().find(|b| b.name == name).cloned() else {
                let hint = self.suggest_profile(&name);
                self.error(&span, "no profile has this name", hint);
                break;
            };
            if line.len() >= EXTENDS_MAX || line.iter().any(|l| l.name == base.name) {
                let hint = format!("at most {EXTENDS_MAX} profiles, none twice");
                self.error(&span, "the profile extends itself, or too many others", hint);
                break;
            }
            line.push(base);
        }
        line
    }

    fn profile(&mut self, p: &ProfileDef) -> Profile {
        let line = self.lineage(p);
        let mut trie = Trie::new();
        // From the base to the profile itself: the nearer definition replaces the farther one.
        for field in line.iter().rev().flat_map(|l| &l.fields) {
            self.field(field, &mut trie);
        }
        let mut formats = line.iter().map(|l| l.formats.clone()).find(|f| !f.is_empty());
        let formats = formats.get_or_insert_with(Vec::new);
        // Whatever a service prints, it is at least text.
        if !formats.contains(&Format::Text) {
            formats.push(Format::Text);
        }
        Profile {
            name: p.name.clone(),
            formats: std::mem::take(formats),
            setting: line.iter().find_map(|l| l.setting).unwrap_or(Setting::Tight),
            images: p.images.clone(),
            services: p.services.clone(),
            detect: p.detect.clone(),
            messages: line.iter().flat_map(|l| l.messages.iter().cloned()).collect(),
            trie,
        }
    }

    fn field(&mut self, field: &FieldDef, trie: &mut Trie) {
        let name = field.name.as_deref().or(field.kind.default_name());
        let name = name.map_or_else(|| snake(&field.path), str::to_owned);
        match self.names.intern(&name) {
            Some(id) => trie.insert(&field.path, FieldSpec { kind: field.kind.clone(), id }),
            None => {
                let hint = "at most 65,536 different names".to_owned();
                self.error(&field.span, "too many field names", hint);
            }
        }
    }
}

/// A path as a field name: `request.proto` → `request_proto`, `maxSegment` → `max_segment`.
fn snake(path: &str) -> String {
    let mut out = String::with_capacity(path.len() + 4);
    let mut lower = false;
    for c in path.chars() {
        if c.is_ascii_uppercase() && lower {
            out.push('_');
        }
        lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        out.push(if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' });
    }
    out
}

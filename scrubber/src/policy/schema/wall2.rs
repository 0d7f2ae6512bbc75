//! What a policy says of wall 2: what is done by kind, the key of pseudonyms, the user's own rules.

use std::ops::Range;

use toml::de::DeTable;

use super::{Definitions, Item, Reader, suggest};
use crate::placeholder;
use crate::report::{Kind, RULES_MAX};
use crate::scrub::Action;

/// What happens to the detections of a kind.
#[derive(Clone)]
pub(crate) struct ActionDef {
    pub(crate) kind: Kind,
    pub(crate) action: Action,
    pub(crate) span: Range<usize>,
}

/// Where the key of pseudonyms is. The key itself is never in a policy.
#[derive(Clone)]
pub(crate) struct KeyDef {
    pub(crate) id: Box<str>,
    pub(crate) file: Box<str>,
    pub(crate) span: Range<usize>,
}

/// A regular expression of the user.
#[derive(Clone)]
pub(crate) struct RuleDef {
    /// Empty when it has none.
    pub(crate) name: Box<str>,
    pub(crate) pattern: Box<str>,
    /// `None`: what the policy says of `custom`.
    pub(crate) action: Option<Action>,
    pub(crate) span: Range<usize>,
}

const ACTIONS: [(&str, Action); 7] = [
    ("redact", Action::Redact),
    ("mask", Action::Mask),
    ("pseudonym", Action::Pseudonym),
    ("truncate", Action::Truncate),
    ("keep", Action::Keep),
    ("drop-field", Action::DropField),
    ("drop-record", Action::DropRecord),
];

impl Reader {
    pub(super) fn actions(&mut self, v: Item<'_, '_>) -> Vec<ActionDef> {
        let mut out = Vec::new();
        for (name, value) in self.table(v).into_iter().flatten() {
            let word = name.get_ref();
            let Some(kind) = Kind::from_name(&word.to_ascii_uppercase()) else {
                let names = Kind::ALL.map(Kind::name);
                let hint = suggest(&word.to_ascii_uppercase(), &names).to_ascii_lowercase();
                self.error(Some(name.span()), "not a kind of personal data", hint);
                continue;
            };
            let Some(action) = self.action(kind, value) else { continue };
            out.push(ActionDef { kind, action, span: value.span() });
        }
        out
    }

    /// An action that makes sense for a kind.
    fn action(&mut self, kind: Kind, v: Item<'_, '_>) -> Option<Action> {
        let action = self.choice(v, &ACTIONS)?;
        let (message, hint) = match action {
            Action::Truncate if kind != Kind::Ip => {
                ("only addresses can be truncated", "`ip = \"truncate\"`; `mask` for others")
            }
            Action::Keep if kind == Kind::Custom => {
                ("a rule that keeps what it finds does nothing", "leave the rule out")
            }
            _ => return Some(action),
        };
        self.error(Some(v.span()), message, hint);
        None
    }

    pub(super) fn key(&mut self, v: Item<'_, '_>) -> Option<KeyDef> {
        let table = self.table(v)?;
        let (mut id, mut file) = (None, None);
        let mut wrong = false;
        for (key, value) in self.known(table, &["key_id", "key_file"]) {
            let text = self.text(value);
            wrong |= text.is_none();
            if key == "key_file" {
                file = text;
            } else if text.as_ref().is_some_and(|t| !placeholder::is_key_id(t)) {
                wrong = true;
                let hint = "`k` and one to four digits, such as \"k1\"";
                self.error(Some(value.span()), "not the id of a key", hint);
            } else {
                id = text;
            }
        }
        match (id, file) {
            (Some(id), Some(file)) => Some(KeyDef { id, file, span: v.span() }),
            _ if wrong => None,
            _ => {
                let hint = "`key_id = \"k1\"` and `key_file = \"/run/secrets/…\"`";
                self.error(Some(v.span()), "pseudonyms need a key and its id", hint);
                None
            }
        }
    }

    /// Pseudonyms that nothing says the key of.
    pub(super) fn without_key(&mut self, root: &DeTable<'_>, d: &Definitions) {
        if root.contains_key("pseudonym") {
            return;
        }
        let kinds = d.actions.iter().map(|a| (Some(a.action), &a.span));
        let all = kinds.chain(d.rules.iter().map(|r| (r.action, &r.span)));
        for (_, span) in all.filter(|(action, _)| *action == Some(Action::Pseudonym)) {
            let hint = "add `[pseudonym]` with `key_id` and `key_file`";
            self.error(Some(span.clone()), "pseudonyms need a key", hint);
        }
    }

    pub(super) fn rules(&mut self, v: Item<'_, '_>) -> Vec<RuleDef> {
        let Some(list) = v.get_ref().as_array() else {
            self.error(Some(v.span()), "a list of tables is needed here", "`[[rules]]`");
            return Vec::new();
        };
        let mut out: Vec<RuleDef> = Vec::new();
        for item in list {
            let Some(rule) = self.rule(item) else { continue };
            if !rule.name.is_empty() && out.iter().any(|other| other.name == rule.name) {
                self.error(Some(item.span()), "two rules have this name", "name each its own");
            }
            out.push(rule);
        }
        if let Some(item) = list.get(RULES_MAX) {
            self.error(Some(item.span()), "too many rules", format!("at most {RULES_MAX}"));
        }
        out
    }

    fn rule(&mut self, item: Item<'_, '_>) -> Option<RuleDef> {
        let table = self.table(item)?;
        let mut rule =
            RuleDef { name: "".into(), pattern: "".into(), action: None, span: item.span() };
        let mut wrong = false;
        for (key, value) in self.known(table, &["name", "pattern", "action"]) {
            match key {
                "name" => {
                    rule.name = self.text(value).unwrap_or_default();
                    if !rule.name.is_empty() && !placeholder::is_rule_name(&rule.name) {
                        let hint = "1 to 24 of `a-z`, `0-9` and `-`, a letter first: it stands in \
                                    the text, as in `[CUSTOM:ticket]`";
                        self.error(Some(value.span()), "not the name of a rule", hint);
                    }
                }
                "pattern" => match value.get_ref().as_str() {
                    Some(pattern) => {
                        rule.pattern = pattern.into();
                        rule.span = value.span();
                    }
                    None => {
                        wrong = true;
                        self.error(Some(value.span()), "a string is needed here", "`'TCK-\\d+'`");
                    }
                },
                _ => rule.action = self.action(Kind::Custom, value),
            }
        }
        if rule.pattern.is_empty() {
            if !wrong {
                self.error(Some(item.span()), "the rule has no pattern", "`pattern = '…'`");
            }
            return None;
        }
        Some(rule)
    }
}

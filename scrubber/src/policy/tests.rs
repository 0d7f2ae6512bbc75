//! Policies that are right, and policies that are wrong in every way at once.

use super::*;

#[test]
fn builtin_profiles_compile() {
    let compiled = profile::compile(&Policy::default());
    if let Err(errors) = &compiled {
        panic!("{errors}");
    }
}

#[test]
fn a_policy_may_extend_everything() {
    let policy = Policy::parse(
        r#"
words = ["lettrage"]
segments = ["factures"]
models = ["maison"]
hosts = ["passerelle"]
[profiles.shop]
extends = "json"
formats = ["json", "text"]
lexicon = "tight"
images = ["example/shop"]
[profiles.shop.fields]
"order.state" = { type = "enum", values = ["open", "paid"] }
"took" = { type = "duration", unit = "us" }
[services.web]
profile = "shop"
[services.worker]
lexicon = "drop"
[actions]
nir = "drop-record"
[[rules]]
name = "ticket"
pattern = 'TCK-\d{6}'
"#,
    );
    assert!(policy.is_ok());
}

#[test]
fn every_mistake_is_told_at_once_and_no_value() {
    let text = r#"
secret_key = "hunter2"
segmants = ["a"]
[profiles.Jean]
extends = "jsn"
lexicon = "tihgt"
formats = ["jsonn"]
[profiles.Jean.fields]
a = "intt"
b = { name = "x" }
c = { type = "enum" }
d = { type = "int", max = "no", name = "Bad Name" }
[services.x]
profile = "cady"
[actions]
nirr = "redact"
card = "forget"
[[rules]]
pattern = '('
[[rules]]
name = "empty"
"#;
    let errors = Policy::parse(text).err().unwrap().0;
    assert_eq!(errors.len(), 12, "{errors:#?}");
    for e in &errors {
        let span = e.span.clone().unwrap();
        assert!(span.end <= text.len());
        for word in ["hunter2", "secret_key", "Jean", "jsn", "tihgt", "forget", "Bad Name"] {
            assert!(!e.to_string().contains(word), "{e}");
        }
    }
    let hints: Vec<&str> = errors.iter().map(|e| e.hint.as_str()).collect();
    for hint in ["did you mean `segments`?", "did you mean `tight`?", "did you mean `json`?"] {
        assert!(hints.contains(&hint), "{hint}: {hints:?}");
    }
    // References are checked once the syntax is right.
    let errors = Policy::parse("[services.x]\nprofile = \"cady\"\n[[rules]]\npattern = '('\n");
    let errors = errors.err().unwrap().0;
    assert_eq!(errors.len(), 2);
    assert_eq!(errors[0].hint, "did you mean `caddy`?");
    assert!(Policy::parse("a = [").is_err());
    assert!(Policy::parse("[[rules]]\npattern = 'x*'").is_err());
    assert!(Policy::parse("words = [\"two words\"]").is_err());
    let twice = "[profiles.a]\nextends = \"b\"\n[profiles.b]\nextends = \"a\"\n";
    assert!(Policy::parse(twice).is_err());
    assert!(Policy::parse("[profiles.caddy]\nformats = [\"json\"]\n").is_err());
}

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

/// A policy, and for each mistake its line, words of the message and words of the hint.
type Wrong = (&'static str, &'static [(usize, &'static str, &'static str)]);

#[test]
fn wrong_actions_keys_and_rules_are_told_by_line() {
    let rows: &[Wrong] = &[
        ("[actions]\nnir = \"truncate\"\n", &[(2, "only addresses", "`mask`")]),
        ("[actions]\ncustom = \"keep\"\n", &[(2, "does nothing", "leave")]),
        ("[actions]\nnir = \"masq\"\n", &[(2, "possible values", "did you mean `mask`?")]),
        ("[actions]\nnir = \"pseudonym\"\n", &[(2, "need a key", "[pseudonym]")]),
        ("[[rules]]\npattern = 'a'\naction = \"pseudonym\"\n", &[(2, "need a key", "key_file")]),
        ("[pseudonym]\nkey_id = \"k1\"\n", &[(1, "a key and its id", "key_file")]),
        ("[pseudonym]\nkey_file = \"/x\"\n", &[(1, "a key and its id", "key_id")]),
        (
            "[pseudonym]\nkey_id = \"0639981234\"\nkey_file = \"/x\"\n",
            &[(2, "not the id of a key", "`k` and one to four")],
        ),
        ("[pseudonym]\nkey_id = 3\nkey_file = \"/x\"\n", &[(2, "a short string", "1 to 128")]),
        (
            "[pseudonym]\nkey_id = \"k1\"\nkey_file = \"/x\"\nkey = \"hunter2\"\n",
            &[(4, "unknown key", "key_id")],
        ),
        (
            "[[rules]]\nname = \"Jean\"\npattern = 'a'\n",
            &[(2, "name of a rule", "[CUSTOM:ticket]")],
        ),
        (
            "[[rules]]\nname = \"a\"\npattern = 'a'\n[[rules]]\nname = \"a\"\npattern = 'b'\n",
            &[(4, "two rules", "name each")],
        ),
        ("[[rules]]\npattern = 7\n", &[(2, "a string is needed", "TCK")]),
        ("[[rules]]\npattern = 'a(?=b)'\n", &[(2, "does not compile", "no look-around")]),
        ("[[rules]]\npattern = '(a)\\1'\n", &[(2, "does not compile", "no back-references")]),
        ("[[rules]]\npattern = '\\b'\n", &[(2, "the empty text", "one character")]),
        (
            "[[rules]]\npattern = '(?:[a-z]{1,500}x){1,500}'\n",
            &[(2, "too large when compiled", "1 MiB")],
        ),
        (
            "[[rules]]\npattern = 'a'\naction = \"truncate\"\n[[rules]]\npattern = '('\n",
            &[(3, "only addresses", "`mask`")],
        ),
    ];
    for (text, wanted) in rows {
        let errors = Policy::parse(text).err().unwrap_or_else(|| panic!("{text} is taken")).0;
        assert_eq!(errors.len(), wanted.len(), "{text}: {errors:?}");
        for (error, (line, message, hint)) in errors.iter().zip(*wanted) {
            let start = error.span.clone().unwrap().start;
            let at = text[..start].matches('\n').count() + 1;
            assert_eq!(at, *line, "{text}: {error}");
            assert!(error.message.contains(message), "{text}: {error}");
            assert!(error.hint.contains(hint), "{text}: {error}");
            assert!(!error.to_string().contains("Jean") && !error.to_string().contains("hunter2"));
        }
    }
}

#[test]
fn rules_have_bounds_together() {
    let many = "[[rules]]\npattern = 'a'\n".repeat(crate::report::RULES_MAX + 1);
    let errors = Policy::parse(&many).err().unwrap().0;
    assert_eq!((errors.len(), errors[0].message.as_str()), (1, "too many rules"));
    assert!(Policy::parse(&many["[[rules]]\npattern = 'a'\n".len()..]).is_ok());
    let large = "[[rules]]\npattern = '[a-z]{1,5000}x'\n".repeat(64);
    let errors = Policy::parse(&large).err().unwrap().0;
    assert_eq!((errors.len(), errors[0].message.contains("together")), (1, true), "{errors:?}");
    let long = format!("[[rules]]\npattern = '{}'\n", "a".repeat(5000));
    assert_eq!(Policy::parse(&long).err().unwrap().0[0].message, "the pattern is too long");
}

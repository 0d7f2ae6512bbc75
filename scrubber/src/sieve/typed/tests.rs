//! Values that fit their types, and look-alikes that must not.

use super::*;
use crate::policy::types::Grammar;

fn say(kind: &FieldType, text: &str) -> String {
    let list = |w: &[&str]| w.iter().map(|s| Box::from(*s)).collect::<HashSet<Box<str>>>();
    let (segments, hosts) =
        (list(&["v1", "chat", "completions", "users"]), list(&["ollama", "gateway"]));
    let models: Vec<Box<str>> = vec!["llama".into(), "mistral".into()];
    let lexicon = Lexicon::default();
    let words = Words { lexicon: &lexicon, segments: &segments, models: &models, hosts: &hosts };
    let mut out = String::new();
    match check(kind, text, &words, &mut out) {
        None => "-".to_owned(),
        Some(Checked::Level(l, s)) => format!("{}/{s}", l.name()),
        Some(Checked::Open(s) | Checked::Closed(Value::Text(s))) => s.to_owned(),
        Some(Checked::Closed(Value::Int(v))) => v.to_string(),
        Some(Checked::Closed(Value::Float(v))) => v.to_string(),
        Some(Checked::Closed(Value::Bool(v))) => v.to_string(),
    }
}

#[test]
fn values_fit_or_go() {
    use FieldType as T;
    let int = || T::Int { max: 99_999_999 };
    let (route, declared) = (|| T::Route { declared: false }, || T::Route { declared: true });
    let (shape, known) = (|| T::Ident { known: false }, || T::Ident { known: true });
    let s = || T::Duration { unit: Unit::Seconds };
    let rows = [
        (T::Level, "WARNING", "warn/WARNING"),
        (T::Level, "30", "info/info"),
        (T::Level, "jean", "-"),
        (int(), "42", "42"),
        (int(), "-1", "-1"),
        (int(), "185057800608491", "-"),
        (int(), "0639981234", "-"),
        (int(), "639981234", "-"),
        (int(), "1.5", "-"),
        (T::Float, "0.25", "0.25"),
        (T::Float, "1.85E14", "-"),
        (T::Float, "NaN", "-"),
        (T::Status, "404", "404"),
        (T::Status, "99", "-"),
        (T::Status, "750", "-"),
        (s(), "1.148087716", "1148.087716"),
        (s(), "82.985212ms", "82.985212"),
        (s(), "738.539µs", "0.738539"),
        (s(), "1h2m3.5s", "3723500"),
        (s(), "29m0s", "1740000"),
        (s(), "12 ms", "12"),
        (s(), "06 39 98", "-"),
        (s(), "185057800608491", "-"),
        (T::Bytes, "1234567890", "1234567890"),
        (T::Bytes, "185057800608491", "-"),
        (T::Bytes, "7.5 GiB", "8053063680"),
        (T::HttpMethod, "get", "GET"),
        (T::HttpMethod, "JEAN", "-"),
        (route(), "/v1/chat/completions?user=jean", "/v1/chat/completions"),
        (route(), "/users/42", "/users/{}"),
        (route(), "/f/Dossier%20Jean.pdf", "/{}/{}"),
        (route(), "/users/Jean", "/users/{}"),
        (route(), "https://h.example.org/chat#x", "/chat"),
        (route(), "https://jean@h.example.org", "/"),
        (route(), "jean/dupont", "-"),
        (route(), "/", "/"),
        (declared(), "/api/:id/*path", "/api/:id/*path"),
        (T::ServiceHost, "http://ollama:11434/api?x=1", "ollama:11434"),
        (T::ServiceHost, "gateway@docker", "gateway@docker"),
        (T::ServiceHost, "gateway@example.org", "-"),
        (T::ServiceHost, "10.0.0.1:80", "-"),
        (T::ServiceHost, "chat.example.org", "-"),
        (shape(), "http.log.access.log0", "http.log.access.log0"),
        (shape(), "rag::ingest", "rag::ingest"),
        (shape(), "server.(*Server).ChatHandler-fm", "server.(*Server).ChatHandler-fm"),
        (shape(), "jean dupont", "-"),
        (shape(), "jean@example.org", "-"),
        (shape(), "u185057800608491", "-"),
        (known(), "chat_users", "chat_users"),
        (known(), "jean", "-"),
        (T::Exception, "psycopg.errors.SyntaxError: near jean", "psycopg.errors.SyntaxError"),
        (T::Exception, "Jean", "-"),
        (T::SourceLocation, "routes.go:208", "routes.go:208"),
        (T::SourceLocation, "/home/jean/app.py:3", "app.py:3"),
        (T::SourceLocation, "pkg.fn (file.go:12)", "pkg.fn (file.go:12)"),
        (T::SourceLocation, "a.b:send:476", "a.b:send:476"),
        (T::SourceLocation, "Jean Dupont", "-"),
        (T::SourceLocation, "jean.dupont", "-"),
        (T::Sqlstate, "23505", "23505"),
        (T::Sqlstate, "42P01", "42P01"),
        (T::Sqlstate, "DUPON", "-"),
        (T::SqlOperation, "insert into users values('jean')", "INSERT"),
        (T::SqlOperation, "jean", "-"),
        (T::Version, "2.42.0+ds", "2.42.0+ds"),
        (T::Version, "(version=0.25.0, branch=x)", "0.25.0"),
        (T::Version, "185057800608491", "-"),
        (
            T::Digest,
            "sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945",
            "sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945",
        ),
        (T::Digest, "185057800608491", "-"),
        (T::TraceId, "0af7651916cd43dd8448eb211c80319c", "0af7651916cd43dd8448eb211c80319c"),
        (T::TraceId, "6a65616e2e6475706f6e744078797a2e", "-"),
        (T::TraceId, "34313131313131313131313131313131", "-"),
        (T::SpanId, "b7ad6b7169203331", "b7ad6b7169203331"),
        (T::SpanId, "4111111111111111", "-"),
        (T::Model, "llama3.1:8b", "llama3.1:8b"),
        (T::Model, "jean.dupont", "-"),
        (T::IpClass, "127.0.0.1:43328", "loopback"),
        (T::IpClass, "10.0.0.2", "private"),
        (T::IpClass, "203.0.113.7", "public"),
        (T::IpClass, "[2001:db8::1]:80", "public"),
        (T::IpClass, "jean", "-"),
        (T::Bool, "true", "true"),
        (T::Drop, "x", "-"),
        (T::Message { setting: None, grammar: Grammar::Plain }, "x", "-"),
    ];
    for (kind, text, want) in rows {
        assert_eq!(say(&kind, text), want, "{kind:?} {text}");
    }
}

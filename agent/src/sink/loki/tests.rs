//! The sink against a scripted server that answers as Loki does, one row per answer.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Mutex;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::push::tests::{PushRequest, decode};
use super::*;
use crate::testkit::{Sample, batch, numbered};

/// One answer of the script. After the last one everything is answered 204.
#[derive(Clone)]
enum Step {
    Status(u16, &'static str, &'static str),
    Hang,
    Reset,
    /// Announces more than it sends.
    Cut,
}

/// A request as the server saw it: head in lower case, body.
#[derive(Clone)]
struct Seen {
    head: String,
    body: Vec<u8>,
}

struct Server {
    addr: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    async fn start(script: &[Step]) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let script = Arc::new(Mutex::new(script.iter().cloned().collect::<VecDeque<_>>()));
        let task = tokio::spawn({
            let seen = Arc::clone(&seen);
            async move {
                let mut connections = tokio::task::JoinSet::new();
                while let Ok((stream, _)) = listener.accept().await {
                    connections.spawn(serve(stream, Arc::clone(&seen), Arc::clone(&script)));
                }
            }
        });
        Server { addr, seen, task }
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    fn requests(&self) -> Vec<PushRequest> {
        self.seen().iter().map(|s| decode(&s.body)).collect()
    }
}

async fn serve(
    mut stream: TcpStream,
    seen: Arc<Mutex<Vec<Seen>>>,
    script: Arc<Mutex<VecDeque<Step>>>,
) -> Option<()> {
    let mut input = Vec::new();
    loop {
        let head_end = loop {
            if let Some(at) = input.windows(4).position(|w| w == b"\r\n\r\n") {
                break at + 4;
            }
            if stream.read_buf(&mut input).await.ok()? == 0 {
                return None;
            }
        };
        let head = String::from_utf8_lossy(&input[..head_end]).to_ascii_lowercase();
        let length: usize =
            head.split("content-length: ").nth(1)?.split("\r\n").next()?.parse().ok()?;
        while input.len() < head_end + length {
            stream.read_buf(&mut input).await.ok().filter(|n| *n > 0)?;
        }
        let rest = input.split_off(head_end + length);
        let body = input.split_off(head_end);
        input = rest;
        seen.lock().unwrap().push(Seen { head, body });
        let step = script.lock().unwrap().pop_front().unwrap_or(Step::Status(204, "", ""));
        let answer = match step {
            Step::Status(204, head, _) => format!("HTTP/1.1 204 No Content\r\n{head}\r\n"),
            Step::Status(code, head, body) => {
                let length = body.len();
                format!("HTTP/1.1 {code} Said\r\n{head}content-length: {length}\r\n\r\n{body}")
            }
            Step::Hang => std::future::pending().await,
            Step::Reset => return None,
            Step::Cut => "HTTP/1.1 500 Said\r\ncontent-length: 100\r\n\r\ncut".to_owned(),
        };
        stream.write_all(answer.as_bytes()).await.ok()?;
        if matches!(step, Step::Cut) {
            return None;
        }
    }
}

fn config(server: &Server) -> LokiConfig {
    let ms = Duration::from_millis;
    LokiConfig {
        url: format!("http://{}", server.addr),
        host: "host-1".to_owned(),
        timeout: ms(300),
        backoff: Backoff { first: ms(2), max: ms(8), hold_first: ms(4), hold_max: ms(8) },
        ..LokiConfig::default()
    }
}

async fn deliver(sink: &mut Loki, batches: &[Arc<CleanBatch>]) -> Vec<Rejected> {
    let cancel = CancellationToken::new();
    let delivery = sink.deliver(batches, &cancel);
    let outcome = tokio::time::timeout(Duration::from_secs(20), delivery).await.unwrap();
    match outcome {
        Outcome::Done { rejected } => rejected,
        Outcome::Cancelled => panic!("cancelled"),
    }
}

fn sample_batches() -> Vec<Arc<CleanBatch>> {
    (0..4).map(|n| Arc::new(numbered(["web", "db"][n % 2], n as u64 * 10, 5))).collect()
}

/// Plays a script and checks that every attempt carried the same bytes and how it ended.
async fn check(script: &[Step], attempts: usize, rejected: Option<(Reject, usize)>) -> Loki {
    let server = Server::start(script).await;
    let mut sink = Loki::new(config(&server)).unwrap();
    let got = deliver(&mut sink, &sample_batches()).await;
    let sum: usize = got.iter().map(|r| r.records).sum();
    assert_eq!(got.first().map(|r| (r.reason, sum)), rejected);
    let seen = server.seen();
    assert_eq!(seen.len(), attempts);
    assert!(seen.iter().all(|s| s.body == seen[0].body), "retries are byte-identical");
    assert_eq!(sink.status().retries(), attempts as u64 - 1);
    assert!(sink.status().up() && sink.status().blocked_since_ns().is_none());
    sink
}

#[tokio::test]
async fn what_passes_by_itself_is_retried_with_the_same_bytes() {
    let steps = [
        (Step::Status(429, "retry-after: 0\r\n", "limit"), Answer::TooMany),
        (Step::Status(408, "", ""), Answer::TooMany),
        (Step::Status(500, "", "boom"), Answer::Server),
        (Step::Status(503, "", ""), Answer::Server),
        (Step::Hang, Answer::Timeout),
        (Step::Reset, Answer::Broken),
        (Step::Cut, Answer::Server),
    ];
    for (step, answer) in steps {
        let sink = check(&[step.clone(), step], 3, None).await;
        assert_eq!(sink.status().requests(answer), 2, "{answer:?}");
        assert_eq!(sink.status().last_failure(), Some(answer));
        assert_eq!(sink.status().requests(Answer::Ok), 1);
    }
}

#[tokio::test]
async fn what_an_operator_must_mend_is_held_and_other_2xx_is_no_success() {
    let codes = [
        (260, Answer::Blocked),
        (200, Answer::Blocked),
        (202, Answer::Blocked),
        (302, Answer::Redirect),
        (401, Answer::Unauthorized),
        (403, Answer::Forbidden),
        (404, Answer::NotFound),
        (405, Answer::Client),
    ];
    for (code, answer) in codes {
        let head = if code == 302 { "location: /elsewhere\r\n" } else { "" };
        let step = Step::Status(code, head, "no");
        let sink = check(&[step.clone(), step], 3, None).await;
        assert_eq!(sink.status().requests(answer), 2, "{code}");
    }
}

#[tokio::test]
async fn what_is_refused_is_counted_and_never_sent_again() {
    let partial = "entry with timestamp 2026-01-01 00:00:00 +0000 UTC ignored, reason: 'entry \
                   too far behind', total ignored: 7 out of 20 for stream: {}";
    let rows = [
        (Step::Status(400, "", partial), Reject::TooOld, 7),
        (Step::Status(400, "", "error parsing labels"), Reject::Labels, 20),
        (Step::Status(400, "", ""), Reject::Malformed, 20),
        (Step::Status(422, "", "no streams"), Reject::Malformed, 20),
    ];
    for (step, reason, records) in rows {
        check(&[step], 1, Some((reason, records))).await;
    }
    // A huge answer is read up to a bound and does not hold the sink.
    let huge: &'static str = String::from_utf8(vec![b'x'; 4 << 20]).unwrap().leak();
    check(&[Step::Status(400, "", huge)], 1, Some((Reject::Malformed, 20))).await;
}

#[tokio::test]
async fn too_big_is_split_in_half_once() {
    let too_big = || Step::Status(413, "", "too big");
    let server = Server::start(&[too_big(), Step::Status(500, "", ""), too_big()]).await;
    let mut sink = Loki::new(config(&server)).unwrap();
    let rejected = deliver(&mut sink, &sample_batches()).await;
    let sizes: Vec<usize> =
        server.requests().iter().map(|r| r.streams.iter().map(|s| s.entries.len()).sum()).collect();
    assert_eq!(sizes, [20, 10, 10, 10], "whole, first half twice, second half");
    assert_eq!(rejected.iter().map(|r| r.records).sum::<usize>(), 10);
    assert!(rejected.iter().all(|r| r.reason == Reject::TooLarge));
    let first: Vec<_> =
        server.requests()[3].streams[0].entries.iter().map(|e| e.line.clone()).collect();
    assert_eq!(first[0], "{\"n\":20}", "order is kept: first half before second");
}

#[tokio::test]
async fn the_request_is_what_loki_reads_and_nothing_else() {
    let server = Server::start(&[]).await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("credential");
    std::fs::write(&file, "user:p\u{61}ss\n").unwrap();
    let tenant = Some("team-a".to_owned());
    let basic_auth_file = Some(file.clone());
    let mut sink = Loki::new(LokiConfig { tenant, basic_auth_file, ..config(&server) }).unwrap();
    assert!(deliver(&mut sink, &sample_batches()).await.is_empty());
    let head = server.seen()[0].head.clone();
    for line in [
        "post /loki/api/v1/push http/1.1\r\n",
        "content-type: application/x-protobuf\r\n",
        "x-scope-orgid: team-a\r\n",
        "authorization: basic dxnlcjpwyxnz\r\n",
        concat!("user-agent: tamis/", env!("CARGO_PKG_VERSION"), "\r\n"),
    ] {
        assert!(head.contains(line), "{line} in {head}");
    }
    assert!(!head.contains("content-encoding"), "the block format is Loki's default");
    let streams = &server.requests()[0].streams;
    assert_eq!(
        streams[0].labels,
        "{compose_project=\"demo\",container=\"web-1\",host=\"host-1\",level=\"info\",\
         service_name=\"web\",stream=\"stdout\"}"
    );
    assert_eq!(streams.iter().map(|s| s.entries.len()).sum::<usize>(), 20);
}

#[tokio::test]
async fn a_rotated_token_is_read_again_when_the_store_refuses_it() {
    let server = Server::start(&[Step::Status(401, "", ""), Step::Status(401, "", "")]).await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    std::fs::write(&file, "old").unwrap();
    let bearer_file = Some(file.clone());
    let mut sink = Loki::new(LokiConfig { bearer_file, ..config(&server) }).unwrap();
    std::fs::write(&file, "new").unwrap();
    deliver(&mut sink, &sample_batches()).await;
    let tokens: Vec<_> = server
        .seen()
        .iter()
        .map(|s| s.head.split("authorization: bearer ").nth(1).unwrap()[..3].to_owned())
        .collect();
    assert_eq!(tokens, ["old", "new", "new"]);
}

#[tokio::test]
async fn a_sink_that_waits_can_be_cancelled_and_tells_that_it_is_down() {
    let server = Server::start(&[Step::Hang]).await;
    let mut config = config(&server);
    config.timeout = Duration::from_secs(60);
    let mut sink = Loki::new(config).unwrap();
    let cancel = CancellationToken::new();
    cancel.cancel();
    assert!(matches!(sink.deliver(&sample_batches(), &cancel).await, Outcome::Cancelled));

    let unreachable = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let url = format!("http://{unreachable}");
    let mut sink = Loki::new(LokiConfig { url, ..LokiConfig::default() }).unwrap();
    let (cancel, status) = (CancellationToken::new(), sink.status());
    let stop = {
        let (cancel, status) = (cancel.clone(), Arc::clone(&status));
        tokio::spawn(async move {
            while status.up() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            cancel.cancel();
        })
    };
    assert!(matches!(sink.deliver(&sample_batches(), &cancel).await, Outcome::Cancelled));
    stop.await.unwrap();
    assert_eq!(status.last_failure(), Some(Answer::Connect));
    assert!(status.blocked_since_ns().is_some());
}

#[tokio::test]
async fn nothing_and_only_too_long_lines_need_no_request() {
    let server = Server::start(&[]).await;
    let mut sink = Loki::new(config(&server)).unwrap();
    assert!(deliver(&mut sink, &[]).await.is_empty());
    let long = "x".repeat(300_000);
    let rejected = deliver(&mut sink, &[Arc::new(batch("web", &[Sample::new(1, &long)]))]).await;
    assert_eq!((rejected[0].reason, rejected[0].records), (Reject::LineTooLong, 1));
    assert!(server.seen().is_empty());
}

#[test]
fn a_configuration_that_cannot_work_is_refused() {
    let base = || LokiConfig { url: "http://127.0.0.1:1".to_owned(), ..LokiConfig::default() };
    let missing = Some(PathBuf::from("/nonexistent/credential"));
    let dir = tempfile::tempdir().unwrap();
    let bad = dir.path().join("bad");
    std::fs::write(&bad, "no-colon").unwrap();
    let url = |u: &str| LokiConfig { url: u.to_owned(), ..base() };
    let rows = [
        (url("loki:3100"), SinkError::Url),
        (url("ftp://loki"), SinkError::Url),
        (url(""), SinkError::Url),
        (LokiConfig { tenant: Some("a\nb".to_owned()), ..base() }, SinkError::Tenant),
        (LokiConfig { basic_auth_file: missing.clone(), ..base() }, SinkError::CredentialFile),
        (LokiConfig { basic_auth_file: Some(bad.clone()), ..base() }, SinkError::Credential),
        (LokiConfig { ca_file: missing.clone(), ..base() }, SinkError::CaFile),
        (LokiConfig { ca_file: Some(bad), ..base() }, SinkError::CaFile),
        (
            LokiConfig { basic_auth_file: missing.clone(), bearer_file: missing, ..base() },
            SinkError::TwoCredentials,
        ),
    ];
    for (config, want) in rows {
        assert_eq!(Loki::new(config).err(), Some(want));
        assert!(!want.hint().is_empty());
    }
    assert_eq!(push_url("http://loki:3100/").unwrap().path(), "/loki/api/v1/push");
    let other = push_url("http://vl:9428/insert/loki/api/v1/push?a=1").unwrap();
    assert_eq!((other.path(), other.query()), ("/insert/loki/api/v1/push", Some("a=1")));
}

#[test]
fn base64_has_padding() {
    for (plain, coded) in
        [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
    {
        assert_eq!(base64(plain.as_bytes()), coded.as_bytes());
    }
}

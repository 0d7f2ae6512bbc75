//! In-process: an imitation of the engine writes, the source reads, a channel takes the batches.

use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tamis_scrubber::record::Stream;
use tamis_scrubber::sieve::Sieve;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::*;
use crate::batch::{Ack, RawBatch};
use crate::ledger::Ledger;
use engine::Container as Engine;

mod engine;
mod rotation;

/// A run of the source and what it handed over.
struct Run {
    registry: Arc<Registry>,
    status: Arc<JsonFileStatus>,
    checkpoint: Arc<Checkpoint>,
    batches: mpsc::Receiver<RawBatch>,
    cancel: CancellationToken,
    task: JoinHandle<()>,
    /// Of batches that were received and are not stored yet, in order.
    acks: Vec<Ack>,
}

/// A record as handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Got {
    text: String,
    stream: Stream,
    truncated: bool,
}

impl Run {
    fn start(dir: &Path, exclude: &[&str]) -> Run {
        let registry = Arc::new(Registry::new(Arc::new(Sieve::builtin())));
        let (sender, batches) = mpsc::channel(64);
        let intake = Intake::new(vec![sender], Arc::new(Ledger::new(vec!["test"])));
        let config = JsonFileConfig {
            root: dir.join("containers"),
            state_dir: dir.join("state"),
            exclude_ids: exclude.iter().map(|id| (*id).to_owned()).collect(),
        };
        let source = JsonFile::open(config, Arc::clone(&registry), intake).unwrap();
        let (status, checkpoint) = (source.status(), source.checkpoint());
        let cancel = CancellationToken::new();
        let task = tokio::spawn(source.run(cancel.clone()));
        Run { registry, status, checkpoint, batches, cancel, task, acks: Vec::new() }
    }

    /// Receives until `count` records came, then makes sure that no more come. Keeps the
    /// acknowledgements.
    async fn take(&mut self, count: usize) -> Vec<Got> {
        let mut got = Vec::new();
        while got.len() < count {
            let batch = tokio::time::timeout(Duration::from_secs(20), self.batches.recv()).await;
            let Ok(batch) = batch else { panic!("{} of {count} records came", got.len()) };
            self.note(batch.unwrap(), &mut got);
        }
        while let Ok(Some(batch)) =
            tokio::time::timeout(Duration::from_millis(150), self.batches.recv()).await
        {
            self.note(batch, &mut got);
        }
        assert_eq!(got.len(), count, "records");
        got
    }

    fn note(&mut self, mut batch: RawBatch, got: &mut Vec<Got>) {
        self.acks.push(batch.take_ack());
        let records: Vec<_> = batch.records().map(|r| (r.stream, r.truncated)).collect();
        for (line, (stream, truncated)) in batch.lines_for_test().into_iter().zip(records) {
            got.push(Got { text: String::from_utf8(line).unwrap(), stream, truncated });
        }
    }

    async fn texts(&mut self, count: usize) -> Vec<String> {
        self.take(count).await.into_iter().map(|g| g.text).collect()
    }

    /// Everything received is stored.
    fn store(&mut self) {
        self.acks.drain(..).for_each(Ack::fire);
    }

    /// A clean stop: `store` says whether what was received is stored.
    async fn stop(mut self, store: bool) {
        self.cancel.cancel();
        tokio::time::timeout(Duration::from_secs(5), &mut self.task).await.unwrap().unwrap();
        if store {
            self.store();
        }
        self.checkpoint.flush().unwrap();
    }
}

fn dir() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("containers")).unwrap();
    dir
}

fn engine(dir: &tempfile::TempDir, byte: u8) -> Engine {
    Engine::create(&dir.path().join("containers"), byte, "json-file", 3)
}

fn value(counter: &AtomicU64) -> u64 {
    counter.load(Relaxed)
}

/// Waits until `done` holds.
async fn until(what: &str, done: impl Fn() -> bool) {
    for _ in 0..1000 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{what}");
}

#[tokio::test]
async fn lines_written_before_and_after_the_start_come_in_order() {
    let dir = dir();
    let mut web = engine(&dir, 0xa1);
    web.write("stdout", "one\n");
    let mut run = Run::start(dir.path(), &[]);
    assert_eq!(run.texts(1).await, ["one"]);
    web.write("stderr", "two\n");
    web.write("stdout", "three\n");
    let got = run.take(2).await;
    assert_eq!((&*got[0].text, got[0].stream), ("two", Stream::Stderr));
    assert_eq!((&*got[1].text, got[1].stream), ("three", Stream::Stdout));
    let container = run.registry.get(&web.id).unwrap();
    assert_eq!((container.clean.project(), container.clean.service()), ("demo", "web"));
    run.stop(true).await;
}

#[tokio::test]
async fn a_container_that_comes_later_is_found_and_a_removed_one_is_drained_and_forgotten() {
    let dir = dir();
    let mut run = Run::start(dir.path(), &[]);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut web = engine(&dir, 0xa2);
    web.write("stdout", "hello\n");
    assert_eq!(run.texts(1).await, ["hello"]);
    assert_eq!(run.registry.running().len(), 1);
    run.store();
    assert!(run.checkpoint.get(&web.id).is_some());
    let id = web.id.clone();
    web.write("stdout", "last words\n");
    web.write("stdout", "unfinished");
    web.remove();
    let got = run.take(2).await;
    assert_eq!(
        (&*got[0].text, &*got[1].text, got[1].truncated),
        ("last words", "unfinished", true)
    );
    run.store();
    until("forgotten", || run.checkpoint.get(&id).is_none()).await;
    assert!(run.registry.running().is_empty());
    until("files closed", || run.status.files_open() == 0).await;
    run.stop(true).await;
}

#[tokio::test]
async fn other_drivers_and_the_agent_itself_are_registered_and_not_read() {
    let dir = dir();
    let root = dir.path().join("containers");
    let mut own = engine(&dir, 0xa3);
    let mut other = Engine::create(&root, 0xa4, "tamis", 1);
    std::fs::create_dir(root.join("not-a-container")).unwrap();
    own.write("stdout", "my own\n");
    other.write("stdout", "cached by the engine\n");
    let mut run = Run::start(dir.path(), &[&own.id]);
    assert!(run.take(0).await.is_empty());
    assert_eq!(run.registry.running().len(), 2);
    assert_eq!(value(&run.status.containers_discovered), 2);
    assert_eq!(value(&run.status.containers_tailed), 0);
    run.stop(true).await;
}

#[tokio::test]
async fn a_stop_and_a_start_of_a_container_neither_repeat_nor_lose_lines() {
    let dir = dir();
    let mut web = engine(&dir, 0xa5);
    web.write("stdout", "first life\n");
    let mut run = Run::start(dir.path(), &[]);
    assert_eq!(run.texts(1).await, ["first life"]);
    web.describe(false, 1);
    until("stopped", || run.registry.running().is_empty()).await;
    assert!(run.take(0).await.is_empty());
    web.describe(true, 2);
    web.write("stdout", "second life\n");
    assert_eq!(run.texts(1).await, ["second life"]);
    assert_eq!(run.registry.running()[0].started_ns, 2);
    web.write("stdout", "third\n");
    assert_eq!(run.texts(1).await, ["third"]);
    run.stop(true).await;
}

#[tokio::test]
async fn only_what_is_not_stored_is_read_again() {
    let dir = dir();
    let mut web = engine(&dir, 0xa6);
    web.write("stdout", "one\n");
    web.write("stdout", "two\n");
    let mut run = Run::start(dir.path(), &[]);
    assert_eq!(run.texts(2).await, ["one", "two"]);
    run.store();
    web.write("stdout", "three\n");
    assert_eq!(run.texts(1).await, ["three"]);
    run.stop(false).await;
    web.write("stdout", "four\n");
    let mut run = Run::start(dir.path(), &[]);
    assert_eq!(run.texts(2).await, ["three", "four"]);
    run.stop(true).await;
    let mut run = Run::start(dir.path(), &[]);
    assert!(run.take(0).await.is_empty());
    run.stop(true).await;
}

#[tokio::test]
async fn the_positions_are_written_by_themselves() {
    let dir = dir();
    let mut web = engine(&dir, 0xa7);
    web.write("stdout", "one\n");
    let mut run = Run::start(dir.path(), &[]);
    run.take(1).await;
    run.store();
    let path = dir.path().join("state/json_file.json");
    let text = || std::fs::read_to_string(&path).unwrap();
    until("written", || text().contains(&web.id)).await;
    assert!(!text().contains("one"));
    run.stop(true).await;
}

#[tokio::test]
async fn long_lines_are_joined_per_stream() {
    let dir = dir();
    let mut web = engine(&dir, 0xa8);
    let long = "x".repeat(40_000);
    let mut run = Run::start(dir.path(), &[]);
    web.write("stdout", &long[..16_384]);
    web.write("stderr", "between\n");
    web.write("stdout", &long[16_384..32_768]);
    let got = run.take(1).await;
    assert_eq!(got[0].text, "between");
    // The open record holds the position back, over a restart too.
    run.stop(true).await;
    let mut run = Run::start(dir.path(), &[]);
    assert_eq!(run.texts(1).await, ["between"]);
    web.write("stdout", &format!("{}\n", &long[32_768..]));
    let got = run.take(1).await;
    assert_eq!((got[0].text.len(), got[0].truncated), (40_000, false));
    run.stop(true).await;
    let mut run = Run::start(dir.path(), &[]);
    assert!(run.take(0).await.is_empty());
    run.stop(true).await;
}

#[tokio::test]
async fn a_record_that_was_sent_without_its_end_is_not_taken_up_in_its_middle() {
    let dir = dir();
    let mut web = engine(&dir, 0xa9);
    let mut run = Run::start(dir.path(), &[]);
    web.write("stdout", "a prompt> ");
    web.write("stderr", "noise\n");
    run.take(1).await;
    let got = run.take(1).await;
    assert_eq!((&*got[0].text, got[0].truncated), ("a prompt> ", true));
    web.write("stderr", "more noise\n");
    run.take(1).await;
    run.stop(true).await;
    let mut run = Run::start(dir.path(), &[]);
    assert!(run.take(0).await.is_empty(), "the other stream is not repeated");
    web.write("stdout", "the answer\n");
    web.write("stdout", "next\n");
    assert_eq!(run.texts(1).await, ["next"]);
    run.stop(true).await;
}

#[tokio::test]
async fn poison_is_stepped_over_and_counted() {
    let dir = dir();
    let mut web = engine(&dir, 0xaa);
    web.write("stdout", "one\n");
    web.raw(b"{\"log\":\"half a li");
    web.raw(&[0; 5000]);
    web.write("stdout", "two\n");
    web.raw(b"not JSON at all\n\n");
    web.raw(&vec![b'y'; 700_000]);
    web.raw(b"\n");
    web.write("stdout", "three\n");
    web.raw(&vec![0; 600_000]);
    let mut run = Run::start(dir.path(), &[]);
    assert_eq!(run.texts(3).await, ["one", "two", "three"]);
    assert_eq!(value(&run.status.lost_bytes), 16 + 1 + 700_001);
    assert!(value(&run.status.decode_errors) >= 4);
    web.write("stdout", "four\n");
    assert_eq!(run.texts(1).await, ["four"]);
    run.stop(true).await;
}

#[tokio::test]
async fn half_a_line_waits_for_its_end() {
    let dir = dir();
    let mut web = engine(&dir, 0xab);
    let mut run = Run::start(dir.path(), &[]);
    web.raw(b"{\"log\":\"slow\\n\",\"stream\":\"std");
    assert!(run.take(0).await.is_empty());
    web.raw(b"out\",\"time\":\"1970-01-01T00:00:00Z\"}\n");
    assert_eq!(run.texts(1).await, ["slow"]);
    assert_eq!(value(&run.status.decode_errors), 0);
    run.stop(true).await;
}

#[tokio::test]
async fn credit_stops_reading_and_goes_on_when_records_are_stored() {
    let dir = dir();
    let mut web = engine(&dir, 0xac);
    let line = format!("{}\n", "z".repeat(1000));
    let total = 12_000;
    (0..total).for_each(|_| web.write("stdout", &line));
    let mut run = Run::start(dir.path(), &[]);
    let mut got = Vec::new();
    while let Ok(Some(batch)) =
        tokio::time::timeout(Duration::from_millis(500), run.batches.recv()).await
    {
        run.note(batch, &mut got);
    }
    let bytes = got.len() * 1000;
    assert!(bytes <= crate::limits::FILE_CREDIT_BYTES, "{bytes} in flight");
    assert!(bytes > crate::limits::FILE_CREDIT_BYTES / 2, "{bytes} in flight");
    run.store();
    run.take(total - got.len()).await;
    run.stop(true).await;
}

#[tokio::test]
async fn open_says_what_is_wrong() {
    let dir = dir();
    let registry = Arc::new(Registry::new(Arc::new(Sieve::builtin())));
    let (sender, _batches) = mpsc::channel(1);
    let intake = Intake::new(vec![sender], Arc::new(Ledger::new(vec![])));
    let open = |root: &str, state: &str| {
        let config = JsonFileConfig {
            root: dir.path().join(root),
            state_dir: dir.path().join(state),
            exclude_ids: Vec::new(),
        };
        JsonFile::open(config, Arc::clone(&registry), intake.clone()).err().map(|e| e.to_string())
    };
    assert!(open("absent", "state").unwrap().contains("cannot list the directory"));
    std::fs::write(dir.path().join("file"), b"").unwrap();
    assert!(open("containers", "file").unwrap().contains("positions"));
    assert!(open("containers", "state").is_none());
}

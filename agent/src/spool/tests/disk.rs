//! The spool on disk: restarts, damage, faults, bounds.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt as _, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::SeqCst};

use tempfile::TempDir;

use super::*;
use crate::spool::segment::{Append, Files, Storage};

/// A directory with a key and a place for a spool.
pub(super) struct Home {
    dir: TempDir,
}

impl Home {
    pub(super) fn new() -> Home {
        let home = Home { dir: tempfile::tempdir().unwrap() };
        home.write_key(b'k');
        home
    }

    fn write_key(&self, byte: u8) {
        let path = self.dir.path().join("key");
        let _ = fs::remove_file(&path);
        fs::write(&path, [byte; 32]).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o400)).unwrap();
    }

    fn spool_dir(&self) -> PathBuf {
        self.dir.path().join("spool")
    }

    pub(super) fn config(&self, sinks: usize, bytes_max: u64) -> SpoolConfig {
        let disk = DiskConfig {
            dir: self.spool_dir(),
            key_file: self.dir.path().join("key"),
            age_max: Duration::from_secs(86_400),
        };
        SpoolConfig { sinks, bytes_max, disk: Some(disk) }
    }

    fn open(&self, sinks: usize) -> Spool {
        Spool::open(self.config(sinks, 1 << 20)).unwrap()
    }

    fn files(&self, extension: &str) -> Vec<PathBuf> {
        let all = fs::read_dir(self.spool_dir()).unwrap().map(|e| e.unwrap().path());
        let mut files: Vec<_> =
            all.filter(|p| p.extension().is_some_and(|e| e == extension)).collect();
        files.sort();
        files
    }
}

/// Takes and releases all that is left, and returns the lines.
pub(super) fn drain(spool: &Spool, sink: usize) -> Vec<String> {
    let mut all = Vec::new();
    while let Some(leases) = now(spool, sink, usize::MAX, usize::MAX) {
        all.extend(seen(&leases));
        spool.release(sink, leases);
    }
    all
}

/// What `next` gives without waiting.
pub(super) fn now(spool: &Spool, sink: usize, bytes: usize, lines: usize) -> Option<Vec<Lease>> {
    let next = std::pin::pin!(spool.next(sink, bytes, lines));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match next.poll(&mut context) {
        std::task::Poll::Ready(leases) => leases,
        std::task::Poll::Pending => None,
    }
}

fn numbers(range: std::ops::Range<u64>) -> Vec<String> {
    range.map(|n| format!("{{\"n\":{n}}}")).collect()
}

#[test]
fn what_is_pushed_survives_a_restart_in_order_and_is_acknowledged_at_once() {
    let home = Home::new();
    let to = Arc::new(Positions::default());
    let spool = home.open(2);
    for n in 0..10 {
        assert!(spool.push(numbered("web", n * 10, 10), file_ack(&to, n)).is_empty());
    }
    spool.push(numbered("web", 0, 0), file_ack(&to, 10));
    assert_eq!(to.told(), (0..=10).collect::<Vec<_>>());
    let leases = now(&spool, 0, usize::MAX, 30).unwrap();
    assert_eq!(seen(&leases), numbers(0..30));
    spool.release(0, leases);
    let held = now(&spool, 0, usize::MAX, 20).unwrap();
    assert_eq!((spool.pending(0), spool.pending(1)), (70, 100));
    drop((held, spool));

    let spool = home.open(2);
    assert_eq!((spool.pending(0), spool.pending(1)), (70, 100));
    let rows: Vec<_> = spool.recovered().iter().map(|r| (r.sink, &*r.service, r.records)).collect();
    assert_eq!(rows, [(0, "web", 70), (1, "web", 100)]);
    spool.push(numbered("web", 100, 10), Ack::none());
    assert_eq!(drain(&spool, 0), numbers(30..110), "what was held comes again, before the new");
    assert_eq!(drain(&spool, 1), numbers(0..110));
    assert_eq!((spool.pending(0), spool.pending(1)), (0, 0));
    assert!(home.files("seg").len() <= 1, "segments that all have passed are gone");
    drop(spool);
    let spool = home.open(2);
    assert_eq!((spool.pending(0), spool.pending(1)), (0, 0));
    assert_eq!(home.files("seg").len(), 0);
    assert_eq!(spool.stat().oldest_ns, None);
}

#[test]
fn each_batch_can_be_made_durable() {
    let home = Home::new();
    let spool = home.open(1).with_sync(SyncPolicy::EachBatch);
    for n in 0..5 {
        spool.push(numbered("web", n * 10, 10), Ack::none());
    }
    assert_eq!(drain(&spool, 0), numbers(0..50));
}

#[test]
fn nothing_readable_is_on_disk_and_files_are_private() {
    let home = Home::new();
    let spool = home.open(1);
    spool.push(numbered("checkout-service", 0, 50), Ack::none());
    let leases = now(&spool, 0, 1, 1).unwrap();
    spool.release(0, leases);
    spool.push(numbered("checkout-service", 0, 50), Ack::none());
    spool.close();
    for entry in fs::read_dir(home.spool_dir()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        for text in ["checkout", "demo", "{\"n\"", "example.org", "kkkk"] {
            assert!(!bytes.windows(text.len()).any(|w| w == text.as_bytes()), "{text}");
        }
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let mode = fs::metadata(home.spool_dir()).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0);
}

/// One segment of ten frames of three records, and where each frame ends.
fn one_segment() -> (Home, PathBuf, Vec<u8>, Vec<usize>) {
    let home = Home::new();
    let spool = home.open(1);
    let mut ends = Vec::new();
    for n in 0..10 {
        spool.push(numbered("web", n * 3, 3), Ack::none());
        ends.push(usize::try_from(spool.stat().bytes).unwrap());
    }
    drop(spool);
    let path = home.files("seg").remove(0);
    let bytes = fs::read(&path).unwrap();
    (home, path, bytes, ends)
}

#[test]
fn a_torn_tail_is_cut_at_every_byte() {
    let (home, path, bytes, ends) = one_segment();
    for cut in 0..bytes.len() {
        fs::remove_dir_all(home.spool_dir()).unwrap();
        fs::create_dir(home.spool_dir()).unwrap();
        fs::write(&path, &bytes[..cut]).unwrap();
        let spool = home.open(1);
        let whole = 3 * ends.iter().filter(|e| **e <= cut).count() as u64;
        assert_eq!(spool.pending(0), whole, "cut at {cut}");
        assert!(spool.losses().is_empty());
        spool.push(numbered("web", 100, 1), Ack::none());
        let want: Vec<_> = numbers(0..whole).into_iter().chain(numbers(100..101)).collect();
        assert_eq!(drain(&spool, 0), want);
        assert_eq!((spool.pending(0), spool.stat().quarantined), (0, 0), "cut at {cut}");
    }
}

#[test]
fn a_tail_of_zeros_is_cut() {
    let (home, path, mut bytes, _) = one_segment();
    bytes.resize(bytes.len() + 10_000, 0);
    fs::write(&path, &bytes).unwrap();
    let spool = home.open(1);
    assert_eq!((spool.pending(0), spool.stat().quarantined), (30, 0));
    assert_eq!(drain(&spool, 0), numbers(0..30));
}

#[test]
fn a_flipped_byte_never_changes_a_record_and_never_stops_the_rest() {
    let (home, path, bytes, ends) = one_segment();
    for at in 0..bytes.len() {
        fs::remove_dir_all(home.spool_dir()).unwrap();
        fs::create_dir(home.spool_dir()).unwrap();
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        fs::write(&path, &damaged).unwrap();
        let spool = match Spool::open(home.config(1, 1 << 20)) {
            Ok(spool) => spool,
            Err(e) => {
                assert!((8..16).contains(&at) && e.kind() == SpoolErrorKind::WrongKey, "{at}");
                continue;
            }
        };
        let frame = ends.iter().filter(|e| **e <= at).count();
        let start = if frame == 0 { 40 } else { ends[frame - 1] };
        let lost: usize = spool.losses().iter().map(|e| e.records).sum();
        let got = drain(&spool, 0);
        let mut want = numbers(0..30);
        if at < 40 {
            want.clear();
        } else if at < start + 12 {
            want.truncate(3 * frame);
        } else {
            want.drain(3 * frame..3 * frame + 3);
            assert_eq!(lost, 3, "flip at {at}");
        }
        assert_eq!(got, want, "flip at {at}");
        drop(spool);
        let spool = home.open(1);
        assert_eq!((spool.pending(0), home.files("seg").len()), (0, 0), "flip at {at}");
        assert_eq!(home.files("bad").len(), 1, "flip at {at}");
        assert_eq!(spool.stat().quarantined, 1);
    }
}

#[test]
fn damage_while_running_is_counted_by_service() {
    let home = Home::new();
    let spool = home.open(1);
    for n in 0..10 {
        spool.push(numbered(["web", "db"][n as usize % 2], n * 3, 3), Ack::none());
    }
    drop(spool);
    let spool = home.open(1);
    let path = home.files("seg").remove(0);
    let file = File::options().write(true).open(&path).unwrap();
    let middle = file.metadata().unwrap().len() / 2;
    file.write_all_at(b"########", middle).unwrap();
    let got = drain(&spool, 0);
    assert_eq!(got.len(), 27);
    assert_eq!(spool.pending(0), 3, "pending until the caller counts it");
    let lost = spool.losses();
    assert_eq!((lost.len(), lost[0].records, lost[0].reason), (1, 3, Loss::SpoolDamaged));
    assert!(["web", "db"].contains(&&*lost[0].service));
    assert_eq!(spool.pending(0), 0);
}

#[test]
fn a_lost_or_forged_cursor_repeats_and_loses_nothing() {
    let home = Home::new();
    let spool = home.open(1);
    spool.push(numbered("web", 0, 5), Ack::none());
    spool.push(numbered("web", 5, 5), Ack::none());
    let first = now(&spool, 0, 1, 1).unwrap();
    spool.release(0, first);
    drop(spool);
    let path = home.files("cursor").remove(0);
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(home.open(1).pending(0), 5);
    for forged in [String::new(), text.replace(" 1 0 1 ", " 1 0 2 "), text[..20].to_owned()] {
        fs::write(&path, forged).unwrap();
        assert_eq!(drain(&home.open(1), 0), numbers(0..10));
        fs::remove_dir_all(home.spool_dir()).unwrap();
        let spool = home.open(1);
        spool.push(numbered("web", 0, 10), Ack::none());
    }
}

#[test]
fn what_cannot_be_used_is_refused_with_a_hint() {
    let home = Home::new();
    let spool = home.open(1);
    spool.push(numbered("web", 0, 1), Ack::none());
    let refused = |config| Spool::open(config).err().unwrap();
    assert_eq!(refused(home.config(1, 1 << 20)).kind(), SpoolErrorKind::InUse);
    drop(spool);
    home.write_key(b'x');
    assert_eq!(refused(home.config(1, 1 << 20)).kind(), SpoolErrorKind::WrongKey);
    home.write_key(b'k');
    assert_eq!(refused(home.config(1, 1000)).kind(), SpoolErrorKind::TooSmall);
    assert_eq!(refused(home.config(99, 1 << 20)).kind(), SpoolErrorKind::TooManySinks);
    assert_eq!(home.open(1).pending(0), 1, "a refusal changes nothing");
    fs::remove_file(home.dir.path().join("key")).unwrap();
    let missing = refused(home.config(1, 1 << 20));
    assert_eq!(missing.kind(), SpoolErrorKind::KeyMissing);
    let said = format!("{missing} {missing:?} {}", missing.hint());
    assert!(!said.contains(home.dir.path().to_str().unwrap()), "no path is named");
}

#[test]
fn a_full_spool_drops_the_oldest_segments_and_never_what_a_sink_holds() {
    let home = Home::new();
    let max = 128 * 1024;
    let spool = Spool::open(home.config(2, max)).unwrap();
    spool.push(numbered("web", 0, 100), Ack::none());
    let held = now(&spool, 0, usize::MAX, usize::MAX).unwrap();
    let mut lost = [0, 0];
    for n in 1..200 {
        for e in spool.push(numbered("web", n * 100, 100), Ack::none()) {
            assert_eq!((e.reason, &*e.service), (Loss::SpoolFull, "web"));
            lost[e.sink] += e.records as u64;
        }
        assert!(spool.stat().bytes <= max);
    }
    assert!(lost[0] > 0 && lost[1] > 0);
    assert_eq!([spool.pending(0) + lost[0], spool.pending(1) + lost[1]], [20_000; 2]);
    drop((held, spool));
    let spool = Spool::open(home.config(2, max)).unwrap();
    assert_eq!([spool.pending(0) + lost[0], spool.pending(1) + lost[1]], [20_000; 2]);
    let got = drain(&spool, 0);
    // Two batches make a segment here: the one beside what was held stays with it.
    assert!(got[..200] == numbers(0..200), "what was held is still there");
    let newest = numbers(20_000 - (got.len() as u64 - 200)..20_000);
    assert!(got[200..] == newest, "then the newest");
}

static CLOCK: AtomicI64 = AtomicI64::new(0);

#[test]
fn what_waits_too_long_is_dropped_and_counted() {
    let home = Home::new();
    let hour = 3_600_000_000_000;
    let world = || World { storage: Box::new(Files), now_ns: || CLOCK.load(SeqCst) };
    let spool = Spool::open_in(home.config(1, 1 << 20), world()).unwrap();
    for n in 0..10 {
        CLOCK.store(n * 4 * hour, SeqCst);
        let lost = spool.push(numbered("web", n as u64, 1), Ack::none());
        assert_eq!(lost.len(), usize::from(n > 6), "hour {}", n * 4);
        assert!(lost.iter().all(|e| e.reason == Loss::TooOld));
    }
    drop(spool);
    CLOCK.store(1000 * hour, SeqCst);
    let spool = Spool::open_in(home.config(1, 1 << 20), world()).unwrap();
    assert_eq!(spool.pending(0), 7, "pending until counted");
    assert_eq!(spool.losses().iter().map(|e| e.records).sum::<usize>(), 7);
    assert_eq!((spool.pending(0), home.files("seg").len()), (0, 0));
}

/// Fails the write number `at`, after writing half of it.
struct Faulty {
    at: u64,
    writes: Arc<AtomicU64>,
    last: bool,
}

struct FaultyFile {
    file: Box<dyn Append>,
    at: u64,
    writes: Arc<AtomicU64>,
    last: bool,
}

impl Storage for Faulty {
    fn create(&self, path: &Path) -> io::Result<Box<dyn Append>> {
        let file = Files.create(path)?;
        let (at, writes, last) = (self.at, Arc::clone(&self.writes), self.last);
        Ok(Box::new(FaultyFile { file, at, writes, last }))
    }
}

impl Append for FaultyFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let n = self.writes.fetch_add(1, SeqCst);
        if n == self.at || (self.last && n > self.at) {
            self.file.append(&bytes[..bytes.len() / 2])?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.append(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync()
    }
}

#[test]
fn each_write_can_fail_and_nothing_is_lost_or_twice() {
    for at in 0..14 {
        for last in [false, true] {
            let home = Home::new();
            let storage = Box::new(Faulty { at, writes: Arc::default(), last });
            let world = World { storage, now_ns: clock::now_ns };
            let spool = Spool::open_in(home.config(1, 1 << 20), world).unwrap();
            let mut lost = 0;
            for n in 0..10 {
                let evicted = spool.push(numbered("web", n * 2, 2), Ack::none());
                assert!(evicted.iter().all(|e| e.reason == Loss::SpoolDamaged));
                lost += evicted.iter().map(|e| e.records as u64).sum::<u64>();
            }
            assert!(last || lost == 0, "one failure is survived");
            let kept = numbers(0..20 - lost);
            assert_eq!(spool.pending(0), 20 - lost);
            drop(spool);
            let spool = home.open(1);
            assert_eq!(drain(&spool, 0), kept, "write {at} failed");
            assert_eq!(spool.stat().quarantined, 0);
        }
    }
}

//! Rotation under load, truncation, inodes that come back.

use std::os::unix::fs::MetadataExt;

use super::*;

/// Writes `count` numbered lines on a thread of its own.
fn write_fast(mut web: Engine, from: usize, count: usize) -> std::thread::JoinHandle<Engine> {
    std::thread::spawn(move || {
        for n in from..from + count {
            web.write("stdout", &format!("line {n} {}\n", "x".repeat(80)));
            if n % 500 == 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        web
    })
}

fn numbers(got: &[Got]) -> Vec<usize> {
    got.iter().map(|g| g.text.split(' ').nth(1).unwrap().parse().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fast_writer_that_rotates_every_few_milliseconds_loses_nothing() {
    let dir = dir();
    let mut web = engine(&dir, 0xb1);
    web.size_max = 100_000;
    let mut run = Run::start(dir.path(), &[]);
    let writer = write_fast(web, 0, 60_000);
    let mut got = Vec::new();
    while got.len() < 60_000 {
        let batch = tokio::time::timeout(Duration::from_secs(20), run.batches.recv()).await;
        let Ok(batch) = batch else { panic!("{} records came", got.len()) };
        run.note(batch.unwrap(), &mut got);
        run.store();
    }
    assert_eq!(numbers(&got), (0..60_000).collect::<Vec<_>>());
    assert_eq!(value(&run.status.lost_bytes), 0);
    assert_eq!(value(&run.status.gaps), 0);
    writer.join().unwrap();
    run.stop(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restarts_under_rotation_lose_nothing_and_repeat_what_was_in_flight() {
    let dir = dir();
    let mut web = engine(&dir, 0xb2);
    // Retention outlives the pause between two runs.
    web.size_max = 1_500_000;
    let writer = write_fast(web, 0, 60_000);
    let mut seen = vec![0u8; 60_000];
    let mut repeated = 0;
    let mut in_flight = 0;
    'runs: loop {
        let mut run = Run::start(dir.path(), &[]);
        let mut last = None;
        for round in 0.. {
            let batch = tokio::time::timeout(Duration::from_secs(20), run.batches.recv()).await;
            let mut got = Vec::new();
            run.note(batch.expect("records come").unwrap(), &mut got);
            for n in numbers(&got) {
                assert!(last.is_none_or(|l| n == l + 1), "in order within a run");
                last = Some(n);
                repeated += usize::from(seen[n] > 0);
                seen[n] = 1;
            }
            if seen.iter().all(|s| *s > 0) {
                run.stop(true).await;
                break 'runs;
            }
            if round == 10 {
                // The last batch is not stored when this run ends.
                in_flight += got.len();
                run.acks.pop();
                run.store();
                // What waits in the channel is dropped with it.
                run.stop(true).await;
                break;
            }
            if round < 9 {
                run.store();
            }
        }
    }
    assert!(repeated <= in_flight, "{repeated} repeated, {in_flight} were in flight");
    writer.join().unwrap();
}

#[tokio::test]
async fn after_a_pause_reading_goes_on_in_the_renamed_file() {
    let dir = dir();
    let mut web = engine(&dir, 0xb3);
    web.write("stdout", "one\n");
    let mut run = Run::start(dir.path(), &[]);
    run.take(1).await;
    run.stop(true).await;
    web.write("stdout", "two\n");
    web.rotate();
    web.write("stdout", "three\n");
    web.rotate();
    web.write("stdout", "four\n");
    let mut run = Run::start(dir.path(), &[]);
    assert_eq!(run.texts(3).await, ["two", "three", "four"]);
    assert_eq!(value(&run.status.gaps), 0);
    run.stop(true).await;
}

#[tokio::test]
async fn a_file_that_was_deleted_unread_is_a_counted_gap() {
    let dir = dir();
    let mut web = engine(&dir, 0xb4);
    web.write("stdout", "one\n");
    let mut run = Run::start(dir.path(), &[]);
    run.take(1).await;
    run.stop(true).await;
    for n in 0..5 {
        web.write("stdout", &format!("{n} a\n"));
        web.write("stdout", &format!("{n} b\n"));
        web.rotate();
    }
    web.write("stdout", "end\n");
    let mut run = Run::start(dir.path(), &[]);
    // The first record after the gap may have lost its beginning.
    assert_eq!(run.texts(4).await, ["3 b", "4 a", "4 b", "end"]);
    assert_eq!(value(&run.status.gaps), 1);
    assert!(value(&run.status.lost_bytes) > 0);
    run.stop(true).await;
}

#[tokio::test]
async fn a_single_file_is_truncated_in_place() {
    let dir = dir();
    let root = dir.path().join("containers");
    let mut web = Engine::create(&root, 0xb5, "json-file", 1);
    let mut run = Run::start(dir.path(), &[]);
    // What follows a truncation is shorter, as long, or longer than what was there.
    for (round, lines) in [3, 1, 1, 9].into_iter().enumerate() {
        if round > 0 {
            web.rotate();
        }
        let expected: Vec<_> = (0..lines).map(|n| format!("{round} {n}")).collect();
        expected.iter().for_each(|text| web.write("stdout", &format!("{text}\n")));
        assert_eq!(run.texts(lines).await, expected);
    }
    assert_eq!(value(&run.status.truncations), 3);
    run.stop(true).await;
}

#[tokio::test]
async fn an_inode_that_comes_back_is_not_the_same_file() {
    let dir = dir();
    let mut web = engine(&dir, 0xb6);
    web.write("stdout", "aaaa\n");
    let mut run = Run::start(dir.path(), &[]);
    run.take(1).await;
    run.store();
    let position = run.checkpoint.get(&web.id).unwrap();
    run.stop(true).await;
    // Same inode, same length, other time: as when the file was deleted and its inode reused.
    let path = web.log_path();
    let text = std::fs::read_to_string(&path).unwrap();
    let other = text.replace("aaaa", "bbbb").replace("70-01-01", "70-01-02");
    std::fs::write(&path, other).unwrap();
    web.write("stdout", "cccc\n");
    let mut run = Run::start(dir.path(), &[]);
    assert_eq!(run.texts(1).await, ["cccc"], "the first may have lost its beginning");
    run.store();
    assert_eq!(run.checkpoint.get(&web.id).unwrap().inode, position.inode);
    assert_eq!(value(&run.status.gaps), 1);
    run.stop(true).await;
}

#[tokio::test]
async fn a_record_is_joined_over_a_rotation() {
    let dir = dir();
    let mut web = engine(&dir, 0xb7);
    let mut run = Run::start(dir.path(), &[]);
    web.write("stdout", "be");
    web.rotate();
    web.write("stdout", "tween\n");
    assert_eq!(run.texts(1).await, ["between"]);
    run.stop(false).await;
    let mut run = Run::start(dir.path(), &[]);
    assert_eq!(run.texts(1).await, ["between"]);
    run.stop(true).await;
}

#[tokio::test]
async fn compressed_predecessors_are_counted_as_lost() {
    let dir = dir();
    let mut web = engine(&dir, 0xb8);
    web.write("stdout", "one\n");
    let gz = web.log_path().with_extension("log.1.gz");
    std::fs::write(gz, [0; 77]).unwrap();
    web.write("stdout", "two\n");
    let mut run = Run::start(dir.path(), &[]);
    assert_eq!(run.texts(1).await, ["two"]);
    assert!(value(&run.status.lost_bytes) >= 77);
    run.stop(true).await;
}

#[tokio::test]
async fn files_that_cannot_be_read_in_time_are_given_up_beyond_a_bound() {
    let dir = dir();
    let mut web = engine(&dir, 0xb9);
    web.write("stdout", "0 zero\n");
    let mut chain = chain::Chain::new(web.log_path(), 3, None);
    let status = JsonFileStatus::default();
    for n in 0..crate::limits::HELD_FILES_MAX + 10 {
        chain.advance(&status).unwrap();
        web.rotate();
        web.write("stdout", &format!("line {n}\n"));
    }
    chain.advance(&status).unwrap();
    assert_eq!(value(&status.files_queued), crate::limits::HELD_FILES_MAX as u64);
    assert!(value(&status.lost_bytes) > 0);
    assert!(chain.next(&status).unwrap().after_gap);
}

/// The names the engine leaves between two of its renames.
#[tokio::test]
async fn a_walk_in_the_middle_of_a_rotation_misses_no_file() {
    let moments: [&[(&str, &str)]; 3] =
        [&[(".2", ".3")], &[(".2", ".3"), (".1", ".2")], &[(".2", ".3"), (".1", ".2"), ("", ".1")]];
    for (byte, moves) in (0xc1..).zip(moments) {
        let dir = dir();
        let root = dir.path().join("containers");
        let mut web = Engine::create(&root, byte, "json-file", 4);
        let status = JsonFileStatus::default();
        web.write("stdout", "0\n");
        let mut chain = chain::Chain::new(web.log_path(), 4, None);
        chain.advance(&status).unwrap();
        let first = chain.next(&status).unwrap();
        let mut written = Vec::new();
        for _ in 0..2 {
            web.rotate();
            web.write("stdout", "n\n");
            written.push(std::fs::metadata(web.log_path()).unwrap().ino());
        }
        let name = |suffix: &str| {
            let mut name = web.log_path().into_os_string();
            name.push(suffix);
            name
        };
        moves.iter().for_each(|(from, to)| std::fs::rename(name(from), name(to)).unwrap());
        chain.advance(&status).unwrap();
        let found: Vec<_> = std::iter::from_fn(|| chain.next(&status)).collect();
        assert_eq!(found.iter().map(|f| f.inode).collect::<Vec<_>>(), written, "{moves:?}");
        assert_eq!(value(&status.gaps), 0, "{moves:?}");
        drop(first);
    }
}

#[tokio::test]
async fn files_that_were_created_and_never_found_are_counted_in_bytes() {
    let dir = dir();
    let mut web = engine(&dir, 0xc5);
    web.write("stdout", "line 0\n");
    let size = std::fs::metadata(web.log_path()).unwrap().len();
    let status = JsonFileStatus::default();
    let mut chain = chain::Chain::new(web.log_path(), 3, None);
    chain.created(&status).unwrap();
    for n in 1..=5 {
        web.rotate();
        web.write("stdout", &format!("line {n}\n"));
    }
    // Five events, of which three files are left.
    (0..5).for_each(|_| chain.created(&status).unwrap());
    assert_eq!((value(&status.gaps), value(&status.lost_bytes)), (1, 2 * size));
}

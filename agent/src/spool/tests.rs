//! The spool against its contract.

use std::sync::Mutex;

use super::*;
use crate::batch::Acknowledge;
use crate::testkit::{lines, numbered};

mod disk;
mod model;

/// Remembers the positions it is told.
#[derive(Default)]
struct Positions(Mutex<Vec<u64>>);

impl Acknowledge for Positions {
    fn acknowledge(&self, position: u64) {
        self.0.lock().unwrap().push(position);
    }
}

impl Positions {
    fn told(&self) -> Vec<u64> {
        self.0.lock().unwrap().clone()
    }
}

fn memory(sinks: usize, bytes_max: u64) -> Spool {
    Spool::open(SpoolConfig { sinks, bytes_max, disk: None }).unwrap()
}

fn file_ack(to: &Arc<Positions>, position: u64) -> Ack {
    Ack::new(Arc::clone(to) as Arc<dyn Acknowledge>, position, None)
}

fn seen(leases: &[Lease]) -> Vec<String> {
    lines(leases.iter().map(|l| &**l.batch()))
}

#[tokio::test]
async fn each_sink_gets_everything_in_order_and_acks_wait_for_the_last_sink() {
    let spool = memory(2, 1 << 20);
    let to = Arc::new(Positions::default());
    for n in 0..3 {
        assert!(spool.push(numbered("web", n * 10, 2), file_ack(&to, n)).is_empty());
    }
    assert_eq!((spool.pending(0), spool.pending(1)), (6, 6));
    let a = spool.next(0, usize::MAX, usize::MAX).await.unwrap();
    assert_eq!(seen(&a)[..3], ["{\"n\":0}", "{\"n\":1}", "{\"n\":10}"]);
    spool.release(0, a);
    assert!(to.told().is_empty());
    let mut b = spool.next(1, usize::MAX, 2).await.unwrap();
    assert_eq!(b.len(), 1, "two lines fit");
    b.extend(spool.next(1, usize::MAX, 4).await.unwrap());
    let last = b.split_off(2);
    spool.release(1, last);
    assert!(to.told().is_empty(), "an earlier batch is still held");
    spool.release(1, b);
    assert_eq!(to.told(), [0, 1, 2]);
    assert_eq!((spool.pending(0), spool.pending(1), spool.stat().bytes), (0, 0, 0));
    spool.close();
    assert!(spool.next(0, 1, 1).await.is_none());
}

#[tokio::test]
async fn empty_batches_carry_their_ack_in_order() {
    let spool = memory(1, 1 << 20);
    let to = Arc::new(Positions::default());
    spool.push(numbered("web", 0, 0), file_ack(&to, 1));
    assert_eq!(to.told(), [1], "nothing is before it");
    spool.push(numbered("web", 0, 1), file_ack(&to, 2));
    spool.push(numbered("web", 0, 0), file_ack(&to, 3));
    assert_eq!(to.told(), [1]);
    let leases = spool.next(0, 1, 1).await.unwrap();
    spool.release(0, leases);
    assert_eq!(to.told(), [1, 2, 3]);
}

#[tokio::test]
async fn a_full_spool_drops_the_oldest_that_cannot_wait_and_tells() {
    let spool = memory(2, 3000);
    let to = Arc::new(Positions::default());
    spool.push(numbered("file", 0, 4), file_ack(&to, 1));
    spool.push(numbered("held", 10, 4), Ack::none());
    let held = spool.next(0, usize::MAX, usize::MAX).await.unwrap();
    assert_eq!(held.len(), 2);
    let mut lost = Vec::new();
    for n in 2..20 {
        lost.extend(spool.push(numbered("driver", n * 10, 4), Ack::none()));
    }
    assert!(spool.stat().bytes <= 3000);
    assert!(lost.iter().all(|e| &*e.service == "driver" && e.reason == Loss::SpoolFull));
    let lost_by = |sink| lost.iter().filter(|e| e.sink == sink).map(|e| e.records).sum::<usize>();
    for sink in 0..2 {
        assert_eq!(lost_by(sink) as u64 + spool.pending(sink), 80);
    }
    spool.release(0, held);
    let left = spool.next(1, usize::MAX, usize::MAX).await.unwrap();
    let left = seen(&left);
    assert_eq!(left[..8].iter().filter(|l| l.len() == 7).count(), 4, "the file's batch is there");
    assert_eq!(left.last().unwrap(), "{\"n\":193}", "the newest is kept");
}

#[tokio::test]
async fn a_waiting_sink_is_woken() {
    let spool = Arc::new(memory(1, 1 << 20));
    let reader = Arc::clone(&spool);
    let task = tokio::spawn(async move { reader.next(0, 1, 1).await.map(|l| l.len()) });
    tokio::task::yield_now().await;
    spool.push(numbered("web", 0, 1), Ack::none());
    assert_eq!(task.await.unwrap(), Some(1));
}

#[test]
fn abandon_counts_only_what_nobody_reads_again() {
    let spool = memory(1, 1 << 20);
    let to = Arc::new(Positions::default());
    spool.push(numbered("file", 0, 3), file_ack(&to, 1));
    spool.push(numbered("driver", 0, 2), Ack::none());
    let lost = spool.abandon();
    assert_eq!(lost.len(), 1);
    assert_eq!((lost[0].records, lost[0].reason), (2, Loss::Shutdown));
    assert_eq!(spool.pending(0), 3);
    assert!(to.told().is_empty());
}

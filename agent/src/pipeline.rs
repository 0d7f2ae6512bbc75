//! Raw batches to clean batches to sinks.
//!
//! Workers are plain threads: sieving is CPU work. Each owns a scratch, so the steady path does not
//! allocate per record. A worker never waits for a sink: it stores into the spool, which makes room
//! by itself. One lane per sink takes batches out of the spool in order.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tamis_scrubber::record::CleanBatch;
use tamis_scrubber::sieve::{Envelope, Scratch, Sieve, Verdict};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::batch::RawBatch;
use crate::clock;
use crate::intake::Intake;
use crate::ledger::{Ledger, Loss};
use crate::limits::{SINK_BATCH_BYTES, SINK_BATCH_LINES_MAX, WORKER_QUEUE_BATCHES};
use crate::recent::Recent;
use crate::sink::{Outcome, Reject, Rejected, Sink};
use crate::spool::{Evicted, Spool};
use crate::telemetry::{Stage, Telemetry};

/// What workers write to.
#[derive(Clone)]
pub struct Stores {
    /// Counters.
    pub ledger: Arc<Ledger>,
    /// The buffer in front of the sinks.
    pub spool: Arc<Spool>,
    /// The last clean records.
    pub recent: Arc<Recent>,
    /// Latencies.
    pub telemetry: Arc<Telemetry>,
}

/// The sieving threads.
pub struct Workers {
    threads: Vec<JoinHandle<()>>,
}

/// Starts `count` workers and returns the mouth of the pipeline. They end when every [`Intake`] is
/// dropped and their queues are empty.
///
/// # Errors
/// When a thread cannot be started.
pub fn start(
    sieve: &Arc<Sieve>,
    count: usize,
    stores: &Stores,
) -> std::io::Result<(Intake, Workers)> {
    let mut threads = Vec::with_capacity(count);
    let mut queues = Vec::with_capacity(count);
    for n in 0..count.max(1) {
        let (tx, rx) = mpsc::channel(WORKER_QUEUE_BATCHES);
        let worker = Worker {
            scratch: Scratch::new(sieve),
            sieve: Arc::clone(sieve),
            stores: stores.clone(),
        };
        let thread = std::thread::Builder::new().name(format!("sieve-{n}"));
        threads.push(thread.spawn(move || worker.run(rx))?);
        queues.push(tx);
    }
    Ok((Intake::new(queues, Arc::clone(&stores.ledger)), Workers { threads }))
}

impl Workers {
    /// Waits for all workers to end. Blocks.
    pub fn join(self) {
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a sieve worker panicked outside the sieve");
            }
        }
    }
}

struct Worker {
    sieve: Arc<Sieve>,
    scratch: Scratch,
    stores: Stores,
}

impl Worker {
    fn run(mut self, mut queue: mpsc::Receiver<RawBatch>) {
        while let Some(batch) = queue.blocking_recv() {
            self.batch(batch);
        }
    }

    fn batch(&mut self, mut batch: RawBatch) {
        if let Some(waited) = batch.waited() {
            self.stores.telemetry.stage(Stage::Wait, waited);
        }
        let started = clock::monotonic();
        let container = Arc::clone(batch.container());
        let mut clean = CleanBatch::new(Arc::clone(&container.clean));
        let mut truncated = 0;
        for record in batch.records() {
            let at = Envelope {
                timestamp_ns: record.timestamp_ns,
                stream: record.stream,
                profile: container.profile,
                truncated: record.truncated,
            };
            truncated += usize::from(record.truncated);
            if let Verdict::Keep(record) = self.sieve.sieve(record.line, &at, &mut self.scratch)
                && !clean.push(record)
            {
                // The batch holds 4 GiB of text, far beyond limits.rs: counted by the ledger's
                // difference, which must be zero.
                tracing::error!("a clean batch overflowed");
            }
        }
        let report = self.scratch.take_report();
        let service = self.stores.ledger.service(container.clean.service());
        service.sieved(&report);
        service.truncated(truncated);
        self.stores.telemetry.stage(Stage::Sieve, started.elapsed());
        self.stores.recent.add(&clean);
        let stored = clock::monotonic();
        let evicted = self.stores.spool.push(clean, batch.take_ack());
        self.stores.telemetry.stage(Stage::Store, stored.elapsed());
        count_evicted(&self.stores.ledger, &evicted);
        self.stores.ledger.queued(-i64::try_from(batch.len()).unwrap_or(i64::MAX));
    }
}

fn count_evicted(ledger: &Ledger, evicted: &[Evicted]) {
    for e in evicted {
        ledger.service(&e.service).lost(e.sink, e.reason, e.records);
    }
}

/// Feeds one sink from the spool until the spool is closed and empty, or `stop` is cancelled.
///
/// The first record after a pause goes out at once; under load, records wait at most `pace` for
/// company, or until a batch is full.
pub async fn lane(
    index: usize,
    mut sink: Sink,
    stores: Stores,
    pace: Duration,
    draining: CancellationToken,
    stop: CancellationToken,
) {
    loop {
        let next = stores.spool.next(index, SINK_BATCH_BYTES, SINK_BATCH_LINES_MAX);
        let leases = tokio::select! {
            leases = next => leases,
            () = stop.cancelled() => return,
        };
        let Some(leases) = leases else { return };
        let batches: Vec<Arc<CleanBatch>> = leases.iter().map(|l| Arc::clone(l.batch())).collect();
        let started = clock::monotonic();
        let rejected = match sink.deliver(&batches, &stop).await {
            Outcome::Done { rejected } => rejected,
            // Not released: a disk spool keeps the records, a memory spool counts them as lost.
            Outcome::Cancelled => return,
        };
        if rejected.iter().any(|r| r.reason == Reject::Closed) {
            // Nobody will read any more. Not released: files keep their positions, what cannot wait
            // is counted when the spool is full or the process ends.
            tracing::error!(sink = stores.ledger.sinks().get(index), "the sink is closed for good");
            return;
        }
        stores.telemetry.stage(Stage::Send, started.elapsed());
        account(index, &batches, rejected, &stores);
        stores.spool.release(index, leases);
        count_evicted(&stores.ledger, &stores.spool.losses());
        let bytes: usize = batches.iter().map(|b| b.bytes()).sum();
        if bytes < SINK_BATCH_BYTES / 2 {
            let rest = pace.saturating_sub(started.elapsed());
            tokio::select! {
                () = tokio::time::sleep(rest) => {}
                () = draining.cancelled() => {}
            }
        }
    }
}

fn account(
    index: usize,
    batches: &[Arc<CleanBatch>],
    mut rejected: Vec<Rejected>,
    stores: &Stores,
) {
    let now = clock::now_ns();
    for batch in batches {
        let of_container = rejected.iter_mut().filter(|r| r.container == *batch.container());
        let mut accepted = batch.len();
        for row in of_container {
            let refused = row.records.min(accepted);
            row.records -= refused;
            accepted -= refused;
        }
        let service = stores.ledger.service(batch.container().service());
        service.delivered(index, accepted);
        if accepted < batch.len() {
            service.lost(index, Loss::SinkRejected, batch.len() - accepted);
        }
        // The oldest stands for its batch: honest about the worst.
        if let Some(oldest) = batch.entries().map(|e| e.timestamp_ns).min() {
            let age = u64::try_from(now.saturating_sub(oldest)).unwrap_or(0);
            stores.telemetry.delivered(index, Duration::from_nanos(age), batch.len() as u64);
        }
    }
}

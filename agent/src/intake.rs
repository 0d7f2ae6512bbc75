//! The mouth of the pipeline: sources hand raw batches over here.
//!
//! A container always goes to the same worker, so its records stay in order. A full queue makes
//! the source wait for CPU time; no sink can make it wait.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::batch::RawBatch;
use crate::discover::Container;
use crate::ledger::Ledger;

/// Handle of a source to the workers.
#[derive(Clone)]
pub struct Intake {
    workers: Arc<[mpsc::Sender<RawBatch>]>,
    ledger: Arc<Ledger>,
}

/// The workers have stopped.
#[derive(Debug, thiserror::Error)]
#[error("the pipeline has stopped")]
pub struct Closed;

impl Intake {
    /// An intake in front of these worker queues (at least one).
    pub fn new(workers: Vec<mpsc::Sender<RawBatch>>, ledger: Arc<Ledger>) -> Self {
        Intake { workers: workers.into(), ledger }
    }

    /// Hands over a batch, counted as read. An empty one only carries its acknowledgement.
    ///
    /// # Errors
    /// When the pipeline has stopped; the batch is then not counted.
    pub async fn send(&self, mut batch: RawBatch) -> Result<(), Closed> {
        let worker = self.worker(batch.container()).ok_or(Closed)?;
        let slot = worker.reserve().await.map_err(|_| Closed)?;
        let service = self.ledger.service(batch.container().clean.service());
        service.read(batch.len(), batch.bytes());
        self.ledger.queued(i64::try_from(batch.len()).unwrap_or(i64::MAX));
        batch.mark_sent();
        slot.send(batch);
        Ok(())
    }

    /// Batches that wait for the worker of this container. What a source leaves unread while the
    /// CPU is behind is not lost when the process is killed.
    pub fn backlog(&self, container: &Container) -> usize {
        self.worker(container).map_or(0, |w| w.max_capacity() - w.capacity())
    }

    fn worker(&self, container: &Container) -> Option<&mpsc::Sender<RawBatch>> {
        let id = container.clean.id();
        let hash = id.bytes().fold(0usize, |h, b| h.wrapping_mul(31).wrapping_add(b.into()));
        self.workers.get(hash % self.workers.len().max(1))
    }
}

//! `docker logs`: clean records of one container, in the engine's framing.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::Shared;
use crate::clock;
use crate::decode::log_entry;
use crate::limits::RECENT_LINES_MAX;
use crate::recent::RecentLine;

/// Bytes written at once.
const WRITE_BYTES: usize = 16 * 1024;
/// How long the last records of a stopped container may take through the pipeline.
const LINGER: Duration = Duration::from_millis(300);

/// What `docker logs` asks for.
pub(super) struct Wanted {
    pub(super) container_id: String,
    pub(super) since_ns: Option<i64>,
    pub(super) until_ns: Option<i64>,
    /// `None` = all that is kept.
    pub(super) tail: Option<usize>,
    pub(super) follow: bool,
}

/// One answer.
pub(super) struct Replay {
    shared: Arc<Shared>,
    wanted: Wanted,
}

impl Replay {
    pub(super) fn new(shared: Arc<Shared>, wanted: Wanted) -> Replay {
        Replay { shared, wanted }
    }

    /// Writes the answer; ends with the records kept, or, following, with the container.
    pub(super) async fn write(
        self,
        mut to: DuplexStream,
        cancel: CancellationToken,
    ) -> io::Result<()> {
        // First, so that nothing falls between what is kept and what comes.
        let mut live = self.shared.recent.follow();
        let kept = self.shared.recent.of(&self.wanted.container_id, RECENT_LINES_MAX);
        let shown: Vec<&RecentLine> = kept.iter().filter(|l| self.wants(l)).collect();
        let skip = self.wanted.tail.map_or(0, |n| shown.len().saturating_sub(n));
        let mut frames = Vec::new();
        for line in shown.into_iter().skip(skip) {
            encode(&mut frames, line);
            if frames.len() >= WRITE_BYTES {
                to.write_all(&frames).await?;
                frames.clear();
            }
        }
        to.write_all(&frames).await?;
        if !self.wanted.follow {
            return Ok(());
        }
        // Lines that came between the two calls above are in both; their text is shared.
        let mut both = kept;
        let mut ticks = tokio::time::interval(LINGER);
        let mut was_over = false;
        loop {
            let line = tokio::select! {
                line = live.recv() => line,
                _ = ticks.tick() => {
                    let over = self.is_over();
                    if over && was_over {
                        return Ok(());
                    }
                    was_over = over;
                    continue;
                }
                () = cancel.cancelled() => return Ok(()),
                // Nothing is ever sent this way but the end of the reader.
                _ = to.read_u8() => return Ok(()),
            };
            let line = match line {
                Ok(line) if line.container.id() == self.wanted.container_id => line,
                // Of another container; or a slow reader missed some, as with any `tail -f`.
                Ok(_) | Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => return Ok(()),
            };
            if both.iter().any(|l| Arc::ptr_eq(&l.line, &line.line)) {
                continue;
            }
            both.clear();
            was_over = false;
            if self.wants(&line) {
                frames.clear();
                encode(&mut frames, &line);
                to.write_all(&frames).await?;
            }
        }
    }

    fn wants(&self, line: &RecentLine) -> bool {
        self.wanted.since_ns.is_none_or(|t| line.timestamp_ns >= t)
            && self.wanted.until_ns.is_none_or(|t| line.timestamp_ns <= t)
    }

    /// Whether nothing more can come: the container has stopped, or the time asked for has passed.
    fn is_over(&self) -> bool {
        !self.shared.reads(&self.wanted.container_id)
            || self.wanted.until_ns.is_some_and(|t| clock::now_ns() > t)
    }
}

fn encode(out: &mut Vec<u8>, line: &RecentLine) {
    log_entry::encode(out, line.stream, line.timestamp_ns, &line.line);
}

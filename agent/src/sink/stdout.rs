//! One JSON object per line on standard output: envelope, then the record as it is.
//!
//! `{"time":"…","service_name":"web","container":"web-1","stream":"stderr","level":"warn",`
//! `"record":{…}}`. A closed reader ends the sink for good: its records are refused as `closed`
//! and its status is down.

use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::sync::Arc;

use tamis_scrubber::record::{CleanBatch, CleanEntry};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio_util::sync::CancellationToken;

use super::{Answer, Outcome, Reject, SinkStatus, reject};

/// Writes records as lines.
pub struct Stdout {
    /// `None` = the process was started without a standard output.
    out: Option<Box<dyn AsyncWrite + Send + Unpin>>,
    text: Vec<u8>,
    status: Arc<SinkStatus>,
}

impl Default for Stdout {
    fn default() -> Self {
        // A handle of its own, written by tokio's blocking threads: a reader that stalls holds
        // neither a runtime thread nor a cancellation.
        let stdout = std::io::stdout().as_fd().try_clone_to_owned();
        let file = |fd| tokio::fs::File::from_std(std::fs::File::from(fd));
        let out = stdout.ok().map(|fd| Box::new(file(fd)) as Box<dyn AsyncWrite + Send + Unpin>);
        Stdout { out, text: Vec::new(), status: Arc::default() }
    }
}

impl Stdout {
    /// To the process's standard output.
    pub fn new() -> Self {
        Stdout::default()
    }

    /// To another writer.
    pub fn to(out: Box<dyn AsyncWrite + Send + Unpin>) -> Self {
        Stdout { out: Some(out), text: Vec::new(), status: Arc::default() }
    }

    pub(super) fn status(&self) -> Arc<SinkStatus> {
        Arc::clone(&self.status)
    }

    pub(super) async fn deliver(
        &mut self,
        batches: &[Arc<CleanBatch>],
        cancel: &CancellationToken,
    ) -> Outcome {
        self.text.clear();
        for batch in batches {
            let envelope = envelope(batch);
            batch.entries().for_each(|e| write_entry(&envelope, &e, &mut self.text));
        }
        let write = async {
            let out = self.out.as_mut().ok_or(std::io::ErrorKind::NotConnected)?;
            out.write_all(&self.text).await?;
            out.flush().await
        };
        let written = tokio::select! {
            written = write => written,
            () = cancel.cancelled() => return Outcome::Cancelled,
        };
        let mut rejected = Vec::new();
        if written.is_ok() {
            self.status.succeeded(Answer::Ok, self.text.len() as u64);
        } else {
            // Part of it may be written: an output that fails does not come back.
            self.status.failed(Answer::Broken);
            for batch in batches {
                reject(&mut rejected, batch.container(), Reject::Closed, batch.len());
            }
        }
        Outcome::Done { rejected }
    }
}

/// The part of the envelope that all records of a batch share.
fn envelope(batch: &CleanBatch) -> String {
    let c = batch.container();
    let quoted = |s: &str| serde_json::Value::from(s).to_string();
    format!("\"service_name\":{},\"container\":{}", quoted(c.service()), quoted(c.name()))
}

fn write_entry(envelope: &str, entry: &CleanEntry<'_>, out: &mut Vec<u8>) {
    let time = jiff::Timestamp::from_nanosecond(entry.timestamp_ns.into()).unwrap_or_default();
    // A write to a Vec cannot fail.
    let _ =
        write!(out, "{{\"time\":\"{time:.9}\",{envelope},\"stream\":\"{}\"", entry.stream.name());
    if let Some(level) = entry.level {
        let _ = write!(out, ",\"level\":\"{}\"", level.name());
    }
    let _ = writeln!(out, ",\"record\":{}}}", entry.line);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{Sample, batch, numbered};

    #[tokio::test]
    async fn one_json_object_per_line() {
        let (reader, writer) = tokio::io::duplex(64 * 1024);
        let mut sink = Stdout::to(Box::new(writer));
        let mut warn = Sample::new(1_700_000_000_000_000_123, "{\"msg\":\"a \\\"b\\\"\"}");
        warn.level = None;
        let batches = [Arc::new(batch("we\"b", &[warn, Sample::new(5, "{}")]))];
        let outcome = sink.deliver(&batches, &CancellationToken::new()).await;
        assert!(matches!(outcome, Outcome::Done { rejected } if rejected.is_empty()));
        drop(sink);
        let mut lines = tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(reader));
        assert_eq!(
            lines.next_line().await.unwrap().unwrap(),
            "{\"time\":\"2023-11-14T22:13:20.000000123Z\",\"service_name\":\"we\\\"b\",\
             \"container\":\"we\\\"b-1\",\"stream\":\"stdout\",\
             \"record\":{\"msg\":\"a \\\"b\\\"\"}}"
        );
        let second = lines.next_line().await.unwrap().unwrap();
        let second: serde_json::Value = serde_json::from_str(&second).unwrap();
        assert_eq!(second["level"], "info");
        assert!(lines.next_line().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_closed_reader_ends_the_sink_and_a_stalled_one_can_be_cancelled() {
        let (reader, writer) = tokio::io::duplex(16);
        let mut sink = Stdout::to(Box::new(writer));
        let cancel = CancellationToken::new();
        let batches = [Arc::new(numbered("web", 0, 3))];
        let stalled = tokio::spawn({
            let cancel = cancel.clone();
            async move { cancel.cancel() }
        });
        assert!(matches!(sink.deliver(&batches, &cancel).await, Outcome::Cancelled));
        stalled.await.unwrap();
        drop(reader);
        let outcome = sink.deliver(&batches, &CancellationToken::new()).await;
        let Outcome::Done { rejected } = outcome else { panic!("cancelled") };
        assert_eq!((rejected[0].records, rejected[0].reason), (3, Reject::Closed));
        assert!(!sink.status().up());
    }
}

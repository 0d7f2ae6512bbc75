//! Where clean records go: a closed set of sinks with one contract.
//!
//! [`Sink::deliver`] retries inside until every record is accepted, refused for good or the caller
//! cancels; [`Outcome::Done`] means that each record is either delivered or in `rejected`. A sink
//! sees only [`CleanBatch`]es. Its state is readable without it ([`SinkStatus`]): atomics with a
//! closed set of values, never a URL, an answer's text or a record.

use std::sync::Arc;

use tamis_scrubber::record::{CleanBatch, CleanContainer};
use tokio_util::sync::CancellationToken;

pub use self::canary::{Canary, CanaryCounts};
pub use self::loki::{Loki, LokiConfig};
pub use self::retry::Backoff;
pub use self::status::{Answer, SinkStatus};
pub use self::stdout::Stdout;

mod canary;
mod loki;
mod retry;
mod status;
mod stdout;

/// A destination of clean records.
#[allow(clippy::large_enum_variant, reason = "a handful live as long as the process")]
pub enum Sink {
    /// Loki's push protocol.
    Loki(Loki),
    /// One JSON object per line.
    Stdout(Stdout),
    /// Searches what is delivered for planted values.
    Canary(Canary),
}

impl Sink {
    /// The metric label value.
    pub fn name(&self) -> &'static str {
        match self {
            Sink::Loki(_) => "loki",
            Sink::Stdout(_) => "stdout",
            Sink::Canary(_) => "canary",
        }
    }

    /// Delivers batches in order. Returns when each record is delivered or refused for good, or
    /// when `cancel` fires; then some may have been delivered, and all should be delivered again.
    pub async fn deliver(
        &mut self,
        batches: &[Arc<CleanBatch>],
        cancel: &CancellationToken,
    ) -> Outcome {
        let outcome = match self {
            Sink::Loki(sink) => sink.deliver(batches, cancel).await,
            Sink::Stdout(sink) => sink.deliver(batches, cancel).await,
            Sink::Canary(sink) => sink.deliver(batches),
        };
        if let Outcome::Done { rejected } = &outcome {
            self.status().refused(rejected);
        }
        outcome
    }

    /// What the sink has found of planted values, if it searches for them.
    pub fn canary(&self) -> Option<Arc<CanaryCounts>> {
        match self {
            Sink::Canary(sink) => Some(sink.counts()),
            Sink::Loki(_) | Sink::Stdout(_) => None,
        }
    }

    /// The sink's state, readable while it delivers.
    pub fn status(&self) -> Arc<SinkStatus> {
        match self {
            Sink::Loki(sink) => sink.status(),
            Sink::Stdout(sink) => sink.status(),
            Sink::Canary(sink) => sink.status(),
        }
    }
}

/// What became of a delivery.
#[derive(Debug)]
pub enum Outcome {
    /// Every record is delivered, but for those refused for good.
    Done {
        /// Refused records, by container and reason.
        rejected: Vec<Rejected>,
    },
    /// The caller cancelled.
    Cancelled,
}

/// Records that a sink refused for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Where they come from.
    pub container: Arc<CleanContainer>,
    /// Why.
    pub reason: Reject,
    /// How many.
    pub records: usize,
}

/// Why a sink refuses records for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Reject {
    /// The line is longer than the store takes.
    LineTooLong,
    /// Older than the store takes, or too far behind its stream.
    TooOld,
    /// Newer than the store takes.
    TooNew,
    /// Labels or structured metadata that the store does not take.
    Labels,
    /// The request is too big, even in halves.
    TooLarge,
    /// The store could not read the request, or did not say why.
    Malformed,
    /// The other end is closed for good.
    Closed,
}

impl Reject {
    /// Every reason, in declaration order.
    pub const ALL: [Reject; 7] = [
        Reject::LineTooLong,
        Reject::TooOld,
        Reject::TooNew,
        Reject::Labels,
        Reject::TooLarge,
        Reject::Malformed,
        Reject::Closed,
    ];

    /// The metric label value.
    pub const fn name(self) -> &'static str {
        match self {
            Reject::LineTooLong => "line_too_long",
            Reject::TooOld => "too_old",
            Reject::TooNew => "too_new",
            Reject::Labels => "labels",
            Reject::TooLarge => "too_large",
            Reject::Malformed => "malformed",
            Reject::Closed => "closed",
        }
    }
}

/// Adds refused records to a list, one row per container and reason.
fn reject(
    rejected: &mut Vec<Rejected>,
    container: &Arc<CleanContainer>,
    reason: Reject,
    records: usize,
) {
    if records == 0 {
        return;
    }
    let same = |r: &&mut Rejected| r.reason == reason && r.container == *container;
    match rejected.iter_mut().find(same) {
        Some(row) => row.records += records,
        None => rejected.push(Rejected { container: Arc::clone(container), reason, records }),
    }
}

/// Why a sink cannot be built. Never names a path, an address or a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SinkError {
    /// The address is not an http or https URL.
    #[error("the address of the store is not an http:// or https:// URL")]
    Url,
    /// Both a basic and a bearer credential are configured.
    #[error("both basic_auth_file and bearer_file are set")]
    TwoCredentials,
    /// A credential file cannot be read.
    #[error("the credential file of the store cannot be read")]
    CredentialFile,
    /// A credential file has the wrong content.
    #[error("the credential file of the store does not hold one line of visible ASCII")]
    Credential,
    /// The tenant has the wrong characters.
    #[error("the tenant is not visible ASCII")]
    Tenant,
    /// The certificate file cannot be used.
    #[error("the certificate file of the store cannot be read as PEM")]
    CaFile,
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls,
}

impl SinkError {
    /// What to do about it.
    pub fn hint(self) -> &'static str {
        match self {
            SinkError::Url => "give the base address, such as http://loki:3100, or the push URL",
            SinkError::TwoCredentials => "keep one of them",
            SinkError::CredentialFile => "check that the file exists and that tamis may read it",
            SinkError::Credential => {
                "basic_auth_file holds user:password, bearer_file the token, on one line"
            }
            SinkError::Tenant => "use letters, digits and -_.()!*'",
            SinkError::CaFile => "give a file with one or more PEM certificates",
            SinkError::Tls => "give ca_file: this system has no certificate store",
        }
    }
}

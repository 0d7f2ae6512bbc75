//! A sink's state as atomics: written by the sink, read by telemetry and page.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU64, Ordering::Relaxed};

use super::{Reject, Rejected};
use crate::clock;

/// What a request ended with: status codes with a meaning of their own, else their class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Answer {
    /// Stored.
    Ok,
    /// A 2xx that is not an acknowledgement (260: ingestion is blocked).
    Blocked,
    /// A redirection, which is not followed.
    Redirect,
    /// Refused, or stored in part.
    BadRequest,
    /// Credentials are missing.
    Unauthorized,
    /// Credentials are wrong.
    Forbidden,
    /// Nothing is served there.
    NotFound,
    /// The request is too big.
    TooLarge,
    /// The request held no stream.
    Unprocessable,
    /// A limit of the store.
    TooMany,
    /// Any other 4xx.
    Client,
    /// Any 5xx.
    Server,
    /// No connection.
    Connect,
    /// No answer in time.
    Timeout,
    /// The connection broke while in use.
    Broken,
}

impl Answer {
    /// Every answer, in declaration order.
    pub const ALL: [Answer; 15] = [
        Answer::Ok,
        Answer::Blocked,
        Answer::Redirect,
        Answer::BadRequest,
        Answer::Unauthorized,
        Answer::Forbidden,
        Answer::NotFound,
        Answer::TooLarge,
        Answer::Unprocessable,
        Answer::TooMany,
        Answer::Client,
        Answer::Server,
        Answer::Connect,
        Answer::Timeout,
        Answer::Broken,
    ];

    /// The metric label value.
    pub const fn name(self) -> &'static str {
        match self {
            Answer::Ok => "ok",
            Answer::Blocked => "2xx",
            Answer::Redirect => "3xx",
            Answer::BadRequest => "400",
            Answer::Unauthorized => "401",
            Answer::Forbidden => "403",
            Answer::NotFound => "404",
            Answer::TooLarge => "413",
            Answer::Unprocessable => "422",
            Answer::TooMany => "429",
            Answer::Client => "4xx",
            Answer::Server => "5xx",
            Answer::Connect => "connect",
            Answer::Timeout => "timeout",
            Answer::Broken => "broken",
        }
    }
}

/// Index of "no failure yet".
const NONE: u8 = u8::MAX;

/// A sink's state.
pub struct SinkStatus {
    up: AtomicBool,
    requests: [AtomicU64; Answer::ALL.len()],
    rejected: [AtomicU64; Reject::ALL.len()],
    retries: AtomicU64,
    bytes: AtomicU64,
    last_failure: AtomicU8,
    blocked_since_ns: AtomicI64,
}

impl Default for SinkStatus {
    fn default() -> Self {
        SinkStatus {
            up: AtomicBool::new(true),
            requests: Default::default(),
            rejected: Default::default(),
            retries: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            last_failure: AtomicU8::new(NONE),
            blocked_since_ns: AtomicI64::new(0),
        }
    }
}

impl SinkStatus {
    /// Whether the last attempt was answered as it should, or none was made yet.
    pub fn up(&self) -> bool {
        self.up.load(Relaxed)
    }

    /// Attempts that ended with this answer.
    pub fn requests(&self, answer: Answer) -> u64 {
        self.requests.get(answer as usize).map_or(0, |n| n.load(Relaxed))
    }

    /// Records refused for good, by reason.
    pub fn rejected(&self, reason: Reject) -> u64 {
        self.rejected.get(reason as usize).map_or(0, |n| n.load(Relaxed))
    }

    /// Counts records refused for good.
    pub(super) fn refused(&self, rejected: &[Rejected]) {
        for row in rejected {
            if let Some(n) = self.rejected.get(row.reason as usize) {
                n.fetch_add(row.records as u64, Relaxed);
            }
        }
    }

    /// Attempts after the first, for the same records.
    pub fn retries(&self) -> u64 {
        self.retries.load(Relaxed)
    }

    /// Bytes sent and accepted, as on the wire.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    /// What the last failed attempt ended with.
    pub fn last_failure(&self) -> Option<Answer> {
        Answer::ALL.get(usize::from(self.last_failure.load(Relaxed))).copied()
    }

    /// Since when no attempt succeeds, nanoseconds since the Unix epoch.
    pub fn blocked_since_ns(&self) -> Option<i64> {
        Some(self.blocked_since_ns.load(Relaxed)).filter(|ns| *ns != 0)
    }

    fn count(&self, answer: Answer) {
        if let Some(n) = self.requests.get(answer as usize) {
            n.fetch_add(1, Relaxed);
        }
    }

    /// An attempt was answered for good. Returns whether the sink was down before.
    pub(super) fn succeeded(&self, answer: Answer, bytes: u64) -> bool {
        self.count(answer);
        self.bytes.fetch_add(bytes, Relaxed);
        self.blocked_since_ns.store(0, Relaxed);
        !self.up.swap(true, Relaxed)
    }

    /// An attempt failed. Returns whether that is news: up before, or another failure.
    pub(super) fn failed(&self, answer: Answer) -> bool {
        self.count(answer);
        let before = self.last_failure.swap(answer as u8, Relaxed);
        let was_up = self.up.swap(false, Relaxed);
        if was_up {
            self.blocked_since_ns.store(clock::now_ns(), Relaxed);
        }
        was_up || before != answer as u8
    }

    /// The same records are sent again.
    pub(super) fn retried(&self) {
        self.retries.fetch_add(1, Relaxed);
    }
}

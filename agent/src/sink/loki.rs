//! Loki's push protocol: protobuf in a raw snappy block, and every answer told apart.
//!
//! * A request is encoded once; retries send the same bytes, so Loki can tell duplicates.
//! * Only 204 is success. 260 and any other 2xx is a blocked tenant: hold, not acknowledge.
//! * 400 is never repeated: what it stored is stored, what it ignored is counted. Its text is read
//!   up to a bound for the reason class and for how many, and never kept or logged.
//! * 401, 403, 404 and redirections are the operator's to mend: hold and try slowly.
//! * 413 is split in half once. 429, 5xx, connection and time-out: the same bytes again.
//! * One request in flight, in order.
//! * Addresses and credentials appear in no message: a URL may carry a password.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Certificate, Client, Response, StatusCode, Url, redirect};
use tamis_scrubber::record::CleanBatch;
use tokio_util::sync::CancellationToken;

use self::answer::Refusal;
use self::push::{Encoder, Request};
use super::retry::{Backoff, Waits, retry_after};
use super::{Answer, Outcome, Reject, Rejected, SinkError, SinkStatus, reject};
use crate::limits::{CREDENTIAL_BYTES_MAX, SINK_ANSWER_BYTES_MAX};

mod answer;
mod push;

/// How to reach a store that speaks Loki's push protocol.
pub struct LokiConfig {
    /// Base address (`http://loki:3100`), or the push URL when it has a path.
    pub url: String,
    /// Value of `X-Scope-OrgID`.
    pub tenant: Option<String>,
    /// File with `user:password`.
    pub basic_auth_file: Option<PathBuf>,
    /// File with a token.
    pub bearer_file: Option<PathBuf>,
    /// PEM file with the only certificates to trust; `None` = the system's.
    pub ca_file: Option<PathBuf>,
    /// Value of the label `host`.
    pub host: String,
    /// For one attempt, answer included.
    pub timeout: Duration,
    /// Waits between attempts.
    pub backoff: Backoff,
}

impl Default for LokiConfig {
    fn default() -> Self {
        LokiConfig {
            url: String::new(),
            tenant: None,
            basic_auth_file: None,
            bearer_file: None,
            ca_file: None,
            host: String::new(),
            timeout: Duration::from_secs(10),
            backoff: Backoff::default(),
        }
    }
}

/// Where a credential comes from. Read again when the store refuses it.
enum Credential {
    None,
    Basic(PathBuf),
    Bearer(PathBuf),
}

/// Pushes to Loki.
pub struct Loki {
    client: Client,
    url: Url,
    credential: Credential,
    authorization: Option<HeaderValue>,
    encoder: Encoder,
    waits: Waits,
    status: Arc<SinkStatus>,
}

/// What to do after an attempt.
enum Next {
    /// Answered for good.
    Accepted,
    /// Answered for good, and this was not taken.
    Refused(Refusal),
    /// Too big.
    Split,
    /// Send the same bytes again, after this long if the store said so.
    Again { hold: bool, after: Option<Duration> },
}

/// How a part of a delivery ended.
enum Ended {
    Done,
    TooLarge,
    Cancelled,
}

impl Loki {
    /// Prepares the client. Connects to nothing yet.
    ///
    /// # Errors
    /// When the configuration cannot work.
    pub fn new(config: LokiConfig) -> Result<Loki, SinkError> {
        let url = push_url(&config.url)?;
        let credential = match (config.basic_auth_file, config.bearer_file) {
            (Some(_), Some(_)) => return Err(SinkError::TwoCredentials),
            (Some(path), None) => Credential::Basic(path),
            (None, Some(path)) => Credential::Bearer(path),
            (None, None) => Credential::None,
        };
        let authorization = credential.read()?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        if let Some(tenant) = config.tenant {
            let tenant = HeaderValue::from_str(&tenant).map_err(|_| SinkError::Tenant)?;
            headers.insert("x-scope-orgid", tenant);
        }
        let certificates = match (config.ca_file, url.scheme()) {
            (Some(path), _) => Some(read_certificates(&path)?),
            // No TLS, no certificate store needed: an image from scratch has none.
            (None, "http") => Some(Vec::new()),
            (None, _) => None,
        };
        let builder = Client::builder()
            .default_headers(headers)
            .user_agent(concat!("tamis/", env!("CARGO_PKG_VERSION")))
            .no_proxy()
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .timeout(config.timeout);
        let builder = match certificates {
            Some(only) => builder.tls_certs_only(only),
            None => builder,
        };
        Ok(Loki {
            client: builder.build().map_err(|_| SinkError::Tls)?,
            url,
            credential,
            authorization,
            encoder: Encoder::new(&config.host),
            waits: Waits::new(config.backoff),
            status: Arc::default(),
        })
    }

    pub(super) fn status(&self) -> Arc<SinkStatus> {
        Arc::clone(&self.status)
    }

    pub(super) async fn deliver(
        &mut self,
        batches: &[Arc<CleanBatch>],
        cancel: &CancellationToken,
    ) -> Outcome {
        let mut rejected = Vec::new();
        let records: usize = batches.iter().map(|b| b.len()).sum();
        // Records still to send, the next part last.
        let mut parts: Vec<_> = std::iter::once(0..records).collect();
        let mut whole = true;
        while let Some(part) = parts.pop() {
            let request = self.encoder.encode(batches, part.clone());
            match self.send(&request, cancel, &mut rejected).await {
                Ended::Done => {}
                Ended::Cancelled => return Outcome::Cancelled,
                Ended::TooLarge if whole && part.len() > 1 => {
                    let middle = part.start + part.len() / 2;
                    parts = vec![middle..part.end, part.start..middle];
                    whole = false;
                    continue;
                }
                Ended::TooLarge => {
                    let all = Refusal { reason: Reject::TooLarge, ignored: None };
                    request.refuse(&all, &mut rejected);
                }
            }
            for (container, records) in &request.too_long {
                reject(&mut rejected, container, Reject::LineTooLong, *records);
            }
        }
        Outcome::Done { rejected }
    }

    /// Sends one request until it is answered for good.
    async fn send(
        &mut self,
        request: &Request,
        cancel: &CancellationToken,
        rejected: &mut Vec<Rejected>,
    ) -> Ended {
        if request.records() == 0 {
            return Ended::Done;
        }
        let mut attempt = 0;
        loop {
            let next = tokio::select! {
                biased;
                () = cancel.cancelled() => return Ended::Cancelled,
                next = self.attempt(request) => next,
            };
            let wait = match next {
                Next::Accepted => return Ended::Done,
                Next::Split => return Ended::TooLarge,
                Next::Refused(refusal) => {
                    let n = request.refuse(&refusal, rejected);
                    tracing::warn!(sink = "loki", reason = refusal.reason.name(), n, "refused");
                    return Ended::Done;
                }
                Next::Again { hold, after } => {
                    attempt += 1;
                    after.unwrap_or_else(|| self.waits.next(attempt, hold))
                }
            };
            tokio::select! {
                () = cancel.cancelled() => return Ended::Cancelled,
                () = tokio::time::sleep(wait) => self.status.retried(),
            }
        }
    }

    async fn attempt(&mut self, request: &Request) -> Next {
        let mut builder = self.client.post(self.url.clone()).body(request.body.clone());
        if let Some(value) = &self.authorization {
            builder = builder.header(AUTHORIZATION, value.clone());
        }
        let response = match builder.send().await {
            Ok(response) => response,
            Err(error) => {
                let answer = match () {
                    () if error.is_timeout() => Answer::Timeout,
                    () if error.is_connect() => Answer::Connect,
                    () => Answer::Broken,
                };
                self.failed(answer);
                return Next::Again { hold: false, after: None };
            }
        };
        let answer = classify(response.status());
        let after = response.headers().get(RETRY_AFTER).and_then(|v| retry_after(v.as_bytes()));
        // The rest of a short body is read so that the connection can be used again.
        let body = read_bounded(response).await;
        match answer {
            Answer::Ok => {
                self.succeeded(answer, request.body.len());
                Next::Accepted
            }
            Answer::BadRequest => {
                self.succeeded(answer, request.body.len());
                Next::Refused(answer::refusal(&body))
            }
            Answer::Unprocessable => {
                self.succeeded(answer, request.body.len());
                Next::Refused(Refusal { reason: Reject::Malformed, ignored: None })
            }
            Answer::TooLarge => {
                self.succeeded(answer, 0);
                Next::Split
            }
            Answer::TooMany | Answer::Server => {
                self.failed(answer);
                Next::Again { hold: false, after }
            }
            _ => {
                self.failed(answer);
                // A rotated credential is picked up; one that cannot be read keeps the old.
                if let Ok(fresh @ Some(_)) = self.credential.read() {
                    self.authorization = fresh;
                }
                Next::Again { hold: true, after }
            }
        }
    }

    fn succeeded(&self, answer: Answer, bytes: usize) {
        if self.status.succeeded(answer, bytes as u64) {
            tracing::info!(sink = "loki", "the store answers again");
        }
    }

    fn failed(&self, answer: Answer) {
        if self.status.failed(answer) {
            tracing::warn!(sink = "loki", answer = answer.name(), "delivery waits for the store");
        }
    }
}

fn classify(status: StatusCode) -> Answer {
    match status.as_u16() {
        204 => Answer::Ok,
        100..=299 => Answer::Blocked,
        300..=399 => Answer::Redirect,
        400 => Answer::BadRequest,
        401 => Answer::Unauthorized,
        403 => Answer::Forbidden,
        404 => Answer::NotFound,
        413 => Answer::TooLarge,
        422 => Answer::Unprocessable,
        // 408: the server gave up waiting for the request.
        408 | 429 => Answer::TooMany,
        405..=499 | 402 => Answer::Client,
        _ => Answer::Server,
    }
}

async fn read_bounded(mut response: Response) -> Vec<u8> {
    let mut body = Vec::new();
    // An answer that breaks off is judged by its status and what came.
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = SINK_ANSWER_BYTES_MAX.saturating_sub(body.len());
        body.extend_from_slice(chunk.get(..room.min(chunk.len())).unwrap_or_default());
        if room <= chunk.len() {
            break;
        }
    }
    body
}

fn push_url(text: &str) -> Result<Url, SinkError> {
    let mut url = Url::parse(text).map_err(|_| SinkError::Url)?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(SinkError::Url);
    }
    if matches!(url.path(), "" | "/") {
        url.set_path("/loki/api/v1/push");
    }
    Ok(url)
}

fn read_certificates(path: &PathBuf) -> Result<Vec<Certificate>, SinkError> {
    let pem = read_small(path).ok_or(SinkError::CaFile)?;
    let certificates = Certificate::from_pem_bundle(&pem).map_err(|_| SinkError::CaFile)?;
    if certificates.is_empty() { Err(SinkError::CaFile) } else { Ok(certificates) }
}

/// A file of at most [`CREDENTIAL_BYTES_MAX`] bytes.
fn read_small(path: &PathBuf) -> Option<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let limit = CREDENTIAL_BYTES_MAX as u64 + 1;
    std::fs::File::open(path).ok()?.take(limit).read_to_end(&mut bytes).ok()?;
    (bytes.len() <= CREDENTIAL_BYTES_MAX).then_some(bytes)
}

impl Credential {
    fn read(&self) -> Result<Option<HeaderValue>, SinkError> {
        let (Credential::Basic(path) | Credential::Bearer(path)) = self else { return Ok(None) };
        let bytes = read_small(path).ok_or(SinkError::CredentialFile)?;
        let text = bytes.trim_ascii();
        let visible = text.iter().all(|b| (0x20..0x7f).contains(b));
        let colon = matches!(self, Credential::Bearer(_)) || text.contains(&b':');
        if text.is_empty() || !visible || !colon {
            return Err(SinkError::Credential);
        }
        let value = match self {
            Credential::Basic(_) => [b"Basic ".as_slice(), &base64(text)].concat(),
            _ => [b"Bearer ", text].concat(),
        };
        let mut value = HeaderValue::from_bytes(&value).map_err(|_| SinkError::Credential)?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

/// Standard base64 with padding (RFC 4648, section 4).
fn base64(bytes: &[u8]) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let at = |i: usize| u32::from(group.get(i).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for i in 0..4 {
            let digit = (bits >> (18 - 6 * i)) & 63;
            // Proof: six bits index 64 digits.
            out.push(if i <= group.len() { ALPHABET[digit as usize] } else { b'=' });
        }
    }
    out
}

#[cfg(test)]
mod tests;

//! The requests of the engine (moby, `daemon/logger/proxy.go`). Only what is named here is read
//! from them: unknown fields, above all environment and arguments, are skipped by the parser.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::{Deserialize, Serialize};
use tamis_scrubber::sieve::RawContainer;
use tokio::sync::Semaphore;
use tokio_util::io::ReaderStream;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::replay::{Replay, Wanted};
use crate::clock;
use crate::limits::{PLUGIN_BODY_BYTES_MAX, READ_LOGS_MAX};

/// What the engine's plugin client speaks.
const CONTENT_TYPE: HeaderValue =
    HeaderValue::from_static("application/vnd.docker.plugins.v1.2+json");
/// Longest name of a FIFO; the engine's have 64 characters.
const FILE_NAME_MAX: usize = 128;
/// Answer being written to a slow reader.
const ANSWER_BUFFER_BYTES: usize = 64 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StartLogging {
    file: String,
    info: Info,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StopLogging {
    file: String,
}

/// The part of the engine's Info that is read.
#[derive(Deserialize)]
struct Info {
    #[serde(rename = "ContainerID")]
    id: String,
    #[serde(rename = "ContainerName", default)]
    name: String,
    #[serde(rename = "ContainerImageName", default)]
    image: String,
    #[serde(rename = "ContainerLabels", default)]
    labels: Option<Labels>,
}

/// The part of a container's labels that is read.
#[derive(Default, Deserialize)]
struct Labels {
    #[serde(rename = "com.docker.compose.project", default)]
    project: String,
    #[serde(rename = "com.docker.compose.service", default)]
    service: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReadLogs {
    info: Info,
    config: ReadConfig,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReadConfig {
    #[serde(default)]
    since: String,
    #[serde(default)]
    until: String,
    #[serde(default = "all")]
    tail: i64,
    #[serde(default)]
    follow: bool,
}

fn all() -> i64 {
    -1
}

/// Answer to a call; empty `Err` = done.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Done {
    err: String,
}

#[derive(Clone)]
struct Api {
    shared: Arc<Shared>,
    cancel: CancellationToken,
    reads: Arc<Semaphore>,
}

/// The plugin's routes.
pub(super) fn router(shared: Arc<Shared>, cancel: CancellationToken) -> Router {
    let reads = Arc::new(Semaphore::new(READ_LOGS_MAX));
    Router::new()
        .route("/Plugin.Activate", post(|| async { json(r#"{"Implements":["LogDriver"]}"#) }))
        .route(
            "/LogDriver.Capabilities",
            // Then the engine keeps no copy of its own.
            post(|| async { json(r#"{"Cap":{"ReadLogs":true},"Err":""}"#) }),
        )
        .route("/LogDriver.StartLogging", post(start_logging))
        .route("/LogDriver.StopLogging", post(stop_logging))
        .route("/LogDriver.ReadLogs", post(read_logs))
        .layer(DefaultBodyLimit::max(PLUGIN_BODY_BYTES_MAX))
        .with_state(Api { shared, cancel, reads })
}

async fn start_logging(State(api): State<Api>, body: Bytes) -> Response {
    let Ok(request) = serde_json::from_slice::<StartLogging>(&body) else {
        return refused("tamis: the request is not one of StartLogging");
    };
    drop(body);
    let Some(file) = file_name(&request.file) else {
        return refused("tamis: the FIFO's name is not one of the engine");
    };
    let labels = request.info.labels.unwrap_or_default();
    let raw = RawContainer {
        id: &request.info.id,
        name: request.info.name.trim_start_matches('/'),
        project: &labels.project,
        service: &labels.service,
        image: &request.info.image,
    };
    if let Err(e) = api.shared.open(file, raw, clock::now_ns()) {
        tracing::error!(reason = %e, "log driver: container refused");
        return refused(&format!("tamis: {e}"));
    }
    // Before the answer: a process that ends now has not forgotten the FIFO.
    api.shared.save().await;
    done()
}

async fn stop_logging(State(api): State<Api>, body: Bytes) -> Response {
    let Ok(request) = serde_json::from_slice::<StopLogging>(&body) else {
        return refused("tamis: the request is not one of StopLogging");
    };
    if let Some(file) = file_name(&request.file) {
        api.shared.stop(file).await;
    }
    done()
}

async fn read_logs(State(api): State<Api>, body: Bytes) -> Response {
    let Ok(request) = serde_json::from_slice::<ReadLogs>(&body) else {
        return refused("tamis: the request is not one of ReadLogs");
    };
    drop(body);
    let Ok(permit) = Arc::clone(&api.reads).try_acquire_owned() else {
        return refused("tamis: too many readers of logs");
    };
    let config = request.config;
    let wanted = Wanted {
        container_id: request.info.id,
        since_ns: time_ns(&config.since),
        until_ns: time_ns(&config.until),
        tail: usize::try_from(config.tail).ok(),
        follow: config.follow,
    };
    let (near, far) = tokio::io::duplex(ANSWER_BUFFER_BYTES);
    let replay = Replay::new(Arc::clone(&api.shared), wanted);
    api.shared.tasks.spawn(async move {
        // Ends early when the reader leaves: that is no failure.
        let _ = replay.write(near, api.cancel).await;
        drop(permit);
    });
    Body::from_stream(ReaderStream::new(far)).into_response()
}

/// The FIFO's name within its directory. The engine's path is seen from its own root.
fn file_name(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next()?;
    is_file_name(name).then_some(name)
}

/// Whether this can be the name of a FIFO: nothing that leaves the directory.
pub(super) fn is_file_name(name: &str) -> bool {
    (1..=FILE_NAME_MAX).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// RFC 3339 to nanoseconds since the Unix epoch; `None` for Go's zero time and anything unreadable.
fn time_ns(text: &str) -> Option<i64> {
    let time: jiff::Timestamp = text.parse().ok()?;
    i64::try_from(time.as_nanosecond()).ok().filter(|ns| *ns > 0)
}

fn done() -> Response {
    json(r#"{"Err":""}"#)
}

fn refused(reason: &str) -> Response {
    let body = serde_json::to_string(&Done { err: reason.into() }).unwrap_or_default();
    (StatusCode::INTERNAL_SERVER_ERROR, [(header::CONTENT_TYPE, CONTENT_TYPE)], body)
        .into_response()
}

fn json(body: &'static str) -> Response {
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], body).into_response()
}

//! The live page, the status behind it, and the endpoints for Prometheus and health checks.
//!
//! Invariants:
//! - Everything shown is a count, a measure, a word of this program, or a clean record or name.
//!   Nothing of a request is echoed.
//! - The page asks no other host for anything, and its policy forbids it: no inline script or
//!   style, no frame, no form. Values become text nodes, never markup.
//! - The server formats ([`view`]), the browser copies: without JavaScript the same page is
//!   complete, and reloads itself.
//! - Answers are never stored.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use serde::Deserialize;
use tokio::sync::watch;

use crate::clock;
use crate::ledger::Ledger;
use crate::recent::Recent;
use crate::stats::{self, Snapshot};
use crate::telemetry::{Gauges, Telemetry};

mod format;
mod history;
mod html;
mod tail;
#[cfg(test)]
mod tests;
mod view;

use history::History;
use view::View;

/// Records shown in the tail.
const TAIL_LINES_MAX: usize = 60;

const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                   img-src 'self' data:; base-uri 'none'; form-action 'none'; \
                   frame-ancestors 'none'";
const TEXT: &str = "text/plain; charset=utf-8";
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What the page shows.
#[derive(Clone)]
pub struct PageState {
    ledger: Arc<Ledger>,
    recent: Arc<Recent>,
    telemetry: Arc<Telemetry>,
    gauges: Arc<dyn Fn() -> Gauges + Send + Sync>,
    stats: watch::Receiver<Arc<Snapshot>>,
    history: Arc<History>,
}

impl PageState {
    /// A page of these; `gauges` is called once per request and must not block.
    pub fn new(
        ledger: Arc<Ledger>,
        recent: Arc<Recent>,
        telemetry: Arc<Telemetry>,
        gauges: Arc<dyn Fn() -> Gauges + Send + Sync>,
        stats: watch::Receiver<Arc<Snapshot>>,
    ) -> Self {
        let history = Arc::new(History::new(clock::monotonic()));
        PageState { ledger, recent, telemetry, gauges, stats, history }
    }

    /// Takes note of the counters, for rates and their last minute. To be called once a second;
    /// calls in between do nothing, and requests call it too.
    pub fn tick(&self) {
        let stats = Arc::clone(&self.stats.borrow());
        self.history.tick(clock::monotonic(), &self.ledger, stats);
    }

    fn view(&self) -> View {
        self.tick();
        View::of(&self.ledger.snapshot(), &self.telemetry, &(self.gauges)(), &self.history)
    }
}

/// The routes.
pub fn router(state: PageState) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/app.js", get(asset("text/javascript; charset=utf-8", include_str!("page/app.js"))))
        .route("/style.css", get(asset("text/css; charset=utf-8", include_str!("page/style.css"))))
        .route("/api/status", get(status))
        .route("/api/tail", get(records))
        .route("/metrics", get(metrics))
        .route("/metrics/containers", get(containers))
        .route("/healthz", get(asset(TEXT, "ok\n")))
        .route("/readyz", get(ready))
        .route("/version", get(version))
        .layer(map_response(secured))
        .with_state(state)
}

/// Headers of every answer.
async fn secured(mut response: Response) -> Response {
    let fixed: [(HeaderName, &'static str); 6] = [
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, CSP),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// A handler that answers with a fixed body.
fn asset(
    content_type: &'static str,
    body: &'static str,
) -> impl Fn() -> std::future::Ready<([(HeaderName, &'static str); 1], &'static str)> + Clone {
    move || std::future::ready(([(header::CONTENT_TYPE, content_type)], body))
}

async fn page(State(state): State<PageState>) -> impl IntoResponse {
    let records = tail::records(&state.recent.all(TAIL_LINES_MAX));
    let html = html::page(include_str!("page/index.html"), &state.view(), &records);
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html)
}

async fn status(State(state): State<PageState>) -> Json<View> {
    Json(state.view())
}

#[derive(Deserialize)]
struct TailQuery {
    service: Option<String>,
}

async fn records(
    State(state): State<PageState>,
    query: Result<Query<TailQuery>, QueryRejection>,
) -> Json<Vec<tail::Record>> {
    // A question that makes no sense is one for all services; it is not echoed.
    let service = query.ok().and_then(|Query(q)| q.service).filter(|s| !s.is_empty());
    let wanted = |name: &str| service.as_deref().is_none_or(|s| s == name);
    let lines = state.recent.tail(TAIL_LINES_MAX, |c| wanted(c.service()));
    Json(tail::records(&lines))
}

async fn metrics(State(state): State<PageState>) -> impl IntoResponse {
    let text = state.telemetry.render(&state.ledger, &(state.gauges)());
    ([(header::CONTENT_TYPE, EXPOSITION)], text)
}

async fn containers(State(state): State<PageState>) -> impl IntoResponse {
    let snapshot = Arc::clone(&state.stats.borrow());
    let mut text = String::new();
    stats::render(&snapshot, &mut text);
    ([(header::CONTENT_TYPE, EXPOSITION)], text)
}

async fn ready(State(state): State<PageState>) -> impl IntoResponse {
    let (code, word) = if (state.gauges)().ready {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "unready\n")
    };
    (code, [(header::CONTENT_TYPE, TEXT)], word)
}

async fn version(State(state): State<PageState>) -> Json<serde_json::Value> {
    let policy = (state.gauges)().policy_hash;
    Json(serde_json::json!({ "version": Telemetry::VERSION, "policy": policy }))
}

//! The one list of metric names ([`METRICS`]), and the agent's own metrics.
//!
//! Invariants:
//! - Every name, label and help text of `/metrics` is a row of [`METRICS`]; `docs/METRICS.md` is
//!   made from it. Only this module uses the `metrics` macros.
//! - Counters live where they are counted (the ledger, the sources, the sinks). They are published
//!   at scrape time into a recorder made for that scrape, so nothing is counted twice, no series
//!   outlives its cause, and there is no state to keep up.
//! - Label values are words of this program or clean service names. Series of closed sets exist
//!   from the first scrape, at 0, so that the first event is an increase.
//! - Durations are HDR histograms ([`latency`]); their buckets and the float counters are written
//!   here, because the facade holds whole numbers only.

use std::fmt::Write as _;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusBuilder;
use tamis_scrubber::report::{DropReason, FieldReason, Kind};

use crate::clock;
use crate::ledger::{Ledger, Loss, ServiceSnapshot};

mod latency;
mod process;
#[cfg(test)]
mod tests;

use latency::Latency;

pub use latency::{BUCKETS_SECONDS, Quantiles};
pub use process::Process;

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts by size class.
    Histogram,
}

impl MetricKind {
    /// The word of the exposition format.
    pub const fn name(self) -> &'static str {
        match self {
            MetricKind::Counter => "counter",
            MetricKind::Gauge => "gauge",
            MetricKind::Histogram => "histogram",
        }
    }
}

/// A metric that `/metrics` shows.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: MetricKind,
    /// What it counts or measures; base units.
    pub unit: &'static str,
    /// Its label names.
    pub labels: &'static [&'static str],
    /// What it says, one sentence.
    pub help: &'static str,
}

macro_rules! metric_list {
    ($($id:ident $kind:ident $name:literal $unit:literal [$($label:literal)*] $help:literal;)*) => {
        $(const $id: Metric = Metric {
            name: $name,
            kind: MetricKind::$kind,
            unit: $unit,
            labels: &[$($label),*],
            help: $help,
        };)*
        /// Every metric of `/metrics`, in order of the data flow.
        pub const METRICS: &[Metric] = &[$($id),*];
    };
}

metric_list! {
    BUILD_INFO Gauge "tamis_build_info" "1" ["version"]
        "Version of the running program.";
    POLICY_INFO Gauge "tamis_policy_info" "1" ["sha256_12"]
        "Policy in force, by the first twelve digits of its hash.";
    READY Gauge "tamis_ready" "boolean" []
        "1 when configuration and policy are loaded and a source is attached.";
    SOURCE_LINES Counter "tamis_source_lines_total" "lines" ["service"]
        "Records read, after reassembly.";
    SOURCE_BYTES Counter "tamis_source_bytes_total" "bytes" ["service"]
        "Bytes of the records read.";
    SOURCE_TRUNCATED Counter "tamis_source_truncated_lines_total" "lines" ["service"]
        "Records cut at a size or time limit; the rest was not forwarded.";
    SOURCE_CONTAINERS Gauge "tamis_source_containers" "containers" ["state"]
        "Containers by what is done with their output.";
    SOURCE_ERRORS Counter "tamis_source_errors_total" "errors" ["source" "reason"]
        "Errors of sources, by cause.";
    LINES_DROPPED Counter "tamis_lines_dropped_total" "lines" ["reason" "service" "sink"]
        "Records dropped: by the sieve (no sink), or lost on the way to one sink.";
    SCRUB_DETECTIONS Counter "tamis_scrub_detections_total" "detections" ["kind" "service"]
        "Personal data and secrets found by the detectors and replaced.";
    SCRUB_FIELDS Counter "tamis_scrub_fields_dropped_total" "fields" ["reason" "service"]
        "Fields removed by the allow-list.";
    SCRUB_WORDS Counter "tamis_scrub_words_total" "words" ["result" "service"]
        "Words of free text kept or masked by the lexicon.";
    CANARY_LEAKS Counter "tamis_canary_leaks_total" "leaks" []
        "Planted values found behind the walls; anything but 0 is a breach.";
    SPOOL_BYTES Gauge "tamis_spool_bytes" "bytes" []
        "Clean records waiting in the spool.";
    SPOOL_CAPACITY Gauge "tamis_spool_capacity_bytes" "bytes" []
        "Bytes that the spool may hold.";
    SPOOL_OLDEST Gauge "tamis_spool_oldest_timestamp_seconds" "seconds" []
        "Unix time of the oldest record in the spool; 0 = empty.";
    SINK_LINES Counter "tamis_sink_lines_total" "lines" ["sink" "service"]
        "Records accepted by a sink.";
    SINK_REQUESTS Counter "tamis_sink_requests_total" "requests" ["sink" "code"]
        "Requests to a sink by answer: an HTTP status, or a word when there was none.";
    SINK_RETRIES Counter "tamis_sink_retries_total" "requests" ["sink"]
        "Requests sent again.";
    SINK_REJECTED Counter "tamis_sink_rejected_lines_total" "lines" ["sink" "reason"]
        "Records refused by a sink for good.";
    SINK_UP Gauge "tamis_sink_up" "boolean" ["sink"]
        "1 while the sink accepts records.";
    IN_FLIGHT Gauge "tamis_in_flight_lines" "lines" ["sink"]
        "Records read and not yet accepted or dropped.";
    CONSERVATION Gauge "tamis_conservation_difference_lines" "lines" ["sink"]
        "Read - delivered - dropped - in flight; 0 at rest.";
    STAGE_DURATION Histogram "tamis_stage_duration_seconds" "seconds" ["stage"]
        "Time that one batch spent in a stage.";
    E2E_LATENCY Histogram "tamis_e2e_latency_seconds" "seconds" ["sink"]
        "Time from the line's own time stamp to the sink's acceptance.";
    PROCESS_MEMORY Gauge "tamis_process_resident_memory_bytes" "bytes" []
        "Resident memory of this process.";
    PROCESS_CPU Counter "tamis_process_cpu_seconds_total" "seconds" []
        "Processor time of this process.";
}

/// A step of the log path whose time is measured, once per batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Waiting for a worker.
    Wait,
    /// Both walls.
    Sieve,
    /// Into the spool.
    Store,
    /// One request to a sink, answer included.
    Send,
}

impl Stage {
    /// Every stage, in order of the data flow.
    pub const ALL: [Stage; 4] = [Stage::Wait, Stage::Sieve, Stage::Store, Stage::Send];

    /// The metric label value.
    pub const fn name(self) -> &'static str {
        match self {
            Stage::Wait => "wait",
            Stage::Sieve => "sieve",
            Stage::Store => "store",
            Stage::Send => "send",
        }
    }
}

/// What other modules know and the ledger does not; filled at scrape time.
#[derive(Clone, Debug, Default)]
pub struct Gauges {
    /// Configuration and policy loaded, a source attached, spool writable.
    pub ready: bool,
    /// First twelve hexadecimal digits of the policy's hash.
    pub policy_hash: String,
    /// Containers by state: `covered`, `excluded`, `failed`.
    pub containers: Vec<(&'static str, u64)>,
    /// Errors of sources: source, reason, count.
    pub source_errors: Vec<(&'static str, &'static str, u64)>,
    /// The sinks, in the ledger's order.
    pub sinks: Vec<SinkView>,
    /// The spool.
    pub spool: SpoolView,
    /// Planted values found behind the walls; `None` = nobody plants any.
    pub canary_leaks: Option<u64>,
}

/// One sink from outside.
#[derive(Clone, Debug, Default)]
pub struct SinkView {
    /// Its name, as in the ledger.
    pub name: &'static str,
    /// Whether it accepts records.
    pub up: bool,
    /// Records read and not yet accepted or dropped.
    pub in_flight: u64,
    /// [`Ledger::difference`] for it.
    pub difference: i64,
    /// Requests by answer: an HTTP status, or a word when there was none.
    pub requests: Vec<(&'static str, u64)>,
    /// Requests sent again.
    pub retries: u64,
    /// Records refused, by reason.
    pub rejected: Vec<(&'static str, u64)>,
}

/// The spool from outside.
#[derive(Clone, Copy, Debug, Default)]
pub struct SpoolView {
    /// Bytes held.
    pub bytes: u64,
    /// Bytes it may hold.
    pub capacity_bytes: u64,
    /// Time of the oldest record held, nanoseconds since the Unix epoch.
    pub oldest_ns: Option<i64>,
}

/// States of a container that are always shown.
const CONTAINER_STATES: [&str; 3] = ["covered", "excluded", "failed"];

/// The agent's own metrics.
pub struct Telemetry {
    started: clock::Instant,
    sinks: Vec<&'static str>,
    stages: [Latency; Stage::ALL.len()],
    e2e: Vec<Latency>,
}

impl Telemetry {
    /// The version shown by `tamis_build_info` and `/version`.
    pub const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    /// Telemetry of a log path with these sinks, in the ledger's order. Installs nothing global.
    pub fn new(sinks: &[&'static str]) -> Self {
        Telemetry {
            started: clock::monotonic(),
            sinks: sinks.to_vec(),
            stages: Default::default(),
            e2e: sinks.iter().map(|_| Latency::default()).collect(),
        }
    }

    /// Records how long one batch spent in a stage.
    pub fn stage(&self, stage: Stage, took: Duration) {
        self.stages[stage as usize].record(took, 1);
    }

    /// Records that sink number `sink` accepted `records` records, `latency` after the time stamp
    /// that stands for them (the oldest of the batch, to be honest about the worst).
    pub fn delivered(&self, sink: usize, latency: Duration, records: u64) {
        if let Some(e2e) = self.e2e.get(sink) {
            e2e.record(latency, records);
        }
    }

    /// Percentiles of a stage over the last half to whole minute.
    pub fn stage_quantiles(&self, stage: Stage) -> Quantiles {
        self.stages[stage as usize].recent()
    }

    /// Percentiles of the way to sink number `sink` over the last half to whole minute.
    pub fn e2e_quantiles(&self, sink: usize) -> Quantiles {
        self.e2e.get(sink).map(Latency::recent).unwrap_or_default()
    }

    /// Time since start.
    pub fn uptime(&self) -> Duration {
        clock::monotonic().saturating_duration_since(self.started)
    }

    /// `/metrics`: the classic text format.
    pub fn render(&self, ledger: &Ledger, gauges: &Gauges) -> String {
        let recorder = PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, || {
            describe();
            self.publish_info(gauges);
            publish_services(&ledger.snapshot(), &self.sinks);
            publish_sources(gauges);
            gauges.sinks.iter().for_each(publish_sink);
        });
        let mut out = recorder.handle().render();
        let process = Process::read();
        header(&PROCESS_CPU, &mut out);
        // A write to a String cannot fail.
        let _ = writeln!(out, "{} {}", PROCESS_CPU.name, process.cpu_seconds);
        let stages = Stage::ALL.iter().zip(&self.stages).map(|(s, l)| (s.name(), l));
        histogram(&STAGE_DURATION, stages, &mut out);
        histogram(&E2E_LATENCY, self.sinks.iter().copied().zip(&self.e2e), &mut out);
        out
    }

    fn publish_info(&self, gauges: &Gauges) {
        gauge(&BUILD_INFO, [Self::VERSION], 1.0);
        gauge(&POLICY_INFO, [gauges.policy_hash.as_str()], 1.0);
        gauge(&READY, [], f64::from(u8::from(gauges.ready)));
        count(&CANARY_LEAKS, [], gauges.canary_leaks.unwrap_or(0));
        gauge(&PROCESS_MEMORY, [], Process::read().resident_bytes as f64);
        let SpoolView { bytes, capacity_bytes, oldest_ns } = gauges.spool;
        gauge(&SPOOL_BYTES, [], bytes as f64);
        gauge(&SPOOL_CAPACITY, [], capacity_bytes as f64);
        let oldest_ms = oldest_ns.unwrap_or(0) / 1_000_000;
        gauge(&SPOOL_OLDEST, [], oldest_ms as f64 / 1e3);
    }
}

fn publish_services(services: &[ServiceSnapshot], sinks: &[&'static str]) {
    for s in services {
        let name = &*s.name;
        count(&SOURCE_LINES, [name], s.read);
        count(&SOURCE_BYTES, [name], s.read_bytes);
        count(&SOURCE_TRUNCATED, [name], s.truncated);
        for reason in DropReason::ALL {
            count(&LINES_DROPPED, [reason.name(), name, ""], s.report.dropped_of(reason));
        }
        for (sink, (delivered, lost)) in sinks.iter().zip(&s.sinks) {
            count(&SINK_LINES, [sink, name], *delivered);
            for (reason, n) in Loss::ALL.iter().zip(lost) {
                count(&LINES_DROPPED, [reason.name(), name, sink], *n);
            }
        }
        for kind in Kind::ALL {
            count(&SCRUB_DETECTIONS, [kind.name(), name], s.report.detections_of(kind));
        }
        for reason in FieldReason::ALL {
            count(&SCRUB_FIELDS, [reason.name(), name], s.report.fields_of(reason));
        }
        count(&SCRUB_WORDS, ["kept", name], s.report.words_kept());
        count(&SCRUB_WORDS, ["masked", name], s.report.words_masked());
    }
}

fn publish_sources(gauges: &Gauges) {
    for state in CONTAINER_STATES {
        gauge(&SOURCE_CONTAINERS, [state], 0.0);
    }
    for (state, n) in &gauges.containers {
        gauge(&SOURCE_CONTAINERS, [state], *n as f64);
    }
    for (source, reason, n) in &gauges.source_errors {
        count(&SOURCE_ERRORS, [source, reason], *n);
    }
}

fn publish_sink(sink: &SinkView) {
    let name = sink.name;
    gauge(&SINK_UP, [name], f64::from(u8::from(sink.up)));
    gauge(&IN_FLIGHT, [name], sink.in_flight as f64);
    gauge(&CONSERVATION, [name], sink.difference as f64);
    count(&SINK_RETRIES, [name], sink.retries);
    for (code, n) in &sink.requests {
        count(&SINK_REQUESTS, [name, code], *n);
    }
    for (reason, n) in &sink.rejected {
        count(&SINK_REJECTED, [name, reason], *n);
    }
}

fn describe() {
    for m in METRICS {
        match m.kind {
            MetricKind::Counter => metrics::describe_counter!(m.name, m.help),
            MetricKind::Gauge => metrics::describe_gauge!(m.name, m.help),
            MetricKind::Histogram => {}
        }
    }
}

fn labels<const N: usize>(metric: &Metric, values: [&str; N]) -> Vec<metrics::Label> {
    debug_assert_eq!(metric.labels.len(), N);
    let pairs = metric.labels.iter().zip(values);
    pairs.map(|(name, value)| metrics::Label::new(*name, value.to_owned())).collect()
}

#[allow(clippy::disallowed_macros, reason = "this module holds the one list of names")]
fn count<const N: usize>(metric: &Metric, values: [&str; N], n: u64) {
    metrics::counter!(metric.name, labels(metric, values)).absolute(n);
}

#[allow(clippy::disallowed_macros, reason = "this module holds the one list of names")]
fn gauge<const N: usize>(metric: &Metric, values: [&str; N], value: f64) {
    metrics::gauge!(metric.name, labels(metric, values)).set(value);
}

fn header(metric: &Metric, out: &mut String) {
    let Metric { name, help, kind, .. } = metric;
    // A write to a String cannot fail.
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {}", kind.name());
}

fn histogram<'a>(
    metric: &Metric,
    series: impl Iterator<Item = (&'static str, &'a Latency)>,
    out: &mut String,
) {
    header(metric, out);
    let label = metric.labels.first().copied().unwrap_or_default();
    for (value, latency) in series {
        latency.write(metric.name, label, value, out);
    }
}

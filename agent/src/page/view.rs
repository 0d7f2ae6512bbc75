//! What the page says, already in words: the HTML of the first load and the JSON of each later
//! second are made from the same values, so the browser computes nothing.

use std::collections::BTreeMap;

use serde::Serialize;
use tamis_scrubber::report::DropReason;

use super::format;
use super::history::{Flow, History, POINTS, Rates, Track};
use crate::ledger::{ServiceSnapshot, Totals};
use crate::stats::ContainerStats;
use crate::telemetry::{Gauges, Quantiles, SinkView, Stage, Telemetry};

/// Rows shown of services and of containers.
const ROWS_MAX: usize = 100;
/// Size of a sparkline's coordinates.
const SPARK: (f32, f32) = (120.0, 24.0);

/// One cell of a table.
#[derive(Serialize)]
pub(super) struct Cell {
    /// `text`, `num`, `spark`, `bar`, `word`, `empty`.
    pub(super) kind: &'static str,
    /// The text; of a sparkline, its path.
    pub(super) value: String,
    /// Of a bar, its length in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) percent: Option<u8>,
    /// Of a word, `good`, `warn` or `bad`; of a number, `zero` when it is nothing.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) class: &'static str,
}

/// A table: its columns are fixed, its rows are not.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static [(&'static str, &'static str)],
    pub(super) empty: &'static str,
}

/// Columns: heading, and `num` for those aligned to the right.
pub(super) const TABLES: [Table; 7] = [
    Table {
        name: "services",
        empty: "No service has written a line yet.",
        columns: &[
            ("Service", ""),
            ("Last minute", ""),
            ("In /s", "num"),
            ("Out /s", "num"),
            ("Lines dropped", "num"),
            ("Fields removed", "num"),
            ("Words masked", "num"),
            ("Detections", "num"),
        ],
    },
    Table {
        name: "detections",
        empty: "Nothing detected yet.",
        columns: &[("Kind", ""), ("Found and replaced", "")],
    },
    Table {
        name: "dropped",
        empty: "No line dropped yet.",
        columns: &[("Reason", ""), ("Lines", "")],
    },
    Table {
        name: "fields",
        empty: "No field removed yet.",
        columns: &[("Reason", ""), ("Fields", "")],
    },
    Table {
        name: "latency",
        empty: "Nothing measured yet.",
        columns: &[("Step", ""), ("p50", "num"), ("p99", "num")],
    },
    Table {
        name: "sinks",
        empty: "No sink configured.",
        columns: &[
            ("Sink", ""),
            ("State", ""),
            ("Delivered", "num"),
            ("In flight", "num"),
            ("Retries", "num"),
            ("Unaccounted", "num"),
        ],
    },
    Table {
        name: "containers",
        empty: "No container sampled yet.",
        columns: &[
            ("Container", ""),
            ("CPU", ""),
            ("Memory", ""),
            ("Limit", "num"),
            ("Received", "num"),
            ("Sent", "num"),
            ("Threads", "num"),
        ],
    },
];

/// Everything the page shows but the tail.
#[derive(Serialize)]
pub(super) struct View {
    /// Texts by place.
    pub(super) text: BTreeMap<&'static str, String>,
    /// `good`, `warn`, `bad` or nothing, by place.
    pub(super) class: BTreeMap<&'static str, &'static str>,
    /// Sparklines' paths by place.
    pub(super) spark: BTreeMap<&'static str, String>,
    /// Rows by table.
    pub(super) tables: BTreeMap<&'static str, Vec<Vec<Cell>>>,
    /// Names for the tail's filter.
    pub(super) services: Vec<String>,
}

impl View {
    /// The view of now.
    pub(super) fn of(
        services: &[ServiceSnapshot],
        telemetry: &Telemetry,
        gauges: &Gauges,
        history: &History,
    ) -> View {
        let rates = history.rates();
        let totals = Totals::of(services);
        let mut view = View {
            text: BTreeMap::new(),
            class: BTreeMap::new(),
            spark: BTreeMap::new(),
            tables: BTreeMap::new(),
            services: services.iter().take(ROWS_MAX).map(|s| s.name.to_string()).collect(),
        };
        let off = gauges.sinks.iter().map(|s| s.difference.unsigned_abs()).collect();
        let off = history.settled(off);
        view.state(telemetry, gauges, &rates);
        view.conservation(off.iter().sum());
        view.flow(&totals, gauges.canary_leaks, &rates);
        view.table("services", services_rows(services, &rates));
        view.table("detections", bars(totals.detections(), str::to_owned));
        view.table("dropped", bars(totals.dropped(0), format::words));
        view.table("fields", bars(totals.fields(), format::words));
        view.table("latency", latency_rows(telemetry, gauges));
        let delivered = totals.delivered.iter().copied().chain(std::iter::repeat(0));
        let sinks = gauges.sinks.iter().zip(delivered).zip(off);
        view.table("sinks", sinks.map(|((s, n), off)| sink_row(s, n, off)).collect());
        view.table("containers", container_rows(&rates));
        view
    }

    fn table(&mut self, name: &'static str, rows: Vec<Vec<Cell>>) {
        let empty = TABLES.iter().find(|t| t.name == name).map_or("", |t| t.empty);
        let rows = if rows.is_empty() { vec![vec![cell("empty", empty)]] } else { rows };
        self.tables.insert(name, rows);
    }

    fn say(&mut self, place: &'static str, text: String, class: &'static str) {
        self.text.insert(place, text);
        self.class.insert(place, class);
    }

    fn state(&mut self, telemetry: &Telemetry, gauges: &Gauges, rates: &Rates) {
        let (word, class) = if gauges.ready { ("Ready", "good") } else { ("Not ready", "bad") };
        self.say("ready", word.to_owned(), class);
        let up = gauges.sinks.iter().filter(|s| s.up).count();
        let all = gauges.sinks.len();
        let class = if up == all { "good" } else { "bad" };
        let text = match gauges.sinks.as_slice() {
            [] => "no sink".to_owned(),
            [one] => format!("{} {}", one.name, if one.up { "up" } else { "down" }),
            _ => format!("{up} of {all} sinks up"),
        };
        self.say("sinks", text, if all == 0 { "" } else { class });
        self.say("policy", gauges.policy_hash.clone(), "");
        self.say("uptime", format::age(telemetry.uptime()), "");
        self.say("version", Telemetry::VERSION.to_owned(), "");
        self.say("own_memory", format::bytes(rates.process.resident_bytes), "");
        self.say("own_cpu", format::percent(rates.process_percent), "");
        let spool = gauges.spool;
        let held =
            format!("{} of {}", format::bytes(spool.bytes), format::bytes(spool.capacity_bytes));
        let full = spool.capacity_bytes > 0 && spool.bytes > spool.capacity_bytes / 10 * 8;
        self.say("spool", held, if full { "bad" } else { "" });
        let states = gauges.containers.iter().map(|(state, n)| format!("{n} {state}"));
        self.say("coverage", states.collect::<Vec<_>>().join(", "), "");
    }

    fn conservation(&mut self, off: u64) {
        if off == 0 {
            self.say("conservation", "every line accounted for".to_owned(), "good");
        } else {
            self.say("conservation", format!("{} unaccounted", format::count(off)), "warn");
        }
    }

    fn flow(&mut self, totals: &Totals, leaks: Option<u64>, rates: &Rates) {
        let Flow { read, out } = &rates.total;
        self.say("in_rate", format::rate(read.rate()), "");
        self.say("out_rate", format::rate(out.rate()), "");
        self.say("in_total", format::count(totals.read), "");
        self.say("in_bytes", format::bytes(totals.read_bytes), "");
        let delivered = totals.delivered.first().copied().unwrap_or(0);
        self.say("out_total", format::count(delivered), "");
        self.spark.insert("in", spark(read, peak(&[read, out])));
        self.spark.insert("out", spark(out, peak(&[read, out])));
        let report = &totals.report;
        let dropped: u64 = DropReason::ALL.into_iter().map(|r| report.dropped_of(r)).sum();
        self.say("dropped", format::count(dropped), "");
        self.say("fields", format::count(report.fields_total()), "");
        self.say("words", format::count(report.words_masked()), "");
        self.say("detections", format::count(report.detections_total()), "");
        let lost: u64 = totals.lost.first().map_or(0, |l| l.iter().sum());
        self.say("lost", format::count(lost), if lost == 0 { "" } else { "bad" });
        match leaks {
            Some(0) => self.say("canaries", "0".to_owned(), "good"),
            Some(n) => self.say("canaries", format::count(n), "bad"),
            None => self.say("canaries", "none planted".to_owned(), ""),
        }
    }
}

fn cell(kind: &'static str, value: impl Into<String>) -> Cell {
    Cell { kind, value: value.into(), percent: None, class: "" }
}

fn number(n: u64) -> Cell {
    Cell { class: if n == 0 { "zero" } else { "" }, ..cell("num", format::count(n)) }
}

fn bar(value: String, part: f64, whole: f64) -> Cell {
    let percent = if whole > 0.0 { (100.0 * part / whole).clamp(0.0, 100.0).ceil() } else { 0.0 };
    Cell { percent: Some(percent as u8), ..cell("bar", value) }
}

/// Counts as bars, largest first.
fn bars(mut counts: Vec<(&'static str, u64)>, name: fn(&str) -> String) -> Vec<Vec<Cell>> {
    counts.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let most = counts.first().map_or(0, |(_, n)| *n) as f64;
    let row = |(key, n): (&'static str, u64)| {
        vec![cell("text", name(key)), bar(format::count(n), n as f64, most)]
    };
    counts.into_iter().map(row).collect()
}

fn services_rows(services: &[ServiceSnapshot], rates: &Rates) -> Vec<Vec<Cell>> {
    let none = Flow::default();
    let row = |s: &ServiceSnapshot| {
        let flow = rates.services.get(&s.name).unwrap_or(&none);
        vec![
            cell("text", &*s.name),
            cell("spark", spark(&flow.read, peak(&[&flow.read]))),
            cell("num", format::rate(flow.read.rate())),
            cell("num", format::rate(flow.out.rate())),
            number(s.sieve_dropped()),
            number(s.report.fields_total()),
            number(s.report.words_masked()),
            number(s.report.detections_total()),
        ]
    };
    services.iter().take(ROWS_MAX).map(row).collect()
}

fn latency_rows(telemetry: &Telemetry, gauges: &Gauges) -> Vec<Vec<Cell>> {
    let row = |name: String, q: Quantiles| {
        let at =
            |s| if q.count == 0 { cell("num", "–") } else { cell("num", format::seconds(s)) };
        vec![cell("text", name), at(q.p50), at(q.p99)]
    };
    let say = |stage| match stage {
        Stage::Wait => "Wait for a worker",
        Stage::Sieve => "Sieve, one batch",
        Stage::Store => "Into the spool",
        Stage::Send => "Request to a sink",
    };
    let stages = Stage::ALL.into_iter();
    let stages = stages.map(|s| row(say(s).to_owned(), telemetry.stage_quantiles(s)));
    let ways = gauges.sinks.iter().enumerate();
    let ways = ways.map(|(i, s)| row(format!("Line to {}", s.name), telemetry.e2e_quantiles(i)));
    stages.chain(ways).collect()
}

fn sink_row(sink: &SinkView, delivered: u64, off: u64) -> Vec<Cell> {
    let (word, class) = if sink.up { ("up", "good") } else { ("down", "bad") };
    vec![
        cell("text", sink.name),
        Cell { class, ..cell("word", word) },
        number(delivered),
        number(sink.in_flight),
        number(sink.retries),
        number(off),
    ]
}

fn container_rows(rates: &Rates) -> Vec<Vec<Cell>> {
    let snapshot = &rates.containers;
    let cores = snapshot.cpu_cores.unwrap_or(1) as f64;
    let machine = snapshot.memory_bytes.unwrap_or(0);
    let row = |c: &ContainerStats| {
        let short = c.id.get(..12).unwrap_or(&c.id);
        let name = c.clean.as_ref().map(|k| k.name()).filter(|n| !n.is_empty()).unwrap_or(short);
        let allowed = match (c.cpu.quota_us, c.cpu.period_us) {
            (Some(quota), Some(period)) if period > 0 => quota as f64 / period as f64,
            _ => cores,
        };
        let cpu = match rates.cpu_percent(c) {
            Some(p) => bar(format::percent(p), p, 100.0 * allowed),
            None => cell("text", "–"),
        };
        let used = c.memory.working_set_bytes.unwrap_or(0);
        let limit = c.memory.limit_bytes.unwrap_or(0);
        let whole = if limit > 0 { limit } else { machine };
        let limit = if limit > 0 { format::bytes(limit) } else { "none".to_owned() };
        let through = |get: fn(&crate::stats::Interface) -> u64| match c.network.host {
            true => cell("num", "host"),
            false => cell("num", format::bytes(c.network.interfaces.iter().map(get).sum())),
        };
        vec![
            cell("text", name),
            cpu,
            bar(format::bytes(used), used as f64, whole as f64),
            cell("num", limit),
            through(|i| i.received[0]),
            through(|i| i.transmitted[0]),
            number(c.tasks.threads.unwrap_or(0)),
        ]
    };
    let named = |c: &&ContainerStats| {
        c.clean.as_ref().map_or_else(|| (true, c.id.to_string()), |k| (false, k.name().to_owned()))
    };
    let mut containers: Vec<_> = snapshot.containers.iter().collect();
    containers.sort_by_cached_key(named);
    containers.into_iter().take(ROWS_MAX).map(row).collect()
}

fn peak(tracks: &[&Track]) -> f32 {
    tracks.iter().flat_map(|t| t.points()).fold(1.0, f32::max)
}

/// A closed path; its sides and bottom lie outside of the picture. Seconds before the first noted
/// one are drawn as nothing.
fn spark(track: &Track, most: f32) -> String {
    use std::fmt::Write as _;
    let (width, height) = SPARK;
    let step = width / (POINTS - 1) as f32;
    let y = |rate: f32| (height - 1.0) * (1.0 - rate / most) + 0.5;
    let missing = POINTS.saturating_sub(track.points().len());
    let mut out = format!("M-2 {}L-2 {:.1}", height + 2.0, y(0.0));
    let mut line = |x: f32, y: f32| {
        // A write to a String cannot fail.
        let _ = write!(out, "L{x:.1} {y:.1}");
    };
    if missing > 0 {
        line(step * (missing - 1) as f32, y(0.0));
    }
    let mut last = 0.0;
    for (i, rate) in track.points().enumerate() {
        line(step * (missing + i) as f32, y(rate));
        last = rate;
    }
    line(width + 2.0, y(last));
    line(width + 2.0, height + 2.0);
    out.push('Z');
    out
}

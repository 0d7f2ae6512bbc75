//! `tamis demo`: the whole pipeline over a synthetic stack, with a live page and a summary.

use std::time::Duration;

use aho_corasick::AhoCorasick;

use super::{DemoArgs, Exit, Failure, Format, print, run};
use crate::app::{App, Summary};
use crate::config::{self, Config, JsonFile, Stats};
use crate::demo::Stack;
use crate::sink::{Canary, Sink};

/// The demo's sink keeps up; this is for a machine that does not.
const GRACE: Duration = Duration::from_secs(10);

/// Runs the demo until Ctrl-C or `--seconds`.
pub(super) fn demo(args: &DemoArgs) -> Result<Exit, Failure> {
    run::start_log();
    let hint = "the temporary directory must be writable";
    let cannot_write =
        |e: std::io::Error| Failure::io("cannot write the synthetic stack", &e, hint);
    let root = config::temp_dir().join(format!("tamis-demo-{}", std::process::id()));
    let mut stack = Stack::start(root.clone()).map_err(cannot_write)?;
    let planted = AhoCorasick::new(Stack::planted());
    let planted = planted.map_err(|_| Failure::new(Exit::Io, "cannot start", "out of memory?"))?;
    let canary = Canary::new(planted);
    let seen = canary.counts();
    let config = Config {
        state_dir: root.join("state"),
        host: "demo".to_owned(),
        workers: 1,
        shutdown_grace: GRACE,
        listen: args.listen,
        log_driver: None,
        json_file: Some(JsonFile { root: stack.containers_dir() }),
        stats: Some(Stats {
            cgroup_root: stack.cgroup_dir(),
            proc_root: stack.proc_dir(),
            interval: Duration::from_secs(1),
        }),
        spool: None,
        loki: None,
        stdout: false,
        policy: None,
    };
    let summary = run::runtime()?.block_on(async {
        let app = App::build(config, vec![Sink::Canary(canary)]).await?;
        let address = app.address();
        let running = app.spawn()?;
        if args.format.format == Format::Text {
            print(&format!(
                "Tamis demo: five synthetic services log persons who do not exist;\n\
                 only technical records come out.\n\n  live page  http://{address}/\n\n\
                 Ctrl-C ends it with a summary.\n"
            ))?;
        }
        match args.seconds {
            Some(n) => tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(n)) => {}
                stopped = run::stop_signal() => stopped?,
            },
            None => run::stop_signal().await?,
        }
        stack.stop();
        // What the stack wrote last is read before the sources stop.
        tokio::time::sleep(Duration::from_millis(500)).await;
        Ok::<_, Failure>(running.drain(GRACE).await)
    })?;
    let leaked = seen.hits();
    print(&report(&summary, leaked, args.format.format))?;
    Ok(if leaked > 0 { Exit::Privacy } else { run::exit_of(&summary) })
}

fn report(s: &Summary, leaked: u64, format: Format) -> String {
    let t = &s.totals;
    let delivered = t.delivered.first().copied().unwrap_or(0);
    let in_flight = s.in_flight.first().copied().unwrap_or(0);
    let difference = s.difference.first().copied().unwrap_or(0);
    let (p50, p99) = s.latency_ms;
    if format == Format::Json {
        let map = |rows: Vec<(&'static str, u64)>| {
            rows.into_iter().collect::<std::collections::BTreeMap<_, _>>()
        };
        let value = serde_json::json!({
            "read": t.read,
            "read_bytes": t.read_bytes,
            "delivered": delivered,
            "dropped": map(t.dropped(0)),
            "in_flight": in_flight,
            "difference": difference,
            "detections": map(t.detections()),
            "fields_removed": map(t.fields()),
            "words": {"kept": t.report.words_kept(), "masked": t.report.words_masked()},
            "latency_ms": {"p50": p50, "p99": p99},
            "canaries_leaked": leaked,
        });
        return format!("{value}\n");
    }
    let rows = |title: &str, rows: Vec<(&'static str, u64)>| {
        let listed: Vec<String> = rows.iter().map(|(name, n)| format!("{name} {n}")).collect();
        let listed = if listed.is_empty() { "none".to_owned() } else { listed.join(", ") };
        format!("  {title:<18}{listed}\n")
    };
    let (kept, masked) = (t.report.words_kept(), t.report.words_masked());
    let mut text =
        format!("\nSummary\n  {:<18}{} ({} bytes)\n", "lines read", t.read, t.read_bytes);
    text += &format!("  {:<18}{delivered}\n", "delivered");
    text += &rows("dropped", t.dropped(0));
    text += &rows("fields removed", t.fields());
    text += &format!("  {:<18}{masked} of {}\n", "words masked", kept + masked);
    text += &rows("detections", t.detections());
    text += &format!("  {:<18}p50 {p50:.1} ms, p99 {p99:.1} ms (write to sink)\n", "latency");
    text += &format!(
        "  {:<18}read - delivered - dropped - in flight ({in_flight}) = {difference}\n",
        "conservation"
    );
    text + &format!("  {:<18}{leaked}\n", "canaries leaked:")
}

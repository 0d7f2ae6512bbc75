//! `tamis run`: the sidecar, until it is told to stop.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use tokio::signal::unix::{SignalKind, signal};

use super::{Exit, Failure};
use crate::app::{App, AppError, Summary, sinks_of};
use crate::config::{self, Config};

impl From<AppError> for Failure {
    fn from(error: AppError) -> Self {
        let message = error.to_string();
        match error {
            AppError::Config(error) => error.into(),
            AppError::Listen(_) => {
                let hint =
                    "choose a free port ([server] listen; demo: --listen), or stop what uses it";
                Failure::new(Exit::Io, message, hint)
            }
            AppError::State(_) => {
                Failure::new(Exit::Io, message, "`state_dir` must be a writable directory")
            }
            AppError::Source(error) => Failure::new(Exit::Io, message, error.hint()),
            AppError::Spool(error) => Failure::new(Exit::Config, message, error.hint()),
            AppError::Sink(error) => Failure::new(Exit::Config, message, error.hint()),
            AppError::Start(_) => Failure::new(Exit::Io, message, "is the machine out of threads?"),
        }
    }
}

/// Runs the sidecar.
pub(super) fn run(config: Option<PathBuf>) -> Result<Exit, Failure> {
    let config = Config::load(&config::path_or_default(config))?;
    start_log();
    let grace = config.shutdown_grace;
    let sinks = sinks_of(&config)?;
    let names: Vec<&str> = sinks.iter().map(crate::sink::Sink::name).collect();
    tracing::info!(version = env!("CARGO_PKG_VERSION"), sinks = names.join(","), "starting");
    runtime()?.block_on(async {
        let app = App::build(config, sinks).await?;
        let address = app.address();
        let running = app.spawn()?;
        tracing::info!(%address, "ready");
        stop_signal().await?;
        tracing::info!("stopping");
        let summary = running.drain(grace).await;
        log_summary(&summary);
        Ok(exit_of(&summary))
    })
}

/// The runtime of the I/O side; sieving has threads of its own.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("tamis-io")
        .enable_all()
        .build();
    runtime.map_err(|e| Failure::io("cannot start", &e, "is the machine out of threads?"))
}

/// Waits for SIGTERM or SIGINT. A second one ends the process at once.
pub(super) async fn stop_signal() -> Result<(), Failure> {
    let failed = |e: std::io::Error| Failure::io("cannot listen for signals", &e, "try again");
    let mut term = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut wait = async move || {
        tokio::select! {
            _ = term.recv() => 143,
            _ = interrupt.recv() => 130,
        }
    };
    wait().await;
    tokio::spawn(async move {
        let code = wait().await;
        std::process::exit(code);
    });
    Ok(())
}

/// A record that vanished is a defect of ours: say so by the exit code.
pub(super) fn exit_of(summary: &Summary) -> Exit {
    if summary.difference.iter().all(|d| *d == 0) { Exit::Ok } else { Exit::Problems }
}

/// Own log: JSON unless a person watches. It never carries input, only counts and kinds.
pub(super) fn start_log() {
    let filter = tracing_subscriber::EnvFilter::new("info");
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let terminal = std::io::stderr().is_terminal();
    // A second initialisation (tests) keeps the first.
    let _ = if terminal {
        builder.with_ansi(!config::no_color()).with_target(false).try_init()
    } else {
        builder.json().flatten_event(true).with_target(false).try_init()
    };
}

fn log_summary(summary: &Summary) {
    for (i, sink) in summary.sinks.iter().enumerate() {
        let dropped: Vec<String> =
            summary.totals.dropped(i).iter().map(|(r, n)| format!("{r}={n}")).collect();
        let (in_flight, difference) = (summary.in_flight.get(i), summary.difference.get(i));
        tracing::info!(
            sink,
            read = summary.totals.read,
            delivered = summary.totals.delivered.get(i),
            in_flight,
            difference,
            dropped = dropped.join(","),
            "stopped"
        );
        if difference.is_some_and(|d| *d != 0) {
            tracing::error!(sink, difference, "conservation violated: records are unaccounted for");
        }
    }
}

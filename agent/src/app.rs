//! The life of the sidecar: `build` binds, `addrs` tells, `spawn` runs, `drain` ends.
//!
//! Only this module spawns tasks and opens listeners.

mod own;
mod view;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tamis_scrubber::policy::Policy;
use tamis_scrubber::sieve::Sieve;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{self, Config, ConfigError, Mistake, io_reason};
use crate::discover::Registry;
use crate::intake::Intake;
use crate::ledger::{Ledger, Totals};
use crate::limits::MEMORY_SPOOL_BYTES;
use crate::page::PageState;
use crate::pipeline::{self, Stores, Workers};
use crate::recent::Recent;
use crate::sink::{Backoff, Loki, LokiConfig, Sink, SinkError, Stdout};
use crate::source::SourceError;
use crate::source::json_file::{JsonFile, JsonFileConfig};
use crate::source::log_driver::{LogDriver, LogDriverConfig};
use crate::spool::{
    DiskConfig, KEY_BYTES, Spool, SpoolConfig, SpoolError, SpoolErrorKind, SyncPolicy,
};
use crate::stats::{Sampler, Snapshot, StatsConfig};
use crate::telemetry::Telemetry;
use view::View;

/// File in the state directory that holds the bound address of the HTTP server.
pub const LISTEN_FILE: &str = "listen";

/// Why the sidecar cannot start.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// Configuration or policy.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The listener cannot be bound.
    #[error("cannot listen on the configured address: {0}")]
    Listen(String),
    /// The state directory cannot be used.
    #[error("cannot use the state directory: {0}")]
    State(String),
    /// A source cannot be opened.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The spool cannot be opened.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// A sink cannot be set up.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// A thread or the telemetry recorder cannot be started.
    #[error("cannot start: {0}")]
    Start(String),
}

/// Reads and parses a policy file; without one, the built-in policy. Its key stays unread, so that
/// a policy can be checked where no secrets are.
///
/// # Errors
/// When it cannot be read or has mistakes.
pub fn load_policy(path: Option<&Path>) -> Result<Policy, ConfigError> {
    let Some(path) = path else { return Ok(Policy::default()) };
    let text = config::read_file("policy", path)?;
    Policy::parse(&text).map_err(|e| policy_mistakes(&text, e))
}

/// Reads the key of a policy's pseudonyms, if it has any, and compiles it.
///
/// # Errors
/// When the key cannot be used, or the policy has mistakes.
pub fn compile(policy: Policy) -> Result<Sieve, ConfigError> {
    let unlocked = match policy.key_place().map(|place| read_key(Path::new(place.file))) {
        Some(key) => policy.with_key(&key?).map_err(|e| unusable_key(e.to_string()))?,
        None => policy,
    };
    Sieve::new(&unlocked).map_err(|e| policy_mistakes("", e))
}

/// The key file of pseudonyms is held to what the spool's is.
fn read_key(path: &Path) -> Result<[u8; KEY_BYTES], ConfigError> {
    crate::spool::read_key(path).map_err(|e| {
        unusable_key(match e.kind() {
            SpoolErrorKind::KeyExposed => "it is open to every user of the host".to_owned(),
            SpoolErrorKind::KeyMalformed => "it does not hold a key of 32 bytes".to_owned(),
            _ => "it is missing or cannot be read".to_owned(),
        })
    })
}

fn unusable_key(reason: String) -> ConfigError {
    ConfigError::Unreadable { what: "pseudonym key", reason }
}

fn policy_mistakes(text: &str, errors: tamis_scrubber::policy::PolicyErrors) -> ConfigError {
    let mistakes: Vec<Mistake> = errors
        .0
        .into_iter()
        .map(|e| Mistake::at(text, e.span.unwrap_or(0..0), e.message, e.hint))
        .collect();
    ConfigError::Invalid { what: "policy", mistakes }
}

/// Everything bound and wired, nothing running.
pub struct App {
    config: Config,
    stores: Stores,
    registry: Arc<Registry>,
    intake: Intake,
    workers: Workers,
    sinks: Vec<Sink>,
    log_driver: Option<LogDriver>,
    json_file: Option<JsonFile>,
    listener: TcpListener,
    address: SocketAddr,
    view: Arc<View>,
}

/// The sinks that a configuration names, in the ledger's order.
///
/// # Errors
/// When a credential or CA file cannot be used.
pub fn sinks_of(config: &Config) -> Result<Vec<Sink>, AppError> {
    let mut sinks = Vec::new();
    if let Some(loki) = &config.loki {
        sinks.push(Sink::Loki(Loki::new(LokiConfig {
            url: loki.url.clone(),
            tenant: loki.tenant.clone(),
            basic_auth_file: loki.basic_auth_file.clone(),
            bearer_file: loki.bearer_file.clone(),
            ca_file: loki.ca_file.clone(),
            host: config.host.clone(),
            timeout: loki.timeout,
            backoff: Backoff::default(),
        })?));
    }
    if config.stdout {
        sinks.push(Sink::Stdout(Stdout::new()));
    }
    Ok(sinks)
}

impl App {
    /// Binds and wires everything.
    ///
    /// # Errors
    /// When anything that the configuration names cannot be used. Nothing was started then.
    pub async fn build(config: Config, sinks: Vec<Sink>) -> Result<App, AppError> {
        let policy = load_policy(config.policy.as_deref())?;
        let sieve = Arc::new(compile(policy)?);
        own::prepare_dir(&config.state_dir).map_err(|e| AppError::State(io_reason(&e)))?;
        let listener = TcpListener::bind(config.listen).await;
        let listener = listener.map_err(|e| AppError::Listen(io_reason(&e)))?;
        let address = listener.local_addr().map_err(|e| AppError::Listen(io_reason(&e)))?;

        let ledger = Arc::new(Ledger::new(sinks.iter().map(Sink::name).collect()));
        let registry = Arc::new(Registry::new(Arc::clone(&sieve)));
        let disk = config.spool.as_ref().map(|s| DiskConfig {
            dir: s.dir.clone(),
            key_file: s.key_file.clone(),
            age_max: s.age_max,
        });
        let bytes_max = config.spool.as_ref().map_or(MEMORY_SPOOL_BYTES as u64, |s| s.bytes_max);
        let sync = match &config.spool {
            Some(spool) if spool.sync_each_batch => SyncPolicy::EachBatch,
            _ => SyncPolicy::default(),
        };
        let spool = Spool::open(SpoolConfig { sinks: sinks.len(), bytes_max, disk })?;
        let spool = spool.with_sync(sync);
        for sink in 0..sinks.len() {
            ledger.recovered(sink, spool.pending(sink));
        }
        let telemetry = Telemetry::new(ledger.sinks());
        let stores = Stores {
            ledger,
            spool: Arc::new(spool),
            recent: Arc::new(Recent::default()),
            telemetry: Arc::new(telemetry),
        };
        let (intake, workers) = pipeline::start(&sieve, config.workers, &stores)
            .map_err(|e| AppError::Start(io_reason(&e)))?;
        let (log_driver, json_file) =
            open_sources(&config, &registry, &intake, &stores.recent).await?;
        let view = Arc::new(View {
            policy_hash: sieve.policy_hash().to_owned(),
            stores: stores.clone(),
            sinks: sinks.iter().map(Sink::status).collect(),
            log_driver: log_driver.as_ref().map(LogDriver::status),
            json_file: json_file.as_ref().map(JsonFile::status),
            canary: sinks.iter().find_map(Sink::canary),
            ready: AtomicBool::new(false),
        });
        Ok(App {
            config,
            stores,
            registry,
            intake,
            workers,
            sinks,
            log_driver,
            json_file,
            listener,
            address,
            view,
        })
    }

    /// The bound address of the HTTP server.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The counters.
    pub fn ledger(&self) -> Arc<Ledger> {
        Arc::clone(&self.stores.ledger)
    }

    /// Starts everything.
    ///
    /// # Errors
    /// When the bound address cannot be written to the state directory.
    pub fn spawn(self) -> Result<Running, AppError> {
        let written =
            std::fs::write(self.config.state_dir.join(LISTEN_FILE), format!("{}\n", self.address));
        written.map_err(|e| AppError::State(io_reason(&e)))?;
        let tokens = Tokens::default();
        let pace =
            self.config.loki.as_ref().map_or(Duration::from_millis(200), |l| l.batch_interval);

        let lanes = TaskTracker::new();
        for (i, sink) in self.sinks.into_iter().enumerate() {
            let (draining, stop) = (tokens.draining.clone(), tokens.stop.clone());
            lanes.spawn(pipeline::lane(i, sink, self.stores.clone(), pace, draining, stop));
        }
        lanes.close();

        let sources = TaskTracker::new();
        if let Some(driver) = self.log_driver {
            sources.spawn(driver.run(tokens.sources.clone()));
        }
        let checkpoint = self.json_file.as_ref().map(JsonFile::checkpoint);
        if let Some(files) = self.json_file {
            sources.spawn(files.run(tokens.sources.clone()));
        }
        sources.close();

        let mut helpers = Vec::new();
        let (snapshots, latest) = watch::channel(Arc::default());
        if let Some(stats) = self.config.stats {
            let config = StatsConfig { cgroup_root: stats.cgroup_root, proc_root: stats.proc_root };
            let sampler = Sampler::new(config, Arc::clone(&self.registry));
            let stop = tokens.helpers.clone();
            helpers.push(tokio::spawn(sample(sampler, stats.interval, snapshots, stop)));
        }
        let view = Arc::clone(&self.view);
        let page = PageState::new(
            Arc::clone(&self.stores.ledger),
            Arc::clone(&self.stores.recent),
            Arc::clone(&self.stores.telemetry),
            Arc::new(move || view.gauges()),
            latest,
        );
        helpers.push(tokio::spawn(upkeep(page.clone(), tokens.helpers.clone())));
        helpers.push(tokio::spawn(serve(self.listener, page, tokens.helpers.clone())));

        self.view.set_ready(true);
        Ok(Running {
            stores: self.stores,
            intake: Some(self.intake),
            workers: Some(self.workers),
            sources,
            lanes,
            helpers,
            checkpoint,
            tokens,
            view: self.view,
        })
    }
}

async fn open_sources(
    config: &Config,
    registry: &Arc<Registry>,
    intake: &Intake,
    recent: &Arc<Recent>,
) -> Result<(Option<LogDriver>, Option<JsonFile>), AppError> {
    let mut log_driver = None;
    if let Some(source) = &config.log_driver {
        let source = LogDriverConfig {
            socket: source.socket.clone(),
            fifo_dir: source.fifo_dir.clone(),
            state_dir: config.state_dir.clone(),
        };
        let (registry, intake) = (Arc::clone(registry), intake.clone());
        log_driver = Some(LogDriver::bind(source, registry, intake, Arc::clone(recent)).await?);
    }
    let mut json_file = None;
    if let Some(source) = &config.json_file {
        let source = JsonFileConfig {
            root: source.root.clone(),
            state_dir: config.state_dir.clone(),
            exclude_ids: own::container_id().into_iter().collect(),
        };
        let opened = JsonFile::open(source, Arc::clone(registry), intake.clone());
        json_file = Some(opened?);
    }
    Ok((log_driver, json_file))
}

async fn sample(
    mut sampler: Sampler,
    interval: Duration,
    snapshots: watch::Sender<Arc<Snapshot>>,
    stop: CancellationToken,
) {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stop.cancelled() => return,
        }
        let sampled = tokio::task::spawn_blocking(move || {
            let snapshot = sampler.sample();
            (sampler, snapshot)
        });
        let Ok((back, snapshot)) = sampled.await else {
            tracing::error!("the sampler panicked; container metrics stop");
            snapshots.send_replace(Arc::default());
            return;
        };
        sampler = back;
        snapshots.send_replace(Arc::new(snapshot));
    }
}

/// Work that is due now and then.
async fn upkeep(page: PageState, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            _ = ticks.tick() => page.tick(),
            () = stop.cancelled() => return,
        }
    }
}

async fn serve(listener: TcpListener, state: PageState, stop: CancellationToken) {
    let router = crate::page::router(state);
    let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
    if let Err(error) = served.await {
        tracing::error!(reason = io_reason(&error), "the HTTP server ended");
    }
}

#[derive(Default)]
struct Tokens {
    /// Sources stop reading.
    sources: CancellationToken,
    /// Lanes stop waiting for company.
    draining: CancellationToken,
    /// Lanes give up.
    stop: CancellationToken,
    /// Page, sampler and upkeep end.
    helpers: CancellationToken,
}

/// The running sidecar.
pub struct Running {
    stores: Stores,
    intake: Option<Intake>,
    workers: Option<Workers>,
    sources: TaskTracker,
    lanes: TaskTracker,
    helpers: Vec<JoinHandle<()>>,
    checkpoint: Option<Arc<crate::checkpoint::Checkpoint>>,
    tokens: Tokens,
    view: Arc<View>,
}

/// How it ended.
pub struct Summary {
    /// Sums over all services.
    pub totals: Totals,
    /// Names of the sinks.
    pub sinks: Vec<&'static str>,
    /// Records still waiting, per sink (kept on disk, or re-read from files at the next start).
    pub in_flight: Vec<u64>,
    /// `read − delivered − dropped − in_flight`, per sink: anything but zero is a defect.
    pub difference: Vec<i64>,
    /// Latency from write to acceptance, milliseconds: p50 and p99.
    pub latency_ms: (f64, f64),
}

impl Running {
    /// Stops in the order of the flow: sources, workers, sinks, page. Waits at most `grace` for the
    /// sinks.
    pub async fn drain(mut self, grace: Duration) -> Summary {
        self.view.set_ready(false);
        self.tokens.sources.cancel();
        self.sources.wait().await;
        // The last intake gone, the workers empty their queues and end.
        self.intake.take();
        if let Some(workers) = self.workers.take() {
            // A worker only computes; it cannot hang on a sink.
            let _ = tokio::task::spawn_blocking(|| workers.join()).await;
        }
        self.tokens.draining.cancel();
        self.stores.spool.close();
        if tokio::time::timeout(grace, self.lanes.wait()).await.is_err() {
            tracing::warn!("the sinks did not take everything within the grace time");
            self.tokens.stop.cancel();
            self.lanes.wait().await;
        }
        if let Some(checkpoint) = &self.checkpoint
            && checkpoint.flush().is_err()
        {
            // The next start reads again what was delivered since the last write.
            tracing::error!("the positions of files cannot be written");
        }
        let summary = self.summary();
        self.tokens.helpers.cancel();
        for helper in self.helpers {
            // A page that is still being read must not keep the process alive.
            if tokio::time::timeout(Duration::from_millis(500), helper).await.is_err() {
                tracing::debug!("a connection was still open");
            }
        }
        summary
    }

    fn summary(&self) -> Summary {
        let sinks = self.stores.ledger.sinks().to_vec();
        for lost in self.stores.spool.abandon() {
            self.stores.ledger.service(&lost.service).lost(lost.sink, lost.reason, lost.records);
        }
        let in_flight: Vec<u64> = (0..sinks.len()).map(|i| self.stores.spool.pending(i)).collect();
        let difference = in_flight
            .iter()
            .enumerate()
            .map(|(i, n)| self.stores.ledger.difference(i, *n))
            .collect();
        let totals = Totals::of(&self.stores.ledger.snapshot());
        let latency = self.stores.telemetry.e2e_quantiles(0);
        let latency_ms = (latency.p50 * 1e3, latency.p99 * 1e3);
        Summary { totals, sinks, in_flight, difference, latency_ms }
    }
}

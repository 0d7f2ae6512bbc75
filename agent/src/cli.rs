//! The command line: a contract that others script against.
//!
//! Data goes to standard output, diagnostics to standard error. No message repeats what the user
//! typed: an argument, a path or a configuration value may itself be personal or secret.

mod demo;
mod filter;
mod health;
mod lines;
mod run;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};

use crate::config::{self, Config, ConfigError, Mistake};

/// Exit codes, after sysexits where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// A check found problems.
    Problems = 1,
    /// The command line cannot be understood.
    Usage = 2,
    /// Personal data was found where none may be.
    Privacy = 3,
    /// Something this command needs does not answer.
    Unavailable = 69,
    /// Input or output failed.
    Io = 74,
    /// The configuration or policy cannot be used.
    Config = 78,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// A command that ends early: what to say and how to exit.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    message: String,
    hint: String,
}

impl Failure {
    /// A failure with a hint.
    pub fn new(exit: Exit, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Failure { exit, message: message.into(), hint: hint.into() }
    }

    /// An I/O failure, by its kind.
    pub fn io(what: &str, error: &std::io::Error, hint: &str) -> Self {
        Failure::new(Exit::Io, format!("{what}: {}", crate::config::io_reason(error)), hint)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::Unreadable { what, .. } => {
                let hint = match what {
                    "pseudonym key" => {
                        "make one with `openssl rand -hex 32`, readable by tamis alone (mode 0400)"
                    }
                    "policy" => "name a readable file with --policy, or [policy] file",
                    _ => "name a readable file with --config, or see docs/CONFIG.md",
                };
                Failure::new(Exit::Config, error.to_string(), hint)
            }
            ConfigError::Invalid { ref mistakes, .. } => {
                let listed: String =
                    mistakes.iter().map(|m| format!("\n  {}", describe(m))).collect();
                Failure::new(Exit::Config, format!("{error}{listed}"), "see docs/CONFIG.md")
            }
        }
    }
}

fn describe(m: &Mistake) -> String {
    format!("line {}, column {}: {} ({})", m.line, m.column, m.message, m.hint)
}

/// Observability sidecar: only what is known to be technical leaves the host.
#[derive(Parser)]
#[command(name = "tamis", version, propagate_version = false, arg_required_else_help = true)]
#[command(after_help = "Exit codes: 0 ok, 1 problems found, 2 usage, 3 privacy failure, \
    69 dependency unavailable, 74 I/O, 78 configuration.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Watch the sieve at work on a synthetic stack: no Docker, no configuration
    Demo(DemoArgs),
    /// Run the sidecar
    Run(ConfigArgs),
    /// Text in, text out: detections replaced as the policy says (wall 2 alone)
    Scrub(ScrubArgs),
    /// Log lines in, clean records out: one JSON object or an empty line each (both walls)
    Sieve(SieveArgs),
    /// Validate configuration and policy: every mistake at once
    Check(CheckArgs),
    /// Exit 0 when the running sidecar is ready
    Healthcheck(ConfigArgs),
    /// Print the version
    Version(FormatArgs),
}

#[derive(Args)]
struct DemoArgs {
    /// Stop after this many seconds (default: until Ctrl-C)
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: Option<u64>,
    /// Address of the live page; port 0 = any free port
    #[arg(long, default_value = "127.0.0.1:9464", value_name = "ADDRESS")]
    listen: std::net::SocketAddr,
    #[command(flatten)]
    format: FormatArgs,
}

#[derive(Args)]
struct ConfigArgs {
    /// Configuration file (default: $TAMIS_CONFIG, else /etc/tamis/tamis.toml)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Args)]
struct CheckArgs {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    format: FormatArgs,
}

#[derive(Args)]
struct FormatArgs {
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

#[derive(Args)]
struct InputArgs {
    /// Input file; standard input when absent or `-`
    file: Option<PathBuf>,
}

#[derive(Args)]
struct ScrubArgs {
    /// Policy file: what is done by kind, own rules, key of pseudonyms
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    input: InputArgs,
}

#[derive(Args)]
struct SieveArgs {
    /// Choose the profile as `run` does for this service name
    #[arg(long, value_name = "NAME", conflicts_with = "profile")]
    service: Option<String>,
    /// Use this profile (default: detected from each line)
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Policy file
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    input: InputArgs,
}

/// Parses the command line, runs the command and returns its exit code.
pub fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| tell_panic(panic.location())));
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error).into(),
    };
    let done = match cli.command {
        Command::Demo(args) => demo::demo(&args),
        Command::Run(args) => run::run(args.config),
        Command::Scrub(args) => filter::scrub(args),
        Command::Sieve(args) => filter::sieve(args),
        Command::Check(args) => check(args),
        Command::Healthcheck(args) => health::healthcheck(args.config),
        Command::Version(args) => version(&args),
    };
    match done {
        Ok(exit) => exit.into(),
        Err(failure) => {
            complain(&failure);
            failure.exit.into()
        }
    }
}

/// Says where a panic happened and never its message, which may quote input (an index inside a
/// character quotes the text).
#[allow(clippy::print_stderr, reason = "diagnostics of a command go to standard error")]
fn tell_panic(location: Option<&std::panic::Location<'_>>) {
    let (file, line) = location.map_or(("?", 0), |l| (l.file(), l.line()));
    eprintln!("tamis: an internal check failed at {file}:{line}; the record concerned is dropped");
}

#[allow(clippy::print_stderr, reason = "diagnostics of a command go to standard error")]
fn complain(failure: &Failure) {
    eprintln!("tamis: {}\n  hint: {}", failure.message, failure.hint);
}

/// Prints to standard output; a closed pipe is no error.
fn print(text: &str) -> Result<Exit, Failure> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::io("cannot write to standard output", &e, "check where it goes"))
        }
        _ => Ok(Exit::Ok),
    }
}

/// Explains a usage error without repeating what was typed. Help and version are no errors.
#[allow(clippy::print_stderr, reason = "diagnostics of a command go to standard error")]
fn usage(error: &clap::Error) -> Exit {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        // Printing help cannot fail in a way that matters.
        let _ = error.print();
        return Exit::Ok;
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let _ = error.print();
        return Exit::Usage;
    }
    let known = |kind| match error.get(kind) {
        Some(ContextValue::String(s)) => Some(s.clone()),
        Some(ContextValue::Strings(s)) => s.first().cloned(),
        _ => None,
    };
    let suggestion =
        known(ContextKind::SuggestedArg).or_else(|| known(ContextKind::SuggestedSubcommand));
    // The name of an option that we know; an unknown one is never repeated.
    let option = known(ContextKind::InvalidArg).filter(|name| is_known_argument(name));
    let message = match (error.kind(), option) {
        (ErrorKind::UnknownArgument, _) => "unknown option or argument".to_owned(),
        (ErrorKind::InvalidSubcommand, _) => "unknown command".to_owned(),
        (ErrorKind::InvalidValue | ErrorKind::ValueValidation, Some(option)) => {
            format!("the value of {option} cannot be used")
        }
        (ErrorKind::ArgumentConflict, Some(option)) => {
            format!("{option} cannot be used together with another option given")
        }
        (ErrorKind::TooManyValues | ErrorKind::WrongNumberOfValues, _) => {
            "too many values".to_owned()
        }
        _ => "the command line cannot be understood".to_owned(),
    };
    let hint = match suggestion {
        Some(s) => format!("did you mean `{s}`? See `tamis --help`"),
        None => "see `tamis --help` and `tamis COMMAND --help`".to_owned(),
    };
    eprintln!("tamis: {message}\n  hint: {hint}");
    Exit::Usage
}

fn is_known_argument(name: &str) -> bool {
    let long = name.split([' ', '=']).next().unwrap_or("").trim_start_matches('-');
    let command = Cli::command();
    command.get_subcommands().any(|c| c.get_arguments().any(|a| a.get_long() == Some(long)))
}

fn check(args: CheckArgs) -> Result<Exit, Failure> {
    let path = config::path_or_default(args.config.config);
    let found = match Config::load(&path) {
        Ok(config) => crate::app::load_policy(config.policy.as_deref()).map(|_| ()),
        Err(error) => Err(error),
    };
    let (what, mistakes) = match found {
        Ok(()) => ("", Vec::new()),
        Err(ConfigError::Invalid { what, mistakes }) => (what, mistakes),
        Err(error) => return Err(error.into()),
    };
    let text = match args.format.format {
        Format::Json => {
            let rows: Vec<_> = mistakes.iter().map(mistake_json).collect();
            let valid = rows.is_empty();
            format!("{}\n", serde_json::json!({"valid": valid, "file": what, "mistakes": rows}))
        }
        Format::Text if mistakes.is_empty() => "configuration and policy are valid\n".to_owned(),
        Format::Text => return Err(ConfigError::Invalid { what, mistakes }.into()),
    };
    print(&text)?;
    Ok(if mistakes.is_empty() { Exit::Ok } else { Exit::Config })
}

fn mistake_json(m: &Mistake) -> serde_json::Value {
    serde_json::json!({
        "line": m.line, "column": m.column, "message": m.message, "hint": m.hint,
    })
}

fn version(args: &FormatArgs) -> Result<Exit, Failure> {
    let version = env!("CARGO_PKG_VERSION");
    let policy = tamis_scrubber::sieve::Sieve::builtin();
    let hash = policy.policy_hash();
    print(&match args.format {
        Format::Text => format!("tamis {version} (built-in policy {hash})\n"),
        Format::Json => {
            format!("{}\n", serde_json::json!({"version": version, "policy": hash}))
        }
    })
}

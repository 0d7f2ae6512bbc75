//! End to end: the real binary between real servers. `.ci/servers.sh exec` starts an engine and
//! names the servers in `TAMIS_E2E_*`; without them these tests say that they are skipped, and with
//! `TAMIS_E2E=1` (as `make test` sets it) they fail instead.
//!
//! Tests that share the engine run one after the other: some measure, all would slow each other.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, tells why it was skipped, and waits by the real clock"
)]

mod agent;
mod bad_input;
mod canary;
mod commands;
mod controls;
mod delivery;
mod docker;
mod http;
mod metrics;
mod prometheus;
mod restart;
mod rotation;
mod servers;
mod store;

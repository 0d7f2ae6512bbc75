//! Tamis, the agent: everything that touches the world. Reading order is the data flow.

pub mod limits;

pub mod clock;

pub mod batch;
pub mod discover;
pub mod intake;
pub mod ledger;
pub mod recent;

pub mod checkpoint;
pub mod decode;
pub mod source;

pub mod pipeline;
pub mod spool;

pub mod sink;

pub mod stats;

pub mod page;
pub mod telemetry;

pub mod app;
pub mod cli;
pub mod config;

#[cfg(test)]
mod testkit;

mod demo;

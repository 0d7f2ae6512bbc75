//! The privacy kernel of Tamis: raw line in, clean record or nothing out.
//!
//! Reading order is the data flow: a [`record::RawLine`] is taken apart by [`parse`], judged by the
//! typed allow-list of [`policy`] and, where it is free text, by the [`lexicon`] (wall 1); what is
//! left passes the detectors of [`detect`] through [`scrub`] (wall 2) and becomes a
//! [`record::CleanRecord`]. [`sieve`] drives these steps; [`report`] counts what was removed.
//!
//! Absences that hold everywhere here: no I/O, no clock, no async, no logging, no environment, and
//! no error after a policy is compiled. Sieving and scrubbing are total functions.

pub mod detect;
pub mod lexicon;
pub mod parse;
pub mod placeholder;
pub mod policy;
pub mod pseudonym;
pub mod record;
pub mod report;
pub mod scrub;
pub mod sieve;
mod simd;

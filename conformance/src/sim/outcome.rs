//! What comes of a run: a summary, or the first thing that must not happen.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::sim::options::Options;

/// A run in which nothing happened that must not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Where chance came from.
    pub seed: u64,
    /// Steps taken, settling included.
    pub steps: u64,
    /// Virtual seconds that passed.
    pub virtual_seconds: u64,
    /// The store's last revision.
    pub revision: u64,
    /// Pods that were created.
    pub pods_created: u64,
    /// Pods that were bound.
    pub pods_bound: u64,
    /// Containers that were started.
    pub containers_started: u64,
    /// Pods that went away.
    pub pods_deleted: u64,
    /// Components that crashed, the store among them, and machines that died.
    pub crashes: u64,
    /// Requests, or answers, that were lost.
    pub requests_lost: u64,
    /// Lines of the trace, its header included.
    pub trace_lines: u64,
    /// FNV-1a of the trace's bytes, in hexadecimal.
    pub trace_hash: String,
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "seed {}: {} steps, {} virtual seconds, revision {}",
            self.seed, self.steps, self.virtual_seconds, self.revision
        )?;
        writeln!(
            formatter,
            "pods: {} created, {} bound, {} deleted; {} containers started",
            self.pods_created, self.pods_bound, self.pods_deleted, self.containers_started
        )?;
        writeln!(
            formatter,
            "faults: {} crashes, {} requests lost",
            self.crashes, self.requests_lost
        )?;
        write!(formatter, "trace: {} lines, hash {}", self.trace_lines, self.trace_hash)
    }
}

/// Something that must not happen, and how to see it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("step {step}: {why}\nto see it again: {}", .options.command())]
pub struct Violation {
    /// The run.
    pub options: Options,
    /// After so many steps.
    pub step: u64,
    /// The `seq` of the trace's last line then.
    pub seq: u64,
    /// The claim, and what broke it.
    pub why: String,
}

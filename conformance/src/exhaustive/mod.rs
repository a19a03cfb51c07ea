//! The product's own cores under every interleaving, for clusters that are tiny: what `sim` picks by chance
//! is tried here in every order.
//!
//! A [`Story`] says which controllers run, what there is at the beginning, and what somebody asks for. Each
//! step of the controllers (a line of a watch is heard, a plan is made, a request arrives and is answered),
//! each thing asked for, a crash and a lost request can happen in any order. Scheduler, kubelets and
//! runtimes are the real ones as well, but do their work in one step. Time passes only when nothing else
//! can happen. Every line of the trace is held against the model, every write against the claims of the
//! story's workload; where nothing can happen any more, everything is as it was asked for.
//!
//! States are told apart by a hash of 64 bits (`docs/decisions/0028-cores-in-every-order.md`).
//!
//! [`election`] does the same for candidates alone, whose clocks differ, [`scheduling`] for schedulers, step by step.

mod cluster;
mod digest;
pub mod election;
mod revisions;
pub mod scheduling;
mod search;
mod server;
mod stories;

pub use search::{Counterexample, Explored, explore};
pub use stories::Story;

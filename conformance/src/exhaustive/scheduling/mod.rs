//! Schedulers in every order of what happens to them and around them.
//!
//! Each is the real [`Scheduler`](scheduler::Scheduler) with caches as an informer keeps them; all ask the real API
//! server on one store. That one line of a watch is heard, that a Pod is decided about, that a request is performed,
//! that its answer is heard: each is a step, and so is that a request or its answer is lost, that a watch breaks, that
//! a scheduler crashes while its Binding is on its way. A kubelet lets in a Pod or rejects it in one step. Time passes
//! when nothing else can happen, or by a budget. What only says why a Pod waits arrives at once, and a Binding that was
//! granted is heard of at once: nobody decides by these.
//!
//! The claims are those of `specs/scheduler.md`. Not all can be seen here:
//!
//! - SCHEDULER-24 and -31 are about who leads. Here the lead is given, or both have it;
//!   [`election`](super::election) checks the real candidates.
//! - SCHEDULER-16: the core decides in one step. What comes while a Pod is tried is what it hears next.
//!
//! Left out: volumes, extenders, whatever else a scheduler watches, and Events, which nobody reads. What a decision
//! asks for is sent one after the other; of a scheduler that crashes, only what is on its way arrives. States are told
//! apart by a hash of 64 bits.

mod action;
mod api_server;
mod choices;
mod claims;
mod fault;
mod kubelets;
mod replica;
mod room;
mod search;
mod state;
mod stories;
mod words;

use self::action::Action;
pub use self::fault::SchedulingFault;
pub use self::search::{Scheduled, schedule};
pub use self::stories::Story;

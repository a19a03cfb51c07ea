//! The simulator: a second host of the same cores, with one thread, virtual time and a seed.
//!
//! `api`, `store`, `apiserver`, `client`, `controllers`, `scheduler` and `kubelet` run as they are; the
//! disk, the network, the clock and the container runtime are pretended, and fail. Every line of the
//! trace is checked against the model as it is written. Left out: Events (the kind), logs and exec,
//! protobuf, TLS, more than one container in a pod.
//!
//! A run is random ([`run`]) or follows a [`scenario`].

pub(crate) mod authority;
mod candidacy;
pub(crate) mod cast;
pub(crate) mod checks;
mod disk;
mod failures;
pub(crate) mod informer;
mod load;
mod loops;
mod machine;
pub(crate) mod network;
pub(crate) mod objects;
pub(crate) mod options;
mod outcome;
pub(crate) mod plant;
pub(crate) mod process;
pub(crate) mod random;
mod recorder;
pub mod scenario;
pub(crate) mod server;
mod settling;
pub(crate) mod user;
pub(crate) mod wire;
pub(crate) mod workloads;
pub(crate) mod world;

use std::io::Write;

pub use options::{Fault, Faults, Options, UnknownFault};
pub use outcome::{Summary, Violation};
pub use plant::Plant;
pub use workloads::{UnknownWorkload, Workload, Workloads};

use crate::sim::world::World;

/// Runs a cluster and writes its trace. Equal options write equal bytes. A trace that cannot be written
/// ends the run as a violation does.
pub fn run(options: &Options, trace: &mut dyn Write) -> Result<Summary, Violation> {
    run_planted(options, Plant::Nothing, trace)
}

/// The same with a fault in the implementation. For tests, which show that it is found.
pub fn run_planted(
    options: &Options,
    plant: Plant,
    trace: &mut dyn Write,
) -> Result<Summary, Violation> {
    World::new(options, plant, trace).run()
}

//! Real containers, images and pod networking on this machine.
//!
//! A binary that uses it calls [`shim::main_if_shim`] first: containers are kept by processes of the same
//! binary.

mod bundle;
mod cgroup;
mod embedded;
mod error;
mod facts;
mod folders;
pub mod image;
mod network;
mod paths;
mod process;
mod run;
mod runtime;
mod sandbox;
pub mod shim;
mod simulated;
mod static_pods;
mod teardown;
mod trace;
mod usage;
mod user;
mod watch;

pub use embedded::{Embedded, EmbeddedConfig};
pub use error::Error;
pub use facts::{machine_address, machine_config};
pub use folders::remove_folders;
pub use kubelet::eviction::Threshold;
pub use run::{NodeConfig, run};
pub use runtime::{EventSink, Runtime};
pub use simulated::Simulated;
pub use teardown::{teardown, teardown_node};
pub use trace::{TraceAction, TraceNote, TraceSink};

/// Whether whoever runs this may run containers.
pub fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

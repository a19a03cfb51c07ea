//! What a node does about the pods that are bound to it.
//!
//! [`Kubelet`] is told what happens and returns what to do; `node` performs it on a real machine, the
//! simulator on a pretended one.

mod actions;
mod admission;
mod backoff;
mod claims;
mod command;
mod conditions;
mod config;
mod context;
mod environment;
pub mod eviction;
mod fields;
pub mod folders;
mod following;
mod hooks;
mod hosts;
mod kubelet;
mod node;
mod phase;
mod probes;
mod reading;
mod references;
mod refresh;
mod resize;
mod resize_steps;
pub mod runtime;
mod services;
mod shown;
mod spec;
mod start;
mod state;
mod static_pods;
mod status;
mod stop;
mod sysctls;
mod tokens;
mod volumes;
mod worker;
mod writes;

pub use command::{Command, Input, Purpose};
pub use config::{Capacity, Config, KUBELET_VERSION};
pub use following::Followed;
pub use kubelet::Kubelet;
pub use node::NodePurpose;
pub use references::{Kind, Reference};
pub use static_pods::StaticPod;
pub use tokens::TokenRequest;

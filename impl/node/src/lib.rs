//! Real containers, images and pod networking on this machine.

mod bundle;
mod cgroup;
mod embedded;
mod error;
pub mod image;
mod network;
mod paths;
mod process;
mod runtime;
mod sandbox;
pub mod shim;
mod teardown;
mod user;

pub use embedded::{Embedded, EmbeddedConfig};
pub use error::Error;
pub use runtime::{EventSink, Runtime};
pub use teardown::teardown;

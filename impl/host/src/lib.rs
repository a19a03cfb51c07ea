//! HTTP, TLS, time, names and the loops that run the cores.
//!
//! Nothing here decides: what a request does is `apiserver`'s decision, what a component does is its
//! core's. This crate performs them.

pub mod api_server;
pub mod bootstrap;
pub mod clock;
pub mod components;
mod compression;
pub mod controller_loop;
pub mod counted;
pub mod election;
pub mod extenders;
pub mod http_server;
mod in_flight;
pub mod informer;
pub mod ip_address_repair;
pub mod kubernetes_endpoints;
pub mod local;
pub mod metrics;
pub mod node_server;
mod origin;
mod port_forward;
mod proxy;
pub mod remote;
mod remote_command;
pub mod requests;
pub mod scheduler_loop;
pub mod served;
pub mod spdy;
mod spdy_command;
mod streams;
pub mod tasks;
pub mod tls;
pub mod token_keys;
pub mod trace;
pub mod transport;
mod tunnel;
mod warning_header;
mod watch_stream;
mod watchers;

pub use api_server::{ApiServer, Settings};
pub use local::Local;
pub use remote::Remote;
pub use tasks::Tasks;
pub use trace::Trace;

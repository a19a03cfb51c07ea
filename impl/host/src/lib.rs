//! HTTP, TLS, time, names and the loops that run the cores.

pub mod node_server;
pub mod transport;

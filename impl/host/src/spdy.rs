//! SPDY/3.1, the server's side: several streams over one connection. Clients of Kubernetes forward ports over
//! it, and those up to 1.29 run commands over it.
//!
//! Source: draft-mbelshe-httpbis-spdy-00 for the frames, and moby/spdystream for what Kubernetes' clients use
//! of it. They neither count windows nor send settings, so frames of both are passed over: a reader that does
//! not read holds up its connection, as with them.

mod connection;
mod dictionary;
mod frame;
mod headers;
mod session;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use connection::{Broken, Connection, Outgoing, Stream};
pub use frame::SpdyError;
pub use session::{Event, Session};

/// The `Upgrade` header of a connection.
pub(crate) const PROTOCOL: &str = "SPDY/3.1";

/// Names, in small letters, and values.
pub type Headers = Vec<(String, String)>;

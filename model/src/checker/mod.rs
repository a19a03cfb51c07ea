//! What explores a slice.
//!
//! - [`graph`] keeps every state and edge, for liveness and for walks;
//! - [`liveness`] looks in that graph for fair runs that never arrive.

pub mod graph;
pub mod liveness;

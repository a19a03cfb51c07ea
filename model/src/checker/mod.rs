//! What explores a slice.
//!
//! - [`breadth_first`] is the packed search: fingerprints of all states, all cores, shortest ways;
//! - [`graph`] keeps every state and edge, for liveness and for walks;
//! - [`liveness`] looks in that graph for fair runs that never arrive;
//! - [`plain`] is the plainest search, to hold the others against;
//! - [`walk`] takes runs at random, where a model is too big for the others;
//! - [`limits`] and [`progress`] say where a search ends and how far it is;
//! - [`save`] keeps a packed search in a file, to go on another day;
//! - [`path`](mod@path) writes out the steps to what was discovered.

pub mod breadth_first;
pub mod claims;
mod components;
mod expansion;
pub mod fingerprints;
pub mod frontier;
pub mod graph;
mod level;
pub mod limits;
pub mod liveness;
mod met;
pub mod path;
pub mod plain;
pub mod progress;
pub mod save;
pub mod trail;
pub mod walk;

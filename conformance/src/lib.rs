//! Holds the model and the implementation against each other.
//!
//! [`trace`] reads recorded runs and [`refine`] tells whether the model allows them; [`suite`] replays
//! walks of the model on any API server.

pub mod refine;
pub mod sim;
pub mod suite;
pub mod trace;

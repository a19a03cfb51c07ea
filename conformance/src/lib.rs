//! Holds the model and the implementation against each other.

pub mod suite;

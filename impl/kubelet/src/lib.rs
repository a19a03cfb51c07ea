//! What a node does about the pods that are bound to it.

pub mod runtime;

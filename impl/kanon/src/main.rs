//! The kanon command: flags and wiring, no decisions.

fn main() {}

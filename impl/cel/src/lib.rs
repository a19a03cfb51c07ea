//! The part of CEL that selects devices: expressions that are compiled once and asked of many devices.
//!
//! Source: the CEL specification (github.com/google/cel-spec) and its Go implementation's words, Kubernetes'
//! apiserver/pkg/cel/library and dynamic-resource-allocation/cel/compile.go (v1.36). It is written here because a core
//! must not panic, reach no clock and no chance, and because a domain without attributes is an empty map
//! ([decision 32](../../../docs/decisions/0032-own-cel.md)).
//!
//! Left out: optional values, messages, timestamps and durations, the libraries of URLs, IPs, CIDRs, sets, formats and
//! encodings, and two-variable comprehensions. Cost is counted in steps, not in upstream's units.

mod ast;
mod check;
pub mod device;
mod evaluate;
mod functions;
mod lexer;
mod parser;
mod program;
mod semver;
mod signatures;
#[cfg(test)]
mod tests;
mod types;
mod value;

pub use program::{CompileError, Program};
pub use semver::Semver;
pub use types::Type;
pub use value::{Map, Value};

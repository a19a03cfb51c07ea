//! Webhooks and policies that judge or change what is written, and the bindings that put policies into effect.
//!
//! Source: `pkg/apis/admissionregistration/validation/validation.go` and `v1/defaults.go` (v1.36). Left out:
//! compiling the expressions, and calling and evaluating any of it.

mod binding;
mod expressions;
mod match_resources;
mod mutation;
mod policy;
mod rule;
mod webhook;

pub(super) use binding::{MutatingBinding, ValidatingBinding};
pub(super) use policy::{MutatingPolicy, ValidatingPolicy};
pub(super) use webhook::{MUTATING_WEBHOOKS, VALIDATING_WEBHOOKS};

const FAILURE_POLICIES: [&str; 2] = ["Fail", "Ignore"];
const MATCH_POLICIES: [&str; 2] = ["Equivalent", "Exact"];
const REINVOCATION_POLICIES: [&str; 2] = ["IfNeeded", "Never"];

#[cfg(test)]
mod tests;

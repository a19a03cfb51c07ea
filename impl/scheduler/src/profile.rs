//! A profile: the plugins that decide about the pods of one scheduler name.
//!
//! Source: framework/runtime/framework.go and profile/profile.go (v1.36).

mod enabled;
mod registry;

pub use enabled::Enabled;

//! One line of a trace: what an actor did and what came of it. `specs/trace.md` describes the format.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version of the format that this code writes, the only one it reads.
pub const VERSION: u32 = 1;

/// The first line of a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Always `kanon`.
    pub trace: String,
    /// The version of the format.
    pub version: u32,
}

/// One event. Fields that say nothing are left out of the line.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Counts the lines from 1, without gaps.
    pub seq: u64,
    /// Who acted: `kube-scheduler`, `kubelet/node-1`, `apiserver`, `kubectl` …
    pub actor: String,
    /// How often the actor has been started before this.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub incarnation: u64,
    /// What it did; the list is in `specs/trace.md`.
    pub action: String,
    /// Numbers the request that this event belongs to, from 1; 0 for none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub req: u64,
    /// The `seq` of the event that led to this one; 0 for none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cause: u64,
    /// The object: `pods/default/web`, `nodes/node-1`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// The object's uid, numbered by first appearance from 1; 0 when there is no object.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub uid: u64,
    /// The revision that a write got, or that a watch event carries; 0 for none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rv: u64,
    /// How far the actor's cache had read when it decided; 0 when it decided on none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub observed_rv: u64,
    /// `ok`, or the reason of the refusal; empty for events that cannot fail.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub outcome: String,
    /// What changed, in the fields that the model knows.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub delta: Value,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

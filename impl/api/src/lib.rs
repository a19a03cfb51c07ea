//! Kubernetes objects as data: kinds, keys, requests, `Status`, and what is read out of an object.
//!
//! Leaves out anything that decides: what a request does is `apiserver`'s, what an object leads to is
//! a component's.

pub mod amounts;
pub mod cron;
pub mod decode;
pub mod duration;
pub mod feature_gates;
pub mod kind;
pub mod managed_fields;
pub mod names;
pub mod node_fit;
pub mod object;
pub mod patch;
pub mod pod_resources;
pub mod protobuf;
pub mod quantity;
pub mod quota;
pub mod request;
pub mod schema;
pub mod selector;
pub mod status;
pub mod storage;
pub mod time;
pub mod trace;
pub mod yaml;

pub use feature_gates::{FeatureGate, FeatureGates};
pub use jiff::Timestamp;
pub use kind::{ApiResource, Kind, resources};
pub use object::{AnyObject, Key, Other};
pub use request::{Request, Verb};
pub use status::{Reason, Status};

//! The columns of kinds that say who may do what, how much of it, and by what means.

use super::{AGE, Column, NAME};

pub(super) const BINDING: &[Column] = &[
    NAME,
    ("Role", "string", 0, "The kind and name of the role that is bound."),
    AGE,
    ("Users", "string", 1, "The users among the subjects."),
    ("Groups", "string", 1, "The groups among the subjects."),
    ("ServiceAccounts", "string", 1, "The service accounts among the subjects."),
];
pub(super) const PRIORITY_CLASS: &[Column] = &[
    NAME,
    ("Value", "integer", 0, "The priority of the class's pods."),
    ("Global-Default", "boolean", 0, "Whether pods that name no class are of this one."),
    AGE,
    ("PreemptionPolicy", "string", 0, "Whether its pods may take the place of others."),
];
pub(super) const RESOURCE_QUOTA: &[Column] = &[
    NAME,
    ("Request", "string", 0, "What is used of each request and count, and the most allowed."),
    ("Limit", "string", 0, "What is used of each limit, and the most allowed."),
    AGE,
];
pub(super) const RUNTIME_CLASS: &[Column] =
    &[NAME, ("Handler", "string", 0, "What the container runtime calls it."), AGE];
pub(super) const CERTIFICATE_SIGNING_REQUEST: &[Column] = &[
    NAME,
    AGE,
    ("SignerName", "string", 0, "Who is to sign."),
    ("Requestor", "string", 0, "Who asks."),
    ("RequestedDuration", "string", 0, "For how long."),
    ("Condition", "string", 0, "What was decided, and what came of it."),
];

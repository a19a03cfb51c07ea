//! The columns of kinds that say who may do what, and how much of it.

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

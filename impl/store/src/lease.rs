//! Leases: a time after which keys are deleted. Time itself is somebody else's.

use std::fmt;

use im::OrdSet;

use crate::Bytes;

/// The number of a lease.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseId(pub i64);

impl LeaseId {
    /// No lease.
    pub const NONE: Self = Self(0);
}

impl fmt::Display for LeaseId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:x}", self.0)
    }
}

/// A lease that was granted and not revoked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lease {
    /// For how many seconds it was granted, and is again with each keep-alive.
    pub ttl_seconds: i64,
    /// How many seconds were left of it at the last checkpoint, if fewer: a new process counts from
    /// there.
    pub remaining_seconds: Option<i64>,
    /// The keys that end with it.
    pub keys: OrdSet<Bytes>,
}

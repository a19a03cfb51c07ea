//! etcd: several members over one log, compaction, and leases.
//!
//! [`quorum`] holds the scenarios `etcd` and `read-index`, [`compaction`] and [`lease`] one each.
//! One member and its watch are the scenario `watch`. [`exchange`] has what clients see of them.

pub mod compaction;
pub mod exchange;
pub mod lease;
pub mod quorum;

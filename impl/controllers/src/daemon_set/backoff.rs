//! How long a failed pod stays before it is replaced: 1 s, then twice as long each time, 15 minutes at the most.
//!
//! Source: failedPodsBackoff in pkg/controller/daemon/daemon_controller.go and client-go's util/flowcontrol
//! (v1.36).

use std::collections::BTreeMap;

use api::Timestamp;

use crate::after_seconds;

const INITIAL_SECONDS: i64 = 1;
const MAX_SECONDS: i64 = 15 * 60;

/// Since when and for how long the next failure waits.
#[derive(Clone, Copy, Debug)]
struct Wait {
    since: Timestamp,
    seconds: i64,
}

/// The failures of a DaemonSet, by generation and node.
#[derive(Clone, Debug, Default)]
pub(super) struct Backoff {
    waits: BTreeMap<(i64, String), Wait>,
}

impl Backoff {
    /// Until when a failed pod of a node stays; `None` when it may go.
    pub(super) fn ends_at(&self, key: &(i64, String), now: Timestamp) -> Option<Timestamp> {
        let wait = self.waits.get(key)?;
        Some(after_seconds(wait.since, wait.seconds)).filter(|end| now < *end)
    }

    /// Counts a failed pod that goes. A node is forgiven once nothing has failed for long.
    pub(super) fn count(&mut self, key: (i64, String), now: Timestamp) {
        self.waits.retain(|_, wait| now <= after_seconds(wait.since, 2 * MAX_SECONDS));
        let before = self.waits.get(&key).map_or(0, |wait| wait.seconds);
        let seconds = (before * 2).clamp(INITIAL_SECONDS, MAX_SECONDS);
        self.waits.insert(key, Wait { since: now, seconds });
    }
}

//! Where time and fresh names come from; nothing else in the host asks for them.

use api::Timestamp;
use tokio::time::Instant;

/// The time.
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// A clock that nobody sets: it begins with the time of day, and goes on by itself.
#[derive(Clone, Copy, Debug)]
pub struct Steady {
    begun: Timestamp,
    since: Instant,
}

impl Steady {
    /// A clock that starts now.
    pub fn start() -> Self {
        Self { begun: now(), since: Instant::now() }
    }

    /// Its time.
    pub fn now(&self) -> Timestamp {
        self.begun.checked_add(self.since.elapsed()).unwrap_or(Timestamp::MAX)
    }
}

/// A random uid (RFC 9562, version 4).
pub fn uid() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// Random bits.
pub fn random() -> u64 {
    uuid::Uuid::new_v4().as_u64_pair().1
}

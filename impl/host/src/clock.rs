//! Where time and fresh names come from; nothing else in the host asks for them.

use api::Timestamp;

/// The time.
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// A random uid (RFC 9562, version 4).
pub fn uid() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// Random bits.
pub fn random() -> u64 {
    uuid::Uuid::new_v4().as_u64_pair().1
}

//! Connections of HTTP/1.1 and HTTP/2, and how long each is waited for.
//!
//! Source: apiserver/pkg/server/secure_serving.go and filters/timeout.go (v1.36), and what Go's net/http and
//! golang.org/x/net/http2 make of their limits. There an answer that has begun is cut off when the time of its
//! request is over, unless it waits for its reader at that moment; here it is cut off then too.

use std::pin::{Pin, pin};
use std::time::Duration;

use tokio::time::Instant;

use super::Closing;
use super::deadline::Deadline;
use super::pieces::Pieces;

pub(super) mod http1;
pub(super) mod http2;

/// How long the headers of a request may take. Source: `ReadHeaderTimeout`.
pub(super) const HEADERS_PATIENCE: Duration = Duration::from_secs(32);

/// How long nothing may be asked. Source: `IdleTimeout`.
const IDLE_PATIENCE: Duration = Duration::from_secs(90);

/// How long it may take to leave, where nothing is under way. Source: `goAwayTimeout`.
const LEAVE_PATIENCE: Duration = Duration::from_secs(1);

/// An answer, and up to when it may be sent.
pub(super) struct Answered {
    /// The answer.
    pub(super) response: http::Response<Pieces>,
    /// Nothing for what runs long.
    pub(super) until: Option<Instant>,
}

/// Serves a connection until it ends, its deadline has passed, or the server closes and it has left.
async fn drive<C: Future>(
    connection: C,
    leave: fn(Pin<&mut C>),
    deadline: Deadline,
    mut closing: Closing,
) {
    let mut connection = pin!(connection);
    let mut is_leaving = false;
    loop {
        tokio::select! {
            // One that breaks has nobody to be told.
            _ = connection.as_mut() => return,
            () = deadline.passed() => {
                if is_leaving {
                    return;
                }
                deadline.renew(LEAVE_PATIENCE);
            }
            () = closing.begun(), if !is_leaving => {}
        }
        leave(connection.as_mut());
        is_leaving = true;
    }
}

#[cfg(test)]
mod tests;

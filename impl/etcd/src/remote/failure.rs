//! How a member fails to answer, and what that says about what it was asked for.

use std::time::Duration;

use etcd_client::Error;
use tokio::time::timeout;
use tonic::{Code, ConnectError, Status};

/// What a member says that has no leader; it refuses requests that ask for one before it looks at them.
/// Source: `ErrNoLeader` in etcd's `api/v3rpc/rpctypes/error.go`.
const NO_LEADER: &str = "etcdserver: no leader";

/// Why a member has not answered as it should.
pub(super) enum Failure {
    /// It says no.
    Refused(String),
    /// It has done nothing.
    Undone(String),
    /// Nobody can tell whether it has done it.
    Unknown(String),
}

impl Failure {
    fn of(error: &Error) -> Self {
        let Error::GRpcStatus(status) = error else { return Self::Unknown(error.to_string()) };
        let why = status.message().trim_start_matches("etcdserver: ").to_owned();
        if !is_silence(status.code()) {
            Self::Refused(why)
        } else if was_not_sent(status) {
            Self::Undone(why)
        } else {
            Self::Unknown(why)
        }
    }

    /// What can be done twice can be asked of the next member.
    pub(super) fn of_a_read(self) -> Self {
        match self {
            Self::Unknown(why) => Self::Undone(why),
            Self::Refused(_) | Self::Undone(_) => self,
        }
    }
}

/// Whether a code says nothing of what became of a request.
fn is_silence(code: Code) -> bool {
    matches!(
        code,
        Code::Unavailable
            | Code::Unknown
            | Code::Cancelled
            | Code::DeadlineExceeded
            | Code::Internal
    )
}

/// Whether a member has not begun: there was no connection, or it has no leader to tell.
fn was_not_sent(status: &Status) -> bool {
    let first = std::error::Error::source(status);
    let mut sources = std::iter::successors(first, |error| error.source());
    sources.any(|error| error.is::<ConnectError>()) || status.message() == NO_LEADER
}

/// Waits for an answer, but not for ever.
pub(super) async fn within<T>(
    patience: Duration,
    answer: impl Future<Output = Result<T, Error>>,
) -> Result<T, Failure> {
    match timeout(patience, answer).await {
        Ok(answer) => answer.map_err(|error| Failure::of(&error)),
        Err(_) => Err(Failure::Unknown(format!("no answer in {} s", patience.as_secs()))),
    }
}

//! How long a request may take.
//!
//! Source: apiserver/pkg/endpoints/filters/request_deadline.go and server/filters/timeout.go (v1.36).

use std::time::Duration;

use api::{Reason, Status};
use tokio::time::Instant;

/// How long one takes at most that does not run long. Source: `--request-timeout`.
pub(super) const REQUEST_PATIENCE: Duration = Duration::from_secs(60);

/// How long a request may take that asks so; what makes no sense is refused later.
pub(super) fn asked(query: &[(String, String)]) -> Duration {
    let timeout = query.iter().find(|(name, _)| name == "timeout").map(|(_, timeout)| timeout);
    let nanoseconds = timeout.and_then(|timeout| api::duration::nanoseconds(timeout).ok());
    let nanoseconds = nanoseconds.and_then(|nanoseconds| u64::try_from(nanoseconds).ok());
    match nanoseconds.map(Duration::from_nanos) {
        Some(timeout) if !timeout.is_zero() => timeout.min(REQUEST_PATIENCE),
        Some(_) | None => REQUEST_PATIENCE,
    }
}

/// Does what is to be done in time. A 504 where it is late; it is not even begun when it is late already.
pub(super) async fn within<T>(
    until: Option<Instant>,
    work: impl Future<Output = T>,
) -> Result<T, Status> {
    match until {
        None => Ok(work.await),
        Some(until) if until <= Instant::now() => Err(late()),
        Some(until) => tokio::time::timeout_at(until, work).await.map_err(|_| late()),
    }
}

fn late() -> Status {
    let message = "Timeout: request did not complete within the allotted timeout";
    Status::new(Reason::Timeout, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_request_may_take_as_long_as_it_asks_and_a_minute_at_most() {
        for (timeout, patience) in [
            ("1s", SECOND),
            ("59s", 59 * SECOND),
            ("61s", 60 * SECOND),
            ("0s", 60 * SECOND),
            ("-1s", 60 * SECOND),
            ("soon", 60 * SECOND),
            ("", 60 * SECOND),
        ] {
            let query = [("a", "1ns"), ("timeout", timeout), ("timeout", "2s")];
            let query = query.map(|(name, value)| (name.to_owned(), value.to_owned()));
            assert_eq!(asked(&query), patience, "{timeout}");
        }
        assert_eq!(asked(&[]), REQUEST_PATIENCE);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_late_is_given_up() {
        let until = Instant::now() + SECOND;

        let in_time = within(Some(until), std::future::ready(1)).await;
        let late = within(Some(until), std::future::pending::<()>()).await.unwrap_err();
        let too_late = within(Some(until), std::future::ready(2)).await;

        assert_eq!((in_time.ok(), until.elapsed()), (Some(1), Duration::ZERO));
        assert_eq!((late.reason, late.reason.code()), (Reason::Timeout, 504));
        assert_eq!(late.message, "Timeout: request did not complete within the allotted timeout");
        assert_eq!(too_late.unwrap_err().reason, Reason::Timeout, "it is not begun");
    }

    #[tokio::test(start_paused = true)]
    async fn what_runs_long_has_no_limit() {
        let long = within(None, tokio::time::sleep(3600 * SECOND)).await;

        assert!(long.is_ok());
    }
}

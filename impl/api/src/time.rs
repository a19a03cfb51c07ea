//! Kubernetes' two kinds of time: `Time` counts whole seconds, `MicroTime` microseconds.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, Time};

/// `now` as a `Time`, cut to the second.
pub fn time(now: Timestamp) -> Time {
    Time(Timestamp::from_second(now.as_second()).expect("a timestamp's seconds are a timestamp"))
}

/// `now` as a `MicroTime`, cut to the microsecond.
pub fn micro_time(now: Timestamp) -> MicroTime {
    MicroTime(
        Timestamp::from_microsecond(now.as_microsecond())
            .expect("a timestamp's microseconds are a timestamp"),
    )
}

/// Whole seconds from `from` to `to`; negative when `to` is earlier.
pub fn seconds_between(from: Timestamp, to: Timestamp) -> i64 {
    to.as_second() - from.as_second()
}

/// `now` as it stands in JSON, `2026-01-02T03:04:05Z`.
pub fn text(now: Timestamp) -> String {
    time(now).0.to_string()
}

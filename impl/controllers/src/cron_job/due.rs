//! When a CronJob is due: the last time that has come, and when to look again.
//!
//! Source: mostRecentScheduleTime and nextScheduleTimeDuration in pkg/controller/cronjob/utils.go (v1.36).

use std::time::Duration;

use api::Timestamp;
use api::cron::{Schedule, time_zone};
use k8s_openapi::api::batch::v1::{CronJob, CronJobSpec, CronJobStatus};

/// From how many missed times on people are warned.
const MISSED_MAX: i64 = 100;

/// How long after its time a CronJob is looked at, for clocks that differ.
const DELTA: Duration = Duration::from_millis(100);

/// Why a schedule such as `0 0 30 2 *` is refused.
const NEVER: &str = "time difference between two schedules is less than 1 second";

/// How many times have gone by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missed {
    /// One at the most.
    None,
    /// Some.
    Few,
    /// So many that something must be wrong.
    Many,
}

/// What has been due since some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    /// The latest time that has come.
    pub(super) latest: Option<Timestamp>,
    /// How many there have been.
    pub(super) missed: Missed,
}

/// Whether the schedule itself names a time zone, as it may not any more.
pub(super) fn names_time_zone(spec: &CronJobSpec) -> bool {
    spec.schedule.contains("TZ")
}

/// The schedule, in the time zone of the CronJob.
pub(super) fn schedule(spec: &CronJobSpec) -> Result<Schedule, String> {
    match spec.time_zone.as_deref().filter(|name| time_zone::load(name).is_ok()) {
        Some(name) if !names_time_zone(spec) => {
            Schedule::parse(&format!("TZ={name} {}", spec.schedule))
        }
        Some(_) | None => Schedule::parse(&spec.schedule),
    }
}

/// When a CronJob last started a Job, or came into being.
pub(super) fn last(cron_job: &CronJob, status: &CronJobStatus) -> Timestamp {
    let time = status.last_schedule_time.as_ref().or(cron_job.metadata.creation_timestamp.as_ref());
    time.map_or(Timestamp::UNIX_EPOCH, |time| time.0)
}

/// What is due now, with what was due before the starting deadline left out.
pub(super) fn due(
    spec: &CronJobSpec,
    last: Timestamp,
    (schedule, now): (&Schedule, Timestamp),
) -> Result<Due, &'static str> {
    let deadline = spec.starting_deadline_seconds.map(|seconds| before(now, seconds));
    due_since(deadline.map_or(last, |deadline| deadline.max(last)), schedule, now)
}

/// When to look at a CronJob again; `None` if it is never due again.
pub(super) fn look_again(
    last: Timestamp,
    schedule: &Schedule,
    now: Timestamp,
) -> Option<Timestamp> {
    let from = match due_since(last, schedule, now) {
        Ok(Due { latest: Some(latest), .. }) => latest,
        Ok(Due { missed: Missed::None, .. }) => last,
        Ok(_) | Err(_) => now,
    };
    schedule.next(from).map(|next| next + DELTA)
}

/// A time and some seconds before it.
fn before(time: Timestamp, seconds: i64) -> Timestamp {
    let seconds = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    time.checked_sub(seconds).unwrap_or(Timestamp::MIN)
}

fn due_since(since: Timestamp, schedule: &Schedule, now: Timestamp) -> Result<Due, &'static str> {
    let first = schedule.next(since).ok_or(NEVER)?;
    if now < first {
        return Ok(Due { latest: None, missed: Missed::None });
    }
    let second = schedule.next(first).ok_or(NEVER)?;
    if now < second {
        return Ok(Due { latest: Some(first), missed: Missed::None });
    }
    let interval = second.as_second() - first.as_second();
    let number = api::time::seconds_between(first, now) / interval + 1;
    let missed = if number > MISSED_MAX { Missed::Many } else { Missed::Few };
    Ok(Due { latest: latest(schedule, (first, interval, number), now), missed })
}

/// The last time up to now. An estimate from the first interval says where to begin to count.
fn latest(
    schedule: &Schedule,
    (first, interval, number): (Timestamp, i64, i64),
    now: Timestamp,
) -> Option<Timestamp> {
    let begin = Timestamp::from_second(first.as_second() + (number - 2) * interval).ok()?;
    let times = std::iter::successors(schedule.next(begin), |time| schedule.next(*time));
    times.take_while(|time| *time <= now).last()
}

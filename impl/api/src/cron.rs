//! Schedules of CronJobs: five fields or one word, in a time zone, and when they are due next.
//!
//! Source: `parser.go`, `spec.go` and `constantdelay.go` of `github.com/robfig/cron` v3, which Kubernetes v1.36
//! uses. Differs where a clock skips midnight: that day counts as any other, while upstream may pass it over.

mod fields;
pub mod time_zone;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};

use self::fields::Fields;

const NANOSECONDS: i64 = 1_000_000_000;
const EVERY: &str = "@every ";

/// How many years ahead a time is looked for. 30 February is in none of them.
const YEARS_MAX: i16 = 5;

/// When something is to be done, again and again.
#[derive(Clone, Debug, PartialEq)]
pub enum Schedule {
    /// Whenever the fields match the clock of a time zone.
    Fields {
        /// Which minutes.
        fields: Fields,
        /// Whose clock.
        time_zone: TimeZone,
    },
    /// Some seconds after the last time.
    Every(i64),
}

impl Schedule {
    /// Reads `0 3 * * mon-fri`, `@daily` or `@every 1h30m`, maybe after `TZ=Europe/Berlin`. A schedule that
    /// names no time zone is in UTC.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (time_zone, text) = split_zone(text)?;
        match text.strip_prefix(EVERY) {
            Some(span) => crate::duration::nanoseconds(span)
                .map(|nanoseconds| Self::Every((nanoseconds / NANOSECONDS).max(1)))
                .map_err(|error| format!("failed to parse duration {text}: {error}")),
            None => Fields::parse(text).map(|fields| Self::Fields { fields, time_zone }),
        }
    }

    /// The first time later than `time`; `None` if there is none within five years.
    pub fn next(&self, time: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Every(seconds) => {
                Timestamp::from_second(time.as_second().saturating_add(*seconds)).ok()
            }
            Self::Fields { fields, time_zone } => next(fields, time_zone, time),
        }
    }
}

/// Without the blank that ends a time zone, upstream's parser panics, and recovers.
fn split_zone(text: &str) -> Result<(TimeZone, &str), String> {
    let Some(rest) = text.strip_prefix("TZ=").or_else(|| text.strip_prefix("CRON_TZ=")) else {
        return Ok((TimeZone::UTC, text));
    };
    let (name, after) = rest.split_once(' ').ok_or_else(|| {
        "invalid schedule format: runtime error: slice bounds out of range [:-1]".to_owned()
    })?;
    let time_zone =
        time_zone::load(name).map_err(|error| format!("provided bad location {name}: {error}"))?;
    Ok((time_zone, after.trim()))
}

fn next(fields: &Fields, time_zone: &TimeZone, time: Timestamp) -> Option<Timestamp> {
    if fields.match_nothing() {
        return None;
    }
    let minute = time.as_second().div_euclid(60) + 1;
    let mut candidate = Timestamp::from_second(minute * 60).ok()?.to_zoned(time_zone.clone());
    let last_year = candidate.year().saturating_add(YEARS_MAX);
    while candidate.year() <= last_year {
        match later(fields, &candidate) {
            None => return Some(candidate.timestamp()),
            Some(later) => candidate = later.ok()?,
        }
    }
    None
}

/// The next minute that may match, of the next month, day or hour if need be; `None` when this one matches.
/// Hours that a clock shows twice match twice, and those that it skips do not.
fn later(fields: &Fields, time: &Zoned) -> Option<Result<Zoned, jiff::Error>> {
    let midnight = |date: jiff::civil::Date| {
        date.tomorrow().and_then(|date| date.to_zoned(time.time_zone().clone()))
    };
    if !fields.month_matches(time.month()) {
        Some(midnight(time.date().last_of_month()))
    } else if !fields.day_matches(time.day(), time.weekday().to_sunday_zero_offset()) {
        Some(midnight(time.date()))
    } else if !fields.hour_matches(time.hour()) {
        Some(time.checked_add(SignedDuration::from_mins(i64::from(60 - time.minute()))))
    } else if !fields.minute_matches(time.minute()) {
        Some(time.checked_add(SignedDuration::from_mins(1)))
    } else {
        None
    }
}

#[cfg(test)]
mod tests;

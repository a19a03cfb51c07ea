//! Time zones, which must be in the database of the IANA, as CronJobs name them.
//!
//! Source: `validateTimeZone` of pkg/apis/batch/validation, v1.36.

use api::cron::time_zone;
use api::status::Cause;
use serde_json::Value;

const PART_LENGTH_MAX: usize = 14;

/// What a time zone breaks.
pub(super) fn causes(field: &str, value: &Value) -> Vec<Cause> {
    let name = value.as_str().unwrap_or_default();
    let invalid = |rule: &str| Cause::invalid(field, value, rule);
    let unknown = || invalid(&format!("unknown time zone {name}"));
    if name.is_empty() {
        return vec![invalid("timeZone must be nil or non-empty string")];
    }
    if !name.split('/').all(is_part) {
        return vec![unknown()];
    }
    let is_local = name.eq_ignore_ascii_case("Local");
    let explicit =
        "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
    let mut causes: Vec<Cause> = is_local.then(|| invalid(explicit)).into_iter().collect();
    causes.extend(time_zone::load(name).err().map(|error| invalid(&error)));
    causes
}

fn is_part(part: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b".-_+".contains(&byte);
    let length = 1..=PART_LENGTH_MAX;
    length.contains(&part.len())
        && part.bytes().all(known)
        && !part.starts_with('-')
        && ![".", ".."].contains(&part)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_time_zone_is_one_of_the_database() {
        let explicit =
            "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
        let table = [
            ("Europe/Berlin", vec![]),
            ("UTC", vec![]),
            ("EST5EDT", vec![]),
            ("Etc/GMT+5", vec![]),
            ("America/Argentina/Buenos_Aires", vec![]),
            ("", vec!["timeZone must be nil or non-empty string"]),
            ("a//b", vec!["unknown time zone a//b"]),
            ("../etc", vec!["unknown time zone ../etc"]),
            ("Moon/Crater", vec!["unknown time zone Moon/Crater"]),
            ("europe/berlin", vec!["unknown time zone europe/berlin"]),
            ("Local", vec![explicit]),
            ("local", vec![explicit, "unknown time zone local"]),
        ];
        for (name, rules) in table {
            let expected: Vec<String> = rules
                .iter()
                .map(|rule| format!("spec.timeZone: Invalid value: \"{name}\": {rule}"))
                .collect();
            let found = causes("spec.timeZone", &json!(name));
            let found: Vec<String> = found.iter().map(ToString::to_string).collect();
            assert_eq!(found, expected, "{name}");
        }
    }
}

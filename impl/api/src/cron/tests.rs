//! Schedules that are read, and the times that they mean.

use super::*;

#[test]
fn a_schedule_is_read_or_refused() {
    let table = [
        ("* * * * *", Ok(())),
        ("*/15 0-23/2 1,15 JAN-mar mon", Ok(())),
        ("5/10 ? * * 0", Ok(())),
        ("@daily", Ok(())),
        ("@every 1h30m", Ok(())),
        ("CRON_TZ=UTC 0 0 * * *", Ok(())),
        ("TZ=Asia/Tokyo @daily", Ok(())),
        ("* * * *", Err("expected exactly 5 fields, found 4: [* * * *]")),
        ("", Err("expected exactly 5 fields, found 0: []")),
        ("60 * * * *", Err("end of range (60) above maximum (59): 60")),
        ("* * 0 * *", Err("beginning of range (0) below minimum (1): 0")),
        ("9-5 * * * *", Err("beginning of range (9) beyond end of range (5): 9-5")),
        ("1-2-3 * * * *", Err("too many hyphens: 1-2-3")),
        ("1/2/3 * * * *", Err("too many slashes: 1/2/3")),
        ("*/0 * * * *", Err("step of range should be a positive number: */0")),
        ("*/-1 * * * *", Err("negative number (-1) not allowed: -1")),
        (
            "x * * * *",
            Err("failed to parse int from x: strconv.Atoi: parsing \"x\": invalid syntax"),
        ),
        ("@never", Err("unrecognized descriptor: @never")),
        ("@every x", Err("failed to parse duration @every x: time: invalid duration \"x\"")),
        (
            "TZ=Moon/Crater * * * * *",
            Err("provided bad location Moon/Crater: unknown time zone Moon/Crater"),
        ),
        ("TZ=0", Err("invalid schedule format: runtime error: slice bounds out of range [:-1]")),
    ];
    for (schedule, expected) in table {
        let found = Schedule::parse(schedule).map(drop);
        assert_eq!(found, expected.map_err(str::to_owned), "{schedule}");
    }
}

#[test]
fn a_schedule_is_due_at_the_next_minute_that_matches() {
    check("* * * * *", "2026-11-26T12:00:00Z", &["2026-11-26T12:01:00Z", "2026-11-26T12:02:00Z"]);
    check("* * * * *", "2026-11-26T11:59:59.5Z", &["2026-11-26T12:00:00Z"]);
    check(
        "*/20 * * * *",
        "2026-11-26T23:30:00Z",
        &["2026-11-26T23:40:00Z", "2026-11-27T00:00:00Z"],
    );
    check(
        "5/30 3,4 * * *",
        "2026-11-26T03:20:00Z",
        &["2026-11-26T03:35:00Z", "2026-11-26T04:05:00Z"],
    );
    check("0 0 31 * *", "2026-02-01T00:00:00Z", &["2026-03-31T00:00:00Z", "2026-05-31T00:00:00Z"]);
    check("0 0 29 feb *", "2026-01-01T00:00:00Z", &["2028-02-29T00:00:00Z"]);
    check("@yearly", "2026-12-31T23:59:30Z", &["2027-01-01T00:00:00Z", "2028-01-01T00:00:00Z"]);
    check("@weekly", "2026-11-26T12:00:00Z", &["2026-11-29T00:00:00Z"]);
    check("@hourly", "2026-11-26T12:00:00Z", &["2026-11-26T13:00:00Z"]);
}

#[test]
fn a_day_of_the_month_or_of_the_week_is_enough_where_neither_is_any_day() {
    let thursday = "2026-11-26T12:00:00Z";

    check(
        "0 0 13 * fri",
        thursday,
        &[
            "2026-11-27T00:00:00Z",
            "2026-12-04T00:00:00Z",
            "2026-12-11T00:00:00Z",
            "2026-12-13T00:00:00Z",
        ],
    );
    check("0 0 * * fri", thursday, &["2026-11-27T00:00:00Z", "2026-12-04T00:00:00Z"]);
    check("0 0 13 * ?", thursday, &["2026-12-13T00:00:00Z"]);
    check(
        "0 0 */13 * fri",
        thursday,
        &["2026-11-27T00:00:00Z", "2026-12-01T00:00:00Z", "2026-12-04T00:00:00Z"],
    );
    check("0 0 */1 * fri", thursday, &["2026-11-27T00:00:00Z", "2026-12-04T00:00:00Z"]);
}

#[test]
fn a_time_that_never_comes_is_not_found() {
    check("0 0 30 2 *", "2026-11-26T12:00:00Z", &[]);
    check(", * * * *", "2026-11-26T12:00:00Z", &[]);
    check("* * , * ,", "2026-11-26T12:00:00Z", &[]);
}

#[test]
fn a_time_zone_says_whose_clock_is_meant() {
    check("TZ=Asia/Tokyo 0 3 * * *", "2026-11-26T12:00:00Z", &["2026-11-26T18:00:00Z"]);
    check(
        "TZ=Europe/Berlin @daily",
        "2026-10-24T12:00:00Z",
        &["2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"],
    );
}

#[test]
fn an_hour_that_is_skipped_does_not_match_and_one_that_comes_twice_does_twice() {
    check("TZ=Europe/Berlin 30 2 * * *", "2026-03-28T12:00:00Z", &["2026-03-30T00:30:00Z"]);
    check(
        "TZ=Europe/Berlin 30 2 * * *",
        "2026-10-24T12:00:00Z",
        &["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-26T01:30:00Z"],
    );
}

#[test]
fn a_midnight_that_is_skipped_is_the_first_instant_of_its_day() {
    check("TZ=America/Sao_Paulo 0 1 4 11 *", "2018-11-01T00:00:00Z", &["2018-11-04T03:00:00Z"]);
    check("TZ=Asia/Beirut 0 1 27 3 *", "2022-01-01T00:00:00Z", &["2022-03-26T22:00:00Z"]);
}

#[test]
fn a_span_is_counted_from_the_last_time_and_has_whole_seconds() {
    check(
        "@every 90m",
        "2026-11-26T12:00:05.7Z",
        &["2026-11-26T13:30:05Z", "2026-11-26T15:00:05Z"],
    );
    check("@every 1.9s", "2026-11-26T12:00:00Z", &["2026-11-26T12:00:01Z"]);
    check("@every 1ms", "2026-11-26T12:00:00Z", &["2026-11-26T12:00:01Z"]);
    check("@every -1h", "2026-11-26T12:00:00Z", &["2026-11-26T12:00:01Z"]);
}

/// The schedule is due at these times after another; where there are none, at no time.
fn check(schedule: &str, after: &str, expected: &[&str]) {
    let parsed = Schedule::parse(schedule).unwrap();
    let first = after.parse::<Timestamp>().unwrap();
    let times = std::iter::successors(parsed.next(first), |time| parsed.next(*time));
    let found: Vec<String> =
        times.take(expected.len().max(1)).map(|time| time.to_string()).collect();
    assert_eq!(found, expected, "{schedule} after {after}");
}

//! Schedules of five fields, or of one word: `0 3 * * mon-fri`, `@daily`, `@every 1h30m`.
//!
//! Source: `parser.go` of `github.com/robfig/cron` v3, which Kubernetes v1.36 uses.

use super::duration;

const DESCRIPTORS: [&str; 7] =
    ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];
const EVERY: &str = "@every ";
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const FIELDS: [Field; 5] = [
    Field { min: 0, max: 59, names: &[] },
    Field { min: 0, max: 23, names: &[] },
    Field { min: 1, max: 31, names: &[] },
    Field { min: 1, max: 12, names: &MONTHS },
    Field { min: 0, max: 6, names: &WEEKDAYS },
];

/// What may stand in one place of a schedule. The first name means `min`.
struct Field {
    min: u64,
    max: u64,
    names: &'static [&'static str],
}

/// What is wrong with a schedule. The time zone before it, if any, is passed over.
pub(super) fn check(schedule: &str) -> Result<(), String> {
    let schedule = without_zone(schedule)?;
    if schedule.starts_with('@') {
        return check_descriptor(schedule);
    }
    let texts: Vec<&str> = schedule.split_whitespace().collect();
    if texts.len() != FIELDS.len() {
        return Err(format!(
            "expected exactly {} fields, found {}: [{}]",
            FIELDS.len(),
            texts.len(),
            texts.join(" ")
        ));
    }
    texts.iter().zip(&FIELDS).try_for_each(|(text, field)| field.check(text))
}

impl Field {
    fn check(&self, text: &str) -> Result<(), String> {
        text.split(',').filter(|range| !range.is_empty()).try_for_each(|range| {
            let (start, end, step) = self.range(range)?;
            self.check_bounds(range, start, end)?;
            match step {
                0 => Err(format!("step of range should be a positive number: {range}")),
                _ => Ok(()),
            }
        })
    }

    fn range(&self, range: &str) -> Result<(u64, u64, u64), String> {
        let (limits, step) = match range.split_once('/') {
            None => (range, None),
            Some((limits, step)) => (limits, Some(step)),
        };
        let (start, end) = self.limits(range, limits)?;
        match step {
            None => Ok((start, end, 1)),
            Some(step) if step.contains('/') => Err(format!("too many slashes: {range}")),
            Some(step) => {
                let end = if limits.contains('-') { end } else { self.max };
                Ok((start, end, number(step)?))
            }
        }
    }

    fn limits(&self, range: &str, limits: &str) -> Result<(u64, u64), String> {
        match limits.split('-').collect::<Vec<_>>()[..] {
            ["*" | "?", ..] => Ok((self.min, self.max)),
            [single] => self.value(single).map(|value| (value, value)),
            [low, high] => Ok((self.value(low)?, self.value(high)?)),
            _ => Err(format!("too many hyphens: {range}")),
        }
    }

    fn value(&self, text: &str) -> Result<u64, String> {
        let name = text.to_lowercase();
        match (self.min..).zip(self.names).find(|(_, known)| **known == name) {
            Some((value, _)) => Ok(value),
            None => number(text),
        }
    }

    fn check_bounds(&self, range: &str, start: u64, end: u64) -> Result<(), String> {
        let (min, max) = (self.min, self.max);
        if start < min {
            return Err(format!("beginning of range ({start}) below minimum ({min}): {range}"));
        }
        if end > max {
            return Err(format!("end of range ({end}) above maximum ({max}): {range}"));
        }
        if start > end {
            return Err(format!(
                "beginning of range ({start}) beyond end of range ({end}): {range}"
            ));
        }
        Ok(())
    }
}

/// Without the blank that ends a time zone, upstream's parser panics, and recovers.
fn without_zone(schedule: &str) -> Result<&str, String> {
    if !schedule.starts_with("TZ=") && !schedule.starts_with("CRON_TZ=") {
        return Ok(schedule);
    }
    let after = schedule.split_once(' ').map(|(_, after)| after.trim());
    after.ok_or_else(|| {
        "invalid schedule format: runtime error: slice bounds out of range [:-1]".to_owned()
    })
}

fn check_descriptor(descriptor: &str) -> Result<(), String> {
    match descriptor.strip_prefix(EVERY) {
        Some(span) => duration::check(span)
            .map_err(|error| format!("failed to parse duration {descriptor}: {error}")),
        None if DESCRIPTORS.contains(&descriptor) => Ok(()),
        None => Err(format!("unrecognized descriptor: {descriptor}")),
    }
}

fn number(text: &str) -> Result<u64, String> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<i64>() {
        Ok(number) => u64::try_from(number)
            .map_err(|_| format!("negative number ({number}) not allowed: {text}")),
        Err(_) => {
            let why = if is_number { "value out of range" } else { "invalid syntax" };
            Err(format!("failed to parse int from {text}: strconv.Atoi: parsing \"{text}\": {why}"))
        }
    }
}

#[cfg(test)]
mod tests {
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
            ("* * * *", Err("expected exactly 5 fields, found 4: [* * * *]")),
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
                "TZ=0",
                Err("invalid schedule format: runtime error: slice bounds out of range [:-1]"),
            ),
        ];
        for (schedule, expected) in table {
            assert_eq!(check(schedule), expected.map_err(str::to_owned), "{schedule}");
        }
    }
}

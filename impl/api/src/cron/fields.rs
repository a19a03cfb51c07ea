//! Which minutes a schedule means: `0 3 * * mon-fri`, or a word for it such as `@daily`.
//!
//! Source: `parser.go` of `github.com/robfig/cron` v3, which Kubernetes v1.36 uses.

const DESCRIPTORS: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];
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

/// What each of the five places of a schedule allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fields {
    minutes: Values,
    hours: Values,
    days: Values,
    months: Values,
    weekdays: Values,
}

impl Fields {
    /// Reads five fields, or one word.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let descriptor = DESCRIPTORS.iter().find(|(name, _)| *name == text);
        let fields = descriptor.map_or(text, |(_, fields)| fields);
        if fields.starts_with('@') {
            return Err(format!("unrecognized descriptor: {text}"));
        }
        let texts: Vec<&str> = fields.split_whitespace().collect();
        let &[minutes, hours, days, months, weekdays] = texts.as_slice() else {
            return Err(format!(
                "expected exactly {} fields, found {}: [{}]",
                FIELDS.len(),
                texts.len(),
                texts.join(" ")
            ));
        };
        let [minute, hour, day, month, weekday] = &FIELDS;
        Ok(Self {
            minutes: minute.values(minutes)?,
            hours: hour.values(hours)?,
            days: day.values(days)?,
            months: month.values(months)?,
            weekdays: weekday.values(weekdays)?,
        })
    }

    /// Whether no time can match, because a field is made of commas.
    pub(super) fn match_nothing(&self) -> bool {
        [self.minutes, self.hours, self.months].iter().any(|values| values.bits == 0)
    }

    pub(super) fn month_matches(&self, month: i8) -> bool {
        self.months.contain(month)
    }

    /// A day of the month or one of the week is enough, where neither is any day.
    pub(super) fn day_matches(&self, day: i8, weekday: i8) -> bool {
        let matches = [self.days.contain(day), self.weekdays.contain(weekday)];
        if self.days.is_any || self.weekdays.is_any {
            matches == [true, true]
        } else {
            matches != [false, false]
        }
    }

    pub(super) fn hour_matches(&self, hour: i8) -> bool {
        self.hours.contain(hour)
    }

    pub(super) fn minute_matches(&self, minute: i8) -> bool {
        self.minutes.contain(minute)
    }
}

/// What one field allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Values {
    /// A bit for each value.
    bits: u64,
    /// Whether it is written as `*` or `?`.
    is_any: bool,
}

impl Values {
    fn contain(self, value: i8) -> bool {
        self.bits & (1 << value) != 0
    }
}

/// What may stand in one place of a schedule. The first name means `min`.
struct Field {
    min: u64,
    max: u64,
    names: &'static [&'static str],
}

impl Field {
    fn values(&self, text: &str) -> Result<Values, String> {
        let mut values = Values::default();
        for range in text.split(',').filter(|range| !range.is_empty()) {
            let (start, end, step) = self.range(range)?;
            self.check_bounds(range, start, end)?;
            if step == 0 {
                return Err(format!("step of range should be a positive number: {range}"));
            }
            values.is_any |= range.starts_with(['*', '?']) && step == 1;
            let steps = std::iter::successors(Some(start), |value| value.checked_add(step));
            values.bits |=
                steps.take_while(|value| *value <= end).fold(0, |bits, value| bits | 1 << value);
        }
        Ok(values)
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

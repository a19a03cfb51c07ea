//! Durations as Go reads and writes them: `15s`, `1m30s`, `1.5h`.
//!
//! Source: Go's time.ParseDuration, which metav1.Duration is read with (v1.36).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

const SECOND: i64 = 1_000_000_000;

/// A time span in nanoseconds, maybe a negative one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(i64);

impl Duration {
    /// So many seconds.
    pub const fn seconds(seconds: i64) -> Self {
        Self(seconds * SECOND)
    }

    /// Whether it is none at all.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// As the standard library has it; none where it is negative.
    pub fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_nanos(u64::try_from(self.0).unwrap_or(0))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let invalid = || format!("time: invalid duration {text:?}");
        let (sign, mut rest) = match text.strip_prefix('-') {
            Some(rest) => (-1.0, rest),
            None => (1.0, text.strip_prefix('+').unwrap_or(text)),
        };
        if rest == "0" {
            return Ok(Self(0));
        }
        if rest.is_empty() {
            return Err(invalid());
        }
        let mut total = 0.0;
        while !rest.is_empty() {
            let is_number = |letter: char| letter.is_ascii_digit() || letter == '.';
            let end = rest.find(|letter| !is_number(letter)).unwrap_or(rest.len());
            let number: f64 = rest[..end].parse().map_err(|_| invalid())?;
            rest = &rest[end..];
            let end = rest.find(is_number).unwrap_or(rest.len());
            let unit = match &rest[..end] {
                "" => return Err(format!("time: missing unit in duration {text:?}")),
                name => nanoseconds(name)
                    .ok_or_else(|| format!("time: unknown unit {name:?} in duration {text:?}"))?,
            };
            total += number * unit;
            rest = &rest[end..];
        }
        if total > i64::MAX as f64 { Err(invalid()) } else { Ok(Self((sign * total) as i64)) }
    }
}

fn nanoseconds(unit: &str) -> Option<f64> {
    Some(match unit {
        "ns" => 1.0,
        "us" | "µs" | "μs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        "m" => 60e9,
        "h" => 3600e9,
        _ => return None,
    })
}

impl fmt::Display for Duration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let nanoseconds = self.0.unsigned_abs();
        let whole = nanoseconds / SECOND.unsigned_abs();
        let (hours, minutes) = (whole / 3600, whole / 60 % 60);
        let seconds = (nanoseconds % (60 * SECOND.unsigned_abs())) as f64 / SECOND as f64;
        match (hours, minutes) {
            _ if whole == 0 && nanoseconds > 0 => {
                write!(formatter, "{sign}{}ms", nanoseconds as f64 / 1e6)
            }
            (0, 0) => write!(formatter, "{sign}{seconds}s"),
            (0, minutes) => write!(formatter, "{sign}{minutes}m{seconds}s"),
            (hours, minutes) => write!(formatter, "{sign}{hours}h{minutes}m{seconds}s"),
        }
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written_as_go_does() {
        let table = [
            ("15s", Ok("15s")),
            ("1m30s", Ok("1m30s")),
            ("1.5h", Ok("1h30m0s")),
            ("100ms", Ok("100ms")),
            ("-2s", Ok("-2s")),
            ("0", Ok("0s")),
            ("", Err("time: invalid duration \"\"")),
            ("5", Err("time: missing unit in duration \"5\"")),
            ("5x", Err("time: unknown unit \"x\" in duration \"5x\"")),
        ];

        for (text, expected) in table {
            let read = Duration::parse(text).map(|duration| duration.to_string());
            assert_eq!(read.as_deref().map_err(String::as_str), expected, "{text}");
        }
    }
}

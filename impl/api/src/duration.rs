//! Spans of time as Go writes them: `1h30m`, `1.5s`.
//!
//! Source: `time.ParseDuration` of Go.

const UNITS: [(&str, i64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// How many digits after the point count.
const FRACTION_DIGITS_MAX: usize = 18;

/// How long a span is, in nanoseconds.
pub fn nanoseconds(span: &str) -> Result<i64, String> {
    let invalid = || format!("time: invalid duration \"{span}\"");
    let (sign, mut rest) = match span.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, span.strip_prefix('+').unwrap_or(span)),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut sum: i64 = 0;
    while !rest.is_empty() {
        let (number, after) = split_number(rest).ok_or_else(invalid)?;
        let end = after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, next) = after.split_at(end);
        let length = in_nanoseconds(number, length_of(unit, span)?).ok_or_else(invalid)?;
        sum = sum.checked_add(length).ok_or_else(invalid)?;
        rest = next;
    }
    Ok(sign * sum)
}

fn length_of(unit: &str, span: &str) -> Result<i64, String> {
    if unit.is_empty() {
        return Err(format!("time: missing unit in duration \"{span}\""));
    }
    let known = UNITS.iter().find(|(name, _)| *name == unit);
    known
        .map(|(_, length)| *length)
        .ok_or_else(|| format!("time: unknown unit \"{unit}\" in duration \"{span}\""))
}

/// A number, and what follows it. It has digits before its point or after it.
fn split_number(text: &str) -> Option<((&str, &str), &str)> {
    let (whole, after) = split_digits(text);
    let Some(fraction) = after.strip_prefix('.') else {
        return (!whole.is_empty()).then_some(((whole, ""), after));
    };
    let (fraction, after) = split_digits(fraction);
    (whole.len() + fraction.len() > 0).then_some(((whole, fraction), after))
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

/// `None` when it is too long.
fn in_nanoseconds((whole, fraction): (&str, &str), unit: i64) -> Option<i64> {
    let number =
        |digits: &str| if digits.is_empty() { Some(0) } else { digits.parse::<i64>().ok() };
    let fraction = &fraction[..fraction.len().min(FRACTION_DIGITS_MAX)];
    let scale = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    let part = i128::from(number(fraction)?) * i128::from(unit) / scale;
    number(whole)?.checked_mul(unit)?.checked_add(i64::try_from(part).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_read_or_refused() {
        let table = [
            ("1h30m", Ok(5_400_000_000_000)),
            ("-1.5s", Ok(-1_500_000_000)),
            (".5ms", Ok(500_000)),
            ("1.s", Ok(1_000_000_000)),
            ("+2us3ns", Ok(2_003)),
            ("0", Ok(0)),
            ("", Err("time: invalid duration \"\"")),
            (".s", Err("time: invalid duration \".s\"")),
            ("9999999h", Err("time: invalid duration \"9999999h\"")),
            ("2562047h48m", Err("time: invalid duration \"2562047h48m\"")),
            ("99999999999999999999s", Err("time: invalid duration \"99999999999999999999s\"")),
            ("5", Err("time: missing unit in duration \"5\"")),
            ("5d", Err("time: unknown unit \"d\" in duration \"5d\"")),
        ];
        for (span, expected) in table {
            assert_eq!(nanoseconds(span), expected.map_err(str::to_owned), "{span}");
        }
    }
}

//! Spans of time as Go writes them: `1h30m`, `1.5s`.
//!
//! Source: `time.ParseDuration` of Go. Left out: spans that are too long.

const UNITS: [&str; 8] = ["ns", "us", "µs", "μs", "ms", "s", "m", "h"];

/// What is wrong with a span.
pub(super) fn check(span: &str) -> Result<(), String> {
    let invalid = || format!("time: invalid duration \"{span}\"");
    let mut rest = span.strip_prefix(['-', '+']).unwrap_or(span);
    if rest == "0" {
        return Ok(());
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    while !rest.is_empty() {
        let after = after_number(rest).ok_or_else(invalid)?;
        let end = after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, next) = after.split_at(end);
        if unit.is_empty() {
            return Err(format!("time: missing unit in duration \"{span}\""));
        }
        if !UNITS.contains(&unit) {
            return Err(format!("time: unknown unit \"{unit}\" in duration \"{span}\""));
        }
        rest = next;
    }
    Ok(())
}

/// What follows a number, which has digits before its point or after it.
fn after_number(text: &str) -> Option<&str> {
    let is_digit = |c: char| c.is_ascii_digit();
    let after = text.trim_start_matches(is_digit);
    let whole = after.len() < text.len();
    let Some(fraction) = after.strip_prefix('.') else {
        return whole.then_some(after);
    };
    let after = fraction.trim_start_matches(is_digit);
    (whole || after.len() < fraction.len()).then_some(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_read_or_refused() {
        let table = [
            ("1h30m", Ok(())),
            ("-1.5s", Ok(())),
            (".5ms", Ok(())),
            ("0", Ok(())),
            ("", Err("time: invalid duration \"\"")),
            (".s", Err("time: invalid duration \".s\"")),
            ("5", Err("time: missing unit in duration \"5\"")),
            ("5d", Err("time: unknown unit \"d\" in duration \"5d\"")),
        ];
        for (span, expected) in table {
            assert_eq!(check(span), expected.map_err(str::to_owned), "{span}");
        }
    }
}

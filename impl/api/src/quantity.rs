//! Amounts of resources as texts: `500m`, `1Gi`, `1e3`.
//!
//! Source: `apimachinery/pkg/api/resource` (v1.36). Left out: amounts of 1.7e29 and more, which saturate
//! here, and the fast path that keeps a text like `+1` or `1.500` as it was written.

use std::cmp::Ordering;
use std::fmt;
use std::ops::{Add, Sub};

use serde_json::Value;

const NANO_PER_ONE: i128 = 1_000_000_000;
const NANO_PER_MILLI: i128 = 1_000_000;
/// So many digits times 2^60 still fit.
const DIGITS_MAX_BINARY: usize = 19;
const DIGITS_MAX_DECIMAL: usize = 36;
const DECIMAL_SUFFIXES: [&str; 10] = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
const BINARY_SUFFIXES: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/// Why a text is no quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// It is not a number with a suffix.
    #[error(
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
    )]
    Format,
    /// The number is none.
    #[error("unable to parse numeric part of quantity")]
    Number,
    /// The suffix is unknown.
    #[error("unable to parse quantity's suffix")]
    Suffix,
}

/// The family of suffixes in which a quantity is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// `k`, `M`, `m` …
    Decimal,
    /// `Ki`, `Mi` …
    Binary,
    /// `e3` …
    Exponent,
}

/// A fixed-point number of nano units that remembers how it was written.
#[derive(Clone, Copy, Debug)]
pub struct Quantity {
    nano: i128,
    format: Format,
}

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self { nano: 0, format: Format::Decimal };

    /// Reads any of Kubernetes' forms. More than nine decimals are rounded away from zero.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        if text.is_empty() {
            return Err(QuantityError::Format);
        }
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (integer, rest) = split_digits(rest);
        let (fraction, suffix) = match rest.strip_prefix('.') {
            Some(rest) => split_digits(rest),
            None => ("", rest),
        };
        check_suffix(suffix)?;
        let scale = Scale::of(suffix)?;
        let nano = scale.nano(integer.trim_start_matches('0'), fraction);
        Ok(Self::new(if negative { -nano } else { nano }, scale.format()))
    }

    /// Reads a JSON string or number, as a manifest may have either.
    pub fn from_value(value: &Value) -> Result<Self, QuantityError> {
        match value {
            Value::String(text) => Self::parse(text.trim()),
            Value::Number(number) => Self::parse(&number.to_string()),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                Err(QuantityError::Format)
            }
        }
    }

    /// So many thousandths.
    pub fn from_milli(milli: i64) -> Self {
        Self { nano: i128::from(milli) * NANO_PER_MILLI, format: Format::Decimal }
    }

    /// So many bytes, written with `Ki`, `Mi` …
    pub fn from_bytes(bytes: i64) -> Self {
        Self { nano: i128::from(bytes) * NANO_PER_ONE, format: Format::Binary }
    }

    /// Thousandths, rounded away from zero.
    pub fn milli(self) -> i64 {
        saturate(div_away_from_zero(self.nano, NANO_PER_MILLI))
    }

    /// Ones, rounded away from zero.
    pub fn value(self) -> i64 {
        saturate(div_away_from_zero(self.nano, NANO_PER_ONE))
    }

    /// Whether it is nothing.
    pub fn is_zero(self) -> bool {
        self.nano == 0
    }

    /// Whether it is less than nothing.
    pub fn is_negative(self) -> bool {
        self.nano < 0
    }

    /// The same, rounded away from zero to thousandths.
    #[must_use]
    pub fn rounded_to_milli(self) -> Self {
        let milli = div_away_from_zero(self.nano, NANO_PER_MILLI);
        Self { nano: milli.saturating_mul(NANO_PER_MILLI), ..self }
    }

    /// The same, rounded away from zero to ones.
    #[must_use]
    pub fn rounded_to_one(self) -> Self {
        let ones = div_away_from_zero(self.nano, NANO_PER_ONE);
        Self { nano: ones.saturating_mul(NANO_PER_ONE), ..self }
    }

    fn new(nano: i128, format: Format) -> Self {
        let below_one = nano != 0 && nano.abs() < NANO_PER_ONE;
        let format = if format == Format::Binary && below_one { Format::Decimal } else { format };
        Self { nano, format }
    }

    /// The sum's format is the left one's, unless that is zero.
    fn format_with(self, other: Self) -> Format {
        if self.is_zero() { other.format } else { self.format }
    }
}

impl Default for Quantity {
    fn default() -> Self {
        Self::ZERO
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nano == other.nano
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nano.cmp(&other.nano)
    }
}

impl Add for Quantity {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let format = self.format_with(other);
        Self { nano: self.nano.saturating_add(other.nano), format }
    }
}

impl Sub for Quantity {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        let format = self.format_with(other);
        Self { nano: self.nano.saturating_sub(other.nano), format }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_zero() {
            return formatter.write_str("0");
        }
        let whole = self.nano % NANO_PER_ONE == 0;
        match self.format {
            Format::Binary if whole && self.nano.abs() >= 1024 * NANO_PER_ONE => {
                let (number, times) =
                    without_factors(self.nano / NANO_PER_ONE, 1024, BINARY_SUFFIXES.len() - 1);
                write!(formatter, "{number}{}", BINARY_SUFFIXES[times])
            }
            Format::Decimal | Format::Binary => {
                let (number, times) = without_factors(self.nano, 1000, DECIMAL_SUFFIXES.len() - 1);
                write!(formatter, "{number}{}", DECIMAL_SUFFIXES[times])
            }
            Format::Exponent => match without_factors(self.nano, 1000, usize::MAX) {
                (number, 3) => write!(formatter, "{number}"),
                (number, 0) => write!(formatter, "{number}e-9"),
                (number, 1) => write!(formatter, "{number}e-6"),
                (number, 2) => write!(formatter, "{number}e-3"),
                (number, times) => write!(formatter, "{number}e{}", (times - 3) * 3),
            },
        }
    }
}

/// What a suffix multiplies by.
#[derive(Clone, Copy)]
enum Scale {
    /// 10 to this power.
    Decimal(i64),
    /// 2 to this power.
    Binary(u32),
    /// 10 to this power, written as `e3`.
    Exponent(i64),
}

impl Scale {
    fn of(suffix: &str) -> Result<Self, QuantityError> {
        if let Some(index) = DECIMAL_SUFFIXES.iter().position(|known| *known == suffix) {
            return Ok(Self::Decimal(3 * index as i64 - 9));
        }
        if let Some(index) = BINARY_SUFFIXES.iter().position(|known| *known == suffix) {
            return Ok(Self::Binary(10 * index as u32));
        }
        let exponent = suffix.strip_prefix(['e', 'E']).ok_or(QuantityError::Suffix)?;
        exponent.parse::<i64>().map(Self::Exponent).map_err(|_| QuantityError::Suffix)
    }

    fn format(self) -> Format {
        match self {
            Self::Decimal(_) => Format::Decimal,
            Self::Binary(_) => Format::Binary,
            Self::Exponent(_) => Format::Exponent,
        }
    }

    /// `integer.fraction` of this scale in nano units.
    fn nano(self, integer: &str, fraction: &str) -> i128 {
        let (digits_max, factor, exponent) = match self {
            Self::Decimal(exponent) | Self::Exponent(exponent) => (DIGITS_MAX_DECIMAL, 1, exponent),
            Self::Binary(power) => (DIGITS_MAX_BINARY, 1_i128 << power, 0),
        };
        let nano = nano_of(integer, fraction, digits_max, factor, exponent);
        match self {
            // Upstream caps only these, at 2^63 - 1.
            Self::Binary(_) => nano.min(i128::from(i64::MAX) * NANO_PER_ONE),
            Self::Decimal(_) | Self::Exponent(_) => nano,
        }
    }
}

fn nano_of(integer: &str, fraction: &str, digits_max: usize, factor: i128, exponent: i64) -> i128 {
    let kept = fraction.len().min(digits_max.saturating_sub(integer.len()));
    let (fraction, cut) = fraction.split_at(kept);
    let digits = format!("{integer}{fraction}");
    let number = match digits.as_str() {
        "" => Some(0),
        digits => digits.parse::<i128>().ok(),
    };
    let scaled = number.and_then(|number| number.checked_mul(factor)).map_or(i128::MAX, |number| {
        times_power_of_ten(number, 9 + exponent.clamp(-99, 99) - kept as i64)
    });
    let rest = i128::from(cut.bytes().any(|digit| digit != b'0'));
    scaled.saturating_add(rest)
}

/// `number * 10^power`, rounded up, for a number that is not negative.
fn times_power_of_ten(number: i128, power: i64) -> i128 {
    let ten = |power: u64| 10_i128.checked_pow(u32::try_from(power).unwrap_or(u32::MAX));
    if number == 0 {
        return 0;
    }
    match (power >= 0, ten(power.unsigned_abs())) {
        (true, Some(ten)) => number.saturating_mul(ten),
        (true, None) => i128::MAX,
        (false, Some(ten)) => div_away_from_zero(number, ten),
        (false, None) => 1,
    }
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

/// A suffix is letters, then a sign, then digits; whether the letters mean anything is not asked here.
fn check_suffix(suffix: &str) -> Result<(), QuantityError> {
    let rest = suffix.trim_start_matches(|character| "eEinumkKMGTP".contains(character));
    let rest = rest.strip_prefix(['-', '+']).unwrap_or(rest);
    match rest.bytes().all(|byte| byte.is_ascii_digit()) {
        true => Ok(()),
        false => Err(QuantityError::Format),
    }
}

/// Divides `number` by `factor` as often as that leaves no rest, but at most `times_max` times.
fn without_factors(mut number: i128, factor: i128, times_max: usize) -> (i128, usize) {
    let mut times = 0;
    while number != 0 && number % factor == 0 && times < times_max {
        number /= factor;
        times += 1;
    }
    (number, times)
}

fn div_away_from_zero(number: i128, divisor: i128) -> i128 {
    let quotient = number / divisor;
    if number % divisor == 0 { quotient } else { quotient + number.signum() }
}

fn saturate(number: i128) -> i64 {
    i64::try_from(number).unwrap_or(if number < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_canonical_form_is_upstreams() {
        let table = [
            ("0", "0"),
            ("0.5", "500m"),
            (".5", "500m"),
            ("1.", "1"),
            ("1", "1"),
            ("-1", "-1"),
            ("1000m", "1"),
            ("1500m", "1500m"),
            ("1000", "1k"),
            ("1024", "1024"),
            ("1024Mi", "1Gi"),
            ("1Ki", "1Ki"),
            ("0.5Ki", "512"),
            ("0.5Mi", "512Ki"),
            ("1.5Gi", "1536Mi"),
            ("100Mi", "100Mi"),
            ("1e3", "1e3"),
            ("1E3", "1e3"),
            ("1.5e3", "1500"),
            ("1e-3", "1e-3"),
            ("12e6", "12e6"),
            ("1u", "1u"),
            ("0.1n", "1n"),
            ("1.1n", "2n"),
            ("1E", "1E"),
            ("1000E", "1000E"),
            ("0Ki", "0"),
        ];
        for (text, canonical) in table {
            assert_eq!(Quantity::parse(text).unwrap().to_string(), canonical, "{text}");
        }
    }

    #[test]
    fn a_text_that_is_no_quantity_is_refused() {
        let table = [
            ("", QuantityError::Format),
            ("x", QuantityError::Format),
            ("1x", QuantityError::Format),
            ("1.2.3", QuantityError::Format),
            ("--1", QuantityError::Suffix),
            ("1 ", QuantityError::Format),
            ("1mm", QuantityError::Suffix),
            ("1K", QuantityError::Suffix),
            ("1e", QuantityError::Suffix),
            ("1ki", QuantityError::Suffix),
        ];
        for (text, error) in table {
            assert_eq!(Quantity::parse(text).map(|quantity| quantity.nano), Err(error), "{text}");
        }
    }

    #[test]
    fn milli_and_value_round_away_from_zero() {
        let table = [
            ("1", 1000, 1),
            ("100m", 100, 1),
            ("1u", 1, 1),
            ("-1u", -1, -1),
            ("1500m", 1500, 2),
            ("1Gi", 1_073_741_824_000, 1_073_741_824),
            ("16Ei", i64::MAX, i64::MAX),
        ];
        for (text, milli, value) in table {
            let quantity = Quantity::parse(text).unwrap();
            assert_eq!((quantity.milli(), quantity.value()), (milli, value), "{text}");
        }
    }

    #[test]
    fn sums_keep_the_format_of_the_first_that_is_not_zero() {
        let parse = |text| Quantity::parse(text).unwrap();

        assert_eq!((parse("1Gi") + parse("1024Mi")).to_string(), "2Gi");
        assert_eq!((Quantity::ZERO + parse("1Gi")).to_string(), "1Gi");
        assert_eq!((parse("1") - parse("100m")).to_string(), "900m");
        assert!(parse("1") > parse("999m"));
        assert_eq!(parse("1"), parse("1000m"));
    }

    #[test]
    fn a_number_of_a_manifest_is_a_quantity() {
        let quantity = Quantity::from_value(&serde_json::json!(0.5)).unwrap();
        assert_eq!(quantity.to_string(), "500m");
        assert!(Quantity::from_value(&serde_json::json!(true)).is_err());
    }

    proptest! {
        #[test]
        fn the_canonical_form_is_stable(
            text in "[+-]?([0-9]{1,12}(\\.[0-9]{0,6})?(n|u|m|k|M|G|T|P|e[0-9]|E-[0-9])?|[0-9]{1,6}(Ki|Mi|Gi|Ti))"
        ) {
            let quantity = Quantity::parse(&text).unwrap();
            let canonical = quantity.to_string();
            let again = Quantity::parse(&canonical).unwrap();

            prop_assert_eq!(again, quantity);
            prop_assert_eq!(again.to_string(), canonical);
        }
    }
}

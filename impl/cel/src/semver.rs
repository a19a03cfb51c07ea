//! Versions as <https://semver.org> has them: `1.2.3-alpha.1+build`.
//!
//! Source: apiserver/pkg/cel/library/semverlib.go (v1.36) and its parser's words.

use std::cmp::Ordering;

/// A version.
#[derive(Clone, Debug)]
pub struct Semver {
    /// Its three numbers.
    pub numbers: [u64; 3],
    pre: Vec<Identifier>,
}

/// A part of what stands before a release. Numbers come before texts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Identifier {
    Number(u64),
    Text(String),
}

impl Semver {
    /// Reads a version, or says why it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("Version string empty".to_owned());
        }
        let (rest, build) = text.split_once('+').map_or((text, None), |(a, b)| (a, Some(b)));
        let (core, pre) = rest.split_once('-').map_or((rest, None), |(a, b)| (a, Some(b)));
        let parts: Vec<&str> = core.splitn(3, '.').collect();
        let [major, minor, patch] = parts[..] else {
            return Err("No Major.Minor.Patch elements found".to_owned());
        };
        let numbers = [number("major", major)?, number("minor", minor)?, number("patch", patch)?];
        let pre = pre.map_or(Ok(vec![]), |pre| pre.split('.').map(identifier).collect())?;
        if build.is_some_and(|build| build.split('.').any(|part| !is_word(part))) {
            return Err("Build meta data is empty".to_owned());
        }
        Ok(Self { numbers, pre })
    }

    /// The same without a `v`, with the numbers that are missing, and without zeros before numbers.
    pub fn normalized(text: &str) -> Result<Self, String> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let end = text.find(['-', '+']).unwrap_or(text.len());
        let (core, rest) = text.split_at(end);
        let mut parts: Vec<String> = core.split('.').map(without_zeros).collect();
        while parts.len() < 3 {
            parts.push("0".to_owned());
        }
        Self::parse(&format!("{}{rest}", parts.join(".")))
    }
}

fn without_zeros(number: &str) -> String {
    let rest = number.trim_start_matches('0');
    let is_number = rest.starts_with(|letter: char| letter.is_ascii_digit());
    if number.is_empty() || is_number { rest.to_owned() } else { format!("0{rest}") }
}

fn number(which: &str, text: &str) -> Result<u64, String> {
    let is_number = !text.is_empty() && text.bytes().all(|letter| letter.is_ascii_digit());
    if !is_number {
        return Err(format!("Invalid character(s) found in {which} number \"{text}\""));
    }
    if text.len() > 1 && text.starts_with('0') {
        let which = which[..1].to_uppercase() + &which[1..];
        return Err(format!("{which} number must not contain leading zeroes \"{text}\""));
    }
    text.parse().map_err(|_| format!("Invalid character(s) found in {which} number \"{text}\""))
}

fn identifier(text: &str) -> Result<Identifier, String> {
    if !is_word(text) {
        return Err("Prerelease is empty".to_owned());
    }
    if !text.bytes().all(|letter| letter.is_ascii_digit()) {
        return Ok(Identifier::Text(text.to_owned()));
    }
    if text.len() > 1 && text.starts_with('0') {
        return Err(format!(
            "Numeric PreRelease version must not contain leading zeroes \"{text}\""
        ));
    }
    text.parse().map(Identifier::Number).map_err(|_| "Prerelease is empty".to_owned())
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|letter| letter.is_ascii_alphanumeric() || letter == b'-')
}

impl Ord for Semver {
    /// What is before a release comes before it; builds do not count.
    fn cmp(&self, other: &Self) -> Ordering {
        let by_release = self.pre.is_empty().cmp(&other.pre.is_empty());
        self.numbers.cmp(&other.numbers).then(by_release).then_with(|| self.pre.cmp(&other.pre))
    }
}

impl PartialOrd for Semver {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Semver {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Semver {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_the_order_of_the_specification() {
        let in_order = [
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.0.1",
            "1.10.0",
        ];

        let parsed: Vec<Semver> =
            in_order.iter().map(|text| Semver::parse(text).unwrap()).collect();

        assert!(parsed.is_sorted_by(|one, next| one < next));
        assert_eq!(Semver::parse("1.0.0+a"), Semver::parse("1.0.0+b"));
    }

    #[test]
    fn what_is_no_version_is_told() {
        for (text, why) in [
            ("", "Version string empty"),
            ("1.2", "No Major.Minor.Patch elements found"),
            ("1.x.3", "Invalid character(s) found in minor number \"x\""),
            ("01.2.3", "Major number must not contain leading zeroes \"01\""),
            ("1.2.3-01", "Numeric PreRelease version must not contain leading zeroes \"01\""),
        ] {
            assert_eq!(Semver::parse(text).unwrap_err(), why);
        }
    }

    #[test]
    fn what_is_missing_of_a_version_can_be_put_in() {
        assert_eq!(Semver::normalized("v1.02"), Semver::parse("1.2.0"));
        assert!(Semver::normalized("a").is_err());
    }
}

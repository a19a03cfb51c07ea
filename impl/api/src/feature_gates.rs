//! Feature gates: what can be switched on and off, as `--feature-gates` says.
//!
//! Source: staging/src/k8s.io/component-base/featuregate/feature_gate.go and pkg/features/kube_features.go (v1.36).
//! Held are those that change something here, and the names of those that upstream has locked. Left out: the gates
//! that stand for all of a stage, `AllAlpha` and `AllBeta`.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Gates that cannot be switched any more: `NAME=VALUE`, each on a line.
const LOCKED: &str = include_str!("feature_gates/locked-1.36.txt");

/// Something that can be switched on and off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FeatureGate {
    /// StatefulSets roll out several pods at a time, as their `maxUnavailable` says. Source: KEP-961; beta, off.
    MaxUnavailableStatefulSet,
}

impl FeatureGate {
    /// All of them.
    pub const ALL: [Self; 1] = [Self::MaxUnavailableStatefulSet];

    /// Its name in `--feature-gates`.
    pub fn name(self) -> &'static str {
        match self {
            Self::MaxUnavailableStatefulSet => "MaxUnavailableStatefulSet",
        }
    }

    /// Whether it is on unless somebody says otherwise.
    pub fn is_on_by_default(self) -> bool {
        match self {
            Self::MaxUnavailableStatefulSet => false,
        }
    }
}

/// Which gates are on: by default, or because somebody says so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FeatureGates {
    chosen: BTreeMap<FeatureGate, bool>,
}

/// What cannot be switched, or cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeatureGateError {
    /// Nothing says whether it is to be on.
    #[error("missing bool value for {0}")]
    NoValue(String),
    /// The value is none.
    #[error(
        "invalid value of {name}={value}, err: strconv.ParseBool: parsing {value:?}: invalid syntax"
    )]
    NoBool {
        /// Of the gate.
        name: String,
        /// As it was written.
        value: String,
    },
    /// There is no gate of that name.
    #[error("unrecognized feature gate: {0}")]
    Unknown(String),
    /// It was switched once and for all.
    #[error("cannot set feature gate {name} to {value}, feature is locked to {}", !.value)]
    Locked {
        /// Of the gate.
        name: String,
        /// What it was to be.
        value: bool,
    },
    /// Several of these.
    #[error("[{}]", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    Several(Vec<Self>),
}

impl FeatureGates {
    /// These are on, whatever their default is.
    pub fn with(gates: impl IntoIterator<Item = FeatureGate>) -> Self {
        Self { chosen: gates.into_iter().map(|gate| (gate, true)).collect() }
    }

    /// Whether a gate is on.
    pub fn has(&self, gate: FeatureGate) -> bool {
        self.chosen.get(&gate).copied().unwrap_or_else(|| gate.is_on_by_default())
    }

    fn choose(&mut self, name: &str, value: bool) -> Result<(), FeatureGateError> {
        if let Some(gate) = FeatureGate::ALL.into_iter().find(|gate| gate.name() == name) {
            self.chosen.insert(gate, value);
            return Ok(());
        }
        match locked(name) {
            Some(locked) if locked == value => Ok(()),
            Some(_) => Err(FeatureGateError::Locked { name: name.to_owned(), value }),
            None => Err(FeatureGateError::Unknown(name.to_owned())),
        }
    }
}

/// What a gate is for ever, if it is locked.
fn locked(name: &str) -> Option<bool> {
    let mut lines = LOCKED.lines().filter_map(|line| line.split_once('='));
    lines.find(|(found, _)| *found == name).map(|(_, value)| value == "true")
}

/// `NAME=true,OTHER=false`. The last word about a gate counts.
impl FromStr for FeatureGates {
    type Err = FeatureGateError;

    fn from_str(text: &str) -> Result<Self, FeatureGateError> {
        let mut values = BTreeMap::new();
        for word in text.split(',').filter(|word| !word.is_empty()) {
            let (name, value) = read(word)?;
            values.insert(name, value);
        }
        let mut gates = Self::default();
        let chosen = values.into_iter().map(|(name, value)| gates.choose(&name, value));
        let mut errors: Vec<FeatureGateError> = chosen.filter_map(Result::err).collect();
        match errors.len() {
            0 => Ok(gates),
            1 => Err(errors.remove(0)),
            _ => Err(FeatureGateError::Several(errors)),
        }
    }
}

fn read(word: &str) -> Result<(String, bool), FeatureGateError> {
    let Some((name, value)) = word.split_once('=') else {
        return Err(FeatureGateError::NoValue(word.trim().to_owned()));
    };
    let (name, value) = (name.trim().to_owned(), value.trim());
    match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok((name, true)),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok((name, false)),
        _ => Err(FeatureGateError::NoBool { name, value: value.to_owned() }),
    }
}

impl fmt::Display for FeatureGates {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.chosen.iter().map(|(gate, value)| format!("{}={value}", gate.name()));
        formatter.write_str(&words.collect::<Vec<_>>().join(","))
    }
}

impl TryFrom<String> for FeatureGates {
    type Error = FeatureGateError;

    fn try_from(text: String) -> Result<Self, FeatureGateError> {
        text.parse()
    }
}

impl From<FeatureGates> for String {
    fn from(gates: FeatureGates) -> Self {
        gates.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GATE: FeatureGate = FeatureGate::MaxUnavailableStatefulSet;

    fn parse(text: &str) -> Result<FeatureGates, String> {
        text.parse().map_err(|error: FeatureGateError| error.to_string())
    }

    #[test]
    fn a_gate_is_as_it_was_said_last_and_else_as_by_default() {
        for (text, expected) in [
            ("", false),
            ("MaxUnavailableStatefulSet=true", true),
            (" MaxUnavailableStatefulSet = T ,", true),
            ("MaxUnavailableStatefulSet=true,MaxUnavailableStatefulSet=0", false),
        ] {
            assert_eq!(parse(text).unwrap().has(GATE), expected, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_switched_is_refused_in_upstreams_words() {
        for (text, refusal) in [
            ("Nonsense=true", "unrecognized feature gate: Nonsense"),
            ("MaxUnavailableStatefulSet", "missing bool value for MaxUnavailableStatefulSet"),
            (
                "MaxUnavailableStatefulSet=yes",
                "invalid value of MaxUnavailableStatefulSet=yes, err: strconv.ParseBool: parsing \
                 \"yes\": invalid syntax",
            ),
            (
                "SidecarContainers=false",
                "cannot set feature gate SidecarContainers to false, feature is locked to true",
            ),
            (
                "GitRepoVolumeDriver=true",
                "cannot set feature gate GitRepoVolumeDriver to true, feature is locked to false",
            ),
            (
                "SidecarContainers=false,Nonsense=false",
                "[unrecognized feature gate: Nonsense, cannot set feature gate SidecarContainers \
                 to false, feature is locked to true]",
            ),
        ] {
            assert_eq!(parse(text), Err(refusal.to_owned()));
        }
    }

    #[test]
    fn a_locked_gate_may_be_said_to_be_what_it_is() {
        for said in ["SidecarContainers=true", "GitRepoVolumeDriver=false", "InOrderInformers=1"] {
            assert_eq!(parse(said), Ok(FeatureGates::default()), "{said}");
        }
    }

    #[test]
    fn gates_are_read_as_they_are_written() {
        let gates = FeatureGates::with([GATE]);

        assert_eq!(gates.to_string(), "MaxUnavailableStatefulSet=true");
        assert_eq!(gates.to_string().parse(), Ok(gates));
    }
}

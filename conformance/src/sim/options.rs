//! What a run is told: a seed, how far to go, what may fail.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::sim::workloads::Workloads;

/// One run. Two runs with equal options write the same bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Where all chance comes from.
    pub seed: u64,
    /// How many steps are taken before the cluster is left alone to settle.
    pub steps: u64,
    /// What may fail until then.
    pub faults: Faults,
    /// What people ask for.
    #[serde(default, skip_serializing_if = "Workloads::is_default")]
    pub workloads: Workloads,
    /// How many nodes there are. With more of them, people ask for more pods.
    #[serde(default = "three", skip_serializing_if = "is_three")]
    pub nodes: usize,
}

const fn three() -> usize {
    3
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_three(nodes: &usize) -> bool {
    *nodes == three()
}

/// A run of no steps, in which nothing fails.
impl Default for Options {
    fn default() -> Self {
        let (faults, workloads) = (Faults::none(), Workloads::default());
        Self { seed: 0, steps: 0, faults, workloads, nodes: three() }
    }
}

impl Options {
    /// The command that repeats this run.
    pub fn command(&self) -> String {
        let Self { seed, steps, faults, workloads, nodes } = self;
        let nodes = match is_three(nodes) {
            true => String::new(),
            false => format!(" --nodes {nodes}"),
        };
        let workloads = match workloads.is_default() {
            true => String::new(),
            false => format!(" --workloads {workloads}"),
        };
        format!("kanon sim --seed {seed} --steps {steps} --faults {faults}{workloads}{nodes}")
    }
}

/// A thing that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// A component loses its memory and starts again; containers run on.
    Crash,
    /// A request is lost on its way, or its answer is.
    LostRequest,
    /// A request is answered with 429, 500 or 504; the last two also when it was performed.
    RefusedRequest,
    /// A watch falls so far behind that its revision is compacted away.
    ExpiredWatch,
    /// A machine vanishes with its kubelet and containers. It may come back, empty.
    NodeDeath,
    /// The API server and its store end; what was not synced may be lost.
    RestartStore,
    /// A container ends by itself.
    ContainerExit,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Crash,
        Self::LostRequest,
        Self::RefusedRequest,
        Self::ExpiredWatch,
        Self::NodeDeath,
        Self::RestartStore,
        Self::ContainerExit,
    ];

    /// Its name on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::LostRequest => "lost-request",
            Self::RefusedRequest => "refused-request",
            Self::ExpiredWatch => "expired-watch",
            Self::NodeDeath => "node-death",
            Self::RestartStore => "restart-store",
            Self::ContainerExit => "container-exit",
        }
    }
}

/// A set of faults, written `crash,node-death` or `none`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Faults(BTreeSet<Fault>);

/// A word that names no fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no fault; there are {known}, all and none", known = known())]
pub struct UnknownFault(String);

fn known() -> String {
    Fault::ALL.map(Fault::name).join(", ")
}

impl Faults {
    /// Nothing fails.
    pub fn none() -> Self {
        Self::default()
    }

    /// Everything that can fail may.
    pub fn all() -> Self {
        Self(BTreeSet::from(Fault::ALL))
    }

    /// Whether a fault may happen.
    pub fn contains(&self, fault: Fault) -> bool {
        self.0.contains(&fault)
    }

    /// Each fault that may happen.
    pub fn iter(&self) -> impl Iterator<Item = Fault> {
        self.0.iter().copied()
    }
}

impl FromIterator<Fault> for Faults {
    fn from_iter<I: IntoIterator<Item = Fault>>(faults: I) -> Self {
        Self(faults.into_iter().collect())
    }
}

impl FromStr for Faults {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        let named = |word: &str| {
            let fault = Fault::ALL.into_iter().find(|fault| fault.name() == word);
            fault.ok_or_else(|| UnknownFault(word.to_owned()))
        };
        match text.trim() {
            "" | "none" => Ok(Self::none()),
            "all" => Ok(Self::all()),
            words => words.split(',').map(|word| named(word.trim())).collect(),
        }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return formatter.write_str("none");
        }
        let names: Vec<&str> = self.iter().map(Fault::name).collect();
        formatter.write_str(&names.join(","))
    }
}

impl TryFrom<String> for Faults {
    type Error = UnknownFault;

    fn try_from(text: String) -> Result<Self, UnknownFault> {
        text.parse()
    }
}

impl From<Faults> for String {
    fn from(faults: Faults) -> Self {
        faults.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_as_they_are_written() {
        for text in ["none", "crash", "lost-request,node-death"] {
            let faults: Faults = text.parse().unwrap();

            assert_eq!(faults.to_string(), text);
        }
        assert_eq!("all".parse(), Ok(Faults::all()));
    }

    #[test]
    fn a_word_that_names_no_fault_is_refused() {
        let refusal = "crash,meteor".parse::<Faults>().unwrap_err();

        assert_eq!(
            refusal.to_string(),
            "\"meteor\" is no fault; there are crash, lost-request, refused-request, \
             expired-watch, node-death, restart-store, container-exit, all and none"
        );
    }

    #[test]
    fn options_stand_in_a_file_as_json() {
        let text = r#"{"seed":7,"steps":100,"faults":"crash"}"#;

        let options: Options = serde_json::from_str(text).unwrap();

        assert_eq!(options.faults, Faults::from_iter([Fault::Crash]));
        assert_eq!(serde_json::to_string(&options).unwrap(), text);
    }
}

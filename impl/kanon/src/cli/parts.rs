//! The flags that choose what of a cluster runs.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

/// A part of the control plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Part {
    /// The API server with its store.
    ApiServer,
    /// kube-controller-manager.
    ControllerManager,
    /// kube-scheduler.
    Scheduler,
}

impl Part {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::ApiServer, Self::ControllerManager, Self::Scheduler];
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Parts {
    /// What of the control plane runs [default: all of it].
    #[arg(long, value_enum, value_delimiter = ',', conflicts_with = "api_server_only")]
    pub(crate) components: Vec<Part>,
    /// Let the components work for the API server of this kubeconfig, instead of one of our own.
    #[arg(long, value_name = "FILE", requires = "components", conflicts_with_all = ["nodes", "demo"])]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Which controllers run, as kube-controller-manager has it: `*` for all, `NAME` for this one, `-NAME` for
    /// all but this one.
    #[arg(long, value_name = "NAME,…", default_value = "*", allow_hyphen_values = true)]
    pub(crate) controllers: Controllers,
    /// What the scheduler is told: a KubeSchedulerConfiguration, in YAML or JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) scheduler_config: Option<PathBuf>,
}

/// Which controllers run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Controllers(Vec<String>);

impl Default for Controllers {
    fn default() -> Self {
        Self(vec!["*".to_owned()])
    }
}

impl Controllers {
    /// Whether the controller of this name runs.
    ///
    /// Source: IsControllerEnabled, staging/src/k8s.io/controller-manager/app/helper.go (v1.36). The first that
    /// names it counts.
    pub(crate) fn has(&self, name: &str) -> bool {
        let named = self.0.iter().find_map(|entry| match entry.strip_prefix('-') {
            Some(without) if without == name => Some(false),
            None if entry == name => Some(true),
            Some(_) | None => None,
        });
        named.unwrap_or_else(|| self.0.iter().any(|entry| entry == "*"))
    }
}

impl FromStr for Controllers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let entries: Vec<String> = text.split(',').map(|entry| entry.trim().to_owned()).collect();
        let known = controllers::names();
        let unknown = entries
            .iter()
            .find(|entry| *entry != "*" && !known.contains(&entry.trim_start_matches('-')));
        match unknown {
            Some(unknown) => Err(format!(
                "\"{}\" is not in the list of known controllers: {}",
                unknown.trim_start_matches('-'),
                known.join(", ")
            )),
            None => Ok(Self(entries)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_run_unless_one_is_left_out_or_some_are_named() {
        let has = |text: &str, name: &str| text.parse::<Controllers>().unwrap().has(name);

        assert!(has("*", "job-controller"));
        assert!(!has("*,-job-controller", "job-controller"));
        assert!(has("*,-job-controller", "deployment-controller"));
        assert!(has("job-controller", "job-controller"));
        assert!(!has("job-controller", "deployment-controller"));
        assert!(!has("-job-controller", "deployment-controller"));
    }

    #[test]
    fn a_controller_that_there_is_not_is_named() {
        let error = "*,-jobs".parse::<Controllers>().unwrap_err();

        let beginning = "\"jobs\" is not in the list of known controllers: ";
        assert!(error.starts_with(beginning), "{error}");
        assert!(error.contains("job-controller"), "{error}");
    }
}

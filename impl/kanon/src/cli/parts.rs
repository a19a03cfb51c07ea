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
        let is_it = |entry: &str| canonical(entry) == Some(name);
        let named = self.0.iter().find_map(|entry| match entry.strip_prefix('-') {
            Some(without) if is_it(without) => Some(false),
            None if is_it(entry) => Some(true),
            Some(_) | None => None,
        });
        named.unwrap_or_else(|| self.0.iter().any(|entry| entry == "*"))
    }
}

impl FromStr for Controllers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let entries: Vec<String> = text.split(',').map(|entry| entry.trim().to_owned()).collect();
        let name = |entry: &str| entry.strip_prefix('-').unwrap_or(entry).to_owned();
        let unknown = entries
            .iter()
            .map(|entry| name(entry))
            .find(|entry| entry != "*" && canonical(entry).is_none());
        match unknown {
            Some(unknown) => Err(format!("\"{unknown}\" is not in the list of known controllers")),
            None => Ok(Self(entries)),
        }
    }
}

/// The name of a controller by one of its names: ours, or those of kube-controller-manager. What that has and is not
/// here may be named, and nothing comes of it.
fn canonical(name: &str) -> Option<&'static str> {
    let own = || controllers::names().into_iter().find(|own| *own == name);
    controllers::names::canonical(name).or_else(own)
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
    fn older_names_mean_the_same_and_those_of_others_nothing() {
        let chosen = "*,-deployment,bootstrapsigner,tokencleaner".parse::<Controllers>().unwrap();

        assert!(!chosen.has("deployment-controller"));
        assert!(chosen.has("job-controller"));
    }

    #[test]
    fn a_controller_that_there_is_not_is_named() {
        let error = "*,-jobs".parse::<Controllers>().unwrap_err();

        assert_eq!(error, "\"jobs\" is not in the list of known controllers");
    }
}

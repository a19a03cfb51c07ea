//! What a scheduler decides by: the profiles and extenders of its configuration, made once.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::config::{ConfigError, Extender, KubeSchedulerConfiguration};
use crate::profile::Profile;

/// Profiles by their scheduler names, and what is common to them.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// By `spec.schedulerName`.
    pub profiles: BTreeMap<String, Profile>,
    /// Servers that are asked as well; those that may fail come last.
    pub extenders: Vec<Extender>,
    /// How long a pod waits after its first attempt.
    pub initial_backoff: Duration,
    /// How long a pod waits at the most.
    pub max_backoff: Duration,
}

impl Configuration {
    /// What a file says, or why it is refused.
    pub fn read(bytes: &[u8]) -> Result<Self, ConfigError> {
        Self::new(&KubeSchedulerConfiguration::read(bytes)?)
    }

    /// What a configuration says, or why upstream makes no scheduler of it.
    pub fn new(configuration: &KubeSchedulerConfiguration) -> Result<Self, ConfigError> {
        let ignored = ignored_resources(&configuration.extenders);
        let percentage = configuration.percentage_of_nodes_to_score;
        let mut profiles = BTreeMap::new();
        for profile in &configuration.profiles {
            let name = profile.name();
            let made = Profile::new(profile, percentage, &ignored).map_err(|why| {
                ConfigError(format!(
                    "initializing profiles: creating profile for scheduler name {name}: {why}"
                ))
            })?;
            profiles.insert(name.to_owned(), made);
        }
        let mut extenders = configuration.extenders.clone();
        extenders.sort_by_key(|extender| extender.ignorable);
        let seconds = |seconds: i64| Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        Ok(Self {
            profiles,
            extenders,
            initial_backoff: seconds(configuration.pod_initial_backoff_seconds),
            max_backoff: seconds(configuration.pod_max_backoff_seconds),
        })
    }
}

impl Default for Configuration {
    fn default() -> Self {
        Self::new(&KubeSchedulerConfiguration::of_defaults())
            .expect("the default plugins are there, each once")
    }
}

/// The resources that only extenders look at. Source: `buildExtenders` in scheduler.go (v1.36).
fn ignored_resources(extenders: &[Extender]) -> Vec<String> {
    let managed = extenders.iter().flat_map(|extender| &extender.managed_resources);
    let ignored = managed.filter(|resource| resource.ignored_by_scheduler);
    ignored.map(|resource| resource.name.clone()).collect()
}

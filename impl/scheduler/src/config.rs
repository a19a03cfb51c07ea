//! KubeSchedulerConfiguration, `kubescheduler.config.k8s.io/v1`: what a scheduler is told in a file.
//!
//! Source: staging/src/k8s.io/kube-scheduler/config/v1/types.go (v1.36). Leader election, the client's connection and
//! profiling are read and checked, and mean nothing here. Unset and default are told apart where v1 has pointers.

mod args;
mod decode;
mod defaults;
mod duration;
mod extender;
#[cfg(test)]
mod tests;
mod validation;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use args::{
    DefaultPreemptionArgs, DynamicResourcesArgs, InterPodAffinityArgs, NodeAffinityArgs,
    NodeResourcesBalancedAllocationArgs, NodeResourcesFitArgs, PluginArgs, PodTopologySpreadArgs,
    RequestedToCapacityRatioParam, ResourceSpec, ScoringStrategy, UtilizationShapePoint,
    VolumeBindingArgs,
};
pub use duration::Duration;
pub use extender::{Extender, ExtenderManagedResource, ExtenderTlsConfig};
pub(crate) use validation::{aggregate, is_extended_resource, node_resources_fit_args};

use crate::framework::ExtensionPoint;

/// The group and version of the file.
pub const API_VERSION: &str = "kubescheduler.config.k8s.io/v1";
/// The kind of the file.
pub const KIND: &str = "KubeSchedulerConfiguration";
/// The scheduler of pods that name none, and the name of the only profile.
pub const DEFAULT_SCHEDULER: &str = "default-scheduler";

/// Why a configuration is refused, in upstream's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

/// What a scheduler is told.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KubeSchedulerConfiguration {
    /// [`API_VERSION`].
    pub api_version: String,
    /// [`KIND`].
    pub kind: String,
    /// How many nodes upstream looks at side by side; nothing depends on it here.
    pub parallelism: i32,
    /// How one of several schedulers is chosen.
    pub leader_election: LeaderElectionConfiguration,
    /// How the API server is reached.
    pub client_connection: ClientConnectionConfiguration,
    /// Of the process, which has none here.
    pub enable_profiling: bool,
    /// Of the process, which has none here.
    pub enable_contention_profiling: bool,
    /// The share of the nodes after which the search for feasible ones ends; 0 for one that fits the cluster's size.
    pub percentage_of_nodes_to_score: i32,
    /// How long a pod waits after its first attempt.
    pub pod_initial_backoff_seconds: i64,
    /// How long a pod waits at the most.
    pub pod_max_backoff_seconds: i64,
    /// Which plugins decide about the pods of each scheduler name.
    pub profiles: Vec<KubeSchedulerProfile>,
    /// Servers that are asked as well.
    pub extenders: Vec<Extender>,
    /// When caches are filled.
    pub delay_cache_until_active: bool,
}

impl Default for KubeSchedulerConfiguration {
    fn default() -> Self {
        Self {
            api_version: String::new(),
            kind: String::new(),
            parallelism: 16,
            leader_election: LeaderElectionConfiguration::default(),
            client_connection: ClientConnectionConfiguration::default(),
            enable_profiling: true,
            enable_contention_profiling: true,
            percentage_of_nodes_to_score: 0,
            pod_initial_backoff_seconds: 1,
            pod_max_backoff_seconds: 10,
            profiles: vec![],
            extenders: vec![],
            delay_cache_until_active: false,
        }
    }
}

impl KubeSchedulerConfiguration {
    /// Reads a file, in JSON or YAML: decodes it strictly, puts in the defaults, and holds it to upstream's rules.
    pub fn read(bytes: &[u8]) -> Result<Self, ConfigError> {
        let mut configuration = decode::decode(bytes)?;
        configuration.set_defaults();
        configuration.validate()?;
        Ok(configuration)
    }

    /// What there is without a file.
    pub fn of_defaults() -> Self {
        let mut configuration =
            Self { api_version: API_VERSION.to_owned(), kind: KIND.to_owned(), ..Self::default() };
        configuration.set_defaults();
        configuration
    }
}

/// The plugins of one scheduler name, and what they are told.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KubeSchedulerProfile {
    /// The `spec.schedulerName` of its pods.
    pub scheduler_name: Option<String>,
    /// Instead of the one of all profiles.
    pub percentage_of_nodes_to_score: Option<i32>,
    /// Which plugins are added to the default ones, and which are taken away.
    pub plugins: Plugins,
    /// What plugins are told.
    pub plugin_config: Vec<PluginConfig>,
}

impl KubeSchedulerProfile {
    /// The `spec.schedulerName` of its pods; empty when there is none.
    pub fn name(&self) -> &str {
        self.scheduler_name.as_deref().unwrap_or_default()
    }

    /// What a plugin is told.
    pub fn args<A: PluginArgs>(&self) -> A {
        let config = self.plugin_config.iter().find(|config| config.name == A::PLUGIN);
        let read = config.and_then(|config| serde_json::from_value(config.args.clone()).ok());
        let mut args: A = read.unwrap_or_default();
        args.set_defaults();
        args
    }
}

/// Plugins by the points at which they have a say.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Plugins {
    pre_enqueue: PluginSet,
    queue_sort: PluginSet,
    pre_filter: PluginSet,
    filter: PluginSet,
    post_filter: PluginSet,
    pre_score: PluginSet,
    score: PluginSet,
    reserve: PluginSet,
    permit: PluginSet,
    pre_bind: PluginSet,
    bind: PluginSet,
    post_bind: PluginSet,
    /// At every point at which they can have a say.
    pub multi_point: PluginSet,
    placement_generate: PluginSet,
    placement_score: PluginSet,
}

impl Plugins {
    /// Those of one point.
    pub fn at(&self, point: ExtensionPoint) -> &PluginSet {
        match point {
            ExtensionPoint::PreEnqueue => &self.pre_enqueue,
            ExtensionPoint::QueueSort => &self.queue_sort,
            ExtensionPoint::PreFilter => &self.pre_filter,
            ExtensionPoint::Filter => &self.filter,
            ExtensionPoint::PostFilter => &self.post_filter,
            ExtensionPoint::PreScore => &self.pre_score,
            ExtensionPoint::Score => &self.score,
            ExtensionPoint::Reserve => &self.reserve,
            ExtensionPoint::Permit => &self.permit,
            ExtensionPoint::PreBind => &self.pre_bind,
            ExtensionPoint::Bind => &self.bind,
            ExtensionPoint::PostBind => &self.post_bind,
            ExtensionPoint::PlacementGenerate => &self.placement_generate,
            ExtensionPoint::PlacementScore => &self.placement_score,
        }
    }
}

/// Plugins that are added to the default ones, and some that are taken away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PluginSet {
    /// In this order, after the default ones.
    pub enabled: Vec<Plugin>,
    /// Those of the default ones, or `*` for all of them.
    pub disabled: Vec<Plugin>,
}

impl PluginSet {
    /// Whether a plugin is taken away by its name.
    pub fn disables(&self, name: &str) -> bool {
        self.disabled.iter().any(|plugin| plugin.name == name)
    }
}

/// A plugin, and how much its scores count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Plugin {
    /// Its name.
    pub name: String,
    /// 0 means 1.
    pub weight: i32,
}

/// What a plugin is told.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PluginConfig {
    /// The plugin's name.
    pub name: String,
    /// An object of the kind `NAMEArgs`; of plugins that are not known here, anything.
    pub args: Value,
}

/// How one of several schedulers is chosen.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LeaderElectionConfiguration {
    leader_elect: bool,
    lease_duration: Duration,
    renew_deadline: Duration,
    retry_period: Duration,
    resource_lock: String,
    resource_name: String,
    resource_namespace: String,
}

impl Default for LeaderElectionConfiguration {
    fn default() -> Self {
        Self {
            leader_elect: true,
            lease_duration: Duration::default(),
            renew_deadline: Duration::default(),
            retry_period: Duration::default(),
            resource_lock: String::new(),
            resource_name: String::new(),
            resource_namespace: String::new(),
        }
    }
}

/// How the API server is reached.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClientConnectionConfiguration {
    kubeconfig: String,
    accept_content_types: String,
    content_type: String,
    qps: f32,
    burst: i32,
}

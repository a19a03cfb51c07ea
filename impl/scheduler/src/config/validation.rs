//! The rules that a configuration must keep, in upstream's words.
//!
//! Source: apis/config/validation/validation.go and component-base/config/validation (v1.36).

mod args;
mod node_affinity;

use std::collections::{BTreeMap, BTreeSet};

use api::names;
use api::status::Cause;
use serde_json::{Value, json};

use super::{
    API_VERSION, ClientConnectionConfiguration, ConfigError, Duration, Extender,
    KubeSchedulerConfiguration, KubeSchedulerProfile, LeaderElectionConfiguration, PluginSet,
};
use crate::framework::ExtensionPoint;

pub(crate) use args::node_resources_fit_args;

/// Plugins that were there once.
const REMOVED: [&str; 4] = ["AzureDiskLimits", "CinderLimits", "EBSLimits", "GCEPDLimits"];

/// What is wrong, each with the path of its field.
pub(crate) type Errors = Vec<Cause>;

impl KubeSchedulerConfiguration {
    /// Refuses a configuration that breaks a rule, and names all that it breaks.
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let mut errors: Errors = client_connection(&self.client_connection).into_iter().collect();
        errors.extend(leader_election(&self.leader_election));
        if self.parallelism <= 0 {
            let rule = "should be an integer value greater than zero";
            errors.push(Cause::invalid("parallelism", &json!(self.parallelism), rule));
        }
        errors.extend(profiles(&self.profiles));
        errors.extend(percentage(
            "percentageOfNodesToScore",
            Some(self.percentage_of_nodes_to_score),
        ));
        let (initial, max) = (self.pod_initial_backoff_seconds, self.pod_max_backoff_seconds);
        if initial <= 0 {
            let rule = "must be greater than 0";
            errors.push(Cause::invalid("podInitialBackoffSeconds", &json!(initial), rule));
        }
        if max < initial {
            let rule = "must be greater than or equal to PodInitialBackoffSeconds";
            errors.push(Cause::invalid("podMaxBackoffSeconds", &json!(max), rule));
        }
        errors.extend(extenders(&self.extenders));
        aggregate(errors)
    }
}

/// All errors as one, each told once.
pub(crate) fn aggregate(errors: Errors) -> Result<(), ConfigError> {
    let mut told: Vec<String> = vec![];
    for error in errors.iter().map(Cause::to_string) {
        if !told.contains(&error) {
            told.push(error);
        }
    }
    match &*told {
        [] => Ok(()),
        [only] => Err(ConfigError(only.clone())),
        all => Err(ConfigError(format!("[{}]", all.join(", ")))),
    }
}

fn client_connection(connection: &ClientConnectionConfiguration) -> Option<Cause> {
    let burst = connection.burst;
    (burst < 0)
        .then(|| Cause::invalid("clientConnection.burst", &json!(burst), "must be non-negative"))
}

fn leader_election(election: &LeaderElectionConfiguration) -> Errors {
    let mut errors = vec![];
    if !election.leader_elect {
        return errors;
    }
    for (field, duration) in [
        ("leaseDuration", election.lease_duration),
        ("renewDeadline", election.renew_deadline),
        ("retryPeriod", election.retry_period),
    ] {
        if duration <= Duration::default() {
            let field = format!("leaderElection.{field}");
            errors.push(Cause::invalid(field, &json!(duration), "must be greater than zero"));
        }
    }
    if election.lease_duration <= election.renew_deadline {
        let rule = "must be greater than `RenewDeadline`";
        let value = json!(election.renew_deadline);
        errors.push(Cause::invalid("leaderElection.leaseDuration", &value, rule));
    }
    if election.resource_lock != "leases" {
        let value = json!(election.resource_lock);
        let rule = "resourceLock value must be \"leases\"";
        errors.push(Cause::invalid("leaderElection.resourceLock", &value, rule));
    }
    errors
}

fn profiles(profiles: &[KubeSchedulerProfile]) -> Errors {
    let mut errors = vec![];
    let mut names = BTreeSet::new();
    for (index, profile) in profiles.iter().enumerate() {
        let path = format!("profiles[{index}]");
        if profile.name().is_empty() {
            errors.push(Cause::required(format!("{path}.schedulerName"), ""));
        }
        let of_path = format!("{path}.percentageOfNodesToScore");
        errors.extend(percentage(&of_path, profile.percentage_of_nodes_to_score));
        errors.extend(removed_plugins(&path, profile));
        errors.extend(plugin_config(&path, profile));
        if !names.insert(profile.name()) {
            // Upstream prints the path of the first one, which has no visible fields.
            errors.push(Cause::duplicate(format!("{path}.schedulerName"), &json!({})));
        }
    }
    errors.extend(common_queue_sort(profiles));
    errors
}

fn percentage(path: &str, percentage: Option<i32>) -> Option<Cause> {
    let given = percentage.filter(|given| !(0..=100).contains(given))?;
    Some(Cause::invalid(path, &json!(given), "not in valid range [0-100]"))
}

fn removed(path: String, name: &str) -> Option<Cause> {
    let rule = format!(
        "was invalid in version \"{API_VERSION}\" (KubeSchedulerConfiguration is version \"{API_VERSION}\")"
    );
    REMOVED.contains(&name).then(|| Cause::invalid(path, &json!(name), &rule))
}

fn removed_plugins(path: &str, profile: &KubeSchedulerProfile) -> Errors {
    let mut errors = vec![];
    for point in ExtensionPoint::ALL.into_iter().filter(|point| !point.is_of_groups()) {
        let plugins = profile.plugins.at(point).enabled.iter().enumerate();
        errors.extend(plugins.filter_map(|(index, plugin)| {
            removed(format!("{path}.plugins.{}.enabled[{index}]", point.field()), &plugin.name)
        }));
    }
    errors
}

fn plugin_config(path: &str, profile: &KubeSchedulerProfile) -> Errors {
    let mut errors = vec![];
    let mut seen = BTreeSet::new();
    for (index, config) in profile.plugin_config.iter().enumerate() {
        let path = format!("{path}.pluginConfig[{index}]");
        if !seen.insert(&config.name) {
            errors.push(Cause::duplicate(&path, &json!(config.name)));
        }
        match removed(path.clone(), &config.name) {
            Some(error) => errors.push(error),
            None => errors.extend(args::of(profile, &config.name, &format!("{path}.args"))),
        }
    }
    errors
}

/// A set as Go's internal type is printed.
fn printed(set: &PluginSet) -> Value {
    let list = |plugins: &[super::Plugin]| match plugins {
        [] => Value::Null,
        plugins => {
            let all = plugins.iter();
            all.map(|plugin| json!({"Name": plugin.name, "Weight": plugin.weight})).collect()
        }
    };
    json!({"Enabled": list(&set.enabled), "Disabled": list(&set.disabled)})
}

fn common_queue_sort(profiles: &[KubeSchedulerProfile]) -> Errors {
    let of = |profile: &KubeSchedulerProfile| profile.plugins.at(ExtensionPoint::QueueSort).clone();
    let Some(canon) = profiles.first().map(of) else { return vec![] };
    let mut errors = vec![];
    let enabled = canon.enabled.len();
    if enabled > 1 {
        let rule = "only one queue sort plugin can be enabled";
        errors.push(Cause::invalid("profiles[0].plugins.queueSort.Enabled", &json!(enabled), rule));
    }
    for (index, profile) in profiles.iter().enumerate().skip(1) {
        let current = of(profile);
        if current != canon {
            let path = format!("profiles[{index}].plugins.queueSort");
            let rule = "must be the same for all profiles";
            errors.push(Cause::invalid(path, &printed(&current), rule));
        }
    }
    errors
}

fn extenders(extenders: &[Extender]) -> Errors {
    let mut errors = vec![];
    let mut managed = BTreeMap::new();
    for (index, extender) in extenders.iter().enumerate() {
        let path = format!("extenders[{index}]");
        if !extender.prioritize_verb.is_empty() && extender.weight <= 0 {
            let rule = "must have a positive weight applied to it";
            errors.push(Cause::invalid(format!("{path}.weight"), &json!(extender.weight), rule));
        }
        for (position, resource) in extender.managed_resources.iter().enumerate() {
            let path = format!("{path}.managedResources[{position}].name");
            errors.extend(extended_resource_name(&path, &resource.name));
            if managed.insert(&resource.name, ()).is_some() {
                let rule = "duplicate extender managed resource name";
                errors.push(Cause::invalid(path, &json!(resource.name), rule));
            }
        }
    }
    let binders = extenders.iter().filter(|extender| !extender.bind_verb.is_empty()).count();
    if binders > 1 {
        let value = json!(format!("found {binders} extenders implementing bind"));
        errors.push(Cause::invalid("extenders", &value, "only one extender can implement bind"));
    }
    errors
}

fn extended_resource_name(path: &str, name: &str) -> Errors {
    let broken = names::label_key(name);
    if broken.is_empty() && !is_extended_resource(name) {
        return vec![Cause::invalid(path, &json!(name), "is an invalid extended resource name")];
    }
    broken.iter().map(|rule| Cause::invalid(path, &json!(name), rule)).collect()
}

/// Whether a resource is none of Kubernetes' own. Source: IsExtendedResourceName in apis/core/v1/helper (v1.36).
pub(crate) fn is_extended_resource(name: &str) -> bool {
    let is_native = !name.contains('/') || name.contains("kubernetes.io/");
    let quota = format!("requests.{name}");
    !is_native && !name.starts_with("requests.") && names::label_key(&quota).is_empty()
}

//! What is said of an extender.

use serde::{Deserialize, Serialize};

use super::Duration;

/// How long an extender may take when nothing is said. Source: pkg/scheduler/extender.go (v1.36).
const DEFAULT_TIMEOUT: Duration = Duration::seconds(5);

/// A server that is asked about pods. A verb that is empty is not asked for.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Extender {
    /// Where it is; verbs are added with a slash.
    pub url_prefix: String,
    /// Which of the feasible nodes are.
    pub filter_verb: String,
    /// Which victims may go.
    pub preempt_verb: String,
    /// How good nodes are.
    pub prioritize_verb: String,
    /// How much its scores count.
    pub weight: i64,
    /// It binds pods instead of the scheduler.
    pub bind_verb: String,
    /// Whether TLS is spoken.
    #[serde(rename = "enableHTTPS")]
    pub enable_https: bool,
    /// How TLS is spoken.
    pub tls_config: Option<ExtenderTlsConfig>,
    /// How long it may take.
    pub http_timeout: Duration,
    /// It knows the nodes, so that names are enough.
    pub node_cache_capable: bool,
    /// It is asked about pods that want one of these; about all pods when there is none.
    pub managed_resources: Vec<ExtenderManagedResource>,
    /// Pods are scheduled without it when it fails.
    pub ignorable: bool,
}

impl Extender {
    /// How long it may take.
    pub fn timeout(&self) -> std::time::Duration {
        let given = self.http_timeout;
        if given.is_zero() { DEFAULT_TIMEOUT.to_std() } else { given.to_std() }
    }
}

/// An extended resource that an extender manages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExtenderManagedResource {
    /// Its name.
    pub name: String,
    /// Whether only the extender looks at how much of it there is.
    pub ignored_by_scheduler: bool,
}

/// How TLS is spoken with an extender. Data, in base64, goes before files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExtenderTlsConfig {
    /// Whether anybody is taken for the extender.
    pub insecure: bool,
    /// Its name, where that is not the host's.
    pub server_name: String,
    /// The scheduler's certificate.
    pub cert_file: String,
    /// The key of the scheduler's certificate.
    pub key_file: String,
    /// The authority that the extender's certificate is of.
    pub ca_file: String,
    /// The scheduler's certificate.
    pub cert_data: String,
    /// The key of the scheduler's certificate.
    pub key_data: String,
    /// The authority that the extender's certificate is of.
    pub ca_data: String,
}

//! The numbered sentences of `specs/`, read from there; and their examples, as doctests.
//!
//! A claim is a paragraph that opens with its number in bold. A line of it that opens with
//! `Mutations:` names what it kills, and in which scenario.

use serde::Serialize;

/// A numbered sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sentence {
    /// Its number, such as `POD-1`.
    pub id: String,
    /// The component whose file it stands in.
    pub component: String,
    /// What it says.
    pub text: String,
    /// The mutations that it kills.
    pub mutations: Vec<Kill>,
}

/// A mutation, and the scenario in which a claim kills it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Kill {
    /// The mutation's id.
    pub mutation: String,
    /// The scenario's name.
    pub scenario: String,
}

macro_rules! specs {
    ($($name:ident: $file:literal)*) => {
        /// The files of `specs/`.
        const FILES: &[&str] = &[$(include_str!(concat!("../../specs/", $file))),*];

        $(#[doc = include_str!(concat!("../../specs/", $file))]
        pub mod $name {})*
    };
}

specs! {
    etcd: "etcd.md"
    watch: "watch.md"
    cache: "cache.md"
    pod: "pod.md"
    scheduler: "scheduler.md"
    kubelet: "kubelet.md"
    node: "node.md"
    replica_set: "replica-set.md"
    leader_election: "leader-election.md"
    api_server: "api-server.md"
    namespace: "namespace.md"
    job: "job.md"
    disruption: "disruption.md"
    garbage_collector: "garbage-collector.md"
    stateful_set: "stateful-set.md"
    daemon_set: "daemon-set.md"
    endpoints: "endpoints.md"
    deployment: "deployment.md"
    persistent_volume: "persistent-volume.md"
    attachment: "attachment.md"
    ephemeral_volume: "ephemeral-volume.md"
    certificate: "certificate.md"
    service_account: "service-account.md"
    node_ipam: "node-ipam.md"
    service_cidr: "service-cidr.md"
    cluster_role_aggregation: "cluster-role-aggregation.md"
    ttl_after_finished: "ttl-after-finished.md"
    resource_quota: "resource-quota.md"
    cron_job: "cron-job.md"
    endpoint_slice_mirroring: "endpoint-slice-mirroring.md"
    load_balancer: "load-balancer.md"
    horizontal_pod_autoscaler: "horizontal-pod-autoscaler.md"
    node_ttl: "node-ttl.md"
    resource_claim: "resource-claim.md"
    volume_attributes_class: "volume-attributes-class.md"
    token_cleaner: "token-cleaner.md"
    persistent_volume_expander: "persistent-volume-expander.md"
}

/// All numbered sentences.
pub fn sentences() -> Vec<Sentence> {
    FILES.iter().flat_map(|file| sentences_of(file)).collect()
}

/// The sentence of this number.
pub fn sentence(id: &str) -> Option<Sentence> {
    sentences().into_iter().find(|sentence| sentence.id == id)
}

fn sentences_of(file: &str) -> Vec<Sentence> {
    let component = file.lines().next().unwrap_or_default().trim_start_matches("# ");
    file.split("\n\n").filter_map(|paragraph| parse(paragraph.trim(), component)).collect()
}

fn parse(paragraph: &str, component: &str) -> Option<Sentence> {
    let (id, rest) = paragraph.strip_prefix("**")?.split_once("**")?;
    let (text, about) = rest.split_once("\nSource:").unwrap_or((rest, ""));
    let mutations = about.split_once("Mutations:").map_or("", |(_, mutations)| mutations);
    Some(Sentence {
        id: id.to_owned(),
        component: component.to_owned(),
        text: text.split_whitespace().collect::<Vec<_>>().join(" "),
        mutations: kills(mutations),
    })
}

/// Reads "`a` in `x`, `b` in `y`".
fn kills(text: &str) -> Vec<Kill> {
    let quoted: Vec<_> = text.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    quoted
        .chunks_exact(2)
        .map(|pair| Kill { mutation: pair[0].clone(), scenario: pair[1].clone() })
        .collect()
}

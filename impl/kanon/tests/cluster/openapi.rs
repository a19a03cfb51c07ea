//! Our schemas against those that Kubernetes publishes: `api/openapi-spec/v3` of its repository at v1.36, the
//! folder that `KANON_UPSTREAM_OPENAPI` names. Without it the trial is reported as ignored.

use std::collections::BTreeSet;
use std::path::PathBuf;

use kube::Client;
use libtest_mimic::{Failed, Trial};
use serde_json::{Map, Value};

use crate::support::{Cluster, Outcome, ensure, trial};

const FOLDER: &str = "KANON_UPSTREAM_OPENAPI";

const LATER: &str = "k8s-openapi 0.29 words it as Kubernetes 1.35 did";
const UNIONS: &str = "no client reads it";
const OMITTED: &str = "OpenAPI requires it, but Go leaves its zero out";
const REFERS: &str = "a reference to a constant of Go, which the markers do not resolve";
const GRANULAR: &str = "what is said nothing of is granular";
const NO_PATHS: &str = "the deprecated /watch/ paths and those of discovery documents are not told";

/// What may differ, by the end of a line, and why.
const ALLOWED: &[(&str, &str)] = &[
    ("AppArmorProfile x-kubernetes-unions", UNIONS),
    ("PodSchedulingGroup x-kubernetes-unions", UNIONS),
    ("SeccompProfile x-kubernetes-unions", UNIONS),
    ("LimitResponse x-kubernetes-unions", UNIONS),
    ("PriorityLevelConfigurationSpec x-kubernetes-unions", UNIONS),
    ("flowcontrol.v1.Subject x-kubernetes-unions", UNIONS),
    ("MutatingAdmissionPolicyBindingList.metadata description", LATER),
    ("MutatingAdmissionPolicyList.metadata description", LATER),
    ("MutatingWebhookConfigurationList.metadata description", LATER),
    ("ValidatingAdmissionPolicyBindingList.metadata description", LATER),
    ("ValidatingAdmissionPolicyList.metadata description", LATER),
    ("ValidatingWebhookConfigurationList.metadata description", LATER),
    ("ContainerRestartRule.action default", OMITTED),
    ("ContainerRestartRuleOnExitCodes.operator default", OMITTED),
    ("ImageVolumeStatus.imageRef default", OMITTED),
    ("ParentReference.name default", OMITTED),
    ("ParentReference.resource default", OMITTED),
    ("PodCertificateProjection.keyType default", OMITTED),
    ("PodCertificateProjection.signerName default", OMITTED),
    ("TokenReviewSpec.token default", OMITTED),
    ("ValidatingAdmissionPolicyBindingSpec.policyName default", OMITTED),
    ("AzureDiskVolumeSource.cachingMode default", REFERS),
    ("AzureDiskVolumeSource.kind default", REFERS),
    ("PersistentVolumeClaimStatus.allocatedResourceStatuses x-kubernetes-map-type", GRANULAR),
    ("PersistentVolumeSpec.claimRef x-kubernetes-map-type", GRANULAR),
    ("meta.v1.APIResource", NO_PATHS),
    ("meta.v1.APIResourceList", NO_PATHS),
    ("meta.v1.WatchEvent", NO_PATHS),
    ("runtime.RawExtension", "only WatchEvent refers to it in this document"),
];

pub(crate) fn trials() -> Vec<Trial> {
    let folder = std::env::var_os(FOLDER).map(PathBuf::from);
    let is_missing = folder.is_none();
    let compare = move || schemas_are_those_of(folder.unwrap_or_default());
    vec![trial("schemas_are_those_of_kubernetes", compare).with_ignored_flag(is_missing)]
}

async fn schemas_are_those_of(folder: PathBuf) -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let client = cluster.client().await?;

    let index = get(&client, "/openapi/v3").await?;
    let mut differences = BTreeSet::new();
    for root in index["paths"].as_object().into_iter().flat_map(Map::keys) {
        let file = folder.join(format!("{}_openapi.json", root.replace('/', "__")));
        let theirs: Value = serde_json::from_slice(&std::fs::read(file)?)?;
        let ours = get(&client, &format!("/openapi/v3/{root}")).await?;
        let schemas = |document: &Value| document["components"]["schemas"].clone();
        differences.extend(compare(&schemas(&ours), &schemas(&theirs)));
    }

    let is_allowed = |line: &&String| ALLOWED.iter().any(|(end, _)| line.ends_with(end));
    let (allowed, wrong): (Vec<&String>, Vec<&String>) = differences.iter().partition(is_allowed);
    ensure(wrong.is_empty(), format!("{} schemas or fields differ: {wrong:#?}", wrong.len()))?;
    let unused = ALLOWED.iter().filter(|(end, _)| !allowed.iter().any(|line| line.ends_with(end)));
    let unused: Vec<_> = unused.collect();
    ensure(unused.is_empty(), format!("these differ no more: {unused:#?}"))
}

async fn get(client: &Client, path: &str) -> Result<Value, Failed> {
    let request = http::Request::get(path).body(vec![])?;
    Ok(serde_json::from_str(&client.request_text(request).await?)?)
}

/// A line for each schema, each field and each word of one that one side has, or has otherwise.
fn compare(ours: &Value, theirs: &Value) -> Vec<String> {
    let mut lines = vec![];
    for (name, ours, theirs) in pairs(ours, theirs) {
        let (Some(ours), Some(theirs)) = (ours, theirs) else {
            lines.push(name.to_owned());
            continue;
        };
        let words = differing(ours, theirs).filter(|word| *word != "properties");
        lines.extend(words.map(|word| format!("{name} {word}")));
        for (field, ours, theirs) in pairs(&ours["properties"], &theirs["properties"]) {
            match (ours, theirs) {
                (Some(ours), Some(theirs)) => {
                    let words = differing(ours, theirs);
                    lines.extend(words.map(|word| format!("{name}.{field} {word}")));
                }
                _ => lines.push(format!("{name}.{field}")),
            }
        }
    }
    lines
}

/// The entries of both, by name.
fn pairs<'a>(
    ours: &'a Value,
    theirs: &'a Value,
) -> impl Iterator<Item = (&'a str, Option<&'a Value>, Option<&'a Value>)> {
    let names = [ours, theirs].into_iter().filter_map(Value::as_object).flat_map(Map::keys);
    let names: BTreeSet<&str> = names.map(String::as_str).collect();
    names.into_iter().map(|name| (name, ours.get(name), theirs.get(name)))
}

fn differing<'a>(ours: &'a Value, theirs: &'a Value) -> impl Iterator<Item = &'a str> {
    let differs = |(_, ours, theirs): &(&str, Option<&Value>, Option<&Value>)| {
        in_order(*ours) != in_order(*theirs)
    };
    pairs(ours, theirs).filter(differs).map(|(word, ..)| word)
}

/// Lists of names and of kinds say the same in any order.
fn in_order(value: Option<&Value>) -> Option<Value> {
    let mut value = value?.clone();
    if let Some(list) = value.as_array_mut() {
        list.sort_by_key(Value::to_string);
    }
    Some(value)
}

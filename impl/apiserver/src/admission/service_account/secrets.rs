//! Which secrets a pod may name: those of its account where the account says so, and none for a mirror pod.

use api::Status;
use api::object::{at, text};
use api::pod_resources::containers;
use serde_json::Value;

use super::Admission;

/// Where an account says that pods may mount only the secrets that it lists. Deprecated, and obeyed.
const ENFORCE: &str = "kubernetes.io/enforce-mountable-secrets";
/// What Go reads as true.
const TRUE: [&str; 6] = ["1", "t", "T", "TRUE", "true", "True"];
/// Volumes that name a secret, and where they do.
const VOLUMES: [(&str, &str); 10] = [
    ("azureFile", "secretName"),
    ("cephfs", "secretRef"),
    ("cinder", "secretRef"),
    ("csi", "nodePublishSecretRef"),
    ("flexVolume", "secretRef"),
    ("iscsi", "secretRef"),
    ("rbd", "secretRef"),
    ("scaleIO", "secretRef"),
    ("secret", "secretName"),
    ("storageos", "secretRef"),
];

/// A mirror pod shows what a kubelet runs by itself, and gets nothing of the API server.
pub(super) fn check_mirror(admission: Admission<'_>, pod: &Value) -> Result<(), Status> {
    let why = if !text(pod, &["spec", "serviceAccountName"]).is_empty() {
        "a mirror pod may not reference service accounts"
    } else if names_secrets(pod) {
        "a mirror pod may not reference secrets"
    } else if projections(pod).any(|source| source.get("serviceAccountToken").is_some()) {
        "a mirror pod may not use ServiceAccountToken volume projections"
    } else {
        return Ok(());
    };
    Err(admission.forbidden(why))
}

fn names_secrets(pod: &Value) -> bool {
    let of_container = |container: &Value| variables(container).next().is_some();
    let of_volume =
        |volume: &Value| VOLUMES.iter().any(|(kind, field)| at(volume, &[kind, field]).is_some());
    list(pod, &["spec", "imagePullSecrets"]).next().is_some()
        || CONTAINERS.iter().any(|(field, _)| containers(pod, field).any(of_container))
        || list(pod, &["spec", "volumes"]).any(of_volume)
        || projections(pod).any(|source| source.get("secret").is_some())
}

fn projections(pod: &Value) -> impl Iterator<Item = &Value> {
    list(pod, &["spec", "volumes"]).flat_map(|volume| list(volume, &["projected", "sources"]))
}

fn list<'a>(value: &'a Value, path: &[&str]) -> impl Iterator<Item = &'a Value> + use<'a> {
    at(value, path).and_then(Value::as_array).into_iter().flatten()
}

/// The lists of containers, and what upstream calls one of them.
const CONTAINERS: [(&str, &str); 2] =
    [("initContainers", "init container"), ("containers", "container")];

/// Secrets that variables of a container come from, and the name of the variable where there is one.
fn variables(container: &Value) -> impl Iterator<Item = (&str, Option<&str>)> {
    let one = list(container, &["env"]).filter_map(|variable| {
        let name = at(variable, &["valueFrom", "secretKeyRef", "name"])?.as_str()?;
        Some((name, Some(text(variable, &["name"]))))
    });
    let all = list(container, &["envFrom"])
        .filter_map(|source| Some((at(source, &["secretRef", "name"])?.as_str()?, None)));
    one.chain(all)
}

/// Holds a new pod to the secrets of its account, if the account says so.
pub(super) fn check(admission: Admission<'_>, pod: &Value, account: &Value) -> Result<(), Status> {
    if !is_enforced(account) {
        return Ok(());
    }
    let volumes = list(pod, &["spec", "volumes"]);
    let mut refused = volumes
        .map(|volume| text(volume, &["secret", "secretName"]))
        .filter(|name| !name.is_empty() && !mounts(account, "secrets", name))
        .map(|name| format!("volume with secret.secretName=\"{name}\" {}", not_allowed(account)))
        .chain(CONTAINERS.iter().flat_map(|(field, what)| {
            containers(pod, field).flat_map(|container| of_container(container, what, account))
        }))
        .chain(of_pulls(pod, account));
    refused.next().map_or(Ok(()), |why| Err(admission.forbidden(&why)))
}

/// The same of ephemeral containers, which have no volumes of their own.
pub(super) fn check_ephemeral(
    admission: Admission<'_>,
    pod: &Value,
    account: &Value,
) -> Result<(), Status> {
    if !is_enforced(account) {
        return Ok(());
    }
    let containers = containers(pod, "ephemeralContainers");
    let mut refused =
        containers.flat_map(|container| of_container(container, "ephemeral container", account));
    refused.next().map_or(Ok(()), |why| Err(admission.forbidden(&why)))
}

fn is_enforced(account: &Value) -> bool {
    TRUE.contains(&text(account, &["metadata", "annotations", ENFORCE]))
}

fn mounts(account: &Value, field: &str, name: &str) -> bool {
    list(account, &[field]).any(|secret| text(secret, &["name"]) == name)
}

fn not_allowed(account: &Value) -> String {
    let account = text(account, &["metadata", "name"]);
    format!("is not allowed because service account {account} does not reference that secret")
}

fn of_container<'a>(
    container: &'a Value,
    what: &'a str,
    account: &'a Value,
) -> impl Iterator<Item = String> + 'a {
    let name = text(container, &["name"]);
    let refused = variables(container).filter(|(secret, _)| !mounts(account, "secrets", secret));
    refused.map(move |(secret, variable)| {
        let by = match variable {
            Some(variable) => format!("envVar {variable}"),
            None => "envFrom".to_owned(),
        };
        let why = not_allowed(account);
        format!("{what} {name} with {by} referencing secret.secretName=\"{secret}\" {why}")
    })
}

fn of_pulls<'a>(pod: &'a Value, account: &'a Value) -> impl Iterator<Item = String> + 'a {
    let named = list(pod, &["spec", "imagePullSecrets"]).map(|secret| text(secret, &["name"]));
    let refused = named.enumerate().filter(|(_, name)| !mounts(account, "imagePullSecrets", name));
    refused.map(|(index, name)| {
        let account = text(account, &["metadata", "name"]);
        format!(
            "imagePullSecrets[{index}].name=\"{name}\" is not allowed because service account {account} does not reference that imagePullSecret"
        )
    })
}

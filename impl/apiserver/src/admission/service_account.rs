//! ServiceAccount: a pod runs as a service account that is there, with a token of it at hand, and pulls
//! images with its secrets.
//!
//! Waits for no account that a controller is about to make, as upstream does for a second or two.
//! Source: plugin/pkg/admission/serviceaccount/admission.go, v1.36.

mod secrets;

use api::object::{ROOT_CA, at, object_at_mut, text};
use api::{Status, resources};
use serde_json::{Value, json};

use super::Admission;
use crate::write::generate_name;

const MIRROR: &str = "kubernetes.io/config.mirror";

/// Where programs look for the token of their pod.
const MOUNT_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// How the volume is called that shows it, before five letters.
const VOLUME: &str = "kube-api-access-";
/// For how long a token is asked for, a little longer than by others, so that it is known from them.
const EXPIRATION_SECONDS: i64 = 3607;
/// Over how many names a generated suffix is spread.
const SUFFIXES: u64 = 27_u64.pow(5);

/// Admits a new pod.
pub(super) fn admit(admission: Admission<'_>, pod: &mut Value, random: u64) -> Result<(), Status> {
    if at(pod, &["metadata", "annotations", MIRROR]).is_some() {
        return secrets::check_mirror(admission, pod);
    }
    let name = match text(pod, &["spec", "serviceAccountName"]) {
        "" => "default".to_owned(),
        name => name.to_owned(),
    };
    let account = account(admission, &name)?;
    let spec = object_at_mut(pod, "spec");
    spec.insert("serviceAccountName".to_owned(), json!(name));
    let has_secrets = |holder: Option<&Value>| {
        holder.and_then(Value::as_array).is_some_and(|secrets| !secrets.is_empty())
    };
    let secrets = at(&account, &["imagePullSecrets"]);
    if !has_secrets(spec.get("imagePullSecrets")) && has_secrets(secrets) {
        spec.insert("imagePullSecrets".to_owned(), json!(secrets));
    }
    if wants_token(pod, &account) {
        mount_token(pod, random);
    }
    secrets::check(admission, pod, &account)
}

/// Admits the ephemeral containers of a pod.
pub(super) fn admit_ephemeral(admission: Admission<'_>, pod: &Value) -> Result<(), Status> {
    let account = account(admission, text(pod, &["spec", "serviceAccountName"]))?;
    secrets::check_ephemeral(admission, pod, &account)
}

fn account(admission: Admission<'_>, name: &str) -> Result<Value, Status> {
    let namespace = admission.target.namespace.as_deref().unwrap_or_default();
    let account = admission.find(&resources::SERVICE_ACCOUNTS, Some(namespace), name);
    account.ok_or_else(|| {
        admission.forbidden(&format!(
            "error looking up service account {namespace}/{name}: serviceaccount \"{name}\" not found"
        ))
    })
}

/// What the pod says counts, then what the account says.
fn wants_token(pod: &Value, account: &Value) -> bool {
    let said = |holder: Option<&Value>| holder?.get("automountServiceAccountToken")?.as_bool();
    said(pod.get("spec")).or_else(|| said(Some(account))).unwrap_or(true)
}

/// Shows a token to every container that has nothing else in its place.
fn mount_token(pod: &mut Value, random: u64) {
    let spec = object_at_mut(pod, "spec");
    let volumes = spec.get("volumes").and_then(Value::as_array).into_iter().flatten();
    let mut names = volumes.map(|volume| text(volume, &["name"]));
    let given = names.find(|name| name.starts_with(VOLUME)).map(str::to_owned);
    // The letters of a generated name of the pod come from the first digits of the same number.
    let name = given.clone().unwrap_or_else(|| generate_name(VOLUME, random / SUFFIXES));
    let mut is_mounted = false;
    for list in ["initContainers", "containers"] {
        let containers = spec.get_mut(list).and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten() {
            is_mounted |= mount(container, &name);
        }
    }
    if given.is_none() && is_mounted {
        let volumes = spec.entry("volumes").or_insert_with(|| json!([]));
        if let Some(volumes) = volumes.as_array_mut() {
            volumes.push(json!({"name": name, "projected": token_volume()}));
        }
    }
}

/// Whether a container had nothing in the token's place, which it gets then.
fn mount(container: &mut Value, volume: &str) -> bool {
    let Some(container) = container.as_object_mut() else { return false };
    let mounts = container.entry("volumeMounts").or_insert_with(|| json!([]));
    let Some(mounts) = mounts.as_array_mut() else { return false };
    if mounts.iter().any(|mount| text(mount, &["mountPath"]) == MOUNT_PATH) {
        return false;
    }
    mounts.push(json!({"name": volume, "readOnly": true, "mountPath": MOUNT_PATH}));
    true
}

/// The token, whom to trust, and the namespace.
fn token_volume() -> Value {
    json!({"defaultMode": 0o644, "sources": [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": EXPIRATION_SECONDS}},
        {"configMap": {"name": ROOT_CA, "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace",
            "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}},
    ]})
}

#[cfg(test)]
mod tests;

//! ServiceAccount: a pod runs as a service account that is there, and pulls images with its secrets.
//!
//! Leaves out the volume with the account's token, which kubelets do not make yet.
//! Source: plugin/pkg/admission/serviceaccount/admission.go, v1.36.

use api::object::{at, object_at_mut, text};
use api::{Status, resources};
use serde_json::{Value, json};

use super::Admission;

const MIRROR: &str = "kubernetes.io/config.mirror";

/// Admits a new pod.
pub(super) fn admit(admission: Admission<'_>, pod: &mut Value) -> Result<(), Status> {
    if at(pod, &["metadata", "annotations", MIRROR]).is_some() {
        return Ok(());
    }
    let name = match text(pod, &["spec", "serviceAccountName"]) {
        "" => "default".to_owned(),
        name => name.to_owned(),
    };
    let namespace = admission.target.namespace.as_deref().unwrap_or_default();
    let account = admission.find(&resources::SERVICE_ACCOUNTS, Some(namespace), &name);
    let account = account.ok_or_else(|| {
        admission.forbidden(&format!(
            "error looking up service account {namespace}/{name}: serviceaccount \"{name}\" not found"
        ))
    })?;
    let spec = object_at_mut(pod, "spec");
    spec.insert("serviceAccountName".to_owned(), json!(name));
    let has_secrets = |holder: Option<&Value>| {
        holder.and_then(Value::as_array).is_some_and(|secrets| !secrets.is_empty())
    };
    let secrets = at(&account, &["imagePullSecrets"]);
    if !has_secrets(spec.get("imagePullSecrets")) && has_secrets(secrets) {
        spec.insert("imagePullSecrets".to_owned(), json!(secrets));
    }
    Ok(())
}

//! kubectl's verbs that write, and the lines that it prints.
//!
//! Source: `staging/src/k8s.io/kubectl/pkg/cmd`, v1.36, among it `util/helpers.go` for refusals.

use std::collections::BTreeSet;

use api::object::text;
use api::resources;
use serde_json::{Value, json};

use crate::sim::scenario::cluster::Answer;
use crate::sim::scenario::field::plain;
use crate::sim::scenario::table::list;
use crate::sim::scenario::words::{Object, kind};
use crate::sim::world::World;

impl World<'_> {
    /// Creates the objects of some YAML documents.
    pub(super) fn create(&mut self, documents: &str) -> Result<String, String> {
        let objects = documents.split("\n---\n").map(document).collect::<Result<Vec<_>, _>>()?;
        let lines = objects.iter().map(|object| self.create_one(object));
        Ok(lines.collect::<Result<Vec<_>, _>>()?.join("\n"))
    }

    fn create_one(&mut self, object: &Value) -> Result<String, String> {
        let (version, name) = (text(object, &["apiVersion"]), text(object, &["kind"]));
        let found =
            resources::ALL.iter().find(|one| one.kind == name && one.api_version() == version);
        let Some(resource) = found else {
            return Ok(format!(
                "error: resource mapping not found: no matches for kind \"{name}\" in version \"{version}\""
            ));
        };
        let namespace = match text(object, &["metadata", "namespace"]) {
            "" => "default",
            namespace => namespace,
        };
        let created = self.write(("POST", resource.path(Some(namespace))), object);
        let name = |created: Value| text(&created, &["metadata", "name"]).to_owned();
        Ok(said(created.map(|created| format!("{}/{} created", kind(resource), name(created)))))
    }

    /// Patches an object.
    pub(super) fn patch(&mut self, of: &Object, subresource: &str, patch: &Value) -> String {
        let before = self.read(of.path(), "", false);
        let path = match subresource {
            "" => of.path(),
            subresource => format!("{}/{subresource}", of.path()),
        };
        let patched = self.write(("PATCH", path), patch);
        let changes = self.read(of.path(), "", false) != before;
        let how = if changes { "patched" } else { "patched (no change)" };
        said(patched.map(|_| format!("{}/{} {how}", of.kind(), of.name)))
    }

    /// Changes how many replicas are wanted.
    pub(super) fn scale(&mut self, of: &Object, replicas: i64) -> String {
        let patch = json!({"spec": {"replicas": replicas}});
        let scaled = self.write(("PATCH", format!("{}/scale", of.path())), &patch);
        said(scaled.map(|_| format!("{}/{} scaled", of.kind(), of.name)))
    }

    /// Deletes an object.
    pub(super) fn delete(&mut self, of: &Object, options: &Value) -> String {
        let deleted = self.write(("DELETE", of.path()), options);
        let how = if options["gracePeriodSeconds"] == 0 { "force deleted" } else { "deleted" };
        let place = match of.namespace.as_str() {
            "" => String::new(),
            namespace => format!(" from {namespace} namespace"),
        };
        said(deleted.map(|_| format!("{} \"{}\" {how}{place}", of.kind(), of.name)))
    }

    /// Evicts a pod.
    pub(super) fn evict(&mut self, pod: &Object) -> String {
        let metadata = json!({"name": pod.name, "namespace": pod.namespace});
        let body = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata});
        let evicted = self.write(("POST", format!("{}/eviction", pod.path())), &body);
        said(evicted.map(|_| format!("pod/{} evicted", pod.name)))
    }
}

fn document(text: &str) -> Result<Value, String> {
    Ok(api::decode::parse_yaml(text.as_bytes()).map_err(|error| error.to_string())?.value)
}

/// What kubectl prints.
pub(super) fn said(answer: Result<String, Value>) -> String {
    answer.unwrap_or_else(|status| refusal(&status))
}

/// What kubectl prints of a refusal.
pub(super) fn refusal(status: &Value) -> String {
    let (reason, message) = (text(status, &["reason"]), text(status, &["message"]));
    match reason {
        "" => format!("Error from server: {message}"),
        "Invalid" => invalid(status),
        reason => format!("Error from server ({reason}): {message}"),
    }
}

fn invalid(status: &Value) -> String {
    let details = &status["details"];
    let head =
        format!("The {} \"{}\" is invalid", text(details, &["kind"]), text(details, &["name"]));
    let cause = |cause: &Value| format!("{}: {}", plain(&cause["field"]), plain(&cause["message"]));
    let mut told = BTreeSet::new();
    let causes = list(&details["causes"]).iter().map(cause);
    let causes: Vec<String> = causes.filter(|cause| told.insert(cause.clone())).collect();
    match causes.as_slice() {
        [] => head,
        [one] => format!("{head}: {one}"),
        causes => format!("{head}:\n* {}", causes.join("\n* ")),
    }
}

/// An answer that nobody looks at, but for a refusal.
pub(super) fn shown(answer: Answer, show: impl FnOnce(&Value) -> String) -> String {
    said(answer.map(|value| show(&value)))
}

//! POST of `pods/NAME/binding`: a scheduler's word on where a pod runs. Only the first counts.
//!
//! Source: pkg/registry/core/pod/storage/storage.go, v1.36 (`assignPod`, `setPodNodeAndMetadata`).

use api::object::{at, object_at_mut, text};
use api::status::{Cause, told};
use api::{Reason, Status, Timestamp, resources};
use http::Method;
use serde_json::{Value, json};
use store::{Revision, Transaction};

use crate::call::{Decision, Instead, Response};
use crate::route::Objects;
use crate::write::beside::Beside;
use crate::write::body::Body;
use crate::write::{Ready, Write, body, create, update};
use crate::{admission, object, read};

/// POST of `bindings`: the same, for the pod that the binding names itself.
pub(crate) fn bind_named(write: Write<'_>) -> Result<Decision, Status> {
    if write.call.method != Method::POST || write.target.name.is_some() {
        return Err(Status::method_not_allowed());
    }
    let binding = body::of_kind(write.call, &resources::BINDINGS)?.object;
    let name = text(&binding, &["metadata", "name"]);
    if name.is_empty() {
        return Err(Status::bad_request("Name parameter required."));
    }
    let target = Objects {
        resource: &resources::PODS,
        version: None,
        namespace: write.target.namespace.clone(),
        name: Some(name.to_owned()),
        subresource: "binding",
    };
    bind(Write { target: &target, ..write })
}

/// Decides about a binding.
pub(crate) fn bind(write: Write<'_>) -> Result<Decision, Status> {
    let Body { object: mut binding, warnings } = body::of_kind(write.call, &resources::BINDINGS)?;
    create::set_namespace(write, &mut binding)?;
    admission::admit_subresource(write)?;
    let name = write.target.name()?;
    if name != text(&binding, &["metadata", "name"]) {
        return Err(Status::bad_request("name in URL does not match name in Binding object"));
    }
    let node = target_node(&binding)?;
    let (mut pod, revision) = write.current()?;
    check_revision(name, &binding, revision)?;
    let uid = text(&binding, &["metadata", "uid"]);
    if !uid.is_empty() && uid != read::uid(&pod) {
        return Err(update::uid_conflict(&resources::PODS, name, uid, read::uid(&pod)));
    }
    check_unbound(name, &pod, node)?;
    object_at_mut(&mut pod, "spec").insert("nodeName".to_owned(), json!(node));
    object_at_mut(&mut pod, "status").remove("nominatedNodeName");
    set_metadata(&mut pod, &binding);
    set_scheduled(&mut pod, write.context.now);
    let value = object::encode(&resources::PODS, &pod);
    let transaction = Transaction::update(write.key(name), revision, value);
    let beside = Beside::default();
    let ready = Ready { transaction, beside, object: pod, action: "bind", code: 201, warnings };
    let mut decision = write.finish(ready)?;
    let bound = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201});
    match &mut decision {
        Decision::Commit(commit) => commit.answer.instead = Some(Instead::Value(bound)),
        Decision::Respond(response) => {
            let warnings = std::mem::take(&mut response.warnings);
            *response = Response { warnings, ..Response::json(201, &bound) };
        }
        Decision::Each(..) | Decision::Watch(_) | Decision::Node(_) | Decision::Proxy(_) => {}
    }
    Ok(decision)
}

/// A scheduler may name the version of the pod that it has seen.
fn check_revision(name: &str, binding: &Value, found: Revision) -> Result<(), Status> {
    let asked = text(binding, &["metadata", "resourceVersion"]);
    if asked.is_empty() || asked == found.to_string() {
        return Ok(());
    }
    let what = "Precondition failed: ResourceVersion in precondition";
    let why = format!("{what}: {asked}, ResourceVersion in object meta: {found}");
    Err(Status::conflict(&resources::PODS, name, &why))
}

/// Upstream takes a binding to nothing for its own fault (`ValidatePodBinding`, answered without a reason).
fn target_node(binding: &Value) -> Result<&str, Status> {
    let node = text(binding, &["target", "name"]);
    let kind = text(binding, &["target", "kind"]);
    let mut causes = vec![];
    if node.is_empty() {
        causes.push(Cause::required("target.name", ""));
    }
    if !matches!(kind, "" | "Node") {
        causes.push(Cause::not_supported("target.kind", &json!(kind), &["Node", "<empty>"]));
    }
    if causes.is_empty() { Ok(node) } else { Err(Status::new(Reason::Unknown, told(&causes))) }
}

fn check_unbound(name: &str, pod: &Value, node: &str) -> Result<(), Status> {
    let conflict =
        |why: &str| Err(Status::conflict(&resources::PODS, &format!("pods/binding {name}"), why));
    let bound = text(pod, &["spec", "nodeName"]);
    if !bound.is_empty() {
        return conflict(&format!("pod {name} is already assigned to node \"{bound}\""));
    }
    if at(pod, &["metadata", "deletionTimestamp"]).is_some() {
        return conflict(&format!("pod {name} is being deleted, cannot be assigned to a host"));
    }
    let gates = at(pod, &["spec", "schedulingGates"]).and_then(Value::as_array);
    if gates.is_some_and(|gates| !gates.is_empty()) {
        return conflict(&format!(
            "pod {name} has non-empty .spec.schedulingGates: cannot be assigned to {node}"
        ));
    }
    Ok(())
}

/// Labels and annotations of a binding become the pod's.
fn set_metadata(pod: &mut Value, binding: &Value) {
    for field in ["annotations", "labels"] {
        let Some(given) = at(binding, &["metadata", field]).and_then(Value::as_object) else {
            continue;
        };
        let metadata = object_at_mut(pod, "metadata");
        let held = metadata.entry(field).or_insert_with(|| json!({}));
        held.as_object_mut().into_iter().for_each(|held| held.extend(given.clone()));
    }
}

fn set_scheduled(pod: &mut Value, now: Timestamp) {
    let condition = json!({"type": "PodScheduled", "status": "True",
        "lastProbeTime": null, "lastTransitionTime": api::time::text(now)});
    let status = object_at_mut(pod, "status");
    let conditions = status.entry("conditions").or_insert_with(|| json!([]));
    if let Some(conditions) = conditions.as_array_mut() {
        conditions.retain(|condition| condition["type"] != "PodScheduled");
        conditions.push(condition);
    }
}

#[cfg(test)]
mod tests {
    use store::Store;

    use super::*;
    use crate::call::{Call, Context};
    use crate::keys;
    use crate::testing::{Client, refusal};

    #[test]
    fn a_binding_is_of_the_pod_in_the_path_as_it_was_seen() {
        let mut client = Client::new();
        client.created("/api/v1/namespaces", &json!({"metadata": {"name": "n"}}));
        let accounts = "/api/v1/namespaces/n/serviceaccounts";
        client.created(accounts, &json!({"metadata": {"name": "default"}}));
        let containers = json!([{"name": "c", "image": "i"}]);
        let pod = json!({"metadata": {"name": "p"}, "spec": {"containers": containers}});
        client.created("/api/v1/namespaces/n/pods", &pod);
        let node = json!({"name": "node-1"});
        let table = [
            (json!({"name": "q"}), &node, 400, "name in URL does not match name in Binding object"),
            (
                json!({"name": "p", "namespace": "o"}),
                &node,
                400,
                "the namespace of the provided object does not match the namespace sent on the request",
            ),
            (
                json!({"name": "p", "resourceVersion": "1"}),
                &node,
                409,
                "Operation cannot be fulfilled on pods \"p\": Precondition failed: ResourceVersion in \
                 precondition: 1, ResourceVersion in object meta: 4",
            ),
            (json!({"name": "p"}), &json!({}), 500, "target.name: Required value"),
            (
                json!({"name": "p"}),
                &json!({"name": "n", "kind": "Pod"}),
                500,
                "target.kind: Unsupported value: \"Pod\": supported values: \"Node\", \"<empty>\"",
            ),
        ];
        for (metadata, target, code, why) in table {
            let binding = json!({"metadata": metadata, "target": target});
            let decision =
                client.decide(&Method::POST, "/api/v1/namespaces/n/pods/p/binding", &binding);
            assert_eq!(refusal(decision), (code, why.to_owned()), "{binding}");
        }
        let nameless =
            client.decide(&Method::POST, "/api/v1/namespaces/n/bindings", &json!({"target": node}));
        assert_eq!(refusal(nameless), (400, "Name parameter required.".to_owned()));
    }

    #[test]
    fn a_binding_may_name_its_pod_itself_and_ends_its_nomination() {
        let mut store = Store::default();
        let key = keys::key(&resources::PODS, Some("n"), "p");
        let status = json!({"nominatedNodeName": "node-2"});
        let pod = json!({"metadata": {"name": "p", "namespace": "n"}, "status": status});
        let value = object::encode(&resources::PODS, &pod);
        store.commit(&Transaction::create(key, value)).expect("nobody else writes");
        let namespace = json!({"metadata": {"name": "n"}});
        let value = object::encode(&resources::NAMESPACES, &namespace);
        let key = keys::key(&resources::NAMESPACES, None, "n");
        store.commit(&Transaction::create(key, value)).expect("nobody else writes");
        let metadata = json!({"name": "p", "labels": {"zone": "a"}, "annotations": {"by": "us"}});
        let binding = json!({"metadata": metadata, "target": {"name": "node-1"}});

        let call = Call::of_tests(Method::POST, "/api/v1/namespaces/n/bindings", &binding);
        let decision = crate::decide(&store, &call, &Context::of_tests());

        let Decision::Commit(commit) = decision else { panic!("the pod is bound") };
        assert_eq!(commit.object["spec"]["nodeName"], "node-1");
        assert_eq!(commit.object["status"].get("nominatedNodeName"), None);
        assert_eq!(commit.object["metadata"]["labels"], json!({"zone": "a"}));
        assert_eq!(commit.object["metadata"]["annotations"], json!({"by": "us"}));
        assert_eq!(commit.action, "bind");
    }
}

//! POST of `pods/NAME/binding`: a scheduler's word on where a pod runs. Only the first counts.
//!
//! Source: pkg/registry/core/pod/storage/storage.go, v1.36 (`assignPod`, `setPodNodeAndMetadata`).

use api::object::{at, object_at_mut, text};
use api::status::Cause;
use api::{Status, Timestamp, resources};
use http::Method;
use serde_json::{Value, json};
use store::Transaction;

use crate::call::Decision;
use crate::route::Objects;
use crate::write::beside::Beside;
use crate::write::{Ready, Write, body, update};
use crate::{object, read};

/// POST of `bindings`: the same, for the pod that the binding names itself.
pub(crate) fn bind_named(write: Write<'_>) -> Result<Decision, Status> {
    if write.call.method != Method::POST || write.target.name.is_some() {
        return Err(Status::method_not_allowed());
    }
    let binding = body::options(write.call)?;
    let target = Objects {
        resource: &resources::PODS,
        version: None,
        namespace: write.target.namespace.clone(),
        name: Some(text(&binding, &["metadata", "name"]).to_owned()),
        subresource: "binding",
    };
    bind(Write { target: &target, ..write })
}

/// Decides about a binding.
pub(crate) fn bind(write: Write<'_>) -> Result<Decision, Status> {
    let binding = body::options(write.call)?;
    let name = write.target.name()?;
    let node = target_node(name, &binding)?;
    let (mut pod, revision) = write.current()?;
    let uid = text(&binding, &["metadata", "uid"]);
    if !uid.is_empty() && uid != read::uid(&pod) {
        return Err(update::uid_conflict(&resources::PODS, name, uid, read::uid(&pod)));
    }
    check_unbound(name, &pod, node)?;
    object_at_mut(&mut pod, "spec").insert("nodeName".to_owned(), json!(node));
    object_at_mut(&mut pod, "status").remove("nominatedNodeName");
    set_scheduled(&mut pod, write.context.now);
    let value = object::encode(&resources::PODS, &pod);
    let transaction = Transaction::update(write.key(name), revision, value);
    let (beside, warnings) = (Beside::default(), vec![]);
    let ready = Ready { transaction, beside, object: pod, action: "bind", code: 201, warnings };
    let mut decision = write.finish(ready)?;
    if let Decision::Commit(commit) = &mut decision {
        commit.answer.instead = Some(json!({"kind": "Status", "apiVersion": "v1", "metadata": {},
            "status": "Success", "code": 201}));
    }
    Ok(decision)
}

fn target_node<'a>(name: &str, binding: &'a Value) -> Result<&'a str, Status> {
    let node = text(binding, &["target", "name"]);
    let kind = text(binding, &["target", "kind"]);
    let mut causes = vec![];
    if node.is_empty() {
        causes.push(Cause::required("target.name", ""));
    }
    if !matches!(kind, "" | "Node") {
        causes.push(Cause::not_supported("target.kind", &json!(kind), &["Node", ""]));
    }
    if causes.is_empty() {
        return Ok(node);
    }
    let mut status = Status::invalid(&resources::PODS, name, causes);
    status.kind = "Binding".to_owned();
    status.message = status.message.replacen("Pod", "Binding", 1);
    Err(status)
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

    #[test]
    fn a_binding_may_name_its_pod_itself_and_ends_its_nomination() {
        let mut store = Store::default();
        let key = keys::key(&resources::PODS, Some("n"), "p");
        let status = json!({"nominatedNodeName": "node-2"});
        let pod = json!({"metadata": {"name": "p", "namespace": "n"}, "status": status});
        let value = object::encode(&resources::PODS, &pod);
        store.commit(&Transaction::create(key, value)).expect("nobody else writes");
        let binding = json!({"metadata": {"name": "p"}, "target": {"name": "node-1"}});

        let call = Call::of_tests(Method::POST, "/api/v1/namespaces/n/bindings", &binding);
        let decision = crate::decide(&store, &call, &Context::of_tests());

        let Decision::Commit(commit) = decision else { panic!("the pod is bound") };
        assert_eq!(commit.object["spec"]["nodeName"], "node-1");
        assert_eq!(commit.object["status"].get("nominatedNodeName"), None);
        assert_eq!(commit.action, "bind");
    }
}

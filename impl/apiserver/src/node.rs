//! Requests that a kubelet answers: logs, commands in containers, and ports of pods.

use api::Status;
use api::object::{at, text};
use serde_json::Value;

use crate::call::{Call, Decision, NodeCall, Response};
use crate::object;
use crate::options;
use crate::read;
use crate::route::Objects;

/// Finds the node and the container that a request means.
///
/// Source: pkg/registry/core/pod/strategy.go, v1.36 (`LogLocation`, `streamLocation`, `PortForwardLocation`).
pub(crate) fn forward(
    store: &store::Store,
    call: &Call,
    target: &Objects,
) -> Result<Decision, Status> {
    let name = target.name()?;
    if target.subresource == "log" {
        options::log::check(call, name)?;
    }
    let pod = object::decode(read::find(store, target)?);
    let container = match target.subresource {
        "portforward" => String::new(),
        _ => container(&pod, name, call.parameter("container"))?,
    };
    let node = text(&pod, &["spec", "nodeName"]);
    if node.is_empty() && target.subresource == "log" {
        return Ok(Decision::Respond(Response::bytes(204, "", vec![])));
    }
    if node.is_empty() {
        let why = format!("pod {name} does not have a host assigned");
        return Err(Status::bad_request(why));
    }
    Ok(Decision::Node(NodeCall {
        subresource: target.subresource.to_owned(),
        node: node.to_owned(),
        namespace: target.namespace.clone().unwrap_or_default(),
        pod: name.to_owned(),
        container,
        query: call.query.clone(),
    }))
}

fn container(pod: &Value, name: &str, asked: &str) -> Result<String, Status> {
    let names = |field: &str| -> Vec<String> {
        let list = at(pod, &["spec", field]).and_then(Value::as_array);
        list.into_iter().flatten().map(|container| text(container, &["name"]).to_owned()).collect()
    };
    let (containers, init) = (names("containers"), names("initContainers"));
    let ephemeral = names("ephemeralContainers");
    if asked.is_empty() {
        if let [only] = containers.as_slice() {
            return Ok(only.clone());
        }
        let mut why = format!(
            "a container name must be specified for pod {name}, choose one of: [{}]",
            containers.join(" ")
        );
        if !init.is_empty() {
            why.push_str(&format!(" or one of the init containers: [{}]", init.join(" ")));
        }
        return Err(Status::bad_request(why));
    }
    if containers.iter().chain(&init).chain(&ephemeral).any(|known| known == asked) {
        return Ok(asked.to_owned());
    }
    Err(Status::bad_request(format!("container {asked} is not valid for pod {name}")))
}

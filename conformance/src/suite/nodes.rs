//! Nodes and their Leases: what kubelets and the node lifecycle controller ask for.

use http::Method;
use model::walks::{Walk, WalkStep};
use serde_json::{Value, json};

use super::connection::Answer;
use super::kubeconfig::CannotRun;
use super::objects;
use super::replay::{Compared, JSON, LEASES, Replay, STRATEGIC, granted_as};
use super::resources;

/// How often an update is made again when others are faster.
const ATTEMPTS_MAX: usize = 10;

impl Replay<'_> {
    /// A kubelet that registers a node that is there already goes on with it.
    pub(super) async fn register(&mut self, name: &str) -> Result<Compared, CannotRun> {
        let body = objects::node(&self.node(name));
        let answer = self.send(Method::POST, "/api/v1/nodes", JSON, &body).await?;
        let expected = "201, or 409 AlreadyExists".to_owned();
        let is_expected = matches!(answer.code, 201 | 409);
        Ok(if is_expected { Ok(()) } else { Err((expected, answer.summary())) })
    }

    pub(super) async fn renew(&mut self, name: &str) -> Result<Compared, CannotRun> {
        let real = self.node(name);
        let path = format!("{LEASES}/{real}");
        let found = self.get(&path).await?;
        let mut lease = objects::lease(&real);
        let answer = if found.is_granted() {
            lease["metadata"]["resourceVersion"] = json!(found.resource_version());
            self.send(Method::PUT, &path, JSON, &lease).await?
        } else {
            self.send(Method::POST, LEASES, JSON, &lease).await?
        };
        let expected = || ("the Lease is written".to_owned(), answer.summary());
        Ok(if answer.is_granted() { Ok(()) } else { Err(expected()) })
    }

    /// An update that was outrun by the cluster's own controllers is made again from what they left.
    pub(super) async fn change_node(
        &mut self,
        step: &WalkStep,
        request: &Value,
        name: &str,
    ) -> Result<Compared, CannotRun> {
        let mut answer = self.try_change_node(request, name).await?;
        for _ in 1..ATTEMPTS_MAX {
            if request["outdated"] == true || answer.code != 409 {
                break;
            }
            answer = self.try_change_node(request, name).await?;
        }
        Ok(granted_as(step, &answer))
    }

    /// An update names the resourceVersion that it was made from; an outdated one is refused.
    async fn try_change_node(&mut self, request: &Value, name: &str) -> Result<Answer, CannotRun> {
        let path = format!("/api/v1/nodes/{}", self.node(name));
        let found = self.get(&path).await?;
        let mut version = found.resource_version().to_owned();
        if request["outdated"] == true && found.is_granted() {
            self.change(&path).await?;
        } else if request.get("outdated").is_none() {
            version.clear();
        }
        let (path, mut body) = match (request["ready"].as_str(), request["unreachable"].as_bool()) {
            (Some(ready), _) => (format!("{path}/status"), objects::ready(ready)),
            (None, unreachable) => (path, objects::taints(unreachable.unwrap_or(false))),
        };
        if !version.is_empty() {
            body["metadata"] = json!({"resourceVersion": version});
        }
        self.send(Method::PATCH, &path, STRATEGIC, &body).await
    }
}

/// Nodes that the model has from the start: those that are mentioned before they are registered.
/// Walks whose requests say all that the suite has to know make theirs themselves.
pub(super) fn present(walk: &Walk) -> Vec<String> {
    let mut present = vec![];
    let mut registered = vec![];
    let written = walk.steps.iter().filter_map(|step| step.request.as_ref());
    let written = written.filter(|written| resources::request(written).is_none());
    for request in written {
        let text = |field: &str| request[field].as_str().unwrap_or_default().to_owned();
        let is_node = text("resource").starts_with("nodes");
        let node = if is_node { text("name") } else { text("nodeName") };
        if request["verb"] == "create" && is_node {
            registered.push(node);
        } else if !node.is_empty() && !registered.contains(&node) && !present.contains(&node) {
            present.push(node);
        }
    }
    present
}

//! Pods and ReplicaSets: what clients, schedulers, kubelets and controllers ask for.

use http::Method;
use model::slice::Outcome;
use model::walks::WalkStep;
use serde_json::{Value, json};

use super::connection::Answer;
use super::kubeconfig::CannotRun;
use super::objects;
use super::replay::{Compared, JSON, MERGE, Replay, STRATEGIC, granted_as};

impl Replay<'_> {
    pub(super) async fn create_pod(
        &mut self,
        step: &WalkStep,
        request: &Value,
        name: &str,
    ) -> Result<Compared, CannotRun> {
        let node = request["nodeName"].as_str().map(|node| self.node(node));
        let owner = match request["owner"].as_str() {
            Some(owner) => {
                let found = self.get(&format!("{}/{owner}", self.replica_sets())).await?;
                Some((owner, found.body["metadata"]["uid"].as_str().unwrap_or("gone").to_owned()))
            }
            None => None,
        };
        let owner = owner.as_ref().map(|(name, uid)| (*name, uid.as_str()));
        let body = objects::pod(name, node.as_deref(), owner);
        let answer = self.send(Method::POST, &self.pods(), JSON, &body).await?;
        if answer.is_granted() {
            let uid = answer.body["metadata"]["uid"].as_str().unwrap_or_default();
            self.uids.entry(name.to_owned()).or_default().push(uid.to_owned());
            self.expect("ADDED", name);
        }
        Ok(granted_as(step, &answer))
    }

    /// The model calls a deletion that changes nothing refused; an API server may grant it.
    pub(super) async fn delete_pod(
        &mut self,
        step: &WalkStep,
        request: &Value,
        name: &str,
    ) -> Result<Compared, CannotRun> {
        let path = format!("{}/{name}", self.pods());
        let before = self.get(&path).await?;
        let mut options = json!({});
        if let Some(grace) = request["gracePeriodSeconds"].as_u64() {
            options["gracePeriodSeconds"] = json!(grace);
        }
        if let Some(uid) = request["uid"].as_u64() {
            let uid = self.real_uid(uid, name, step);
            options["preconditions"] = json!({"uid": uid});
        }
        let answer = self.send(Method::DELETE, &path, JSON, &options).await?;
        let after = self.get(&path).await?;
        let changed = before.is_granted()
            && (!after.is_granted() || before.resource_version() != after.resource_version());
        if (step.outcome == Outcome::Refused) == changed {
            let expected = if changed { "nothing changes" } else { "the Pod changes" };
            return Ok(Err((expected.to_owned(), answer.summary())));
        }
        if changed {
            self.expect(if after.is_granted() { "MODIFIED" } else { "DELETED" }, name);
        }
        Ok(gone_or_marked(&before, &options, &after))
    }

    pub(super) async fn bind(
        &mut self,
        step: &WalkStep,
        request: &Value,
        name: &str,
    ) -> Result<Compared, CannotRun> {
        let node = self.node(request["nodeName"].as_str().unwrap_or_default());
        let uid = self.real_uid(request["uid"].as_u64().unwrap_or(0), name, step);
        let body = objects::binding(name, &uid, &node);
        let path = format!("{}/{name}/binding", self.pods());
        let answer = self.send(Method::POST, &path, JSON, &body).await?;
        if !answer.is_granted() {
            return Ok(granted_as(step, &answer));
        }
        self.expect("MODIFIED", name);
        let pod = self.get(&format!("{}/{name}", self.pods())).await?;
        let bound = &pod.body["spec"]["nodeName"];
        if bound != node.as_str() {
            return Ok(Err((format!("spec.nodeName is {node}"), bound.to_string())));
        }
        Ok(granted_as(step, &answer))
    }

    pub(super) async fn report_status(
        &mut self,
        step: &WalkStep,
        request: &Value,
        name: &str,
    ) -> Result<Compared, CannotRun> {
        let uid = self.real_uid(request["uid"].as_u64().unwrap_or(0), name, step);
        let phase = &request["phase"];
        let body = json!({"metadata": {"uid": uid}, "status": {"phase": phase}});
        let path = format!("{}/{name}/status", self.pods());
        let answer = self.send(Method::PATCH, &path, STRATEGIC, &body).await?;
        if answer.is_granted() {
            self.expect("MODIFIED", name);
            if answer.body["status"]["phase"] != *phase {
                let got = answer.body["status"]["phase"].to_string();
                return Ok(Err((format!("status.phase is {phase}"), got)));
            }
        }
        Ok(granted_as(step, &answer))
    }

    pub(super) async fn create_replica_set(
        &mut self,
        step: &WalkStep,
        request: &Value,
        name: &str,
    ) -> Result<Compared, CannotRun> {
        let body = objects::replica_set(name, request["replicas"].as_u64().unwrap_or(0));
        let answer = self.send(Method::POST, &self.replica_sets(), JSON, &body).await?;
        Ok(granted_as(step, &answer))
    }

    pub(super) async fn scale(
        &mut self,
        step: &WalkStep,
        request: &Value,
        name: &str,
    ) -> Result<Compared, CannotRun> {
        let path = format!("{}/{name}/scale", self.replica_sets());
        let body = json!({"spec": {"replicas": request["replicas"]}});
        let answer = self.send(Method::PATCH, &path, MERGE, &body).await?;
        let replicas = answer.body["spec"]["replicas"].as_u64().unwrap_or(0);
        if answer.is_granted() && Some(replicas) != request["replicas"].as_u64() {
            let expected = format!("spec.replicas is {}", request["replicas"]);
            return Ok(Err((expected, replicas.to_string())));
        }
        Ok(granted_as(step, &answer))
    }
}

/// A Pod on a node is marked and waits for its kubelet, and any for its finalizers; another, and one
/// without grace, is gone.
pub(super) fn gone_or_marked(before: &Answer, options: &Value, after: &Answer) -> Compared {
    let phase = before.body["status"]["phase"].as_str().unwrap_or_default();
    let is_bound = before.body["spec"]["nodeName"].is_string();
    let is_over = matches!(phase, "Succeeded" | "Failed");
    let is_kept = before.body["metadata"]["finalizers"].is_array();
    let waits = is_kept || is_bound && !is_over && options["gracePeriodSeconds"] != 0;
    match (waits, after.is_granted()) {
        (true, true) if after.body["metadata"]["deletionTimestamp"].is_string() => Ok(()),
        (false, false) => Ok(()),
        (true, _) => Err(("the Pod waits, marked as deleted".to_owned(), after.summary())),
        (false, true) => Err(("the Pod is gone".to_owned(), after.summary())),
    }
}

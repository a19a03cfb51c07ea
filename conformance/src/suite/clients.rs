//! The `watch` scenario of the model: clients that read and then write one key, on ConfigMaps.

use http::Method;
use model::walks::{Walk, WalkStep};
use serde_json::json;

use super::connection::Answer;
use super::kubeconfig::CannotRun;
use super::replay::{Compared, JSON, Replay, granted_as};

/// Whether the suite plays the clients of a walk that have no requests of their own.
pub(super) fn plays(walk: &Walk) -> bool {
    walk.scenario == "watch"
}

impl Replay<'_> {
    /// The `watch` scenario: clients that read and then write one key, on ConfigMaps.
    pub(super) async fn client_step(&mut self, step: &WalkStep) -> Result<Compared, CannotRun> {
        let writer = step.action["writer"].as_u64().unwrap_or(0);
        let maps = format!("/api/v1/namespaces/{}/configmaps", self.namespace);
        match step.action["action"].as_str() {
            Some("read") => {
                let key = step.action["key"].as_str().unwrap_or("key").to_owned();
                let version = self.durable.get(&key).cloned().unwrap_or_default();
                self.read.insert(writer, (key, version));
                Ok(Ok(()))
            }
            Some("persist") => {
                self.durable.extend(std::mem::take(&mut self.written));
                Ok(Ok(()))
            }
            Some("write") => {
                self.requests += 1;
                let deletes = step.action["deletes"] == true;
                let answer = self.write_map(&maps, writer, deletes).await?;
                if answer.is_granted() {
                    let (key, _) = self.read.get(&writer).cloned().unwrap_or_default();
                    let version = if deletes { "" } else { answer.resource_version() };
                    self.written.push((key, version.to_owned()));
                }
                Ok(granted_as(step, &answer))
            }
            Some(_) | None => Ok(Ok(())),
        }
    }

    pub(super) async fn write_map(
        &mut self,
        maps: &str,
        writer: u64,
        deletes: bool,
    ) -> Result<Answer, CannotRun> {
        let (key, version) = self.read.get(&writer).cloned().unwrap_or_default();
        let path = format!("{maps}/{key}");
        let mut map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": key},
            "data": {"request": self.requests.to_string()}});
        if deletes {
            let options = json!({"preconditions": {"resourceVersion": version}});
            return self.send(Method::DELETE, &path, JSON, &options).await;
        }
        if version.is_empty() {
            return self.send(Method::POST, maps, JSON, &map).await;
        }
        map["metadata"]["resourceVersion"] = json!(version);
        self.send(Method::PUT, &path, JSON, &map).await
    }
}

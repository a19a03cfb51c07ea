//! One walk on one API server: each request of the model as an HTTP request, each answer compared.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use http::Method;
use model::slice::Outcome;
use model::walks::{Walk, WalkStep};
use serde_json::{Value, json};

use super::connection::{Answer, Connection};
use super::kubeconfig::CannotRun;
use super::objects;
use super::report::Divergence;
use super::watching::Watching;

const JSON: &str = "application/json";
const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";

/// How long a new namespace may take to get its default service account.
const PATIENCE: Duration = Duration::from_secs(30);

/// Replays a walk in a namespace of its own. `Ok` counts the requests that were compared.
pub(super) async fn replay(
    connection: &Connection,
    index: usize,
    walk: &Walk,
) -> Result<Result<usize, Divergence>, CannotRun> {
    let mut replay = Replay::new(connection, index);
    let result = replay.run(index, walk).await;
    replay.tear_down().await?;
    result
}

fn divergence(index: usize, walk: &Walk, last: usize, expected: String, got: String) -> Divergence {
    let steps = walk.steps.iter().take(last + 1).map(|step| step.says.clone()).collect();
    Divergence { walk: index, scenario: walk.scenario.clone(), steps, expected, got }
}

/// What a comparison yields: nothing, or what was expected and what came.
type Compared = Result<(), (String, String)>;

struct Replay<'a> {
    connection: &'a Connection,
    namespace: String,
    prefix: String,
    nodes: Vec<String>,
    /// The uids that each name has had, in order.
    uids: BTreeMap<String, Vec<String>>,
    /// The real uid of each uid of the model; it numbers those of each name.
    known: BTreeMap<(String, u64), String>,
    /// What each client of the `watch` scenario has read of which key.
    read: BTreeMap<u64, (String, String)>,
    /// The resourceVersion of each key as far as the model has made it durable; what is not, a read of
    /// the model does not see.
    durable: BTreeMap<String, String>,
    /// Written, and not durable yet.
    written: Vec<(String, String)>,
    watching: Option<Watching>,
    requests: usize,
}

impl<'a> Replay<'a> {
    fn new(connection: &'a Connection, index: usize) -> Self {
        let prefix = format!("kanon-conformance-{}-{index}", std::process::id());
        Self {
            connection,
            namespace: prefix.clone(),
            prefix,
            nodes: vec![],
            uids: BTreeMap::new(),
            known: BTreeMap::new(),
            read: BTreeMap::new(),
            durable: BTreeMap::new(),
            written: vec![],
            watching: None,
            requests: 0,
        }
    }

    async fn run(
        &mut self,
        index: usize,
        walk: &Walk,
    ) -> Result<Result<usize, Divergence>, CannotRun> {
        self.set_up(walk).await?;
        for (number, step) in walk.steps.iter().enumerate() {
            if let Err((expected, got)) = self.step(step).await? {
                return Ok(Err(divergence(index, walk, number, expected, got)));
            }
        }
        let heard = match self.watching.take() {
            Some(watching) => watching.compare().await,
            None => Ok(()),
        };
        let last = walk.steps.len() - 1;
        Ok(heard
            .map(|()| self.requests)
            .map_err(|(expected, got)| divergence(index, walk, last, expected, got)))
    }

    async fn set_up(&mut self, walk: &Walk) -> Result<(), CannotRun> {
        self.create_namespace().await?;
        for node in present_nodes(walk) {
            let body = objects::node(&self.node(&node));
            self.must(Method::POST, "/api/v1/nodes", JSON, &body).await?;
        }
        self.watching = Some(Watching::start(self.connection, &self.namespace).await?);
        Ok(())
    }

    async fn create_namespace(&self) -> Result<(), CannotRun> {
        let body =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}});
        self.must(Method::POST, "/api/v1/namespaces", JSON, &body).await?;
        let accounts = format!("/api/v1/namespaces/{}/serviceaccounts", self.namespace);
        let begun = Instant::now();
        while !self.get(&format!("{accounts}/default")).await?.is_granted() {
            if begun.elapsed() > PATIENCE {
                let body = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}});
                self.must(Method::POST, &accounts, JSON, &body).await?;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Removes everything, whatever became of the walk. Pods go first: their nodes have no kubelet.
    async fn tear_down(&self) -> Result<(), CannotRun> {
        let pods = self.pods();
        let list = self.get(&pods).await?;
        for pod in list.body["items"].as_array().into_iter().flatten() {
            let name = pod["metadata"]["name"].as_str().unwrap_or_default();
            let now = json!({"gracePeriodSeconds": 0});
            self.send(Method::DELETE, &format!("{pods}/{name}"), JSON, &now).await?;
        }
        let mut paths = vec![format!("/api/v1/namespaces/{}", self.namespace)];
        for node in &self.nodes {
            paths.push(format!("/api/v1/nodes/{node}"));
            paths.push(format!("{LEASES}/{node}"));
        }
        for path in paths {
            self.connection.send(Method::DELETE, &path, None).await?;
        }
        Ok(())
    }

    /// The real name of a node of the model; nodes have no namespace.
    fn node(&mut self, name: &str) -> String {
        let real = format!("{}-{name}", self.prefix);
        if !self.nodes.contains(&real) {
            self.nodes.push(real.clone());
        }
        real
    }

    fn pods(&self) -> String {
        format!("/api/v1/namespaces/{}/pods", self.namespace)
    }

    fn replica_sets(&self) -> String {
        format!("/apis/apps/v1/namespaces/{}/replicasets", self.namespace)
    }

    async fn get(&self, path: &str) -> Result<Answer, CannotRun> {
        self.connection.send(Method::GET, path, None).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: &Value,
    ) -> Result<Answer, CannotRun> {
        self.connection.send(method, path, Some((content_type, body))).await
    }

    /// Sends what has to succeed for the suite to make sense.
    async fn must(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: &Value,
    ) -> Result<Answer, CannotRun> {
        let answer = self.send(method, path, content_type, body).await?;
        if answer.is_granted() {
            return Ok(answer);
        }
        Err(CannotRun(format!("{path}: {}", answer.summary())))
    }

    async fn step(&mut self, step: &WalkStep) -> Result<Compared, CannotRun> {
        let Some(request) = &step.request else { return self.client_step(step).await };
        self.requests += 1;
        let text = |field: &str| request[field].as_str().unwrap_or_default().to_owned();
        let (verb, resource, name) = (text("verb"), text("resource"), text("name"));
        match (verb.as_str(), resource.as_str()) {
            ("create", "pods") => self.create_pod(step, request, &name).await,
            ("delete", "pods") => self.delete_pod(step, request, &name).await,
            ("create", "pods/binding") => self.bind(step, request, &name).await,
            ("patch", "pods/status") => self.report_status(step, request, &name).await,
            ("create", "replicasets") => self.create_replica_set(step, request, &name).await,
            ("update", "replicasets/scale") => self.scale(step, request, &name).await,
            ("delete", "replicasets") => {
                let path = format!("{}/{name}", self.replica_sets());
                let options = json!({"propagationPolicy": "Orphan"});
                let answer = self.send(Method::DELETE, &path, JSON, &options).await?;
                Ok(granted_as(step, &answer))
            }
            ("create", "nodes") => self.register(&name).await,
            ("delete", "nodes") => {
                let path = format!("/api/v1/nodes/{}", self.node(&name));
                let answer = self.connection.send(Method::DELETE, &path, None).await?;
                Ok(granted_as(step, &answer))
            }
            ("update", "leases") => self.renew(&name).await,
            (_, "nodes" | "nodes/status") => self.change_node(step, request, &name).await,
            _ => Err(CannotRun(format!("the suite does not know {verb} of {resource}"))),
        }
    }

    async fn create_pod(
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
    async fn delete_pod(
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

    async fn bind(
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

    async fn report_status(
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

    async fn create_replica_set(
        &mut self,
        step: &WalkStep,
        request: &Value,
        name: &str,
    ) -> Result<Compared, CannotRun> {
        let body = objects::replica_set(name, request["replicas"].as_u64().unwrap_or(0));
        let answer = self.send(Method::POST, &self.replica_sets(), JSON, &body).await?;
        Ok(granted_as(step, &answer))
    }

    async fn scale(
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

    /// A kubelet that registers a node that is there already goes on with it.
    async fn register(&mut self, name: &str) -> Result<Compared, CannotRun> {
        let body = objects::node(&self.node(name));
        let answer = self.send(Method::POST, "/api/v1/nodes", JSON, &body).await?;
        let expected = "201, or 409 AlreadyExists".to_owned();
        let is_expected = matches!(answer.code, 201 | 409);
        Ok(if is_expected { Ok(()) } else { Err((expected, answer.summary())) })
    }

    async fn renew(&mut self, name: &str) -> Result<Compared, CannotRun> {
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

    /// An update names the resourceVersion that it was made from; an outdated one is refused.
    async fn change_node(
        &mut self,
        step: &WalkStep,
        request: &Value,
        name: &str,
    ) -> Result<Compared, CannotRun> {
        let path = format!("/api/v1/nodes/{}", self.node(name));
        let found = self.get(&path).await?;
        let mut version = found.resource_version().to_owned();
        if request["outdated"] == true && found.is_granted() {
            let label = json!({"metadata": {"labels": {"kanon-conformance": "changed"}}});
            self.must(Method::PATCH, &path, MERGE, &label).await?;
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
        let answer = self.send(Method::PATCH, &path, STRATEGIC, &body).await?;
        Ok(granted_as(step, &answer))
    }

    /// The `watch` scenario: clients that read and then write one key, on ConfigMaps.
    async fn client_step(&mut self, step: &WalkStep) -> Result<Compared, CannotRun> {
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

    async fn write_map(
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

    /// The model numbers uids. A request that is refused names, if there is one, an earlier Pod's.
    fn real_uid(&mut self, number: u64, name: &str, step: &WalkStep) -> String {
        let key = (name.to_owned(), number);
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let of_name = self.uids.get(name).cloned().unwrap_or_default();
        let earlier = of_name.len().checked_sub(2).and_then(|index| of_name.get(index));
        let uid = match step.outcome {
            Outcome::Refused => earlier.or(of_name.last()),
            Outcome::Committed | Outcome::Done => of_name.last(),
        };
        let uid = uid.cloned().unwrap_or_default();
        self.known.insert(key, uid.clone());
        uid
    }

    fn expect(&mut self, kind: &str, name: &str) {
        if let Some(watching) = &mut self.watching {
            watching.expect(kind, name);
        }
    }
}

const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";

/// Nodes that the model has from the start: those that are mentioned before they are registered.
fn present_nodes(walk: &Walk) -> Vec<String> {
    let mut present = vec![];
    let mut registered = vec![];
    for request in walk.steps.iter().filter_map(|step| step.request.as_ref()) {
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

/// Whether an answer agrees with the model's outcome.
fn granted_as(step: &WalkStep, answer: &Answer) -> Compared {
    let expected = match step.outcome {
        Outcome::Committed | Outcome::Done if !answer.is_granted() => "it is granted",
        Outcome::Refused if !matches!(answer.code, 404 | 409) => {
            "it is refused with 404 NotFound or 409 Conflict"
        }
        Outcome::Committed | Outcome::Done | Outcome::Refused => return Ok(()),
    };
    Err((expected.to_owned(), answer.summary()))
}

/// A Pod on a node is marked and waits for its kubelet; any other, and any without grace, is gone.
fn gone_or_marked(before: &Answer, options: &Value, after: &Answer) -> Compared {
    let phase = before.body["status"]["phase"].as_str().unwrap_or_default();
    let is_bound = before.body["spec"]["nodeName"].is_string();
    let is_over = matches!(phase, "Succeeded" | "Failed");
    let waits = is_bound && !is_over && options["gracePeriodSeconds"] != 0;
    match (waits, after.is_granted()) {
        (true, true) if after.body["metadata"]["deletionTimestamp"].is_string() => Ok(()),
        (false, false) => Ok(()),
        (true, _) => Err(("the Pod waits, marked as deleted".to_owned(), after.summary())),
        (false, true) => Err(("the Pod is gone".to_owned(), after.summary())),
    }
}

//! One walk on one API server: each request of the model as an HTTP request, each answer compared.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use http::Method;
use model::slice::Outcome;
use model::walks::{Walk, WalkStep};
use serde_json::{Value, json};

use super::connection::{Answer, Connection};
use super::kubeconfig::CannotRun;
use super::nodes;
use super::objects;
use super::report::Divergence;
use super::requests::Made;
use super::resources::{self, Resources};
use super::watching::Watching;

pub(super) const JSON: &str = "application/json";
pub(super) const MERGE: &str = "application/merge-patch+json";
pub(super) const STRATEGIC: &str = "application/strategic-merge-patch+json";

/// How long a new namespace may take to get its default service account.
const PATIENCE: Duration = Duration::from_secs(30);

/// Replays a walk in a namespace of its own. `Ok` counts the requests that were compared.
pub(super) async fn replay(
    connection: &Connection,
    index: usize,
    walk: &Walk,
    resources: Resources,
) -> Result<Result<usize, Divergence>, CannotRun> {
    let mut replay = Replay::new(connection, index, resources);
    let result = replay.run(index, walk).await;
    replay.tear_down().await?;
    result
}

fn divergence(index: usize, walk: &Walk, last: usize, expected: String, got: String) -> Divergence {
    let steps = walk.steps.iter().take(last + 1).map(|step| step.says.clone()).collect();
    Divergence { walk: index, scenario: walk.scenario.clone(), steps, expected, got }
}

/// What a comparison yields: nothing, or what was expected and what came.
pub(super) type Compared = Result<(), (String, String)>;

pub(super) struct Replay<'a> {
    pub(super) connection: &'a Connection,
    pub(super) namespace: String,
    prefix: String,
    nodes: Vec<String>,
    /// The uids that each name has had, in order.
    pub(super) uids: BTreeMap<String, Vec<String>>,
    /// The real uid of each uid of the model; it numbers those of each name.
    known: BTreeMap<(String, u64), String>,
    /// What requests have made that say all that the suite has to know.
    pub(super) made: Made,
    watching: Option<Watching>,
    pub(super) requests: usize,
}

impl<'a> Replay<'a> {
    fn new(connection: &'a Connection, index: usize, resources: Resources) -> Self {
        let prefix = format!("kanon-conformance-{}-{index}", std::process::id());
        Self {
            connection,
            namespace: prefix.clone(),
            prefix,
            nodes: vec![],
            uids: BTreeMap::new(),
            known: BTreeMap::new(),
            made: Made::of(resources),
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
        for node in nodes::present(walk) {
            let body = objects::node(&self.node(&node));
            self.must(Method::POST, "/api/v1/nodes", JSON, &body).await?;
        }
        for request in &walk.start {
            self.make(request).await?;
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
        self.let_go().await?;
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

    /// The real name of a node of the model, to be deleted at the end; nodes have no namespace.
    pub(super) fn node(&mut self, name: &str) -> String {
        let real = self.node_name(name);
        if !self.nodes.contains(&real) {
            self.nodes.push(real.clone());
        }
        real
    }

    pub(super) fn node_name(&self, name: &str) -> String {
        format!("{}-{name}", self.prefix)
    }

    pub(super) fn pods(&self) -> String {
        format!("/api/v1/namespaces/{}/pods", self.namespace)
    }

    pub(super) fn replica_sets(&self) -> String {
        format!("/apis/apps/v1/namespaces/{}/replicasets", self.namespace)
    }

    pub(super) async fn get(&self, path: &str) -> Result<Answer, CannotRun> {
        self.connection.send(Method::GET, path, None).await
    }

    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: &Value,
    ) -> Result<Answer, CannotRun> {
        self.connection.send(method, path, Some((content_type, body))).await
    }

    /// Sends what has to succeed for the suite to make sense.
    pub(super) async fn must(
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
        let Some(request) = &step.request else { return Ok(Ok(())) };
        if let Some(request) = resources::request(request) {
            return self.requested(step, &request).await;
        }
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

    /// The model numbers uids. A request that is refused names, if there is one, an earlier Pod's.
    pub(super) fn real_uid(&mut self, number: u64, name: &str, step: &WalkStep) -> String {
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

    /// Changes an object, so that the resourceVersion it had is an old one.
    pub(super) async fn change(&self, path: &str) -> Result<(), CannotRun> {
        let label = json!({"metadata": {"labels": {"kanon-changed": self.requests.to_string()}}});
        self.must(Method::PATCH, path, MERGE, &label).await.map(drop)
    }

    /// Notes that the cluster's own controllers write an object too.
    pub(super) fn is_shared(&mut self, name: &str) {
        if let Some(watching) = &mut self.watching {
            watching.shares(name);
        }
    }

    pub(super) fn expect(&mut self, kind: &str, name: &str) {
        if let Some(watching) = &mut self.watching {
            watching.expect(kind, name);
        }
    }
}

pub(super) const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";

/// Whether an answer agrees with the model's outcome.
pub(super) fn granted_as(step: &WalkStep, answer: &Answer) -> Compared {
    let expected = match step.outcome {
        Outcome::Committed | Outcome::Done if !answer.is_granted() => "it is granted",
        Outcome::Refused if !matches!(answer.code, 404 | 409) => {
            "it is refused with 404 NotFound or 409 Conflict"
        }
        Outcome::Committed | Outcome::Done | Outcome::Refused => return Ok(()),
    };
    Err((expected.to_owned(), answer.summary()))
}

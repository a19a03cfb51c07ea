//! A person who asks for this and that: deployments, pods, changes, deletions, some of them rude.

use std::time::Duration;

use api::object::{at, text};
use api::trace::Origin;
use api::{ApiResource, Key, Request, Verb, resources};
use apiserver::{keys, object};
use serde_json::{Value, json};
use store::Store;

use crate::sim::objects::objects;
use crate::sim::random::Random;
use crate::sim::workloads::{SMALL_NODES, Size, Workload, roll_out};
use crate::sim::world::World;

/// The namespaces of every cluster.
const NAMESPACES: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

/// What a cluster holds before anyone asks.
pub(crate) fn bootstrap() -> Vec<Request> {
    let namespace =
        |name: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    NAMESPACES.map(|name| create(&resources::NAMESPACES, "", namespace(name))).into()
}

/// How long somebody waits at the most for what happens again and again.
const WAIT_SECONDS: usize = 20;

/// What every Pod needs, for clusters in which nobody else makes it. Its Pods get no token, which would want
/// the certificate of the cluster beside it.
pub(crate) fn service_account() -> Request {
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount",
        "automountServiceAccountToken": false, "metadata": {"name": "default", "namespace": "default"}});
    create(&resources::SERVICE_ACCOUNTS, "default", account)
}

impl World<'_> {
    /// A person asks for something.
    pub(crate) fn use_cluster(&mut self) {
        let workloads: Vec<Workload> = self.options.workloads.iter().collect();
        let chosen = self.random_workload(&workloads);
        if chosen == Workload::Jobs && self.random.one_in(2) {
            let exit_code = i32::from(self.random.one_in(3));
            return self.end_work(exit_code);
        }
        let is_slow = [Workload::Periodic, Workload::Nodes].contains(&chosen);
        if is_slow && self.random.one_in(2) {
            let seconds = u64::try_from(self.random.below(WAIT_SECONDS)).unwrap_or(0);
            self.now += Duration::from_secs(seconds);
            return;
        }
        let (store, random) = (&self.server.published, &mut self.random);
        let nodes = self.options.nodes;
        let requests = match chosen == Workload::Deployments {
            true => ask(store, random, share(nodes, &workloads)).into_iter().collect(),
            false => chosen.ask(store, random, Size { nodes }),
        };
        for request in requests {
            self.send(None, Origin::new("kubectl", 0), request);
        }
    }

    /// Where nothing is chosen, nothing is left to chance: old seeds stay what they were.
    fn random_workload(&mut self, workloads: &[Workload]) -> Workload {
        match workloads {
            [] => Workload::Deployments,
            workloads => *self.random.pick(workloads).unwrap_or(&Workload::Deployments),
        }
    }
}

/// How many of the nodes are for Deployments: beside others half of them, but never fewer than a small cluster has.
fn share(nodes: usize, workloads: &[Workload]) -> usize {
    if workloads.len() > 1 { (nodes / 2).max(nodes.min(SMALL_NODES)) } else { nodes }
}

fn ask(store: &Store, random: &mut Random, nodes: usize) -> Option<Request> {
    match random.below(13) {
        0..=2 => Some(create_deployment(random, nodes)),
        3 => Some(create_replica_set(random)),
        4 | 5 => Some(create_pod(store, random)),
        6 | 7 => scale(store, random, nodes),
        8 => roll_out(&resources::DEPLOYMENTS, store, random),
        9 => delete(store, random),
        10 => delete_by_force(store, random),
        11 => edit(store, random),
        _ => bind_again(store, random),
    }
}

/// Up to as many replicas as there are nodes, under so many names that ten pods come on a node.
fn create_deployment(random: &mut Random, nodes: usize) -> Request {
    let names = nodes.div_ceil(25).max(2);
    let name = format!("web-{}", random.below(names));
    let spec = workload(&name, 1 + random.below(nodes));
    let object = json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default"}, "spec": spec});
    create(&resources::DEPLOYMENTS, "default", object)
}

fn create_replica_set(random: &mut Random) -> Request {
    let object = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": "set", "namespace": "default"},
        "spec": workload("set", 1 + random.below(2))});
    create(&resources::REPLICA_SETS, "default", object)
}

fn workload(name: &str, replicas: usize) -> Value {
    json!({
        "replicas": replicas,
        "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": pod_spec()},
    })
}

fn pod_spec() -> Value {
    json!({"containers": [{"name": "main", "image": "registry.example/main:1"}]})
}

/// A bare pod, sometimes for the small node, past the scheduler.
fn create_pod(store: &Store, random: &mut Random) -> Request {
    let mut spec = pod_spec();
    let small = keys::key(&resources::NODES, None, "node-1");
    if store.get(&small).is_some() && random.one_in(2) {
        spec["nodeName"] = json!("node-1");
    }
    let name = format!("bare-{}", random.below(3));
    let object = json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "labels": {"app": "bare"}}, "spec": spec});
    create(&resources::PODS, "default", object)
}

fn scale(store: &Store, random: &mut Random, nodes: usize) -> Option<Request> {
    let (resource, object, most) = if random.one_in(3) {
        (&resources::REPLICA_SETS, a_free_replica_set(store)?, 2)
    } else {
        (&resources::DEPLOYMENTS, any(store, &resources::DEPLOYMENTS, random)?, nodes)
    };
    let patch = json!({"spec": {"replicas": random.below(most + 1)}});
    Some(Request::merge_patch(resource, key(&object), patch).to_subresource("scale"))
}

fn delete(store: &Store, random: &mut Random) -> Option<Request> {
    let (resource, object) = match random.below(4) {
        0 => (&resources::DEPLOYMENTS, any(store, &resources::DEPLOYMENTS, random)?),
        1 => (&resources::REPLICA_SETS, a_free_replica_set(store)?),
        _ => (&resources::PODS, any(store, &resources::PODS, random)?),
    };
    let options = json!({"propagationPolicy": "Background"});
    Some(Request::delete(resource, key(&object), "", options))
}

fn delete_by_force(store: &Store, random: &mut Random) -> Option<Request> {
    let pod = any(store, &resources::PODS, random).filter(|_| random.one_in(3))?;
    Some(Request::delete(&resources::PODS, key(&pod), "", json!({"gracePeriodSeconds": 0})))
}

/// `kubectl edit`: what was read is sent back, changed, with the revision that was read.
fn edit(store: &Store, random: &mut Random) -> Option<Request> {
    let mut deployment = any(store, &resources::DEPLOYMENTS, random)?;
    deployment["metadata"]["labels"]["edited"] = json!(random.below(100).to_string());
    Some(request(Verb::Update, &resources::DEPLOYMENTS, key(&deployment), deployment))
}

/// A second scheduler, that binds what is bound: it must be refused.
fn bind_again(store: &Store, random: &mut Random) -> Option<Request> {
    let pod = any(store, &resources::PODS, random)?;
    at(&pod, &["spec", "nodeName"])?;
    let node = any(store, &resources::NODES, random)?;
    let uid = text(&pod, &["metadata", "uid"]);
    Some(Request::bind(key(&pod), uid, text(&node, &["metadata", "name"])))
}

/// Asks for an object.
pub(crate) fn create(resource: &'static ApiResource, namespace: &str, object: Value) -> Request {
    request(Verb::Create, resource, Key::new(namespace, ""), object)
}

fn request(verb: Verb, resource: &'static ApiResource, key: Key, body: Value) -> Request {
    Request {
        verb,
        resource,
        key,
        subresource: "",
        field_manager: "",
        body: Some(body),
        observed_revision: 0,
    }
}

/// One of the objects of a resource, if there are any.
pub(crate) fn any(store: &Store, resource: &ApiResource, random: &mut Random) -> Option<Value> {
    objects(store, resource).any(random)
}

/// The ReplicaSet that no Deployment manages.
fn a_free_replica_set(store: &Store) -> Option<Value> {
    let found = store.get(&keys::key(&resources::REPLICA_SETS, Some("default"), "set"))?;
    Some(object::decode(found))
}

/// The key of an object.
pub(crate) fn key(object: &Value) -> Key {
    let field = |name: &str| text(object, &["metadata", name]);
    Key::new(field("namespace"), field("name"))
}

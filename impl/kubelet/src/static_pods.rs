//! Pods that a node has of itself, from its files, and the mirrors by which the API server knows them.
//!
//! Source: `pkg/kubelet/config/common.go` and `file.go`, `pkg/kubelet/pod/mirror_client.go` (v1.36). Left out: the
//! defaults that the API server gives, which nothing here needs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use api::{Key, Request, Timestamp, resources};
use k8s_openapi::api::core::v1::{Pod, Toleration};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use serde_json::json;

use crate::command::Purpose;
use crate::kubelet::Kubelet;
use crate::worker::Worker;

/// Which pod a mirror is of: the hash of its file.
const MIRROR: &str = "kubernetes.io/config.mirror";
const HASH: &str = "kubernetes.io/config.hash";
const SEEN: &str = "kubernetes.io/config.seen";
const SOURCE: &str = "kubernetes.io/config.source";

/// How soon a request that was refused is made again.
const RETRY: Duration = Duration::from_secs(1);

/// What a file says.
#[derive(Clone, Debug, PartialEq)]
pub struct StaticPod {
    /// Where it lies.
    pub path: String,
    /// What is in it.
    pub pod: Pod,
}

/// The static pods of a node, and their mirrors.
#[derive(Clone, Debug, Default)]
pub(crate) struct StaticPods {
    /// What the files say, by uid.
    wanted: BTreeMap<String, Arc<Pod>>,
    /// What the API server has.
    mirrors: BTreeMap<Key, Arc<Pod>>,
    /// Mirrors that are being made or removed, with the uid of what was there.
    in_flight: BTreeMap<Key, Option<String>>,
    retry_at: BTreeMap<Key, Timestamp>,
}

impl StaticPods {
    /// Hears what the files say now; returns the uids of the pods that have gone.
    pub(crate) fn read(&mut self, node: &str, files: &[StaticPod], now: Timestamp) -> Vec<String> {
        let mut wanted = BTreeMap::new();
        for file in files {
            let pod = completed(node, file, now);
            let uid = pod.metadata.uid.clone().unwrap_or_default();
            // When it was seen first stays.
            let pod = self.wanted.remove(&uid).unwrap_or_else(|| Arc::new(pod));
            wanted.insert(uid, pod);
        }
        let gone = std::mem::replace(&mut self.wanted, wanted);
        gone.into_keys().collect()
    }

    pub(crate) fn has(&self, uid: &str) -> bool {
        self.wanted.contains_key(uid)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Pod>> {
        self.wanted.values()
    }

    /// Hears of a mirror, or that there is none any more.
    pub(crate) fn observe(&mut self, key: Key, mirror: Option<Arc<Pod>>) {
        self.retry_at.remove(&key);
        match mirror {
            Some(mirror) => self.mirrors.insert(key, mirror),
            None => self.mirrors.remove(&key),
        };
    }

    /// The mirror of a pod, if it shows what the file says.
    pub(crate) fn mirror_of(&self, pod: &Pod) -> Option<&Arc<Pod>> {
        let mirror = self.mirrors.get(&Key::of(&pod.metadata))?;
        let shows = annotation(mirror, MIRROR) == annotation(pod, HASH);
        (shows && mirror.metadata.deletion_timestamp.is_none()).then_some(mirror)
    }

    /// The requests that make mirrors and pods agree. A mirror stays while `runs` says so of its name.
    pub(crate) fn due(
        &mut self,
        node: (&str, &str),
        runs: impl Fn(&Key) -> bool,
        now: Timestamp,
    ) -> Vec<(Key, Request)> {
        let mut requests = vec![];
        for (key, mirror) in &self.mirrors {
            let mut wanted = self.wanted.values().filter(|pod| Key::of(&pod.metadata) == *key);
            let is_right = match wanted.next() {
                Some(pod) => self.mirror_of(pod).is_some(),
                None => runs(key) && mirror.metadata.deletion_timestamp.is_none(),
            };
            if !is_right {
                let uid = mirror.metadata.uid.clone().unwrap_or_default();
                let options = json!({"gracePeriodSeconds": 0});
                let request = Request::delete(&resources::PODS, key.clone(), &uid, options);
                requests.push((key.clone(), request));
            }
        }
        for pod in self.wanted.values() {
            let key = Key::of(&pod.metadata);
            if !self.mirrors.contains_key(&key) && !node.1.is_empty() {
                requests.push((key, Request::create(&mirror(pod, node))));
            }
        }
        let waits = |key: &Key| self.retry_at.get(key).is_some_and(|retry_at| now < *retry_at);
        requests.retain(|(key, _)| !waits(key) && !self.in_flight.contains_key(key));
        for (key, _) in &requests {
            self.in_flight.insert(key.clone(), self.mirror_uid(key));
        }
        requests
    }

    fn mirror_uid(&self, key: &Key) -> Option<String> {
        self.mirrors.get(key)?.metadata.uid.clone()
    }

    /// Hears that a request was answered. It is made again after a while, unless the watch tells that it went through.
    pub(crate) fn answered(&mut self, key: &Key, now: Timestamp) {
        if self.in_flight.remove(key) == Some(self.mirror_uid(key)) {
            self.retry_at.insert(key.clone(), now + RETRY);
        }
    }

    pub(crate) fn next_deadline(&self, now: Timestamp) -> Option<Timestamp> {
        self.retry_at.values().filter(|retry_at| **retry_at > now).min().copied()
    }
}

impl Kubelet {
    pub(crate) fn read_static_pods(&mut self, files: &[StaticPod]) {
        let now = self.context.now;
        for uid in self.static_pods.read(&self.context.config.node_name, files, now) {
            self.forsake(&uid);
        }
    }

    pub(crate) fn observe_mirror(&mut self, key: &Key, mirror: Option<Arc<Pod>>) {
        self.static_pods.observe(key.clone(), mirror);
        let of_key = self.workers.iter().filter(|(_, worker)| worker.key == *key);
        let uids: Vec<String> = of_key.map(|(uid, _)| uid.clone()).collect();
        for uid in uids {
            if let Some(worker) = self.workers.get_mut(&uid) {
                worker.show_in(self.static_pods.mirror_of(&worker.desired).cloned());
            }
            self.sync(&uid);
        }
    }

    /// Starts static pods, each once the last one of its name has ended, and asks for their mirrors.
    pub(crate) fn mirror(&mut self) {
        let runs = |workers: &BTreeMap<String, Worker>, key: &Key| {
            workers.values().any(|worker| worker.key == *key)
        };
        let new =
            self.static_pods.all().filter(|pod| !runs(&self.workers, &Key::of(&pod.metadata)));
        for pod in new.cloned().collect::<Vec<_>>() {
            self.update(pod);
        }
        let node = (self.context.config.node_name.as_str(), self.node.uid());
        let now = self.context.now;
        for (key, request) in self.static_pods.due(node, |key| runs(&self.workers, key), now) {
            self.context.ask(Purpose::Mirror(key), request);
        }
    }
}

/// Whether a pod only shows one that the node has of itself.
pub(crate) fn is_mirror(pod: &Pod) -> bool {
    annotation(pod, MIRROR).is_some()
}

fn annotation<'a>(pod: &'a Pod, name: &str) -> Option<&'a String> {
    pod.metadata.annotations.as_ref()?.get(name)
}

/// What a file says, as a pod of this node.
fn completed(node: &str, file: &StaticPod, now: Timestamp) -> Pod {
    let mut pod = file.pod.clone();
    let hash = hash(node, file);
    let metadata = &mut pod.metadata;
    let name = metadata.name.clone().unwrap_or_default();
    metadata.name = Some(format!("{name}-{node}"));
    metadata.namespace.get_or_insert_with(|| "default".to_owned());
    // Also where the file names one: with other content it is another pod.
    metadata.uid = Some(hash.clone());
    metadata.generation = Some(1);
    let said = [(HASH, hash), (SEEN, api::time::text(now)), (SOURCE, "file".to_owned())];
    let said = said.map(|(name, value)| (name.to_owned(), value));
    metadata.annotations.get_or_insert_default().extend(said);
    let spec = pod.spec.get_or_insert_default();
    spec.node_name = Some(node.to_owned());
    spec.tolerations.get_or_insert_default().push(Toleration {
        operator: Some("Exists".to_owned()),
        effect: Some("NoExecute".to_owned()),
        ..Toleration::default()
    });
    pod.status = None;
    pod
}

/// FNV-1a of a file and its node, as long as upstream's hash.
fn hash(node: &str, file: &StaticPod) -> String {
    let content = serde_json::to_string(&file.pod).expect("a pod is JSON");
    let text = format!("{node}\0{}\0{content}", file.path);
    let step = |hash: u128, byte: u8| {
        (hash ^ u128::from(byte)).wrapping_mul(0x0100_0000_0000_0000_0000_013b)
    };
    format!("{:032x}", text.bytes().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, step))
}

/// What the API server is to have of a pod. It goes with its node, of which there are name and uid.
fn mirror(pod: &Pod, (name, uid): (&str, &str)) -> Pod {
    let mut mirror = pod.clone();
    mirror.metadata.uid = None;
    mirror.metadata.generation = None;
    let hash = annotation(pod, HASH).cloned().unwrap_or_default();
    mirror.metadata.annotations.get_or_insert_default().insert(MIRROR.to_owned(), hash);
    mirror.metadata.owner_references = Some(vec![OwnerReference {
        api_version: "v1".to_owned(),
        kind: "Node".to_owned(),
        name: name.to_owned(),
        uid: uid.to_owned(),
        controller: Some(true),
        ..OwnerReference::default()
    }]);
    mirror
}

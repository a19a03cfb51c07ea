//! The nodes of a cluster: each a kubelet with a runtime, started, stopped and started again.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use api::resources;
use api::trace::{Origin, key};
use apiserver::User;
use apiserver::bootstrap::SERVICE_CIDR;
use controllers::PodNetwork;
use host::{ApiServer, Local, Trace};
use node::{Embedded, EmbeddedConfig, NodeConfig, Runtime, Simulated, TraceAction, TraceNote};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::cli;
use crate::failure::{Failure, While};
use crate::profile::{Profile, Settings};

/// A Lease lasts this many times the interval of its renewal, as upstream's 40 s and 10 s do.
const LEASE_INTERVALS: u32 = 4;

/// The nodes of one cluster.
pub(crate) struct Nodes {
    folder: PathBuf,
    settings: Settings,
    server: ApiServer,
    trace: Trace,
    address: String,
    nodes: BTreeMap<String, Node>,
}

struct Node {
    index: u16,
    /// How often it has been started before.
    incarnation: u64,
    running: Option<RunningNode>,
}

struct RunningNode {
    shutdown: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

impl Nodes {
    pub(crate) fn new(
        profile: &Profile,
        settings: &Settings,
        server: ApiServer,
        trace: Trace,
    ) -> Self {
        Self {
            folder: profile.folder.clone(),
            settings: settings.clone(),
            server,
            trace,
            address: node::machine_address(),
            nodes: BTreeMap::new(),
        }
    }

    /// The names of all nodes, running or not.
    pub(crate) fn names(&self) -> Vec<String> {
        self.nodes.keys().cloned().collect()
    }

    /// Starts the node with this number, `node-1` for the first.
    pub(crate) async fn start(&mut self, index: u16) -> Result<(), Failure> {
        let name = format!("node-{index}");
        let incarnation = self.nodes.get(&name).map_or(0, |node| node.incarnation + 1);
        let running = self.run(&name, index, incarnation)?;
        self.nodes.insert(name, Node { index, incarnation, running: Some(running) });
        tokio::task::yield_now().await;
        Ok(())
    }

    /// Stops a node as a power cut does.
    pub(crate) async fn stop(&mut self, name: &str) -> Result<(), Failure> {
        let node = self.nodes.get_mut(name).ok_or_else(|| no_such_node(name))?;
        let Some(running) = node.running.take() else {
            return Err(Failure::cannot(format!("the node \"{name}\" is stopped already")));
        };
        let origin = Origin::new(&format!("kubelet/{name}"), node.incarnation);
        end(running).await;
        self.server.unregister_node(name);
        let (folder, id) = (self.folder.clone(), self.id(name));
        tokio::task::spawn_blocking(move || node::teardown_node(&folder, &id))
            .await
            .while_doing("clearing what the node left")?;
        self.trace.acted(&origin, "node-died", format!("nodes/{name}"), "", Value::Null);
        Ok(())
    }

    /// Starts a stopped node again.
    pub(crate) async fn restart(&mut self, name: &str) -> Result<(), Failure> {
        let node = self.nodes.get(name).ok_or_else(|| no_such_node(name))?;
        if node.running.is_some() {
            return Err(Failure::cannot(format!("the node \"{name}\" runs already")));
        }
        self.start(node.index).await
    }

    /// Stops every kubelet and every container.
    pub(crate) async fn stop_all(&mut self) -> Result<(), Failure> {
        for node in self.nodes.values_mut() {
            if let Some(running) = node.running.take() {
                end(running).await;
            }
        }
        let folder = self.folder.clone();
        tokio::task::spawn_blocking(move || node::teardown(&folder))
            .await
            .while_doing("clearing what the nodes left")
    }

    fn run(&self, name: &str, index: u16, incarnation: u64) -> Result<RunningNode, Failure> {
        let pod_cidr = self.pod_cidr(index);
        let runtime = self.runtime(name, &pod_cidr)?;
        let config = self.config(name, &pod_cidr, incarnation);
        let user = User {
            name: format!("system:node:{name}"),
            groups: vec!["system:nodes".to_owned(), "system:authenticated".to_owned()],
            ..User::default()
        };
        let actor = format!("kubelet/{name}");
        let origin = Origin::new(&actor, incarnation);
        self.trace.acted(&origin, "started", String::new(), "", Value::Null);
        let transport = Arc::new(Local::new(self.server.clone(), user, &actor, incarnation));
        self.server.register_node(name, runtime.clone());
        let (shutdown, stopped) = oneshot::channel::<()>();
        let name = name.to_owned();
        let ended = tokio::spawn(async move {
            let stop = async {
                // Dropping the sender stops the node as well.
                drop(stopped.await);
            };
            if let Err(error) = node::run(config, transport, runtime, stop).await {
                eprintln!("kanon: node {name}: {error}");
            }
        });
        Ok(RunningNode { shutdown, ended })
    }

    fn runtime(&self, name: &str, pod_cidr: &str) -> Result<Arc<dyn Runtime>, Failure> {
        match self.settings.runtime {
            cli::Runtime::Simulated => {
                let runtime = Simulated::new(pod_cidr).while_doing(name)?;
                Ok(Arc::new(runtime))
            }
            cli::Runtime::Embedded => {
                let config = EmbeddedConfig {
                    data_dir: self.folder.clone(),
                    node: self.id(name),
                    pod_cidr: pod_cidr.to_owned(),
                    node_ip: self.address.clone(),
                };
                let runtime = Embedded::new(config).while_doing(name)?;
                Ok(Arc::new(runtime))
            }
        }
    }

    fn config(&self, name: &str, pod_cidr: &str, incarnation: u64) -> NodeConfig {
        let sharing = match self.settings.runtime {
            cli::Runtime::Embedded => u32::from(self.settings.nodes),
            // Each pretends to have the whole machine.
            cli::Runtime::Simulated => 1,
        };
        let mut kubelet = node::machine_config(name, &self.address, sharing);
        let seconds = u64::try_from(self.settings.node_lease_renew_interval).unwrap_or(1).max(1);
        kubelet.pod_cidr = pod_cidr.to_owned();
        kubelet.allowed_unsafe_sysctls.clone_from(&self.settings.kubelet.allowed_unsafe_sysctls);
        kubelet.lease_renew_interval = Duration::from_secs(seconds);
        kubelet.lease_duration = kubelet.lease_renew_interval * LEASE_INTERVALS;
        let trace = self.trace.clone();
        let sink = move |note: TraceNote| tell(&trace, incarnation, &note);
        let hard = self.settings.kubelet.eviction_hard.iter();
        kubelet.eviction.thresholds = hard.filter_map(|text| text.parse().ok()).collect();
        let static_pod_path = self.settings.kubelet.pod_manifest_path.clone();
        NodeConfig { kubelet, static_pod_path, trace: Some(Arc::new(sink)) }
    }

    /// A name for what the node keeps on this machine; clusters in other folders have other ones.
    fn id(&self, name: &str) -> String {
        format!("{name}-{:08x}", self.fingerprint())
    }

    /// The range of a node: the first of the cluster's is the first node's.
    fn pod_cidr(&self, index: u16) -> String {
        let first = u32::from(pods_from(&self.folder, self.settings.nodes).0);
        let address = Ipv4Addr::from(first + (u32::from(index.saturating_sub(1)) << 8));
        format!("{address}/{NODE_MASK}")
    }

    fn fingerprint(&self) -> u32 {
        fingerprint(&self.folder)
    }

    /// Where the pods of a cluster of so many nodes have their addresses from, whose folder this is.
    pub(crate) fn pod_network(folder: &Path, nodes: u16) -> PodNetwork {
        let (first, mask) = pods_from(folder, nodes);
        PodNetwork {
            cluster_cidr: format!("{first}/{mask}"),
            node_cidr_mask_size: NODE_MASK,
            service_cluster_ip_range: SERVICE_CIDR.to_owned(),
        }
    }
}

/// The size of a node's range.
const NODE_MASK: u32 = 24;

/// The first address of a cluster's pods, and the size of their range. Of many nodes only simulated ones are possible,
/// whose addresses nobody uses: those that are kept for carriers (RFC 6598).
fn pods_from(folder: &Path, nodes: u16) -> (Ipv4Addr, u8) {
    match nodes {
        0..=256 => (Ipv4Addr::new(10, cluster(fingerprint(folder)), 0, 0), 16),
        _ => (Ipv4Addr::new(100, 64, 0, 0), 10),
    }
}

/// A number of a cluster's own, so that several clusters can share a machine.
fn cluster(fingerprint: u32) -> u8 {
    u8::try_from(128 + fingerprint % 116).unwrap_or(u8::MAX)
}

/// FNV-1a of a cluster's folder.
fn fingerprint(folder: &Path) -> u32 {
    let folder = folder.as_os_str().as_encoded_bytes();
    folder
        .iter()
        .fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

async fn end(running: RunningNode) {
    // A kubelet that has ended by itself needs no order, and one that panicked has said so.
    let _ended = running.shutdown.send(());
    drop(running.ended.await);
}

fn no_such_node(name: &str) -> Failure {
    Failure::cannot(format!("there is no node \"{name}\""))
}

/// Writes what a node tells into the trace.
fn tell(trace: &Trace, incarnation: u64, note: &TraceNote) {
    let mut origin = Origin::new(&format!("kubelet/{}", note.node), incarnation);
    let key = key(&resources::PODS, &note.pod);
    let delivered =
        |action| trace.delivered(&origin, action, key.clone(), &note.uid, note.revision);
    let action = match note.action {
        TraceAction::Listed => return delivered("listed"),
        TraceAction::Added => return delivered("added"),
        TraceAction::Modified => return delivered("modified"),
        TraceAction::Deleted => return delivered("deleted"),
        TraceAction::Bookmark => return delivered("bookmark"),
        TraceAction::StartOrdered | TraceAction::StopOrdered => return,
        TraceAction::Started | TraceAction::Adopted => "container-started",
        TraceAction::Exited => "container-stopped",
    };
    origin.observed_revision = note.revision;
    trace.acted(&origin, action, key, &note.uid, json!({"container": note.container}));
}

//! The embedded runtime: containers of this binary's own shims, no daemon.

mod adopt;
mod container;
mod exec;
mod fetch;
mod files;
mod health;
mod hook;
mod log;
mod message;
mod pod;
mod port_forward;
mod probe;
mod resize;
mod server;
mod start;
mod usage;
mod volume;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use host::transport::BoxFuture;
use kubelet::eviction::Usage;
use kubelet::runtime::{ContainerId, RuntimeCommand, RuntimeEvent, RuntimeStatus};
use tokio::time::Instant;

use crate::Error;
use crate::image::Store;
use crate::network::{self, Cidr};
use crate::paths::Paths;
use crate::runtime::{EventSink, Runtime};

pub(crate) use pod::{PodRecord, node_cgroup};

/// What an embedded runtime is told when it is made.
#[derive(Clone, Debug)]
pub struct EmbeddedConfig {
    /// Below it lie images and the state of every node.
    pub data_dir: PathBuf,
    /// The node's name.
    pub node: String,
    /// Where pods' addresses come from, `10.244.0.0/24`.
    pub pod_cidr: String,
    /// The host's address from which pods are spoken to; empty lets the kernel choose.
    pub node_ip: String,
}

/// Runs containers by this binary's own shims. A cheap handle; clones are the same runtime.
#[derive(Clone)]
pub struct Embedded(Arc<Inner>);

struct Inner {
    config: EmbeddedConfig,
    paths: Paths,
    images: Store,
    cidr: Cidr,
    events: OnceLock<EventSink>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Addresses in use, by the pod's uid.
    addresses: BTreeMap<String, String>,
    /// When containers that are asked to end will be killed.
    kills: BTreeMap<ContainerId, Instant>,
}

impl Embedded {
    /// Makes a runtime, and says at once when this machine or user cannot run containers.
    pub fn new(config: EmbeddedConfig) -> Result<Self, Error> {
        if !nix::unistd::geteuid().is_root() {
            return Err(Error::NotRoot);
        }
        let cidr = Cidr::parse(&config.pod_cidr)?;
        let images = Store::open(&config.data_dir)?;
        let paths = Paths::new(&config.data_dir, &config.node);
        std::fs::create_dir_all(paths.pods()).map_err(Error::file(&paths.pods()))?;
        network::prepare_host(&config.node, &config.pod_cidr)?;
        let (events, state) = (OnceLock::new(), Mutex::default());
        Ok(Self(Arc::new(Inner { config, paths, images, cidr, events, state })))
    }

    fn report(&self, event: RuntimeEvent) {
        if let Some(events) = self.0.events.get() {
            // A loop that has ended listens to nothing.
            let _ended = events.send(event);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs blocking work on a thread that may block, and reports what it returns.
    fn in_background(&self, work: impl FnOnce(&Self) -> Option<RuntimeEvent> + Send + 'static) {
        let this = self.clone();
        tokio::task::spawn_blocking(move || {
            if let Some(event) = work(&this) {
                this.report(event);
            }
        });
    }

    fn image_status(&self, id: ContainerId, image: &str) -> RuntimeEvent {
        match self.0.images.find(image) {
            Ok(image_id) => RuntimeEvent::ImageStatus { id, image_id },
            Err(error) => RuntimeEvent::ImagePullFailed { id, message: error.to_string() },
        }
    }

    fn pull_image(&self, id: ContainerId, image: String) {
        let this = self.clone();
        tokio::spawn(async move {
            let begin = Instant::now();
            let event = match this.0.images.pull(&image).await {
                Ok(pulled) => RuntimeEvent::ImagePulled {
                    id,
                    image_id: pulled.id,
                    size_bytes: pulled.size_bytes,
                    milliseconds: u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX),
                },
                Err(error) => RuntimeEvent::ImagePullFailed { id, message: error.to_string() },
            };
            this.report(event);
        });
    }
}

impl Runtime for Embedded {
    fn start(&self, events: EventSink) -> BoxFuture<'_, Result<Vec<RuntimeStatus>, Error>> {
        Box::pin(async move {
            let _started_before = self.0.events.set(events);
            let this = self.clone();
            let found = tokio::task::spawn_blocking(move || this.adopt()).await;
            let found =
                found.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))?;
            self.watch_adopted(&found);
            Ok(found)
        })
    }

    fn usage(&self, with_disks: bool) -> BoxFuture<'_, Option<Usage>> {
        let this = self.clone();
        Box::pin(async move {
            let used = tokio::task::spawn_blocking(move || this.used(with_disks)).await;
            Some(used.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic())))
        })
    }

    fn perform(&self, command: RuntimeCommand) {
        match command {
            RuntimeCommand::CreateSandbox(spec) => {
                self.in_background(move |this| Some(this.create_sandbox(&spec)));
            }
            RuntimeCommand::RemoveSandbox { pod_uid } => {
                self.in_background(move |this| {
                    this.remove_sandbox(&pod_uid);
                    Some(RuntimeEvent::SandboxRemoved { pod_uid })
                });
            }
            RuntimeCommand::RemovePod { pod_uid } => {
                self.in_background(move |this| {
                    this.remove_pod(&pod_uid);
                    None
                });
            }
            RuntimeCommand::ImageStatus { id, image } => {
                self.in_background(move |this| Some(this.image_status(id, &image)));
            }
            RuntimeCommand::PullImage { id, image } => self.pull_image(id, image),
            RuntimeCommand::StartContainer(spec) => self.start_container(*spec),
            RuntimeCommand::UpdateVolume { pod_uid, volume, files } => {
                self.in_background(move |this| this.update_volume(pod_uid, volume, &files));
            }
            RuntimeCommand::Resize { pod_uid, steps } => {
                self.in_background(move |this| Some(this.resize(pod_uid, &steps)));
            }
            RuntimeCommand::KeepResources { pod_uid, resources } => {
                self.keep_resources(&pod_uid, &resources);
            }
            RuntimeCommand::StopContainer { id, grace_period_seconds } => {
                self.stop_container(id, grace_period_seconds);
            }
            RuntimeCommand::RemoveContainer(id) => {
                self.in_background(move |this| {
                    this.remove_container(&id);
                    None
                });
            }
            RuntimeCommand::RunHook { id, hook, action } => self.hook(id, hook, action),
            RuntimeCommand::Probe { id, probe, action, timeout_seconds } => {
                self.probe(id, probe, action, timeout_seconds);
            }
        }
    }
}

//! A runtime that only pretends: containers run at once and for ever, until they are told to stop. Any
//! image is there, any probe succeeds, no command can be run, and nothing outlives the process.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use api::{Reason, Status, Timestamp};
use bytes::Bytes;
use host::node_server::{ContainerRef, ExecOptions, ExecStreams, LogOptions, NodeServer};
use host::transport::{Body, BoxFuture};
use http_body_util::{BodyExt, Full};
use kubelet::eviction::Usage;
use kubelet::runtime::{Exit, RuntimeCommand, RuntimeEvent, RuntimeStatus};
use tokio::net::TcpStream;

use crate::Error;
use crate::network::Cidr;
use crate::runtime::{EventSink, Runtime};

/// Pretends to run containers.
#[derive(Clone)]
pub struct Simulated(Arc<Inner>);

struct Inner {
    cidr: Cidr,
    pod_cidr: String,
    events: OnceLock<EventSink>,
    addresses: Mutex<BTreeMap<String, Ipv4Addr>>,
}

impl Simulated {
    /// A runtime whose pods have addresses of this range.
    pub fn new(pod_cidr: &str) -> Result<Self, Error> {
        let (cidr, pod_cidr) = (Cidr::parse(pod_cidr)?, pod_cidr.to_owned());
        let (events, addresses) = (OnceLock::new(), Mutex::default());
        Ok(Self(Arc::new(Inner { cidr, pod_cidr, events, addresses })))
    }

    fn addresses(&self) -> MutexGuard<'_, BTreeMap<String, Ipv4Addr>> {
        self.0.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sandbox(&self, pod_uid: String, host_network: bool) -> RuntimeEvent {
        if host_network {
            return RuntimeEvent::SandboxReady { pod_uid, ip: String::new() };
        }
        let mut addresses = self.addresses();
        let taken = addresses.get(&pod_uid).copied();
        let free =
            || self.0.cidr.hosts().find(|host| !addresses.values().any(|other| other == host));
        let Some(address) = taken.or_else(free) else {
            let message = Error::NoAddress(self.0.pod_cidr.clone()).to_string();
            return RuntimeEvent::SandboxFailed { pod_uid, message };
        };
        addresses.insert(pod_uid.clone(), address);
        RuntimeEvent::SandboxReady { pod_uid, ip: address.to_string() }
    }

    fn answer(&self, command: RuntimeCommand) -> Option<RuntimeEvent> {
        let now = Timestamp::now();
        Some(match command {
            RuntimeCommand::CreateSandbox(spec) => self.sandbox(spec.pod_uid, spec.host_network),
            RuntimeCommand::RemoveSandbox { pod_uid } => {
                self.addresses().remove(&pod_uid);
                RuntimeEvent::SandboxRemoved { pod_uid }
            }
            RuntimeCommand::ImageStatus { id, image } => {
                RuntimeEvent::ImageStatus { id, image_id: Some(format!("simulated:{image}")) }
            }
            RuntimeCommand::PullImage { id, image } => {
                let image_id = format!("simulated:{image}");
                RuntimeEvent::ImagePulled { id, image_id, size_bytes: 0, milliseconds: 0 }
            }
            RuntimeCommand::StartContainer(spec) => {
                RuntimeEvent::ContainerStarted { id: spec.id, started_at: now }
            }
            RuntimeCommand::StopContainer { id, .. } => {
                let exit = Exit {
                    exit_code: 0,
                    oom_killed: false,
                    finished_at: now,
                    message: String::new(),
                };
                RuntimeEvent::ContainerExited { id, exit }
            }
            RuntimeCommand::Resize { pod_uid, .. } => {
                RuntimeEvent::Resized { pod_uid, failure: None }
            }
            RuntimeCommand::RunHook { id, hook, .. } => {
                RuntimeEvent::HookEnded { id, hook, failure: None }
            }
            RuntimeCommand::Probe { id, probe, .. } => {
                RuntimeEvent::Probed { id, probe, success: true, output: String::new() }
            }
            RuntimeCommand::RemoveContainer(_)
            | RuntimeCommand::RemovePod { .. }
            | RuntimeCommand::KeepResources { .. }
            | RuntimeCommand::UpdateVolume { .. } => return None,
        })
    }
}

impl Runtime for Simulated {
    fn start(&self, events: EventSink) -> BoxFuture<'_, Result<Vec<RuntimeStatus>, Error>> {
        let _started_before = self.0.events.set(events);
        Box::pin(std::future::ready(Ok(vec![])))
    }

    fn usage(&self, _with_disks: bool) -> BoxFuture<'_, Option<Usage>> {
        Box::pin(std::future::ready(None))
    }

    fn perform(&self, command: RuntimeCommand) {
        if let (Some(event), Some(events)) = (self.answer(command), self.0.events.get()) {
            // A loop that has ended listens to nothing.
            let _ended = events.send(event);
        }
    }
}

impl NodeServer for Simulated {
    fn logs(&self, _: ContainerRef, _: LogOptions) -> BoxFuture<'_, Result<Body, Status>> {
        let nothing = Full::new(Bytes::new()).map_err(|never| match never {}).boxed_unsync();
        Box::pin(std::future::ready(Ok(nothing)))
    }

    fn exec(
        &self,
        container: ContainerRef,
        _: ExecOptions,
        _: ExecStreams,
    ) -> BoxFuture<'_, Result<i32, Status>> {
        let ContainerRef { pod, .. } = container;
        let message = format!("pod \"{pod}\" is simulated: nothing can run in it");
        Box::pin(std::future::ready(Err(Status::new(Reason::BadRequest, message))))
    }

    fn port_forward(&self, pod: ContainerRef, _: u16) -> BoxFuture<'_, Result<TcpStream, String>> {
        let why = format!("pod \"{}\" is simulated: nothing listens in it", pod.pod);
        Box::pin(std::future::ready(Err(why)))
    }
}

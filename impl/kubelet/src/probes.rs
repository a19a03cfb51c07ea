//! When to probe a container, and what the results add up to.
//!
//! Source: `pkg/kubelet/prober/worker.go` (v1.36). The first probe comes after the initial delay, without
//! upstream's random offset.

use std::collections::BTreeMap;
use std::time::Duration;

use api::Timestamp;
use k8s_openapi::api::core::v1::{Container, ContainerStatus, HTTPGetAction, Pod, Probe};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::actions::Health;
use crate::runtime::{ContainerId, ProbeAction, ProbeType, RuntimeCommand};
use crate::spec;

const TYPES: [ProbeType; 3] = [ProbeType::Liveness, ProbeType::Readiness, ProbeType::Startup];

/// One probe of one running container.
#[derive(Clone, Debug)]
struct Worker {
    next: Timestamp,
    in_flight: bool,
    /// The last result and how often it came in a row.
    last: bool,
    run: i32,
    /// What the results add up to; none while a startup probe has not decided.
    verdict: Option<bool>,
    /// It has decided for good.
    on_hold: bool,
}

/// The probes of a pod's running containers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Probes {
    workers: BTreeMap<(ContainerId, ProbeType), Worker>,
}

impl Probes {
    /// Begins to probe a container. One that ran before the kubelet did keeps what its status says.
    pub(crate) fn begin(
        &mut self,
        id: &ContainerId,
        container: &Container,
        started_at: Timestamp,
        before: Option<&ContainerStatus>,
    ) {
        for probe_type in TYPES {
            let Some(probe) = spec::probe(container, probe_type) else { continue };
            let delay = seconds(probe.initial_delay_seconds, 0);
            let verdict = match probe_type {
                ProbeType::Liveness => Some(true),
                ProbeType::Readiness => Some(before.is_some_and(|before| before.ready)),
                ProbeType::Startup => {
                    before.and_then(|before| before.started).filter(|started| *started)
                }
            };
            let worker = Worker {
                next: started_at + delay,
                in_flight: false,
                last: verdict.unwrap_or(false),
                run: 0,
                verdict,
                on_hold: probe_type == ProbeType::Startup && verdict == Some(true),
            };
            self.workers.insert((id.clone(), probe_type), worker);
        }
    }

    /// Stops probing a container.
    pub(crate) fn end(&mut self, id: &ContainerId) {
        self.workers.retain(|(other, _), _| other != id);
    }

    /// Stops the probes that could restart a container; a pod that is being deleted is not restarted.
    pub(crate) fn only_readiness(&mut self) {
        self.workers.retain(|(_, probe_type), _| *probe_type == ProbeType::Readiness);
    }

    fn verdict(&self, id: &ContainerId, probe_type: ProbeType) -> Option<Option<bool>> {
        self.workers.get(&(id.clone(), probe_type)).map(|worker| worker.verdict)
    }

    /// What the probes say of a running container.
    pub(crate) fn health(&self, id: &ContainerId) -> Health {
        let startup = self.verdict(id, ProbeType::Startup);
        Health {
            started: startup.is_none_or(|verdict| verdict == Some(true)),
            startup_failed: startup == Some(Some(false)),
            liveness_failed: self.verdict(id, ProbeType::Liveness) == Some(Some(false)),
            ..Health::default()
        }
    }

    /// Whether a running container is ready.
    pub(crate) fn is_ready(&self, id: &ContainerId) -> bool {
        let readiness = self.verdict(id, ProbeType::Readiness);
        self.health(id).started && readiness.is_none_or(|verdict| verdict == Some(true))
    }

    /// The probes that are due.
    pub(crate) fn due(&mut self, pod: &Pod, address: &str, now: Timestamp) -> Vec<RuntimeCommand> {
        let mut commands = vec![];
        let keys: Vec<_> = self.workers.keys().cloned().collect();
        for (id, probe_type) in keys {
            let Some(container) = spec::find(pod, &id.name) else { continue };
            let Some(probe) = spec::probe(container, probe_type) else { continue };
            let waits = (probe_type != ProbeType::Startup) && !self.health(&id).started;
            let Some(worker) = self.workers.get_mut(&(id.clone(), probe_type)) else { continue };
            if worker.in_flight || worker.on_hold || now < worker.next {
                continue;
            }
            worker.next = now + seconds(probe.period_seconds, 10);
            let Some(action) = action(probe, container, address).filter(|_| !waits) else {
                continue;
            };
            worker.in_flight = true;
            let timeout_seconds = i64::from(probe.timeout_seconds.unwrap_or(1));
            commands.push(RuntimeCommand::Probe { id, probe: probe_type, action, timeout_seconds });
        }
        commands
    }

    /// Counts a result. Results of containers that have ended count for nothing.
    pub(crate) fn probed(
        &mut self,
        pod: &Pod,
        id: &ContainerId,
        probe_type: ProbeType,
        success: bool,
    ) {
        let Some(probe) = spec::find(pod, &id.name).and_then(|one| spec::probe(one, probe_type))
        else {
            return;
        };
        let Some(worker) = self.workers.get_mut(&(id.clone(), probe_type)) else { return };
        worker.in_flight = false;
        worker.run = if worker.last == success { worker.run + 1 } else { 1 };
        worker.last = success;
        let threshold = match success {
            true => probe.success_threshold.unwrap_or(1),
            false => probe.failure_threshold.unwrap_or(3),
        };
        if worker.run < threshold {
            return;
        }
        worker.verdict = Some(success);
        if probe_type == ProbeType::Startup || (probe_type == ProbeType::Liveness && !success) {
            worker.on_hold = true;
            worker.run = 0;
        }
    }

    /// When the next probe is due.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        let waiting = self.workers.values().filter(|worker| !worker.in_flight && !worker.on_hold);
        waiting.map(|worker| worker.next).min()
    }
}

fn seconds(given: Option<i32>, default: u64) -> Duration {
    Duration::from_secs(given.map_or(default, |seconds| seconds.max(0).unsigned_abs().into()))
}

fn action(probe: &Probe, container: &Container, address: &str) -> Option<ProbeAction> {
    if let Some(exec) = &probe.exec {
        return Some(ProbeAction::Exec { command: exec.command.clone().unwrap_or_default() });
    }
    if let Some(get) = &probe.http_get {
        return Some(http_get(get, port(&get.port, container)?, address));
    }
    if let Some(grpc) = &probe.grpc {
        let (host, port) = (address.to_owned(), u16::try_from(grpc.port).ok()?);
        let service = grpc.service.clone().unwrap_or_default();
        return Some(ProbeAction::Grpc { host, port, service });
    }
    let socket = probe.tcp_socket.as_ref()?;
    let host = socket.host.clone().unwrap_or_else(|| address.to_owned());
    Some(ProbeAction::TcpSocket { host, port: port(&socket.port, container)? })
}

pub(crate) fn http_get(get: &HTTPGetAction, port: u16, address: &str) -> ProbeAction {
    let path = get.path.clone().unwrap_or_default();
    let headers = get.http_headers.iter().flatten();
    ProbeAction::HttpGet {
        host: get.host.clone().unwrap_or_else(|| address.to_owned()),
        port,
        path: if path.starts_with('/') { path } else { format!("/{path}") },
        headers: headers.map(|header| (header.name.clone(), header.value.clone())).collect(),
        https: get.scheme.as_deref() == Some("HTTPS"),
    }
}

pub(crate) fn port(port: &IntOrString, container: &Container) -> Option<u16> {
    let number = match port {
        IntOrString::Int(number) => *number,
        IntOrString::String(name) => {
            let ports = container.ports.iter().flatten();
            let named = ports.clone().find(|port| port.name.as_deref() == Some(name));
            named.map(|port| port.container_port).or_else(|| name.parse().ok())?
        }
    };
    u16::try_from(number).ok()
}

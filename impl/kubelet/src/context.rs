//! What the workers of all pods share: settings, delays, events, and the commands they give.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use api::{AnyObject, Request, Timestamp};
use client::event::{Note, Recorder, reference};
use k8s_openapi::api::core::v1::ObjectReference;

use crate::backoff::Backoff;
use crate::command::{Command, Purpose};
use crate::config::Config;
use crate::fields::Place;
use crate::following::{Followed, Following};
use crate::runtime::RuntimeCommand;
use crate::services::Services;
use crate::spec;

const BACKOFF_INITIAL: Duration = Duration::from_secs(10);
const BACKOFF_MAX: Duration = Duration::from_secs(300);
/// Source: `pkg/util/goroutinemap/exponentialbackoff` (v1.36).
const MOUNT_BACKOFF_INITIAL: Duration = Duration::from_millis(500);
const MOUNT_BACKOFF_MAX: Duration = Duration::from_secs(122);

/// Shared by all workers.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) config: Config,
    pub(crate) restarts: Backoff,
    pub(crate) pulls: Backoff,
    pub(crate) mounts: Backoff,
    /// What volumes show.
    pub(crate) following: Following,
    pub(crate) services: Services,
    pub(crate) now: Timestamp,
    /// How far the cache of pods has read.
    pub(crate) revision: u64,
    recorder: Recorder,
    last_event: Timestamp,
    commands: Vec<Command>,
}

impl Context {
    pub(crate) fn new(config: Config, now: Timestamp) -> Self {
        Self {
            recorder: Recorder::new("kubelet", &config.node_name),
            config,
            restarts: Backoff::new(BACKOFF_INITIAL, BACKOFF_MAX),
            pulls: Backoff::new(BACKOFF_INITIAL, BACKOFF_MAX),
            mounts: Backoff::new(MOUNT_BACKOFF_INITIAL, MOUNT_BACKOFF_MAX),
            following: Following::default(),
            services: Services::default(),
            now,
            revision: 0,
            last_event: now,
            commands: vec![],
        }
    }

    pub(crate) fn run(&mut self, command: RuntimeCommand) {
        self.commands.push(Command::Runtime(command));
    }

    pub(crate) fn ask(&mut self, purpose: Purpose, request: Request) {
        self.commands.push(Command::Api(purpose, request.observed_at(self.revision)));
    }

    /// A pod shows these objects now, and no others.
    pub(crate) fn shows(&mut self, pod_uid: &str, objects: BTreeSet<Followed>) {
        self.commands.extend(self.following.shows(pod_uid, objects));
    }

    pub(crate) fn take_commands(&mut self) -> Vec<Command> {
        std::mem::take(&mut self.commands)
    }

    /// Where a pod runs that has this address.
    pub(crate) fn place<'a>(&'a self, pod_ip: &'a str) -> Place<'a> {
        Place { pod_ip, host_ip: &self.config.node_ip, allocatable: self.config.capacity }
    }

    /// Says something about a pod, or about one of its containers.
    pub(crate) fn event(
        &mut self,
        pod: &Arc<k8s_openapi::api::core::v1::Pod>,
        container: &str,
        note: Note,
    ) {
        let field = match container {
            "" => String::new(),
            name if spec::is_init(pod, name) => format!("spec.initContainers{{{name}}}"),
            name if spec::is_ephemeral(pod, name) => format!("spec.ephemeralContainers{{{name}}}"),
            name => format!("spec.containers{{{name}}}"),
        };
        let about = reference(&AnyObject::Pod(Arc::clone(pod)), &field);
        self.record(about, note);
    }

    /// Says something about the node.
    pub(crate) fn node_event(&mut self, note: Note) {
        let name = Some(self.config.node_name.clone());
        // Upstream, too, names the node where its uid belongs: the kubelet may not know it yet.
        let about = ObjectReference {
            kind: Some("Node".to_owned()),
            uid: name.clone(),
            name,
            ..ObjectReference::default()
        };
        self.record(about, note);
    }

    /// Events are named by their time, so no two have the same.
    fn record(&mut self, about: ObjectReference, note: Note) {
        self.last_event = self.now.max(self.last_event + Duration::from_nanos(1));
        if let Some(request) = self.recorder.record(about, note, self.last_event) {
            self.ask(Purpose::Event, request);
        }
    }
}

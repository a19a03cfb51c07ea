//! The loop of one node: drives the kubelet's core with a real clock, API server and runtime.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use api::{Key, Request, Timestamp, resources};
use client::Change;
use host::requests;
use host::transport::Transport;
use kubelet::runtime::{ContainerId, ContainerState, RuntimeCommand, RuntimeEvent, RuntimeStatus};
use kubelet::{Command, Followed, Input, Kubelet, Purpose};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinSet};

use crate::static_pods::{self, Files};
use crate::trace::{TraceAction, TraceNote, TraceSink};
use crate::watch::Watch;
use crate::{Error, Runtime};

/// The longest sleep when nothing is due.
const IDLE: Duration = Duration::from_secs(60);

/// How often the machine is measured; upstream's `evictionMonitoringPeriod`.
const MEASURED: Duration = Duration::from_secs(10);

/// What one node is started with.
#[derive(Clone)]
pub struct NodeConfig {
    /// What the kubelet is told.
    pub kubelet: kubelet::Config,
    /// The folder with the files of the node's own pods, if it has any.
    pub static_pod_path: Option<PathBuf>,
    /// Where to tell of what happens, if anywhere.
    pub trace: Option<TraceSink>,
}

/// Runs one node until `shutdown` completes. Its containers go on running.
pub async fn run(
    config: NodeConfig,
    transport: Arc<dyn Transport>,
    runtime: Arc<dyn Runtime>,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), Error> {
    let (reports, reported) = mpsc::unbounded_channel();
    let found = runtime.start(reports).await?;
    let eviction = &config.kubelet.eviction;
    let (evicts, with_disks) = (!eviction.thresholds.is_empty(), eviction.need_disks_of_pods());
    let measured = Arc::clone(&runtime);
    let mut node = Loop::start(config, transport, runtime, found);
    node.tasks.spawn(forward(reported, node.inputs.clone()));
    if evicts {
        node.tasks.spawn(measure(measured, with_disks, node.inputs.clone()));
    }
    tokio::pin!(shutdown);
    loop {
        let until_due = node.until_due();
        let input = tokio::select! {
            () = &mut shutdown => return Ok(()),
            input = node.heard.recv() => input.unwrap_or(Input::Tick),
            () = tokio::time::sleep(until_due) => Input::Tick,
        };
        node.handle(input);
    }
}

async fn forward(mut reported: UnboundedReceiver<RuntimeEvent>, inputs: UnboundedSender<Input>) {
    while let Some(event) = reported.recv().await {
        if inputs.send(Input::Runtime(event)).is_err() {
            return;
        }
    }
}

/// Tells again and again what the machine has left.
async fn measure(runtime: Arc<dyn Runtime>, with_disks: bool, inputs: UnboundedSender<Input>) {
    while let Some(usage) = runtime.usage(with_disks).await {
        if inputs.send(Input::Usage(usage)).is_err() {
            return;
        }
        tokio::time::sleep(MEASURED).await;
    }
}

/// A running node. Dropping it ends its tasks.
struct Loop {
    name: String,
    kubelet: Kubelet,
    transport: Arc<dyn Transport>,
    runtime: Arc<dyn Runtime>,
    trace: Option<TraceSink>,
    /// Whose containers they are, for the trace.
    pods: BTreeMap<String, Key>,
    inputs: UnboundedSender<Input>,
    heard: UnboundedReceiver<Input>,
    events: UnboundedSender<Request>,
    /// The watches of what is followed.
    followed: BTreeMap<Followed, AbortHandle>,
    tasks: JoinSet<()>,
}

impl Loop {
    fn start(
        config: NodeConfig,
        transport: Arc<dyn Transport>,
        runtime: Arc<dyn Runtime>,
        found: Vec<RuntimeStatus>,
    ) -> Self {
        let (inputs, heard) = mpsc::unbounded_channel();
        let (events, recorded) = mpsc::unbounded_channel();
        let name = config.kubelet.node_name.clone();
        let mut tasks = JoinSet::new();
        let pods = Watch::of_pods(&name, Arc::clone(&transport), config.trace.clone());
        let services = Watch::of_all(&resources::SERVICES, Arc::clone(&transport));
        let (listed, are_listed) = oneshot::channel();
        tasks.spawn(follow_services(services, inputs.clone(), listed));
        if let Some(folder) = config.static_pod_path {
            let (files, static_pods) =
                (static_pods::read(&folder, &Files::default()), inputs.clone());
            let tell = move |files| static_pods.send(Input::StaticPods(files)).is_ok();
            files.complain();
            tell(files.pods.clone());
            tasks.spawn(static_pods::follow(folder, files, tell));
        }
        let changes = inputs.clone();
        tasks.spawn(async move {
            // A kubelet is told of Services before pods.
            if are_listed.await.is_ok() {
                pods.follow(move |change, revision| tell(&changes, change, revision)).await;
            }
        });
        tasks.spawn(write_events(Arc::clone(&transport), recorded));
        let pods = found.iter().map(|pod| (pod.pod_uid.clone(), pod.pod.clone())).collect();
        let adopted: Vec<ContainerId> = running(&found);
        let kubelet = Kubelet::new(config.kubelet, found, Timestamp::now());
        let trace = config.trace;
        let followed = BTreeMap::new();
        let node = Self {
            name,
            kubelet,
            transport,
            runtime,
            trace,
            pods,
            inputs,
            heard,
            events,
            followed,
            tasks,
        };
        adopted.iter().for_each(|id| node.note(TraceAction::Adopted, id));
        node
    }

    fn until_due(&self) -> Duration {
        let due = self.kubelet.next_deadline().duration_since(Timestamp::now());
        Duration::try_from(due).unwrap_or(Duration::ZERO).min(IDLE)
    }

    fn handle(&mut self, input: Input) {
        if let Input::Runtime(RuntimeEvent::ContainerStarted { id, .. }) = &input {
            self.note(TraceAction::Started, id);
        }
        if let Input::Runtime(RuntimeEvent::ContainerExited { id, .. }) = &input {
            self.note(TraceAction::Exited, id);
        }
        for command in self.kubelet.handle(input, Timestamp::now()) {
            match command {
                Command::Runtime(command) => self.order(command),
                Command::Api(Purpose::Event, request) => {
                    // The task that writes events lives as long as the loop.
                    let _ended = self.events.send(request);
                }
                Command::Api(purpose, request) => self.ask(purpose, request),
                Command::Follow(followed) => self.follow(followed),
                Command::Forget(followed) => {
                    self.followed.remove(&followed).iter().for_each(AbortHandle::abort);
                }
            }
        }
        while self.tasks.try_join_next().is_some() {}
    }

    fn order(&mut self, command: RuntimeCommand) {
        match &command {
            RuntimeCommand::StartContainer(spec) => {
                self.pods.insert(spec.id.pod_uid.clone(), spec.pod.clone());
                self.note(TraceAction::StartOrdered, &spec.id);
            }
            RuntimeCommand::StopContainer { id, .. } => self.note(TraceAction::StopOrdered, id),
            RuntimeCommand::RemovePod { pod_uid } => {
                self.pods.remove(pod_uid);
            }
            RuntimeCommand::CreateSandbox(_)
            | RuntimeCommand::RemoveSandbox { .. }
            | RuntimeCommand::ImageStatus { .. }
            | RuntimeCommand::PullImage { .. }
            | RuntimeCommand::RemoveContainer(_)
            | RuntimeCommand::UpdateVolume { .. }
            | RuntimeCommand::Resize { .. }
            | RuntimeCommand::KeepResources { .. }
            | RuntimeCommand::RunHook { .. }
            | RuntimeCommand::Probe { .. } => {}
        }
        self.runtime.perform(command);
    }

    fn ask(&mut self, purpose: Purpose, request: Request) {
        let (transport, inputs) = (Arc::clone(&self.transport), self.inputs.clone());
        self.tasks.spawn(async move {
            let outcome = requests::perform(&*transport, &request).await;
            // A loop that has ended needs no answer.
            let _ended = inputs.send(Input::Answer(purpose, outcome));
        });
    }

    fn follow(&mut self, followed: Followed) {
        let watch = Watch::of_object(&followed, Arc::clone(&self.transport));
        let (inputs, object, mut version) = (self.inputs.clone(), followed.clone(), None);
        let watching = self.tasks.spawn(watch.follow(move |change, _| {
            if let Some(change) = change {
                let new = change.new.as_ref();
                version = new.and_then(|new| new.metadata().resource_version.clone());
            }
            // A loop that has ended hears nothing.
            let _ended = inputs.send(Input::Object(object.clone(), version.clone()));
        }));
        self.followed.insert(followed, watching);
    }

    fn note(&self, action: TraceAction, id: &ContainerId) {
        let Some(trace) = &self.trace else { return };
        trace(TraceNote {
            node: self.name.clone(),
            action,
            pod: self.pods.get(&id.pod_uid).cloned().unwrap_or_default(),
            uid: id.pod_uid.clone(),
            container: id.name.clone(),
            revision: self.kubelet.revision(),
        });
    }
}

fn running(found: &[RuntimeStatus]) -> Vec<ContainerId> {
    let containers = found.iter().flat_map(|pod| &pod.containers);
    let running = containers.filter(|one| matches!(one.state, ContainerState::Running { .. }));
    running.map(|container| container.id.clone()).collect()
}

fn tell(inputs: &UnboundedSender<Input>, change: Option<Change>, revision: u64) {
    let input = change.map_or(Input::Synced, |change| Input::Pod(change, revision));
    // A loop that has ended hears nothing.
    let _ended = inputs.send(input);
}

/// Tells of Services for ever, and once when all that there are have been told of.
async fn follow_services(
    watch: Watch,
    inputs: UnboundedSender<Input>,
    listed: oneshot::Sender<()>,
) {
    let mut listed = Some(listed);
    let heard = move |change: Option<Change>, _| {
        if let Some(change) = change {
            // A loop that has ended hears nothing.
            let _ended = inputs.send(Input::Service(change));
        } else if let Some(listed) = listed.take() {
            // Nor does it follow pods.
            let _ended = listed.send(());
        }
    };
    watch.follow(heard).await;
}

/// Writes events one after the other: a later one may count up an earlier one.
async fn write_events(transport: Arc<dyn Transport>, mut recorded: UnboundedReceiver<Request>) {
    while let Some(request) = recorded.recv().await {
        // Events are best effort, as upstream's are.
        let _lost = requests::perform(&*transport, &request).await;
    }
}

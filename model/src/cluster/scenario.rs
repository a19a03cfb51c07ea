//! A cluster as a slice to check: which components it has, how it starts, what may go wrong.

use super::action::Action;
use super::actor::Actor;
use super::budgets::{Budget, Budgets};
use super::claims;
use super::ids::{NodeId, PodId, Uid};
use super::kubelet::{Kubelet, Machine};
use super::lanes;
use super::mutations::Mutation;
use super::objects::Node;
use super::request;
use super::state::State;
use super::watch::Watcher;
use super::words;
use crate::cause::Cause;
use crate::history::Cursor;
use crate::slice::{Claim, Lane, Outcome, Slice};

/// Which components take steps. What is absent is not modelled in the slice.
#[derive(Clone, Copy, Debug, Default)]
pub struct Components {
    /// kube-scheduler.
    pub scheduler: bool,
    /// The ReplicaSet controller; it then creates the Pods.
    pub replica_set_controller: bool,
    /// The node lifecycle, taint eviction and Pod garbage collection controllers.
    pub node_lifecycle: bool,
    /// The kubelets. Without them a Pod that is bound stays Pending.
    pub kubelets: bool,
    /// An API server whose watch cache lags behind.
    pub lagging_api_server: bool,
}

/// A cluster to check.
#[derive(Clone, Debug)]
pub struct Cluster<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize> {
    /// Which components take steps.
    pub components: Components,
    /// Where it starts.
    pub initial: State<PODS, NODES, SETS, LOG>,
    /// How many names of Pods there are.
    pub pods: usize,
    /// How many machines there are.
    pub nodes: usize,
    /// What a client may scale to.
    pub replicas_max: u8,
    /// Watchers whose cache never lags: what they watch reaches them with the write. This makes a
    /// slice smaller and leaves out the interleavings where they are late.
    pub up_to_date: &'static [Watcher],
    /// Whether the API server that lags follows event by event.
    pub at_own_pace: bool,
    /// The claims that the slice is about.
    pub claims: &'static [&'static str],
    /// The step that is replaced, if any.
    pub mutation: Option<Mutation>,
}

impl<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>
    Cluster<PODS, NODES, SETS, LOG>
{
    /// The start of a cluster whose machines run, of which so many have not registered yet, and
    /// whose components have listed.
    pub fn start(
        components: Components,
        machines: Machines,
        budgets: Budgets,
    ) -> State<PODS, NODES, SETS, LOG> {
        let mut state = State { budgets, ..State::EMPTY };
        for node in NodeId::all(machines.count) {
            let registered = node.index() < machines.count - machines.unregistered;
            state = with_machine(state, node, machines.allocatable_pods, registered);
        }
        for watcher in watchers(components, machines.count) {
            let off = matches!(watcher, Watcher::Kubelet(node)
                if node.index() >= machines.count - machines.unregistered);
            if !off {
                state.store.set_cursor(watcher, Cursor::at(0));
            }
        }
        state
    }

    /// What comes with every step: caches that never lag are brought up to date, and what nobody can
    /// tell apart becomes equal.
    fn complete(&self, state: &mut State<PODS, NODES, SETS, LOG>) {
        self.bring_up_to_date(state);
        if !state.store.lazy {
            state.store.compact();
        }
        if self.components.replica_set_controller {
            state.forget_uids_of_free_names();
        }
    }

    fn bring_up_to_date(&self, state: &mut State<PODS, NODES, SETS, LOG>) {
        let lags = state.fell_behind || self.at_own_pace;
        let follows = self.components.lagging_api_server && !lags;
        let lagging = follows.then_some(&Watcher::LaggingApiServer);
        for watcher in self.up_to_date.iter().chain(lagging) {
            while let Some(next) = state.deliver(*watcher) {
                *state = next;
            }
        }
    }

    /// Names are taken in order. Which of several unused names is taken makes no difference.
    fn takes_next_name(&self, state: &State<PODS, NODES, SETS, LOG>, action: Action) -> bool {
        if let Action::CreatePod { pod, .. } = action {
            let unused = |name: &PodId| state.store.pod_uids[name.index()] == Uid::NONE;
            return !unused(&pod) || self.pods().find(unused) == Some(pod);
        }
        let (Action::CommitCreation { pod, .. }
        | Action::CommitLateCreation { pod, .. }
        | Action::LoseAnswerToCreation { pod, .. }) = action
        else {
            return true;
        };
        state.first_free() == Some(pod)
    }
}

/// The machines at the start.
#[derive(Clone, Copy, Debug)]
pub struct Machines {
    /// How many there are.
    pub count: usize,
    /// How many of them, counted from the last, have a kubelet that has not registered yet.
    pub unregistered: usize,
    /// How many Pods each has room for.
    pub allocatable_pods: u8,
}

impl<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize> Slice
    for Cluster<PODS, NODES, SETS, LOG>
{
    type State = State<PODS, NODES, SETS, LOG>;
    type Action = Action;

    fn initial(&self) -> Self::State {
        self.initial
    }

    fn candidates(&self) -> Vec<Action> {
        let affordable = |action: &Action| match action.budget() {
            Some(budget) => self.initial.budgets.left(budget) > 0,
            None => true,
        };
        self.possible().into_iter().filter(affordable).collect()
    }

    fn step(&self, state: &Self::State, action: Action) -> Option<Self::State> {
        if !self.takes_next_name(state, action) {
            return None;
        }
        let mut next = Mutation::step(self.mutation, state, action);
        self.complete(next.as_mut()?);
        next
    }

    fn cause(&self, action: Action) -> Cause {
        action.cause()
    }

    fn actor(&self, action: Action) -> String {
        lanes::actor(action)
    }

    fn lanes(&self, state: &Self::State) -> Vec<Lane> {
        lanes::lanes(state, self.components, self.nodes)
    }

    fn claims(&self) -> Vec<Claim<Self>> {
        claims::all().into_iter().filter(|claim| self.claims.contains(&claim.id)).collect()
    }

    fn describe(&self, before: &Self::State, action: Action, after: &Self::State) -> String {
        words::describe(before, action, after)
    }

    fn outcome(&self, before: &Self::State, action: Action, after: &Self::State) -> Outcome {
        if after.store.revision.0 > before.store.revision.0 {
            Outcome::Committed
        } else if action.actor() == Actor::ApiServer {
            Outcome::Refused
        } else {
            Outcome::Done
        }
    }

    /// Its log is full: some watcher is further behind than the bounds of the model allow.
    fn is_at_bound(&self, state: &Self::State) -> bool {
        state.store.log.len() >= LOG
    }

    fn canonical(&self, state: &Self::State) -> Self::State {
        state.canonical(self.pods, self.nodes)
    }

    fn alike(&self, state: &Self::State) -> Vec<Self::State> {
        state.alike(self.pods, self.nodes)
    }

    fn without_invisible(&self, state: &Self::State) -> Self::State {
        let mut state = *state;
        state.store.lazy = false;
        state.store.settle();
        state.store.compact();
        if self.components.replica_set_controller {
            state.forget_uids_of_free_names();
        }
        state
    }

    fn without_lag(&self, state: &Self::State) -> Self::State {
        let mut state = State { fell_behind: false, ..*state };
        state.store.set_cursor(Watcher::LaggingApiServer, Cursor::at(state.store.log.len()));
        self.without_invisible(&state)
    }

    fn request(&self, before: &Self::State, action: Action) -> Option<serde_json::Value> {
        let request = request::request(before, action)?;
        serde_json::to_value(request).ok()
    }
}

/// Who watches in a cluster with these components.
pub(super) fn watchers(components: Components, nodes: usize) -> impl Iterator<Item = Watcher> {
    Watcher::all(nodes).filter(move |watcher| match watcher {
        Watcher::SchedulerPods | Watcher::SchedulerNodes => components.scheduler,
        Watcher::ReplicaSets | Watcher::ReplicaSetPods => components.replica_set_controller,
        Watcher::NodeLifecycleNodes | Watcher::NodeLifecyclePods => components.node_lifecycle,
        Watcher::LaggingApiServer => components.lagging_api_server,
        Watcher::Kubelet(_) => components.kubelets,
    })
}

fn with_machine<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>(
    mut state: State<PODS, NODES, SETS, LOG>,
    node: NodeId,
    allocatable_pods: u8,
    registered: bool,
) -> State<PODS, NODES, SETS, LOG> {
    let machine = if registered { Machine::Running } else { Machine::Registering };
    state.kubelets[node.index()] = Kubelet { machine, allocatable_pods, ..Kubelet::OFF };
    state.leases[node.index()] = true;
    if registered {
        let uid = Uid::NONE.next();
        let object = Node { uid, ready: true, unreachable: false, allocatable_pods };
        state.store.base.nodes[node.index()] = Some(object);
        state.store.node_uids[node.index()] = uid;
    }
    state
}

/// Several budgets at once.
pub fn budgets(of: &[(Budget, u8)]) -> Budgets {
    of.iter().fold(Budgets::NONE, |budgets, (budget, times)| budgets.with(*budget, *times))
}

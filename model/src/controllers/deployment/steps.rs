//! The steps of the Deployment controller, of ReplicaSets, of clients and of faults.

use super::objects::{Deployment, Event, Set};
use super::rolling::Strategy;
use super::{Action, Budgets, DEPLOYMENT_INFORMER, Request, SET_INFORMER, State};

/// The name under which a client creates a ReplicaSet of its own: that of the new template.
const STRANGER: u8 = 1;

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::DeliverDeployment => state.deliver(DEPLOYMENT_INFORMER),
            Action::DeliverSet => state.deliver(SET_INFORMER),
            Action::SyncDeployment => state.sync_deployment(Strategy::ROLLING_UPDATE),
            Action::Commit => state.commit(),
            Action::RunPod { set } => state.run_pod(set),
            Action::StopPod { set } => state.stop_pod(set),
            Action::ChangeTemplate => state.change_template(),
            Action::CreateStranger => state.create_stranger(),
            Action::LoseRequest => state.lose(*state),
            Action::LoseAnswer => state.lose(state.commit()?),
            Action::Crash => state.crash(),
        }
    }
}

impl State {
    /// The controller hears of a change.
    pub fn deliver(&self, watcher: usize) -> Option<Self> {
        let mut next = *self;
        next.store.deliver(watcher)?;
        Some(next)
    }

    /// The controller compares the ReplicaSets with the Deployment, and asks for what is to be done
    /// first.
    pub(super) fn sync_deployment(&self, strategy: Strategy) -> Option<Self> {
        let caches = self.store.caches().filter(|_| self.request == Request::None)?;
        let request = strategy.wanted(&caches);
        (request != Request::None).then_some(State { request, ..*self })
    }

    /// The API server handles what the controller asked for.
    pub fn commit(&self) -> Option<Self> {
        let objects = self.store.now();
        let done = State { request: Request::None, ..*self };
        Some(match self.request {
            Request::None => return None,
            Request::Create { read, replicas } => {
                match objects.sets[usize::from(read.set_name())] {
                    None => done.put_set(read.set_name(), Set::new(read.template, replicas)),
                    Some(_) => done.already_exists(read)?,
                }
            }
            Request::Scale { name, read, replicas } => {
                let unchanged = objects.sets[usize::from(name)] == Some(read);
                if unchanged { done.put_set(name, Set { replicas, ..read }) } else { done }
            }
            Request::CountCollision { read } if read == objects.deployment => {
                let collision_count = (read.collision_count + 1).min(1);
                done.put_deployment(Deployment { collision_count, ..read })
            }
            Request::CountCollision { .. } => done,
        })
    }

    /// A Pod of a ReplicaSet becomes available.
    pub fn run_pod(&self, name: u8) -> Option<Self> {
        let set = self.set(name).filter(|set| set.available < set.replicas)?;
        Some(self.put_set(name, Set { available: set.available + 1, ..set }))
    }

    /// A ReplicaSet deletes a Pod that is one too many.
    pub fn stop_pod(&self, name: u8) -> Option<Self> {
        let set = self.set(name).filter(|set| set.available > set.replicas)?;
        Some(self.put_set(name, Set { available: set.available - 1, ..set }))
    }

    /// A client changes the template to the other one: an update, or the way back.
    pub fn change_template(&self) -> Option<Self> {
        let rollouts = self.budgets.rollouts.checked_sub(1)?;
        let read = self.store.now().deployment;
        let next = self.put_deployment(Deployment { template: 1 - read.template, ..read });
        Some(State { budgets: Budgets { rollouts, ..self.budgets }, ..next })
    }

    /// A client creates a ReplicaSet that nobody controls, under a name that is the hash of the new
    /// template too.
    pub fn create_stranger(&self) -> Option<Self> {
        let strangers = self.budgets.strangers.checked_sub(1)?;
        let free = self.set(STRANGER).is_none();
        let set = Set { template: 0, owned: false, replicas: 0, available: 0 };
        let next = free.then(|| self.put_set(STRANGER, set))?;
        Some(State { budgets: Budgets { strangers, ..self.budgets }, ..next })
    }

    /// The controller sees a timeout: what it asked for is lost on its way, or its answer is, so
    /// that the objects are as in `handled`.
    pub fn lose(&self, handled: Self) -> Option<Self> {
        let lost = self.budgets.lost.checked_sub(1)?;
        let sent = self.request != Request::None;
        let budgets = Budgets { lost, ..self.budgets };
        sent.then_some(State { request: Request::None, budgets, ..handled })
    }

    /// The controller crashes, starts again and lists.
    pub fn crash(&self) -> Option<Self> {
        let crashes = self.budgets.crashes.checked_sub(1)?;
        let budgets = Budgets { crashes, ..self.budgets };
        let mut next = State { request: Request::None, budgets, ..*self };
        next.store.list_all();
        Some(next)
    }

    /// The name is taken (409 AlreadyExists). If the cache shows the Deployment's own ReplicaSet,
    /// all is well; if another, the next attempt is to have another name; if none, it looks again.
    fn already_exists(&self, read: Deployment) -> Option<Self> {
        let shown = self.store.caches()?.sets[usize::from(read.set_name())];
        let collides = shown.is_some_and(|set| !set.owned || set.template != read.template);
        let request = if collides { Request::CountCollision { read } } else { Request::None };
        Some(State { request, ..*self })
    }

    pub(super) fn set(&self, name: u8) -> Option<Set> {
        self.store.now().sets[usize::from(name)]
    }

    pub(super) fn put_set(mut self, name: u8, set: Set) -> Self {
        self.store.write(Event::Set(name, set));
        self
    }

    fn put_deployment(mut self, deployment: Deployment) -> Self {
        self.store.write(Event::Deployment(deployment));
        self
    }
}

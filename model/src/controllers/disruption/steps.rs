//! The steps of evictions, of the disruption controller, and of the Pods that come and go.

use super::{
    Action, BUDGET_INFORMER, Budget, Budgets, Event, Eviction, Objects, POD_INFORMER, PODS, Pod,
    State, StatusUpdate,
};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::DeliverBudget => state.deliver(BUDGET_INFORMER),
            Action::DeliverPod => state.deliver(POD_INFORMER),
            Action::SyncBudget => state.sync_budget(),
            Action::CommitStatus => state.commit_status(),
            Action::Evict { pod } => state.evict(pod, Budget::allows_eviction),
            Action::CommitEviction { pod } => state.commit_eviction(pod, Budget::decremented),
            Action::DeleteEvicted { pod } => state.delete_evicted(pod),
            Action::RemovePod { pod } => state.remove_pod(pod),
            Action::ReplacePod { pod } => state.replace_pod(pod),
            Action::BecomeReady { pod } => state.become_ready(pod),
            Action::Expire { pod } => state.expire(pod),
            Action::RaiseMinAvailable => state.raise_min_available(),
            Action::LoseEviction { pod } => state.lose_eviction(pod),
            Action::Crash => state.crash(),
        }
    }
}

impl Pod {
    /// Whether it counts as healthy.
    pub fn is_healthy(&self) -> bool {
        self.ready && !self.deleting
    }
}

impl Budget {
    /// Whether the controller has seen the budget as it is, and allows one more disruption.
    pub fn allows_eviction(&self) -> bool {
        self.is_observed() && self.disruptions_allowed > 0
    }

    /// Whether `status.observedGeneration` is the newest generation.
    pub fn is_observed(&self) -> bool {
        self.observed == Some(self.min_available)
    }

    /// The budget after one more eviction.
    pub(super) fn decremented(mut self, pod: usize) -> Self {
        self.disruptions_allowed = self.disruptions_allowed.saturating_sub(1);
        self.disrupted_pods[pod] = true;
        self
    }
}

impl Objects {
    /// The budget with the status that follows from these objects. A Pod that an eviction names is
    /// believed to go, until it is gone or the eviction took too long.
    pub(super) fn status(&self, expired: [bool; PODS]) -> Budget {
        let mut budget = self.budget;
        let mut healthy = 0;
        for (number, pod) in self.pods.iter().enumerate() {
            let stays = pod.is_some_and(|pod| !pod.deleting) && !expired[number];
            budget.disrupted_pods[number] &= stays;
            let counts = pod.is_some_and(|pod| pod.is_healthy()) && !budget.disrupted_pods[number];
            healthy += u8::from(counts);
        }
        budget.disruptions_allowed = healthy.saturating_sub(budget.min_available);
        budget.observed = Some(budget.min_available);
        budget
    }
}

impl State {
    /// The controller hears of a change.
    pub fn deliver(&self, watcher: usize) -> Option<Self> {
        let mut next = *self;
        next.store.deliver(watcher)?;
        Some(next)
    }

    /// The controller counts healthy Pods, and asks for the status that follows.
    pub fn sync_budget(&self) -> Option<Self> {
        let caches = self.store.caches().filter(|_| self.update.is_none())?;
        self.updates(caches.budget, caches.status(self.expired))
    }

    /// The API server handles the controller's status. It is refused where the budget has changed
    /// since it was read (Conflict).
    pub fn commit_status(&self) -> Option<Self> {
        let StatusUpdate { read, write } = self.update?;
        let next = State { update: None, ..*self };
        Some(if self.store.now().budget == read { next.put_budget(write) } else { next })
    }

    /// A client asks for an eviction: the API server reads the budget. It refuses
    /// (429 TooManyRequests) where the budget allows no disruption.
    pub fn evict(&self, number: u8, allows: fn(&Budget) -> bool) -> Option<Self> {
        let budget = self.store.now().budget;
        self.pod(number).filter(|pod| pod.is_healthy() && allows(&budget))?;
        let idle = self.evictions[usize::from(number)] == Eviction::None;
        idle.then(|| self.evicting(number, Eviction::Checked(budget)))
    }

    /// The API server writes the budget for an eviction. Where it has changed since it was read,
    /// the eviction starts again.
    pub fn commit_eviction(&self, number: u8, spend: fn(Budget, usize) -> Budget) -> Option<Self> {
        let Eviction::Checked(read) = self.evictions[usize::from(number)] else { return None };
        if self.store.now().budget != read {
            return Some(self.evicting(number, Eviction::None));
        }
        let mut next = self.evicting(number, Eviction::Granted);
        next.expired[usize::from(number)] = false;
        Some(next.put_budget(spend(read, usize::from(number))))
    }

    /// The API server deletes the Pod of an eviction that was granted.
    pub fn delete_evicted(&self, number: u8) -> Option<Self> {
        let granted = self.evictions[usize::from(number)] == Eviction::Granted;
        let pod = self.pod(number).filter(|_| granted)?;
        let next = self.evicting(number, Eviction::None);
        Some(next.put_pod(number, Some(Pod { deleting: true, ..pod })))
    }

    /// The kubelet has ended a Pod that is being deleted.
    pub fn remove_pod(&self, number: u8) -> Option<Self> {
        self.pod(number).filter(|pod| pod.deleting)?;
        Some(self.put_pod(number, None))
    }

    /// A controller creates another Pod. No budget that anybody knows names it.
    pub fn replace_pod(&self, number: u8) -> Option<Self> {
        let named = |objects: Objects| objects.budget.disrupted_pods[usize::from(number)];
        let known = (0..=self.store.log.len()).any(|position| named(self.store.at(position)));
        let written = self.update.is_some_and(|update| {
            update.read.disrupted_pods[usize::from(number)]
                || update.write.disrupted_pods[usize::from(number)]
        });
        let free = self.pod(number).is_none() && !known && !written;
        let mut next = free.then_some(*self)?;
        next.expired[usize::from(number)] = false;
        Some(next.put_pod(number, Some(Pod { ready: false, deleting: false })))
    }

    /// A Pod becomes Ready.
    pub fn become_ready(&self, number: u8) -> Option<Self> {
        let pod = self.pod(number).filter(|pod| !pod.ready && !pod.deleting)?;
        Some(self.put_pod(number, Some(Pod { ready: true, ..pod })))
    }

    /// A Pod that the budget names has not gone for two minutes: its eviction has failed.
    pub fn expire(&self, number: u8) -> Option<Self> {
        let named = self.store.now().budget.disrupted_pods[usize::from(number)];
        let stays = self.pod(number).is_some_and(|pod| !pod.deleting);
        let ended = self.evictions[usize::from(number)] != Eviction::Granted;
        let mut next = (named && stays && ended).then_some(*self)?;
        let expired = std::mem::replace(&mut next.expired[usize::from(number)], true);
        (!expired).then_some(next)
    }

    /// A client raises `minAvailable`.
    pub fn raise_min_available(&self) -> Option<Self> {
        let raises = self.budgets.raises.checked_sub(1)?;
        let budget = self.store.now().budget;
        let next = self.put_budget(Budget { min_available: budget.min_available + 1, ..budget });
        Some(State { budgets: Budgets { raises, ..self.budgets }, ..next })
    }

    /// The API server crashes after it wrote the budget: the Pod is not deleted.
    pub fn lose_eviction(&self, number: u8) -> Option<Self> {
        let lost_evictions = self.budgets.lost_evictions.checked_sub(1)?;
        let granted = self.evictions[usize::from(number)] == Eviction::Granted;
        let next = granted.then(|| self.evicting(number, Eviction::None))?;
        Some(State { budgets: Budgets { lost_evictions, ..self.budgets }, ..next })
    }

    /// The controller crashes, starts again and lists.
    pub fn crash(&self) -> Option<Self> {
        let crashes = self.budgets.crashes.checked_sub(1)?;
        let budgets = Budgets { crashes, ..self.budgets };
        let mut next = State { update: None, budgets, ..*self };
        next.store.list_all();
        Some(next)
    }

    /// Asks for a status, if it is another one.
    pub(super) fn updates(&self, read: Budget, write: Budget) -> Option<Self> {
        let update = Some(StatusUpdate { read, write });
        (read != write).then_some(State { update, ..*self })
    }

    pub(super) fn pod(&self, number: u8) -> Option<Pod> {
        self.store.now().pods[usize::from(number)]
    }

    fn evicting(mut self, number: u8, eviction: Eviction) -> Self {
        self.evictions[usize::from(number)] = eviction;
        self
    }

    /// Writes the budget. What it no longer names has not expired.
    pub(super) fn put_budget(mut self, budget: Budget) -> Self {
        self.store.write(Event::Budget(budget));
        for (expired, named) in self.expired.iter_mut().zip(budget.disrupted_pods) {
            *expired &= named;
        }
        self
    }

    fn put_pod(mut self, number: u8, pod: Option<Pod>) -> Self {
        self.store.write(Event::Pod(number, pod));
        self
    }
}

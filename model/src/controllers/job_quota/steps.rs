//! The steps of the controller, of its Pods, and of who sets the quota.

use super::{Action, Budgets, Event, PARALLELISM, POD_INFORMER, Plan, Pods, State, Status};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::DeliverPod => state.deliver_pod(),
            Action::SyncJob => state.sync_job(),
            Action::CommitCreation => state.commit_creation(),
            Action::CommitStatus => state.commit_status(Plan::corrected),
            Action::EndPod => state.end_pod(),
            Action::SetQuota { pods } => state.set_quota(pods),
            Action::Crash => state.crash(),
        }
    }
}

impl Plan {
    /// The status without the Pods that were not created.
    pub fn corrected(&self) -> Status {
        Status { active: self.status.active - self.uncreated, ..self.status }
    }
}

impl State {
    /// The controller hears of a Pod that was created, or has ended.
    pub fn deliver_pod(&self) -> Option<Self> {
        let mut next = *self;
        let before = self.store.cache(POD_INFORMER)?;
        let Event::Pod(pods) = next.store.deliver(POD_INFORMER)?;
        next.expected = self.expected.saturating_sub(pods.created - before.created);
        Some(next)
    }

    /// The controller looks at the Job: it plans the Pods that are missing, and the status that follows.
    pub fn sync_job(&self) -> Option<Self> {
        let is_idle = self.plan.is_none() && self.expected == 0;
        let seen = self.store.cache(POD_INFORMER).filter(|_| is_idle)?;
        let creations = PARALLELISM.saturating_sub(seen.active());
        let status = Status { active: seen.active() + creations, failed: seen.ended };
        let plan = Plan { creations, uncreated: 0, status };
        let has_work = creations > 0 || status != self.status;
        has_work.then_some(State { plan: Some(plan), ..*self })
    }

    /// The API server creates a Pod, or refuses it: the quota is used up (Forbidden). The others are left out then.
    pub fn commit_creation(&self) -> Option<Self> {
        let plan = self.plan.filter(|plan| plan.creations > 0)?;
        let pods = self.store.now();
        if pods.active() >= self.quota {
            let plan = Plan { creations: 0, uncreated: plan.creations, ..plan };
            return Some(State { plan: Some(plan), ..*self });
        }
        let plan = Some(Plan { creations: plan.creations - 1, ..plan });
        let next = State { plan, expected: self.expected + 1, ..*self };
        Some(next.put(Pods { created: pods.created + 1, ..pods }))
    }

    /// The status is written, once every Pod was asked for.
    pub fn commit_status(&self, status: fn(&Plan) -> Status) -> Option<Self> {
        let plan = self.plan.filter(|plan| plan.creations == 0)?;
        Some(State { status: status(&plan), plan: None, ..*self })
    }

    /// A Pod ends.
    pub fn end_pod(&self) -> Option<Self> {
        let ends = self.budgets.ends.checked_sub(1)?;
        let pods = self.store.now();
        let next = State { budgets: Budgets { ends, ..self.budgets }, ..*self };
        (pods.active() > 0).then(|| next.put(Pods { ended: pods.ended + 1, ..pods }))
    }

    /// Somebody changes how many Pods the quota allows.
    pub fn set_quota(&self, pods: u8) -> Option<Self> {
        let changes = self.budgets.changes.checked_sub(1)?;
        let budgets = Budgets { changes, ..self.budgets };
        (pods != self.quota).then_some(State { quota: pods, budgets, ..*self })
    }

    /// The controller crashes, starts again and lists.
    pub fn crash(&self) -> Option<Self> {
        let crashes = self.budgets.crashes.checked_sub(1)?;
        let budgets = Budgets { crashes, ..self.budgets };
        let mut next = State { expected: 0, plan: None, budgets, ..*self };
        next.store.list_all();
        Some(next)
    }

    fn put(mut self, pods: Pods) -> Self {
        self.store.write(Event::Pod(pods));
        self
    }
}

//! The steps of the controller, and of clients.

use super::{Action, Budgets, Event, JOB_INFORMER, Job, State};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::DeliverJob => state.deliver_job(),
            Action::Expire => state.expire(),
            Action::CommitDeletion => state.commit_deletion(|live, asked| live == asked),
            Action::FinishJob => state.finish_job(),
            Action::CreateJob => state.create_job(),
            Action::EditTtl => state.edit_ttl(),
            Action::DeleteJob => state.delete_job(),
            Action::Crash => state.crash(),
        }
    }
}

impl State {
    /// The controller hears of the Job.
    pub fn deliver_job(&self) -> Option<Self> {
        let mut next = *self;
        next.store.deliver(JOB_INFORMER)?;
        Some(next)
    }

    /// The time of a Job that has finished and asks to go is over: the controller deletes it, as it has seen it.
    pub fn expire(&self) -> Option<Self> {
        let seen = self.store.cache(JOB_INFORMER).filter(|_| self.asked.is_none())?;
        let job = seen.job.filter(|job| job.finished && job.has_ttl)?;
        Some(State { asked: Some(job), ..*self })
    }

    /// The API server deletes the Job, if it is still as it was seen (Conflict).
    pub fn commit_deletion(&self, may: fn(Job, Job) -> bool) -> Option<Self> {
        let asked = self.asked?;
        let next = State { asked: None, ..*self };
        let is_deleted = self.store.now().job.is_some_and(|live| may(live, asked));
        Some(if is_deleted { next.put(Event::Job(None)) } else { next })
    }

    /// The Job finishes.
    pub fn finish_job(&self) -> Option<Self> {
        let job = self.store.now().job.filter(|job| !job.finished)?;
        Some(self.put(Event::Job(Some(Job { finished: true, ..job }))))
    }

    /// A client creates the Job.
    pub fn create_job(&self) -> Option<Self> {
        let jobs = self.budgets.jobs.checked_sub(1)?;
        let next = State { budgets: Budgets { jobs, ..self.budgets }, ..*self };
        let new = Job { uid: jobs, has_ttl: true, finished: false };
        self.store.now().job.is_none().then(|| next.put(Event::Job(Some(new))))
    }

    /// A client takes its wish back, or has it again.
    pub fn edit_ttl(&self) -> Option<Self> {
        let edits = self.budgets.edits.checked_sub(1)?;
        let next = State { budgets: Budgets { edits, ..self.budgets }, ..*self };
        let job = self.store.now().job?;
        Some(next.put(Event::Job(Some(Job { has_ttl: !job.has_ttl, ..job }))))
    }

    /// A client deletes the Job.
    pub fn delete_job(&self) -> Option<Self> {
        self.store.now().job.map(|_| self.put(Event::Job(None)))
    }

    /// The controller crashes, starts again and lists.
    pub fn crash(&self) -> Option<Self> {
        let crashes = self.budgets.crashes.checked_sub(1)?;
        let budgets = Budgets { crashes, ..self.budgets };
        let mut next = State { asked: None, budgets, ..*self };
        next.store.list_all();
        Some(next)
    }

    fn put(mut self, event: Event) -> Self {
        self.store.write(event);
        self
    }
}

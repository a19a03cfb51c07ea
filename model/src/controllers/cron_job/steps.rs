//! The steps of the controller, of its Jobs, and of time.

use super::{
    Action, Budgets, CRON_JOB_INFORMER, CronJob, Event, JOB_INFORMER, Job, Made, Memory, Objects,
    Plan, Policy, State, Status, TIMES,
};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::CreateForbidding => state.create(Policy::Forbid),
            Action::CreateReplacing => state.create(Policy::Replace),
            Action::Tick => state.tick(),
            Action::DeliverCronJob => state.deliver(CRON_JOB_INFORMER),
            Action::DeliverJob => state.deliver(JOB_INFORMER),
            Action::Look => state.look(Memory::may_believe),
            Action::CommitDeletions => state.commit_deletions(),
            Action::CommitStatus => state.commit_status(),
            Action::CommitCreation => state.commit_creation(|made| made.job == Job::Absent),
            Action::FinishJob { time } => state.finish_job(time),
            Action::Crash => state.crash(),
        }
    }
}

impl Memory {
    /// That of a controller which has just started.
    pub const EMPTY: Memory = Memory { started: 0, outdated: 0, deleted: [false; TIMES] };

    /// Whether a cache that shows this CronJob has what the controller itself has written.
    pub fn may_believe(&self, cron_job: &CronJob) -> bool {
        self.outdated != cron_job.version + 1
    }
}

impl Status {
    /// The status as the controller takes it to be, before it has looked at Jobs.
    fn current(mut self, memory: &Memory) -> Self {
        let deleted = (0..TIMES).filter(|time| memory.deleted[*time]);
        deleted.for_each(|time| self.active[time] = false);
        if let Some(time) = usize::from(memory.started).checked_sub(1) {
            self.active[time] = true;
            self.last = memory.started;
        }
        self
    }

    /// Without the Jobs that have finished, as a cache shows, or are gone, as the API server says.
    fn without_ended(mut self, seen: &Objects, live: &Objects) -> Self {
        for time in 0..TIMES {
            let is_gone = seen.jobs[time].job == Job::Absent && live.jobs[time].job == Job::Absent;
            self.active[time] &= !is_gone && seen.jobs[time].job != Job::Finished;
        }
        self
    }

    fn has_active(&self) -> bool {
        self.active.contains(&true)
    }
}

impl State {
    /// A client creates the CronJob.
    pub fn create(&self, policy: Policy) -> Option<Self> {
        let status = Status { last: 0, active: [false; TIMES] };
        let is_new = self.store.now().cron_job.is_none();
        is_new.then(|| self.put(Event::CronJob(CronJob { policy, version: 0, status })))
    }

    /// The next time of the schedule comes.
    pub fn tick(&self) -> Option<Self> {
        let clock = self.clock + 1;
        (usize::from(clock) <= TIMES).then_some(State { clock, ..*self })
    }

    /// The controller hears of a change.
    pub fn deliver(&self, watcher: usize) -> Option<Self> {
        let mut next = *self;
        next.store.deliver(watcher)?;
        Some(next)
    }

    /// The controller looks at the CronJob and its Jobs, and decides.
    pub fn look(&self, may: fn(&Memory, &CronJob) -> bool) -> Option<Self> {
        let seen = self.store.caches().filter(|_| self.plan.is_none())?;
        let cron_job = seen.cron_job.filter(|cron_job| may(&self.memory, cron_job))?;
        let status = cron_job.status.current(&self.memory);
        let status = status.without_ended(&seen, &self.store.now());
        let is_due = self.clock > status.last;
        let makes_room = is_due && status.has_active() && cron_job.policy == Policy::Replace;
        let plan = Plan {
            deletions: if makes_room { status.active } else { [false; TIMES] },
            status: (status != cron_job.status).then_some((cron_job.version, status)),
            start: if is_due && !status.has_active() { self.clock } else { 0 },
        };
        let is_something = makes_room || plan.status.is_some() || plan.start > 0;
        is_something.then_some(State { plan: Some(plan), ..*self })
    }

    /// The API server deletes the Jobs that make room for the next.
    pub fn commit_deletions(&self) -> Option<Self> {
        let plan = self.plan.filter(|plan| plan.deletions.contains(&true))?;
        let time = plan.deletions.iter().position(|is_deleted| *is_deleted)?;
        let mut next = *self;
        next.memory.deleted[time] = true;
        let mut deletions = plan.deletions;
        deletions[time] = false;
        let made = self.store.now().jobs[time];
        let next = next.goes_on(Plan { deletions, ..plan });
        let gone = Made { job: Job::Absent, ..made };
        Some(if made == gone { next } else { next.put(Event::Jobs(number(time), gone)) })
    }

    /// The API server writes the status, if the CronJob is as it was read (Conflict).
    pub fn commit_status(&self) -> Option<Self> {
        let plan = self.plan.filter(|plan| !plan.deletions.contains(&true))?;
        let (version, status) = plan.status?;
        let next = self.goes_on(Plan { status: None, ..plan });
        let Some(live) = self.store.now().cron_job.filter(|live| live.version == version) else {
            return Some(next);
        };
        let memory = Memory { started: 0, outdated: version + 1, ..next.memory };
        let written = CronJob { version: version + 1, status, ..live };
        Some(State { memory, ..next }.put(Event::CronJob(written)))
    }

    /// The API server creates the Job of the time, unless there is one (AlreadyExists). Either is the controller's.
    pub fn commit_creation(&self, may: fn(Made) -> bool) -> Option<Self> {
        let plan = self.plan.filter(|plan| plan.status.is_none() && plan.start > 0)?;
        let memory = Memory { started: plan.start, ..self.memory };
        let next = State { memory, plan: None, ..*self };
        let made = self.store.now().jobs[usize::from(plan.start) - 1];
        let new = Made { created: made.created + 1, job: Job::Runs };
        Some(if may(made) { next.put(Event::Jobs(plan.start, new)) } else { next })
    }

    /// A Job finishes.
    pub fn finish_job(&self, time: u8) -> Option<Self> {
        let made = self.store.now().jobs[usize::from(time) - 1];
        let finished = Made { job: Job::Finished, ..made };
        (made.job == Job::Runs).then(|| self.put(Event::Jobs(time, finished)))
    }

    /// The controller crashes, starts again and lists.
    pub fn crash(&self) -> Option<Self> {
        let budgets = Budgets { crashes: self.budgets.crashes.checked_sub(1)? };
        let mut next = State { memory: Memory::EMPTY, plan: None, budgets, ..*self };
        next.store.list_all();
        Some(next)
    }

    /// What is left of the plan, if anything is.
    fn goes_on(&self, plan: Plan) -> Self {
        let is_left = plan.deletions.contains(&true) || plan.status.is_some() || plan.start > 0;
        State { plan: is_left.then_some(plan), ..*self }
    }

    fn put(mut self, event: Event) -> Self {
        self.store.write(event);
        self
    }
}

/// The number of a time in its place.
fn number(time: usize) -> u8 {
    [1, 2, 3][time]
}

//! The steps of the controller, and of clients.

use super::{Action, Budgets, Event, QUOTA_INFORMER, Quota, Reading, State};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::DeliverQuota => state.deliver_quota(),
            Action::ReadQuota => state.read_quota(),
            Action::ListObjects => state.list_objects(),
            Action::CommitStatus => state.commit_status(|live, read| live == read),
            Action::CreateObject => state.create_object(),
            Action::DeleteObject => state.delete_object(),
            Action::Crash => state.crash(),
        }
    }
}

impl State {
    /// The controller hears of a change.
    pub fn deliver_quota(&self) -> Option<Self> {
        let mut next = *self;
        next.store.deliver(QUOTA_INFORMER)?;
        Some(next)
    }

    /// The controller reads the quota in its cache, since something has gone.
    pub fn read_quota(&self) -> Option<Self> {
        let seen = self.store.cache(QUOTA_INFORMER).filter(|_| self.reading.is_none())?;
        let reading = Some(Reading { quota: seen.quota, count: None });
        (seen.objects != seen.quota.used).then_some(State { reading, ..*self })
    }

    /// The controller lists what the quota counts, after it has read the quota.
    pub fn list_objects(&self) -> Option<Self> {
        let reading = self.reading.filter(|reading| reading.count.is_none())?;
        let count = Some(self.store.now().objects);
        Some(State { reading: Some(Reading { count, ..reading }), ..*self })
    }

    /// The controller writes the count, if the quota is still the one that it has read (Conflict).
    pub fn commit_status(&self, may: fn(u8, u8) -> bool) -> Option<Self> {
        let reading = self.reading?;
        let used = reading.count?;
        let objects = self.store.now();
        let next = State { reading: None, ..*self };
        let is_written =
            may(objects.quota.version, reading.quota.version) && objects.quota.used != used;
        let quota = Quota { version: objects.quota.version + 1, used };
        Some(if is_written { next.put(quota, objects.objects) } else { next })
    }

    /// A client creates an object, and admission charges it.
    pub fn create_object(&self) -> Option<Self> {
        let left = self.budgets.objects.checked_sub(1)?;
        let next = State { budgets: Budgets { objects: left, ..self.budgets }, ..*self };
        let objects = self.store.now();
        let Quota { version, used } = objects.quota;
        Some(next.put(Quota { version: version + 1, used: used + 1 }, objects.objects + 1))
    }

    /// A client deletes an object; the quota says nothing of it.
    pub fn delete_object(&self) -> Option<Self> {
        let objects = self.store.now();
        Some(self.put(objects.quota, objects.objects.checked_sub(1)?))
    }

    /// The controller crashes, starts again and lists.
    pub fn crash(&self) -> Option<Self> {
        let crashes = self.budgets.crashes.checked_sub(1)?;
        let budgets = Budgets { crashes, ..self.budgets };
        let mut next = State { reading: None, budgets, ..*self };
        next.store.list_all();
        Some(next)
    }

    pub(super) fn put(mut self, quota: Quota, objects: u8) -> Self {
        self.store.write(Event::Objects(quota, objects));
        self
    }
}

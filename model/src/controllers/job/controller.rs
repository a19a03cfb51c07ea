//! The steps of the Job controller: what it hears, what it asks for, and what becomes of it.

use super::objects::{Event, Job, Objects, PODS, Pod, Uncounted};
use super::track::{View, counted};
use super::{Budgets, Controller, JOB_INFORMER, Orphan, POD_INFORMER, Request, State};

impl Controller {
    /// It has just started.
    pub const STARTED: Self = Controller {
        expected_creations: 0,
        expected_removals: [false; PODS],
        orphans: [Orphan::None; PODS],
        request: Request::None,
    };
}

impl State {
    /// The controller hears of the Job. When it is gone, its Pods that are to be released become
    /// orphans.
    pub fn deliver_job(&self) -> Option<Self> {
        let mut next = *self;
        if next.store.deliver(JOB_INFORMER)? == Event::Job(None) {
            next.queue_orphans(|pod| pod.owned);
        }
        Some(next)
    }

    /// The controller hears of a Pod: what it expected has happened, or the Pod is an orphan.
    pub fn deliver_pod(&self) -> Option<Self> {
        let (mut next, number, pod) = self.hear_of_pod()?;
        if pod.is_some_and(|pod| next.store.caches().is_some_and(|cache| cache.is_orphan(pod))) {
            next.queue_orphan(usize::from(number));
        }
        Some(next)
    }

    /// The controller compares the Job with its Pods, and asks for the next thing.
    pub fn sync_job(&self) -> Option<Self> {
        let view = self.view()?;
        let may_create = self.controller.expected_creations == 0;
        self.create_pod(&view, may_create).or_else(|| self.track(&view))
    }

    /// The API server handles what the controller asked for.
    pub fn commit(&self) -> Option<Self> {
        match self.controller.request {
            Request::None => None,
            Request::CreatePod => self.commit_creation(),
            Request::DeletePod { pod } => {
                let next = self.requests(Request::None);
                Some(next.marked_deleted(pod).unwrap_or(next))
            }
            Request::UpdateStatus { read, .. } if self.store.now().job != Some(read) => {
                Some(self.requests(Request::None))
            }
            Request::UpdateStatus { write, release, .. } => Some(self.written(write, release)),
            Request::RemoveFinalizers { .. } => self.commit_removal(),
        }
    }

    /// The API server handles it and the answer is lost: the controller sees a timeout.
    pub fn lose_answer(&self) -> Option<Self> {
        let faults = self.budgets.faults.checked_sub(1)?;
        let committed = self.commit()?;
        let pending = matches!(
            self.controller.request,
            Request::UpdateStatus { .. } | Request::RemoveFinalizers { .. }
        );
        let mut next = pending.then_some(*self)?.requests(Request::None);
        next.store = committed.store;
        if let Request::RemoveFinalizers { .. } = self.controller.request {
            next.controller.expected_removals = [false; PODS];
        }
        Some(State { budgets: Budgets { faults, ..self.budgets }, ..next })
    }

    /// The controller looks at a Pod of its queue of orphans.
    pub fn sync_orphan_pod(&self, number: u8) -> Option<Self> {
        let queued = self.controller.orphans[usize::from(number)] == Orphan::Queued;
        let cache = self.store.caches().filter(|_| queued)?;
        let orphan = cache.pods[usize::from(number)].is_some_and(|pod| cache.is_orphan(pod));
        let sent = if orphan { Orphan::Sent } else { Orphan::None };
        let mut next = *self;
        next.controller.orphans[usize::from(number)] = sent;
        Some(next)
    }

    /// The API server removes the finalizer of an orphan.
    pub fn commit_orphan_patch(&self, number: u8) -> Option<Self> {
        let sent = self.controller.orphans[usize::from(number)] == Orphan::Sent;
        let mut next = sent.then_some(*self)?;
        next.controller.orphans[usize::from(number)] = Orphan::None;
        Some(next.released(number).unwrap_or(next))
    }

    /// The controller crashes, starts again and lists.
    pub fn crash(&self) -> Option<Self> {
        let faults = self.budgets.faults.checked_sub(1)?;
        let budgets = Budgets { faults, ..self.budgets };
        let mut next = State { controller: Controller::STARTED, budgets, ..*self };
        next.store.list_all();
        next.queue_orphans(|_| true);
        Some(next)
    }

    /// What a sync sees, if one can start.
    pub(super) fn view(&self) -> Option<View> {
        let objects = self.store.caches().filter(|_| self.controller.request == Request::None)?;
        let expected_removals = self.controller.expected_removals;
        Some(View { job: objects.job?, objects, expected_removals })
    }

    /// Asks for a Pod that is missing, or for the end of one too many.
    pub(super) fn create_pod(&self, view: &View, may_create: bool) -> Option<Self> {
        let mut next = *self;
        if view.job.orphans || !may_create {
            return None;
        }
        if view.wants_pod() {
            next.controller.expected_creations += 1;
            return Some(next.requests(Request::CreatePod));
        }
        Some(next.requests(Request::DeletePod { pod: view.unwanted_pod()? }))
    }

    /// Records what has ended, and then lets go of it.
    pub(super) fn track(&self, view: &View) -> Option<Self> {
        let (write, release) = (view.status(), view.ended_pods());
        if write != view.job {
            return Some(self.requests(Request::UpdateStatus { read: view.job, write, release }));
        }
        release.contains(&true).then(|| self.releasing(write, release))
    }

    /// Patches these Pods, whose end the Job has recorded.
    pub(super) fn releasing(mut self, job: Job, release: [bool; PODS]) -> Self {
        for (expected, _) in
            self.controller.expected_removals.iter_mut().zip(release).filter(|(_, of)| *of)
        {
            *expected = true;
        }
        self.requests(Request::RemoveFinalizers { job, release, released: [false; PODS] })
    }

    /// The Job is written; the finalizers of what it records come next.
    pub(super) fn written(&self, job: Job, release: [bool; PODS]) -> Self {
        let next = self.write(Event::Job(Some(job)));
        match release.contains(&true) {
            true => next.releasing(job, release),
            false => next.requests(Request::None),
        }
    }

    /// The controller's handler of Pod events, but for orphans.
    pub(super) fn hear_of_pod(&self) -> Option<(Self, u8, Option<Pod>)> {
        let before = self.store.caches()?;
        let mut next = *self;
        let Event::Pod(number, pod) = next.store.deliver(POD_INFORMER)? else { return None };
        let place = usize::from(number);
        if before.pods[place].is_none() {
            let expected = &mut next.controller.expected_creations;
            *expected = expected.saturating_sub(1);
        }
        next.controller.expected_removals[place] &= pod.is_some_and(|pod| pod.finalizer);
        Some((next, number, pod))
    }

    pub(super) fn requests(mut self, request: Request) -> Self {
        self.controller.request = request;
        self
    }

    pub(super) fn queue_orphan(&mut self, number: usize) {
        let orphan = &mut self.controller.orphans[number];
        if *orphan == Orphan::None {
            *orphan = Orphan::Queued;
        }
    }

    fn queue_orphans(&mut self, of: fn(&Pod) -> bool) {
        let Some(cache) = self.store.caches() else { return };
        for number in 0..PODS {
            if cache.pods[number].is_some_and(|pod| of(&pod) && cache.is_orphan(pod)) {
                self.queue_orphan(number);
            }
        }
    }

    /// The API server creates the Pod under a name of its own.
    fn commit_creation(&self) -> Option<Self> {
        let number = (0..PODS).find(|number| self.is_free(*number))?;
        Some(self.requests(Request::None).put_pod(number as u8, Pod::NEW))
    }

    /// Whether nobody knows a Pod of this name: `generateName` never gives the same twice.
    fn is_free(&self, number: usize) -> bool {
        let unknown = |objects: Objects| {
            let recorded = |job: Job| job.uncounted[number] != Uncounted::No;
            objects.pods[number].is_none() && !objects.job.is_some_and(recorded)
        };
        (0..=self.store.log.len()).all(|position| unknown(self.store.at(position)))
    }

    /// The API server patches the next Pod. After the last one, the Job counts them.
    fn commit_removal(&self) -> Option<Self> {
        let Request::RemoveFinalizers { job, mut release, mut released } = self.controller.request
        else {
            return None;
        };
        let Some(place) = release.iter().position(|of| *of) else {
            let write = counted(job, released);
            if write == job {
                return Some(self.requests(Request::None));
            }
            let release = [false; PODS];
            return Some(self.requests(Request::UpdateStatus { read: job, write, release }));
        };
        release[place] = false;
        released[place] = true;
        let next = self.released(place as u8).unwrap_or(*self);
        Some(next.requests(Request::RemoveFinalizers { job, release, released }))
    }
}

//! The steps of the Endpoints controller, of the Pods and of their clients.

use super::{
    Action, Addresses, Budgets, ENDPOINTS_INFORMER, Event, Objects, POD_INFORMER, Pod, Request,
    SERVICE_INFORMER, Stage, State,
};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::DeliverService => state.deliver_service(),
            Action::DeliverPod => state.deliver_pod(concerns_service),
            Action::DeliverEndpoints => state.deliver_endpoints(),
            Action::SyncService => state.sync_service(),
            Action::Commit => state.commit(),
            Action::BecomeReady { pod } => state.become_ready(pod),
            Action::RemovePod { pod } => state.remove_pod(pod),
            Action::BecomeUnready { pod } => state.become_unready(pod),
            Action::CreatePod { pod } => state.create_pod(pod),
            Action::DeletePod { pod } => state.delete_pod(pod),
            Action::RelabelPod { pod } => state.relabel_pod(pod),
            Action::DeleteService => state.put_service(false),
            Action::CreateService => state.put_service(true),
            Action::LoseRequest => state.lose_request(),
            Action::Crash => state.crash(),
        }
    }
}

impl Pod {
    /// Whether the Service selects it and it serves.
    pub fn serves(&self) -> bool {
        self.labelled && self.stage == Stage::Ready
    }
}

impl Objects {
    /// The addresses that the Pods call for.
    pub(super) fn addresses(&self, serves: fn(&Pod) -> bool) -> Addresses {
        self.pods.map(|pod| pod.is_some_and(|pod| serves(&pod)))
    }
}

/// Whether the Service selects the Pod as it was or as it is.
fn concerns_service(before: Option<Pod>, after: Option<Pod>) -> bool {
    [before, after].into_iter().flatten().any(|pod| pod.labelled)
}

impl State {
    /// The controller hears of the Service.
    pub fn deliver_service(&self) -> Option<Self> {
        let mut next = State { queued: true, ..*self };
        next.store.deliver(SERVICE_INFORMER)?;
        Some(next)
    }

    /// The controller hears of a Pod: it queues the Service that its cache shows to select it.
    pub fn deliver_pod(&self, concerns: fn(Option<Pod>, Option<Pod>) -> bool) -> Option<Self> {
        let before = self.store.caches()?;
        let mut next = *self;
        let Event::Pod(number, pod) = next.store.deliver(POD_INFORMER)? else { return None };
        next.queued |= before.service && concerns(before.pods[usize::from(number)], pod);
        Some(next)
    }

    /// The controller hears of the Endpoints. It looks at the Service again only if they are gone.
    pub fn deliver_endpoints(&self) -> Option<Self> {
        let mut next = State { stale: false, ..*self };
        let event = next.store.deliver(ENDPOINTS_INFORMER)?;
        next.queued |= event == Event::Endpoints(None);
        Some(next)
    }

    /// The controller compares the Endpoints with the Pods. It waits while its cache shows Endpoints
    /// that it has replaced itself.
    pub fn sync_service(&self) -> Option<Self> {
        let waits = self.stale && self.store.caches()?.service;
        (!waits).then(|| self.compare(Pod::serves))?
    }

    /// The API server handles what the controller asked for. What is refused is tried again.
    pub fn commit(&self) -> Option<Self> {
        let exists = self.store.now().endpoints.is_some();
        let done = State { request: Request::None, ..*self };
        let retried = State { queued: true, ..done };
        Some(match self.request {
            Request::None => return None,
            Request::Create(_) if exists => retried,
            Request::Create(addresses) => done.put_endpoints(Some(addresses)),
            Request::Update { outdated, .. } if outdated || !exists => retried,
            Request::Update { addresses, .. } => done.replaced(addresses),
            Request::Delete if exists => State { stale: false, ..done }.put_endpoints(None),
            Request::Delete => State { stale: false, ..done },
        })
    }

    /// A Pod becomes Ready.
    pub fn become_ready(&self, number: u8) -> Option<Self> {
        let pod = self.pod(number).filter(|pod| pod.stage == Stage::Unready)?;
        Some(self.put_pod(number, Some(Pod { stage: Stage::Ready, ..pod })))
    }

    /// The kubelet has ended a Pod that is being deleted.
    pub fn remove_pod(&self, number: u8) -> Option<Self> {
        self.pod(number).filter(|pod| pod.stage == Stage::Terminating)?;
        Some(self.put_pod(number, None))
    }

    /// A Pod is no longer Ready.
    pub fn become_unready(&self, number: u8) -> Option<Self> {
        let pod = self.pod(number).filter(|pod| pod.stage == Stage::Ready)?;
        Some(self.spends_pod()?.put_pod(number, Some(Pod { stage: Stage::Unready, ..pod })))
    }

    /// A client creates a Pod that the Service selects.
    pub fn create_pod(&self, number: u8) -> Option<Self> {
        let free = self.pod(number).is_none();
        let pod = Some(Pod { labelled: true, stage: Stage::Unready });
        Some(self.spends_pod().filter(|_| free)?.put_pod(number, pod))
    }

    /// A client deletes a Pod.
    pub fn delete_pod(&self, number: u8) -> Option<Self> {
        let pod = self.pod(number).filter(|pod| pod.stage != Stage::Terminating)?;
        Some(self.spends_pod()?.put_pod(number, Some(Pod { stage: Stage::Terminating, ..pod })))
    }

    /// A client takes the label away that the Service selects, or gives it back.
    pub fn relabel_pod(&self, number: u8) -> Option<Self> {
        let pod = self.pod(number)?;
        let pod = Some(Pod { labelled: !pod.labelled, ..pod });
        Some(self.spends_pod()?.put_pod(number, pod))
    }

    /// A client creates the Service or deletes it.
    pub fn put_service(&self, service: bool) -> Option<Self> {
        let services = self.budgets.services.checked_sub(1)?;
        let mut next = (self.store.now().service != service).then_some(*self)?;
        next.store.write(Event::Service(service));
        Some(State { budgets: Budgets { services, ..self.budgets }, ..next })
    }

    /// What the controller asked for is lost on its way, and tried again.
    pub fn lose_request(&self) -> Option<Self> {
        let faults = self.budgets.faults.checked_sub(1)?;
        let budgets = Budgets { faults, ..self.budgets };
        let sent = self.request != Request::None;
        sent.then_some(State { request: Request::None, queued: true, budgets, ..*self })
    }

    /// The controller crashes, starts again and lists. Services are queued, and those of whom only
    /// Endpoints are left.
    pub fn crash(&self) -> Option<Self> {
        let faults = self.budgets.faults.checked_sub(1)?;
        let budgets = Budgets { faults, ..self.budgets };
        let mut next = State { request: Request::None, stale: false, budgets, ..*self };
        next.store.list_all();
        let objects = next.store.now();
        Some(State { queued: objects.service || objects.endpoints.is_some(), ..next })
    }

    /// The part of a sync that follows the look at the tracker.
    pub(super) fn compare(&self, serves: fn(&Pod) -> bool) -> Option<Self> {
        let idle = self.queued && self.request == Request::None;
        let caches = self.store.caches().filter(|_| idle)?;
        let addresses = caches.addresses(serves);
        let outdated = self.store.behind(ENDPOINTS_INFORMER)? > 0;
        let request = match caches.endpoints {
            _ if !caches.service => Request::Delete,
            None => Request::Create(addresses),
            Some(present) if present == addresses => Request::None,
            Some(_) => Request::Update { addresses, outdated },
        };
        Some(State { queued: false, request, ..*self })
    }

    /// The Endpoints have other addresses, and the cache shows those before.
    pub(super) fn replaced(&self, addresses: Addresses) -> Self {
        State { stale: true, ..*self }.put_endpoints(Some(addresses))
    }

    fn pod(&self, number: u8) -> Option<Pod> {
        self.store.now().pods[usize::from(number)]
    }

    fn spends_pod(&self) -> Option<Self> {
        let pods = self.budgets.pods.checked_sub(1)?;
        Some(State { budgets: Budgets { pods, ..self.budgets }, ..*self })
    }

    fn put_pod(mut self, number: u8, pod: Option<Pod>) -> Self {
        self.store.write(Event::Pod(number, pod));
        self
    }

    fn put_endpoints(mut self, endpoints: Option<Addresses>) -> Self {
        self.store.write(Event::Endpoints(endpoints));
        self
    }
}

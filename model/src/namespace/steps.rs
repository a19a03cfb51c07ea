//! The steps of clients, admission and the namespace controller.

use super::{
    Action, Content, Controller, Operation, PODS, Phase, Progress, RESOURCES, Request, SERVERS,
    State,
};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::DeleteNamespace => state.delete_namespace(),
            Action::Cache { server } => state.cache(server),
            Action::Send { client, server, resource } => state.send(client, server, resource),
            Action::Admit { client } => state.admit(client, State::is_terminating),
            Action::Commit { client } => state.commit(client),
            Action::Observe => state.observe(),
            Action::Begin => state.begin(state.has_settled()),
            Action::List { resource } => state.list(resource, |content| content != Content::Absent),
            Action::DeleteCollection { resource } => {
                state.delete_collection(resource, Content::Deleting)
            }
            Action::Finalize => state.finalize(),
            Action::EndPod => state.end_pod(),
            Action::CrashController => state.crash_controller(),
            Action::LoseFinalize => state.lose_finalize(),
            Action::FailDiscovery { resource } => state.fail_discovery(resource),
        }
    }
}

impl State {
    /// A client deletes the namespace through the first API server: it is terminating.
    pub fn delete_namespace(&self) -> Option<State> {
        let phase = Phase::Terminating;
        (self.phase == Phase::Active).then_some(State { phase, ..*self })
    }

    /// The cache of an API server's admission receives that the namespace is terminating.
    pub fn cache(&self, server: u8) -> Option<State> {
        let mut next = *self;
        let has = std::mem::replace(&mut next.caches[usize::from(server)], true);
        (self.phase != Phase::Active && !has).then_some(next)
    }

    /// A client asks to create an object, or to apply one.
    pub fn send(&self, client: u8, server: u8, resource: u8) -> Option<State> {
        let mut next = *self;
        let budget = &mut next.budgets.requests[usize::from(client)];
        *budget = budget.checked_sub(1)?;
        let request = Request { server, resource, admitted: None, late: false };
        self.request(client).is_none().then(|| next.with_request(client, Some(request)))
    }

    /// Admission lets an update pass in a namespace that exists, and a creation in one that is not
    /// terminating.
    pub fn admit(&self, client: u8, is_terminating: fn(&State, u8) -> bool) -> Option<State> {
        let request = self.request(client).filter(|request| request.admitted.is_none())?;
        let exists = self.content[usize::from(request.resource)] != Content::Absent;
        let operation = match exists && client == 1 {
            true => Operation::Update,
            false => Operation::Create,
        };
        let terminating = is_terminating(self, request.server);
        let refused = operation == Operation::Create && terminating;
        let late = self.phase != Phase::Active;
        let admitted = Request { admitted: Some(operation), late, ..request };
        Some(self.with_request(client, (!refused).then_some(admitted)))
    }

    /// What admission believes of the namespace: what its cache says. The API server that has handled
    /// the deletion looks it up in the store instead (forced live lookup).
    pub fn is_terminating(&self, server: u8) -> bool {
        let live = server == 0 && self.phase != Phase::Active;
        live || self.caches[usize::from(server)]
    }

    /// The write of what was admitted. An update whose object is gone meanwhile creates it, and has
    /// to pass admission anew.
    pub fn commit(&self, client: u8) -> Option<State> {
        let request = self.request(client)?;
        let exists = self.content[usize::from(request.resource)] != Content::Absent;
        match (request.admitted?, exists) {
            (Operation::Update, false) => {
                let anew = Request { admitted: None, late: false, ..request };
                Some(self.with_request(client, Some(anew)))
            }
            (Operation::Create | Operation::Update, true) => Some(self.with_request(client, None)),
            (Operation::Create, false) => Some(self.created(client, request)),
        }
    }

    /// The namespace controller's watch delivers that the namespace is terminating.
    pub fn observe(&self) -> Option<State> {
        let sees = self.phase == Phase::Terminating && !self.controller.sees;
        sees.then(|| self.with_controller(Controller { sees, ..self.controller }))
    }

    /// The namespace controller begins to delete the content, after it has waited.
    pub fn begin(&self, has_waited: bool) -> Option<State> {
        let begins = self.controller.sees && self.controller.progress.is_none();
        let progress = Some([Progress::ToList; RESOURCES]);
        (begins && has_waited && self.phase == Phase::Terminating)
            .then(|| self.with_controller(Controller { progress, ..self.controller }))
    }

    /// Whether the caches of admission know that the namespace is terminating, and what they let pass
    /// before is written: the namespace controller waits so long.
    pub fn has_settled(&self) -> bool {
        let creates = |request: &Request| request.admitted == Some(Operation::Create);
        self.caches == [true; SERVERS] && !self.requests.iter().flatten().any(creates)
    }

    /// The namespace controller lists a resource, whatever exists of it.
    pub fn list(&self, resource: u8, exists: fn(Content) -> bool) -> Option<State> {
        let found = exists(self.content[usize::from(resource)]);
        let now = if found { Progress::ToDelete } else { Progress::Empty };
        self.advanced(resource, Progress::ToList, now)
    }

    /// The namespace controller deletes what it has listed, and will list again. A Pod ends
    /// gracefully.
    pub fn delete_collection(&self, resource: u8, pod: Content) -> Option<State> {
        let mut next = self.advanced(resource, Progress::ToDelete, Progress::ToList)?;
        let content = &mut next.content[usize::from(resource)];
        if *content == Content::Present {
            *content = if usize::from(resource) == PODS { pod } else { Content::Absent };
        }
        Some(next)
    }

    /// Nothing is left of any resource: the namespace controller removes the finalizer, and the
    /// namespace is gone.
    pub fn finalize(&self) -> Option<State> {
        let empty = self.controller.progress == Some([Progress::Empty; RESOURCES]);
        let gone = State { phase: Phase::Gone, ..*self };
        (empty && self.phase == Phase::Terminating).then(|| gone.without_progress())
    }

    /// The Pod has ended: the kubelet removes it.
    pub fn end_pod(&self) -> Option<State> {
        let mut next = *self;
        let was = std::mem::replace(&mut next.content[PODS], Content::Absent);
        (was == Content::Deleting).then_some(next)
    }

    /// The namespace controller crashes, starts again, and lists the namespaces.
    pub fn crash_controller(&self) -> Option<State> {
        let mut next = *self;
        next.budgets.crashes = self.budgets.crashes.checked_sub(1)?;
        let sees = self.phase == Phase::Terminating;
        Some(next.with_controller(Controller { sees, progress: None }))
    }

    /// The removal of the finalizer is lost. The namespace controller begins anew.
    pub fn lose_finalize(&self) -> Option<State> {
        let mut next = *self;
        next.budgets.lost_requests = self.budgets.lost_requests.checked_sub(1)?;
        self.finalize().map(|_| next.without_progress())
    }

    /// The API of a resource cannot be discovered: the namespace controller does not know what is
    /// left of it, and tries again.
    pub fn fail_discovery(&self, resource: u8) -> Option<State> {
        let mut next = *self;
        next.budgets.discovery_failures = self.budgets.discovery_failures.checked_sub(1)?;
        let asks = self.controller.progress?[usize::from(resource)] == Progress::ToList;
        asks.then(|| next.without_progress())
    }

    pub(super) fn request(&self, client: u8) -> Option<Request> {
        self.requests[usize::from(client)]
    }

    pub(super) fn with_request(mut self, client: u8, request: Option<Request>) -> State {
        self.requests[usize::from(client)] = request;
        self
    }

    pub(super) fn with_controller(self, controller: Controller) -> State {
        State { controller, ..self }
    }

    pub(super) fn created(&self, client: u8, request: Request) -> State {
        let mut next = self.with_request(client, None);
        next.content[usize::from(request.resource)] = Content::Present;
        next
    }

    pub(super) fn advanced(&self, resource: u8, from: Progress, to: Progress) -> Option<State> {
        let mut progress = self.controller.progress?;
        let was = std::mem::replace(&mut progress[usize::from(resource)], to);
        let controller = Controller { progress: Some(progress), ..self.controller };
        (was == from).then(|| self.with_controller(controller))
    }

    fn without_progress(self) -> State {
        self.with_controller(Controller { progress: None, ..self.controller })
    }
}

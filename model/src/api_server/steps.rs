//! The steps of clients and of the API server, but for deletions and the quota.

use super::{Action, Client, Collector, NAMES, Object, Refusal, Request, State, Verb};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::Read { client } => state.read(client),
            Action::Send { client, verb } => state.send(client, verb),
            Action::ReadToPatch { client } => state.read_to_patch(client),
            Action::ReadQuota { client } => state.read_quota(client),
            Action::ChargeQuota { client } => state.charge_quota(client),
            Action::CacheQuota => state.cache_quota(),
            Action::Handle { client } => state.handle(client),
            Action::LoseRequest { client } => state.lose_request(client),
        }
    }
}

impl Object {
    /// A new object.
    pub fn created(revision: u8) -> Object {
        Object {
            uid: revision,
            resource_version: revision,
            generation: 1,
            spec: false,
            status: false,
            label: false,
            finalizer: false,
            collector: Collector::None,
            deletion: None,
        }
    }

    /// Whether a finalizer holds it back.
    pub fn has_finalizers(&self) -> bool {
        self.finalizer || self.collector != Collector::None
    }

    /// What an update makes of the object that is there: status stays, and a change of spec is a new
    /// generation (`prepare_for_update`).
    #[must_use]
    pub fn prepared_for_update(self, old: Object) -> Object {
        let generation = old.generation + u8::from(self.spec != old.spec);
        Object { status: old.status, generation, ..self }
    }

    /// The same for the status subresource: only status changes.
    #[must_use]
    pub fn prepared_for_status_update(self, old: Object) -> Object {
        Object { status: self.status, ..old }
    }
}

impl State {
    /// A client reads the object.
    pub fn read(&self, client: u8) -> Option<State> {
        let object = self.objects[0]?;
        let read = Some((object.uid, object.resource_version));
        let news = self.client(client).request.is_none() && read != self.client(client).read;
        news.then(|| self.with(client, Client { read, ..self.client(client) }))
    }

    /// A client asks for something. Where the request names what was read, it has read.
    pub fn send(&self, client: u8, verb: Verb) -> Option<State> {
        let sender = self.client(client);
        let mut next = *self;
        let budget = &mut next.budgets.requests[usize::from(client)];
        *budget = budget.checked_sub(1)?;
        let reads = matches!(
            verb,
            Verb::Update
                | Verb::UpdateNothing
                | Verb::UpdateStatus
                | Verb::AddFinalizer
                | Verb::DeleteUid
                | Verb::DeleteResourceVersion
        );
        let ready = sender.request.is_none() && (sender.read.is_some() || !reads);
        let request = Some(Request { verb, base: None, charged: false, usage: None });
        ready.then(|| next.with(client, Client { request, refused: None, ..sender }))
    }

    /// The API server reads the object that it is to patch, anew if it has changed since.
    pub fn read_to_patch(&self, client: u8) -> Option<State> {
        let request = self.request(client).filter(|request| request.verb == Verb::Patch)?;
        let base = self.objects[0];
        let news = base.is_some() && base != request.base;
        news.then(|| self.with_request(client, Request { base, ..request }))
    }

    /// A request never reaches the API server.
    pub fn lose_request(&self, client: u8) -> Option<State> {
        let mut next = *self;
        next.budgets.lost_requests = self.budgets.lost_requests.checked_sub(1)?;
        self.request(client)?;
        Some(next.answered(client, None))
    }

    /// The API server handles a request, and answers.
    pub fn handle(&self, client: u8) -> Option<State> {
        let request = self.request(client)?;
        let handled = match request.verb {
            Verb::Create => self.create(client, &[0]),
            Verb::GenerateName => self.create(client, &[0, 1]),
            Verb::Update => self.update(client, self.read_version(client), spec),
            Verb::UpdateAny => self.update(client, None, spec),
            Verb::UpdateNothing => self.update(client, self.read_version(client), |object| object),
            Verb::UpdateStatus => {
                let body = |old: Object| {
                    let body = Object { spec: !old.spec, status: !old.status, ..old };
                    body.prepared_for_status_update(old)
                };
                self.update(client, self.read_version(client), body)
            }
            Verb::Patch => return self.patch(client, request),
            Verb::AddFinalizer => {
                let body = |old| Object { finalizer: true, ..old };
                self.update(client, self.read_version(client), body)
            }
            Verb::RemoveFinalizers => self.update(client, None, |old| Object {
                finalizer: false,
                collector: Collector::None,
                ..old
            }),
            Verb::Delete
            | Verb::DeleteSoon
            | Verb::DeleteLater
            | Verb::DeleteUid
            | Verb::DeleteResourceVersion
            | Verb::DeleteForeground
            | Verb::DeleteOrphan
            | Verb::DeleteDryRun => self.delete(client, request.verb),
        };
        self.may_be_handled(request).then_some(handled)
    }

    /// Creates an object under the first of these names that is free.
    pub fn create(&self, client: u8, names: &[usize]) -> State {
        match names.iter().find(|name| self.objects[**name].is_none()) {
            Some(name) => self.created(client, *name),
            None => self.answered(client, Some(Refusal::AlreadyExists)),
        }
    }

    /// Changes the object, if it still has the resourceVersion that was named.
    pub fn update(&self, client: u8, named: Option<u8>, change: fn(Object) -> Object) -> State {
        let Some(old) = self.objects[0] else {
            return self.answered(client, Some(Refusal::NotFound));
        };
        let new = change(old);
        if named.is_some_and(|version| version != old.resource_version) {
            return self.answered(client, Some(Refusal::Conflict));
        }
        if old.deletion.is_some() && new.finalizer && !old.finalizer {
            return self.answered(client, Some(Refusal::Invalid));
        }
        self.stored(new).answered(client, None)
    }

    /// Writes the object that was read with the patch applied to it. Where it has changed, the API
    /// server reads it anew.
    fn patch(&self, client: u8, request: Request) -> Option<State> {
        match (self.objects[0], request.base) {
            (None, _) => Some(self.answered(client, Some(Refusal::NotFound))),
            (Some(object), Some(base)) if object == base => {
                let patched = Object { label: !base.label, ..base };
                Some(self.stored(patched).answered(client, None))
            }
            (Some(_), _) => None,
        }
    }

    /// Writes the object at a new resourceVersion, unless nothing has changed. What is to be gone
    /// and has no finalizer is removed.
    pub(super) fn stored(&self, object: Object) -> State {
        let mut next = *self;
        if self.objects[0] == Some(object) {
            return next;
        }
        next.revision += 1;
        let gone = object.deletion == Some(0) && !object.has_finalizers();
        let resource_version = next.revision;
        next.objects[0] = (!gone).then_some(Object { resource_version, ..object });
        next
    }

    pub(super) fn created(&self, client: u8, name: usize) -> State {
        let mut next = self.answered(client, None);
        next.revision += 1;
        next.objects[name % NAMES] = Some(Object::created(next.revision));
        if let Some(quota) = &mut next.quota {
            quota.created += 1;
        }
        next
    }

    pub(super) fn client(&self, client: u8) -> Client {
        self.clients[usize::from(client)]
    }

    pub(super) fn request(&self, client: u8) -> Option<Request> {
        self.client(client).request
    }

    pub(super) fn read_version(&self, client: u8) -> Option<u8> {
        self.client(client).read.map(|(_, version)| version)
    }

    pub(super) fn with(mut self, client: u8, now: Client) -> State {
        self.clients[usize::from(client)] = now;
        self
    }

    pub(super) fn with_request(&self, client: u8, request: Request) -> State {
        self.with(client, Client { request: Some(request), ..self.client(client) })
    }

    pub(super) fn answered(&self, client: u8, refused: Option<Refusal>) -> State {
        self.with(client, Client { request: None, refused, ..self.client(client) })
    }
}

fn spec(old: Object) -> Object {
    Object { spec: !old.spec, ..old }.prepared_for_update(old)
}

//! What an API server does with writes: to objects of one kind, from two clients.
//!
//! A client's request is in flight until an API server handles it; which one does not matter, as
//! etcd compares the resourceVersion. Two names can be taken, and requests that name one name the
//! first. In the scenario `quota` the requests only create, and pass ResourceQuota admission. Left
//! out: lists and watches, fields and validation, managed fields, other admission, who may do it.

mod claims;
mod delete;
mod mutations;
mod quota;
mod steps;
mod words;

pub use mutations::Mutation;

use crate::packed;
use crate::slice::{Claim, Family, Fault, Lane, Outcome, Size, Slice};
use serde::Serialize;

/// How many names there are.
pub const NAMES: usize = 2;
/// How many clients there are.
pub const CLIENTS: usize = 2;
/// `spec.hard` of the ResourceQuota: how many objects may be created.
pub const HARD: u8 = 1;

/// The scenarios `api-server` and `quota`.
#[derive(Clone, Debug)]
pub struct ApiServerSlice {
    /// The claims of the scenario.
    pub claims: &'static [&'static str],
    /// Where everything starts.
    pub start: State,
    /// What each client may ask for.
    pub verbs: [&'static [Verb]; CLIENTS],
    /// The step that is replaced, if any.
    pub mutation: Option<Mutation>,
}

/// A state of the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// etcd's revision.
    pub revision: u8,
    /// The objects, by name.
    pub objects: [Option<Object>; NAMES],
    /// The clients.
    pub clients: [Client; CLIENTS],
    /// The ResourceQuota, in the scenario that has one.
    pub quota: Option<Quota>,
    /// What may still happen.
    pub budgets: Budgets,
}

/// An object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Object {
    /// `metadata.uid`: the revision at which it was created.
    pub uid: u8,
    /// `metadata.resourceVersion`.
    pub resource_version: u8,
    /// `metadata.generation`.
    pub generation: u8,
    /// One of two values of spec.
    pub spec: bool,
    /// One of two values of status.
    pub status: bool,
    /// Whether it has a label.
    pub label: bool,
    /// Whether it has a finalizer of some controller.
    pub finalizer: bool,
    /// The finalizer of the garbage collector, if it has one.
    pub collector: Collector,
    /// `metadata.deletionGracePeriodSeconds`, in some unit, if `metadata.deletionTimestamp` is set.
    pub deletion: Option<u8>,
}

/// A finalizer of the garbage collector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Collector {
    /// None.
    None,
    /// `foregroundDeletion`.
    Foreground,
    /// `orphan`.
    Orphan,
}

/// A client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Client {
    /// The uid and the resourceVersion that it has read.
    pub read: Option<(u8, u8)>,
    /// Its request, which nobody has handled.
    pub request: Option<Request>,
    /// How its last request was refused.
    pub refused: Option<Refusal>,
}

/// A request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    /// What it asks for.
    pub verb: Verb,
    /// The object that the API server has read to patch it.
    pub base: Option<Object>,
    /// Whether the ResourceQuota has been charged.
    pub charged: bool,
    /// The usage that admission has read and is about to raise.
    pub usage: Option<u8>,
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// Create the object of the first name.
    Create,
    /// Create an object under a name that the API server makes up (`generateName`).
    GenerateName,
    /// Update spec, with the resourceVersion that was read.
    Update,
    /// Update spec without a resourceVersion.
    UpdateAny,
    /// Update with what is there.
    UpdateNothing,
    /// Update the status subresource, with another spec in the body.
    UpdateStatus,
    /// Patch the label.
    Patch,
    /// Add the finalizer.
    AddFinalizer,
    /// Remove the finalizer, and that of the garbage collector.
    RemoveFinalizers,
    /// Delete now.
    Delete,
    /// Delete with a short grace period.
    DeleteSoon,
    /// Delete with a long grace period.
    DeleteLater,
    /// Delete the uid that was read.
    DeleteUid,
    /// Delete the resourceVersion that was read.
    DeleteResourceVersion,
    /// Delete with `propagationPolicy=Foreground`.
    DeleteForeground,
    /// Delete with `propagationPolicy=Orphan`.
    DeleteOrphan,
    /// Delete with `dryRun=All`.
    DeleteDryRun,
}

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The name is taken.
    AlreadyExists,
    /// There is no such object.
    NotFound,
    /// The object has changed, or is another one.
    Conflict,
    /// A finalizer is added to what is being deleted.
    Invalid,
    /// The ResourceQuota would be exceeded.
    Forbidden,
}

/// A ResourceQuota for the number of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quota {
    /// `status.used`.
    pub used: u8,
    /// The same in the cache of admission.
    pub cached: u8,
    /// How many objects were created in truth.
    pub created: u8,
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// Each client asks.
    pub requests: [u8; CLIENTS],
    /// A request is lost on its way.
    pub lost_requests: u8,
}

/// A step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    Read { client: u8 },
    Send { client: u8, verb: Verb },
    ReadToPatch { client: u8 },
    ReadQuota { client: u8 },
    ChargeQuota { client: u8 },
    CacheQuota,
    Handle { client: u8 },
    LoseRequest { client: u8 },
}

impl Slice for ApiServerSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        self.start
    }

    fn candidates(&self) -> Vec<Action> {
        let mut actions = vec![Action::CacheQuota];
        for client in 0..CLIENTS as u8 {
            actions.extend([
                Action::Read { client },
                Action::ReadToPatch { client },
                Action::ReadQuota { client },
                Action::ChargeQuota { client },
                Action::Handle { client },
                Action::LoseRequest { client },
            ]);
            let verbs = self.verbs[usize::from(client)].iter();
            actions.extend(verbs.map(|verb| Action::Send { client, verb: *verb }));
        }
        actions
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        Mutation::step(self.mutation, state, action)
    }

    fn is_fair(&self, action: Action) -> bool {
        match action {
            Action::ReadToPatch { .. }
            | Action::ReadQuota { .. }
            | Action::ChargeQuota { .. }
            | Action::CacheQuota
            | Action::Handle { .. } => true,
            Action::Read { .. } | Action::Send { .. } | Action::LoseRequest { .. } => false,
        }
    }

    fn fault(&self, action: Action) -> Option<Fault> {
        match action {
            Action::LoseRequest { .. } => Some(Fault::LostRequest),
            Action::Read { .. }
            | Action::Send { .. }
            | Action::ReadToPatch { .. }
            | Action::ReadQuota { .. }
            | Action::ChargeQuota { .. }
            | Action::CacheQuota
            | Action::Handle { .. } => None,
        }
    }

    fn claims(&self) -> Vec<Claim<Self>> {
        claims::all().into_iter().filter(|claim| self.claims.contains(&claim.id)).collect()
    }

    fn describe(&self, before: &State, action: Action, after: &State) -> String {
        words::describe(before, action, after)
    }

    fn actor(&self, action: Action) -> String {
        words::actor(action)
    }

    fn lanes(&self, state: &State) -> Vec<Lane> {
        words::lanes(state)
    }

    fn outcome(&self, before: &State, action: Action, after: &State) -> Outcome {
        match action {
            Action::Handle { .. } if after.revision > before.revision => Outcome::Committed,
            Action::Handle { client } if after.client(client).refused.is_some() => Outcome::Refused,
            Action::Handle { .. }
            | Action::Read { .. }
            | Action::Send { .. }
            | Action::ReadToPatch { .. }
            | Action::ReadQuota { .. }
            | Action::ChargeQuota { .. }
            | Action::CacheQuota
            | Action::LoseRequest { .. } => Outcome::Done,
        }
    }
}

const WRITES: &[Verb] = &[
    Verb::Create,
    Verb::Update,
    Verb::UpdateAny,
    Verb::UpdateNothing,
    Verb::UpdateStatus,
    Verb::Patch,
    Verb::AddFinalizer,
    Verb::RemoveFinalizers,
];

const DELETIONS: &[Verb] = &[
    Verb::GenerateName,
    Verb::UpdateAny,
    Verb::Delete,
    Verb::DeleteSoon,
    Verb::DeleteLater,
    Verb::DeleteUid,
    Verb::DeleteResourceVersion,
    Verb::DeleteForeground,
    Verb::DeleteOrphan,
    Verb::DeleteDryRun,
];

const CREATIONS: &[Verb] = &[Verb::Create, Verb::GenerateName];

impl Family for ApiServerSlice {
    const SCENARIOS: &'static [&'static str] = &["api-server", "quota"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(scenario: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let mutation = mutation.and_then(Mutation::of);
        let lost_requests = size.times(1);
        let client = Client { read: None, request: None, refused: None };
        let mut start = State {
            revision: 1,
            objects: [Some(Object::created(1)), None],
            clients: [client; CLIENTS],
            quota: None,
            budgets: Budgets { requests: [2, 2], lost_requests },
        };
        if scenario == "quota" {
            start.objects = [None; NAMES];
            start.quota = Some(Quota { used: 0, cached: 0, created: 0 });
            let (claims, verbs) = (claims::OF_QUOTA, [CREATIONS; CLIENTS]);
            return Ok(ApiServerSlice { claims, start, verbs, mutation });
        }
        let (claims, verbs) = (claims::OF_WRITES, [WRITES, DELETIONS]);
        Ok(ApiServerSlice { claims, start, verbs, mutation })
    }
}

packed!(struct State { revision, objects, clients, quota, budgets });
packed!(struct Object {
    uid, resource_version, generation, spec, status, label, finalizer, collector, deletion
});
packed!(
    enum Collector {
        None,
        Foreground,
        Orphan,
    }
);
packed!(struct Client { read, request, refused });
packed!(struct Request { verb, base, charged, usage });
packed!(
    enum Verb {
        Create,
        GenerateName,
        Update,
        UpdateAny,
        UpdateNothing,
        UpdateStatus,
        Patch,
        AddFinalizer,
        RemoveFinalizers,
        Delete,
        DeleteSoon,
        DeleteLater,
        DeleteUid,
        DeleteResourceVersion,
        DeleteForeground,
        DeleteOrphan,
        DeleteDryRun,
    }
);
packed!(
    enum Refusal {
        AlreadyExists,
        NotFound,
        Conflict,
        Invalid,
        Forbidden,
    }
);
packed!(struct Quota { used, cached, created });
packed!(struct Budgets { requests, lost_requests });

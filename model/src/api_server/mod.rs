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
mod requests;
mod state;
mod steps;
mod words;

pub use mutations::Mutation;
pub use state::{Budgets, Client, Collector, Object, Quota, Refusal, Request, State, Verb};

use crate::cause::Cause;
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

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::ReadToPatch { .. }
            | Action::ReadQuota { .. }
            | Action::ChargeQuota { .. }
            | Action::CacheQuota
            | Action::Handle { .. } => Cause::Duty,
            Action::Read { .. } | Action::Send { .. } => Cause::Choice,
            Action::LoseRequest { .. } => Cause::Fault(Fault::LostRequest),
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
            Action::Handle { client }
            | Action::ReadQuota { client }
            | Action::ChargeQuota { client }
                if after.client(client).refused.is_some() =>
            {
                Outcome::Refused
            }
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

    fn request(&self, before: &State, action: Action) -> Option<serde_json::Value> {
        let after = self.step(before, action)?;
        Some(requests::request(before, action, &after)?.written())
    }

    fn objects_at_start(&self) -> Vec<crate::request::Request> {
        requests::at_start(&self.start)
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

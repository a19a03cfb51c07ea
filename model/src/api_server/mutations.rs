//! Mutations of the API server: each replaces one step and passes the rest through.

use super::{Action, Client, HARD, Object, Quota, State, Verb};

crate::mutations! {
    /// A create replaces the object that has the name.
    CreateReplaces = "create-replaces-object",
    /// A name that was made up is not compared with the names that are taken.
    GeneratedNameTaken = "generate-name-ignores-names",
    /// An update does not compare the resourceVersion.
    UnconditionalUpdate = "update-ignores-resource-version",
    /// An update that changes nothing is a new resourceVersion.
    NothingIsWritten = "update-writes-nothing",
    /// A change of status is a new generation.
    StatusGeneration = "status-bumps-generation",
    /// A change of spec is no new generation.
    SpecKeepsGeneration = "spec-keeps-generation",
    /// The status subresource writes spec too.
    StatusWritesSpec = "status-writes-spec",
    /// A patch is written over what has changed since the object was read.
    PatchOverwrites = "patch-overwrites",
    /// A patch whose object has changed is not tried again.
    PatchNotRetried = "patch-not-retried",
    /// An update takes `deletionTimestamp` from its body, which has none.
    DeletionTakenBack = "update-unsets-deletion",
    /// A finalizer is added to what is being deleted.
    LateFinalizer = "finalizer-added-late",
    /// A deletion removes what has a finalizer.
    FinalizerIgnored = "delete-ignores-finalizers",
    /// A second deletion sets the grace period that it asks for.
    GracePeriodGrows = "grace-period-grows",
    /// A deletion does not compare the uid.
    UidIgnored = "delete-ignores-uid",
    /// A deletion does not compare the resourceVersion.
    ResourceVersionIgnored = "delete-ignores-resource-version",
    /// A dry run is written.
    DryRunWritten = "dry-run-written",
    /// A deletion in the foreground does not wait for the garbage collector.
    PolicyIgnored = "delete-ignores-policy",
    /// Admission raises the usage that it has read without comparing.
    QuotaOverwritten = "quota-overwritten",
    /// Admission counts, and refuses nothing.
    QuotaNotEnforced = "quota-not-enforced",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        match (mutation, action) {
            (Some(mutation), Action::Handle { client }) => {
                mutation.handle(state, client).or_else(|| mutation.after(state, action))
            }
            (Some(Mutation::PatchNotRetried), Action::ReadToPatch { client }) => {
                let next = action.apply(state)?;
                state.request(client)?.base.is_none().then_some(next)
            }
            (Some(Mutation::QuotaOverwritten), Action::ChargeQuota { client }) => {
                let usage = state.request(client)?.usage?;
                state.charged(client, usage + 1)
            }
            (Some(Mutation::QuotaNotEnforced), Action::ReadQuota { client }) => {
                let Quota { cached, .. } = state.quota?;
                state.admitted(client, cached, u8::MAX)
            }
            (Some(Mutation::QuotaNotEnforced), Action::ChargeQuota { client }) => {
                let used = state.quota?.used;
                state.request(client)?.usage?;
                state.charged(client, (used + 1).min(HARD + 1))
            }
            (_, action) => action.apply(state),
        }
    }

    /// What is done instead of handling a request, if it is one that the mutation is about.
    fn handle(self, state: &State, client: u8) -> Option<State> {
        use Mutation::*;
        let request = state.request(client)?;
        let object = state.objects[0];
        match (self, request.verb) {
            (CreateReplaces, Verb::Create) => Some(state.created(client, 0)),
            (GeneratedNameTaken, Verb::GenerateName) => Some(state.created(client, 0)),
            (
                UnconditionalUpdate,
                Verb::Update | Verb::UpdateNothing | Verb::UpdateStatus | Verb::AddFinalizer,
            ) => {
                let read = object.map(|object| (object.uid, object.resource_version));
                state.with(client, Client { read, ..state.client(client) }).handle(client)
            }
            (GracePeriodGrows, Verb::DeleteLater) => {
                let pending = object.filter(|object| object.deletion == Some(1))?;
                Some(state.stored(Object { deletion: Some(2), ..pending }).answered(client, None))
            }
            (NothingIsWritten, Verb::UpdateNothing) => {
                let mut next = state.update(client, state.read_version(client), |object| object);
                next.revision += 1;
                next.objects[0].as_mut()?.resource_version = next.revision;
                Some(next)
            }
            (PatchOverwrites, Verb::Patch) => {
                let base = request.base.filter(|base| Some(base.uid) == object.map(|of| of.uid))?;
                let patched = Object { label: !base.label, ..base };
                Some(state.stored(patched).answered(client, None))
            }
            (LateFinalizer, Verb::AddFinalizer) => {
                let old =
                    object.filter(|of| state.read_version(client) == Some(of.resource_version))?;
                Some(state.stored(Object { finalizer: true, ..old }).answered(client, None))
            }
            (UidIgnored, Verb::DeleteUid)
            | (ResourceVersionIgnored, Verb::DeleteResourceVersion) => {
                Some(state.delete(client, Verb::Delete))
            }
            (DryRunWritten, Verb::DeleteDryRun) | (PolicyIgnored, Verb::DeleteForeground) => {
                Some(state.delete(client, Verb::Delete))
            }
            (_, _) => None,
        }
    }

    /// The right step, with something wrong in the object that it leaves.
    fn after(self, state: &State, action: Action) -> Option<State> {
        use Mutation::*;
        let mut next = action.apply(state)?;
        let Some(was) = state.objects[0] else {
            return Some(next);
        };
        match (self, &mut next.objects[0]) {
            (StatusGeneration, Some(is)) if was.status != is.status => is.generation += 1,
            (SpecKeepsGeneration, Some(is)) if was.spec != is.spec => {
                is.generation = was.generation;
            }
            (StatusWritesSpec, Some(is)) if was.status != is.status => {
                is.spec = !was.spec;
                is.generation += 1;
            }
            (DeletionTakenBack, Some(is)) if was.spec != is.spec => is.deletion = None,
            (FinalizerIgnored, object)
                if object.is_some_and(|object| object.deletion == Some(0)) =>
            {
                *object = None;
            }
            (_, _) => {}
        }
        Some(next)
    }
}

//! Mutations of the garbage collector: each replaces one step and passes the rest through.

use super::objects::{Event, Policy, Reference};
use super::{Action, DEPENDENT_INFORMER, Entry, Node, State};

crate::mutations! {
    /// What is known to be absent is remembered by uid alone: after one lookup with wrong
    /// coordinates, a live parent that is not cached yet seems to be absent.
    AbsentByUid = "k-88097",
    /// A virtual node goes when the first coordinates prove to be absent, and those who name the
    /// owner by others are forgotten.
    WrongCoordinatesStay = "k-98040",
    /// A live lookup compares the name and not the uid.
    IgnoresUid = "gc-ignores-uid",
    /// The owner goes before its dependents in a foreground deletion.
    ForegroundIsHasty = "gc-does-not-wait-for-dependents",
    /// The owner goes before its dependents are orphans.
    OrphanIsHasty = "gc-removes-orphan-finalizer-first",
    /// Dependents without an owner count as those of an absent one.
    CollectsOrphans = "gc-collects-orphans",
    /// Nobody makes dependents orphans.
    NeverOrphans = "gc-never-orphans",
    /// The finalizer of a foreground deletion stays.
    ForegroundStays = "gc-never-deletes-in-foreground",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        match (mutation, action) {
            (Some(Mutation::AbsentByUid), Action::AttemptToDelete { dependent }) => state
                .attempt_to_delete(dependent, |state, reference| {
                    state.graph.absent.contains(&true) || state.is_absent(reference)
                }),
            (Some(Mutation::AbsentByUid), Action::VerifyVirtual) => absent_by_uid(state),
            (Some(Mutation::WrongCoordinatesStay), Action::VerifyVirtual) => {
                let Node::Virtual(reference) = state.graph.owner else { return None };
                state.verify_virtual().map(|_| state.found_absent(reference))
            }
            (Some(Mutation::IgnoresUid), Action::AttemptToDelete { dependent }) => state
                .attempt_to_delete(dependent, |state, reference| {
                    state.store.now().named(reference).is_none()
                }),
            (Some(Mutation::ForegroundIsHasty), Action::RemoveFinalizer) => {
                state.remove_finalizer(Policy::Foreground)
            }
            (Some(Mutation::OrphanIsHasty), Action::RemoveFinalizer) => {
                state.remove_finalizer(Policy::Orphan)
            }
            (Some(Mutation::CollectsOrphans), Action::DeliverDependent) => collects_orphans(state),
            (Some(Mutation::NeverOrphans), Action::Orphan { .. }) => None,
            (Some(Mutation::ForegroundStays), Action::AttemptToDelete { dependent }) => {
                let next = action.apply(state)?;
                let place = usize::from(dependent);
                let absent = |reference| state.is_absent(reference);
                let wanted = state.store.now().reference(place).is_none_or(absent);
                let deletes = next.graph.dependents[place] == Entry::Deleting;
                (wanted || !deletes).then_some(next)
            }
            (_, action) => action.apply(state),
        }
    }
}

fn absent_by_uid(state: &State) -> Option<State> {
    let Node::Virtual(_) = state.graph.owner else { return None };
    state.verify_virtual()?;
    let wrong = state.found_absent(Reference::Wrong);
    Some(State { graph: wrong.graph, ..*state }.found_absent(Reference::Right))
}

fn collects_orphans(state: &State) -> Option<State> {
    let mut next = *state;
    let event = next.store.deliver(DEPENDENT_INFORMER)?;
    if let Event::Dependent(number, Some(dependent)) = event
        && dependent.owner.is_none()
    {
        next.graph.dependents[usize::from(number)] = Entry::Deleting;
        return Some(next);
    }
    state.deliver_dependent()
}

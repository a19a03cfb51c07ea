//! Mutations of the Deployment controller: each replaces one step and passes the rest through.

use super::objects::{Objects, Set};
use super::rolling::Strategy;
use super::{Action, REPLICAS, Request, State};

crate::mutations! {
    /// A name that is taken is an error, and is tried again for ever, though the ReplicaSet of this
    /// name is another.
    NoCollisionCount = "k-29735",
    /// A name that is taken is a collision, though it may be that of the Deployment's own
    /// ReplicaSet, which the cache does not show yet.
    OwnCollides = "deployment-collides-with-itself",
    /// The ReplicaSet of a template is known by its name, which depends on `collisionCount`.
    FindsByName = "deployment-finds-replica-set-by-name",
    /// A Pod counts as available as soon as it is asked for.
    CountsUnavailable = "deployment-counts-pods-as-available",
    /// The new ReplicaSet has all replicas at once.
    IgnoresSurge = "deployment-ignores-max-surge",
    /// Replicas are written whatever the resourceVersion.
    Blind = "deployment-scales-without-resource-version",
    /// Old ReplicaSets keep their replicas.
    NeverScalesDown = "deployment-never-scales-down",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        let right = Strategy::ROLLING_UPDATE;
        match (mutation, action) {
            (Some(Mutation::NoCollisionCount), Action::Commit) => no_collision_count(state),
            (Some(Mutation::OwnCollides), Action::Commit) => own_collides(state),
            (Some(Mutation::FindsByName), Action::SyncDeployment) => {
                state.sync_deployment(Strategy { find_new: set_of_this_name, ..right })
            }
            (Some(Mutation::CountsUnavailable), Action::SyncDeployment) => {
                state.sync_deployment(Strategy { available: |set| set.replicas, ..right })
            }
            (Some(Mutation::IgnoresSurge), Action::SyncDeployment) => {
                state.sync_deployment(Strategy { max_surge: 2 * REPLICAS, ..right })
            }
            (Some(Mutation::Blind), Action::Commit) => blind(state),
            (Some(Mutation::NeverScalesDown), Action::SyncDeployment) => {
                let next = state.sync_deployment(right)?;
                (!is_scaled_down(next.request)).then_some(next)
            }
            (_, action) => action.apply(state),
        }
    }
}

fn no_collision_count(state: &State) -> Option<State> {
    let next = state.commit()?;
    match next.request {
        Request::CountCollision { .. } => Some(State { request: Request::None, ..next }),
        Request::None | Request::Create { .. } | Request::Scale { .. } => Some(next),
    }
}

fn own_collides(state: &State) -> Option<State> {
    let next = state.commit()?;
    match state.request {
        Request::Create { read, .. } if next.store == state.store => {
            Some(State { request: Request::CountCollision { read }, ..next })
        }
        Request::Create { .. }
        | Request::None
        | Request::Scale { .. }
        | Request::CountCollision { .. } => Some(next),
    }
}

fn set_of_this_name(objects: &Objects) -> Option<(u8, Set)> {
    let name = objects.deployment.set_name();
    objects.owned().find(|(of, _)| *of == name)
}

fn blind(state: &State) -> Option<State> {
    match state.request {
        Request::Scale { name, replicas, .. } => {
            let set = Set { replicas, ..state.set(name)? };
            Some(State { request: Request::None, ..*state }.put_set(name, set))
        }
        Request::None | Request::Create { .. } | Request::CountCollision { .. } => state.commit(),
    }
}

fn is_scaled_down(request: Request) -> bool {
    match request {
        Request::Scale { read, replicas, .. } => replicas < read.replicas,
        Request::None | Request::Create { .. } | Request::CountCollision { .. } => false,
    }
}

//! Mutations of leases: each replaces one step and passes the rest through.

use super::{Action, Key, Lease, State, TTL};

crate::mutations! {
    /// A revocation deletes one key at a time.
    KeyByKey = "etcd-revokes-key-by-key",
    /// A lease is revoked when the leader has counted to its last interval.
    EarlyRevocation = "etcd-revokes-lease-early",
    /// A lease that is kept alive keeps its checkpoint, from which the next leader counts.
    StaleCheckpoint = "etcd-keep-alive-leaves-checkpoint",
    /// A new leader counts from the whole TTL.
    CheckpointForgotten = "etcd-forgets-checkpoints",
    /// A new leader does not count at all.
    NobodyCounts = "etcd-new-leader-does-not-count",
    /// A key that is put without a lease stays attached.
    AttachedForEver = "etcd-put-keeps-lease",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        use Mutation::*;
        match (mutation, action) {
            (Some(KeyByKey), Action::Revoke) => state.revoke(1),
            (Some(EarlyRevocation), Action::AskToRevoke) => {
                let lease = state.lease.filter(|lease| lease.remaining <= 1 && !lease.revoking)?;
                Some(state.with(Lease { revoking: true, ..lease }))
            }
            (Some(StaleCheckpoint), Action::KeepAlive) => {
                let checkpoint = state.lease?.checkpoint;
                Some(action.apply(state)?.with(Lease { checkpoint, ..Lease::FRESH }))
            }
            (Some(CheckpointForgotten), Action::ChangeLeader) => {
                let next = action.apply(state)?;
                Some(next.with(Lease { remaining: TTL, checkpoint: TTL, ..next.lease? }))
            }
            (Some(NobodyCounts), Action::Tick) => {
                let next = action.apply(state)?;
                (state.lease?.leader_changes == 0).then_some(next)
            }
            (Some(AttachedForEver), Action::Put { key, with_lease: false }) => {
                let next = action.apply(state)?;
                let attached = state.keys[usize::from(key)] == Key::Attached;
                Some(if attached { State { keys: state.keys, ..next } } else { next })
            }
            (_, action) => action.apply(state),
        }
    }
}

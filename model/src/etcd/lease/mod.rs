//! An etcd lease: granted, kept alive, attached to two keys, expired, over changes of the leader.
//!
//! Only the leader counts down, in memory. It checkpoints what remains through the log, and a new
//! leader starts to count from there. Time is in units of the checkpoint interval. Left out:
//! several leases, revocation by a client, a client that is slow to learn that its lease is gone.

mod claims;
mod exchanges;
mod mutations;
mod steps;

pub use mutations::Mutation;

use crate::cause::Cause;
use crate::packed;
use crate::slice::{Claim, Family, Fault, Lane, Size, Slice};
use serde::Serialize;

/// How many keys there are.
pub const KEYS: usize = 2;
/// The lease's TTL, in checkpoint intervals.
pub const TTL: u8 = 4;
/// Nobody counts further than this.
pub const SILENT_MAX: u8 = 2 * TTL;

/// The scenario `lease`.
#[derive(Clone, Debug)]
pub struct LeaseSlice {
    /// What may happen.
    pub budgets: Budgets,
    /// The step that is replaced, if any.
    pub mutation: Option<Mutation>,
}

/// A state of the lease and its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The lease.
    pub lease: Option<Lease>,
    /// Whether the lease has expired.
    pub expired: bool,
    /// The keys.
    pub keys: [Key; KEYS],
    /// How many keys were deleted at the newest revision.
    pub deleted: u8,
    /// What may still happen.
    pub budgets: Budgets,
}

/// A lease that was granted and has not expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    /// What remains, as the leader counts it.
    pub remaining: u8,
    /// What remains as the members have it: the TTL, or less since a checkpoint.
    pub checkpoint: u8,
    /// How long ago the client has kept it alive, in truth.
    pub silent: u8,
    /// How often the leader has changed since.
    pub leader_changes: u8,
    /// Whether the leader has asked for its revocation, since nothing remained.
    pub revoking: bool,
}

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// It does not exist.
    Absent,
    /// It never had a lease, and lives until it is deleted.
    Alone,
    /// It had a lease, was put again without, and lives until it is deleted.
    Detached,
    /// It lives as long as the lease.
    Attached,
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// The client is granted the lease.
    pub grants: u8,
    /// The client puts a key, with the lease or without.
    pub puts: u8,
    /// The client keeps the lease alive.
    pub keep_alives: u8,
    /// Another member becomes the leader.
    pub leader_changes: u8,
    /// The client deletes a key.
    pub deletes: u8,
}

/// A step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    Grant,
    Put { key: u8, with_lease: bool },
    Delete { key: u8 },
    KeepAlive,
    Tick,
    Checkpoint,
    AskToRevoke,
    Revoke,
    ChangeLeader,
}

impl Slice for LeaseSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        State {
            lease: None,
            expired: false,
            keys: [Key::Absent; KEYS],
            deleted: 0,
            budgets: self.budgets,
        }
    }

    fn candidates(&self) -> Vec<Action> {
        let of = |key| {
            let put = |with_lease| Action::Put { key, with_lease };
            [put(true), put(false), Action::Delete { key }]
        };
        let others = [
            Action::Grant,
            Action::KeepAlive,
            Action::Tick,
            Action::Checkpoint,
            Action::AskToRevoke,
            Action::Revoke,
            Action::ChangeLeader,
        ];
        (0..KEYS as u8).flat_map(of).chain(others).collect()
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        Mutation::step(self.mutation, state, action)
    }

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::Tick | Action::Checkpoint | Action::AskToRevoke | Action::Revoke => Cause::Duty,
            Action::Grant | Action::Put { .. } | Action::Delete { .. } | Action::KeepAlive => {
                Cause::Choice
            }
            Action::ChangeLeader => Cause::Fault(Fault::Crash),
        }
    }

    fn claims(&self) -> Vec<Claim<Self>> {
        claims::all()
    }

    fn describe(&self, _: &State, action: Action, after: &State) -> String {
        match action {
            Action::Grant => format!("a client is granted a lease with a TTL of {TTL}"),
            Action::Put { key, with_lease: true } => {
                format!("a client puts key-{key} with the lease")
            }
            Action::Put { key, with_lease: false } => {
                format!("a client puts key-{key} without a lease")
            }
            Action::Delete { key } => format!("a client deletes key-{key}"),
            Action::KeepAlive => "the client keeps the lease alive".to_owned(),
            Action::Tick => "time passes".to_owned(),
            Action::Checkpoint => "the leader checkpoints what remains of the lease".to_owned(),
            Action::AskToRevoke => {
                "the leader asks to revoke the lease: nothing remains".to_owned()
            }
            Action::Revoke => format!("the lease is revoked; {} keys are deleted", after.deleted),
            Action::ChangeLeader => "the leader crashes, and another counts".to_owned(),
        }
    }

    fn actor(&self, action: Action) -> String {
        match action {
            Action::Grant | Action::Put { .. } | Action::Delete { .. } | Action::KeepAlive => {
                "client"
            }
            Action::Tick => "clock",
            Action::Checkpoint | Action::AskToRevoke | Action::Revoke | Action::ChangeLeader => {
                "etcd"
            }
        }
        .to_owned()
    }

    fn lanes(&self, state: &State) -> Vec<Lane> {
        let lease = match state.lease {
            Some(Lease { remaining, checkpoint, .. }) => {
                format!("a lease, {remaining} of {TTL} remain ({checkpoint} at the checkpoint)")
            }
            None if state.expired => "a lease that has expired".to_owned(),
            None => "no lease".to_owned(),
        };
        let [first, second] = state.keys;
        let holds = format!("{lease}; key-0 {first:?}, key-1 {second:?}");
        let silent = state.lease.map_or(0, |lease| lease.silent);
        vec![
            Lane { name: "etcd".to_owned(), holds, behind: None },
            Lane {
                name: "client".to_owned(),
                holds: format!("kept the lease alive {silent} ago"),
                behind: None,
            },
        ]
    }
}

impl Family for LeaseSlice {
    const SCENARIOS: &'static [&'static str] = &["lease"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(_: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let budgets = Budgets {
            grants: 1,
            puts: 3,
            keep_alives: 2,
            leader_changes: size.times(2).min(2),
            deletes: 1,
        };
        Ok(LeaseSlice { budgets, mutation: mutation.and_then(Mutation::of) })
    }
}

packed!(struct State { lease, expired, keys, deleted, budgets });
packed!(struct Lease { remaining, checkpoint, silent, leader_changes, revoking });
packed!(
    enum Key {
        Absent,
        Alone,
        Detached,
        Attached,
    }
);
packed!(struct Budgets { grants, puts, keep_alives, leader_changes, deletes });

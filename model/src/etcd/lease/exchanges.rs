//! What a client sees of the lease. That it ends with time is an end that the client asks for.

use super::{Action, Key as Kept, LeaseSlice, State};
use crate::etcd::exchange::{Ask, Exchange, Key, Seen, Told, View};

impl Seen for LeaseSlice {
    fn exchanges(_: &State, action: Action, after: &State) -> Vec<Exchange> {
        let (ask, told) = match action {
            Action::Grant => (Ask::Grant, Told::Done),
            Action::Put { key, with_lease } => (Ask::Put { key, lease: with_lease }, Told::Written),
            Action::Delete { key } => (Ask::Delete { key }, Told::Written),
            Action::KeepAlive => (Ask::KeepAlive, Told::Done),
            Action::Revoke if after.deleted > 0 => (Ask::Revoke, Told::Written),
            Action::Revoke => (Ask::Revoke, Told::Done),
            Action::Tick | Action::Checkpoint | Action::AskToRevoke | Action::ChangeLeader => {
                return vec![];
            }
        };
        let keys = after.keys.map(|key| match key {
            Kept::Absent => None,
            Kept::Alone | Kept::Detached => Some(Key { mod_revision: None, leased: false }),
            Kept::Attached => Some(Key { mod_revision: None, leased: true }),
        });
        vec![Exchange { ask, told, then: View { keys, compacted: 0, past: vec![] } }]
    }
}

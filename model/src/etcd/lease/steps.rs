//! The steps of a lease.

use super::{Action, KEYS, Key, Lease, SILENT_MAX, State, TTL};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::Grant => state.grant(),
            Action::Put { key, with_lease } => state.put(key, with_lease),
            Action::Delete { key } => state.delete(key),
            Action::KeepAlive => state.keep_alive(),
            Action::Tick => state.tick(),
            Action::Checkpoint => state.checkpoint(),
            Action::AskToRevoke => state.ask_to_revoke(),
            Action::Revoke => state.revoke(KEYS),
            Action::ChangeLeader => state.change_leader(),
        }
    }
}

impl Lease {
    /// A lease that was just granted, or kept alive.
    pub const FRESH: Self =
        Lease { remaining: TTL, checkpoint: TTL, silent: 0, leader_changes: 0, revoking: false };
}

impl State {
    /// A client is granted a lease.
    pub fn grant(&self) -> Option<State> {
        let mut next = State { lease: Some(Lease::FRESH), deleted: 0, ..*self };
        next.budgets.grants = self.budgets.grants.checked_sub(1)?;
        Some(next)
    }

    /// A client puts a key: with a lease that exists, or without, which detaches it.
    pub fn put(&self, key: u8, with_lease: bool) -> Option<State> {
        let mut next = State { deleted: 0, ..*self };
        next.budgets.puts = self.budgets.puts.checked_sub(1)?;
        let key = &mut next.keys[usize::from(key)];
        *key = match (with_lease, *key) {
            (true, _) => Key::Attached,
            (false, Key::Absent | Key::Alone) => Key::Alone,
            (false, Key::Detached | Key::Attached) => Key::Detached,
        };
        (self.lease.is_some() || !with_lease).then_some(next)
    }

    /// A client deletes a key.
    pub fn delete(&self, key: u8) -> Option<State> {
        let mut next = State { deleted: 1, ..*self };
        next.budgets.deletes = self.budgets.deletes.checked_sub(1)?;
        let was = std::mem::replace(&mut next.keys[usize::from(key)], Key::Absent);
        (was != Key::Absent).then_some(next)
    }

    /// The client keeps the lease alive, unless the leader has found it expired. What was
    /// checkpointed does not count any more.
    pub fn keep_alive(&self) -> Option<State> {
        let mut next = State { lease: Some(Lease::FRESH), ..*self };
        next.budgets.keep_alives = self.budgets.keep_alives.checked_sub(1)?;
        let lives = self.lease.is_some_and(|lease| lease.remaining > 0 && !lease.revoking);
        lives.then_some(next)
    }

    /// Time passes. The leader's timers fire before more of it does.
    pub fn tick(&self) -> Option<State> {
        let lease = self.lease?;
        let remaining = lease.remaining.checked_sub(1)?;
        let silent = (lease.silent + 1).min(SILENT_MAX);
        let waits = lease.remaining < lease.checkpoint || lease.revoking;
        (!waits).then(|| self.with(Lease { remaining, silent, ..lease }))
    }

    /// The leader tells the members what remains.
    pub fn checkpoint(&self) -> Option<State> {
        let lease = self.lease?;
        let checkpoint = lease.remaining;
        (checkpoint < lease.checkpoint).then(|| self.with(Lease { checkpoint, ..lease }))
    }

    /// Nothing remains: the leader asks the members to revoke the lease.
    pub fn ask_to_revoke(&self) -> Option<State> {
        let lease = self.lease?;
        let due = lease.remaining == 0 && !lease.revoking;
        due.then(|| self.with(Lease { revoking: true, ..lease }))
    }

    /// The members revoke the lease: of the keys that are attached, so many are deleted at one
    /// revision, which is all of them.
    pub fn revoke(&self, keys_max: usize) -> Option<State> {
        self.lease.filter(|lease| lease.revoking)?;
        let mut next = State { deleted: 0, ..*self };
        let attached = next.keys.iter_mut().filter(|key| **key == Key::Attached);
        for key in attached.take(keys_max) {
            *key = Key::Absent;
            next.deleted += 1;
        }
        if !next.keys.contains(&Key::Attached) {
            next.lease = None;
            next.expired = true;
        }
        Some(next)
    }

    /// The leader crashes. What it asked for is lost, and the new one counts from the checkpoint.
    pub fn change_leader(&self) -> Option<State> {
        let mut next = *self;
        next.budgets.leader_changes = self.budgets.leader_changes.checked_sub(1)?;
        let lease = self.lease?;
        Some(next.with(Lease {
            remaining: lease.checkpoint,
            leader_changes: lease.leader_changes + 1,
            revoking: false,
            ..lease
        }))
    }

    pub(super) fn with(self, lease: Lease) -> State {
        State { lease: Some(lease), ..self }
    }
}

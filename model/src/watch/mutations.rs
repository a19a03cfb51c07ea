//! Mutations of the `watch` scenario: each replaces one step and passes the rest through.

use super::state::{Action, Change, Connection, Informer, Key, State, Writer};

crate::mutations! {
    /// A crash after a compaction loses a deletion that was the newest revision.
    RevisionDecreases = "etcd-17780",
    /// A write is acknowledged before it is on disk.
    EarlyAcknowledgement = "etcd-14370",
    /// A write does not compare the mod revision.
    WriteWithoutPrecondition = "write-ignores-mod-revision",
    /// A watch that has fallen behind skips an event.
    StarvedWatcher = "etcd-17529",
    /// A deletion at the revision of a compaction is not delivered.
    DeletionDroppedAtCompaction = "etcd-18089",
    /// A watch delivers events from before its resourceVersion.
    OldEvents = "etcd-20221",
    /// A bookmark is ahead of the events.
    EarlyBookmark = "etcd-15220",
    /// A list does not remove what it lacks from the cache.
    DeletionMissedByRelist = "k-55587",
    /// A list is older than what the informer has seen.
    RelistGoesBack = "k-67998",
    /// After 410 Gone an informer watches from the same resourceVersion again.
    ExpiredRevisionRetried = "watch-retries-expired-revision",
    /// A watch from a compacted revision is accepted.
    NothingExpires = "watch-never-expires",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        use Mutation::*;
        let Some(mutation) = mutation else {
            return action.apply(state);
        };
        match (mutation, action) {
            (RevisionDecreases, Action::CrashEtcd) => state.crash_etcd().map(forget_last_deletion),
            (EarlyAcknowledgement, Action::Acknowledge { writer }) => {
                let Writer::Written(revision) = state.writer(writer) else {
                    return None;
                };
                Some(state.acknowledged(writer, revision))
            }
            (WriteWithoutPrecondition, Action::Write { writer, deletes }) => {
                let Writer::Holding { key, .. } = state.writer(writer) else {
                    return None;
                };
                state.appended(writer, Change { key, deleted: deletes })
            }
            (StarvedWatcher, Action::DeliverEvent) => {
                let first = state.etcd.next_event(state.informer.resource_version)?;
                state.deliver(state.etcd.next_event(first).unwrap_or(first))
            }
            (DeletionDroppedAtCompaction, Action::DeliverEvent) => {
                let first = state.etcd.next_event(state.informer.resource_version)?;
                let deleted = state.etcd.change(first).is_some_and(|change| change.deleted);
                let dropped = deleted && first == state.etcd.compacted;
                state.deliver(if dropped { state.etcd.next_event(first)? } else { first })
            }
            (OldEvents, Action::DeliverEvent) => {
                let old = state.etcd.next_event(0)?;
                state.deliver(old).filter(|next| next != state)
            }
            (EarlyBookmark, Action::DeliverBookmark) => state.bookmark(state.etcd.durable),
            (DeletionMissedByRelist, Action::Relist) => {
                let next = action.apply(state)?;
                let pod = next.informer.pod.or(state.informer.pod);
                Some(next.with_informer(Informer { pod, ..next.informer }))
            }
            (RelistGoesBack, Action::RelistFromLaggingApiServer { revision }) => {
                if revision < state.etcd.durable { state.relist(revision) } else { None }
            }
            (ExpiredRevisionRetried, Action::Relist) => {
                let expired = state.informer.connection == Connection::Expired;
                let connection = Connection::Closed;
                expired.then(|| state.with_informer(Informer { connection, ..state.informer }))
            }
            (NothingExpires, Action::Reconnect) => {
                let closed = state.informer.connection == Connection::Closed;
                let connection = Connection::Watching;
                closed.then(|| state.with_informer(Informer { connection, ..state.informer }))
            }
            (NothingExpires, Action::Compact) => {
                let informer = state.informer;
                state.compact().map(|next| next.with_informer(informer))
            }
            (_, action) => action.apply(state),
        }
    }
}

fn forget_last_deletion(mut state: State) -> State {
    let newest = state.etcd.durable;
    let change = Change { key: Key::Pod, deleted: true };
    if newest > 0 && newest == state.etcd.compacted && state.etcd.change(newest) == Some(change) {
        state.etcd.history[usize::from(newest) - 1] = None;
        state.etcd.durable = newest - 1;
        state.etcd.compacted = newest - 1;
    }
    state
}

//! Mutations of the members: each replaces one step and passes the rest through.

use super::{Action, Data, Entry, KEYS, Read, State};

crate::mutations! {
    /// The index of the applied entry is written to disk before the data of that entry.
    IndexWithoutData = "etcd-13766",
    /// A request for the index to read at is sent again under its old id, to which members agreed
    /// before another was elected; that confirms what was queued before it as well.
    ReadIndexIdReused = "etcd-20418",
    /// A leader answers reads without asking whether it still leads.
    UnconfirmedRead = "etcd-leader-reads-unconfirmed",
    /// A transaction puts its keys at one revision each.
    RevisionPerPut = "etcd-transaction-of-two-revisions",
    /// A transaction compares its first key only.
    FirstCompareOnly = "etcd-compares-first-key-only",
    /// The leader tells the client as soon as the write is on its own disk.
    EarlyAcknowledgement = "etcd-acknowledges-without-quorum",
    /// A member is elected by who knows more than it.
    LaggingLeader = "etcd-elects-lagging-member",
    /// A progress notification tells how far the cluster is, not the member.
    ProgressOfCluster = "etcd-progress-of-the-cluster",
    /// A serializable read waits for what is acknowledged.
    NothingIsStale = "etcd-serializable-read-waits",
    /// A member that has crashed waits for new entries, and does not apply the old ones again.
    NoReplay = "etcd-recovers-without-replay",
    /// What waited for the old leader's confirmation waits on.
    ReadForgotten = "etcd-read-lost-with-leader",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        use Mutation::*;
        match (mutation, action) {
            (Some(IndexWithoutData), Action::Flush { member }) => state.flush(member, 1),
            (Some(ReadIndexIdReused), Action::AskAgain { read }) => {
                let Read::Waiting { heartbeats, .. } = state.reads[usize::from(read)] else {
                    return None;
                };
                state.ask_again(read, heartbeats)
            }
            (Some(UnconfirmedRead), Action::AskLeader { read }) => {
                let next = action.apply(state)?;
                Some(if state.believes_to_lead() { next.answer_at_once(read) } else { next })
            }
            (Some(RevisionPerPut), Action::Apply { member }) => state.apply(member, two_revisions),
            (Some(FirstCompareOnly), Action::Apply { member }) => state.apply(member, first_only),
            (Some(EarlyAcknowledgement), Action::Acknowledge) => {
                state.acknowledge(state.member(state.leader).persisted)
            }
            (Some(LaggingLeader), Action::ChangeLeader { member }) if member != state.leader => {
                let mut next = state.led_by(member);
                next.budgets.leader_changes = state.budgets.leader_changes.checked_sub(1)?;
                Some(next)
            }
            (Some(ProgressOfCluster), Action::NotifyProgress) => {
                let newest = state.members.iter().map(|member| member.data.revision).max();
                state.notify_progress(newest?)
            }
            (Some(NothingIsStale), Action::ReadSerializable { member }) => {
                let next = action.apply(state)?;
                (state.member(member).applied >= state.acknowledged).then_some(next)
            }
            (Some(NoReplay), Action::Apply { member }) => {
                let next = action.apply(state)?;
                let is_new = state.member(member).persisted == next.member(member).applied;
                is_new.then_some(next)
            }
            (Some(ReadForgotten), Action::LearnOfLeader) => {
                let next = action.apply(state)?;
                Some(State { reads: state.reads, ..next })
            }
            (_, action) => action.apply(state),
        }
    }
}

impl State {
    fn answer_at_once(&self, read: u8) -> State {
        let mut next = *self;
        next.queue = self.queue.map(|queued| queued.filter(|queued| queued.read != read));
        if let Read::Waiting { index, .. } = &mut next.reads[usize::from(read)] {
            *index = Some(self.member(0).applied);
        }
        next
    }
}

fn two_revisions(data: Data, entry: Entry) -> Data {
    let after = data.after(entry);
    let takes = entry == Entry::Transaction && after != data;
    let [first, second] = [data.revision + 1, data.revision + 2];
    if takes { Data { revision: second, keys: [first, second] } } else { after }
}

fn first_only(data: Data, entry: Entry) -> Data {
    let next = data.revision + 1;
    let takes = entry == Entry::Transaction && data.keys[0] == 0;
    if takes { Data { revision: next, keys: [next; KEYS] } } else { data.after(entry) }
}

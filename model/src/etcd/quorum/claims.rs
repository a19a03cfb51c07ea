//! The claims about several members. Their sentences stand in `specs/etcd.md`.

use super::{Answer, Data, Entry, KEYS, Member, QUORUM, QuorumSlice, Read, SELECTED, State};
use crate::slice::{Claim, Fact};

/// The claims of the scenario `etcd`.
pub(super) const OF_WRITES: &[&str] =
    &["ETCD-4", "ETCD-5", "ETCD-6", "ETCD-7", "ETCD-8", "ETCD-9", "ETCD-10", "ETCD-11"];
/// The claims of the scenario `read-index`.
pub(super) const OF_READS: &[&str] = &["ETCD-7", "ETCD-12", "ETCD-13"];

/// Every claim.
pub(super) fn all() -> Vec<Claim<QuorumSlice>> {
    use Fact::{Always, EachStep, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("ETCD-4", Always(revisions_agree)),
        claim("ETCD-5", EachStep(transactions_have_one_revision)),
        claim("ETCD-6", EachStep(transactions_compare_every_key)),
        claim("ETCD-7", Always(a_quorum_has_what_is_acknowledged)),
        claim("ETCD-8", Always(the_leader_has_what_is_acknowledged)),
        claim("ETCD-9", EachStep(progress_is_a_lower_bound)),
        claim("ETCD-10", Reachable(a_serializable_read_is_stale)),
        claim("ETCD-11", Eventually(every_member_catches_up)),
        claim("ETCD-12", Always(linearizable_reads_are_fresh)),
        claim("ETCD-13", Eventually(every_read_is_answered)),
    ]
}

fn revisions_agree(_: &QuorumSlice, state: &State) -> bool {
    let agree =
        |one: &Member, other: &Member| one.applied != other.applied || one.data == other.data;
    state.members.iter().all(|one| state.members.iter().all(|other| agree(one, other)))
}

fn transactions_have_one_revision(_: &QuorumSlice, before: &State, after: &State) -> bool {
    transactions(before, after).all(|(was, is)| {
        let revision = was.data.revision + 1;
        was.data == is.data || (is.data.revision == revision && is.data.keys == [revision; KEYS])
    })
}

fn transactions_compare_every_key(_: &QuorumSlice, before: &State, after: &State) -> bool {
    transactions(before, after)
        .all(|(was, is)| (was.data.keys == [0; KEYS]) == (was.data != is.data))
}

fn a_quorum_has_what_is_acknowledged(_: &QuorumSlice, state: &State) -> bool {
    let has = |member: &&Member| member.persisted >= state.acknowledged;
    state.members.iter().filter(has).count() >= QUORUM
}

fn the_leader_has_what_is_acknowledged(_: &QuorumSlice, state: &State) -> bool {
    state.member(state.leader).persisted >= state.acknowledged
}

fn progress_is_a_lower_bound(_: &QuorumSlice, before: &State, after: &State) -> bool {
    let (Some(was), Some(is)) = (before.watch, after.watch) else {
        return true;
    };
    let passed = was.revision + 1..=is.revision;
    was.key != is.key || events(before).all(|revision| !passed.contains(&revision))
}

fn a_serializable_read_is_stale(_: &QuorumSlice, state: &State) -> bool {
    state.serializable_lag.is_some_and(|lag| lag > 0)
}

fn every_member_catches_up(_: &QuorumSlice, state: &State) -> bool {
    state.members.iter().all(|member| member.applied == state.committed())
}

fn linearizable_reads_are_fresh(_: &QuorumSlice, state: &State) -> bool {
    answers(state).all(|Answer { floor, applied }| applied >= floor)
}

fn every_read_is_answered(_: &QuorumSlice, state: &State) -> bool {
    state.reads.iter().all(|read| matches!(read, Read::None | Read::Answered(_)))
}

fn answers(state: &State) -> impl Iterator<Item = Answer> {
    state.reads.into_iter().filter_map(|read| match read {
        Read::Answered(answer) => Some(answer),
        Read::None | Read::Asked(_) | Read::Waiting { .. } => None,
    })
}

/// The revisions at which the watched key is changed by the log.
fn events(state: &State) -> impl Iterator<Item = u8> {
    let data = state.log.into_iter().flatten().scan(Data::default(), |data, entry| {
        let before = std::mem::replace(data, data.after(entry));
        Some((before, *data))
    });
    let key = |data: Data| data.keys[SELECTED];
    data.filter(move |(was, is)| key(*was) != key(*is)).map(move |(_, is)| key(is))
}

/// The members that have applied a transaction in this step, before and after it.
fn transactions(before: &State, after: &State) -> impl Iterator<Item = (Member, Member)> {
    let log = before.log;
    let applies = move |(was, is): &(Member, Member)| {
        let entry = log.get(usize::from(was.applied)).copied().flatten();
        is.applied > was.applied && entry == Some(Entry::Transaction)
    };
    before.members.into_iter().zip(after.members).filter(applies)
}

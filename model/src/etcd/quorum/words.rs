//! The members and their steps in words.

use super::{Action, Entry, Member, Read, State, WATCHED};
use crate::slice::Lane;

pub(super) fn describe(before: &State, action: Action, after: &State) -> String {
    match action {
        Action::Propose { entry } => format!("a client asks the leader for {entry}"),
        Action::Persist { member } => format!(
            "member-{member} writes entry {} of the log to its disk",
            after.member(member).persisted
        ),
        Action::Acknowledge => format!("the leader acknowledges entry {}", after.acknowledged),
        Action::Apply { member } => {
            let Member { applied, data, .. } = after.member(member);
            format!("member-{member} applies entry {applied}: revision {}", data.revision)
        }
        Action::Flush { member } => {
            let (applied, data) = after.member(member).saved;
            format!("member-{member} saves revision {}, applied index {applied}", data.revision)
        }
        Action::Crash { member } => format!("member-{member} crashes and starts from its disk"),
        Action::ChangeLeader { member } => {
            format!("member-{} is paused, member-{member} is elected", before.leader)
        }
        Action::LearnOfLeader => "member-0 learns that it leads no more".to_owned(),
        Action::ReadSerializable { member } => format!(
            "member-{member} answers a serializable read from applied index {}",
            before.member(member).applied
        ),
        Action::StartRead { read } => format!("a client asks for linearizable read {read}"),
        Action::AskLeader { read } => format!("member-0 asks for the index of read {read}"),
        Action::AskAgain { read } => format!("member-0 asks again for the index of read {read}"),
        Action::AnswerHeartbeat { read, member } => {
            format!("member-{member} agrees that member-0 leads, for read {read}")
        }
        Action::ReceiveHeartbeat { read, member } => {
            format!("member-0 hears of member-{member} about read {read}: a quorum")
        }
        Action::AnswerRead { read } => {
            format!("member-0 answers read {read} from applied index {}", before.member(0).applied)
        }
        Action::DeliverEvent => {
            format!("the watch on member-{WATCHED} delivers revision {}", watched(after))
        }
        Action::NotifyProgress => format!(
            "the watch on member-{WATCHED} notifies of progress up to revision {}",
            watched(after)
        ),
    }
}

/// The revision up to which the client has watched.
fn watched(state: &State) -> u8 {
    state.watch.map_or(0, |watch| watch.revision)
}

pub(super) fn actor(action: Action) -> String {
    match action {
        Action::Propose { .. } | Action::StartRead { .. } => "client".to_owned(),
        Action::Acknowledge => "etcd".to_owned(),
        Action::LearnOfLeader
        | Action::AskLeader { .. }
        | Action::AskAgain { .. }
        | Action::ReceiveHeartbeat { .. }
        | Action::AnswerRead { .. } => "member-0".to_owned(),
        Action::Persist { member }
        | Action::Apply { member }
        | Action::Flush { member }
        | Action::Crash { member }
        | Action::ChangeLeader { member }
        | Action::ReadSerializable { member }
        | Action::AnswerHeartbeat { member, .. } => format!("member-{member}"),
        Action::DeliverEvent | Action::NotifyProgress => format!("member-{WATCHED}"),
    }
}

pub(super) fn lanes(state: &State) -> Vec<Lane> {
    let cluster = Lane {
        name: "etcd".to_owned(),
        holds: format!(
            "{} of {} entries committed, {} acknowledged",
            state.committed(),
            state.entries(),
            state.acknowledged
        ),
        behind: None,
    };
    let members = state.members.iter().enumerate().map(|(number, member)| Lane {
        name: format!("member-{number}"),
        holds: format!("{}{member}", role(state, number)),
        behind: Some(usize::from(state.committed().saturating_sub(member.applied))),
    });
    let client = Lane {
        name: "client".to_owned(),
        holds: format!(
            "watched up to revision {}; reads: {}, {}",
            watched(state),
            state.reads[0],
            state.reads[1]
        ),
        behind: None,
    };
    std::iter::once(cluster).chain(members).chain([client]).collect()
}

fn role(state: &State, number: usize) -> &'static str {
    match usize::from(state.leader) == number {
        true => "leads; ",
        false if number == 0 && state.deposed => "believes to lead; ",
        false => "",
    }
}

impl std::fmt::Display for Entry {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Entry::PutFirst => "a put of the first key",
            Entry::PutSecond => "a put of the second key",
            Entry::Transaction => "both keys, if neither exists",
        })
    }
}

impl std::fmt::Display for Member {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Member { persisted, applied, data, saved } = self;
        let [first, second] = data.keys;
        write!(
            formatter,
            "log {persisted}, applied {applied} ({} on disk), revision {}, keys at {first} and {second}",
            saved.0, data.revision
        )
    }
}

impl std::fmt::Display for Read {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Read::None => formatter.write_str("none"),
            Read::Asked(floor) => write!(formatter, "asked after entry {floor}"),
            Read::Waiting { floor, index: None, .. } => {
                write!(formatter, "asked after entry {floor}, waits for a quorum")
            }
            Read::Waiting { floor, index: Some(index), .. } => {
                write!(formatter, "asked after entry {floor}, to be read at {index}")
            }
            Read::Answered(answer) => {
                write!(formatter, "asked after entry {}, read at {}", answer.floor, answer.applied)
            }
        }
    }
}

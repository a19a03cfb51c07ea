//! The reflector, the API servers and their steps in words.

use super::{Action, Asked, Call, Change, Client, Phase, Reader, State};
use crate::slice::Lane;

pub(super) fn describe(before: &State, action: Action, after: &State) -> String {
    let of = |client| before.call(client).map_or(String::new(), |call| call.asked.to_string());
    let seen = after.reflector.resource_version.unwrap_or(0);
    match action {
        Action::Write { change } => {
            let what = match change {
                Change::Written => "writes the Pod",
                Change::Deleted => "deletes the Pod",
                Change::Other => "writes something else",
            };
            format!("a client {what} (resourceVersion {})", after.revision())
        }
        Action::Cache { server } => format!(
            "the watch cache of apiserver-{server} receives resourceVersion {}",
            after.server(server).revision
        ),
        Action::NotifyProgress { server } => format!(
            "etcd notifies apiserver-{server} of progress up to {}",
            after.server(server).revision
        ),
        Action::Crash { server } => format!("apiserver-{server} crashes and starts again"),
        Action::Compact => format!("etcd compacts up to {}", after.compacted),
        Action::StartList { server } => {
            let asked = after.call(Client::Reflector).map(|call| call.asked.to_string());
            format!("the reflector asks apiserver-{server} for {}", asked.unwrap_or_default())
        }
        Action::StartRead { server, asked } => {
            format!("a reader asks apiserver-{server} for {asked}")
        }
        Action::AskEtcd { client } => {
            format!("the API server asks etcd for its revision, {client}")
        }
        Action::Answer { client } => {
            format!("the API server lists from its watch cache {}, {client}", of(client))
        }
        Action::AnswerFromEtcd { client } => format!("the API server lists from etcd, {client}"),
        Action::Refuse { client } => {
            format!("the API server refuses {} (410 Gone, or 504 Timeout), {client}", of(client))
        }
        Action::Watch { server } => match after.reflector.phase {
            Phase::Watching(_) => format!("the reflector watches apiserver-{server} from {seen}"),
            Phase::Off | Phase::Idle | Phase::Listing(_) | Phase::Listed(_) => {
                format!("apiserver-{server} refuses a watch from {seen} (410 Gone)")
            }
        },
        Action::WatchFromAny { server } => {
            format!("the reflector watches apiserver-{server} from \"0\"")
        }
        Action::DeliverEvent => format!("the reflector receives resourceVersion {seen}"),
        Action::DeliverBookmark => format!("the reflector receives a bookmark of {seen}"),
        Action::CloseWatch { relist: true } => "the watch ends with an error".to_owned(),
        Action::CloseWatch { relist: false } => "the watch is closed".to_owned(),
    }
}

pub(super) fn actor(action: Action) -> String {
    match action {
        Action::Write { .. } => "client".to_owned(),
        Action::StartRead { .. } => "reader".to_owned(),
        Action::Compact => "etcd".to_owned(),
        Action::Cache { server } | Action::NotifyProgress { server } | Action::Crash { server } => {
            format!("apiserver-{server}")
        }
        Action::AskEtcd { .. }
        | Action::Answer { .. }
        | Action::AnswerFromEtcd { .. }
        | Action::Refuse { .. } => "kube-apiserver".to_owned(),
        Action::StartList { .. }
        | Action::Watch { .. }
        | Action::WatchFromAny { .. }
        | Action::DeliverEvent
        | Action::DeliverBookmark
        | Action::CloseWatch { .. } => "reflector".to_owned(),
    }
}

pub(super) fn lanes(state: &State) -> Vec<Lane> {
    let pod = |pod: Option<u8>| pod.map_or("no Pod".to_owned(), |pod| format!("the Pod of {pod}"));
    let etcd = Lane {
        name: "etcd".to_owned(),
        holds: format!(
            "{} at revision {}, compacted {}",
            pod(state.pod_at(state.revision())),
            state.revision(),
            state.compacted
        ),
        behind: None,
    };
    let servers = state.servers.iter().enumerate().map(|(number, server)| Lane {
        name: format!("apiserver-{number}"),
        holds: format!(
            "{} at {}, events since {}",
            pod(state.pod_at(server.revision)),
            server.revision,
            server.oldest
        ),
        behind: Some(behind(state, server.revision)),
    });
    let reflector = state.reflector;
    let holds = match reflector.resource_version {
        None => format!("nothing; {}", reflector.phase),
        Some(seen) => format!("{} at {seen}; {}", pod(reflector.pod), reflector.phase),
    };
    let clients = [
        Lane {
            name: "reflector".to_owned(),
            holds,
            behind: reflector.resource_version.map(|seen| behind(state, seen)),
        },
        Lane { name: "reader".to_owned(), holds: state.reader.to_string(), behind: None },
    ];
    std::iter::once(etcd).chain(servers).chain(clients).collect()
}

/// How many changes of the Pod there are after a revision.
fn behind(state: &State, seen: u8) -> usize {
    let next = |after: &u8| state.next_event(*after, state.revision());
    std::iter::successors(Some(seen), next).skip(1).count()
}

impl std::fmt::Display for Asked {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Asked::MostRecent => formatter.write_str("the most recent list"),
            Asked::Any => formatter.write_str("a list of any resourceVersion (\"0\")"),
            Asked::NotOlderThan(revision) => write!(formatter, "a list not older than {revision}"),
            Asked::Exact(revision) => write!(formatter, "the list of exactly {revision}"),
        }
    }
}

impl std::fmt::Display for Client {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Client::Reflector => "for the reflector",
            Client::Reader => "for the reader",
        })
    }
}

impl std::fmt::Display for Phase {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Phase::Off => formatter.write_str("does not run"),
            Phase::Idle => formatter.write_str("has to list"),
            Phase::Listing(Call { server, asked, .. }) => {
                write!(formatter, "has asked apiserver-{server} for {asked}")
            }
            Phase::Listed(_) => formatter.write_str("has to watch"),
            Phase::Watching(server) => write!(formatter, "watches apiserver-{server}"),
        }
    }
}

impl std::fmt::Display for Reader {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Reader::Idle => formatter.write_str("nothing"),
            Reader::Listing(Call { server, asked, .. }) => {
                write!(formatter, "has asked apiserver-{server} for {asked}")
            }
            Reader::Refused => formatter.write_str("was refused"),
            Reader::Answered(revision) => write!(formatter, "a list of {revision}"),
        }
    }
}

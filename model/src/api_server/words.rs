//! The API server, its clients and their steps in words.

use super::{Action, Client, Collector, HARD, Object, State, Verb};
use crate::slice::Lane;

pub(super) fn describe(before: &State, action: Action, after: &State) -> String {
    let verb = |client| before.request(client).map_or("nothing", |request| words(request.verb));
    match action {
        Action::Read { client } => format!(
            "client-{client} reads the object at resourceVersion {}",
            after.read_version(client).unwrap_or(0)
        ),
        Action::Send { client, verb } => format!("client-{client} asks to {}", words(verb)),
        Action::ReadToPatch { client } => {
            format!("the API server reads the object that client-{client} patches")
        }
        Action::ReadQuota { client } => {
            format!("admission reads the usage for client-{client} from its cache")
        }
        Action::ChargeQuota { client } if before.quota != after.quota => {
            format!("admission raises the usage for client-{client}")
        }
        Action::ChargeQuota { client } => {
            format!("the usage has changed: admission decides anew about client-{client}")
        }
        Action::CacheQuota => "the cache of admission receives the usage".to_owned(),
        Action::Handle { client } => match after.client(client).refused {
            Some(refusal) => format!(
                "the API server refuses to {} for client-{client} ({refusal:?})",
                verb(client)
            ),
            None => format!("the API server handles \"{}\" of client-{client}", verb(client)),
        },
        Action::LoseRequest { client } => {
            format!("the request of client-{client} to {} is lost", verb(client))
        }
    }
}

pub(super) fn actor(action: Action) -> String {
    match action {
        Action::Read { client } | Action::Send { client, .. } => format!("client-{client}"),
        Action::ReadToPatch { .. }
        | Action::ReadQuota { .. }
        | Action::ChargeQuota { .. }
        | Action::CacheQuota
        | Action::Handle { .. }
        | Action::LoseRequest { .. } => "kube-apiserver".to_owned(),
    }
}

pub(super) fn lanes(state: &State) -> Vec<Lane> {
    let objects: Vec<_> = state.objects.iter().flatten().map(Object::to_string).collect();
    let quota = state.quota.map_or(String::new(), |quota| {
        format!("; quota {} of {HARD} used ({} in the cache)", quota.used, quota.cached)
    });
    let holds = match objects.is_empty() {
        true => format!("no object{quota}"),
        false => objects.join("; ") + &quota,
    };
    let store = Lane { name: "kube-apiserver".to_owned(), holds, behind: None };
    let clients = state.clients.iter().enumerate().map(|(number, client)| Lane {
        name: format!("client-{number}"),
        holds: client.to_string(),
        behind: None,
    });
    std::iter::once(store).chain(clients).collect()
}

impl std::fmt::Display for Object {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Object { uid, resource_version, generation, .. } = self;
        write!(formatter, "uid {uid} at {resource_version}, generation {generation}")?;
        if self.finalizer {
            formatter.write_str(", a finalizer")?;
        }
        match self.collector {
            Collector::None => {}
            Collector::Foreground => formatter.write_str(", foregroundDeletion")?,
            Collector::Orphan => formatter.write_str(", orphan")?,
        }
        match self.deletion {
            Some(period) => write!(formatter, ", deleted with grace period {period}"),
            None => Ok(()),
        }
    }
}

impl std::fmt::Display for Client {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.read {
            Some((uid, version)) => write!(formatter, "has read uid {uid} at {version}")?,
            None => formatter.write_str("has read nothing")?,
        }
        match (self.request, self.refused) {
            (Some(request), _) => write!(formatter, "; asks to {}", words(request.verb)),
            (None, Some(refusal)) => write!(formatter, "; was refused ({refusal:?})"),
            (None, None) => Ok(()),
        }
    }
}

fn words(verb: Verb) -> &'static str {
    match verb {
        Verb::Create => "create the object",
        Verb::GenerateName => "create an object under a generated name",
        Verb::Update => "update spec at the resourceVersion it has read",
        Verb::UpdateAny => "update spec at any resourceVersion",
        Verb::UpdateNothing => "update nothing",
        Verb::UpdateStatus => "update status",
        Verb::Patch => "patch a label",
        Verb::AddFinalizer => "add a finalizer",
        Verb::RemoveFinalizers => "remove the finalizers",
        Verb::Delete => "delete the object now",
        Verb::DeleteSoon => "delete the object with a short grace period",
        Verb::DeleteLater => "delete the object with a long grace period",
        Verb::DeleteUid => "delete the uid it has read",
        Verb::DeleteResourceVersion => "delete the resourceVersion it has read",
        Verb::DeleteForeground => "delete the object in the foreground",
        Verb::DeleteOrphan => "delete the object and orphan its dependents",
        Verb::DeleteDryRun => "delete the object as a dry run",
    }
}

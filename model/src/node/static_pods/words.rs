//! A static Pod in words.

use super::{Action, Mirror, Seen, State, VERSIONS, Work};
use crate::slice::Lane;

pub(super) fn describe(action: Action, after: &State) -> String {
    match action {
        Action::ChangeManifest => {
            format!("the manifest changes to version {}", after.manifest.version)
        }
        Action::RemoveManifest => "the manifest is removed".to_owned(),
        Action::AddManifest => "the manifest is put back".to_owned(),
        Action::DeleteMirror => "a client deletes the mirror Pod".to_owned(),
        Action::ReadFile => "the kubelet reads the file".to_owned(),
        Action::SyncApiServer => "the kubelet has seen the API server's Pods".to_owned(),
        Action::Deliver => "the kubelet gets an event of the mirror Pod".to_owned(),
        Action::Start { version } => format!("the kubelet starts version {version}"),
        Action::Stop { version } => format!("version {version} has stopped"),
        Action::Finish { version } => format!("the pod worker of version {version} is done"),
        Action::CleanUp { version } => {
            format!("the kubelet finds that no source wants version {version}")
        }
        Action::CreateMirror => "the kubelet creates the mirror Pod".to_owned(),
        Action::RemoveMirror => "the kubelet removes a mirror Pod that is stale".to_owned(),
        Action::Crash => "the kubelet crashes and starts again".to_owned(),
    }
}

pub(super) fn actor(action: Action) -> &'static str {
    match action {
        Action::ChangeManifest | Action::RemoveManifest | Action::AddManifest => "administrator",
        Action::DeleteMirror => "client",
        Action::ReadFile
        | Action::SyncApiServer
        | Action::Deliver
        | Action::Start { .. }
        | Action::Stop { .. }
        | Action::Finish { .. }
        | Action::CleanUp { .. }
        | Action::CreateMirror
        | Action::RemoveMirror
        | Action::Crash => "kubelet",
    }
}

pub(super) fn lanes(state: &State) -> Vec<Lane> {
    let store = mirror_words(state.store.now().mirror);
    let running = (0..VERSIONS).filter(|version| state.running[*version]);
    let machine = running.map(|version| format!("version {version} runs"));
    let file = match state.manifest.present {
        true => format!("manifest of version {}", state.manifest.version),
        false => "no manifest".to_owned(),
    };
    let machine: Vec<_> = std::iter::once(file).chain(machine).collect();
    let kubelet =
        Lane { name: "kubelet".to_owned(), holds: kubelet(state), behind: state.store.behind(0) };
    vec![
        Lane { name: "kube-apiserver".to_owned(), holds: store, behind: None },
        kubelet,
        Lane { name: "machine".to_owned(), holds: machine.join("; "), behind: None },
    ]
}

fn mirror_words(mirror: Option<Mirror>) -> String {
    match mirror {
        None => "no mirror Pod".to_owned(),
        Some(Mirror { version, deleting: false }) => format!("mirror Pod of version {version}"),
        Some(Mirror { version, deleting: true }) => {
            format!("mirror Pod of version {version}, is being deleted")
        }
    }
}

fn kubelet(state: &State) -> String {
    let seen = match state.seen {
        Seen::Nothing => "has read no file".to_owned(),
        Seen::Missing => "wants none".to_owned(),
        Seen::Version(version) => format!("wants version {version}"),
    };
    let workers = (0..VERSIONS).filter_map(|version| match state.workers[version] {
        Work::None => None,
        Work::Waiting => Some(format!("version {version} waits")),
        Work::Syncing => Some(format!("syncs version {version}")),
        Work::Terminating => Some(format!("stops version {version}")),
    });
    std::iter::once(seen).chain(workers).collect::<Vec<_>>().join("; ")
}

//! The ConfigMaps and Secrets that volumes on a node show: each is followed for as long as one of them does.
//!
//! Source: `pkg/kubelet/util/manager/watch_based_manager.go` (v1.36).

use std::collections::{BTreeMap, BTreeSet};

use api::Key;

use crate::command::Command;
use crate::references::Kind;

/// An object that is followed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Followed {
    /// Which kind of object.
    pub kind: Kind,
    /// Its namespace and name; there may be no such object yet.
    pub key: Key,
}

/// The `resourceVersion` of an object, none of one that is not there.
pub(crate) type Version = Option<String>;

/// What is known of an object that is followed.
#[derive(Clone, Debug, Default)]
struct Entry {
    pod_uids: BTreeSet<String>,
    heard: Option<Version>,
}

/// All objects that are followed, and on behalf of which pods.
#[derive(Clone, Debug, Default)]
pub(crate) struct Following {
    objects: BTreeMap<Followed, Entry>,
    by_pod: BTreeMap<String, BTreeSet<Followed>>,
}

impl Following {
    /// A pod shows these objects now, and no others. Returns what is to be followed from now on, or no more.
    pub(crate) fn shows(&mut self, pod_uid: &str, shown: BTreeSet<Followed>) -> Vec<Command> {
        let before = self.by_pod.remove(pod_uid).unwrap_or_default();
        let mut commands = vec![];
        for object in before.difference(&shown) {
            let Some(entry) = self.objects.get_mut(object) else { continue };
            entry.pod_uids.remove(pod_uid);
            if entry.pod_uids.is_empty() {
                self.objects.remove(object);
                commands.push(Command::Forget(object.clone()));
            }
        }
        for object in shown.difference(&before) {
            let entry = self.objects.entry(object.clone()).or_default();
            if entry.pod_uids.is_empty() {
                commands.push(Command::Follow(object.clone()));
            }
            entry.pod_uids.insert(pod_uid.to_owned());
        }
        if !shown.is_empty() {
            self.by_pod.insert(pod_uid.to_owned(), shown);
        }
        commands
    }

    /// Notes the version of an object; the pods that show it.
    pub(crate) fn heard(&mut self, object: &Followed, version: Version) -> BTreeSet<String> {
        let Some(entry) = self.objects.get_mut(object) else { return BTreeSet::new() };
        entry.heard = Some(version);
        entry.pod_uids.clone()
    }

    /// The version that was heard of last, if any was.
    pub(crate) fn version(&self, object: &Followed) -> Option<&Version> {
        self.objects.get(object).and_then(|entry| entry.heard.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_followed_once_from_the_first_pod_that_shows_it_to_the_last() {
        let object = |name: &str| Followed { kind: Kind::Secret, key: Key::new("default", name) };
        let (a, b) = (object("a"), object("b"));
        let mut following = Following::default();
        let mut now = |pod: &str, objects: &[&Followed]| {
            following.shows(pod, objects.iter().copied().cloned().collect())
        };

        let found = [
            now("one", &[&a]),
            now("two", &[&a, &b]),
            now("two", &[&a, &b]),
            now("one", &[]),
            now("two", &[&b]),
        ];

        let follow = |object: &Followed| Command::Follow(object.clone());
        let expected =
            [vec![follow(&a)], vec![follow(&b)], vec![], vec![], vec![Command::Forget(a.clone())]];
        assert_eq!(found, expected);
    }
}

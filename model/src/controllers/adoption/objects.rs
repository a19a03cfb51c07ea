//! ReplicaSets, a Pod, and the references from one to the other.

use super::{POD_INFORMER, SET_INFORMER};
use crate::history;
use crate::packed;
use serde::Serialize;

/// How many names of ReplicaSets there are.
pub(super) const SETS: usize = 2;
/// How many ReplicaSets there may have been: the first name may be taken twice.
pub(super) const UIDS: usize = 3;

/// What the API server holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Objects {
    /// The ReplicaSets by name.
    pub sets: [Option<Set>; SETS],
    /// The Pod.
    pub pod: Option<Pod>,
}

/// A ReplicaSet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Set {
    /// Its name and uid, as others refer to it.
    pub uid: Reference,
    /// Whether it has a deletionTimestamp, and its Pods are to become orphans first.
    pub orphans: bool,
}

/// What an ownerReference names: a ReplicaSet's name and uid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reference {
    /// The first ReplicaSet.
    First,
    /// The one that was created under the name of the first.
    FirstAgain,
    /// The second ReplicaSet.
    Second,
}

/// A Pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pod {
    /// Its uid, by the order of creation.
    pub uid: u8,
    /// Its labels.
    pub label: Label,
    /// The ownerReferences with `controller: true`, by what they name.
    pub controllers: [bool; UIDS],
}

/// The labels of a Pod, by whom they match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Label {
    /// The selectors of both ReplicaSets.
    Both,
    /// The selector of the second.
    Second,
    /// No selector.
    Neither,
}

/// A change, with the object after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A ReplicaSet by its name.
    Set(u8, Option<Set>),
    /// The Pod.
    Pod(Option<Pod>),
}

impl Reference {
    /// All of them.
    pub(super) const ALL: [Self; UIDS] =
        [Reference::First, Reference::FirstAgain, Reference::Second];

    /// The place of the ReplicaSet's name.
    pub fn name(self) -> usize {
        usize::from(self == Reference::Second)
    }
}

impl Set {
    /// A ReplicaSet that was just created.
    pub(super) fn new(uid: Reference) -> Self {
        Set { uid, orphans: false }
    }
}

impl Label {
    /// Whether the selector of the ReplicaSet of this name matches.
    pub fn matches(self, set: usize) -> bool {
        self == Label::Both || self == Label::Second && set == 1
    }
}

impl Pod {
    /// What its ownerReference names, if it has a controller.
    pub fn controller(&self) -> Option<Reference> {
        Reference::ALL.into_iter().find(|owner| self.controllers[*owner as usize])
    }
}

impl Objects {
    /// Two ReplicaSets, and no Pod.
    pub(super) const START: Self = Objects {
        sets: [
            Some(Set { uid: Reference::First, orphans: false }),
            Some(Set { uid: Reference::Second, orphans: false }),
        ],
        pod: None,
    };

    /// The ReplicaSet with exactly this name and uid.
    pub(super) fn set(&self, uid: Reference) -> Option<Set> {
        self.sets[uid.name()].filter(|set| set.uid == uid)
    }
}

impl history::Objects for Objects {
    type Event = Event;

    fn apply(&mut self, event: &Event) {
        match *event {
            Event::Set(name, set) => self.sets[usize::from(name)] = set,
            Event::Pod(pod) => self.pod = pod,
        }
    }

    fn selects(watcher: usize, event: &Event) -> bool {
        watcher
            == match event {
                Event::Set(..) => SET_INFORMER,
                Event::Pod(_) => POD_INFORMER,
            }
    }
}

packed!(struct Objects { sets, pod });
packed!(struct Set { uid, orphans });
packed!(
    enum Reference {
        First,
        FirstAgain,
        Second,
    }
);
packed!(struct Pod { uid, label, controllers });
packed!(
    enum Label {
        Both,
        Second,
        Neither,
    }
);
packed!(
    enum Event {
        Set(name, set),
        Pod(pod),
    }
);

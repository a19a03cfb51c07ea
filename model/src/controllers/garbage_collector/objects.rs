//! An owner and its dependents, as the API server stores them.

use super::DEPENDENTS;
use crate::history;
use crate::packed;
use serde::Serialize;

/// What the API server holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Objects {
    /// The owner, unless it is gone.
    pub owner: Option<Owner>,
    /// The dependents.
    pub dependents: [Option<Dependent>; DEPENDENTS],
}

/// An owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Owner {
    /// Whether it is another one of the same name: no dependent means its uid.
    pub recreated: bool,
    /// How it is being deleted: `foregroundDeletion` or `orphan` is among its finalizers.
    pub deleting: Option<Policy>,
}

/// `propagationPolicy` of a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// The owner goes at once, its dependents after it.
    Background,
    /// Its dependents go first.
    Foreground,
    /// Its dependents stay.
    Orphan,
}

/// A dependent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Dependent {
    /// `metadata.ownerReferences`; nothing once it is an orphan.
    pub owner: Option<Reference>,
}

/// A reference to the first owner's uid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reference {
    /// By its kind and in its namespace.
    Right,
    /// By another kind or in another namespace, where nobody has this uid.
    Wrong,
}

/// A change, with the object after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Of the owner.
    Owner(Option<Owner>),
    /// Of the dependent of this number.
    Dependent(u8, Option<Dependent>),
}

impl Reference {
    /// Its place in a list by coordinates.
    pub fn place(self) -> usize {
        usize::from(self == Reference::Wrong)
    }
}

impl Objects {
    /// A live lookup: the owner that a reference means, coordinates and uid.
    pub fn owner_at(&self, reference: Reference) -> Option<Owner> {
        self.named(reference).filter(|owner| !owner.recreated)
    }

    /// Whatever has the name that a reference gives, at its coordinates.
    pub fn named(&self, reference: Reference) -> Option<Owner> {
        self.owner.filter(|_| reference == Reference::Right)
    }

    /// The reference of a dependent, if it exists and has one.
    pub fn reference(&self, dependent: usize) -> Option<Reference> {
        self.dependents[dependent]?.owner
    }
}

impl history::Objects for Objects {
    type Event = Event;

    fn apply(&mut self, event: &Event) {
        match *event {
            Event::Owner(owner) => self.owner = owner,
            Event::Dependent(number, dependent) => {
                self.dependents[usize::from(number)] = dependent;
            }
        }
    }

    fn selects(watcher: usize, event: &Event) -> bool {
        matches!(event, Event::Owner(_)) == (watcher == super::OWNER_INFORMER)
    }
}

packed!(struct Objects { owner, dependents });
packed!(struct Owner { recreated, deleting });
packed!(
    enum Policy {
        Background,
        Foreground,
        Orphan,
    }
);
packed!(struct Dependent { owner });
packed!(
    enum Reference {
        Right,
        Wrong,
    }
);
packed!(
    enum Event {
        Owner(owner),
        Dependent(number, dependent),
    }
);

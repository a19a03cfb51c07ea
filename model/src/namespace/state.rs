//! The namespace, its content, and who knows what of it.

use super::{CLIENTS, RESOURCES, SERVERS};
use crate::packed;

/// A state of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The namespace.
    pub phase: Phase,
    /// Whether each API server's cache has the namespace as terminating.
    pub caches: [bool; SERVERS],
    /// The ConfigMap and the Pod.
    pub content: [Content; RESOURCES],
    /// The clients' requests.
    pub requests: [Option<Request>; CLIENTS],
    /// The namespace controller.
    pub controller: Controller,
    /// What may still happen.
    pub budgets: Budgets,
}

/// `status.phase` of the namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Active.
    Active,
    /// Terminating: `deletionTimestamp` is set, and the finalizer `kubernetes` is there.
    Terminating,
    /// The finalizer was removed, and with it the namespace.
    Gone,
}

/// An object in the namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Content {
    /// It does not exist.
    Absent,
    /// It exists.
    Present,
    /// It is being deleted gracefully.
    Deleting,
}

/// A request to create an object, or to apply one, which creates it if it does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    /// The API server.
    pub server: u8,
    /// The resource.
    pub resource: u8,
    /// What admission has let pass, if it has.
    pub admitted: Option<Operation>,
    /// Whether the namespace was terminating then.
    pub late: bool,
}

/// The operation that admission sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// The object does not exist.
    Create,
    /// The object exists.
    Update,
}

/// The namespace controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Controller {
    /// Whether its cache has the namespace as terminating.
    pub sees: bool,
    /// How far it is with each resource, once it has begun.
    pub progress: Option<[Progress; RESOURCES]>,
}

/// How far the namespace controller is with a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Progress {
    /// It has to list it.
    ToList,
    /// It has listed something, to be deleted.
    ToDelete,
    /// It has listed nothing.
    Empty,
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// Each client asks.
    pub requests: [u8; CLIENTS],
    /// The namespace controller crashes and starts again.
    pub crashes: u8,
    /// A request of the namespace controller is lost.
    pub lost_requests: u8,
    /// The API of a resource cannot be discovered.
    pub discovery_failures: u8,
}

packed!(struct State { phase, caches, content, requests, controller, budgets });
packed!(
    enum Phase {
        Active,
        Terminating,
        Gone,
    }
);
packed!(
    enum Content {
        Absent,
        Present,
        Deleting,
    }
);
packed!(struct Request { server, resource, admitted, late });
packed!(
    enum Operation {
        Create,
        Update,
    }
);
packed!(struct Controller { sees, progress });
packed!(
    enum Progress {
        ToList,
        ToDelete,
        Empty,
    }
);
packed!(struct Budgets { requests, crashes, lost_requests, discovery_failures });

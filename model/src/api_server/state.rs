//! The objects, the clients and their requests.

use super::{CLIENTS, NAMES};
use crate::packed;
use serde::Serialize;

/// A state of the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// etcd's revision.
    pub revision: u8,
    /// The objects, by name.
    pub objects: [Option<Object>; NAMES],
    /// The clients.
    pub clients: [Client; CLIENTS],
    /// The ResourceQuota, in the scenario that has one.
    pub quota: Option<Quota>,
    /// What may still happen.
    pub budgets: Budgets,
}

/// An object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Object {
    /// `metadata.uid`: the revision at which it was created.
    pub uid: u8,
    /// `metadata.resourceVersion`.
    pub resource_version: u8,
    /// `metadata.generation`.
    pub generation: u8,
    /// One of two values of spec.
    pub spec: bool,
    /// One of two values of status.
    pub status: bool,
    /// Whether it has a label.
    pub label: bool,
    /// Whether it has a finalizer of some controller.
    pub finalizer: bool,
    /// The finalizer of the garbage collector, if it has one.
    pub collector: Collector,
    /// `metadata.deletionGracePeriodSeconds`, in some unit, if `metadata.deletionTimestamp` is set.
    pub deletion: Option<u8>,
}

/// A finalizer of the garbage collector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Collector {
    /// None.
    None,
    /// `foregroundDeletion`.
    Foreground,
    /// `orphan`.
    Orphan,
}

/// A client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Client {
    /// The uid and the resourceVersion that it has read.
    pub read: Option<(u8, u8)>,
    /// Its request, which nobody has handled.
    pub request: Option<Request>,
    /// How its last request was refused.
    pub refused: Option<Refusal>,
}

/// A request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    /// What it asks for.
    pub verb: Verb,
    /// The object that the API server has read to patch it.
    pub base: Option<Object>,
    /// Whether the ResourceQuota has been charged.
    pub charged: bool,
    /// The usage that admission has read and is about to raise.
    pub usage: Option<u8>,
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// Create the object of the first name.
    Create,
    /// Create an object under a name that the API server makes up (`generateName`).
    GenerateName,
    /// Update spec, with the resourceVersion that was read.
    Update,
    /// Update spec without a resourceVersion.
    UpdateAny,
    /// Update with what is there.
    UpdateNothing,
    /// Update the status subresource, with another spec in the body.
    UpdateStatus,
    /// Patch the label.
    Patch,
    /// Add the finalizer.
    AddFinalizer,
    /// Remove the finalizer, and that of the garbage collector.
    RemoveFinalizers,
    /// Delete now.
    Delete,
    /// Delete with a short grace period.
    DeleteSoon,
    /// Delete with a long grace period.
    DeleteLater,
    /// Delete the uid that was read.
    DeleteUid,
    /// Delete the resourceVersion that was read.
    DeleteResourceVersion,
    /// Delete with `propagationPolicy=Foreground`.
    DeleteForeground,
    /// Delete with `propagationPolicy=Orphan`.
    DeleteOrphan,
    /// Delete with `dryRun=All`.
    DeleteDryRun,
}

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The name is taken.
    AlreadyExists,
    /// There is no such object.
    NotFound,
    /// The object has changed, or is another one.
    Conflict,
    /// A finalizer is added to what is being deleted.
    Invalid,
    /// The ResourceQuota would be exceeded.
    Forbidden,
}

/// A ResourceQuota for the number of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quota {
    /// `status.used`.
    pub used: u8,
    /// The same in the cache of admission.
    pub cached: u8,
    /// How many objects were created in truth.
    pub created: u8,
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// Each client asks.
    pub requests: [u8; CLIENTS],
    /// A request is lost on its way.
    pub lost_requests: u8,
}

packed!(struct State { revision, objects, clients, quota, budgets });
packed!(struct Object {
    uid, resource_version, generation, spec, status, label, finalizer, collector, deletion
});
packed!(
    enum Collector {
        None,
        Foreground,
        Orphan,
    }
);
packed!(struct Client { read, request, refused });
packed!(struct Request { verb, base, charged, usage });
packed!(
    enum Verb {
        Create,
        GenerateName,
        Update,
        UpdateAny,
        UpdateNothing,
        UpdateStatus,
        Patch,
        AddFinalizer,
        RemoveFinalizers,
        Delete,
        DeleteSoon,
        DeleteLater,
        DeleteUid,
        DeleteResourceVersion,
        DeleteForeground,
        DeleteOrphan,
        DeleteDryRun,
    }
);
packed!(
    enum Refusal {
        AlreadyExists,
        NotFound,
        Conflict,
        Invalid,
        Forbidden,
    }
);
packed!(struct Quota { used, cached, created });
packed!(struct Budgets { requests, lost_requests });

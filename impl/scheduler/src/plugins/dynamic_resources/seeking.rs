//! The pieces of an allocation: what is asked for, what there is, and what is taken so far.

use k8s_openapi::api::resource::v1::{Device, DeviceClass, ResourceClaim, ResourceSlice};

use super::allocated::Allocated;
use super::capacity::Amounts;
use super::constraint::Constraint;
use super::request::Wish;
use super::selectors::Selectors;
use crate::devices::Devices;
use crate::node_info::NodeInfo;

/// How many devices a claim can have.
pub(super) const RESULTS_MAX: usize = 32;

/// What an allocation goes by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inputs<'a> {
    pub(super) node: &'a NodeInfo,
    pub(super) devices: &'a Devices,
    /// Those that have no devices yet.
    pub(super) claims: &'a [&'a ResourceClaim],
    pub(super) allocated: &'a Allocated,
    pub(super) selectors: &'a Selectors,
    /// After how many looks at a device the search ends, if it does.
    pub(super) looks_max: Option<usize>,
}

/// Why an allocation fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// On this node it is not possible, for this reason.
    OnNode(String),
    /// Something is wrong with a claim, wherever the pod runs.
    Error(String),
}

/// A device that a node reaches.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate<'a> {
    /// The place of its pool.
    pub(super) pool: usize,
    pub(super) slice: &'a ResourceSlice,
    pub(super) device: &'a Device,
    /// A claim has it for itself.
    pub(super) is_dedicated: bool,
    /// What claims take that share it.
    pub(super) shares: Option<&'a Amounts>,
}

impl Candidate<'_> {
    /// Whether several claims can have it.
    pub(super) fn is_shared(&self) -> bool {
        self.device.allow_multiple_allocations == Some(true)
    }
}

/// A wish, and what it comes to on the node.
#[derive(Clone, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) wish: Wish<'a>,
    pub(super) class: &'a DeviceClass,
    /// How many devices it takes.
    pub(super) count: usize,
    /// The devices, where it wants all.
    pub(super) all: Option<Vec<usize>>,
}

/// A device that is taken for a claim.
#[derive(Clone, Debug)]
pub(super) struct Picked {
    /// The request, and which of its wishes.
    pub(super) wish: (usize, usize),
    pub(super) candidate: usize,
    /// What is taken of a device that others may have, too.
    pub(super) consumed: Option<Amounts>,
    pub(super) took_counters: bool,
}

/// A claim, and what is taken for it so far.
#[derive(Clone, Debug)]
pub(super) struct Seeking<'a> {
    pub(super) claim: &'a ResourceClaim,
    /// By requests, what each can be met by.
    pub(super) requests: Vec<Vec<Wanted<'a>>>,
    pub(super) constraints: Vec<Constraint<'a>>,
    pub(super) picked: Vec<Picked>,
}

/// A wish: the places of the claim, of the request, and its own there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct At {
    pub(super) claim: usize,
    pub(super) request: usize,
    pub(super) wish: usize,
}

/// Whether a device was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Yes,
    /// Its counters or its taints are against it.
    No,
    /// A constraint is against it.
    Unlike,
}

//! How often each thing that nobody is obliged to do may still happen: what clients ask for, and
//! what fails.

use super::state::State;
use crate::packed;
use serde::Serialize;

/// Something that happens a limited number of times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Budget {
    /// A client creates a Pod.
    CreatePod,
    /// A client deletes a Pod.
    DeletePod,
    /// A client deletes a Pod by force.
    ForceDelete,
    /// A client creates a ReplicaSet.
    CreateReplicaSet,
    /// A client changes `spec.replicas`, or deletes a ReplicaSet.
    Scale,
    /// A container exits by itself.
    ContainerExit,
    /// kube-scheduler crashes.
    SchedulerCrash,
    /// The ReplicaSet controller crashes.
    ReplicaSetControllerCrash,
    /// The node lifecycle controller crashes.
    NodeLifecycleCrash,
    /// A kubelet crashes; its containers run on.
    KubeletCrash,
    /// An API server crashes.
    ApiServerCrash,
    /// A machine loses power, and its containers with it.
    NodeDeath,
    /// A dead machine boots again.
    NodeBoot,
    /// The Node object of a dead machine is deleted.
    NodeDeletion,
    /// A request is lost, or its answer.
    LostRequest,
    /// A LIST is answered by an API server that lags behind.
    StaleList,
    /// A Lease is renewed too late though its kubelet runs.
    LateRenewal,
}

impl Budget {
    /// How many budgets there are.
    pub const COUNT: usize = 17;
}

/// What is left of each budget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Budgets([u8; Budget::COUNT]);

impl Budgets {
    /// Nothing may happen.
    pub const NONE: Self = Budgets([0; Budget::COUNT]);

    /// These budgets, with this one set.
    #[must_use]
    pub fn with(mut self, budget: Budget, times: u8) -> Self {
        self.0[budget as usize] = times;
        self
    }

    /// How often it may still happen.
    pub fn left(&self, budget: Budget) -> u8 {
        self.0[budget as usize]
    }
}

impl<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>
    State<PODS, NODES, SETS, LOG>
{
    /// The same state with one less of this budget.
    pub fn spend(&self, budget: Budget) -> Option<Self> {
        let left = self.budgets.left(budget).checked_sub(1)?;
        Some(State { budgets: self.budgets.with(budget, left), ..*self })
    }
}

packed!(struct Budgets(left));

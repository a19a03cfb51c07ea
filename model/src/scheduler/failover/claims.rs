//! The claims about two schedulers. Their sentences stand in `specs/scheduler.md`.

use super::{FailoverSlice, NODES, Phase, State};
use crate::slice::{Claim, Fact};

/// Every claim of the scenario.
pub(super) fn all() -> Vec<Claim<FailoverSlice>> {
    use Fact::{Always, EachStep, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("SCHEDULER-24", Always(only_the_leader_schedules)),
        claim("SCHEDULER-25", EachStep(a_pod_binds_once)),
        claim("SCHEDULER-26", Always(one_leader_overbooks_nothing)),
        claim("SCHEDULER-27", Always(kubelets_run_what_fits)),
        claim("SCHEDULER-28", Reachable(a_node_is_overbooked)),
        claim("SCHEDULER-29", Reachable(a_pod_is_rejected)),
        claim("SCHEDULER-30", Eventually(every_pod_is_bound)),
        claim("SCHEDULER-31", Eventually(somebody_leads)),
    ]
}

fn only_the_leader_schedules(_: &FailoverSlice, state: &State) -> bool {
    let leaders = state.schedulers.iter().filter(|scheduler| scheduler.leads).count();
    let idle = |scheduler: &super::Scheduler| scheduler.assumed.iter().all(Option::is_none);
    leaders <= 1 && state.schedulers.iter().all(|scheduler| scheduler.leads || idle(scheduler))
}

fn a_pod_binds_once(_: &FailoverSlice, before: &State, after: &State) -> bool {
    let (was, is) = (before.store.now().pods, after.store.now().pods);
    was.iter().zip(is).all(|(was, is)| was.node.is_none() || was.node == is.node)
}

fn one_leader_overbooks_nothing(slice: &FailoverSlice, state: &State) -> bool {
    state.budgets != slice.budgets || !a_node_is_overbooked(slice, state)
}

fn kubelets_run_what_fits(_: &FailoverSlice, state: &State) -> bool {
    let objects = state.store.now();
    (0..NODES as u8).all(|node| objects.running_on(node) <= 1)
}

fn a_node_is_overbooked(_: &FailoverSlice, state: &State) -> bool {
    let objects = state.store.now();
    (0..NODES as u8).any(|node| objects.bound_to(node) > 1)
}

fn a_pod_is_rejected(_: &FailoverSlice, state: &State) -> bool {
    state.store.now().pods.iter().any(|pod| pod.phase == Phase::Failed)
}

fn every_pod_is_bound(_: &FailoverSlice, state: &State) -> bool {
    let pods = state.store.now().pods;
    pods.iter().all(|pod| pod.phase == Phase::Absent || pod.node.is_some())
}

fn somebody_leads(_: &FailoverSlice, state: &State) -> bool {
    state.schedulers.iter().any(|scheduler| scheduler.leads)
}

//! The claims about a cluster. Their sentences stand in `specs/`, by the same numbers.

use super::budgets::Budget;
use super::ids::{NodeId, PodId, SetId, Uid};
use super::kubelet::Container;
use super::measures::{
    changed_pods, doomed_pods, failures, handled, is_written, overbooked, replicas_read,
    sees_it_unreachable, spent, unsent_creations,
};
use super::objects::{Phase, Pod};
use super::scenario::Cluster;
use super::state::State;
use crate::slice::{Claim, Fact};

/// Every claim about a cluster.
pub fn all<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>()
-> Vec<Claim<Cluster<PODS, NODES, SETS, LOG>>> {
    use Fact::{Always, EachStep, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("POD-1", EachStep(pod_binds_once)),
        claim("POD-2", EachStep(bound_node_existed)),
        claim("POD-3", EachStep(final_phase_stays)),
        claim("POD-4", Always(one_runner_per_pod_name)),
        claim("POD-5", Reachable(a_pod_runs)),
        claim("POD-6", Eventually(every_pod_that_fits_runs)),
        claim("SCHEDULER-1", Always(no_node_is_overbooked_unless_something_failed)),
        claim("SCHEDULER-2", EachStep(binding_is_for_the_pod_it_names)),
        claim("SCHEDULER-3", Eventually(every_pod_that_fits_is_bound)),
        claim("SCHEDULER-4", Reachable(a_crash_overbooks_a_node)),
        claim("KUBELET-1", Always(no_node_runs_more_than_it_allows)),
        claim("KUBELET-2", EachStep(only_a_full_node_rejects)),
        claim("KUBELET-3", Reachable(a_kubelet_rejects_a_pod)),
        claim("NODE-1", EachStep(evicted_only_from_an_unreachable_node)),
        claim("NODE-2", EachStep(outdated_update_is_refused)),
        claim("NODE-3", Reachable(a_pod_moves_from_a_dead_node)),
        claim("REPLICASET-1", EachStep(asks_for_no_more_than_is_missing)),
        claim("REPLICASET-2", EachStep(deletes_no_more_than_is_too_many)),
        claim("REPLICASET-3", Eventually(every_replica_set_has_its_replicas)),
        claim("REPLICASET-4", Reachable(all_replicas_exist)),
        claim("REPLICASET-5", Eventually(every_replica_runs)),
    ]
}

type Of<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize> =
    Cluster<PODS, NODES, SETS, LOG>;
type In<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize> =
    State<PODS, NODES, SETS, LOG>;

/// Declares claims about single states.
macro_rules! states {
    ($($(#[$doc:meta])* fn $name:ident($cluster:ident, $state:ident) $body:block)*) => {
        $($(#[$doc])*
        fn $name<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>(
            $cluster: &Of<PODS, NODES, SETS, LOG>,
            $state: &In<PODS, NODES, SETS, LOG>,
        ) -> bool $body)*
    };
}

/// Declares claims about single steps.
macro_rules! steps {
    ($($(#[$doc:meta])* fn $name:ident($cluster:ident, $before:ident, $after:ident) $body:block)*) => {
        $($(#[$doc])*
        fn $name<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>(
            $cluster: &Of<PODS, NODES, SETS, LOG>,
            $before: &In<PODS, NODES, SETS, LOG>,
            $after: &In<PODS, NODES, SETS, LOG>,
        ) -> bool $body)*
    };
}

steps! {
    fn pod_binds_once(_cluster, before, after) {
        changed_pods(before, after).all(|(was, is)| was.node.is_none() || was.node == is.node)
    }

    fn bound_node_existed(_cluster, before, after) {
        changed_pods(before, after)
            .filter_map(|(was, is)| is.node.filter(|_| was.node.is_none()))
            .all(|node| before.store.node_uids[node.index()] != Uid::NONE)
    }

    fn final_phase_stays(_cluster, before, after) {
        changed_pods(before, after).all(|(was, is)| !was.terminated() || was.phase == is.phase)
    }

    fn binding_is_for_the_pod_it_names(_cluster, before, after) {
        !is_written(before, after) || PodId::all(PODS).all(|pod| {
            handled(before, after, pod).is_none_or(|binding| {
                match (before.pod(pod), after.pod(pod)) {
                    (Some(was), Some(is)) => was == is || was.uid == binding.uid,
                    _ => true,
                }
            })
        })
    }

    fn only_a_full_node_rejects(_cluster, before, after) {
        NodeId::all(NODES).all(|node| {
            let (was, is) = (before.kubelets[node.index()], after.kubelets[node.index()]);
            let rejects = was.containers.iter().zip(is.containers).any(|(was, is)| {
                *was != is && matches!(is, Container::Rejected(_))
            });
            !rejects || was.running() >= usize::from(was.allocatable_pods)
        })
    }

    fn evicted_only_from_an_unreachable_node(_cluster, before, after) {
        PodId::all(PODS).all(|pod| {
            let (was, is) = (before.node_lifecycle.evictions, after.node_lifecycle.evictions);
            was[pod.index()] || !is[pod.index()] || sees_it_unreachable(before, pod)
        })
    }

    fn outdated_update_is_refused(_cluster, before, after) {
        NodeId::all(NODES).all(|node| {
            let update = before.node_lifecycle.updates[node.index()];
            let handled = after.node_lifecycle.updates[node.index()].is_none();
            let outdated = update.is_some_and(|update| handled && update.outdated);
            !outdated || before.node(node) == after.node(node)
        })
    }

    fn asks_for_no_more_than_is_missing(cluster, before, after) {
        SetId::all(SETS).all(|set| {
            let unsent = unsent_creations(after, set);
            let exist = after.objects().active_pods_of(set).count();
            unsent <= unsent_creations(before, set)
                || exist + unsent <= replicas_read(before, set) + failures(cluster, after)
        })
    }

    fn deletes_no_more_than_is_too_many(cluster, before, after) {
        SetId::all(SETS).all(|set| {
            let doomed = doomed_pods(after, set);
            let exist = after.objects().active_pods_of(set).count();
            doomed <= doomed_pods(before, set)
                || exist + failures(cluster, after) >= replicas_read(before, set) + doomed
        })
    }
}

states! {
    fn one_runner_per_pod_name(_cluster, state) {
        PodId::all(PODS).all(|pod| state.runners_of(pod) <= 1)
    }

    fn no_node_runs_more_than_it_allows(_cluster, state) {
        state.kubelets.iter().all(|kubelet| {
            kubelet.running() <= usize::from(kubelet.allocatable_pods)
        })
    }

    fn no_node_is_overbooked_unless_something_failed(cluster, state) {
        failures(cluster, state) > 0 || !overbooked(state)
    }

    fn a_pod_runs(_cluster, state) {
        state.objects().pods.iter().flatten().any(|pod| pod.phase == Phase::Running)
    }

    fn a_crash_overbooks_a_node(cluster, state) {
        spent(cluster, state, Budget::LostRequest) == 0 && overbooked(state)
    }

    fn a_kubelet_rejects_a_pod(_cluster, state) {
        state.objects().pods.iter().flatten().any(|pod| pod.phase == Phase::Failed)
    }

    fn a_pod_moves_from_a_dead_node(cluster, state) {
        let objects = state.objects();
        let left_behind = |pod: &Pod| {
            let node = pod.node.and_then(|node| objects.node(node));
            pod.deleting && node.is_some_and(|node| node.unreachable)
        };
        a_pod_runs(cluster, state) && objects.pods.iter().flatten().any(left_behind)
    }

    fn all_replicas_exist(cluster, state) {
        let objects = state.objects();
        SetId::all(SETS).any(|set| {
            objects.replica_set(set).is_some_and(|object| object.replicas == cluster.replicas_max)
                && objects.active_pods_of(set).count() == usize::from(cluster.replicas_max)
        })
    }

    fn every_pod_that_fits_is_bound(_cluster, state) {
        let objects = state.objects();
        let room = |node| objects.node(node).is_some_and(|object| {
            object.ready && objects.pods_on(node) < usize::from(object.allocatable_pods)
        });
        let waits = objects.pods.iter().flatten().any(|pod| pod.node.is_none());
        !waits || !NodeId::all(NODES).any(room)
    }

    fn every_pod_that_fits_runs(cluster, state) {
        let objects = state.objects();
        let starts = |pod: &Pod| pod.node.is_some() && pod.active() && pod.phase == Phase::Pending;
        every_pod_that_fits_is_bound(cluster, state) && !objects.pods.iter().flatten().any(starts)
    }

    fn every_replica_set_has_its_replicas(_cluster, state) {
        let objects = state.objects();
        SetId::all(SETS).all(|set| objects.replica_set(set).is_none_or(|object| {
            objects.active_pods_of(set).count() == usize::from(object.replicas)
        }))
    }

    fn every_replica_runs(_cluster, state) {
        let objects = state.objects();
        let room: usize = state.kubelets.iter().filter(|kubelet| kubelet.is_running())
            .map(|kubelet| usize::from(kubelet.allocatable_pods))
            .sum();
        let runs = |pod: &(PodId, Pod)| {
            pod.1.phase == Phase::Running && state.runners_of(pod.0) == 1
        };
        SetId::all(SETS).all(|set| objects.replica_set(set).is_none_or(|object| {
            let running = objects.active_pods_of(set).filter(runs).count();
            running >= usize::from(object.replicas).min(room)
        }))
    }
}

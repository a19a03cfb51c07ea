//! State spaces that are small enough to be counted by hand.

use model::checker::graph::Graph;
use model::checker::limits::Limits;
use model::checker::progress::Progress;
use model::cluster::scenario::{Machines, budgets};
use model::cluster::{Action, Budget, Cluster, Components, NodeId, PodId, State, Uid};
use model::slice::{Checked, Slice};
use model::watch::WatchSlice;
use model::watch::state::Budgets;

/// One writer that writes once, nothing fails. Before the write the writer is idle or holds what it
/// read, of the Pod or of the Node: 3 states. The write is of one key or the other; from there, for
/// each key: not yet durable, 1; durable, the writer waiting, idle, or holding the Pod or the Node
/// as 4, each with the informer behind or not (an event or a bookmark brings it there): 8. In all
/// 3 + 2 · (1 + 8) = 21.
#[test]
fn one_write_has_twenty_one_states() {
    let budgets = Budgets { crashes: 0, compactions: 0, closed_watches: 0, revisions_max: 1 };
    let slice = WatchSlice { writers: 1, budgets, mutation: None };

    assert_eq!(states(slice), 21);
}

/// One Pod, one Node, nothing fails. The Pod is: not created; created; seen; assumed; bound. Then
/// the answer and the event come in either order, which leaves two states between and one at the
/// end: 5 + 2 + 1.
#[test]
fn one_binding_has_eight_states() {
    let components = Components { scheduler: true, ..Components::default() };
    let machines = Machines { count: 1, unregistered: 0, allocatable_pods: 1 };

    let slice = Cluster::<1, 1, 0, 8> {
        components,
        initial: Cluster::start(components, machines, budgets(&[(Budget::CreatePod, 1)])),
        pods: 1,
        nodes: 1,
        replicas_max: 0,
        up_to_date: &[],
        at_own_pace: false,
        claims: &["POD-1"],
        mutation: None,
    };

    assert_eq!(states(slice), 8);
}

#[test]
fn the_same_steps_run_in_a_large_cluster() {
    let components = Components { scheduler: true, kubelets: true, ..Components::default() };
    let machines = Machines { count: 16, unregistered: 0, allocatable_pods: 110 };
    let start: State<128, 16, 8, 256> =
        Cluster::start(components, machines, budgets(&[(Budget::CreatePod, 128)]));

    let end = PodId::all(128).fold(start, |state, pod| {
        let created = Action::CreatePod { pod, node: None }.apply(&state).unwrap();
        created.create_binding(pod, Uid(1), NodeId::new(pod.index() % 16)).unwrap()
    });

    assert!(NodeId::all(16).all(|node| end.objects().pods_on(node) == 8));
}

fn states<S: Slice>(slice: S) -> usize {
    let limits = Limits { states_max: Some(1_000), ..Limits::NONE };
    Graph::explore(Checked::new(slice), false, &limits, &mut Progress::silent()).len()
}

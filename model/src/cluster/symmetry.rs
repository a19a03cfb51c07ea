//! Symmetry: Pods, and Nodes, that differ only in their names may exchange them.
//!
//! Nothing about one Pod says anything about another. So a state is known by what is known about each
//! Node, about each Pod, and about each Pod and Node together. The state that stands for the others
//! has its Nodes in the order of a hash of the first and third, and its Pods in the order of a hash
//! of the second and third; Nodes whose hashes are equal are tried in every order. Two hashes that
//! are equal by chance cost a state more, and hide none.
//!
//! `specs/reductions.md` says why verdicts are those of all states.

use super::ids::{NodeId, PodId};
use super::objects::{Event, Object, Pod};
use super::scheduler::{Attempt, Binding};
use super::state::State;
use crate::pack::{Bits, Packed, Packer, fold};

/// New names: what was called `ID(i)` is called `names[i]`.
type Names<Id, const COUNT: usize> = [Id; COUNT];

impl<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>
    State<PODS, NODES, SETS, LOG>
{
    /// The state that stands for all that differ from this one in the names of the first so many
    /// Pods and Nodes.
    pub fn canonical(&self, pods: usize, nodes: usize) -> Self {
        let known = self.known(nodes);
        let named = known.namings(nodes).into_iter().map(|names| known.in_order(&names, pods));
        let least = named.min_by_key(|(hash, _, _)| *hash);
        least.map_or(*self, |(_, nodes, pods)| self.with_nodes_named(&nodes).with_pods_named(&pods))
    }

    /// This state, and all others that differ from it in the names of the first so many Pods and
    /// Nodes.
    pub fn alike(&self, pods: usize, nodes: usize) -> Vec<Self> {
        let namings = permutations(pods);
        let named = permutations(nodes).into_iter().map(|order| {
            let names = std::array::from_fn(|index| {
                NodeId::new(order.get(index).copied().unwrap_or(index))
            });
            self.with_nodes_named(&names)
        });
        let all = named.flat_map(|state| {
            namings.iter().map(move |order| {
                state.with_pods_named(&std::array::from_fn(|index| {
                    PodId::new(order.get(index).copied().unwrap_or(index))
                }))
            })
        });
        all.collect()
    }

    /// Hashes of what is known, with no name in them.
    fn known(&self, nodes: usize) -> Known<PODS, NODES> {
        let mut known = Known { pods: [0; PODS], nodes: [0; NODES], together: [[0; NODES]; PODS] };
        let mut bits = Bits::default();
        for pod in PodId::all(PODS) {
            let about = bits.write(|packer| self.about_pod(pod, packer));
            known.pods[pod.index()] = about.fingerprint();
        }
        for node in NodeId::all(nodes) {
            let mut about = bits.write(|packer| self.about_node(node, packer)).fingerprint();
            for pod in PodId::all(PODS) {
                let together = self.about_both(pod, node);
                known.together[pod.index()][node.index()] = together;
                about = about.wrapping_add(fold(known.pods[pod.index()], together));
            }
            known.nodes[node.index()] = about;
        }
        known
    }

    /// What is known about a Node without its Pods.
    fn about_node(&self, node: NodeId, packer: &mut Packer<'_>) {
        let index = node.index();
        self.store.base.nodes[index].pack(packer);
        for (place, event) in self.store.log.entries().enumerate() {
            if let Object::Node(id, object) = event.object
                && id == node
            {
                (place as u32, event.change).pack(packer);
                object.pack(packer);
            }
        }
        self.store.kubelet_cursors[index].pack(packer);
        self.store.node_uids[index].pack(packer);
        self.node_lifecycle.updates[index].pack(packer);
        self.kubelets[index].machine.pack(packer);
        self.kubelets[index].allocatable_pods.pack(packer);
        self.leases[index].pack(packer);
    }

    /// What is known about a Pod without its Nodes.
    fn about_pod(&self, pod: PodId, packer: &mut Packer<'_>) {
        let index = pod.index();
        let nowhere = |pod: Pod| (Pod { node: None, ..pod }, pod.node.is_some());
        self.store.base.pods[index].map(nowhere).pack(packer);
        for (place, event) in self.store.log.entries().enumerate() {
            if let Object::Pod(id, object) = event.object
                && id == pod
            {
                (place as u32, event.change).pack(packer);
                nowhere(object).pack(packer);
            }
        }
        self.store.pod_uids[index].pack(packer);
        match self.scheduler.attempts[index] {
            Attempt::Assumed(binding, stage) => (true, (binding.uid, stage)).pack(packer),
            attempt @ (Attempt::None | Attempt::Failing { .. } | Attempt::Unschedulable) => {
                (false, attempt).pack(packer);
            }
        }
        self.scheduler.late_bindings[index].map(|binding| binding.uid).pack(packer);
        self.replica_set_controller.deletions[index].pack(packer);
        self.node_lifecycle.evictions[index].pack(packer);
    }

    /// What is known about a Pod and a Node together.
    fn about_both(&self, pod: PodId, node: NodeId) -> u64 {
        use super::kubelet::Container;
        let index = pod.index();
        let is_on = |pod: &Pod| pod.node == Some(node);
        let bound = self.store.base.pods[index].as_ref().is_some_and(is_on);
        let assumed = matches!(self.scheduler.attempts[index],
            Attempt::Assumed(binding, _) if binding.node == node);
        let late = self.scheduler.late_bindings[index].is_some_and(|late| late.node == node);
        let (container, uid) = match self.kubelets[node.index()].containers[index] {
            Container::None => (0, 0),
            Container::Running(uid) => (1, uid.0),
            Container::Exited(uid) => (2, uid.0),
            Container::Rejected(uid) => (3, uid.0),
        };
        let word = u64::from(bound) | u64::from(assumed) << 1 | u64::from(late) << 2;
        let word = word | container << 3 | u64::from(uid) << 5;
        let logged = self.store.log.entries().filter_map(|event| match &event.object {
            Object::Pod(id, of) if *id == pod => Some(is_on(of)),
            Object::Pod(..) | Object::Node(..) | Object::ReplicaSet(..) => None,
        });
        logged.fold(word, |word, on| word.rotate_left(1) ^ u64::from(on) << 20)
    }

    fn with_pods_named(&self, names: &Names<PodId, PODS>) -> Self {
        if names.is_sorted() {
            return *self;
        }
        let mut next = *self;
        let named = |object: Object| match object {
            Object::Pod(id, pod) => Object::Pod(names[id.index()], pod),
            Object::Node(..) | Object::ReplicaSet(..) => object,
        };
        next.store.log = self.store.log.map(|event| Event { object: named(event.object), ..event });
        for (index, name) in names.iter().enumerate() {
            let place = name.index();
            next.store.base.pods[place] = self.store.base.pods[index];
            next.store.pod_uids[place] = self.store.pod_uids[index];
            next.scheduler.attempts[place] = self.scheduler.attempts[index];
            next.scheduler.late_bindings[place] = self.scheduler.late_bindings[index];
            next.replica_set_controller.deletions[place] =
                self.replica_set_controller.deletions[index];
            next.node_lifecycle.evictions[place] = self.node_lifecycle.evictions[index];
            for (kubelet, before) in next.kubelets.iter_mut().zip(&self.kubelets) {
                kubelet.containers[place] = before.containers[index];
            }
        }
        next
    }

    fn with_nodes_named(&self, names: &Names<NodeId, NODES>) -> Self {
        if names.is_sorted() {
            return *self;
        }
        let mut next = *self;
        let pod_named = |pod: Pod| Pod { node: pod.node.map(|node| names[node.index()]), ..pod };
        let binding_named =
            |binding: Binding| Binding { node: names[binding.node.index()], ..binding };
        let named = |object: Object| match object {
            Object::Pod(id, pod) => Object::Pod(id, pod_named(pod)),
            Object::Node(id, node) => Object::Node(names[id.index()], node),
            Object::ReplicaSet(..) => object,
        };
        next.store.log = self.store.log.map(|event| Event { object: named(event.object), ..event });
        next.store.base.pods = self.store.base.pods.map(|pod| pod.map(pod_named));
        next.scheduler.attempts = self.scheduler.attempts.map(|attempt| match attempt {
            Attempt::Assumed(binding, stage) => Attempt::Assumed(binding_named(binding), stage),
            Attempt::None | Attempt::Failing { .. } | Attempt::Unschedulable => attempt,
        });
        next.scheduler.late_bindings =
            self.scheduler.late_bindings.map(|binding| binding.map(binding_named));
        for (index, name) in names.iter().enumerate() {
            let place = name.index();
            next.store.base.nodes[place] = self.store.base.nodes[index];
            next.store.kubelet_cursors[place] = self.store.kubelet_cursors[index];
            next.store.node_uids[place] = self.store.node_uids[index];
            next.node_lifecycle.updates[place] = self.node_lifecycle.updates[index];
            next.kubelets[place] = self.kubelets[index];
            next.leases[place] = self.leases[index];
        }
        next
    }
}

/// Hashes of what is known about each Pod, each Node, and each Pod and Node together.
struct Known<const PODS: usize, const NODES: usize> {
    pods: [u64; PODS],
    nodes: [u64; NODES],
    together: [[u64; NODES]; PODS],
}

impl<const PODS: usize, const NODES: usize> Known<PODS, NODES> {
    /// The ways to name the Nodes that are worth a look.
    fn namings(&self, nodes: usize) -> Vec<Names<NodeId, NODES>> {
        let mut order: Vec<usize> = (0..nodes).collect();
        order.sort_by_key(|index| self.nodes[*index]);
        let mut names = std::array::from_fn(NodeId::new);
        for (place, index) in order.iter().enumerate() {
            names[*index] = NodeId::new(place);
        }
        let mut namings = vec![names];
        let mut first = 0;
        for alike in order.chunk_by(|one, other| self.nodes[*one] == self.nodes[*other]) {
            if alike.len() > 1 {
                namings = namings.iter().flat_map(|names| reordered(names, alike, first)).collect();
            }
            first += alike.len();
        }
        namings
    }

    /// The names of the Pods in the order of what is known about them, once the Nodes have these
    /// names; and a hash of all that.
    fn in_order(
        &self,
        nodes: &Names<NodeId, NODES>,
        pods: usize,
    ) -> (u64, Names<NodeId, NODES>, Names<PodId, PODS>) {
        let mut hashes: [(u64, usize); PODS] = std::array::from_fn(|pod| {
            let mut words = [0; NODES];
            for (node, name) in nodes.iter().enumerate() {
                words[name.index()] = self.together[pod][node];
            }
            (words.into_iter().fold(self.pods[pod], fold), pod)
        });
        hashes[..pods].sort_unstable();
        let mut names = std::array::from_fn(PodId::new);
        for (place, (_, pod)) in hashes.iter().enumerate() {
            names[*pod] = PodId::new(place);
        }
        (hashes.iter().fold(0, |hash, (word, _)| fold(hash, *word)), *nodes, names)
    }
}

/// These names with the Nodes that are alike, which are named from a place on, in every order.
fn reordered<const NODES: usize>(
    names: &Names<NodeId, NODES>,
    alike: &[usize],
    first: usize,
) -> impl Iterator<Item = Names<NodeId, NODES>> {
    permutations(alike.len()).into_iter().map(move |places| {
        let mut names = *names;
        for (place, index) in places.iter().zip(alike) {
            names[*index] = NodeId::new(first + place);
        }
        names
    })
}

/// All orders of so many things.
fn permutations(count: usize) -> Vec<Vec<usize>> {
    (0..count).fold(vec![Vec::new()], |shorter, next| {
        let insert = |order: Vec<usize>| {
            (0..=order.len()).map(move |place| {
                let mut longer = order.clone();
                longer.insert(place, next);
                longer
            })
        };
        shorter.into_iter().flat_map(insert).collect()
    })
}

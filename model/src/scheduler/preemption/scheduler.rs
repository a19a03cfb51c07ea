//! What kube-scheduler sees in its cache, and decides from it.

use super::{Assumed, Eviction, NODES, Objects, PODS, PRIORITY, PROTECTED, Pod, Scheduler, State};

impl Scheduler {
    /// It has just started: it has listed, and remembers nothing.
    pub const STARTED: Self = Scheduler {
        assumed: [None; PODS],
        nominated: [None; PODS],
        eviction: None,
        patching: None,
    };
}

impl State {
    /// What the informer has read. It has listed before anything happens.
    pub fn informed(&self) -> Objects {
        self.store.cache(0).unwrap_or(self.store.base)
    }

    /// Whether, as the scheduler sees it, the Pod waits for a Node.
    pub fn waits(&self, pod: u8) -> bool {
        let object = self.informed().pods[usize::from(pod)];
        let unbound = object.is_some_and(|object| object.node.is_none() && !object.deleting);
        unbound && self.scheduler.assumed[usize::from(pod)].is_none()
    }

    /// The Node that a Pod is nominated to while it waits: as the scheduler remembers, or as the
    /// status says.
    pub fn nominated(&self, pod: u8) -> Option<u8> {
        let remembered = self.scheduler.nominated[usize::from(pod)];
        let object = self.informed().pods[usize::from(pod)].filter(|_| self.waits(pod))?;
        remembered.or(object.nominated)
    }

    /// Who has the place of this Node, as the cache counts.
    pub fn occupant(&self, node: u8) -> Option<u8> {
        let pods = self.informed().pods;
        (0..PODS as u8).find(|pod| {
            let bound = pods[usize::from(*pod)].and_then(|object| object.node);
            let assumed = self.scheduler.assumed[usize::from(*pod)].map(|assumed| assumed.node);
            bound.or(assumed) == Some(node)
        })
    }

    /// Whether a Pod that waits fits on this Node beside those that are nominated to it.
    pub fn fits(&self, pod: u8, node: u8) -> bool {
        let promised = (0..PODS as u8).any(|other| {
            let before_it = PRIORITY[usize::from(other)] >= PRIORITY[usize::from(pod)];
            other != pod && before_it && self.nominated(other) == Some(node)
        });
        !promised && self.has_place(node)
    }

    /// Whether the Node is there and its place is free.
    pub(super) fn has_place(&self, node: u8) -> bool {
        self.informed().nodes[usize::from(node)] && self.occupant(node).is_none()
    }

    /// Whether the Pod fits nowhere, and nothing is under way that would change this.
    pub fn may_preempt(&self, pod: u8) -> bool {
        self.fits_nowhere(pod) && !self.waits_for_victim(pod)
    }

    /// Whether the Pod waits, fits nowhere, and no preemption is in flight.
    pub(super) fn fits_nowhere(&self, pod: u8) -> bool {
        let idle = self.scheduler.eviction.is_none() && self.scheduler.patching.is_none();
        idle && self.waits(pod) && (0..NODES as u8).all(|node| !self.fits(pod, node))
    }

    /// Whether a Pod of lower priority terminates on the Node that this Pod is nominated to
    /// (`PodEligibleToPreemptOthers`).
    pub(super) fn waits_for_victim(&self, pod: u8) -> bool {
        let Some(node) = self.nominated(pod).filter(|node| self.is_there(*node)) else {
            return false;
        };
        self.lower_occupant(pod, node).is_some_and(|victim| self.terminates(victim))
    }

    /// The Pod of lower priority on this Node, if it has the place.
    pub fn lower_occupant(&self, pod: u8, node: u8) -> Option<u8> {
        let lower = |victim: &u8| PRIORITY[usize::from(*victim)] < PRIORITY[usize::from(pod)];
        self.occupant(node).filter(lower).filter(|_| self.is_there(node))
    }

    /// The victim on this Node, unless another Node has one that no PodDisruptionBudget protects.
    pub(super) fn victim(&self, pod: u8, node: u8) -> Option<u8> {
        let victim = self.lower_occupant(pod, node)?;
        let spared = victim == PROTECTED && self.has_unprotected_victim(pod);
        (!spared).then_some(victim)
    }

    /// Whether some Node has a victim that no PodDisruptionBudget protects.
    pub fn has_unprotected_victim(&self, pod: u8) -> bool {
        (0..NODES as u8)
            .filter_map(|node| self.lower_occupant(pod, node))
            .any(|victim| victim != PROTECTED)
    }

    /// Whether the cache shows that the Pod is being deleted.
    pub(super) fn terminates(&self, pod: u8) -> bool {
        self.informed().pods[usize::from(pod)].is_some_and(|object| object.deleting)
    }

    /// The Pod is nominated to the Node, and its victim there is about to be deleted.
    pub(super) fn preempting(&self, pod: u8, node: u8, victim: u8) -> Self {
        let mut next = *self;
        next.scheduler.nominated[usize::from(pod)] = Some(node);
        next.scheduler.eviction = Some(Eviction { preemptor: pod, victim });
        next.scheduler.patching = Some(pod);
        next
    }

    /// The Pod is assumed on the Node, and its nomination has served.
    pub(super) fn assuming(&self, pod: u8, node: u8) -> Self {
        let mut next = *self;
        next.scheduler.nominated[usize::from(pod)] = None;
        next.scheduler.assumed[usize::from(pod)] = Some(Assumed { node, bound: false });
        next
    }

    /// The informer has news: what it shows is no longer assumed, who is gone is forgotten.
    pub(super) fn told(mut self, pod: u8) -> Self {
        let object = self.informed().pods[usize::from(pod)];
        if object.is_none_or(|object: Pod| object.node.is_some()) {
            self.scheduler.assumed[usize::from(pod)] = None;
            self.scheduler.nominated[usize::from(pod)] = None;
        }
        self
    }

    fn is_there(&self, node: u8) -> bool {
        self.informed().nodes[usize::from(node)]
    }
}

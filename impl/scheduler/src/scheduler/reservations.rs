//! Pods that have a node and wait there for their volumes and devices.

use std::collections::BTreeMap;

use api::{Key, Request, Timestamp, Verb};
use client::Outcome;

use super::claims::answered_too_late;
use super::reservation::Reservation;
use crate::cluster::Cluster;
use crate::volumes::Volumes;

/// Pods that wait for their volumes and devices, by key.
#[derive(Clone, Debug, Default)]
pub(super) struct Reservations {
    by_pod: BTreeMap<Key, Reservation>,
    /// Whether something has happened since they were looked at.
    pub(super) are_due: bool,
}

impl Reservations {
    pub(super) fn add(&mut self, reservation: Reservation) {
        self.by_pod.insert(reservation.pod.key(), reservation);
        self.are_due = true;
    }

    pub(super) fn contains(&self, pod: &Key) -> bool {
        self.by_pod.contains_key(pod)
    }

    pub(super) fn remove(&mut self, pod: &Key) -> Option<Reservation> {
        self.by_pod.remove(pod)
    }

    /// Hears what came of a request for a pod; whether it was one for its volumes.
    pub(super) fn answered(
        &mut self,
        pod: &Key,
        (request, outcome): (&Request, &Outcome),
        volumes: &mut Volumes,
    ) -> bool {
        if request.verb != Verb::Update {
            return false;
        }
        if let Some(reservation) = self.by_pod.get_mut(pod) {
            reservation.answered(request, outcome, volumes);
            self.are_due = true;
        }
        true
    }

    /// Hears what came of a request for a claim of devices; what to ask then, and whether others may have what it was to
    /// have, as nobody waits for it any more.
    pub(super) fn claim_answered(
        &mut self,
        pod: &Key,
        answered: (&Request, &Outcome),
        cluster: &mut Cluster,
    ) -> (Vec<Request>, bool) {
        let devices = self.by_pod.get_mut(pod).and_then(|one| one.devices.as_mut());
        let Some(devices) = devices else {
            return answered_too_late(&mut cluster.devices, answered);
        };
        self.are_due = true;
        (devices.answered(answered, (&mut cluster.devices, cluster.now)), false)
    }

    /// The reservation of a pod.
    pub(super) fn get(&self, pod: &Key) -> Option<&Reservation> {
        self.by_pod.get(pod)
    }

    /// When the first is given up, or looked at again.
    pub(super) fn next_deadline(&self, now: Timestamp) -> Option<Timestamp> {
        let first = self.by_pod.values().filter_map(Reservation::until).min();
        if self.are_due && !self.by_pod.is_empty() { Some(now) } else { first }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Reservation> {
        self.by_pod.values()
    }
}

//! What a scheduler does about pods that have a node and wait there for their volumes and devices.

use api::{Key, Request};
use client::Outcome;
use client::event::Note;

use super::claims::{ClaimWrites, unreserve};
use super::report::{Nominating, nominate};
use super::reservation::{PreBind, Progress, Reservation};
use super::{Choice, Explanation, Scheduler};
use crate::event::Event;
use crate::node_info::PodInfo;

impl Scheduler {
    /// Keeps a pod's room on a node until its volumes and devices are there, and says so. Source: KEP-5278.
    pub(super) fn reserve(
        &mut self,
        pod: &PodInfo,
        (node, explanation): (String, Explanation),
        wanted: PreBind,
    ) -> (Choice, Vec<Request>) {
        self.assume(pod, &node);
        let until = self.now + Self::profile(&self.configuration, pod).bind_timeout;
        let placed = (pod, node.as_str(), explanation.clone());
        let (reservation, asked) = Reservation::begin(placed, wanted, (&mut self.cluster, until));
        let has_devices = reservation.has_devices();
        self.reservations.add(reservation);
        let mut requests: Vec<Request> = nominate(&pod.pod, &node).into_iter().collect();
        requests.extend(asked);
        if has_devices {
            requests.extend(self.tell_wait(pod, &node));
        }
        (Choice::Reserve { node, explanation }, requests)
    }

    /// Hears what came of a request for a claim of devices, and goes on with it.
    pub(super) fn claim_answered(
        &mut self,
        key: &Key,
        answered: (&Request, &Outcome),
    ) -> Vec<Request> {
        let had_devices = self.reservations.get(key).is_some_and(Reservation::has_devices);
        let (mut requests, is_freed) =
            self.reservations.claim_answered(key, answered, &mut self.cluster);
        if is_freed {
            self.wake(Event::FreedDevices);
        }
        let waiting =
            self.reservations.get(key).filter(|waits| !had_devices && waits.has_devices());
        if let Some(Reservation { pod, node, .. }) = waiting.cloned() {
            requests.extend(self.tell_wait(&pod, &node));
        }
        requests
    }

    /// Says that a pod waits for devices that are its own to become ready, if it does.
    fn tell_wait(&mut self, pod: &PodInfo, node: &str) -> Option<Request> {
        let message = format!("waiting for binding conditions for device on node {node}");
        let claims = self.reservations.get(&pod.key())?.devices.as_ref()?;
        claims
            .must_wait(pod, &self.cluster.devices)
            .then(|| self.tell(pod, Note::normal("BindingConditionsPending", message)))
    }

    /// A pod that waits for its volumes and devices no more, and what becomes of it.
    pub(super) fn settled(&mut self) -> Option<(PodInfo, (Choice, Vec<Request>))> {
        if self.reservations.next_deadline(self.now).is_none_or(|deadline| self.now < deadline) {
            return None;
        }
        let Some((key, progress)) = self.progressed() else {
            self.reservations.are_due = false;
            return None;
        };
        let Reservation { pod, node, explanation, devices, .. } = self.release(&key)?;
        let pod = self.pending.get(&key).cloned().unwrap_or(pod);
        let outcome = match progress {
            Progress::Failed(why) => self.unreserve(&pod, (&why, devices.as_ref())),
            Progress::Bound | Progress::Waits => self.bind(&pod, node, explanation),
        };
        Some((pod, outcome))
    }

    /// The first pod that has come to an end of its waiting.
    fn progressed(&self) -> Option<(Key, Progress)> {
        self.reservations.iter().find_map(|reservation| {
            match reservation.progress(&self.cluster, self.now) {
                Progress::Waits => None,
                progress @ (Progress::Bound | Progress::Failed(_)) => {
                    Some((reservation.pod.key(), progress))
                }
            }
        })
    }

    pub(super) fn release(&mut self, key: &Key) -> Option<Reservation> {
        let reservation = self.reservations.remove(key)?;
        reservation.end(&mut self.cluster);
        Some(reservation)
    }

    /// A pod's room is free again, for it and for others, and its claims are not reserved for it any more.
    pub(super) fn unreserve(
        &mut self,
        pod: &PodInfo,
        (why, claims): (&str, Option<&ClaimWrites>),
    ) -> (Choice, Vec<Request>) {
        self.cluster.snapshot.forget(&pod.key(), pod.uid());
        self.wake(Event::freed(pod));
        self.queue.add_failed(&pod.key(), self.now);
        let message = why.to_owned();
        let mut requests =
            unreserve(pod, &self.cluster.devices, claims.and_then(ClaimWrites::made));
        let told = self.report_failure(pod, ("SchedulerError", why), &Nominating::Nowhere);
        requests.extend(told);
        (Choice::Failed { message }, requests)
    }
}

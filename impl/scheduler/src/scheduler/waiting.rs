//! What a scheduler does about pods that have a node and wait there for their volumes.

use api::{Key, Request};

use super::report::{Nominating, nominate};
use super::reservations::{Progress, Reservation};
use super::{Choice, Explanation, Scheduler};
use crate::event::Event;
use crate::node_info::PodInfo;
use crate::plugins::volume_binding::Wanted;

impl Scheduler {
    /// Keeps a pod's room on a node until its volumes are there, and says so. Source: KEP-5278.
    pub(super) fn reserve(
        &mut self,
        pod: &PodInfo,
        (node, explanation): (String, Explanation),
        wanted: Wanted,
    ) -> (Choice, Vec<Request>) {
        self.assume(pod, &node);
        let until = self.now + Self::profile(&self.configuration, pod).bind_timeout;
        let placed = (pod, node.as_str(), explanation.clone());
        let (reservation, asked) =
            Reservation::begin(placed, wanted, (&mut self.cluster.volumes, until));
        self.reservations.add(reservation);
        let mut requests: Vec<Request> = nominate(&pod.pod, &node).into_iter().collect();
        requests.extend(asked);
        (Choice::Reserve { node, explanation }, requests)
    }

    /// A pod that waits for its volumes no more, and what becomes of it.
    pub(super) fn settled(&mut self) -> Option<(PodInfo, (Choice, Vec<Request>))> {
        if self.reservations.next_deadline(self.now).is_none_or(|deadline| self.now < deadline) {
            return None;
        }
        let Some((key, progress)) = self.progressed() else {
            self.reservations.are_due = false;
            return None;
        };
        let Reservation { pod, node, explanation, .. } = self.release(&key)?;
        let pod = self.pending.get(&key).cloned().unwrap_or(pod);
        let outcome = match progress {
            Progress::Failed(why) => self.unreserve(&pod, &why),
            Progress::Bound | Progress::Waits => self.bind(&pod, node, explanation),
        };
        Some((pod, outcome))
    }

    /// The first pod that has come to an end of its waiting.
    fn progressed(&self) -> Option<(Key, Progress)> {
        self.reservations.iter().find_map(|reservation| {
            let node = self.cluster.snapshot.node(&reservation.node);
            match reservation.progress(node, &self.cluster.volumes, self.now) {
                Progress::Waits => None,
                progress @ (Progress::Bound | Progress::Failed(_)) => {
                    Some((reservation.pod.key(), progress))
                }
            }
        })
    }

    pub(super) fn release(&mut self, key: &Key) -> Option<Reservation> {
        let reservation = self.reservations.remove(key)?;
        reservation.end(&mut self.cluster.volumes);
        Some(reservation)
    }

    /// A pod's room is free again, for it and for others.
    pub(super) fn unreserve(&mut self, pod: &PodInfo, why: &str) -> (Choice, Vec<Request>) {
        self.cluster.snapshot.forget(&pod.key(), pod.uid());
        self.wake(Event::freed(pod));
        self.queue.add_failed(&pod.key(), self.now);
        let message = format!("running PreBind plugin \"VolumeBinding\": {why}");
        let requests = self.report_failure(pod, ("SchedulerError", &message), &Nominating::Nowhere);
        (Choice::Failed { message }, requests)
    }
}

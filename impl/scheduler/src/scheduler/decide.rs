//! What becomes of a pod: it is bound or waits for its volumes and devices, extenders are asked, or it has to wait.
//!
//! Source: `schedulingAlgorithm` and `handleSchedulingFailure` in schedule_one.go (v1.36).

use std::sync::Arc;

use api::Request;

use super::attempt::{Attempt, Failure, Found, Remedy, Stop};
use super::claims::{deallocate, delete};
use super::report::Nominating;
use super::{Choice, Scheduler};
use crate::extender::Answers;
use crate::node_info::PodInfo;
use crate::plugins::default_preemption::Preemption;

impl Scheduler {
    /// Looks for a node for a pod, with what extenders have said of it.
    pub(super) fn decide(&mut self, pod: &PodInfo, answers: Answers) -> (Choice, Vec<Request>) {
        let configuration = Arc::clone(&self.configuration);
        let mut knowledge = std::mem::take(&mut self.knowledge);
        let attempt = Attempt {
            profile: Self::profile(&configuration, pod),
            extenders: &configuration.extenders,
            answers: &answers,
            pod,
            cluster: &self.cluster,
            start: &self.next_start_node,
        };
        let (found, next) = attempt.find(&mut knowledge);
        self.knowledge = knowledge;
        if let Some(next) = next.filter(|_| !matches!(found, Err(Stop::Ask(_)))) {
            self.next_start_node = next;
        }
        match found {
            Ok(Found::Node { node, explanation, wanted: Some(wanted) }) => {
                self.reserve(pod, (node, explanation), wanted)
            }
            Ok(Found::Node { node, explanation, wanted: None }) => {
                self.bind(pod, node, explanation)
            }
            Ok(Found::Nothing(failure)) => self.give_up(pod, failure),
            Err(Stop::Ask(calls)) => self.ask(pod, calls, answers),
            Err(Stop::Error(message)) => self.fail(pod, &message),
        }
    }

    /// A pod that is tried again after its backoff, whatever happens.
    fn fail(&mut self, pod: &PodInfo, message: &str) -> (Choice, Vec<Request>) {
        self.queue.add_failed(&pod.key(), self.now);
        let requests = self.report_failure(pod, ("SchedulerError", message), &Nominating::Nowhere);
        (Choice::Failed { message: message.to_owned() }, requests)
    }

    fn give_up(&mut self, pod: &PodInfo, failure: Failure) -> (Choice, Vec<Request>) {
        let Failure { rejected_by, message, preemption, remedy } = failure;
        self.queue.add_unschedulable(&pod.key(), rejected_by, self.now);
        let (nominating, candidate) = match preemption {
            Some(Preemption::Possible(candidate)) => {
                (Nominating::To(candidate.node.clone()), Some(candidate))
            }
            Some(Preemption::NotEligible(_) | Preemption::Failed(_)) => (Nominating::Keep, None),
            Some(Preemption::Impossible { .. }) | None => (Nominating::Nowhere, None),
        };
        let mut requests = self.report_failure(pod, ("Unschedulable", &message), &nominating);
        match remedy {
            Some(Remedy::Deallocate(claim)) => requests.push(deallocate(&claim)),
            Some(Remedy::Delete(claim)) => requests.extend(delete(&claim)),
            None => {}
        }
        let nominated = candidate.as_ref().map(|candidate| candidate.node.clone());
        requests.extend(candidate.into_iter().flat_map(|candidate| self.preempt(pod, candidate)));
        (Choice::Unschedulable { message, nominated }, requests)
    }
}

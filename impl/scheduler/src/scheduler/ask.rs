//! Asks extenders, and goes on with what they say.
//!
//! Upstream waits for the answer inside of the scheduling cycle. Here the cycle ends with the question and begins again
//! with the answer, on what is known of the cluster then; no other pod is decided about meanwhile.

use std::collections::BTreeSet;

use api::{Request, Timestamp};

use super::{Choice, Scheduler};
use crate::extender::{Answers, Call, Stage, is_interested};
use crate::node_info::PodInfo;
use crate::plugins::dynamic_resources::NAME as DYNAMIC_RESOURCES;

/// A pod about which extenders are asked.
#[derive(Clone, Debug)]
pub(super) struct Asking {
    pub(super) pod: PodInfo,
    answers: Answers,
    /// What is not answered yet.
    waits_for: BTreeSet<(Stage, usize)>,
}

impl Asking {
    /// Whether all that was asked is answered.
    pub(super) fn is_answered(&self) -> bool {
        self.waits_for.is_empty()
    }
}

impl Scheduler {
    /// The next pod that is due, with what extenders have said of it; none while they are asked.
    pub(super) fn next_pod(&mut self) -> Option<(PodInfo, Answers)> {
        if self.asking.is_some() {
            let Asking { pod, answers, .. } = self.asking.take_if(|asking| asking.is_answered())?;
            let pod = self.pending.get(&pod.key()).cloned().unwrap_or(pod);
            return Some((pod, answers));
        }
        let now = self.now;
        while let Some(key) = self.queue.pop(now) {
            let Some(pod) = self.pending.get(&key).cloned() else { continue };
            if !self.is_kept_out(&pod) {
                return Some((pod, Answers::new()));
            }
            self.queue.keep_out(&key, DYNAMIC_RESOURCES, now);
        }
        None
    }

    /// Asks extenders, and keeps what they have said before.
    pub(super) fn ask(
        &mut self,
        pod: &PodInfo,
        calls: Vec<Call>,
        answers: Answers,
    ) -> (Choice, Vec<Request>) {
        let waits_for = calls.iter().map(|call| (call.stage, call.extender)).collect();
        self.attempts += 1;
        self.calls.extend(calls.into_iter().map(|call| call.in_attempt(self.attempts)));
        self.asking = Some(Asking { pod: pod.clone(), answers, waits_for });
        (Choice::Ask, vec![])
    }

    /// Asks the extender that binds a pod to do so; or else the API server.
    pub(super) fn ask_to_bind(&mut self, pod: &PodInfo, node: &str) -> Option<Request> {
        let mut extenders = self.configuration.extenders.iter().enumerate();
        let binds = extenders
            .find(|(_, extender)| !extender.bind_verb.is_empty() && is_interested(extender, pod));
        match binds {
            Some(of) => {
                self.calls.push(Call::to_bind(of, pod, node));
                None
            }
            None => Some(Request::bind(pod.key(), pod.uid(), node)),
        }
    }

    /// Hears what an extender has answered, or why it has not; what to ask of the API server then.
    pub fn answered(
        &mut self,
        call: &Call,
        answered: Result<Vec<u8>, String>,
        now: Timestamp,
    ) -> Vec<Request> {
        self.now = self.now.max(now);
        let answer = call.read(answered);
        if call.stage == Stage::Bind {
            return self.bind_answered(call, answer.err());
        }
        let is_asked = |asking: &&mut Asking| asking.pod.uid() == call.uid;
        if let Some(asking) = self.asking.as_mut().filter(is_asked)
            && call.is_of(self.attempts)
        {
            let question = (call.stage, call.extender);
            asking.waits_for.remove(&question);
            asking.answers.insert(question, answer);
        }
        vec![]
    }

    fn bind_answered(&mut self, call: &Call, why: Option<String>) -> Vec<Request> {
        let extender = self.configuration.extenders.get(call.extender);
        match why {
            None => self.bound(&call.pod, &call.uid, &call.node),
            Some(_) if extender.is_some_and(|extender| extender.ignorable) => {
                vec![Request::bind(call.pod.clone(), &call.uid, &call.node)]
            }
            Some(why) => self.refused(&call.pod, &call.uid, &why),
        }
    }
}

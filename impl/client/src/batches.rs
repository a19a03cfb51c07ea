//! The requests of a plan on their way: some of them beside each other, until each is answered or left out.
//!
//! Those that are paced, pods say, are sent one, then two, then four at a time, and no more of them once one is
//! refused: what refuses one, a quota say, would refuse hundreds. Source: `slowStartBatch` in
//! pkg/controller/replicaset/replica_set.go and pkg/controller/statefulset/stateful_set_control.go (v1.36).

use std::collections::BTreeSet;
use std::fmt;

use api::{ApiResource, Reason, Request, Verb, resources};

use crate::Outcome;

/// How the requests of a controller follow one another.
#[derive(Clone, Copy)]
pub struct Pacing {
    /// Whether a request is paced.
    pub paces: fn(&Request) -> bool,
    /// Corrects a request before it is sent, by how many of those that are paced came to nothing before it.
    pub correct: fn(&mut Request, usize),
}

/// Nothing is paced.
impl Default for Pacing {
    fn default() -> Self {
        Self { paces: |_| false, correct: |_, _| {} }
    }
}

/// Whether a request creates an object of a kind.
pub fn creates(request: &Request, resource: &'static ApiResource) -> bool {
    let creates = request.verb == Verb::Create && request.subresource.is_empty();
    creates && request.resource == resource
}

/// The requests of one plan.
#[derive(Clone)]
pub struct Batches {
    requests: Vec<Request>,
    /// What came of each; nothing of those that are on their way or were left out.
    outcomes: Vec<Option<Outcome>>,
    /// The places of those that are on their way.
    travelling: BTreeSet<usize>,
    /// The first that has not had its turn.
    next: usize,
    /// How many of those that are paced the next batch holds at most.
    paced_max: usize,
    /// How many of those that are paced were refused or left out.
    failed: usize,
    pacing: Pacing,
}

impl Batches {
    /// Nothing is sent yet.
    pub fn new(requests: Vec<Request>, pacing: Pacing) -> Self {
        let outcomes = vec![None; requests.len()];
        let travelling = BTreeSet::new();
        Self { requests, outcomes, travelling, next: 0, paced_max: 1, failed: 0, pacing }
    }

    /// The requests, as they are sent.
    pub fn requests(&self) -> &[Request] {
        &self.requests
    }

    /// What came of a request, by its place.
    pub fn answer(&mut self, place: usize, outcome: Outcome) {
        if outcome.is_err() && (self.pacing.paces)(&self.requests[place]) {
            self.failed += 1;
        }
        self.travelling.remove(&place);
        self.outcomes[place] = Some(outcome);
    }

    /// Whether something is on its way.
    pub fn is_waiting(&self) -> bool {
        !self.travelling.is_empty()
    }

    /// The places of those that are sent next, beside each other, once nothing is on its way: creations that follow
    /// one another travel together, and deletions do. `None` when nothing is left.
    pub fn next_batch(&mut self) -> Option<Vec<usize>> {
        while self.requests.get(self.next).is_some_and(|request| self.leaves_out(request)) {
            self.failed += 1;
            self.next += 1;
        }
        let first = self.next;
        (self.pacing.correct)(self.requests.get_mut(first)?, self.failed);
        let mut paced = 0;
        for request in &self.requests[first..] {
            let more = paced + usize::from((self.pacing.paces)(request));
            let travels = self.next == first || self.requests[first].travels_with(request);
            if !travels || more > self.paced_max || self.leaves_out(request) {
                break;
            }
            paced = more;
            self.next += 1;
        }
        if paced == self.paced_max {
            self.paced_max = self.paced_max.saturating_mul(2);
        }
        self.travelling.extend(first..self.next);
        Some((first..self.next).collect())
    }

    /// Each request with what came of it; nothing if it was left out.
    pub fn outcomes(&self) -> impl Iterator<Item = (&Request, Option<&Outcome>)> {
        self.requests.iter().zip(self.outcomes.iter().map(Option::as_ref))
    }

    /// Whether something was refused, so that the key is tried again later. An Event is not tried again; and that there is
    /// nothing is an answer to a question, no refusal.
    pub fn has_failed(&self) -> bool {
        let mut counted = self.outcomes().filter(|(one, _)| one.resource != &resources::EVENTS);
        counted.any(|(request, outcome)| match outcome {
            Some(Err(status)) => request.verb != Verb::Get || status.reason != Reason::NotFound,
            Some(Ok(_)) | None => false,
        })
    }

    /// Whether something was asked, so that the key is looked at with the answer.
    pub fn has_asked(&self) -> bool {
        self.requests.iter().any(|request| request.verb == Verb::Get)
    }

    /// Whether a request would only be refused too.
    fn leaves_out(&self, request: &Request) -> bool {
        self.failed > 0 && (self.pacing.paces)(request)
    }
}

/// What is left to do; the revision that the controller had seen tells nothing of that.
impl fmt::Debug for Batches {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unseen = |request: &Request| Request { observed_revision: 0, ..request.clone() };
        let requests: Vec<Request> = self.requests.iter().map(unseen).collect();
        let Self { outcomes, travelling, next, .. } = self;
        write!(formatter, "{requests:?} {outcomes:?} {travelling:?} {next}")
    }
}

#[cfg(test)]
mod tests {
    use api::{Key, Reason, Status};
    use serde_json::json;

    use super::*;

    const PACING: Pacing = Pacing {
        paces: |request| creates(request, &resources::PODS),
        correct: |request, failed| {
            let Some(body) = request.body.as_mut() else { return };
            if let Some(active) = body["active"].as_u64() {
                body["active"] = json!(active - failed as u64);
            }
        },
    };

    fn create(resource: &'static ApiResource) -> Request {
        let request = Request::merge_patch(resource, Key::new("default", ""), json!({}));
        Request { verb: Verb::Create, ..request }
    }

    fn plan(pods: usize) -> Batches {
        let mut requests = vec![create(&resources::PODS); pods];
        let status = Request::merge_patch(
            &resources::JOBS,
            Key::new("default", "job"),
            json!({"active": pods}),
        );
        requests.push(status);
        Batches::new(requests, PACING)
    }

    fn answer_all(batches: &mut Batches, places: &[usize], outcome: &Outcome) {
        places.iter().for_each(|place| batches.answer(*place, outcome.clone()));
    }

    #[test]
    fn ever_more_pods_are_created_at_once() {
        let mut batches = plan(9);
        let mut sizes = vec![];

        while let Some(places) = batches.next_batch() {
            sizes.push(places.len());
            assert!(batches.is_waiting());
            answer_all(&mut batches, &places, &Ok(json!({})));
        }

        assert_eq!(sizes, [1, 2, 4, 2, 1]);
        assert!(!batches.is_waiting());
    }

    #[test]
    fn what_goes_before_does_not_count_as_a_pod_that_was_created() {
        let delete = Request { verb: Verb::Delete, ..create(&resources::PODS) };
        let requests = [vec![delete], vec![create(&resources::PODS); 3]].concat();
        let mut batches = Batches::new(requests, PACING);
        let mut sizes = vec![];

        while let Some(places) = batches.next_batch() {
            sizes.push(places.len());
            answer_all(&mut batches, &places, &Ok(json!({})));
        }

        assert_eq!(sizes, [1, 1, 2]);
    }

    #[test]
    fn no_more_pods_are_created_when_one_is_refused() {
        let mut batches = plan(9);
        let first = batches.next_batch().unwrap();
        answer_all(&mut batches, &first, &Ok(json!({})));
        let second = batches.next_batch().unwrap();

        answer_all(&mut batches, &second, &Err(Status::new(Reason::Forbidden, "exceeded quota")));

        assert_eq!(batches.next_batch(), Some(vec![9]));
        assert_eq!(batches.requests()[9].body, Some(json!({"active": 1})));
        batches.answer(9, Ok(json!({})));
        assert_eq!(batches.next_batch(), None);
        let left_out = batches.outcomes().filter(|(_, outcome)| outcome.is_none()).count();
        assert_eq!(left_out, 6);
    }

    #[test]
    fn a_question_fails_unless_the_answer_is_that_there_is_nothing() {
        let asked = Request::get(&resources::PODS, Key::new("default", "pod"));
        let failed = |request: Request, reason: Reason| {
            let mut batches = Batches::new(vec![request], PACING);
            batches.next_batch();
            batches.answer(0, Err(Status::new(reason, "no")));
            (batches.has_failed(), batches.has_asked())
        };

        assert_eq!(failed(asked.clone(), Reason::NotFound), (false, true));
        assert_eq!(failed(asked, Reason::Timeout), (true, true));
        assert_eq!(failed(create(&resources::PODS), Reason::NotFound), (true, false));
        assert_eq!(failed(create(&resources::EVENTS), Reason::Timeout), (false, false));
    }

    #[test]
    fn other_things_are_created_beside_each_other_at_once() {
        let requests = vec![create(&resources::EVENTS); 5];
        let mut batches = Batches::new(requests, PACING);

        assert_eq!(batches.next_batch().map(|places| places.len()), Some(5));
    }
}

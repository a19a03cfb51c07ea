//! Which of several replicas of a component acts: the one whose name stands in a Lease, for as long as it
//! renews it.
//!
//! Source: client-go's `tools/leaderelection` (v1.36); the claims are in `specs/leader-election.md`. Two
//! things are stricter here: who leads counts `renew_deadline` from the moment it sent its last granted
//! renewal, and it stands again after it has lost, where upstream's process ends. Left out: jitter, the
//! release of the Lease at the end (off by default), coordinated election (off by default).

use std::time::Duration;

use api::{AnyObject, Key, Kind, Reason, Request, Timestamp};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;

use crate::Outcome;
use crate::event::{Note, Recorder, reference};

/// Who stands for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The Lease, `kube-system/kube-controller-manager`.
    pub lease: Key,
    /// The name of this replica; no other has it.
    pub identity: String,
    /// How long a Lease must be silent before another candidate takes it.
    pub lease_duration: Duration,
    /// How long the leader acts without having renewed.
    pub renew_deadline: Duration,
    /// How long there is between two attempts.
    pub retry_period: Duration,
}

impl Candidate {
    /// A candidate for a Lease in kube-system, with upstream's times.
    pub fn new(component: &str, identity: &str) -> Self {
        Self {
            lease: Key::new("kube-system", component),
            identity: identity.to_owned(),
            lease_duration: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry_period: Duration::from_secs(2),
        }
    }
}

/// What a candidate wants next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// An answer to this.
    Ask(Box<Request>),
    /// To be asked again then.
    Wait(Timestamp),
}

/// A candidate, and what it knows.
#[derive(Clone, Debug)]
pub struct Elector {
    candidate: Candidate,
    observed: Option<Observed>,
    next: Next,
    /// When the request was sent that waits for its answer.
    sent: Timestamp,
    leads_until: Option<Timestamp>,
}

/// A Lease as it was read or written last, and since when it has not changed.
#[derive(Clone, Debug)]
struct Observed {
    lease: Lease,
    since: Timestamp,
}

#[derive(Clone, Debug)]
enum Next {
    /// Read the Lease.
    Read,
    /// Write it as it was observed, or create it.
    Write,
    /// Nothing before then.
    Rest(Timestamp),
}

impl Elector {
    /// A candidate that knows nothing yet.
    pub fn new(candidate: Candidate) -> Self {
        Self {
            candidate,
            observed: None,
            next: Next::Read,
            sent: Timestamp::UNIX_EPOCH,
            leads_until: None,
        }
    }

    /// Whether it may act.
    pub fn leads(&self, now: Timestamp) -> bool {
        self.leads_until.is_some_and(|until| now < until)
    }

    /// Until when it may act, if nothing else happens.
    pub fn leads_until(&self) -> Option<Timestamp> {
        self.leads_until
    }

    /// Who else holds the Lease, as far as it knows.
    pub fn rival(&self) -> Option<&str> {
        let holder = self.spec()?.holder_identity.as_deref();
        holder.filter(|holder| !holder.is_empty() && *holder != self.candidate.identity)
    }

    /// What it wants next. After `Ask` it wants the answer, however late.
    pub fn next(&mut self, now: Timestamp) -> Step {
        if let Next::Rest(until) = self.next {
            if now < until {
                return Step::Wait(until);
            }
            // Who leads writes what it has written last: nobody else should have changed it.
            self.next = if self.leads(now) { Next::Write } else { Next::Read };
        }
        self.sent = now;
        Step::Ask(Box::new(match (&self.next, &self.observed) {
            (Next::Write, Some(observed)) => Request::update(&self.renewed(&observed.lease, now)),
            (Next::Write, None) => Request::create(&self.renewed(&Lease::default(), now)),
            (Next::Read | Next::Rest(_), _) => {
                Request::get(Lease::RESOURCE, self.candidate.lease.clone())
            }
        }))
    }

    /// What came of the request that it wanted.
    pub fn answered(&mut self, outcome: &Outcome, now: Timestamp) {
        let was_write = matches!(self.next, Next::Write);
        let led = self.leads(now);
        let rest = Next::Rest(after(now, self.candidate.retry_period));
        self.next = match outcome {
            Ok(lease) if was_write => {
                self.observe(lease, now);
                self.leads_until = Some(after(self.sent, self.candidate.renew_deadline));
                rest
            }
            Ok(lease) => {
                self.observe(lease, now);
                if self.is_held_by_another(now) {
                    self.leads_until = None;
                    rest
                } else {
                    Next::Write
                }
            }
            Err(status) if !was_write && status.reason == Reason::NotFound => {
                self.observed = None;
                Next::Write
            }
            // Somebody has changed the Lease of the leader; it looks at once.
            Err(_) if was_write && led => Next::Read,
            Err(_) => rest,
        };
    }

    /// The event that says that it has begun or ceased to lead.
    pub fn event(&self, recorder: &mut Recorder, what: &str, now: Timestamp) -> Option<Request> {
        let lease = AnyObject::from(std::sync::Arc::new(self.observed.as_ref()?.lease.clone()));
        let note = Note::normal("LeaderElection", format!("{} {what}", self.candidate.identity));
        recorder.record(reference(&lease, ""), note, now)
    }

    fn spec(&self) -> Option<&LeaseSpec> {
        self.observed.as_ref()?.lease.spec.as_ref()
    }

    /// The silence of a Lease begins when this candidate first sees it as it is.
    fn observe(&mut self, lease: &serde_json::Value, now: Timestamp) {
        let Ok(lease) = Lease::deserialize(lease) else { return };
        let known = self.observed.take().filter(|known| known.lease.spec == lease.spec);
        let since = known.map_or(now, |known| known.since);
        self.observed = Some(Observed { lease, since });
    }

    fn is_held_by_another(&self, now: Timestamp) -> bool {
        let Some(observed) = &self.observed else { return false };
        let seconds = self.spec().and_then(|spec| spec.lease_duration_seconds).unwrap_or(0);
        let silence = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        self.rival().is_some() && now < after(observed.since, silence)
    }

    /// A Lease that this candidate holds as of now.
    fn renewed(&self, lease: &Lease, now: Timestamp) -> Lease {
        let old = lease.spec.clone().unwrap_or_default();
        let is_mine = old.holder_identity.as_deref() == Some(self.candidate.identity.as_str());
        let transitions = old.lease_transitions.unwrap_or(0);
        let is_new = lease.metadata.name.is_none();
        let now = Some(api::time::micro_time(now));
        let metadata = if is_new {
            ObjectMeta {
                name: Some(self.candidate.lease.name.clone()),
                namespace: Some(self.candidate.lease.namespace.clone()),
                ..ObjectMeta::default()
            }
        } else {
            lease.metadata.clone()
        };
        let spec = LeaseSpec {
            holder_identity: Some(self.candidate.identity.clone()),
            lease_duration_seconds: i32::try_from(self.candidate.lease_duration.as_secs()).ok(),
            acquire_time: if is_mine { old.acquire_time } else { now.clone() },
            renew_time: now,
            lease_transitions: Some(if is_mine || is_new { transitions } else { transitions + 1 }),
            ..LeaseSpec::default()
        };
        Lease { metadata, spec: Some(spec) }
    }
}

fn after(when: Timestamp, duration: Duration) -> Timestamp {
    when.checked_add(duration).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;

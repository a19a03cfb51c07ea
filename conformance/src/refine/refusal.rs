//! What a validation comes to.

use std::fmt;

use api::trace::Event;
use serde::Serialize;

use crate::trace::ReadError;

/// The first event of a trace that the model does not allow, and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Refusal {
    /// The event's number.
    pub seq: u64,
    /// The event.
    pub event: Event,
    /// Why it cannot happen, in Kubernetes' words.
    pub why: String,
    /// The claim in `specs/` that it breaks, if it is one of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Event { actor, action, key, .. } = &self.event;
        write!(formatter, "event {}: {actor} {action} {key}: {}", self.seq, self.why)?;
        self.claim.iter().try_for_each(|claim| write!(formatter, " ({claim})"))
    }
}

/// How much of a trace was allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// How many events there were.
    pub events: u64,
    /// How many of them were writes.
    pub writes: u64,
    /// How many of them brought a cache forward.
    pub deliveries: u64,
    /// How many of them started or stopped containers.
    pub containers: u64,
    /// Why not everything could be checked, if so: the model's bounds were too small.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unchecked: Option<String>,
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { events, writes, deliveries, containers, .. } = self;
        write!(
            formatter,
            "{events} events: {writes} writes, {deliveries} deliveries, {containers} of containers"
        )
    }
}

/// Why a trace is not allowed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// An event is not allowed.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// It is larger than the model that checks it.
    #[error("could not check all of it: {0}")]
    Beyond(String),
}

/// Whether the model allows a trace, as `kanon conform validate` prints it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "verdict")]
pub enum Verdict {
    /// It does.
    Allowed(Summary),
    /// It does not.
    Refused(Box<Refusal>),
}

impl Verdict {
    /// Whether the model allows the trace.
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed(_))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allowed(summary) => write!(formatter, "allowed: {summary}"),
            Self::Refused(refusal) => write!(formatter, "not allowed: {refusal}"),
        }
    }
}

/// Why an event is not allowed, before it is known which event it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Denial {
    pub(super) why: String,
    pub(super) claim: Option<&'static str>,
}

impl Denial {
    /// It breaks this claim.
    pub(super) fn of(claim: &'static str, why: impl Into<String>) -> Self {
        Self { why: why.into(), claim: Some(claim) }
    }

    /// No API server or component does this.
    pub(super) fn plain(why: impl Into<String>) -> Self {
        Self { why: why.into(), claim: None }
    }

    pub(super) fn about(self, event: &Event) -> Refusal {
        let claim = self.claim.map(str::to_owned);
        Refusal { seq: event.seq, event: event.clone(), why: self.why, claim }
    }
}

/// What a rule says of an event.
pub(super) type Allowed<T = ()> = Result<T, Denial>;

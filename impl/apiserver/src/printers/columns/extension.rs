//! The columns of kinds by which a cluster is extended.

use super::{AGE, Column, NAME};

pub(super) const WEBHOOKS: &[Column] =
    &[NAME, ("Webhooks", "integer", 0, "How many webhooks are called."), AGE];
pub(super) const VALIDATING_POLICY: &[Column] =
    &[NAME, ("Validations", "integer", 0, "How many expressions must hold."), PARAM_KIND, AGE];
pub(super) const MUTATING_POLICY: &[Column] =
    &[NAME, ("Mutations", "integer", 0, "How many changes are made."), PARAM_KIND, AGE];
const PARAM_KIND: Column =
    ("ParamKind", "string", 0, "The kind of the objects that parameterize the policy.");
pub(super) const POLICY_BINDING: &[Column] = &[
    NAME,
    ("PolicyName", "string", 0, "The policy that is put into effect."),
    ("ParamRef", "string", 0, "The objects that parameterize it."),
    AGE,
];
pub(super) const API_SERVICE: &[Column] = &[
    NAME,
    ("Service", "string", 0, "The Service whose servers answer, or Local."),
    ("Available", "string", 0, "Whether they can be asked."),
    AGE,
];
pub(super) const FLOW_SCHEMA: &[Column] = &[
    NAME,
    ("PriorityLevel", "string", 0, "The priority level of the requests."),
    ("MatchingPrecedence", "string", 0, "Schemas with lower numbers are looked at first."),
    ("DistinguisherMethod", "string", 0, "How the requests are told apart into flows."),
    AGE,
    ("MissingPL", "string", 0, "Whether the priority level does not exist."),
];
pub(super) const PRIORITY_LEVEL: &[Column] = &[
    NAME,
    ("Type", "string", 0, "Whether requests wait at all."),
    ("NominalConcurrencyShares", "string", 0, "The level's share of what is served at once."),
    ("Queues", "string", 0, "How many queues requests wait in."),
    ("HandSize", "string", 0, "How many of them a flow may use."),
    ("QueueLengthLimit", "string", 0, "How many requests may wait in one."),
    AGE,
];
pub(super) const NAME_AND_AGE: &[Column] = &[NAME, AGE];
pub(super) const RESOURCE_CLAIM: &[Column] =
    &[NAME, ("State", "string", 0, "Whether devices are allocated, and for whom."), AGE];
pub(super) const RESOURCE_SLICE: &[Column] = &[
    NAME,
    ("Node", "string", 0, "The node that the devices are on."),
    ("Driver", "string", 0, "The driver that offers them."),
    ("Pool", "string", 0, "The pool they belong to."),
    AGE,
];

//! PriorityLevelConfigurations: how many requests of a level are served at once, and how others wait.

use api::object::{object_at_mut, text};
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{Fields, below, default, default_int, get, int, or_null};
use super::super::kind_strategy::KindStrategy;
use super::{condition_causes, mandatory_cause};

const SHARES_DEFAULT: i64 = 30;
const QUEUES_DEFAULT: i64 = 64;
const QUEUES_MAX: i64 = 10_000_000;
const HAND_SIZE_DEFAULT: i64 = 8;
const QUEUE_LENGTH_LIMIT_DEFAULT: i64 = 50;
const ENTROPY_BITS_MAX: i64 = 60;
const TYPES: [&str; 2] = ["Exempt", "Limited"];
const RESPONSES: [&str; 2] = ["Queue", "Reject"];
const ONLY_IN_BETA: &str = "flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares";

/// The strategy of PriorityLevelConfigurations.
pub(in crate::strategy) struct PriorityLevelConfiguration;

impl KindStrategy for PriorityLevelConfiguration {
    fn apply_defaults(&self, level: &mut Value) {
        let spec = object_at_mut(level, "spec");
        if let Some(exempt) = below(spec, "exempt") {
            default_shares(exempt, 0);
        }
        if let Some(limited) = below(spec, "limited") {
            default_shares(limited, SHARES_DEFAULT);
            let queuing =
                below(limited, "limitResponse").and_then(|response| below(response, "queuing"));
            if let Some(queuing) = queuing {
                default_int(queuing, "queues", QUEUES_DEFAULT);
                default_int(queuing, "handSize", HAND_SIZE_DEFAULT);
                default_int(queuing, "queueLengthLimit", QUEUE_LENGTH_LIMIT_DEFAULT);
            }
        }
    }

    fn causes(&self, level: &Value) -> Vec<Cause> {
        let mut causes = vec![];
        if get(level, &["metadata", "annotations", ONLY_IN_BETA]).is_some() {
            let why = format!("annotation '{ONLY_IN_BETA}' is forbidden");
            causes.push(Cause::forbidden("metadata.annotations", &why));
        }
        causes.extend(spec_causes(level, or_null(level, &["spec"])));
        causes.extend(mandatory_cause(level));
        causes.extend(condition_causes(level));
        causes
    }

    fn status_causes(&self, level: &Value) -> Vec<Cause> {
        condition_causes(level)
    }
}

fn default_shares(fields: &mut Fields, shares: i64) {
    default(fields, "nominalConcurrencyShares", shares);
    default(fields, "lendablePercent", 0);
}

fn spec_causes(level: &Value, spec: &Value) -> Vec<Cause> {
    let (name, kind) = (text(level, &["metadata", "name"]), text(spec, &["type"]));
    let mut causes = vec![];
    if (name == "exempt") != (kind == "Exempt") {
        let rule = "must be 'Exempt' if and only if `name` is 'exempt'";
        causes.push(Cause::invalid("spec.type", &json!(kind), rule));
    }
    let (exempt, limited) = (get(spec, &["exempt"]), get(spec, &["limited"]));
    match (kind, exempt, limited) {
        ("Exempt", exempt, limited) => {
            if limited.is_some() {
                let why = "must be nil if the type is not Limited";
                causes.push(Cause::forbidden("spec.limited", why));
            }
            causes
                .extend(exempt.into_iter().flat_map(|exempt| share_causes("spec.exempt", exempt)));
        }
        ("Limited", exempt, limited) => {
            if exempt.is_some() {
                let why = "must be nil if the type is Limited";
                causes.push(Cause::forbidden("spec.exempt", why));
            }
            match limited {
                Some(limited) => causes.extend(limited_causes(limited)),
                None => {
                    let why = "must not be empty when type is Limited";
                    causes.push(Cause::required("spec.limited", why));
                }
            }
        }
        (other, _, _) => causes.push(Cause::not_supported("spec.type", &json!(other), &TYPES)),
    }
    causes
}

fn shares_cause(path: &str, fields: &Value) -> Option<Cause> {
    let shares = int(fields, &["nominalConcurrencyShares"]).filter(|shares| *shares < 0)?;
    let rule = "must be a non-negative integer";
    Some(Cause::invalid(format!("{path}.nominalConcurrencyShares"), &json!(shares), rule))
}

fn lendable_cause(path: &str, fields: &Value) -> Option<Cause> {
    let percent =
        int(fields, &["lendablePercent"]).filter(|percent| !(0..=100).contains(percent))?;
    let rule = "must be between 0 and 100, inclusive";
    Some(Cause::invalid(format!("{path}.lendablePercent"), &json!(percent), rule))
}

fn share_causes(path: &str, fields: &Value) -> Vec<Cause> {
    shares_cause(path, fields).into_iter().chain(lendable_cause(path, fields)).collect()
}

fn limited_causes(limited: &Value) -> Vec<Cause> {
    let path = "spec.limited";
    let mut causes: Vec<Cause> = shares_cause(path, limited).into_iter().collect();
    causes.extend(response_causes(or_null(limited, &["limitResponse"])));
    causes.extend(lendable_cause(path, limited));
    if let Some(percent) = int(limited, &["borrowingLimitPercent"]).filter(|percent| *percent < 0) {
        let rule = "if specified, must be a non-negative integer";
        causes.push(Cause::invalid(format!("{path}.borrowingLimitPercent"), &json!(percent), rule));
    }
    causes
}

fn response_causes(response: &Value) -> Vec<Cause> {
    let field = "spec.limited.limitResponse.queuing";
    match (text(response, &["type"]), get(response, &["queuing"])) {
        ("Reject", Some(_)) => {
            let why = "must be nil if limited.limitResponse.type is not Limited";
            vec![Cause::forbidden(field, why)]
        }
        ("Reject", None) => vec![],
        ("Queue", None) => {
            let why = "must not be empty if limited.limitResponse.type is Limited";
            vec![Cause::required(field, why)]
        }
        ("Queue", Some(queuing)) => queuing_causes(field, queuing),
        (other, _) => {
            let field = "spec.limited.limitResponse.type";
            vec![Cause::not_supported(field, &json!(other), &RESPONSES)]
        }
    }
}

fn queuing_causes(path: &str, queuing: &Value) -> Vec<Cause> {
    let number = |field: &str| int(queuing, &[field]).unwrap_or_default();
    let (queues, hand_size) = (number("queues"), number("handSize"));
    let invalid = |field: &str, rule: &str| {
        Cause::invalid(format!("{path}.{field}"), &json!(number(field)), rule)
    };
    let mut causes = vec![];
    if number("queueLengthLimit") <= 0 {
        causes.push(invalid("queueLengthLimit", "must be positive"));
    }
    if queues <= 0 {
        causes.push(invalid("queues", "must be positive"));
    } else if queues > QUEUES_MAX {
        causes.push(invalid("queues", &format!("must not be greater than {QUEUES_MAX}")));
    }
    if hand_size <= 0 {
        causes.push(invalid("handSize", "must be positive"));
    } else if hand_size > queues {
        let rule = format!("should not be greater than queues ({queues})");
        causes.push(invalid("handSize", &rule));
    } else if entropy_bits(queues, hand_size) > ENTROPY_BITS_MAX {
        let rule = format!(
            "required entropy bits of deckSize {queues} and handSize {hand_size} should not be greater than {ENTROPY_BITS_MAX}"
        );
        causes.push(invalid("handSize", &rule));
    }
    causes
}

/// How many bits of a hash choose a hand of queues.
fn entropy_bits(queues: i64, hand_size: i64) -> i64 {
    ((queues as f64).log2() * hand_size as f64).ceil() as i64
}

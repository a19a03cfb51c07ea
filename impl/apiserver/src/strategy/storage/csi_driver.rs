//! CSIDrivers.
//!
//! Source: `ValidateCSIDriver` and `SetDefaults_CSIDriver` (v1.36). `preventPodSchedulingIfMissing` is
//! behind a gate that is off.

use std::collections::BTreeSet;

use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{default, get, int, items, or_null};
use super::super::rules;

const FLAGS: [(&str, bool); 5] = [
    ("attachRequired", true),
    ("podInfoOnMount", false),
    ("storageCapacity", false),
    ("requiresRepublish", false),
    ("seLinuxMount", false),
];
const FS_GROUP_POLICIES: [&str; 3] = ["File", "None", "ReadWriteOnceWithFSType"];
const UPDATE_PERIOD: &str = "nodeAllocatableUpdatePeriodSeconds";
const TOKENS_IN_SECRETS: &str = "serviceAccountTokenInSecrets";
const EXPIRATION_SECONDS_MIN: i64 = 10 * 60;
const EXPIRATION_SECONDS_MAX: i64 = 1 << 32;

/// Fills in what its author left out.
pub(super) fn apply_defaults(driver: &mut Value) {
    let spec = api::object::object_at_mut(driver, "spec");
    spec.remove("preventPodSchedulingIfMissing");
    for (field, value) in FLAGS {
        default(spec, field, value);
    }
    default(spec, "fsGroupPolicy", "ReadWriteOnceWithFSType");
    let modes = spec.get("volumeLifecycleModes").and_then(Value::as_array);
    if modes.is_none_or(Vec::is_empty) {
        spec.insert("volumeLifecycleModes".to_owned(), json!(["Persistent"]));
    }
}

/// What it breaks, new or changed.
pub(super) fn causes(driver: &Value) -> Vec<Cause> {
    let spec = or_null(driver, &["spec"]);
    let policy = get(spec, &["fsGroupPolicy"]);
    let mut causes: Vec<Cause> =
        rules::one_of("spec.fsGroupPolicy".to_owned(), policy, &FS_GROUP_POLICIES, false)
            .into_iter()
            .collect();
    causes.extend(token_causes(items(spec, &["tokenRequests"])));
    causes.extend(mode_causes(items(spec, &["volumeLifecycleModes"])));
    if let Some(seconds) = int(spec, &[UPDATE_PERIOD]).filter(|seconds| *seconds < 10) {
        let rule = "must be greater than or equal to 10 seconds";
        causes.push(Cause::invalid(format!("spec.{UPDATE_PERIOD}"), &json!(seconds), rule));
    }
    causes.extend(secrets_cause(spec));
    causes
}

/// What a change of it breaks.
pub(super) fn update_causes(new: &Value, old: &Value) -> Vec<Cause> {
    // Upstream misspells the first field (v1.36, `ValidateCSIDriverUpdate`).
    let fields =
        [("attachedRequired", "attachRequired"), ("volumeLifecycleModes", "volumeLifecycleModes")];
    let changed = |(name, field): (&str, &'static str)| {
        let path = ["spec", field];
        rules::immutable(&format!("spec.{name}"), or_null(new, &path), or_null(old, &path))
    };
    fields.into_iter().filter_map(changed).collect()
}

fn token_causes(requests: &[Value]) -> Vec<Cause> {
    let mut audiences = BTreeSet::new();
    let mut causes = vec![];
    for (index, request) in requests.iter().enumerate() {
        let path = format!("spec.tokenRequests[{index}]");
        let audience = text(request, &["audience"]);
        if audiences.insert(audience) {
            causes.extend(expiration_cause(&path, request));
        } else {
            causes.push(Cause::duplicate(format!("{path}.audience"), &json!(audience)));
        }
    }
    causes
}

fn expiration_cause(path: &str, request: &Value) -> Option<Cause> {
    let seconds = int(request, &["expirationSeconds"])?;
    let rule = match seconds {
        ..EXPIRATION_SECONDS_MIN => "may not specify a duration less than 10 minutes",
        EXPIRATION_SECONDS_MIN..=EXPIRATION_SECONDS_MAX => return None,
        _ => "may not specify a duration larger than 2^32 seconds",
    };
    Some(Cause::invalid(format!("{path}.expirationSeconds"), &json!(seconds), rule))
}

fn mode_causes(modes: &[Value]) -> Vec<Cause> {
    let supported = ["Persistent", "Ephemeral"];
    let unknown =
        modes.iter().filter(|mode| !supported.contains(&mode.as_str().unwrap_or_default()));
    unknown
        .map(|mode| Cause::not_supported("spec.volumeLifecycleModes", mode, &supported))
        .collect()
}

fn secrets_cause(spec: &Value) -> Option<Cause> {
    let in_secrets = get(spec, &[TOKENS_IN_SECRETS])?;
    let rule = "serviceAccountTokenInSecrets is set but no tokenRequests are specified";
    items(spec, &["tokenRequests"])
        .is_empty()
        .then(|| Cause::invalid(format!("spec.{TOKENS_IN_SECRETS}"), in_secrets, rule))
}

//! VolumeAttachments.
//!
//! Source: `ValidateVolumeAttachment` (v1.36). Leaves out most rules of `inlineVolumeSpec`, which only
//! volumes migrated from in-tree plugins have.

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{entries, get, int, or_null, same};
use super::super::rules;
use super::driver_name_causes;

const VOLUME_NAME: &str = "spec.source.persistentVolumeName";
const METADATA_BYTES_MAX: usize = 256 * 1024;
const MESSAGE_LENGTH_MAX: usize = 1024;

/// A new attachment is not attached yet.
pub(super) fn prepare_for_create(attachment: &mut Value) {
    attachment["status"] = json!({"attached": false});
}

/// What it breaks, new or changed.
pub(super) fn causes(attachment: &Value) -> Vec<Cause> {
    let spec = or_null(attachment, &["spec"]);
    let mut causes = driver_name_causes("spec.attacher", text(spec, &["attacher"]));
    causes.extend(source_causes(or_null(spec, &["source"])));
    causes.extend(rules::named("spec.nodeName", text(spec, &["nodeName"]), names::dns_subdomain));
    causes.extend(status_causes(or_null(attachment, &["status"])));
    if let Some(name) = get(spec, &["source", "persistentVolumeName"]).and_then(Value::as_str) {
        causes.extend(rules::named(VOLUME_NAME, name, names::dns_subdomain));
    }
    causes
}

/// What a change of it breaks.
pub(super) fn update_causes(new: &Value, old: &Value) -> Vec<Cause> {
    let (new, old) = (or_null(new, &["spec"]), or_null(old, &["spec"]));
    let changed = !same(new, old);
    let shown = || internal_spec(new);
    changed.then(|| rules::invalid_struct("spec", &shown(), rules::IMMUTABLE)).into_iter().collect()
}

/// The Go struct, whose fields have no JSON names (v1.36, `pkg/apis/storage/types.go`).
fn internal_spec(spec: &Value) -> String {
    let (attacher, node) = (json!(text(spec, &["attacher"])), json!(text(spec, &["nodeName"])));
    let source = |field: &str| or_null(spec, &["source", field]);
    let (name, inline) = (source("persistentVolumeName"), source("inlineVolumeSpec"));
    format!(
        "{{\"Attacher\":{attacher},\"Source\":{{\"PersistentVolumeName\":{name},\"InlineVolumeSpec\":{inline}}},\"NodeName\":{node}}}"
    )
}

fn source_causes(source: &Value) -> Vec<Cause> {
    let rule = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
    let name = get(source, &["persistentVolumeName"]);
    let cause = match (get(source, &["inlineVolumeSpec"]), name) {
        (None, None) => Cause::required("spec.source", rule),
        (Some(_), Some(_)) => Cause::forbidden("spec.source", rule),
        (None, Some(name)) if name == "" => {
            Cause::required(VOLUME_NAME, "must specify non empty persistentVolumeName")
        }
        (Some(inline), None) if get(inline, &["csi"]).is_none() => Cause::required(
            "spec.source.inlineVolumeSpec.csi",
            "has to be specified in the context of inline volumes",
        ),
        (None, Some(_)) | (Some(_), None) => return vec![],
    };
    vec![cause]
}

fn status_causes(status: &Value) -> Vec<Cause> {
    let mut causes = vec![];
    let metadata = entries(status, &["attachmentMetadata"]);
    let bytes: usize =
        metadata.map(|(key, value)| key.len() + value.as_str().map_or(0, str::len)).sum();
    if bytes > METADATA_BYTES_MAX {
        causes.push(rules::too_long("status.attachmentMetadata", METADATA_BYTES_MAX));
    }
    for field in ["attachError", "detachError"] {
        causes.extend(error_causes(&format!("status.{field}"), or_null(status, &[field])));
    }
    causes
}

fn error_causes(path: &str, error: &Value) -> Vec<Cause> {
    let mut causes = vec![];
    if text(error, &["message"]).len() > MESSAGE_LENGTH_MAX {
        // Upstream names the limit of another field (v1.36, `validateVolumeError`).
        causes.push(rules::too_long(&format!("{path}.message"), METADATA_BYTES_MAX));
    }
    if let Some(code) = int(error, &["errorCode"]).filter(|code| *code < 0) {
        let field = format!("{path}.errorCode");
        causes.extend(rules::in_range(field, code, 0, i64::from(i32::MAX)));
    }
    causes
}

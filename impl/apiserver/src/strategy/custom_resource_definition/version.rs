//! The versions of a kind. What is the same in all of them, upstream tells as said once for all.

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{flag, get, items, or_null};
use super::schema;

const COLUMN_TYPES: [&str; 5] = ["boolean", "date", "integer", "number", "string"];
const COLUMN_FORMATS: [&str; 8] =
    ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];
const WARNING_BYTES_MAX: usize = 256;

/// What versions break, each and together.
pub(super) fn causes(versions: &[Value]) -> Vec<Cause> {
    let shared = Shared::of(versions);
    let mut causes = vec![];
    for (index, version) in versions.iter().enumerate() {
        if get(version, &["schema", "openAPIV3Schema"]).is_none() {
            let field = format!("spec.versions[{index}].schema.openAPIV3Schema");
            causes.push(Cause::required(field, ""));
        }
    }
    for (index, version) in versions.iter().enumerate() {
        causes.extend(version_causes(&format!("spec.versions[{index}]"), version, &shared));
    }
    causes.extend(list_causes(versions));
    // Upstream's internal type says the first version once more.
    causes.extend(versions.first().and_then(|first| name_cause("spec.version", first)));
    causes
}

fn name_cause(field: &str, version: &Value) -> Option<Cause> {
    let name = text(version, &["name"]);
    let errors = names::dns_1035_label(name);
    (!errors.is_empty()).then(|| Cause::invalid(field, &json!(name), &errors.join(",")))
}

/// Whether a schema of a version fills in what is left out.
pub(super) fn have_defaults(versions: &[Value]) -> bool {
    let mut schemas =
        versions.iter().map(|version| or_null(version, &["schema", "openAPIV3Schema"]));
    schemas.any(schema::has_defaults)
}

/// What breaks of what all versions have in common.
pub(super) fn shared_causes(versions: &[Value]) -> Vec<Cause> {
    let shared = Shared::of(versions);
    let Some(first) = versions.first() else { return vec![] };
    let mut causes = vec![];
    if shared.schema {
        let has_status = versions.iter().any(has_status);
        causes.extend(schema_causes("spec.validation", first, has_status));
    }
    if shared.subresources {
        causes.extend(subresource_causes("spec.subresources", first));
    }
    if shared.columns {
        causes.extend(columns_causes("spec.additionalPrinterColumns", first));
    }
    causes
}

/// What all versions say in the same words.
struct Shared {
    schema: bool,
    subresources: bool,
    columns: bool,
}

impl Shared {
    fn of(versions: &[Value]) -> Self {
        let is_shared = |field: &str| {
            let first = versions.first().map(|version| or_null(version, &[field]));
            first.is_some_and(|first| {
                !first.is_null()
                    && versions.iter().all(|version| or_null(version, &[field]) == first)
            })
        };
        Self {
            schema: is_shared("schema"),
            subresources: is_shared("subresources"),
            columns: is_shared("additionalPrinterColumns"),
        }
    }
}

fn version_causes(path: &str, version: &Value, shared: &Shared) -> Vec<Cause> {
    let mut causes: Vec<Cause> = name_cause(&format!("{path}.name"), version).into_iter().collect();
    causes.extend(warning_causes(&format!("{path}.deprecationWarning"), version));
    if !shared.schema {
        causes.extend(schema_causes(&format!("{path}.schema"), version, has_status(version)));
    }
    if !shared.subresources {
        causes.extend(subresource_causes(&format!("{path}.subresources"), version));
    }
    if !shared.columns {
        causes.extend(columns_causes(&format!("{path}.additionalPrinterColumns"), version));
    }
    causes
}

fn has_status(version: &Value) -> bool {
    get(version, &["subresources", "status"]).is_some()
}

fn list_causes(versions: &[Value]) -> Vec<Cause> {
    let invalid = |rule| Cause::invalid("spec.versions", &json!(versions), rule);
    let names: Vec<&str> = versions.iter().map(|version| text(version, &["name"])).collect();
    let mut causes = vec![];
    if names.iter().enumerate().any(|(index, name)| names[..index].contains(name)) {
        causes.push(invalid("must contain unique version names"));
    }
    if versions.iter().filter(|version| flag(version, &["storage"])).count() != 1 {
        causes.push(invalid("must have exactly one version marked as storage version"));
    }
    causes
}

fn warning_causes(field: &str, version: &Value) -> Vec<Cause> {
    let Some(warning) = get(version, &["deprecationWarning"]).and_then(Value::as_str) else {
        return vec![];
    };
    let invalid = |rule: &str| Cause::invalid(field, &json!(warning), rule);
    if !flag(version, &["deprecated"]) {
        return vec![invalid("can only be set for deprecated versions")];
    }
    let mut causes = vec![];
    if warning.len() > WARNING_BYTES_MAX {
        causes.push(invalid(&format!("must be <= {WARNING_BYTES_MAX} characters long")));
    }
    if warning.is_empty() {
        causes.push(invalid("must not be an empty string"));
    }
    if let Some((index, _)) = warning.char_indices().find(|(_, letter)| letter.is_control()) {
        let rule = format!(
            "must only contain printable UTF-8 characters; non-printable character found at index {index}"
        );
        causes.push(invalid(&rule));
    }
    causes
}

fn schema_causes(path: &str, version: &Value, has_status: bool) -> Vec<Cause> {
    let schema = get(version, &["schema", "openAPIV3Schema"]);
    schema.map_or_else(Vec::new, |schema| {
        schema::causes(&format!("{path}.openAPIV3Schema"), schema, has_status)
    })
}

fn columns_causes(path: &str, version: &Value) -> Vec<Cause> {
    let columns = items(version, &["additionalPrinterColumns"]).iter().enumerate();
    columns.flat_map(|(index, column)| column_causes(&format!("{path}[{index}]"), column)).collect()
}

fn column_causes(path: &str, column: &Value) -> Vec<Cause> {
    let of = |field| text(column, &[field]);
    let types = format!("must be one of {}", COLUMN_TYPES.join(","));
    let mut causes = vec![];
    if of("name").is_empty() {
        causes.push(Cause::required(format!("{path}.name"), ""));
    }
    match of("type") {
        "" => causes.push(Cause::required(format!("{path}.type"), &types)),
        known if COLUMN_TYPES.contains(&known) => {}
        other => causes.push(Cause::invalid(format!("{path}.type"), &json!(other), &types)),
    }
    let format = of("format");
    if !format.is_empty() && !COLUMN_FORMATS.contains(&format) {
        let rule = format!("must be one of {}", COLUMN_FORMATS.join(","));
        causes.push(Cause::invalid(format!("{path}.format"), &json!(format), &rule));
    }
    match of("jsonPath") {
        "" => causes.push(Cause::required(format!("{path}.JSONPath"), "")),
        json_path => causes.extend(path_cause(format!("{path}.JSONPath"), json_path)),
    }
    causes
}

fn path_cause(field: String, json_path: &str) -> Option<Cause> {
    let rule = "must be a simple json path starting with .";
    (!json_path.starts_with('.')).then(|| Cause::invalid(field, &json!(json_path), rule))
}

fn subresource_causes(path: &str, version: &Value) -> Vec<Cause> {
    let Some(scale) = get(version, &["subresources", "scale"]) else { return vec![] };
    let below = |field: &str, starts: &[&str], rule: &str| {
        let (name, json_path) = (format!("{path}.scale.{field}"), text(scale, &[field]));
        path_cause(name.clone(), json_path).or_else(|| {
            let fits = starts.iter().any(|start| json_path.starts_with(start));
            (!fits).then(|| Cause::invalid(name, &json!(json_path), rule))
        })
    };
    let mut causes = vec![];
    for (field, start, rule) in [
        ("specReplicasPath", ".spec.", "should be a json path under .spec"),
        ("statusReplicasPath", ".status.", "should be a json path under .status"),
    ] {
        if text(scale, &[field]).is_empty() {
            causes.push(Cause::required(format!("{path}.scale.{field}"), ""));
        } else {
            causes.extend(below(field, &[start], rule));
        }
    }
    if !text(scale, &["labelSelectorPath"]).is_empty() {
        let rule = "should be a json path under either .spec or .status";
        causes.extend(below("labelSelectorPath", &[".spec.", ".status."], rule));
    }
    causes
}

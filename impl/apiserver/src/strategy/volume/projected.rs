//! Files of the downward API, and volumes that put several sources together.
//!
//! Source: `validateDownwardAPIVolumeSource` and `validateProjectedVolumeSource` (v1.36). Left out: trust
//! bundles and certificates of pods.

use std::collections::BTreeSet;

use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::{key_to_path_causes, mode_cause, non_reserved};
use crate::strategy::field_ref;
use crate::strategy::fields::{get, int, items};

/// How long a token lives at least and at most, in seconds.
const TOKEN_SECONDS: (i64, i64) = (600, 1 << 32);

/// What a volume of the downward API breaks.
pub(super) fn downward_causes(path: &str, source: &Value) -> Vec<Cause> {
    let mode = mode_cause(format!("{path}.defaultMode"), source, "defaultMode");
    let mut causes: Vec<Cause> = mode.into_iter().collect();
    // Upstream does not say which file.
    for file in items(source, &["items"]) {
        causes.extend(downward_file_causes(path, file));
    }
    causes
}

fn downward_file_causes(path: &str, file: &Value) -> Vec<Cause> {
    let mut causes = vec![];
    let field = format!("{path}.path");
    let file_path = text(file, &["path"]);
    if file_path.is_empty() {
        causes.push(Cause::required(field.as_str(), ""));
    }
    causes.extend(non_reserved(&field, file_path));
    causes.extend(field_ref::file_causes(path, file));
    causes.extend(mode_cause(format!("{path}.mode"), file, "mode"));
    causes
}

/// What a projected volume breaks.
pub(super) fn causes(path: &str, volume: &Value) -> Vec<Cause> {
    let mode = mode_cause(format!("{path}.defaultMode"), volume, "defaultMode");
    let mut causes: Vec<Cause> = mode.into_iter().collect();
    let mut paths = BTreeSet::new();
    for (index, source) in items(volume, &["sources"]).iter().enumerate() {
        let source_path = format!("{path}.sources[{index}]");
        for kind in ["secret", "configMap"] {
            let Some(source) = get(source, &[kind]) else { continue };
            causes.extend(object_causes(
                (path, &format!("{source_path}.{kind}")),
                source,
                &mut paths,
            ));
        }
        for file in items(source, &["downwardAPI", "items"]) {
            causes.extend(downward_file_causes(&format!("{source_path}.downwardAPI"), file));
            let file_path = text(file, &["path"]);
            causes.extend(taken(path, file_path, file_path, &mut paths));
        }
        if let Some(token) = get(source, &["serviceAccountToken"]) {
            causes.extend(token_causes(path, &format!("{source_path}.serviceAccountToken"), token));
        }
        if source
            .as_object()
            .is_some_and(|kinds| kinds.values().filter(|kind| !kind.is_null()).count() > 1)
        {
            let rule = "may not specify more than 1 volume type per source";
            causes.push(Cause::forbidden(source_path, rule));
        }
    }
    causes
}

/// What the keys of a Secret or a ConfigMap as files break; the paths are the volume's and the source's.
fn object_causes<'a>(
    (volume_path, path): (&str, &str),
    source: &'a Value,
    paths: &mut BTreeSet<&'a str>,
) -> Vec<Cause> {
    let name = text(source, &["name"]);
    let mut causes = vec![];
    if name.is_empty() {
        causes.push(Cause::required(format!("{path}.name"), ""));
    }
    for (index, item) in items(source, &["items"]).iter().enumerate() {
        causes.extend(key_to_path_causes(&format!("{path}.items[{index}]"), item));
        causes.extend(taken(volume_path, name, text(item, &["path"]), paths));
    }
    causes
}

/// A path that another source has; upstream shows the name of a Secret or a ConfigMap instead of it.
fn taken<'a>(
    field: &str,
    shown: &str,
    path: &'a str,
    paths: &mut BTreeSet<&'a str>,
) -> Option<Cause> {
    let is_taken = !path.is_empty() && !paths.insert(path);
    is_taken.then(|| Cause::invalid(field, &json!(shown), "conflicting duplicate paths"))
}

/// What a token as a file breaks. Upstream tells of its path as if it were the volume's.
fn token_causes(volume_path: &str, path: &str, token: &Value) -> Vec<Cause> {
    let mut causes = vec![];
    let seconds = int(token, &["expirationSeconds"]).unwrap_or_default();
    let rule = match seconds {
        seconds if seconds < TOKEN_SECONDS.0 => {
            Some("may not specify a duration less than 10 minutes")
        }
        seconds if seconds > TOKEN_SECONDS.1 => {
            Some("may not specify a duration larger than 2^32 seconds")
        }
        _ => None,
    };
    let field = format!("{path}.expirationSeconds");
    causes.extend(rule.map(|rule| Cause::invalid(field, &json!(seconds), rule)));
    let field = format!("{volume_path}.path");
    match text(token, &["path"]) {
        "" => causes.push(Cause::required(field, "")),
        path => causes.extend(non_reserved(&field, path)),
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(causes: &[Cause]) -> Vec<String> {
        causes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn files_of_the_downward_api_hold_a_field_or_a_resource() {
        let name = json!({"apiVersion": "v1", "fieldPath": "metadata.name"});
        for (file, expected) in [
            (json!({"path": "a", "fieldRef": name}), vec![]),
            (
                json!({"path": "a"}),
                vec!["d: Required value: one of fieldRef and resourceFieldRef is required"],
            ),
            (
                json!({"path": "..a", "fieldRef": name, "resourceFieldRef": {}}),
                vec![
                    "d.path: Invalid value: \"..a\": must not start with '..'",
                    "d: Invalid value: \"resource\": fieldRef and resourceFieldRef can not be specified simultaneously",
                ],
            ),
            (
                json!({"resourceFieldRef": {"resource": "limits.cpu"}, "mode": 512}),
                vec![
                    "d.path: Required value",
                    "d.resourceFieldRef.containerName: Required value",
                    "d.mode: Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive",
                ],
            ),
        ] {
            assert_eq!(told(&downward_causes("d", &json!({"items": [file]}))), expected);
        }
    }

    #[test]
    fn sources_share_a_volume_without_sharing_a_path() {
        let map = |path| json!({"configMap": {"name": "m", "items": [{"key": "k", "path": path}]}});
        for (sources, expected) in [
            (json!([map("a"), map("b")]), vec![]),
            (
                json!([map("a"), map("a")]),
                vec!["p: Invalid value: \"m\": conflicting duplicate paths"],
            ),
            (json!([{"secret": {}}]), vec!["p.sources[0].secret.name: Required value"]),
            (
                json!([{"serviceAccountToken": {"expirationSeconds": 1}}]),
                vec![
                    "p.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 1: may not specify a duration less than 10 minutes",
                    "p.path: Required value",
                ],
            ),
            (
                json!([{"secret": {"name": "s"}, "configMap": {"name": "m"}}]),
                vec!["p.sources[0]: Forbidden: may not specify more than 1 volume type per source"],
            ),
        ] {
            assert_eq!(told(&causes("p", &json!({"sources": sources}))), expected);
        }
    }
}

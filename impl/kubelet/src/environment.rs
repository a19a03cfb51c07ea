//! A container's environment variables.
//!
//! Source: `makeEnvironmentVariables` of `pkg/kubelet/kubelet_pods.go` and the expansion of `$(NAME)`
//! (v1.36).

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{Container, EnvVarSource, Pod};

use crate::fields;
use crate::references::{self, Found, Kind};

/// The variables in order, or why the container cannot be configured. Others may refer to those of Services, and
/// replace them.
pub(crate) fn environment(
    pod: &Pod,
    (container, services): (&Container, &BTreeMap<String, String>),
    found: &Found,
    place: fields::Place<'_>,
) -> Result<Vec<(String, String)>, String> {
    let mut variables = BTreeMap::new();
    for from in container.env_from.iter().flatten() {
        let prefix = from.prefix.as_deref().unwrap_or_default();
        let config_map =
            from.config_map_ref.iter().map(|one| (Kind::ConfigMap, &one.name, one.optional));
        let secret = from.secret_ref.iter().map(|one| (Kind::Secret, &one.name, one.optional));
        for (kind, name, optional) in config_map.chain(secret) {
            let data = references::object(found, &(kind, name.clone()), optional == Some(true))?;
            for (key, value) in data.into_iter().flatten() {
                variables.insert(format!("{prefix}{key}"), text(value));
            }
        }
    }
    let mut ordered: Vec<(String, String)> = variables.clone().into_iter().collect();
    for variable in container.env.iter().flatten() {
        let value = match &variable.value_from {
            Some(source) => sourced(pod, source, (container, found), place)?,
            None => {
                let value = variable.value.as_deref().unwrap_or_default();
                Some(expand_with(value, |name| {
                    variables.get(name).or_else(|| services.get(name)).cloned()
                }))
            }
        };
        let Some(value) = value else { continue };
        variables.insert(variable.name.clone(), value.clone());
        ordered.retain(|(name, _)| *name != variable.name);
        ordered.push((variable.name.clone(), value));
    }
    let services = services.iter().filter(|(name, _)| !variables.contains_key(*name));
    ordered.extend(services.map(|(name, value)| (name.clone(), value.clone())));
    Ok(ordered)
}

fn sourced(
    pod: &Pod,
    source: &EnvVarSource,
    (container, found): (&Container, &Found),
    place: fields::Place<'_>,
) -> Result<Option<String>, String> {
    if let Some(selector) = &source.config_map_key_ref {
        let reference = (Kind::ConfigMap, selector.name.clone());
        let wanted = (reference, selector.key.as_str(), selector.optional == Some(true));
        return Ok(references::value(found, pod, wanted)?.map(|value| text(value)));
    }
    if let Some(selector) = &source.secret_key_ref {
        let reference = (Kind::Secret, selector.name.clone());
        let wanted = (reference, selector.key.as_str(), selector.optional == Some(true));
        return Ok(references::value(found, pod, wanted)?.map(|value| text(value)));
    }
    if let Some(field) = &source.field_ref {
        return fields::field(pod, &field.field_path, place).map(Some);
    }
    if let Some(resource) = &source.resource_field_ref {
        return fields::resource(pod, container, (resource, place.allocatable)).map(Some);
    }
    Ok(None)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Gives the mounts of a container their parts of volumes that depend on its variables (`subPathExpr`).
///
/// Source: `makeMounts` of `pkg/kubelet/kubelet_pods.go` (v1.36).
pub(crate) fn expand_sub_paths(
    container: &mut Container,
    variables: &BTreeMap<String, String>,
) -> Result<(), String> {
    for mount in container.volume_mounts.iter_mut().flatten() {
        let Some(expression) = mount.sub_path_expr.take().filter(|text| !text.is_empty()) else {
            continue;
        };
        let mut missing = BTreeSet::new();
        let path = expand_with(&expression, |name| {
            let value = variables.get(name).filter(|value| !value.is_empty());
            if value.is_none() {
                missing.insert(name.to_owned());
            }
            value.cloned()
        });
        if !missing.is_empty() {
            let missing: Vec<String> = missing.into_iter().collect();
            return Err(format!("missing value for {}", missing.join(", ")));
        }
        if path.starts_with('/') {
            return Err(format!("error SubPath `{path}` must not be an absolute path"));
        }
        if path.split('/').any(|part| part == "..") {
            return Err(format!("unable to provision SubPath `{path}`: must not contain '..'"));
        }
        mount.sub_path = Some(path);
    }
    Ok(())
}

/// Replaces `$(NAME)` by the variable of that name, if there is one; `$$` is a dollar.
pub(crate) fn expand(text: &str, variables: &BTreeMap<String, String>) -> String {
    expand_with(text, |name| variables.get(name).cloned())
}

fn expand_with(text: &str, mut value_of: impl FnMut(&str) -> Option<String>) -> String {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        rest = after;
        if let Some(after) = rest.strip_prefix('$') {
            expanded.push('$');
            rest = after;
        } else if let Some((name, after)) =
            rest.strip_prefix('(').and_then(|rest| rest.split_once(')'))
        {
            match value_of(name) {
                Some(value) => expanded.push_str(&value),
                None => expanded.push_str(&format!("$({name})")),
            }
            rest = after;
        } else {
            expanded.push('$');
        }
    }
    expanded.push_str(rest);
    expanded
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::Capacity;

    #[test]
    fn references_to_variables_are_expanded_and_others_stay() {
        let variables = BTreeMap::from([("A".to_owned(), "1".to_owned())]);

        let found = ["$(A)-$(B)", "$$(A)", "a$b", "$(A"].map(|text| expand(text, &variables));

        assert_eq!(found, ["1-$(B)", "$(A)", "a$b", "$(A"]);
    }

    #[test]
    fn variables_of_services_may_be_referred_to_and_are_replaced_by_others() {
        let env =
            json!([{"name": "URL", "value": "$(WEB_SERVICE_HOST)"}, {"name": "OWN", "value": "1"}]);
        let container: Container =
            serde_json::from_value(json!({"name": "c", "env": env})).unwrap();
        let services = [("OWN", "2"), ("WEB_SERVICE_HOST", "10.0.0.1")];
        let services = services.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let (pod, found) = (Pod::default(), Found::default());
        let capacity =
            Capacity { cpu_milli: 0, memory_bytes: 0, ephemeral_storage_bytes: 0, pods: 0 };
        let place = fields::Place { pod_ip: "", host_ip: "", allocatable: capacity };

        let found = environment(&pod, (&container, &services), &found, place).unwrap();

        let text: Vec<String> =
            found.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(text, ["URL=10.0.0.1", "OWN=1", "WEB_SERVICE_HOST=10.0.0.1"]);
    }

    #[test]
    fn a_part_of_a_volume_stays_below_it_and_needs_every_variable() {
        let variables = [("A", "a"), ("EMPTY", ""), ("UP", ".."), ("ROOT", "/x")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let part = |expression: &str| {
            let mount = json!({"name": "v", "mountPath": "/v", "subPathExpr": expression});
            let container = json!({"name": "c", "volumeMounts": [mount]});
            let mut container: Container = serde_json::from_value(container).unwrap();
            expand_sub_paths(&mut container, &variables)?;
            Ok(container.volume_mounts.unwrap_or_default()[0].sub_path.clone().unwrap_or_default())
        };

        let found = ["$(A)/b", "$(B)$(EMPTY)", "x/$(UP)", "$(ROOT)"].map(part);

        let errors = [
            "missing value for B, EMPTY",
            "unable to provision SubPath `x/..`: must not contain '..'",
            "error SubPath `/x` must not be an absolute path",
        ];
        assert_eq!(found[0], Ok("a/b".to_owned()));
        assert_eq!(found[1..], errors.map(|error| Err(error.to_owned())));
    }
}

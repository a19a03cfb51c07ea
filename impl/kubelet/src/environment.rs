//! A container's environment variables.
//!
//! Source: `makeEnvironmentVariables` of `pkg/kubelet/kubelet_pods.go` and the expansion of `$(NAME)`
//! (v1.36). Leaves out the variables of Services.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, EnvVarSource, Pod};

use crate::fields;
use crate::references::{self, Found, Kind};

/// The variables in order, or why the container cannot be configured.
pub(crate) fn environment(
    pod: &Pod,
    container: &Container,
    found: &Found,
    addresses: fields::Addresses<'_>,
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
            Some(source) => sourced(pod, source, (container, found), addresses)?,
            None => Some(expand(variable.value.as_deref().unwrap_or_default(), &variables)),
        };
        let Some(value) = value else { continue };
        variables.insert(variable.name.clone(), value.clone());
        ordered.retain(|(name, _)| *name != variable.name);
        ordered.push((variable.name.clone(), value));
    }
    Ok(ordered)
}

fn sourced(
    pod: &Pod,
    source: &EnvVarSource,
    (container, found): (&Container, &Found),
    addresses: fields::Addresses<'_>,
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
        return fields::field(pod, &field.field_path, addresses).map(Some);
    }
    if let Some(resource) = &source.resource_field_ref {
        return fields::resource(pod, container, resource).map(Some);
    }
    Ok(None)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Replaces `$(NAME)` by the variable of that name, if there is one; `$$` is a dollar.
pub(crate) fn expand(text: &str, variables: &BTreeMap<String, String>) -> String {
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
            match variables.get(name) {
                Some(value) => expanded.push_str(value),
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
    use super::*;

    #[test]
    fn references_to_variables_are_expanded_and_others_stay() {
        let variables = BTreeMap::from([("A".to_owned(), "1".to_owned())]);

        let found = ["$(A)-$(B)", "$$(A)", "a$b", "$(A"].map(|text| expand(text, &variables));

        assert_eq!(found, ["1-$(B)", "$(A)", "a$b", "$(A"]);
    }
}

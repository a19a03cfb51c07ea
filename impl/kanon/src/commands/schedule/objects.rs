//! Objects in a file: documents of YAML or JSON, and Lists.
//!
//! What the API server would put in is put in where the scheduler reads it: a limit is a request where there is none,
//! and what a node has is what it can give. Names of priority classes mean nothing here; priorities do.

use std::path::Path;

use api::{AnyObject, ApiResource, decode, resources};
use serde_json::{Value, json};

use crate::failure::{Failure, While};

/// The objects in a file, which must be of some of these resources.
pub(super) fn read(
    file: &Path,
    allowed: &[&'static ApiResource],
) -> Result<Vec<AnyObject>, Failure> {
    let text = std::fs::read_to_string(file).while_doing(file.display())?;
    let mut objects = vec![];
    for (index, document) in documents(&text).into_iter().enumerate() {
        let found = of_document(document, allowed)
            .map_err(|why| why.lines().map(str::trim).collect::<Vec<_>>().join(" "))
            .while_doing(format!("{}: document {}", file.display(), index + 1))?;
        objects.extend(found);
    }
    if objects.is_empty() {
        return Err(Failure::cannot(format!("{}: there is nothing in it", file.display())));
    }
    Ok(objects)
}

/// The documents of a file, which `---` separates.
fn documents(text: &str) -> Vec<&str> {
    let (mut documents, mut start, mut end) = (vec![], 0, 0);
    for line in text.split_inclusive('\n') {
        if line.trim_end() == "---" || line.starts_with("--- ") {
            documents.push(&text[start..end]);
            start = end + line.len();
        }
        end += line.len();
    }
    documents.push(&text[start..]);
    if documents.first().is_some_and(|first| is_empty(first)) {
        documents.remove(0);
    }
    documents
}

fn is_empty(document: &str) -> bool {
    document.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
}

fn of_document(document: &str, allowed: &[&'static ApiResource]) -> Result<Vec<AnyObject>, String> {
    if is_empty(document) {
        return Ok(vec![]);
    }
    let parsed = match document.trim_start().starts_with('{') {
        true => decode::parse_json(document.as_bytes()),
        false => decode::parse_yaml(document.as_bytes()),
    };
    let parsed = parsed.map_err(|error| error.to_string())?;
    if let Some(duplicate) = parsed.duplicates.first() {
        return Err(duplicate.clone());
    }
    let kind = parsed.value["kind"].as_str().unwrap_or_default();
    match parsed.value["items"].as_array() {
        Some(items) if kind.ends_with("List") => {
            let of_item = kind.strip_suffix("List").filter(|kind| !kind.is_empty());
            let item = |(index, item): (usize, &Value)| {
                let mut item = item.clone();
                if let (Some(kind), true) = (of_item, item["kind"].is_null()) {
                    item["kind"] = json!(kind);
                    item["apiVersion"] = parsed.value["apiVersion"].clone();
                }
                object(item, allowed).map_err(|why| format!("items[{index}]: {why}"))
            };
            items.iter().enumerate().map(item).collect()
        }
        Some(_) | None => object(parsed.value, allowed).map(|object| vec![object]),
    }
}

fn object(mut value: Value, allowed: &[&'static ApiResource]) -> Result<AnyObject, String> {
    let text = |field: &str| value[field].as_str().unwrap_or_default();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    if kind.is_empty() {
        return Err("Object 'Kind' is missing".to_owned());
    }
    let resource = allowed
        .iter()
        .find(|one| one.kind == kind && one.api_version() == api_version)
        .ok_or_else(|| format!("no kind \"{kind}\" of version \"{api_version}\" belongs here"))?;
    complete(&mut value, resource);
    let decoded = decode::object(resource, value).map_err(|error| error.to_string())?;
    if let Some(error) = decoded.strict_error(&[]) {
        return Err(error);
    }
    if decoded.object["metadata"]["name"].as_str().unwrap_or_default().is_empty() {
        return Err("metadata.name: Required value".to_owned());
    }
    AnyObject::decode(resource, decoded.object.to_string().as_bytes())
        .map_err(|error| error.to_string())
}

/// Puts in what the API server would.
fn complete(value: &mut Value, resource: &ApiResource) {
    let name = value["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    if !value["metadata"].is_object() {
        return;
    }
    if value["metadata"]["namespace"].is_null() && resource.namespaced {
        value["metadata"]["namespace"] = json!("default");
    }
    if value["metadata"]["uid"].is_null() {
        let namespace = value["metadata"]["namespace"].as_str().unwrap_or_default();
        value["metadata"]["uid"] = json!(format!("{}/{namespace}/{name}", resource.plural));
    }
    if *resource == resources::NODES && value["status"]["allocatable"].is_null() {
        let capacity = value["status"]["capacity"].clone();
        if capacity.is_object() {
            value["status"]["allocatable"] = capacity;
        }
    }
    if *resource == resources::PODS {
        for list in ["containers", "initContainers"] {
            let containers = value["spec"][list].as_array_mut();
            containers.into_iter().flatten().for_each(requests_from_limits);
        }
    }
}

fn requests_from_limits(container: &mut Value) {
    let Some(limits) = container["resources"]["limits"].as_object().cloned() else { return };
    for (name, limit) in limits {
        if container["resources"]["requests"][&name].is_null() {
            container["resources"]["requests"][&name] = limit;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [&ApiResource; 2] = [&resources::PODS, &resources::NODES];

    fn names(text: &str) -> Result<Vec<String>, String> {
        let mut names = vec![];
        for (index, document) in documents(text).into_iter().enumerate() {
            let objects =
                of_document(document, &BOTH).map_err(|why| format!("{}: {why}", index + 1))?;
            names.extend(objects.iter().map(|object| object.key().to_string()));
        }
        Ok(names)
    }

    #[test]
    fn documents_and_lists_hold_objects() {
        let text = "---\n# a comment\n---\nkind: Pod\napiVersion: v1\nmetadata: {name: a, namespace: ns}\n---\n\
                    kind: List\napiVersion: v1\nitems:\n- {kind: Node, apiVersion: v1, metadata: {name: b}}\n--- \n\
                    kind: PodList\napiVersion: v1\nitems: [{metadata: {name: c}}]\n";

        assert_eq!(names(text).unwrap(), ["ns/a", "b", "default/c"]);
    }

    #[test]
    fn what_is_wrong_is_told_with_the_number_of_its_document() {
        let pod = "kind: Pod\napiVersion: v1\nmetadata: {name: a}\n";
        for (second, expected) in [
            ("kind: Pod", "2: no kind \"Pod\" of version \"\" belongs here"),
            ("a: b", "2: Object 'Kind' is missing"),
            ("kind: Pod\napiVersion: v1\nmetadata: {}", "2: metadata.name: Required value"),
            (
                "kind: Pod\napiVersion: v1\nmetadata: {name: a}\nspec: {foo: 1}",
                "2: strict decoding error: unknown field \"spec.foo\"",
            ),
            (
                "kind: List\napiVersion: v1\nitems: [{kind: Secret, apiVersion: v1}]",
                "2: items[0]: no kind \"Secret\" of version \"v1\" belongs here",
            ),
        ] {
            assert_eq!(names(&format!("{pod}---\n{second}")).unwrap_err(), expected);
        }
        assert!(
            names("kind: [").unwrap_err().starts_with("1: error converting YAML to JSON: yaml:")
        );
    }

    #[test]
    fn a_limit_is_a_request_where_there_is_none() {
        let limits = json!({"cpu": "2", "memory": "1Gi"});
        let container = json!({"resources": {"limits": limits, "requests": {"cpu": "1"}}});
        let mut pod = json!({"metadata": {"name": "a"}, "spec": {"containers": [container]}});

        complete(&mut pod, &resources::PODS);

        let requests = &pod["spec"]["containers"][0]["resources"]["requests"];
        assert_eq!(*requests, json!({"cpu": "1", "memory": "1Gi"}));
    }
}

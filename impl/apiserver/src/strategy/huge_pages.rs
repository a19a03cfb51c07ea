//! Huge pages, which are asked for in whole pages and beside cpu or memory.
//!
//! Source: `validateResourceRequirements`, `validateResourceQuantityHugePageValue` (v1.36) and
//! `usesIndivisibleHugePagesValues` in pkg/api/pod/util.go.

use api::quantity::Quantity;
use api::status::Cause;
use serde_json::{Value, json};

use super::fields::{entries, get, items, or_null};
use super::resource_names::HUGE_PAGES;

const LISTS: [&str; 2] = ["limits", "requests"];

/// What requirements break that ask for huge pages.
pub(super) fn causes(path: &str, resources: &Value) -> Option<Cause> {
    let all = || LISTS.iter().flat_map(|list| entries(resources, &[list])).map(|(name, _)| name);
    let has_huge_pages = all().any(|name| name.starts_with(HUGE_PAGES));
    let is_alone = !all().any(|name| matches!(name, "cpu" | "memory"));
    (has_huge_pages && is_alone).then(|| Cause::forbidden(path, "HugePages require cpu or memory"))
}

/// What requirements break that ask for a part of a page.
pub(super) fn size_causes(path: &str, resources: &Value) -> Vec<Cause> {
    let mut causes = vec![];
    for list in LISTS {
        for (name, value) in entries(resources, &[list]) {
            let Some(size) = name.strip_prefix(HUGE_PAGES) else { continue };
            let Ok(quantity) = Quantity::from_value(value) else { continue };
            if !is_multiple(quantity, size) {
                let rule = format!("{quantity} is not positive integer multiple of {name}");
                let field = format!("{path}.{list}[{name}]");
                causes.push(Cause::invalid(field, &json!(quantity.to_string()), &rule));
            }
        }
    }
    causes
}

/// Whether a pod spec has such parts: it was made before they were refused.
pub(super) fn are_in_parts(spec: &Value) -> bool {
    let lists = ["initContainers", "containers", "ephemeralContainers"].iter();
    let mut containers = lists.flat_map(|list| items(spec, &[list]));
    let has_parts = |resources: &Value| !size_causes("", resources).is_empty();
    containers.any(|container| has_parts(or_null(container, &["resources"])))
        || get(spec, &["overhead"]).is_some_and(|overhead| has_parts(&json!({"limits": overhead})))
}

fn is_multiple(quantity: Quantity, size: &str) -> bool {
    Quantity::parse(size).is_ok_and(|size| {
        size > Quantity::ZERO && size.milli() % 1000 == 0 && quantity.value() % size.value() == 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn huge_pages_are_whole_and_not_alone() {
        let limits = |limits: Value| json!({"limits": limits});
        let table = [
            (limits(json!({"cpu": "1", "hugepages-2Mi": "4Mi"})), ""),
            (
                limits(json!({"hugepages-2Mi": "4Mi"})),
                "r: Forbidden: HugePages require cpu or memory",
            ),
            (
                limits(json!({"cpu": "1", "hugepages-2Mi": "3Mi"})),
                "r.limits[hugepages-2Mi]: Invalid value: \"3Mi\": 3Mi is not positive integer multiple of hugepages-2Mi",
            ),
        ];
        for (resources, expected) in table {
            let mut told = size_causes("r", &resources);
            told.extend(causes("r", &resources));
            let told: Vec<String> = told.iter().map(ToString::to_string).collect();
            assert_eq!(told.join("\n"), expected, "{resources}");
        }
    }

    #[test]
    fn parts_of_pages_are_found_in_a_spec() {
        let spec = |amount: &str| json!({"containers": [{"resources": {"limits": {"hugepages-2Mi": amount}}}]});

        assert!(are_in_parts(&spec("1Mi")));
        assert!(!are_in_parts(&spec("2Mi")));
    }
}

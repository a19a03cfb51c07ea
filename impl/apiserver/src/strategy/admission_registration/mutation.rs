//! What a MutatingAdmissionPolicy changes.

use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::get;
use super::expressions;

/// The types of patches and the fields that hold them.
const PATCHES: [(&str, &str); 2] =
    [("ApplyConfiguration", "applyConfiguration"), ("JSONPatch", "jsonPatch")];

/// What the mutations of a policy break.
pub(super) fn causes(path: &str, mutations: &[Value]) -> Vec<Cause> {
    if mutations.is_empty() {
        return vec![Cause::required(path, "mutations must contain at least one item")];
    }
    let each = mutations.iter().enumerate();
    each.flat_map(|(index, mutation)| one(&format!("{path}[{index}]"), mutation)).collect()
}

fn one(path: &str, mutation: &Value) -> Vec<Cause> {
    let patch_type = text(mutation, &["patchType"]);
    if patch_type.is_empty() {
        return vec![Cause::required(format!("{path}.patchType"), "")];
    }
    let Some((_, own)) = PATCHES.iter().find(|(kind, _)| *kind == patch_type) else {
        let field = format!("{path}.patchType");
        return vec![Cause::not_supported(
            field,
            &json!(patch_type),
            &PATCHES.map(|(kind, _)| kind),
        )];
    };
    let field = format!("{path}.{own}");
    let mut causes: Vec<Cause> = match get(mutation, &[own]) {
        Some(patch) => expressions::required(&field, patch, "expression", "").into_iter().collect(),
        None => {
            let why = format!("must be specified when patchType is {patch_type}");
            vec![Cause::required(field, &why)]
        }
    };
    let others = PATCHES
        .iter()
        .filter(|(kind, field)| *kind != patch_type && get(mutation, &[field]).is_some());
    causes.extend(others.map(|(_, field)| {
        let rule = format!("must not be specified when patchType is {patch_type}");
        Cause::invalid(format!("{path}.{field}"), &json!(format!("{{{field}}}")), &rule)
    }));
    causes
}

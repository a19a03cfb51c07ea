//! `get` and `conditions`: what the API server shows.

use api::object::at;
use serde_json::Value;

use crate::sim::scenario::command::{Form, Get};
use crate::sim::scenario::field::{Path, plain};
use crate::sim::scenario::kubectl::shown;
use crate::sim::scenario::table::{aligned, list, rows};
use crate::sim::scenario::words::Object;
use crate::sim::world::World;

impl World<'_> {
    /// Shows objects.
    pub(super) fn get(&mut self, get: &Get) -> String {
        let mut path = get.resource.path(get.namespace.as_deref());
        if !get.name.is_empty() {
            path = format!("{path}/{}", get.name);
        }
        let is_table = matches!(get.form, Form::Table { .. });
        let answer = self.read(path, &get.selector, is_table);
        shown(answer, |found| match &get.form {
            Form::Table { is_wide } => {
                let has_namespaces = get.resource.namespaced && get.namespace.is_none();
                some(get, &rows(found, *is_wide, has_namespaces))
            }
            Form::Columns { columns, sorted_by } => {
                some(get, &columned(found, columns, sorted_by.as_ref()))
            }
            Form::Part(path) => part(found, path),
        })
    }

    /// Shows the conditions of an object.
    pub(super) fn conditions(&mut self, of: &Object) -> String {
        let answer = self.read(of.path(), "", false);
        shown(answer, |object| {
            let head = ["TYPE", "STATUS", "REASON", "MESSAGE"].map(str::to_owned).to_vec();
            let row = |condition: &Value| {
                let fields = ["type", "status", "reason", "message"];
                fields.map(|field| condition.get(field).map(plain).unwrap_or_default()).to_vec()
            };
            let conditions = at(object, &["status", "conditions"]).map_or(&[][..], list);
            let rows: Vec<_> = std::iter::once(head).chain(conditions.iter().map(row)).collect();
            aligned(&rows)
        })
    }
}

/// The rows, if there are any below the names of the columns.
fn some(get: &Get, rows: &[Vec<String>]) -> String {
    match (rows.len(), &get.namespace) {
        (0 | 1, Some(namespace)) => format!("No resources found in {namespace} namespace."),
        (0 | 1, None) => "No resources found".to_owned(),
        _ => aligned(rows),
    }
}

fn columned(
    found: &Value,
    columns: &[(String, Path)],
    sorted_by: Option<&Path>,
) -> Vec<Vec<String>> {
    let one = std::slice::from_ref(found);
    let mut objects: Vec<&Value> = found.get("items").map_or(one, list).iter().collect();
    objects.sort_by_key(|object| sorted_by.map(|path| path.text(object)));
    let row = |object: &Value| columns.iter().map(|(_, path)| path.text(object)).collect();
    let head = columns.iter().map(|(head, _)| head.clone()).collect();
    std::iter::once(head).chain(objects.into_iter().map(row)).collect()
}

fn part(found: &Value, path: &Path) -> String {
    let yaml = |value: &Value| match value {
        Value::Object(_) | Value::Array(_) => api::yaml::encode(value).unwrap_or_default(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => plain(value),
    };
    match path.values(found).as_slice() {
        [] => "<none>".to_owned(),
        values => values
            .iter()
            .map(|value| yaml(value).trim_end().to_owned())
            .collect::<Vec<_>>()
            .join("\n"),
    }
}

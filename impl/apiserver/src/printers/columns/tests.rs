//! Tests of every kind's columns, against those of upstream in `tests/columns.txt`.

use api::{ApiResource, resources};
use serde_json::Value;

use super::columns;
use crate::strategy::SCALE;

const GOLDEN: &str = include_str!("../../../tests/columns.txt");

#[test]
fn every_kind_has_upstreams_columns() {
    let listed = |resource: &&ApiResource| {
        let is_stored = crate::version::of(resource).is_some() || resource.is_stored;
        is_stored || resources::PROBED.contains(resource)
    };
    let mut kinds: Vec<&ApiResource> = resources::served().filter(listed).collect();
    kinds.push(&SCALE);
    let mut told: Vec<String> = kinds.into_iter().map(told).collect();
    told.sort();

    let mut golden: Vec<String> = vec![];
    for line in GOLDEN.lines().filter(|line| !line.starts_with('#')) {
        match golden.last_mut() {
            Some(kind) if line.starts_with(' ') => *kind += &format!("\n{line}"),
            Some(_) | None => golden.push(line.to_owned()),
        }
    }

    let others = |of: &[String], than: &[String]| -> Vec<String> {
        of.iter().filter(|kind| !than.contains(kind)).cloned().collect()
    };
    assert_eq!(others(&told, &golden), others(&golden, &told), "ours, and upstream's");
}

/// A kind and its columns, each on a line of its own.
fn told(resource: &ApiResource) -> String {
    let columns = columns(resource);
    let lines = columns.as_array().unwrap().iter().map(|column| {
        let text = |field: &str| column[field].as_str().unwrap_or_default();
        let format = match text("format") {
            "" => String::new(),
            format => format!(", {format}"),
        };
        let priority = column["priority"].as_i64().unwrap();
        assert_ne!(column["description"], Value::from(""), "{} is described", text("name"));
        format!("\n    {}, {}, {priority}{format}", text("name"), text("type"))
    });
    let head = format!("{} {}", resource.kind, resource.api_version());
    std::iter::once(head).chain(lines).collect()
}

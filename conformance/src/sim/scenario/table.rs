//! Tables as kubectl prints them: columns as wide as what stands in them, three spaces apart.
//!
//! Source: `staging/src/k8s.io/cli-runtime/pkg/printers/tabwriter.go`, v1.36. No line ends in spaces here.

use serde_json::Value;

use crate::sim::scenario::field::plain;

/// The least width of a column, with the spaces after it.
const MIN_WIDTH: usize = 6;
const PADDING: usize = 3;

/// The text of some rows; the first has the names of the columns.
pub(super) fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let widths = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        (widths.max().unwrap_or(0) + PADDING).max(MIN_WIDTH)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<String>().trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The rows of a `Table` of the API server.
pub(super) fn rows(table: &Value, is_wide: bool, has_namespaces: bool) -> Vec<Vec<String>> {
    let columns = list(&table["columnDefinitions"]);
    let shown: Vec<usize> =
        (0..columns.len()).filter(|index| is_wide || columns[*index]["priority"] == 0).collect();
    let names = shown.iter().map(|index| plain(&columns[*index]["name"]).to_uppercase());
    let head = has_namespaces.then(|| "NAMESPACE".to_owned()).into_iter().chain(names).collect();
    let row = |row: &Value| {
        let namespace = plain(&row["object"]["metadata"]["namespace"]);
        let cells = shown.iter().map(|index| plain(&row["cells"][index]));
        has_namespaces.then_some(namespace).into_iter().chain(cells).collect()
    };
    std::iter::once(head).chain(list(&table["rows"]).iter().map(row)).collect()
}

/// The items of a list.
pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

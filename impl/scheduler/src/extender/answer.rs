//! What extenders say. As in Go, it does not matter whether names of fields are written large.

use std::collections::{BTreeMap, BTreeSet};

use api::decode::go_name;
use serde_json::Value;

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Which nodes are feasible.
    Nodes(FilterAnswer),
    /// How good nodes are, 0 to 10.
    Scores(BTreeMap<String, i64>),
    /// Who may go, by nodes.
    Victims(BTreeMap<String, MetaVictims>),
    /// A pod is bound.
    Bound,
}

/// Which nodes are feasible, and why others are not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilterAnswer {
    /// These are.
    pub feasible: BTreeSet<String>,
    /// These are not, for these reasons.
    pub failed: BTreeMap<String, String>,
    /// These are not, whatever other pods do.
    pub unresolvable: BTreeMap<String, String>,
}

/// Who may go from a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetaVictims {
    /// Their uids.
    pub uids: Vec<String>,
    /// How many of them a PodDisruptionBudget protects.
    pub violations: usize,
}

/// A field; null is the same as absence.
fn field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let fields = value.as_object()?;
    let found = fields.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value).filter(|value| !value.is_null())
}

fn mismatch(value: &Value, expected: &str) -> String {
    format!("json: cannot unmarshal {} into Go value of type {expected}", go_name(value))
}

fn object<'a>(value: &'a Value, expected: &str) -> Result<&'a Value, String> {
    if value.is_object() { Ok(value) } else { Err(mismatch(value, expected)) }
}

fn list<'a>(value: &'a Value, expected: &str) -> Result<&'a Vec<Value>, String> {
    value.as_array().ok_or_else(|| mismatch(value, expected))
}

fn text(value: &Value) -> Result<String, String> {
    value.as_str().map(str::to_owned).ok_or_else(|| mismatch(value, "string"))
}

fn texts(value: Option<&Value>) -> Result<BTreeMap<String, String>, String> {
    let Some(value) = value else { return Ok(BTreeMap::new()) };
    let fields = value.as_object().ok_or_else(|| mismatch(value, "v1.FailedNodesMap"))?;
    fields.iter().map(|(name, value)| Ok((name.clone(), text(value)?))).collect()
}

/// The error that an answer tells, if it tells one.
pub(super) fn error(value: &Value) -> Result<(), String> {
    let value = object(value, "v1.ExtenderBindingResult")?;
    match field(value, "Error").map(text).transpose()?.unwrap_or_default() {
        error if error.is_empty() => Ok(()),
        error => Err(error),
    }
}

/// Which nodes are feasible of those that were asked about.
pub(super) fn filter(
    value: &Value,
    (url, verb): (&str, &str),
    asked: &BTreeSet<String>,
) -> Result<FilterAnswer, String> {
    let value = object(value, "v1.ExtenderFilterResult")?;
    error(value)?;
    let mut feasible = BTreeSet::new();
    if let Some(names) = field(value, "NodeNames") {
        feasible = list(names, "[]string")?.iter().map(text).collect::<Result<_, _>>()?;
    } else if let Some(nodes) = field(value, "Nodes") {
        let items = field(nodes, "items").map(|items| list(items, "[]v1.Node")).transpose()?;
        let name = |node: &Value| text(&node["metadata"]["name"]);
        feasible = items.into_iter().flatten().map(name).collect::<Result<_, _>>()?;
    }
    if let Some(stranger) = feasible.difference(asked).next() {
        let prefix = url.strip_suffix(verb).unwrap_or(url).trim_end_matches('/');
        return Err(format!(
            "extender \"{prefix}\" claims a filtered node \"{stranger}\" which is not found in the \
             input node list"
        ));
    }
    Ok(FilterAnswer {
        feasible,
        failed: texts(field(value, "FailedNodes"))?,
        unresolvable: texts(field(value, "FailedAndUnresolvableNodes"))?,
    })
}

/// How good nodes are.
pub(super) fn scores(value: &Value) -> Result<BTreeMap<String, i64>, String> {
    let mut scores = BTreeMap::new();
    for priority in list(value, "v1.HostPriorityList")? {
        let priority = object(priority, "v1.HostPriority")?;
        let host = field(priority, "Host").map(text).transpose()?.unwrap_or_default();
        let score = field(priority, "Score")
            .map(|score| score.as_i64().ok_or_else(|| mismatch(score, "int64")));
        *scores.entry(host).or_default() += score.transpose()?.unwrap_or_default();
    }
    Ok(scores)
}

/// Who may go.
pub(super) fn victims(value: &Value) -> Result<BTreeMap<String, MetaVictims>, String> {
    let value = object(value, "v1.ExtenderPreemptionResult")?;
    let Some(nodes) = field(value, "NodeNameToMetaVictims") else { return Ok(BTreeMap::new()) };
    let nodes = nodes.as_object().ok_or_else(|| mismatch(nodes, "map[string]*v1.MetaVictims"))?;
    nodes.iter().map(|(node, victims)| Ok((node.clone(), of_node(victims)?))).collect()
}

fn of_node(victims: &Value) -> Result<MetaVictims, String> {
    let pods = field(victims, "Pods").map(|pods| list(pods, "[]*v1.MetaPod")).transpose()?;
    let uid = |pod: &Value| field(pod, "UID").map(text).transpose().map(Option::unwrap_or_default);
    let uids = pods.into_iter().flatten().map(uid).collect::<Result<_, _>>()?;
    let violations = field(victims, "NumPDBViolations").and_then(Value::as_u64).unwrap_or_default();
    Ok(MetaVictims { uids, violations: usize::try_from(violations).unwrap_or(usize::MAX) })
}

//! Which objects a quota is about: those that all of its scopes cover.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{claims, pods};
use crate::kind::{ApiResource, resources};
use crate::object::{at, text};
use crate::selector::{Operator, Requirement};

/// One scope of a quota.
#[derive(Clone, Debug)]
pub struct Scope {
    /// `Terminating`, `PriorityClass` …
    pub name: String,
    /// How the name of a class is compared.
    requirement: Option<Requirement>,
}

/// The scopes of a quota, those of its selector too.
pub fn scopes(quota: &Value) -> Vec<Scope> {
    let list = |path: &[&str]| at(quota, path).and_then(Value::as_array).into_iter().flatten();
    let plain = list(&["spec", "scopes"]).filter_map(Value::as_str);
    let selected = list(&["spec", "scopeSelector", "matchExpressions"]);
    plain.map(Scope::exists).chain(selected.map(Scope::of_expression)).collect()
}

impl Scope {
    fn exists(name: &str) -> Self {
        let requirement = Requirement::new(name, Operator::Exists, BTreeSet::new()).ok();
        Self { name: name.to_owned(), requirement }
    }

    fn of_expression(expression: &Value) -> Self {
        let name = text(expression, &["scopeName"]);
        let values = expression["values"].as_array().into_iter().flatten();
        let values = values.filter_map(Value::as_str).map(str::to_owned).collect();
        let operator = Operator::of_expression(text(expression, &["operator"]));
        let requirement = operator.and_then(|operator| Requirement::new(name, operator, values));
        Self { name: name.to_owned(), requirement: requirement.ok() }
    }

    /// Whether an object is under it. Of most kinds none is under any.
    pub fn covers(&self, resource: &ApiResource, object: &Value) -> bool {
        if resource == &resources::PODS {
            pods::is_under(self, object)
        } else if resource == &resources::PERSISTENT_VOLUME_CLAIMS {
            claims::is_under(self, object)
        } else {
            false
        }
    }

    /// Whether one of these names of classes, or that there is none, is what it selects.
    pub(super) fn selects(&self, classes: &[&str]) -> bool {
        self.requirement.as_ref().is_some_and(|requirement| match classes {
            [] => requirement.matches(None),
            classes => classes.iter().any(|class| requirement.matches(Some(class))),
        })
    }
}

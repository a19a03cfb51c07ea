//! Label selectors and field selectors: which objects a list, a watch, a controller or a Service means.
//!
//! Source: `apimachinery/pkg/labels`, `pkg/fields` and `LabelSelectorAsSelector` (v1.36).

mod field;
mod parser;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
use serde_json::Value;

use crate::names;

pub use field::{FieldRequirement, FieldSelector};

/// How a requirement compares the value of a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// One of the values.
    In,
    /// None of the values, or no such label.
    NotIn,
    /// The value, written `=`.
    Equals,
    /// The value, written `==`.
    DoubleEquals,
    /// Not the value, or no such label.
    NotEquals,
    /// Any value.
    Exists,
    /// No such label.
    DoesNotExist,
    /// An integer greater than the value.
    GreaterThan,
    /// An integer less than the value.
    LessThan,
}

impl Operator {
    /// The operator of a `matchExpressions` entry.
    pub(crate) fn of_expression(name: &str) -> Result<Self, String> {
        match name {
            "In" => Ok(Self::In),
            "NotIn" => Ok(Self::NotIn),
            "Exists" => Ok(Self::Exists),
            "DoesNotExist" => Ok(Self::DoesNotExist),
            name => Err(format!("{name:?} is not a valid label selector operator")),
        }
    }
}

/// What one label must be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// The label's key.
    pub key: String,
    /// How the label's value is compared.
    pub operator: Operator,
    /// With what it is compared.
    pub values: BTreeSet<String>,
}

impl Requirement {
    /// A requirement whose key, values and number of values are allowed.
    pub fn new(key: &str, operator: Operator, values: BTreeSet<String>) -> Result<Self, String> {
        let mut errors: Vec<String> = key_error(key, "key").into_iter().collect();
        errors.extend(count_error(operator, &values));
        errors.extend(integer_error(operator, &values));
        for (index, value) in values.iter().enumerate() {
            errors.extend(value_error(key, index, value));
        }
        match errors.as_slice() {
            [] => Ok(Self { key: key.to_owned(), operator, values }),
            [error] => Err(error.clone()),
            errors => Err(format!("[{}]", errors.join(", "))),
        }
    }

    /// Whether a label with this value, or no such label, meets it.
    pub fn matches(&self, value: Option<&str>) -> bool {
        let limit = self.values.first().map(String::as_str);
        self.operator.holds(value, |value| self.values.contains(value), limit)
    }
}

impl Operator {
    /// Whether a label with this value, or no such label, is as it should be: among the values, or beyond the limit.
    pub fn holds(
        self,
        value: Option<&str>,
        is_among: impl Fn(&str) -> bool,
        limit: Option<&str>,
    ) -> bool {
        let compares = |holds: fn(i64, i64) -> bool| {
            let number = |text: &str| text.parse::<i64>().ok();
            let (value, limit) = (value.and_then(number), limit.and_then(number));
            value.zip(limit).is_some_and(|(value, limit)| holds(value, limit))
        };
        match self {
            Self::In | Self::Equals | Self::DoubleEquals => value.is_some_and(is_among),
            Self::NotIn | Self::NotEquals => !value.is_some_and(is_among),
            Self::Exists => value.is_some(),
            Self::DoesNotExist => value.is_none(),
            Self::GreaterThan => compares(|value, limit| value > limit),
            Self::LessThan => compares(|value, limit| value < limit),
        }
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        let values: Vec<&str> = self.values.iter().map(String::as_str).collect();
        let values = values.join(",");
        match self.operator {
            Operator::In => write!(formatter, "{key} in ({values})"),
            Operator::NotIn => write!(formatter, "{key} notin ({values})"),
            Operator::Equals => write!(formatter, "{key}={values}"),
            Operator::DoubleEquals => write!(formatter, "{key}=={values}"),
            Operator::NotEquals => write!(formatter, "{key}!={values}"),
            Operator::Exists => formatter.write_str(key),
            Operator::DoesNotExist => write!(formatter, "!{key}"),
            Operator::GreaterThan => write!(formatter, "{key}>{values}"),
            Operator::LessThan => write!(formatter, "{key}<{values}"),
        }
    }
}

/// A set of labels that is described, not listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    /// All of them must be met, in the order of their keys; `None` selects nothing.
    requirements: Option<Vec<Requirement>>,
}

impl Selector {
    /// Selects every object.
    pub fn everything() -> Self {
        Self { requirements: Some(vec![]) }
    }

    /// Selects no object.
    pub fn nothing() -> Self {
        Self { requirements: None }
    }

    /// Reads `a=b,c!=d,e in (x,y),f notin (z),g,!h`.
    pub fn parse(text: &str) -> Result<Self, String> {
        parser::parse(text).map(Self::of)
    }

    /// Selects labels that have all of these. An empty set selects everything.
    pub fn from_labels(labels: &BTreeMap<String, String>) -> Self {
        let requirement = |(key, value): (&String, &String)| Requirement {
            key: key.clone(),
            operator: Operator::Equals,
            values: BTreeSet::from([value.clone()]),
        };
        Self::of(labels.iter().map(requirement).collect())
    }

    /// Reads the selector of a workload. An empty one selects everything.
    pub fn from_label_selector(selector: &LabelSelector) -> Result<Self, String> {
        let mut requirements = vec![];
        for (key, value) in selector.match_labels.iter().flatten() {
            let values = BTreeSet::from([value.clone()]);
            requirements.push(Requirement::new(key, Operator::Equals, values)?);
        }
        for expression in selector.match_expressions.iter().flatten() {
            requirements.push(of_expression(expression)?);
        }
        Ok(Self::of(requirements))
    }

    /// Reads a selector as it stands in JSON. An absent one selects nothing.
    pub fn from_value(selector: Option<&Value>) -> Result<Self, String> {
        match selector {
            None | Some(Value::Null) => Ok(Self::nothing()),
            Some(selector) => {
                let selector: LabelSelector =
                    serde_json::from_value(selector.clone()).map_err(|error| error.to_string())?;
                Self::from_label_selector(&selector)
            }
        }
    }

    /// Selects what it selects, as far as that meets these requirements as well.
    pub fn and(self, requirements: &[Requirement]) -> Self {
        match self.requirements {
            Some(own) => Self::of(own.into_iter().chain(requirements.iter().cloned()).collect()),
            None => self,
        }
    }

    /// Whether it selects an object with these labels.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.holds(|key| labels.get(key).map(String::as_str))
    }

    /// Whether it selects an object whose `metadata.labels` are this.
    pub fn matches_value(&self, labels: &Value) -> bool {
        self.holds(|key| labels.get(key).and_then(Value::as_str))
    }

    /// Whether it selects every object.
    pub fn is_everything(&self) -> bool {
        self.requirements.as_ref().is_some_and(Vec::is_empty)
    }

    /// What labels must be like; `None` when nothing is selected.
    pub fn requirements(&self) -> Option<&[Requirement]> {
        self.requirements.as_deref()
    }

    fn of(mut requirements: Vec<Requirement>) -> Self {
        requirements.sort_by(|left, right| left.key.cmp(&right.key));
        Self { requirements: Some(requirements) }
    }

    fn holds<'a>(&self, lookup: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.requirements.as_ref().is_some_and(|requirements| {
            requirements.iter().all(|requirement| requirement.matches(lookup(&requirement.key)))
        })
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let requirements = self.requirements.iter().flatten().map(Requirement::to_string);
        formatter.write_str(&requirements.collect::<Vec<_>>().join(","))
    }
}

fn of_expression(expression: &LabelSelectorRequirement) -> Result<Requirement, String> {
    let operator = Operator::of_expression(&expression.operator)?;
    let values = expression.values.iter().flatten().cloned().collect();
    Requirement::new(&expression.key, operator, values)
}

/// A key that is no label key; `path` is empty while a text is parsed, which upstream prints as `<nil>`.
fn key_error(key: &str, path: &str) -> Option<String> {
    let errors = names::label_key(key);
    let path = if path.is_empty() { "<nil>" } else { path };
    let message = || format!("{path}: Invalid value: {key:?}: {}", errors.join("; "));
    (!errors.is_empty()).then(message)
}

fn value_error(key: &str, index: usize, value: &str) -> Option<String> {
    let errors = names::label_value(value);
    let message =
        || format!("values[{index}][{key}]: Invalid value: {value:?}: {}", errors.join("; "));
    (!errors.is_empty()).then(message)
}

fn count_error(operator: Operator, values: &BTreeSet<String>) -> Option<String> {
    let (allowed, rule) = match operator {
        Operator::In | Operator::NotIn => {
            (!values.is_empty(), "for 'in', 'notin' operators, values set can't be empty")
        }
        Operator::Equals | Operator::DoubleEquals | Operator::NotEquals => {
            (values.len() == 1, "exact-match compatibility requires one single value")
        }
        Operator::Exists | Operator::DoesNotExist => {
            (values.is_empty(), "values set must be empty for exists and does not exist")
        }
        Operator::GreaterThan | Operator::LessThan => {
            (values.len() == 1, "for 'Gt', 'Lt' operators, exactly one value is required")
        }
    };
    let message = || format!("values: Invalid value: {}: {rule}", Value::from_iter(values.clone()));
    (!allowed).then(message)
}

fn integer_error(operator: Operator, values: &BTreeSet<String>) -> Option<String> {
    if !matches!(operator, Operator::GreaterThan | Operator::LessThan) {
        return None;
    }
    let (index, value) =
        values.iter().enumerate().find(|(_, value)| value.parse::<i64>().is_err())?;
    Some(format!(
        "values[{index}]: Invalid value: {value:?}: for 'Gt', 'Lt' operators, the value must be an integer"
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_selector_matches_as_its_operators_say() {
        let table = [
            ("", true),
            ("app=web", true),
            ("app==web", true),
            ("app!=web", false),
            ("app!=db", true),
            ("none!=db", true),
            ("app in (web,db)", true),
            ("app in (db)", false),
            ("app notin (db)", true),
            ("none notin (db)", true),
            ("app", true),
            ("!app", false),
            ("!none", true),
            ("size>3", true),
            ("size<3", false),
            ("app>3", false),
            ("app=web,size=5", true),
            ("app=web,size=6", false),
            ("empty=", true),
            ("empty in ()", true),
        ];
        for (text, expected) in table {
            let selector = Selector::parse(text).unwrap();
            assert_eq!(selector.matches_value(&labels()), expected, "{text}");
        }
    }

    #[test]
    fn a_selector_is_written_in_one_way() {
        let table = [
            ("x in (foo,,baz),y,z notin ()", "x in (,baz,foo),y,z notin ()"),
            (" b = c , a==d ", "a==d,b=c"),
            ("!a,b!=c", "!a,b!=c"),
        ];
        for (text, canonical) in table {
            assert_eq!(Selector::parse(text).unwrap().to_string(), canonical, "{text}");
        }
    }

    #[test]
    fn a_text_that_is_no_selector_says_where() {
        let table = [
            (",", "found ',', expected: !, identifier, or 'end of string'"),
            ("a,", "found '', expected: identifier after ','"),
            (
                "a b",
                "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt",
            ),
            ("!", "unable to parse requirement: found '', expected: identifier"),
            ("a in b", "unable to parse requirement: found 'b' expected: '('"),
            ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
            ("a==b=c", "found '=', expected: ',' or 'end of string'"),
            (
                "a>x",
                "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer",
            ),
        ];
        for (text, error) in table {
            assert_eq!(Selector::parse(text), Err(error.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_bad_key_or_value_is_quoted() {
        let key = Selector::parse("-a=b").unwrap_err();
        let value = Selector::parse("a=-b").unwrap_err();

        assert!(key.starts_with(
            "unable to parse requirement: <nil>: Invalid value: \"-a\": name part must"
        ));
        assert!(value.starts_with(
            "unable to parse requirement: values[0][a]: Invalid value: \"-b\": a valid label"
        ));
    }

    #[test]
    fn an_absent_label_selector_selects_nothing_and_an_empty_one_everything() {
        let nothing = Selector::from_value(None).unwrap();
        let everything = Selector::from_value(Some(&json!({}))).unwrap();

        assert!(!nothing.matches_value(&labels()) && !nothing.is_everything());
        assert!(everything.matches_value(&labels()) && everything.is_everything());
    }

    #[test]
    fn a_label_selector_means_both_its_labels_and_its_expressions() {
        let selector = Selector::from_value(Some(&json!({
            "matchLabels": {"app": "web"},
            "matchExpressions": [{"key": "size", "operator": "In", "values": ["5", "6"]}],
        })))
        .unwrap();

        assert!(selector.matches_value(&labels()));
        assert_eq!(selector.to_string(), "app=web,size in (5,6)");
    }

    #[test]
    fn an_unknown_operator_is_refused() {
        let selector = json!({"matchExpressions": [{"key": "a", "operator": "Near"}]});

        let error = Selector::from_value(Some(&selector)).unwrap_err();

        assert_eq!(error, "\"Near\" is not a valid label selector operator");
    }

    fn labels() -> Value {
        json!({"app": "web", "size": "5", "empty": ""})
    }
}

//! Paths to the fields of an object, as `kubectl get -o custom-columns` writes them: `.status.phase`,
//! `.spec.containers[0].image`, `.metadata.ownerReferences[*].name`, `.metadata.annotations.a\.b/c`.

use serde_json::Value;

/// A path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path(Vec<Segment>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Field(String),
    Item(usize),
    Items,
}

impl Path {
    /// Reads a path.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let refusal = || format!("\"{text}\" is no path of fields");
        let rest = text.strip_prefix('.').ok_or_else(refusal)?;
        let escaped = rest.replace("\\.", "\0");
        let mut segments = vec![];
        for part in escaped.split('.') {
            let (field, items) = part.split_once('[').unwrap_or((part, ""));
            segments.push(Segment::Field(field.replace('\0', ".")));
            match items.strip_suffix(']') {
                None if items.is_empty() => {}
                Some("*") => segments.push(Segment::Items),
                Some(index) => segments.push(Segment::Item(index.parse().map_err(|_| refusal())?)),
                None => return Err(refusal()),
            }
        }
        Ok(Self(segments))
    }

    /// What stands there.
    pub(super) fn values<'a>(&self, object: &'a Value) -> Vec<&'a Value> {
        self.0.iter().fold(vec![object], |found, segment| {
            found.into_iter().flat_map(|value| segment.values(value)).collect()
        })
    }

    /// What stands there, in one line; `<none>` for nothing.
    pub(super) fn text(&self, object: &Value) -> String {
        let values: Vec<String> = self.values(object).into_iter().map(plain).collect();
        if values.is_empty() { "<none>".to_owned() } else { values.join(",") }
    }
}

impl Segment {
    fn values<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        match self {
            Self::Field(name) => value.get(name).into_iter().collect(),
            Self::Item(index) => value.get(index).into_iter().collect(),
            Self::Items => value.as_array().into_iter().flatten().collect(),
        }
    }
}

/// A value in one line.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Null => "<none>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

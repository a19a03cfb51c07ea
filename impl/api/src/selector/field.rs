//! Field selectors: `spec.nodeName=node-1,status.phase!=Running`.

use std::collections::BTreeMap;
use std::fmt;

/// What one field must be like.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldRequirement {
    /// The field's path.
    pub field: String,
    /// Whether it must be `value`, or must not be.
    pub equals: bool,
    /// The value, without escapes.
    pub value: String,
}

impl fmt::Display for FieldRequirement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operator = if self.equals { "=" } else { "!=" };
        write!(formatter, "{}{operator}{}", self.field, escape(&self.value))
    }
}

/// A conjunction of requirements on the few fields that a kind makes selectable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSelector {
    requirements: Vec<FieldRequirement>,
}

impl FieldSelector {
    /// Selects every object.
    pub fn everything() -> Self {
        Self::default()
    }

    /// Reads terms with `=`, `==` or `!=`, in which `\`, `,` and `=` of values are escaped by `\`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut terms = split_terms(text);
        terms.sort_unstable();
        let requirements: Result<Vec<_>, String> = terms
            .into_iter()
            .filter(|term| !term.is_empty())
            .map(|term| parse_term(text, term))
            .collect();
        let mut requirements = requirements?;
        requirements
            .retain(|requirement| !requirement.field.is_empty() || !requirement.value.is_empty());
        Ok(Self { requirements })
    }

    /// What fields must be like, in the order of the text's terms when sorted.
    pub fn requirements(&self) -> &[FieldRequirement] {
        &self.requirements
    }

    /// Whether it selects every object.
    pub fn is_everything(&self) -> bool {
        self.requirements.is_empty()
    }

    /// The same with other names for the fields, or the first refusal of a name.
    pub fn renamed<E>(self, name: impl Fn(&str) -> Result<String, E>) -> Result<Self, E> {
        let renamed = self.requirements.into_iter().map(|requirement| {
            Ok(FieldRequirement { field: name(&requirement.field)?, ..requirement })
        });
        Ok(Self { requirements: renamed.collect::<Result<_, E>>()? })
    }

    /// The only value that it allows for a field, if it names one.
    pub fn exact(&self, field: &str) -> Option<&str> {
        let requirement =
            self.requirements.iter().find(|required| required.equals && required.field == field);
        requirement.map(|requirement| requirement.value.as_str())
    }

    /// Whether it selects an object with these fields. A field that is not there is empty.
    pub fn matches(&self, fields: &BTreeMap<&'static str, String>) -> bool {
        self.requirements.iter().all(|requirement| {
            let value = fields.get(requirement.field.as_str()).map_or("", String::as_str);
            (value == requirement.value) == requirement.equals
        })
    }
}

impl fmt::Display for FieldSelector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let terms: Vec<String> = self.requirements.iter().map(ToString::to_string).collect();
        formatter.write_str(&terms.join(","))
    }
}

/// The terms between commas that are not escaped, with their escapes.
fn split_terms(text: &str) -> Vec<&str> {
    let mut terms = vec![];
    let mut start = 0;
    let mut escaped = false;
    for (index, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                terms.push(&text[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    terms.push(&text[start..]);
    terms
}

fn parse_term(text: &str, term: &str) -> Result<FieldRequirement, String> {
    let unknown = || format!("invalid selector: '{text}'; can't understand '{term}'");
    let at = term.find("!=").into_iter().chain(term.find('=')).min().ok_or_else(unknown)?;
    let (field, rest) = term.split_at(at);
    let (equals, value) = match rest.strip_prefix("!=") {
        Some(value) => (false, value),
        None => (true, rest.strip_prefix("==").unwrap_or(&rest[1..])),
    };
    Ok(FieldRequirement { field: field.to_owned(), equals, value: unescape(value)? })
}

fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace(',', "\\,").replace('=', "\\=")
}

fn unescape(value: &str) -> Result<String, String> {
    let refuse = |sequence: String| {
        Err(format!("invalid field selector: invalid escape sequence: {sequence}"))
    };
    let mut text = String::new();
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some(escaped @ ('\\' | ',' | '=')) => text.push(escaped),
                Some(other) => return refuse(format!("\\{other}")),
                None => return refuse("\\".to_owned()),
            },
            // Upstream prints the number of the character (v1.36, `fields/selector.go`).
            ',' | '=' => {
                let number = u32::from(character);
                return Err(format!(
                    "invalid field selector: unescaped character in value: {number}"
                ));
            }
            character => text.push(character),
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_selector_matches_as_its_operators_say() {
        let fields = BTreeMap::from([
            ("spec.nodeName", "n".to_owned()),
            ("status.phase", "Running".to_owned()),
        ]);
        let table = [
            ("", true),
            (",", true),
            ("spec.nodeName=n", true),
            ("spec.nodeName==n", true),
            ("spec.nodeName!=n", false),
            ("spec.nodeName=", false),
            ("spec.nodeName=n,status.phase!=Failed", true),
            ("spec.nodeName=n,status.phase=Failed", false),
            ("metadata.name=", true),
        ];
        for (text, expected) in table {
            assert_eq!(FieldSelector::parse(text).unwrap().matches(&fields), expected, "{text}");
        }
    }

    #[test]
    fn escapes_survive() {
        let selector = FieldSelector::parse(r"b=x\,y\=z\\,a!=1").unwrap();

        assert_eq!(selector.exact("b"), Some(r"x,y=z\"));
        assert_eq!(selector.to_string(), r"a!=1,b=x\,y\=z\\");
    }

    #[test]
    fn a_text_that_is_no_field_selector_is_refused() {
        let table = [
            ("a", "invalid selector: 'a'; can't understand 'a'"),
            ("a=b=c", "invalid field selector: unescaped character in value: 61"),
            (r"a=\b", r"invalid field selector: invalid escape sequence: \b"),
            (r"a=b\", r"invalid field selector: invalid escape sequence: \"),
        ];
        for (text, error) in table {
            assert_eq!(FieldSelector::parse(text), Err(error.to_owned()), "{text}");
        }
    }
}

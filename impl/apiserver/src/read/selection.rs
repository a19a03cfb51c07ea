//! Which of the objects in a range a list or watch is about.

use api::Status;
use api::selector::{FieldRequirement, FieldSelector, Selector};
use memchr::memmem::Finder;
use serde_json::Value;
use store::{KeyValue, Range};

use crate::options::list::ListOptions;
use crate::route::Objects;
use crate::{keys, object, strategy};

const NAME: &str = "metadata.name";

/// Which objects of a range are wanted.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    /// By labels.
    pub(crate) labels: Selector,
    /// By fields.
    pub(crate) fields: FieldSelector,
    /// Texts without which a stored object cannot be wanted, as they stand in JSON.
    texts: Vec<Finder<'static>>,
}

impl Selection {
    /// What the options of a list or watch select. A name in the path selects by `metadata.name`, and whoever
    /// selects by fields beside it has to say the same.
    pub(crate) fn of(options: &ListOptions<'_>, target: &Objects) -> Result<Self, Status> {
        let field = |label: &str| strategy::selectable_field(target.served(), label);
        let fields = options.fields.clone().renamed(field).map_err(Status::bad_request)?;
        let fields = match target.name.as_deref() {
            Some(name) if fields.is_everything() => {
                let (field, value) = (NAME.to_owned(), name.to_owned());
                let named = FieldRequirement { field, equals: true, value }.to_string();
                FieldSelector::parse(&named).map_err(Status::bad_request)?
            }
            Some(name) if fields.exact(NAME) != Some(name) => {
                return Err(Status::bad_request(
                    "fieldSelector metadata.name doesn't match requested name",
                ));
            }
            Some(_) | None => fields,
        };
        let texts = fields.requirements().iter().filter_map(needed_text).collect();
        Ok(Self { labels: options.labels.clone(), fields, texts })
    }

    /// The node that an object must name to be wanted, `spec.nodeName`.
    pub(crate) fn node(&self) -> Option<&str> {
        self.fields.exact("spec.nodeName")
    }

    /// The keys among which all wanted objects are: of one that is asked for by its name, only its own.
    pub(crate) fn range(&self, target: &Objects) -> Range {
        let name = self.fields.exact(NAME);
        keys::range_of_name(target.resource, target.namespace.as_deref(), name)
    }

    /// Whether nothing is left out.
    pub(crate) fn is_everything(&self) -> bool {
        self.labels.is_everything() && self.fields.requirements().is_empty()
    }

    /// Whether a stored object is wanted. Only what the selection asks about is read.
    pub(crate) fn selects(&self, target: &Objects, found: &KeyValue) -> bool {
        if self.is_everything() {
            true
        } else if self.texts.iter().any(|text| text.find(&found.value).is_none()) {
            false
        } else if self.fields.is_everything() {
            self.labels.matches(&object::labels(found))
        } else {
            self.matches(target, &object::decode(found))
        }
    }

    /// Whether an object is wanted.
    pub(crate) fn matches(&self, target: &Objects, object: &Value) -> bool {
        self.labels.matches_value(&object["metadata"]["labels"])
            && (self.fields.requirements().is_empty()
                || self.fields.matches(&strategy::selectable_fields(target.resource, object)))
    }
}

/// Fields that stand in an object as they are compared: a kubelet asks for the pods of its node, and most are not.
const VERBATIM: [&str; 2] = [NAME, "spec.nodeName"];

/// The text that an object must hold to be what a requirement asks for, where that can be said.
fn needed_text(requirement: &FieldRequirement) -> Option<Finder<'static>> {
    let FieldRequirement { field, value, .. } = requirement;
    let is_said = requirement.equals && !value.is_empty() && VERBATIM.contains(&field.as_str());
    let quoted = is_said.then(|| Value::from(value.as_str()).to_string())?;
    Some(Finder::new(quoted.as_bytes()).into_owned())
}

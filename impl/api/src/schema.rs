//! The schemas of the built-in kinds: their fields, how lists merge, and how they lie in protobuf.
//!
//! `build.rs` makes the table. Leaves out rules about values, which are validation's.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::Value;

use crate::kind::ApiResource;

mod explicit;
mod table;
#[cfg(test)]
mod tests;

/// All definitions, and which of them an `apiVersion` and `kind` means.
#[derive(Debug)]
pub struct Schema {
    definitions: Vec<Definition>,
    kinds: BTreeMap<(String, String), DefinitionId>,
}

/// Refers to a definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DefinitionId(usize);

impl DefinitionId {
    /// What it refers to.
    pub fn definition(self) -> &'static Definition {
        &Schema::get().definitions[self.0]
    }
}

/// An object type, `io.k8s.api.core.v1.PodSpec`.
#[derive(Debug)]
pub struct Definition {
    /// Its name in OpenAPI.
    pub name: String,
    /// `apiVersion` and `kind` of the objects that it defines; none for a part of an object.
    pub kinds: Vec<(String, String)>,
    /// Whether server-side apply owns it as a whole.
    pub atomic: bool,
    /// Its fields by their names in JSON.
    pub fields: BTreeMap<String, Field>,
    /// Names of the fields that Go writes also where they were never set.
    implied: Vec<String>,
}

impl Definition {
    /// `v1.PodSpec`, as error messages name it.
    pub fn go_name(&self) -> &str {
        let second_dot = self.name.rmatch_indices('.').nth(1);
        second_dot.map_or(self.name.as_str(), |(dot, _)| &self.name[dot + 1..])
    }

    /// `PodSpec`.
    pub fn short_name(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or_default()
    }
}

/// A field of an object type.
#[derive(Debug)]
pub struct Field {
    /// What it holds.
    pub value: Type,
    /// Whether OpenAPI requires it.
    pub required: bool,
    /// Whether Go holds it by pointer, so that an explicit zero differs from absence.
    pub pointer: bool,
    /// Whether Go writes it also where it was never set, though OpenAPI does not require it.
    pub always_written: bool,
    /// Its protobuf field number, led by those of the embedded messages in which it lies.
    pub number: Vec<u32>,
    /// Whether server-side apply owns the map or object as a whole.
    pub atomic: bool,
    /// How server-side apply merges a list; `None` when upstream says nothing, which means atomic.
    pub list_type: Option<ListType>,
    /// How a strategic merge patch merges it.
    pub patch_strategy: PatchStrategy,
    /// By which field a strategic merge patch tells the elements of a list apart.
    pub merge_key: Option<String>,
    /// What stands for it where it is absent, as far as its type says so.
    pub default: Option<Value>,
}

/// How server-side apply merges a list. Source: Kubernetes documentation, "Server-Side Apply".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListType {
    /// Replaced as a whole.
    Atomic,
    /// Scalars, each at most once.
    Set,
    /// Objects told apart by these fields.
    Map {
        /// Names of fields.
        keys: Vec<String>,
    },
}

/// How a strategic merge patch merges a field; replaces lists and merges objects when nothing is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PatchStrategy {
    /// A list is merged.
    pub merge: bool,
    /// An object is replaced.
    pub replace: bool,
    /// A patch lists the fields that stay.
    pub retain_keys: bool,
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// A text.
    String,
    /// Bytes, in base64 in JSON.
    Bytes,
    /// A number of 32 bits.
    Int32,
    /// A number of 64 bits.
    Int64,
    /// A floating point number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A `Quantity`, `500m`.
    Quantity,
    /// A `Time`, counted in seconds.
    Time,
    /// A `MicroTime`, counted in microseconds.
    MicroTime,
    /// A number or a text.
    IntOrString,
    /// The fields that a manager owns, any JSON object.
    FieldsV1,
    /// An object of a type that is not known here.
    RawExtension,
    /// Any JSON.
    Json,
    /// A `JSONSchemaProps`, or something else.
    JsonSchemaOr(Alternative),
    /// An object.
    Object(DefinitionId),
    /// A list of this.
    List(Box<Type>),
    /// A map from texts to this.
    Map(Box<Type>),
}

/// What may stand in place of a JSON schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alternative {
    /// `JSONSchemaPropsOrBool`.
    Boolean,
    /// `JSONSchemaPropsOrStringArray`.
    Strings,
    /// `JSONSchemaPropsOrArray`.
    Schemas,
}

impl Alternative {
    /// The type of what else may stand there.
    pub fn value(self) -> Type {
        match self {
            Self::Boolean => Type::Boolean,
            Self::Strings => Type::List(Box::new(Type::String)),
            Self::Schemas => Type::List(Box::new(Self::schema())),
        }
    }

    /// `JSONSchemaProps`.
    pub fn schema() -> Type {
        let schema = Schema::get();
        let name = table::JSON_SCHEMA;
        let found =
            schema.definitions.binary_search_by(|definition| definition.name.as_str().cmp(name));
        Type::Object(DefinitionId(found.expect("CustomResourceDefinitions have schemas")))
    }

    /// The protobuf numbers of the schema and of what else may stand there.
    pub fn numbers(self) -> (u32, u32) {
        match self {
            Self::Boolean => (2, 1),
            Self::Strings | Self::Schemas => (1, 2),
        }
    }
}

impl Schema {
    /// The only one.
    pub fn get() -> &'static Self {
        static SCHEMA: OnceLock<Schema> = OnceLock::new();
        SCHEMA.get_or_init(table::read)
    }

    /// The definition of a resource's objects.
    pub fn of(resource: &ApiResource) -> Option<&'static Definition> {
        Self::of_kind(&resource.api_version(), resource.kind)
    }

    /// The definition of an object with this `apiVersion` and `kind`. `DeleteOptions` belong to every version.
    pub fn of_kind(api_version: &str, kind: &str) -> Option<&'static Definition> {
        let api_version = if kind == "DeleteOptions" { "v1" } else { api_version };
        let kinds = &Self::get().kinds;
        kinds.get(&(api_version.to_owned(), kind.to_owned())).map(|id| id.definition())
    }

    /// The definition with this name.
    pub fn named(name: &str) -> Option<&'static Definition> {
        let definitions = &Self::get().definitions;
        let found = definitions.binary_search_by(|definition| definition.name.as_str().cmp(name));
        found.ok().map(|index| &definitions[index])
    }

    /// All definitions by name.
    pub fn definitions(&self) -> &[Definition] {
        &self.definitions
    }

    /// What definitions and their fields mean: by definition, then by field, the definition's own under
    /// the empty name. Read anew each time, because few ask and the text is long.
    pub fn descriptions() -> BTreeMap<String, BTreeMap<String, String>> {
        table::descriptions()
    }
}

impl Type {
    /// The type's name in OpenAPI when it is referred to by name.
    pub fn name(&self) -> Option<&'static str> {
        match self {
            Self::Object(id) => Some(&id.definition().name),
            Self::Quantity
            | Self::Time
            | Self::MicroTime
            | Self::IntOrString
            | Self::FieldsV1
            | Self::RawExtension
            | Self::Json
            | Self::JsonSchemaOr(_) => {
                table::SPECIAL.iter().find(|(_, of)| of == self).map(|(name, _)| *name)
            }
            Self::String
            | Self::Bytes
            | Self::Int32
            | Self::Int64
            | Self::Number
            | Self::Boolean
            | Self::List(_)
            | Self::Map(_) => None,
        }
    }

    /// The value that Go gives to something of this type that was never set.
    pub fn zero(&self) -> Value {
        match self {
            Self::String | Self::Bytes | Self::Quantity => Value::from(""),
            Self::Int32 | Self::Int64 | Self::Number | Self::IntOrString => Value::from(0),
            Self::Boolean => Value::from(false),
            Self::Time | Self::MicroTime | Self::Json | Self::JsonSchemaOr(_) => Value::Null,
            Self::FieldsV1 | Self::RawExtension | Self::Object(_) | Self::Map(_) => {
                Value::Object(serde_json::Map::new())
            }
            Self::List(_) => Value::Array(vec![]),
        }
    }
}

impl Field {
    /// Whether Go writes it, as a zero or null where it was never set. Of fields held by pointer this says
    /// nothing.
    pub fn is_written(&self) -> bool {
        self.required || self.always_written
    }

    /// Whether Go would write this value back. It leaves out the zero of a field held by value, and empty
    /// lists and maps; it never leaves out an object, however empty.
    pub fn keeps(&self, value: &Value) -> bool {
        let may_be_zero = self.is_written() || self.pointer;
        match &self.value {
            Type::Object(_)
            | Type::FieldsV1
            | Type::RawExtension
            | Type::Json
            | Type::JsonSchemaOr(_) => true,
            Type::Time | Type::MicroTime => !value.is_null(),
            Type::Quantity => value.as_str() != Some(""),
            Type::IntOrString => may_be_zero || (*value != 0 && *value != ""),
            Type::Number => may_be_zero || value.as_f64() != Some(0.0),
            Type::String
            | Type::Bytes
            | Type::Int32
            | Type::Int64
            | Type::Boolean
            | Type::List(_)
            | Type::Map(_) => may_be_zero || *value != self.value.zero(),
        }
    }
}

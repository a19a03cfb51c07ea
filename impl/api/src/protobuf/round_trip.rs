//! Objects of every kind, made up from their schemas: as bytes and back they are the same.
//!
//! What is made up is what Go would write: no zero of a field that it holds by value, no empty list. Choices are bytes,
//! so that a failure shrinks to the fewest fields.

use proptest::prelude::*;
use serde_json::{Map, json};

use super::*;
use crate::kind::resources;
use crate::schema::{Alternative, Field};

/// How often a definition lies in itself.
const NESTED_MAX: usize = 2;

/// Where decisions come from.
enum Choices<'a> {
    /// Every field is there.
    All,
    /// One byte for each; where there are no more, what is required alone is there.
    Some(&'a [u8]),
}

impl Choices<'_> {
    fn next(&mut self) -> usize {
        match self {
            Self::All => 1,
            Self::Some(bytes) => {
                let (first, rest) = bytes.split_first().unwrap_or((&0, &[]));
                *bytes = rest;
                usize::from(*first)
            }
        }
    }

    fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.next() % all.len()].clone()
    }
}

/// Makes up objects.
struct Maker<'a> {
    choices: Choices<'a>,
    /// The definitions in which it is.
    path: Vec<&'static str>,
    /// Whether zeros are made that Go would leave out.
    with_zeros: bool,
}

impl<'a> Maker<'a> {
    fn new(choices: Choices<'a>) -> Self {
        Self { choices, path: vec![], with_zeros: false }
    }

    fn object_of(&mut self, (api_version, kind): &(String, String)) -> Value {
        let definition = definition(api_version, kind).expect("it is built in");
        let mut object = self.object(definition);
        object["apiVersion"] = json!(api_version);
        object["kind"] = json!(kind);
        object
    }

    fn object(&mut self, definition: &'static Definition) -> Value {
        let nested = self.path.iter().filter(|name| **name == definition.name).count();
        self.path.push(&definition.name);
        let mut fields = Map::new();
        for (name, field) in definition.fields.iter().filter(|(_, field)| !field.number.is_empty())
        {
            let is_there = field.required || (nested < NESTED_MAX && self.choices.next() % 3 == 1);
            if let Some(value) = is_there.then(|| self.field(field)).flatten() {
                fields.insert(name.clone(), value);
            }
        }
        self.path.pop();
        Value::Object(fields)
    }

    /// A value that Go would write; nothing for an empty object that it would leave out.
    fn field(&mut self, field: &Field) -> Option<Value> {
        let may_be_zero = field.required || field.pointer || self.with_zeros;
        let value = self.value(&field.value, may_be_zero);
        let is_empty = value.as_object().is_some_and(Map::is_empty);
        let is_object = matches!(field.value, Type::Object(_));
        (may_be_zero || !(is_object && is_empty)).then_some(value)
    }

    fn value(&mut self, of: &Type, may_be_zero: bool) -> Value {
        let scalars = self.scalars(of);
        match of {
            Type::Object(id) => self.object(id.definition()),
            Type::JsonSchemaOr(other) if self.choices.next() % 2 == 1 && !self.is_deep() => {
                self.value(&other.value(), true)
            }
            Type::JsonSchemaOr(_) => self.value(&Alternative::schema(), true),
            Type::List(element) => {
                let count = 1 + self.choices.next() % 2;
                (0..count).map(|_| self.value(element, true)).collect()
            }
            Type::Map(element) => {
                let keys = self.choices.one_of(&[&["a"][..], &["", "b.c/d"]]);
                let entry = |key: &&str| ((*key).to_owned(), self.value(element, true));
                Value::Object(keys.iter().map(entry).collect())
            }
            Type::String
            | Type::Bytes
            | Type::Int32
            | Type::Int64
            | Type::Number
            | Type::Boolean
            | Type::Quantity
            | Type::Time
            | Type::MicroTime
            | Type::IntOrString
            | Type::FieldsV1
            | Type::RawExtension
            | Type::Json => {
                let all = if may_be_zero { &scalars[..] } else { &scalars[1..] };
                self.choices.one_of(all)
            }
        }
    }

    fn is_deep(&self) -> bool {
        self.path.len() > 12
    }

    /// Values of a type that is no list, map or message. The first is its zero where it has one that can be told.
    fn scalars(&self, of: &Type) -> Vec<Value> {
        match of {
            Type::String => vec![json!(""), json!("a"), json!("grüße \u{1F980}\n\"\0")],
            Type::Bytes => vec![json!(""), json!("AAEC/w=="), json!("YQ==")],
            Type::Int32 => vec![json!(0), json!(1), json!(-1), json!(i32::MAX), json!(i32::MIN)],
            Type::Int64 => vec![json!(0), json!(1), json!(-1), json!(i64::MAX), json!(i64::MIN)],
            Type::Number => vec![json!(0), json!(0.5), json!(2), json!(-1.25e-7), json!(1e100)],
            Type::Boolean => vec![json!(false), json!(true)],
            Type::Quantity => vec![json!("0"), json!("500m"), json!("1Gi"), json!("-1e3")],
            Type::Time => {
                let before = json!("1969-12-31T23:59:59Z");
                vec![json!("1970-01-01T00:00:00Z"), json!("2026-01-02T03:04:05Z"), before]
            }
            Type::MicroTime => {
                let before = json!("1969-12-31T23:59:59.999999Z");
                vec![
                    json!("1970-01-01T00:00:00.000000Z"),
                    json!("2026-01-02T03:04:05.000006Z"),
                    before,
                ]
            }
            Type::IntOrString => vec![json!(0), json!(80), json!(-1), json!("25%")],
            Type::FieldsV1 | Type::RawExtension => {
                vec![json!({}), json!({"a": [1, null, {"b": 0.5}]}), json!({"f:spec": {".": {}}})]
            }
            Type::Json => vec![json!(0), json!({"a": null}), json!([""]), json!("a"), json!(false)],
            Type::JsonSchemaOr(_) | Type::Object(_) | Type::List(_) | Type::Map(_) => vec![],
        }
    }
}

/// What every kind that is served is called, and its list; and what else is only sent.
fn kinds() -> Vec<(String, String)> {
    let served = resources::served().flat_map(|resource| {
        let list = resource.is_stored.then(|| format!("{}List", resource.kind));
        let kinds = [Some(resource.kind.to_owned()), list].into_iter().flatten();
        kinds.map(|kind| (resource.api_version(), kind))
    });
    let defined =
        Schema::get().definitions().iter().flat_map(|definition| definition.kinds.clone());
    let all: std::collections::BTreeSet<_> = served.chain(defined).collect();
    all.into_iter().collect()
}

fn back(bytes: &[u8], of: &Value) -> Value {
    decode_any(bytes).unwrap_or_else(|error| panic!("{error}: {of}"))
}

fn bytes(object: &Value) -> Vec<u8> {
    encode(object).unwrap_or_else(|error| panic!("{error}: {object}"))
}

/// The object of a frame of a watch, and what has become of it.
fn unframed(frame: &[u8]) -> (String, Value) {
    let (length, message) = frame.split_at(4);
    assert_eq!(length, u32::try_from(message.len()).unwrap().to_be_bytes());
    let fields = |message| {
        let mut reader = Reader::new(message);
        std::iter::from_fn(move || reader.next().unwrap().map(|(_, wire)| wire.bytes().unwrap()))
    };
    let parts: Vec<&[u8]> = fields(message).collect();
    let [kind, extension] = parts[..] else { panic!("{} parts", parts.len()) };
    let body = fields(extension).next().expect("an extension has bytes");
    (String::from_utf8(kind.to_vec()).unwrap(), decode_any(body).unwrap())
}

#[test]
fn an_object_of_every_kind_with_every_field_is_the_same_after_a_round_trip() {
    for kind in kinds() {
        let object = Maker::new(Choices::All).object_of(&kind);

        assert_eq!(back(&bytes(&object), &object), object, "{kind:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn objects_of_every_kind_are_the_same_after_a_round_trip(
        choices in proptest::collection::vec(any::<u8>(), 0..600),
    ) {
        for kind in kinds() {
            let object = Maker::new(Choices::Some(&choices)).object_of(&kind);

            prop_assert_eq!(back(&bytes(&object), &object), object, "{:?}", kind);
        }
    }

    #[test]
    fn frames_of_watches_hold_the_object(
        choices in proptest::collection::vec(any::<u8>(), 0..600),
    ) {
        for kind in kinds() {
            let object = Maker::new(Choices::Some(&choices)).object_of(&kind);

            let frame = watch_event("MODIFIED", &object).unwrap();

            prop_assert_eq!(unframed(&frame), ("MODIFIED".to_owned(), object));
        }
    }

    #[test]
    fn bytes_are_the_same_once_they_were_read_and_written(
        choices in proptest::collection::vec(any::<u8>(), 0..600),
    ) {
        for kind in kinds() {
            let mut maker = Maker::new(Choices::Some(&choices));
            maker.with_zeros = true;
            let object = maker.object_of(&kind);
            let once = bytes(&back(&bytes(&object), &object));

            let twice = bytes(&back(&once, &object));

            prop_assert_eq!(once, twice, "{:?}", kind);
        }
    }
}

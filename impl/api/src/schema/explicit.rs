//! What an object says without being told: fields that Go holds by value and always writes.
//!
//! An absent `spec` is an empty one there, an absent list that must be given is a null, and so it is
//! answered and owned. Source: `value/structreflect.go` of
//! structured-merge-diff v6, and the JSON tags of the types (v1.36).

use serde_json::{Map, Value};

use super::{Definition, Field, Type};

impl Definition {
    /// An object of this type with all that Go would write of it.
    pub fn explicit(&self, mut object: Value) -> Value {
        fill_object(self, &mut object);
        object
    }

    /// The same once it was stored in protobuf, which does not tell an empty list from none.
    pub fn explicit_as_stored(&self, object: Value) -> Value {
        let mut object = self.explicit(object);
        forget_empty_lists(self, &mut object);
        object
    }
}

fn forget_empty_lists(definition: &Definition, object: &mut Value) {
    for (name, value) in object.as_object_mut().into_iter().flatten() {
        let Some(field) = definition.fields.get(name) else { continue };
        match (&field.value, value) {
            (Type::List(_), value) if value.as_array().is_some_and(Vec::is_empty) => {
                *value = Value::Null;
            }
            (Type::Object(id), value) => forget_empty_lists(id.definition(), value),
            (Type::List(element), Value::Array(items)) => {
                if let Type::Object(id) = element.as_ref() {
                    items.iter_mut().for_each(|item| forget_empty_lists(id.definition(), item));
                }
            }
            _ => {}
        }
    }
}

fn fill_object(definition: &Definition, object: &mut Value) {
    let Value::Object(fields) = object else { return };
    for (name, value) in fields.iter_mut() {
        if let Some(field) = definition.fields.get(name) {
            fill(&field.value, value);
        }
    }
    for name in &definition.implied {
        if !fields.contains_key(name) {
            fields.insert(name.clone(), implied(&definition.fields[name].value));
        }
    }
}

fn fill(of: &Type, value: &mut Value) {
    match (of, value) {
        (Type::Object(id), value) => fill_object(id.definition(), value),
        (Type::List(element), Value::Array(items)) => {
            items.iter_mut().for_each(|item| fill(element, item));
        }
        (Type::Map(element), Value::Object(entries)) => {
            entries.values_mut().for_each(|entry| fill(element, entry));
        }
        _ => {}
    }
}

/// What Go writes of something that was never set.
fn implied(of: &Type) -> Value {
    match of {
        Type::Object(id) => id.definition().explicit(Value::Object(Map::new())),
        Type::List(_) | Type::Map(_) | Type::Bytes | Type::Time | Type::MicroTime => Value::Null,
        Type::String
        | Type::Int32
        | Type::Int64
        | Type::Number
        | Type::Boolean
        | Type::Quantity
        | Type::IntOrString
        | Type::FieldsV1
        | Type::RawExtension
        | Type::Json
        | Type::JsonSchemaOr(_) => of.zero(),
    }
}

impl Field {
    /// Whether Go writes it also where it was never set: what is held by value, but for the scalars and
    /// lists that may be left out.
    pub(super) fn is_implied(&self) -> bool {
        let is_always = matches!(self.value, Type::Object(_) | Type::Time | Type::MicroTime);
        !self.pointer && (is_always || self.is_written())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::kind::resources::{PODS, ROLES, SERVICES};
    use crate::schema::Schema;

    #[test]
    fn what_go_holds_by_value_is_there() {
        let pod = json!({"spec": {"containers": [{"name": "c"}]}, "status": {"conditions": [{"type": "Ready"}]}});

        let pod = Schema::of(&PODS).unwrap().explicit(pod);

        assert_eq!(pod["metadata"], json!({}));
        assert_eq!(pod["spec"]["containers"][0], json!({"name": "c", "resources": {}}));
        let condition = json!({"type": "Ready", "status": "", "lastProbeTime": null, "lastTransitionTime": null});
        assert_eq!(pod["status"]["conditions"][0], condition);
    }

    #[test]
    fn a_list_that_was_stored_empty_is_none() {
        let roles = Schema::of(&ROLES).unwrap();
        let role = json!({"metadata": {}, "rules": []});

        assert_eq!(roles.explicit(role.clone())["rules"], json!([]));
        assert_eq!(roles.explicit_as_stored(role)["rules"], json!(null));
    }

    #[test]
    fn lists_that_must_be_given_are_null_and_pointers_are_not_there() {
        let pod = Schema::of(&PODS).unwrap().explicit(json!({}));
        let service = Schema::of(&SERVICES).unwrap().explicit(json!({}));

        assert_eq!(pod["spec"], json!({"containers": null}));
        assert_eq!(service["status"], json!({"loadBalancer": {}}));
        assert_eq!(service["spec"], json!({}));
    }
}

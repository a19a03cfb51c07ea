//! What is written in the same transaction as an object: all of it, or none.

use api::ApiResource;
use api::object::{at, text};
use serde_json::Value;
use store::{Bytes, Compare, Condition, Operation, Put, Range, Revision, Transaction};

use crate::call::Companion;
use crate::{keys, object};

/// Further keys, what must hold of them, and the objects among them.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    compares: Vec<Compare>,
    operations: Vec<Operation>,
    objects: Vec<Companion>,
}

impl Beside {
    /// Makes a transaction do it too. The objects that it writes.
    pub(crate) fn join(self, transaction: &mut Transaction) -> Vec<Companion> {
        transaction.compares.extend(self.compares);
        transaction.success.extend(self.operations);
        self.objects
    }

    /// This, and that after it.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.compares.extend(other.compares);
        self.operations.extend(other.operations);
        self.objects.extend(other.objects);
        self
    }

    /// Writes a key of no object that must not be there.
    pub(crate) fn take(&mut self, key: Bytes, value: Bytes) {
        self.compares.push(Compare::absent(key.clone()));
        self.operations.push(Operation::Put(Put::new(key, value)));
    }

    /// Removes a key of no object.
    pub(crate) fn give_back(&mut self, key: Bytes) {
        self.operations.push(Operation::Delete(Range::Key(key)));
    }

    /// Creates an object that must not be there.
    pub(crate) fn create(&mut self, resource: &'static ApiResource, object: Value) {
        self.take(key(resource, &object), object::encode(resource, &object));
        self.objects.push(Companion { resource, action: "create", object });
    }

    /// Writes an object that must not have changed since `revision`.
    pub(crate) fn update(
        &mut self,
        resource: &'static ApiResource,
        revision: Revision,
        object: Value,
    ) {
        let (key, value) = (key(resource, &object), object::encode(resource, &object));
        self.compares.push(Compare::equal(key.clone(), Condition::ModRevision(revision)));
        self.operations.push(Operation::Put(Put::new(key, value)));
        self.objects.push(Companion { resource, action: "update", object });
    }

    /// Removes an object that must not have changed since `revision`.
    pub(crate) fn delete(
        &mut self,
        resource: &'static ApiResource,
        revision: Revision,
        object: Value,
    ) {
        let key = key(resource, &object);
        self.compares.push(Compare::equal(key.clone(), Condition::ModRevision(revision)));
        self.give_back(key);
        self.objects.push(Companion { resource, action: "delete", object });
    }
}

fn key(resource: &ApiResource, object: &Value) -> Bytes {
    let namespace = at(object, &["metadata", "namespace"]).and_then(Value::as_str);
    keys::key(resource, namespace, text(object, &["metadata", "name"]))
}

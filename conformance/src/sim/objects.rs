//! The objects of a store, for those who look at all of them again and again: each is read once for as long as it stays
//! as it is.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::ApiResource;
use apiserver::{keys, object};
use serde_json::Value;
use store::{KeyValue, Store};

use crate::sim::random::Random;

/// How many objects are kept at the most.
const KEPT_MAX: usize = 20_000;

/// An object as it was read, and what was read. As long as that is kept, nothing else can be where it is.
struct Read {
    found: KeyValue,
    object: Arc<Value>,
}

thread_local! {
    /// By where they are.
    static READ: RefCell<BTreeMap<*const u8, Read>> = const { RefCell::new(BTreeMap::new()) };
}

/// Objects of a resource, in the order of their keys.
#[derive(Debug)]
pub(crate) struct Objects(Vec<Arc<Value>>);

impl Objects {
    /// Each of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Value> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// Only those of which something holds.
    pub(crate) fn retain(&mut self, holds: impl Fn(&Value) -> bool) {
        self.0.retain(|object| holds(object));
    }

    /// These, and then others.
    pub(crate) fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// One of them, if there are any.
    pub(crate) fn any(&self, random: &mut Random) -> Option<Value> {
        random.pick(&self.0).map(|object| Value::clone(object))
    }
}

/// Of objects before something and after it, those that it has written, created or removed.
pub(crate) fn changed([before, after]: &[Objects; 2]) -> [Objects; 2] {
    let pointers =
        |objects: &Objects| -> BTreeSet<_> { objects.0.iter().map(Arc::as_ptr).collect() };
    let but = |objects: &Objects, others: &Objects| {
        let pointed = pointers(others);
        let own = objects.0.iter().filter(|object| !pointed.contains(&Arc::as_ptr(object)));
        own.map(Arc::clone).collect::<Vec<_>>()
    };
    let (gone, new) = (but(before, after), but(after, before));
    // What was forgotten and read again is the same, too.
    let unlike = |objects: &[Arc<Value>], others: &[Arc<Value>]| {
        let own = objects.iter().filter(|object| !others.contains(object));
        Objects(own.map(Arc::clone).collect())
    };
    [unlike(&gone, &new), unlike(&new, &gone)]
}

#[cfg(test)]
impl<const N: usize> From<[Value; N]> for Objects {
    fn from(objects: [Value; N]) -> Self {
        Self(objects.map(Arc::new).into())
    }
}

/// Every object of a resource.
pub(crate) fn objects(store: &Store, resource: &ApiResource) -> Objects {
    READ.with_borrow_mut(|read| {
        if read.len() > KEPT_MAX {
            read.clear();
        }
        let range = keys::range(resource, None);
        Objects(store.range(&range).map(|found| once(read, found)).collect())
    })
}

fn once(read: &mut BTreeMap<*const u8, Read>, found: &KeyValue) -> Arc<Value> {
    let place = found.value.as_ptr();
    if let Some(known) = read.get(&place)
        && is_same(&known.found, found)
    {
        return Arc::clone(&known.object);
    }
    let object = Arc::new(object::decode(found));
    read.insert(place, Read { found: found.clone(), object: Arc::clone(&object) });
    object
}

fn is_same(one: &KeyValue, other: &KeyValue) -> bool {
    one.mod_revision == other.mod_revision && one.value.len() == other.value.len()
}

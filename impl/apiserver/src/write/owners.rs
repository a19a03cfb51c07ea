//! Who owns the fields of an object that is written, as `metadata.managedFields` tells it.
//!
//! Source: `managedfields/internal/fieldmanager.go` of apimachinery, and `handlers/create.go` and
//! `handlers/fieldmanager/equality.go` of apiserver (v1.36).

use api::managed_fields::{FieldManager, ManagedFields};
use api::object::{at, metadata_mut};
use api::{ApiResource, Timestamp};
use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::options::write::{MANAGER_BYTES_MAX, is_printable};
use crate::write::{Write, scale_owners};
use crate::{strategy, version};

/// How it is known who owns what.
pub(super) enum Owners {
    /// Whoever writes owns what it changes.
    Writer,
    /// It is settled: this is `managedFields`.
    Settled(Value),
}

impl Owners {
    /// Who owns what of a workload, when these own its scale.
    pub(super) fn of_parent(self, parent: &ManagedFields, api_version: &str) -> Self {
        let scale = match &self {
            Self::Settled(scale) => ManagedFields::read(scale).unwrap_or_default(),
            Self::Writer => return self,
        };
        Self::Settled(scale_owners::of_parent(parent, scale, api_version).to_value())
    }

    /// Gives a new object its `managedFields`. It is as its author sent it, with defaults; `old` is what
    /// it replaces, or has only a type. Both are in the version that is stored.
    pub(super) fn record(self, write: Write<'_>, new: &mut Value, old: &Value) {
        let managed = match self {
            Self::Writer => written(write, new, old),
            Self::Settled(managed) => managed,
        };
        put(new, Some(managed));
    }
}

/// Takes `managedFields` out of an object.
pub(super) fn take(object: &mut Value) -> Option<Value> {
    metadata_mut(object).remove("managedFields")
}

/// Gives an object these `managedFields`, or none when there is no entry.
pub(super) fn put(object: &mut Value, managed: Option<Value>) {
    let managed = managed.filter(|managed| managed.as_array().is_some_and(|list| !list.is_empty()));
    match managed {
        Some(managed) => metadata_mut(object).insert("managedFields".to_owned(), managed),
        None => take(object),
    };
}

/// `managedFields` after an update. An object that exists and that nobody owns stays so.
fn written(write: Write<'_>, new: &mut Value, old: &Value) -> Value {
    let asked = take(new);
    let managed = known(write, asked.as_ref(), old);
    let served = |object: &Value| match write.target.version {
        Some(version) => version.serve(object),
        None => object.clone(),
    };
    updated(write, without_managed_fields(served(old)), served(new), managed)
}

/// The same for objects without `managedFields`, in the version of the request.
pub(super) fn updated(write: Write<'_>, old: Value, new: Value, managed: ManagedFields) -> Value {
    let name = manager(write.call);
    let is_new = at(&old, &["metadata", "uid"]).is_none();
    if managed.is_empty() && !is_new {
        return Value::Null;
    }
    let managed =
        with_field_manager(write, |field_manager| field_manager.update(old, new, managed, &name));
    managed.to_value()
}

/// Whom the API server writes as where it is its own client.
const SERVER: &str = "kube-apiserver";

/// An object whose status the API server has written by itself. One that nobody owns stays so.
pub(crate) fn of_server(
    resource: &ApiResource,
    old: Value,
    mut new: Value,
    now: Timestamp,
) -> Value {
    let managed = of(&old);
    if managed.is_empty() {
        return new;
    }
    take(&mut new);
    let field_manager = FieldManager {
        api_version: &resource.api_version(),
        subresource: "status",
        reset_fields: &strategy::reset_fields(resource, "status"),
        now: &api::time::text(now),
        convert: &version::convert,
    };
    let old = without_managed_fields(old);
    let managed = field_manager.update(old, new.clone(), managed, SERVER);
    put(&mut new, Some(managed.to_value()));
    new
}

/// Runs with what keeps account of the fields at this path.
pub(super) fn with_field_manager<T>(
    write: Write<'_>,
    run: impl FnOnce(&FieldManager<'_>) -> T,
) -> T {
    let target = write.target;
    let now = api::time::text(write.context.now);
    let api_version = match target.subresource {
        "scale" => strategy::SCALE.api_version(),
        _ => target.served().api_version(),
    };
    run(&FieldManager {
        api_version: &api_version,
        subresource: target.subresource,
        reset_fields: &strategy::reset_fields(target.resource, target.subresource),
        now: &now,
        convert: &version::convert,
    })
}

/// The entries that a write goes on from: those that it sends along, or those that are stored. An empty
/// list, or one empty entry, resets them; a subresource takes none.
fn known(write: Write<'_>, asked: Option<&Value>, old: &Value) -> ManagedFields {
    let Some(asked) = asked.filter(|_| write.target.subresource.is_empty()) else {
        return of(old);
    };
    if *asked == json!([]) || *asked == json!([{}]) {
        return ManagedFields::default();
    }
    ManagedFields::read(asked).filter(|asked| !asked.is_empty()).unwrap_or_else(|| of(old))
}

/// Who owns what of a stored object.
pub(super) fn of(object: &Value) -> ManagedFields {
    let managed = at(object, &["metadata", "managedFields"]);
    managed.and_then(ManagedFields::read).unwrap_or_default()
}

/// An object without its `managedFields`.
pub(super) fn without_managed_fields(mut object: Value) -> Value {
    take(&mut object);
    object
}

/// The name under which a request owns fields: what it says, or the program that sends it.
pub(super) fn manager(call: &Call) -> String {
    let name = call.parameter("fieldManager");
    if !name.is_empty() {
        return name.to_owned();
    }
    let program = call.user_agent.split('/').next().unwrap_or_default();
    let mut manager = String::new();
    for letter in program.chars().filter(|letter| is_printable(*letter)) {
        if manager.len() + letter.len_utf8() > MANAGER_BYTES_MAX {
            break;
        }
        manager.push(letter);
    }
    manager
}

/// Takes back new times where nothing else has changed, so that a write without effect is none.
pub(super) fn keep_times(new: &mut Value, old: &Value) {
    let entries = |object| at(object, &["metadata", "managedFields"]).and_then(Value::as_array);
    let (Some(then), Some(now)) = (entries(old), entries(new)) else { return };
    let is_same = then.len() == now.len()
        && then.iter().zip(now).all(|(then, now)| same_but_for(then, now, &["time"]))
        && same_object(old, new);
    if is_same {
        let then = then.clone();
        metadata_mut(new).insert("managedFields".to_owned(), Value::Array(then));
    }
}

fn same_object(old: &Value, new: &Value) -> bool {
    same_but_for(old, new, &["metadata"])
        && same_but_for(&old["metadata"], &new["metadata"], &["managedFields", "resourceVersion"])
}

/// Whether two objects have the same fields but for some.
fn same_but_for(left: &Value, right: &Value, fields: &[&str]) -> bool {
    let empty = Map::new();
    let (left, right) = (left.as_object().unwrap_or(&empty), right.as_object().unwrap_or(&empty));
    let rest = |of: &'_ Map<String, Value>| {
        of.keys().filter(|name| !fields.contains(&name.as_str())).count()
    };
    rest(left) == rest(right)
        && left
            .iter()
            .filter(|(name, _)| !fields.contains(&name.as_str()))
            .all(|(name, value)| right.get(name) == Some(value))
}

//! ConfigMaps and Secrets that a container refers to, and what it gets of them.
//!
//! They are read when the container is started; later changes reach the next start.

use std::collections::{BTreeMap, BTreeSet};

use api::{ApiResource, Key, Status, resources};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::core::v1::{Container, Pod, Volume};
use serde_json::Value;

use crate::spec;

/// A ConfigMap or Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A ConfigMap.
    ConfigMap,
    /// A Secret.
    Secret,
}

impl Kind {
    /// Where it is served.
    pub fn resource(self) -> &'static ApiResource {
        match self {
            Self::ConfigMap => &resources::CONFIG_MAPS,
            Self::Secret => &resources::SECRETS,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::ConfigMap => "configmap",
            Self::Secret => "secret",
        }
    }
}

/// What an object refers to: a kind and a name in the pod's namespace.
pub type Reference = (Kind, String);

/// The data of what was read; `None` for an object that does not exist.
pub(crate) type Found = BTreeMap<Reference, Option<BTreeMap<String, Vec<u8>>>>;

/// Everything that starting a container needs to read.
pub(crate) fn of_container(pod: &Pod, container: &Container) -> BTreeSet<Reference> {
    let mut references = BTreeSet::new();
    let mut add = |kind: Kind, name: &str| {
        references.insert((kind, name.to_owned()));
    };
    for variable in container.env.iter().flatten() {
        let Some(from) = &variable.value_from else { continue };
        if let Some(selector) = &from.config_map_key_ref {
            add(Kind::ConfigMap, &selector.name);
        }
        if let Some(selector) = &from.secret_key_ref {
            add(Kind::Secret, &selector.name);
        }
    }
    for from in container.env_from.iter().flatten() {
        if let Some(source) = &from.config_map_ref {
            add(Kind::ConfigMap, &source.name);
        }
        if let Some(source) = &from.secret_ref {
            add(Kind::Secret, &source.name);
        }
    }
    for volume in mounted(pod, container) {
        if let Some(source) = &volume.config_map {
            add(Kind::ConfigMap, &source.name);
        }
        if let Some(name) = volume.secret.as_ref().and_then(|source| source.secret_name.as_ref()) {
            add(Kind::Secret, name);
        }
        let projected =
            volume.projected.iter().flat_map(|projected| projected.sources.iter().flatten());
        for source in projected {
            if let Some(source) = &source.config_map {
                add(Kind::ConfigMap, &source.name);
            }
            if let Some(source) = &source.secret {
                add(Kind::Secret, &source.name);
            }
        }
    }
    references
}

/// The pod's volumes that a container mounts.
pub(crate) fn mounted<'a>(
    pod: &'a Pod,
    container: &'a Container,
) -> impl Iterator<Item = &'a Volume> {
    let mounts = container.volume_mounts.as_deref().unwrap_or_default();
    let volumes = spec::spec(pod).volumes.iter().flatten();
    volumes.filter(|volume| mounts.iter().any(|mount| mount.name == volume.name))
}

/// The data of an object as it came over the wire.
pub(crate) fn data(kind: Kind, object: &Value) -> BTreeMap<String, Vec<u8>> {
    let decoded = |field: &str| {
        let fields = object.get(field).and_then(Value::as_object).into_iter().flatten();
        let decoded = fields.filter_map(|(name, value)| {
            Some((name.clone(), STANDARD.decode(value.as_str()?).ok()?))
        });
        decoded.collect::<BTreeMap<String, Vec<u8>>>()
    };
    let plain = |field: &str| {
        let fields = object.get(field).and_then(Value::as_object).into_iter().flatten();
        let plain = fields
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.as_bytes().to_vec())));
        plain.collect::<BTreeMap<String, Vec<u8>>>()
    };
    match kind {
        Kind::ConfigMap => {
            let mut data = decoded("binaryData");
            data.extend(plain("data"));
            data
        }
        Kind::Secret => decoded("data"),
    }
}

/// One value of an object; `Ok(None)` when it is absent and may be.
pub(crate) fn value<'a>(
    found: &'a Found,
    pod: &Pod,
    (reference, key, optional): (Reference, &str, bool),
) -> Result<Option<&'a Vec<u8>>, String> {
    let Some(data) = object(found, &reference, optional)? else { return Ok(None) };
    match data.get(key) {
        Some(value) => Ok(Some(value)),
        None if optional => Ok(None),
        None => {
            let (kind, name) = reference;
            let title = if kind == Kind::Secret { "Secret" } else { "ConfigMap" };
            let namespace = Key::of(&pod.metadata).namespace;
            Err(format!("couldn't find key {key} in {title} {namespace}/{name}"))
        }
    }
}

/// An object's data; `Ok(None)` when it is absent and may be.
pub(crate) fn object<'a>(
    found: &'a Found,
    reference: &Reference,
    optional: bool,
) -> Result<Option<&'a BTreeMap<String, Vec<u8>>>, String> {
    match found.get(reference).and_then(Option::as_ref) {
        Some(data) => Ok(Some(data)),
        None if optional => Ok(None),
        None => Err(format!("{} \"{}\" not found", reference.0.word(), reference.1)),
    }
}

/// Reads an answer of the API server: the data, that there is no object, or that it must be asked again.
pub(crate) fn answer(
    kind: Kind,
    outcome: Result<Value, Status>,
) -> Result<Option<BTreeMap<String, Vec<u8>>>, Status> {
    match outcome {
        Ok(object) => Ok(Some(data(kind, &object))),
        Err(status) if status.reason == api::Reason::NotFound => Ok(None),
        Err(status) => Err(status),
    }
}

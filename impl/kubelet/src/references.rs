//! What containers and volumes refer to, and what they get of it: ConfigMaps, Secrets, tokens, and the claims
//! and volumes behind which there are files.
//!
//! It is read when a container is started, and for volumes again when it has changed or a token is to be replaced.
//! In variables, changes reach the next start.

use std::collections::{BTreeMap, BTreeSet};

use api::{ApiResource, Key, Reason, Request, Status, resources, storage};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use client::Outcome;
use k8s_openapi::api::core::v1::{Container, PersistentVolume, PersistentVolumeClaim, Pod, Volume};
use serde_json::Value;

use crate::tokens::{Token, TokenRequest};
use crate::{claims, spec};

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

/// Something of the pod's namespace that is read for it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reference {
    /// An object with this name.
    Object(Kind, String),
    /// A token of the pod's service account.
    Token(TokenRequest),
    /// A claim with this name.
    Claim(String),
    /// A volume with this name, which is of no namespace.
    Volume(String),
}

impl Reference {
    /// Whether it is one of these tokens.
    pub(crate) fn is_among(&self, tokens: &BTreeMap<TokenRequest, Token>) -> bool {
        match self {
            Self::Token(request) => tokens.contains_key(request),
            Self::Object(..) | Self::Claim(_) | Self::Volume(_) => false,
        }
    }

    /// How it is asked for.
    pub(crate) fn request(&self, pod: &Pod) -> Request {
        match self {
            Self::Object(kind, name) => {
                let Key { namespace, .. } = Key::of(&pod.metadata);
                Request::get(kind.resource(), Key::new(&namespace, name))
            }
            Self::Token(request) => request.request(pod),
            Self::Claim(name) => {
                let Key { namespace, .. } = Key::of(&pod.metadata);
                Request::get(&resources::PERSISTENT_VOLUME_CLAIMS, Key::new(&namespace, name))
            }
            Self::Volume(name) => Request::get(&resources::PERSISTENT_VOLUMES, Key::cluster(name)),
        }
    }
}

/// The keys and values of an object.
pub(crate) type Data = BTreeMap<String, Vec<u8>>;

/// A ConfigMap or Secret that was read.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    /// Its `resourceVersion`.
    pub(crate) version: String,
    /// Whether it stays as it is (`immutable`).
    pub(crate) is_immutable: bool,
    data: Data,
}

/// What was read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    /// `None` for an object that does not exist.
    pub(crate) objects: BTreeMap<(Kind, String), Option<Object>>,
    pub(crate) tokens: BTreeMap<TokenRequest, Token>,
    pub(crate) claims: BTreeMap<String, PersistentVolumeClaim>,
    pub(crate) volumes: BTreeMap<String, PersistentVolume>,
}

impl Found {
    /// Notes an answer of the API server. What it does not know is known too, if it is a ConfigMap
    /// or a Secret.
    pub(crate) fn note(&mut self, reference: Reference, outcome: Outcome) -> Result<(), Status> {
        match (reference, outcome) {
            (Reference::Object(kind, name), Err(status)) if status.reason == Reason::NotFound => {
                self.objects.insert((kind, name), None);
            }
            (_, Err(status)) => return Err(status),
            (Reference::Object(kind, name), Ok(object)) => {
                let found = Object {
                    version: api::object::text(&object, &["metadata", "resourceVersion"])
                        .to_owned(),
                    is_immutable: object["immutable"] == true,
                    data: data(kind, &object),
                };
                self.objects.insert((kind, name), Some(found));
            }
            (Reference::Token(request), Ok(answer)) => {
                let token = Token::of(&answer);
                let token = token.ok_or_else(|| Status::internal("the answer has no token"))?;
                self.tokens.insert(request, token);
            }
            (Reference::Claim(name), Ok(claim)) => {
                self.claims.insert(name, read(claim)?);
            }
            (Reference::Volume(name), Ok(volume)) => {
                self.volumes.insert(name, read(volume)?);
            }
        }
        Ok(())
    }

    /// The claim that is bound to a volume.
    pub(crate) fn claim_of(&self, reference: &Reference) -> Option<String> {
        let Reference::Volume(volume) = reference else { return None };
        let mut claims = self.claims.iter();
        let found = claims.find(|(_, claim)| storage::volume_name(claim) == volume);
        found.map(|(name, _)| name.clone())
    }

    /// What has to be read too, now that this was read.
    pub(crate) fn further(&self, read: &Reference) -> Option<Reference> {
        let Reference::Claim(name) = read else { return None };
        let volume = claims::volume_name(self.claims.get(name)?).ok()?;
        (!self.volumes.contains_key(volume)).then(|| Reference::Volume(volume.to_owned()))
    }
}

fn read<K: serde::de::DeserializeOwned>(object: Value) -> Result<K, Status> {
    serde_json::from_value(object).map_err(|error| Status::internal(error.to_string()))
}

/// Everything that starting a container needs to read first.
pub(crate) fn of_container(pod: &Pod, container: &Container) -> BTreeSet<Reference> {
    let mut references = BTreeSet::new();
    let mut add = |kind: Kind, name: &str| {
        references.insert(Reference::Object(kind, name.to_owned()));
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
    references.extend(mounted(pod, container).flat_map(|volume| of_volume(pod, volume)));
    references
}

/// Everything that a volume of a pod shows, as far as is known before anything is read.
pub(crate) fn of_volume(pod: &Pod, volume: &Volume) -> BTreeSet<Reference> {
    let mut references = BTreeSet::new();
    let mut add = |kind: Kind, name: &str| {
        references.insert(Reference::Object(kind, name.to_owned()));
    };
    if let Some(source) = &volume.config_map {
        add(Kind::ConfigMap, &source.name);
    }
    if let Some(name) = volume.secret.as_ref().and_then(|source| source.secret_name.as_ref()) {
        add(Kind::Secret, name);
    }
    let sources = volume.projected.iter().flat_map(|projected| projected.sources.iter().flatten());
    for source in sources {
        if let Some(source) = &source.config_map {
            add(Kind::ConfigMap, &source.name);
        }
        if let Some(source) = &source.secret {
            add(Kind::Secret, &source.name);
        }
    }
    references.extend(tokens(volume).map(Reference::Token));
    let claim = storage::claim_of_volume(pod, volume);
    references.extend(claim.map(|(name, _)| Reference::Claim(name)));
    references
}

/// Whether a volume is made of files whose content is known.
pub(crate) fn is_of_files(volume: &Volume) -> bool {
    volume.config_map.is_some()
        || volume.secret.is_some()
        || volume.downward_api.is_some()
        || volume.projected.is_some()
}

/// Whether a volume shows what the pod says of itself.
pub(crate) fn shows_pod(volume: &Volume) -> bool {
    let sources = volume.projected.iter().flat_map(|projected| projected.sources.iter().flatten());
    volume.downward_api.is_some() || sources.into_iter().any(|source| source.downward_api.is_some())
}

/// The tokens that a volume shows.
pub(crate) fn tokens(volume: &Volume) -> impl Iterator<Item = TokenRequest> {
    let sources = volume.projected.iter().flat_map(|projected| projected.sources.iter().flatten());
    sources.filter_map(|source| source.service_account_token.as_ref()).map(TokenRequest::of)
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
fn data(kind: Kind, object: &Value) -> Data {
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
    (reference, key, optional): ((Kind, String), &str, bool),
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
    reference: &(Kind, String),
    optional: bool,
) -> Result<Option<&'a Data>, String> {
    match found.objects.get(reference).and_then(Option::as_ref) {
        Some(object) => Ok(Some(&object.data)),
        None if optional => Ok(None),
        None => Err(format!("{} \"{}\" not found", reference.0.word(), reference.1)),
    }
}

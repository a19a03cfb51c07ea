//! In which form an answer is given: the object itself, only its metadata, or a table row.
//!
//! Source: Kubernetes API concepts, "Alternate representations of resources".

use api::status::Cause;
use api::{ApiResource, Reason, Status, Timestamp};
use http::Method;
use serde_json::{Value, json};

use crate::accept::{self, MetaVersion, Shown};
use crate::call::{Call, Response};
use crate::printers;
use crate::route::Objects;
use crate::version::Version;

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The object.
    Object,
    /// The object in a version that it is not stored as.
    Version(&'static Version),
    /// `PartialObjectMetadata`.
    Metadata(MetaVersion),
    /// `Table`, each row with this much of its object.
    Table(MetaVersion, Include),
}

/// How much of the object a table row carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Include {
    /// Nothing.
    None,
    /// `PartialObjectMetadata`.
    Metadata,
    /// All of it.
    Object,
    /// All of it, in a version that it is not stored as.
    Version(&'static Version),
}

/// The form that a request asks for.
pub fn format(call: &Call, target: &Objects) -> Result<Format, Status> {
    match accept::shown(call, target.has_columns())? {
        Shown::Object => Ok(target.version.map_or(Format::Object, Format::Version)),
        Shown::Metadata(_) if is_list(call, target) => Err(not_of(target, "PartialObjectMetadata")),
        Shown::Metadata(version) => Ok(Format::Metadata(version)),
        Shown::MetadataList(version) if is_list(call, target) => Ok(Format::Metadata(version)),
        Shown::MetadataList(_) => Err(not_of(target, "PartialObjectMetadataList")),
        Shown::Table(version) => Ok(Format::Table(version, include(call, target)?)),
    }
}

/// Whether the answer is a list.
fn is_list(call: &Call, target: &Objects) -> bool {
    let is_asked = [Method::GET, Method::DELETE].contains(&call.method);
    target.name.is_none() && is_asked && !accept::is_watch(call)
}

/// 406 for one where there are several, or the other way round.
/// Source: apiserver/pkg/endpoints/handlers/response.go, v1.36.
fn not_of(target: &Objects, asked: &str) -> Status {
    let (is, list) = if asked.ends_with("List") { ("is not", "") } else { ("is", "List") };
    let kind = go_type(target.resource);
    let message =
        format!("you requested {asked}, but the requested object {is} a list (*{kind}{list})");
    Status::new(Reason::NotAcceptable, message)
}

/// `apps.Deployment`, as upstream's messages name the type that all versions of a kind are converted to.
pub(crate) fn go_type(resource: &ApiResource) -> String {
    let package = resource.group.split('.').next().filter(|group| !group.is_empty());
    format!("{}.{}", package.unwrap_or("core"), resource.kind)
}

fn include(call: &Call, target: &Objects) -> Result<Include, Status> {
    match call.parameter("includeObject") {
        "" | "Metadata" => Ok(Include::Metadata),
        "None" => Ok(Include::None),
        "Object" => Ok(target.version.map_or(Include::Object, Include::Version)),
        other => {
            let rule = "must be 'Metadata', 'Object', 'None', or empty";
            let cause = Cause::invalid("includeObject", &json!(other), rule);
            Err(Status::bad_request(format!("Unable to convert to Table as requested: {cause}")))
        }
    }
}

impl Format {
    /// One object.
    pub fn one(
        self,
        code: u16,
        resource: &ApiResource,
        object: &Value,
        now: Timestamp,
    ) -> Response {
        Response::json(code, &self.value(resource, object, now))
    }

    /// One object as JSON.
    pub fn value(self, resource: &ApiResource, object: &Value, now: Timestamp) -> Value {
        match self {
            Self::Object => object.clone(),
            Self::Version(version) => version.serve(object),
            Self::Metadata(meta) => partial(object, meta),
            Self::Table(meta, include) => {
                let revision = &object["metadata"]["resourceVersion"];
                let metadata = json!({"resourceVersion": revision});
                table(resource, metadata, std::slice::from_ref(object), (meta, include), now)
            }
        }
    }

    /// A list of objects as JSON.
    pub fn list(
        self,
        resource: &ApiResource,
        metadata: Value,
        objects: &[Value],
        now: Timestamp,
    ) -> Value {
        match self {
            Self::Object => whole(resource, metadata, objects.to_vec()),
            Self::Version(version) => {
                let objects = objects.iter().map(|object| version.serve(object)).collect();
                whole(version.served, metadata, objects)
            }
            Self::Metadata(meta) => {
                let partial = |object| partial(object, meta);
                let items: Vec<Value> = objects.iter().map(partial).collect();
                json!({"kind": "PartialObjectMetadataList", "apiVersion": meta.api_version(),
                    "metadata": metadata, "items": items})
            }
            Self::Table(meta, include) => table(resource, metadata, objects, (meta, include), now),
        }
    }
}

fn whole(resource: &ApiResource, metadata: Value, objects: Vec<Value>) -> Value {
    json!({"kind": format!("{}List", resource.kind), "apiVersion": resource.api_version(),
        "metadata": metadata, "items": objects})
}

fn partial(object: &Value, meta: MetaVersion) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": meta.api_version(), "metadata": object["metadata"]})
}

fn table(
    resource: &ApiResource,
    metadata: Value,
    objects: &[Value],
    (meta, include): (MetaVersion, Include),
    now: Timestamp,
) -> Value {
    let rows: Vec<Value> = printers::in_order(resource, objects)
        .into_iter()
        .map(|object| {
            let mut row = json!({"cells": printers::cells(resource, object, now)});
            match include {
                Include::None => {}
                Include::Metadata => row["object"] = partial(object, meta),
                Include::Object => row["object"] = object.clone(),
                Include::Version(version) => row["object"] = version.serve(object),
            }
            row
        })
        .collect();
    json!({"kind": "Table", "apiVersion": meta.api_version(), "metadata": metadata,
        "columnDefinitions": printers::columns(resource), "rows": rows})
}

//! `PartialObjectMetadata` and its list: kinds that only answers have.
//!
//! Source: apimachinery/pkg/apis/meta/v1/generated.proto, v1.36.

use serde_json::Value;

use super::wire::Writer;
use super::{ProtobufError, encode};
use crate::schema::Schema;

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const LIST_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta";

/// The message of such an object, if it is one.
pub(super) fn message(
    api_version: &str,
    kind: &str,
    object: &Value,
) -> Option<Result<Vec<u8>, ProtobufError>> {
    match (api_version, kind) {
        ("meta.k8s.io/v1", "PartialObjectMetadata") => Some(of(OBJECT_META, object)),
        ("meta.k8s.io/v1", "PartialObjectMetadataList") => Some(list(object)),
        _ => None,
    }
}

/// A message with metadata of this definition.
fn of(definition: &str, object: &Value) -> Result<Vec<u8>, ProtobufError> {
    let mut writer = Writer::default();
    if let Some(definition) = Schema::named(definition) {
        writer.bytes(1, &encode::message(definition, &object["metadata"])?);
    }
    Ok(writer.into_bytes())
}

fn list(list: &Value) -> Result<Vec<u8>, ProtobufError> {
    let mut items = Writer::default();
    for item in list["items"].as_array().into_iter().flatten() {
        items.bytes(2, &of(OBJECT_META, item)?);
    }
    Ok([items.into_bytes(), of(LIST_META, list)?].concat())
}

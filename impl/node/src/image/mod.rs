//! Images: where they come from and how they are kept.
//!
//! An image is its configuration, kept by digest, and its unpacked layers, kept by diff id. Blobs are
//! not kept. Leaves out garbage collection and zstd layers.

mod archive;
mod busybox;
mod layer;
mod reference;
mod registry;
mod store;

use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use busybox::busybox_archive;
pub(crate) use store::Store;

use crate::Error;

/// What an image says about the containers made of it. Source: OCI image configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Defaults {
    /// `NAME=value`.
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) env: Vec<String>,
    /// The program and its first arguments.
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) entrypoint: Vec<String>,
    /// Further arguments.
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) cmd: Vec<String>,
    /// Where it starts.
    pub(crate) working_dir: String,
    /// `user`, `user:group`, by name or number.
    pub(crate) user: String,
    /// `SIGTERM` unless given.
    pub(crate) stop_signal: String,
}

fn null_as_default<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// An image that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Image {
    /// The digest of its configuration, `sha256:…`.
    pub(crate) id: String,
    /// What it says about its containers.
    pub(crate) defaults: Defaults,
    /// Its unpacked layers, lowest first.
    pub(crate) layers: Vec<PathBuf>,
}

/// Loads an OCI layout (a directory or a tar file) or what `docker save` writes (gzip too) into the
/// images of a data directory. Returns the names that images have now, or their ids when they have none.
pub fn load(data_dir: &Path, path: &Path) -> Result<Vec<String>, Error> {
    let store = Store::open(data_dir)?;
    archive::load(&store, path)
}

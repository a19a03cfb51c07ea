//! Reads images from files: OCI layouts and what `docker save` writes.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use oci_spec::image::{ImageIndex, ImageManifest};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tar::Archive;

use super::layer;
use super::store::{Store, digest};
use crate::Error;
use crate::error::reason;

/// One image of `manifest.json`, the index of a docker archive.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DockerImage {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

/// The annotation with which an OCI layout names an image.
const NAMES: [&str; 2] = ["io.containerd.image.name", "org.opencontainers.image.ref.name"];

/// Loads every image of a file or directory; returns their names.
pub(super) fn load(store: &Store, path: &Path) -> Result<Vec<String>, Error> {
    let file = path.display().to_string();
    if path.is_dir() {
        return Layout { store, file, root: path.to_owned() }.load();
    }
    let scratch = store.scratch()?;
    let archive = File::open(path).map_err(Error::file(path))?;
    layer::decompressed(archive)
        .and_then(|archive| Archive::new(archive).unpack(&scratch.0))
        .map_err(|error| Error::Image { image: file.clone(), reason: reason(error) })?;
    Layout { store, file, root: scratch.0.clone() }.load()
}

/// An unpacked archive.
struct Layout<'a> {
    store: &'a Store,
    file: String,
    root: PathBuf,
}

impl Layout<'_> {
    fn load(&self) -> Result<Vec<String>, Error> {
        let names = if self.root.join("manifest.json").is_file() {
            self.load_docker()?
        } else if self.root.join("index.json").is_file() {
            self.load_index(&self.json("index.json")?)?
        } else {
            return Err(self.refused("it is neither an OCI layout nor a docker archive"));
        };
        if names.is_empty() {
            return Err(self.refused("it holds no image for this machine"));
        }
        Ok(names)
    }

    fn load_docker(&self) -> Result<Vec<String>, Error> {
        let images: Vec<DockerImage> = self.json("manifest.json")?;
        let mut names = vec![];
        for image in images {
            let configuration = self.bytes(&image.config)?;
            let tags = image.repo_tags.unwrap_or_default();
            names.extend(self.add(&tags, &configuration, &image.layers)?);
        }
        Ok(names)
    }

    fn load_index(&self, index: &ImageIndex) -> Result<Vec<String>, Error> {
        let mut names = vec![];
        for descriptor in index.manifests() {
            let annotations = descriptor.annotations().clone().unwrap_or_default();
            let tags: Vec<String> =
                NAMES.iter().find_map(|name| annotations.get(*name).cloned()).into_iter().collect();
            let path = blob(descriptor.digest().as_ref());
            let bytes = self.bytes(&path)?;
            if descriptor.media_type().to_string().contains("index")
                || descriptor.media_type().to_string().contains("manifest.list")
            {
                names.extend(self.load_index(&self.parse(&path, &bytes)?)?);
                continue;
            }
            let runs_here = descriptor.platform().as_ref().is_none_or(|platform| {
                platform.os().to_string() == "linux"
                    && platform.architecture().to_string() == ARCHITECTURE
            });
            if runs_here {
                let manifest: ImageManifest = self.parse(&path, &bytes)?;
                names.extend(self.load_manifest(&tags, &manifest)?);
            }
        }
        Ok(names)
    }

    fn load_manifest(
        &self,
        tags: &[String],
        manifest: &ImageManifest,
    ) -> Result<Vec<String>, Error> {
        let configuration = self.bytes(&blob(manifest.config().digest().as_ref()))?;
        let layers: Vec<String> =
            manifest.layers().iter().map(|layer| blob(layer.digest().as_ref())).collect();
        self.add(tags, &configuration, &layers)
    }

    fn add(
        &self,
        tags: &[String],
        configuration: &[u8],
        layers: &[String],
    ) -> Result<Vec<String>, Error> {
        let diff_ids = Store::diff_ids(&self.file, configuration)?;
        if diff_ids.len() != layers.len() {
            let (listed, found) = (diff_ids.len(), layers.len());
            return Err(self.refused(&format!("it lists {listed} layers and has {found}")));
        }
        for (diff_id, layer) in diff_ids.iter().zip(layers) {
            let path = self.path(layer)?;
            let blob = File::open(&path).map_err(|error| self.unreadable(layer, &error))?;
            self.store.add_layer(&self.file, diff_id, blob)?;
        }
        self.store.add_image(tags, configuration)?;
        if tags.is_empty() { Ok(vec![digest(configuration)]) } else { Ok(tags.to_vec()) }
    }

    fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T, Error> {
        self.parse(name, &self.bytes(name)?)
    }

    fn parse<T: DeserializeOwned>(&self, name: &str, bytes: &[u8]) -> Result<T, Error> {
        serde_json::from_slice(bytes).map_err(|error| self.unreadable(name, &error))
    }

    fn bytes(&self, name: &str) -> Result<Vec<u8>, Error> {
        let mut bytes = vec![];
        File::open(self.path(name)?)
            .and_then(|mut file| file.read_to_end(&mut bytes))
            .map_err(|error| self.unreadable(name, &error))?;
        Ok(bytes)
    }

    /// A file of the archive; docker archives link layers that occur twice, but never out of the archive.
    fn path(&self, name: &str) -> Result<PathBuf, Error> {
        let plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        let path = self.root.join(name);
        let resolved = fs::canonicalize(&path).map_err(|error| self.unreadable(name, &error))?;
        let root = fs::canonicalize(&self.root).map_err(Error::file(&self.root))?;
        if plain && resolved.starts_with(root) {
            Ok(path)
        } else {
            Err(self.refused(&format!("{name} leads out of the archive")))
        }
    }

    fn unreadable(&self, name: &str, error: &dyn std::fmt::Display) -> Error {
        self.refused(&format!("{name}: {error}"))
    }

    fn refused(&self, reason: &str) -> Error {
        Error::Image { image: self.file.clone(), reason: reason.to_owned() }
    }
}

/// This machine in the words of images.
pub(super) const ARCHITECTURE: &str = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };

fn blob(digest: &str) -> String {
    format!("blobs/{}", digest.replacen(':', "/", 1))
}

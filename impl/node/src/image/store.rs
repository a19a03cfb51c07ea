//! Keeps images below a data directory.
//!
//! `images/configs/HEX.json` is a configuration as it came, `images/layers/HEX` an unpacked layer,
//! `images/references.json` says which name is which image.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{Defaults, Image, layer, reference};
use crate::error::reason;
use crate::{Error, shim};

/// The images of a data directory. Processes may share it.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    root: PathBuf,
}

/// Enough of a configuration to find the layers and the defaults.
#[derive(Deserialize)]
struct Configuration {
    #[serde(default)]
    config: Option<Defaults>,
    rootfs: Rootfs,
}

#[derive(Deserialize)]
struct Rootfs {
    diff_ids: Vec<String>,
}

/// The digest of bytes, as images name them.
pub(super) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{:x}", Sha256::digest(bytes))
}

impl Store {
    /// Opens the images of a data directory, made if there are none.
    pub(crate) fn open(data_dir: &Path) -> Result<Self, Error> {
        let root = data_dir.join("images");
        for directory in ["configs", "layers", "tmp"] {
            let path = root.join(directory);
            fs::create_dir_all(&path).map_err(Error::file(&path))?;
        }
        Ok(Self { root })
    }

    /// A directory of its own on the same file system, for what is being unpacked.
    pub(super) fn scratch(&self) -> Result<Scratch, Error> {
        let base = self.root.join("tmp");
        for number in 0.. {
            let path = base.join(format!("{}-{number}", std::process::id()));
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Scratch(path)),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(Error::file(&path)(error)),
            }
        }
        Err(Error::Image { image: base.display().to_string(), reason: "no scratch space".into() })
    }

    /// Which layers a configuration lists, lowest first.
    pub(super) fn diff_ids(image: &str, configuration: &[u8]) -> Result<Vec<String>, Error> {
        parse(image, configuration).map(|parsed| parsed.rootfs.diff_ids)
    }

    /// Whether a layer is there.
    pub(super) fn has_layer(&self, diff_id: &str) -> bool {
        self.layer_path(diff_id).is_dir()
    }

    /// Unpacks a layer, compressed or not, unless it is there.
    pub(super) fn add_layer(
        &self,
        image: &str,
        diff_id: &str,
        blob: impl Read,
    ) -> Result<(), Error> {
        if self.has_layer(diff_id) {
            return Ok(());
        }
        let scratch = self.scratch()?;
        let refused = |reason: String| Error::Image { image: image.to_owned(), reason };
        let found = layer::unpack(blob, &scratch.0)
            .map_err(|error| refused(format!("layer {diff_id}: {}", reason(error))))?;
        if found != diff_id {
            return Err(refused(format!("layer {diff_id} has the content of {found}")));
        }
        match fs::rename(&scratch.0, self.layer_path(diff_id)) {
            Err(_) if self.has_layer(diff_id) => Ok(()),
            result => result.map_err(Error::file(&self.layer_path(diff_id))),
        }
    }

    /// Keeps an image whose layers are there under these names; returns its id.
    pub(super) fn add_image(
        &self,
        names: &[String],
        configuration: &[u8],
    ) -> Result<String, Error> {
        let id = digest(configuration);
        let path = self.configuration_path(&id);
        fs::write(&path, configuration).map_err(Error::file(&path))?;
        let _locked = self.lock()?;
        let mut references = self.references()?;
        for name in names {
            references.insert(reference::normalize(name)?, id.clone());
        }
        let path = self.root.join("references.json");
        shim::write(&path, &references).map_err(Error::file(&path))?;
        Ok(id)
    }

    /// The id of the image with this name, digest or id.
    pub(crate) fn find(&self, name: &str) -> Result<Option<String>, Error> {
        if self.configuration_path(name).is_file() {
            return Ok(Some(name.to_owned()));
        }
        let name = reference::normalize(name)?;
        Ok(self.references()?.get(&name).cloned())
    }

    /// The image with this id.
    pub(crate) fn image(&self, id: &str) -> Result<Image, Error> {
        let path = self.configuration_path(id);
        let bytes = fs::read(&path).map_err(|_| Error::NoSuchImage(id.to_owned()))?;
        let parsed = parse(id, &bytes)?;
        let layers = parsed.rootfs.diff_ids.iter().map(|diff_id| self.layer_path(diff_id));
        Ok(Image {
            id: id.to_owned(),
            defaults: parsed.config.unwrap_or_default(),
            layers: layers.collect(),
        })
    }

    fn lock(&self) -> Result<Flock<File>, Error> {
        let path = self.root.join("lock");
        let file = File::create(&path).map_err(Error::file(&path))?;
        Flock::lock(file, FlockArg::LockExclusive)
            .map_err(|(_, source)| Error::System { what: "locking the images", source })
    }

    fn references(&self) -> Result<BTreeMap<String, String>, Error> {
        let path = self.root.join("references.json");
        if !path.exists() {
            return Ok(BTreeMap::new());
        }
        shim::read(&path).map_err(Error::file(&path))
    }

    fn configuration_path(&self, id: &str) -> PathBuf {
        self.root.join("configs").join(format!("{}.json", hexadecimal(id)))
    }

    /// Short, because a container's mount lists the paths of all its layers in one page.
    fn layer_path(&self, diff_id: &str) -> PathBuf {
        let hexadecimal = hexadecimal(diff_id);
        self.root.join("layers").join(&hexadecimal[..hexadecimal.len().min(24)])
    }
}

/// The part of a digest that is safe as a file name.
fn hexadecimal(digest: &str) -> String {
    let text = digest.rsplit(':').next().unwrap_or_default();
    text.chars().filter(char::is_ascii_hexdigit).collect()
}

fn parse(image: &str, configuration: &[u8]) -> Result<Configuration, Error> {
    serde_json::from_slice(configuration).map_err(|error| Error::Image {
        image: image.to_owned(),
        reason: format!("its configuration cannot be read: {error}"),
    })
}

/// A directory that goes when nobody has moved it away.
pub(super) struct Scratch(pub(super) PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _moved = fs::remove_dir_all(&self.0);
    }
}

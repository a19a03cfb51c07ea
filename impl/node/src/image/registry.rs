//! Pulls images from registries. Those of this machine are spoken to without TLS, as Docker does.

use std::sync::Arc;

use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference};

use super::reference;
use super::store::Store;
use crate::Error;

/// What was pulled.
pub(crate) struct Pulled {
    /// The image's id.
    pub(crate) id: String,
    /// The size of its layers as they travelled.
    pub(crate) size_bytes: u64,
}

impl Store {
    /// Pulls an image without credentials.
    pub(crate) async fn pull(&self, name: &str) -> Result<Pulled, Error> {
        let reference = reference::parse(name)?;
        let refused = |reason: String| Error::Image { image: name.to_owned(), reason };
        let client = client(&reference);
        let (manifest, _, configuration) =
            client.pull_manifest_and_config(&reference, &RegistryAuth::Anonymous).await.map_err(
                |error| refused(format!("failed to pull and unpack image {reference:?}: {error}")),
            )?;
        let diff_ids = Self::diff_ids(name, configuration.as_bytes())?;
        if diff_ids.len() != manifest.layers.len() {
            return Err(refused("its manifest and configuration disagree".to_owned()));
        }
        let mut size_bytes = 0;
        for (diff_id, layer) in diff_ids.iter().zip(&manifest.layers) {
            size_bytes += u64::try_from(layer.size).unwrap_or(0);
            if self.has_layer(diff_id) {
                continue;
            }
            let mut blob = vec![];
            client
                .pull_blob(&reference, layer, &mut blob)
                .await
                .map_err(|error| refused(format!("layer {}: {error}", layer.digest)))?;
            let (store, image, diff_id) = (self.clone(), name.to_owned(), diff_id.clone());
            unpacking(move || store.add_layer(&image, &diff_id, blob.as_slice())).await?;
        }
        let id = self.add_image(&[name.to_owned()], configuration.as_bytes())?;
        Ok(Pulled { id, size_bytes })
    }
}

fn client(reference: &Reference) -> Arc<Client> {
    let registry = reference.resolve_registry().split(':').next().unwrap_or_default().to_owned();
    let local = registry == "localhost" || registry.starts_with("127.");
    let protocol = if local { ClientProtocol::Http } else { ClientProtocol::Https };
    host::tls::install_provider();
    Arc::new(Client::new(ClientConfig { protocol, ..ClientConfig::default() }))
}

async fn unpacking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
}

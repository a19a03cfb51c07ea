//! What the cache knows of the neighbours of ResourceClaims.

use api::Key;
use api::object::to_value;
use api::quota::Neighbours;
use client::View;
use serde_json::Value;

/// The neighbours that a cache shows.
pub(super) struct Cached<'a>(pub(super) &'a View);

impl Neighbours for Cached<'_> {
    fn extended_resource(&self, class: &str) -> Option<String> {
        self.0.device_classes.get(&Key::cluster(class))?.spec.extended_resource_name.clone()
    }

    fn pod(&self, namespace: &str, name: &str) -> Option<Value> {
        self.0.pods.get(&Key::new(namespace, name)).map(|pod| to_value(&**pod))
    }

    fn claims(&self, namespace: &str, owner: &str) -> Vec<Value> {
        let claims = self.0.resource_claims.in_namespace(namespace).filter(|claim| {
            let mut owners = claim.metadata.owner_references.iter().flatten();
            owners.any(|one| one.uid == owner)
        });
        claims.map(|claim| to_value(&**claim)).collect()
    }
}

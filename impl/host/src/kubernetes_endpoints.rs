//! Keeps the endpoints of the `kubernetes` service what they should be, for an API server.

use std::time::Duration;

use api::{Key, Kind, Reason, Request, Status};
use controllers::kubernetes_endpoints::{Advertised, KUBERNETES, correct_endpoints, correct_slice};

use crate::requests;
use crate::transport::Transport;

/// How often they are looked at. Source: `DefaultEndpointReconcilerInterval`.
const INTERVAL: Duration = Duration::from_secs(10);

/// Writes the endpoints whenever they are not what they should be, for ever.
pub async fn keep(transport: &dyn Transport, advertised: &Advertised) {
    loop {
        // A refusal is told in the log of requests, and tried again.
        drop(reconcile(transport, advertised).await);
        tokio::time::sleep(INTERVAL).await;
    }
}

async fn reconcile(transport: &dyn Transport, advertised: &Advertised) -> Result<(), Status> {
    let endpoints = find(transport).await?;
    let slice = find(transport).await?;
    let corrections = [
        correct_endpoints(advertised, endpoints.as_ref()),
        correct_slice(advertised, slice.as_ref()),
    ];
    for request in corrections.iter().flatten() {
        requests::perform(transport, request).await?;
    }
    Ok(())
}

async fn find<K: Kind>(transport: &dyn Transport) -> Result<Option<K>, Status> {
    let get = Request::get(K::RESOURCE, Key::new("default", KUBERNETES));
    match requests::perform(transport, &get).await {
        Ok(found) => serde_json::from_value(found)
            .map(Some)
            .map_err(|error| Status::internal(format!("{KUBERNETES} is not readable: {error}"))),
        Err(status) if status.reason == Reason::NotFound => Ok(None),
        Err(status) => Err(status),
    }
}

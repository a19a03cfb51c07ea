//! A first pod, for whoever has just started a cluster.

use std::time::Duration;

use api::object::{at, text};
use api::{Reason, Request, resources};
use apiserver::{keys, object};
use host::{ApiServer, Local, requests};
use k8s_openapi::api::core::v1::{Container, Pod, PodSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::Value;

use crate::failure::{Failure, While};
use crate::pki;

/// The image that `kanon image busybox` makes.
pub(crate) const IMAGE: &str = "busybox:1.35";

const NAME: &str = "hello";

/// Runs the pod, unless it is there already, and returns its address once it is Ready.
pub(crate) async fn run(server: &ApiServer, patience: Duration) -> Result<String, Failure> {
    let what = "the pod \"hello\"";
    let ready = async {
        let transport = Local::new(server.clone(), pki::admin(), "kanon", 0);
        match requests::perform(&transport, &Request::create(&pod())).await {
            Ok(_) => {}
            Err(status) if status.reason == Reason::AlreadyExists => {}
            Err(status) => return Err(status),
        }
        Ok(wait_for(server, address).await)
    };
    match tokio::time::timeout(patience, ready).await {
        Ok(result) => result.while_doing(what),
        Err(_) => Err(Failure::cannot(format!("{what} is not Ready after {patience:?}"))),
    }
}

/// What a read of the store yields once it yields anything.
async fn wait_for<T>(server: &ApiServer, read: impl Fn(&store::Store) -> Option<T>) -> T {
    let mut published = server.storage().subscribe();
    loop {
        if let Some(found) = read(&published.borrow_and_update().clone()) {
            return found;
        }
        if published.changed().await.is_err() {
            // The store is gone, and with it all hope; the caller's patience ends the wait.
            std::future::pending::<()>().await;
        }
    }
}

/// The pod's address, once it is Ready.
fn address(store: &store::Store) -> Option<String> {
    let pod = object::decode(store.get(&keys::key(&resources::PODS, Some("default"), NAME))?);
    let conditions = at(&pod, &["status", "conditions"]).and_then(Value::as_array)?;
    let is_ready =
        |condition: &&Value| condition["type"] == "Ready" && condition["status"] == "True";
    conditions.iter().find(is_ready)?;
    Some(text(&pod, &["status", "podIP"]).to_owned())
}

fn pod() -> Pod {
    let script = "echo hello from $(hostname); while true; do sleep 3600; done";
    let container = Container {
        name: NAME.to_owned(),
        image: Some(IMAGE.to_owned()),
        command: Some(["sh", "-c", script].map(str::to_owned).to_vec()),
        ..Container::default()
    };
    Pod {
        metadata: ObjectMeta {
            name: Some(NAME.to_owned()),
            namespace: Some("default".to_owned()),
            ..ObjectMeta::default()
        },
        spec: Some(PodSpec {
            containers: vec![container],
            termination_grace_period_seconds: Some(1),
            ..PodSpec::default()
        }),
        status: None,
    }
}

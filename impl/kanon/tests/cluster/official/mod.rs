//! The official conformance tests of Kubernetes that Kanon can be held to so far, one trial each, under
//! their own names: what a name's description asks for is done, in requests of our own.
//!
//! They share a cluster, each with a namespace of its own. `KANON_OFFICIAL_KUBECONFIG=FILE` names another
//! cluster, which upstream's may be.

mod client;
mod crud;
mod custom_resources;
mod discovery;
mod events;
mod field_validation;
mod maps;
mod namespaces;
mod operations;
mod pages;
mod pods;
mod watchers;
mod workloads;

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use crate::support::{self, Cluster, Outcome, trial};
use client::Api;

pub(crate) fn trials() -> Vec<Trial> {
    [
        crud::trials(),
        custom_resources::trials(),
        discovery::trials(),
        events::trials(),
        field_validation::trials(),
        maps::trials(),
        namespaces::trials(),
        operations::trials(),
        pages::trials(),
        pods::trials(),
        watchers::trials(),
        workloads::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The cluster that the trials share; there once the first one has begun.
static SHARED: Mutex<Option<Cluster>> = Mutex::new(None);

/// Deletes the shared cluster.
pub(crate) fn end() {
    drop(SHARED.lock().map(|mut shared| shared.take()));
}

fn kubeconfig() -> Result<PathBuf, Failed> {
    if let Some(named) = std::env::var_os("KANON_OFFICIAL_KUBECONFIG") {
        return Ok(named.into());
    }
    let mut shared = SHARED.lock().map_err(|_| "the shared cluster could not be started")?;
    if shared.is_none() {
        *shared = Some(Cluster::simulated(&["--nodes", "2"])?);
    }
    shared.as_ref().map(Cluster::kubeconfig).ok_or_else(|| "there is no cluster".into())
}

/// A trial with the name of an official test, after `[sig-…]` and before `[Conformance]`.
fn official<F: Future<Output = Outcome>>(
    name: &'static str,
    body: impl FnOnce(Api) -> F + Send + 'static,
) -> Trial {
    trial(name, move || async move {
        let api =
            Api { client: support::client(&kubeconfig()?).await?, namespace: unique("official") };
        let namespaces = api.cluster_wide("v1", "namespaces");
        namespaces.create(&json!({"metadata": {"name": api.namespace}})).await?;
        api.all("v1", "serviceaccounts").until("default", "it is there", |_| true).await?;
        let name = api.namespace.clone();
        body(api).await?;
        namespaces.delete(&name, &Value::Null).await.map(drop)
    })
}

/// A name that no other trial has, nor any earlier run on the same cluster.
fn unique(prefix: &str) -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}-{}-{number}", std::process::id())
}

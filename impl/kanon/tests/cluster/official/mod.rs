//! The official conformance tests of Kubernetes that Kanon can be held to so far, one trial each, under
//! their own names: what a name's description asks for is done, in requests of our own.
//!
//! They share a cluster, each with a namespace of its own. `KANON_OFFICIAL_KUBECONFIG=FILE` names another
//! cluster, which upstream's may be.

mod cli;
mod cli_replication;
mod client;
mod cron_jobs;
mod crud;
mod custom_resources;
mod daemon_sets;
mod discovery;
mod disruption;
mod events;
mod field_validation;
mod files;
mod jobs;
mod maps;
mod namespaces;
mod nodes;
mod operations;
mod pages;
mod pods;
mod preemption;
mod proxies;
mod replication_controllers;
mod scheduling;
mod services;
mod stateful_sets;
mod watchers;
mod workloads;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use crate::containers;
use crate::support::{self, Cluster, Outcome, trial};
use client::Api;

pub(crate) fn trials() -> Vec<Trial> {
    [
        cli::trials(),
        cli_replication::trials(),
        cron_jobs::trials(),
        crud::trials(),
        custom_resources::trials(),
        daemon_sets::trials(),
        discovery::trials(),
        disruption::trials(),
        events::trials(),
        field_validation::trials(),
        jobs::trials(),
        files::trials(),
        maps::trials(),
        namespaces::trials(),
        nodes::trials(),
        operations::trials(),
        pages::trials(),
        pods::trials(),
        preemption::trials(),
        proxies::trials(),
        replication_controllers::trials(),
        scheduling::trials(),
        services::trials(),
        stateful_sets::trials(),
        watchers::trials(),
        workloads::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What a trial needs of its cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Where {
    /// Nodes may be simulated.
    Anywhere,
    /// Containers run.
    WithContainers,
}

/// The clusters that the trials share; each is there once the first trial that needs it has begun.
static SHARED: Mutex<[Option<Cluster>; 2]> = Mutex::new([None, None]);

/// Deletes the shared clusters.
pub(crate) fn end() {
    drop(SHARED.lock().map(|mut shared| shared.each_mut().map(Option::take)));
}

fn kubeconfig(place: Where) -> Result<PathBuf, Failed> {
    if let Some(named) = std::env::var_os("KANON_OFFICIAL_KUBECONFIG") {
        return Ok(named.into());
    }
    let mut shared = SHARED.lock().map_err(|_| "a shared cluster could not be started")?;
    let shared = &mut shared[place as usize];
    if shared.is_none() {
        *shared = Some(match place {
            Where::Anywhere => Cluster::simulated(&["--nodes", "2"])?,
            Where::WithContainers => containers::embedded(&[])?,
        });
    }
    shared.as_ref().map(Cluster::kubeconfig).ok_or_else(|| "there is no cluster".into())
}

/// A trial with the name of an official test, after `[sig-…]` and before `[Conformance]`.
fn official<F: Future<Output = Outcome>>(
    name: &'static str,
    body: impl FnOnce(Api) -> F + Send + 'static,
) -> Trial {
    trial(name, move || in_namespace(Where::Anywhere, body))
}

/// The same with real containers.
fn with_containers<F: Future<Output = Outcome>>(
    name: &'static str,
    body: impl FnOnce(Api) -> F + Send + 'static,
) -> Trial {
    let is_possible =
        containers::are_possible() || std::env::var_os("KANON_OFFICIAL_KUBECONFIG").is_some();
    trial(name, move || in_namespace(Where::WithContainers, body)).with_ignored_flag(!is_possible)
}

/// The same on nodes of its own, for those that disturb all that is there.
fn with_own_containers<F: Future<Output = Outcome>>(
    name: &'static str,
    body: impl FnOnce(Api) -> F + Send + 'static,
) -> Trial {
    if std::env::var_os("KANON_OFFICIAL_KUBECONFIG").is_some() {
        return with_containers(name, body);
    }
    let alone = || async {
        let own = containers::embedded(&[])?;
        in_namespace_of(&own.kubeconfig(), body).await
    };
    trial(name, alone).with_ignored_flag(!containers::are_possible())
}

async fn in_namespace<F: Future<Output = Outcome>>(
    place: Where,
    body: impl FnOnce(Api) -> F,
) -> Outcome {
    in_namespace_of(&kubeconfig(place)?, body).await
}

async fn in_namespace_of<F: Future<Output = Outcome>>(
    kubeconfig: &Path,
    body: impl FnOnce(Api) -> F,
) -> Outcome {
    let client = support::client(kubeconfig).await?;
    let api = Api { client, namespace: unique("official") };
    let namespaces = api.cluster_wide("v1", "namespaces");
    namespaces.create(&json!({"metadata": {"name": api.namespace}})).await?;
    api.all("v1", "serviceaccounts").until("default", "it is there", |_| true).await?;
    let name = api.namespace.clone();
    body(api).await?;
    namespaces.delete(&name, &Value::Null).await.map(drop)
}

/// A name that no other trial has, nor any earlier run on the same cluster.
fn unique(prefix: &str) -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}-{}-{number}", std::process::id())
}

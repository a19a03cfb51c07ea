//! PodDisruptionBudgets and the evictions that they allow.

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use super::client::{Api, Collection, MERGE};
use super::workloads::{OLD, until_ready, workload};
use super::{official, pods};
use crate::support::{Outcome, ensure};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        official("DisruptionController should create a PodDisruptionBudget", budget),
        official(
            "DisruptionController Listing PodDisruptionBudgets for all namespaces should list and delete a \
             collection of PodDisruptionBudgets",
            budgets,
        ),
        official(
            "DisruptionController should observe PodDisruptionBudget status updated",
            observed,
        ),
        official(
            "DisruptionController should update/patch PodDisruptionBudget status",
            written_status,
        ),
        official(
            "DisruptionController should block an eviction until the PDB is updated to allow it",
            blocked,
        ),
    ]
}

fn a_budget(name: &str) -> Value {
    json!({"metadata": {"name": name, "labels": {"a-trial": "true"}}, "spec": {"minAvailable": 1,
        "selector": {"matchLabels": {"app": "tried"}}}})
}

async fn budget(api: Api) -> Outcome {
    let budgets = api.all("policy/v1", "poddisruptionbudgets");
    budgets.create(&a_budget("tried")).await?;
    budgets.change("tried", |budget| budget["spec"]["minAvailable"] = 2.into()).await?;
    let read = budgets.get("tried").await?;
    ensure(read["spec"]["minAvailable"] == 2, &read)?;
    budgets.patch("tried", MERGE, &json!({"spec": {"minAvailable": "10%"}})).await?;
    let read = budgets.get("tried").await?;
    ensure(read["spec"]["minAvailable"] == "10%", &read)?;
    budgets.delete("tried", &Value::Null).await?;
    budgets.until_gone("tried").await
}

async fn budgets(api: Api) -> Outcome {
    let budgets = api.all("policy/v1", "poddisruptionbudgets");
    for name in ["one", "two", "three"] {
        budgets.create(&a_budget(name)).await?;
    }
    let selector = "?labelSelector=a-trial%3Dtrue";
    ensure(budgets.list(selector).await?.len() == 3, "they are listed")?;
    let everywhere = api.cluster_wide("policy/v1", "poddisruptionbudgets").list(selector).await?;
    let of_trial =
        everywhere.iter().filter(|found| found["metadata"]["namespace"] == *api.namespace);
    ensure(of_trial.count() == 3, "they are listed among those of all namespaces")?;
    budgets.delete_collection(selector).await?;
    budgets.until_count(selector, 0).await.map(drop)
}

/// A pod that the budget `tried` counts, once it runs.
async fn counted(api: &Api, name: &str) -> Outcome {
    let mut pod = pods::pod(name);
    pod["metadata"]["labels"] = json!({"app": "tried"});
    pods::run(&api.all("v1", "pods"), &pod).await.map(drop)
}

async fn observed(api: Api) -> Outcome {
    let budgets = api.all("policy/v1", "poddisruptionbudgets");
    budgets.create(&a_budget("tried")).await?;
    for name in ["one", "two", "three"] {
        counted(&api, name).await?;
    }
    let is_allowed = |budget: &Value| budget["status"]["disruptionsAllowed"] == 2;
    budgets.until("tried", "two may be disrupted", is_allowed).await.map(drop)
}

async fn written_status(api: Api) -> Outcome {
    let budgets = api.all("policy/v1", "poddisruptionbudgets");
    budgets.create(&a_budget("tried")).await?;
    counted(&api, "one").await?;
    let now = api::time::text(api::Timestamp::now());
    let add = |budget: &mut Value| budget["status"]["disruptedPods"] = json!({"one": now});
    budgets.change("tried/status", add).await?;
    let read = budgets.get("tried/status").await?;
    ensure(read["status"]["disruptedPods"]["one"] == now, &read)?;
    let patch = json!({"status": {"disruptedPods": null}});
    let patched = budgets.patch("tried/status", MERGE, &patch).await?;
    ensure(patched["status"]["disruptedPods"].is_null(), &patched)
}

/// Asks to evict a pod: the code and what is answered.
async fn evict(pods: &Collection, name: &str) -> Result<(u16, Value), Failed> {
    let evictions =
        Collection { api: pods.api.clone(), path: format!("{}/{name}/eviction", pods.path) };
    let metadata = json!({"name": name, "namespace": pods.api.namespace});
    let eviction = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata});
    evictions.try_create(&eviction).await
}

async fn is_refused(pods: &Collection, name: &str) -> Outcome {
    let (code, refused) = evict(pods, name).await?;
    let cause = &refused["details"]["causes"][0]["reason"];
    ensure(code == 429 && cause == "DisruptionBudget", refused.clone())
}

async fn is_granted(pods: &Collection, name: &str) -> Outcome {
    let (code, answer) = evict(pods, name).await?;
    ensure(code == 201, answer)
}

/// Waits until three replicas run; one of them.
async fn one_of_three(api: &Api) -> Result<String, Failed> {
    until_ready(&api.all("apps/v1", "replicasets"), "tried", 3).await?;
    let found = api.all("v1", "pods").list("?labelSelector=app%3Dtried").await?;
    let mut living = found.iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null());
    let name = living.next().and_then(|pod| pod["metadata"]["name"].as_str());
    name.map(str::to_owned).ok_or_else(|| "no pod lives".into())
}

async fn blocked(api: Api) -> Outcome {
    let budgets = api.all("policy/v1", "poddisruptionbudgets");
    let pods = api.all("v1", "pods");
    let mut budget = a_budget("tried");
    budget["spec"]["minAvailable"] = json!(3);
    budgets.create(&budget).await?;
    api.all("apps/v1", "replicasets").create(&workload("tried", 3, OLD)).await?;
    let first = one_of_three(&api).await?;
    is_refused(&pods, &first).await?;
    budgets.change("tried", |budget| budget["spec"]["minAvailable"] = json!(2)).await?;
    let is_allowed = |budget: &Value| budget["status"]["disruptionsAllowed"] == 1;
    budgets.until("tried", "one may be disrupted", is_allowed).await?;
    is_granted(&pods, &first).await?;
    let none = json!({"spec": {"minAvailable": null, "maxUnavailable": 0}});
    budgets.patch("tried", MERGE, &none).await?;
    pods.until_gone(&first).await?;
    let second = one_of_three(&api).await?;
    is_refused(&pods, &second).await?;
    budgets.delete("tried", &Value::Null).await?;
    is_granted(&pods, &second).await
}

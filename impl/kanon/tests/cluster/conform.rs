//! The bridge, as a user crosses it.

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use crate::moving::{SHORT, pods_move};
use crate::raw::Raw;
use crate::support::{Cluster, Outcome, ensure, eventually, trial};

/// The stored counterexamples that are not replayed, and why.
const SKIPPED: [(&str, &str); 12] = [
    ("etcd-13766", "no step of it is a request"),
    ("etcd-18089", "no step of it is a request"),
    ("etcd-19179", "no step of it is a request"),
    ("etcd-20418", "no step of it is a request"),
    ("k-112814", "no step of it is a request"),
    ("k-131421", "it takes an API server that lags behind"),
    ("k-19209", "no step of it is a request"),
    ("k-36891", "it takes an API server that lags behind"),
    ("k-45346", "no step of it is a request"),
    ("k-76703", "no step of it is a request"),
    ("k-80475", "no step of it is a request"),
    ("k-91073", "it takes an API server that lags behind"),
];

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("every_walk_of_the_model_replays_on_a_cluster", walks),
        trial("every_stored_counterexample_replays_on_a_cluster_or_says_why_not", counterexamples),
        trial("a_kubeconfig_that_points_nowhere_is_one_line", nowhere),
        trial("a_cluster_is_trusted_blindly_only_when_its_kubeconfig_says_so", blindly),
        trial("every_trace_of_the_models_etcd_replays_on_our_store", store),
        trial("an_etcd_that_is_nowhere_is_one_line", no_etcd),
        trial("the_trace_of_a_cluster_is_allowed_and_a_changed_one_is_not", trace),
    ]
}

async fn walks() -> Outcome {
    let cluster = Cluster::simulated(&[])?;

    let output = cluster.conform(&["run", "--output", "json"])?;

    let report: Value = serde_json::from_slice(&output.stdout)?;
    let requests = report["requests"].as_u64().unwrap_or(0);
    ensure(report["failed"] == 0 && requests > 100, report)
}

async fn store() -> Outcome {
    let output = Cluster::new().conform(&["store", "--output", "json"])?;

    let text = crate::support::text(&output.stdout);
    let reports = text.lines().map(serde_json::from_str).collect::<Result<Vec<_>, _>>()?;
    let is_whole = |report: &Value| {
        report["passed"].as_u64() > Some(100)
            && report["skipped"] == 0
            && report["divergences"].as_array().is_some_and(Vec::is_empty)
    };
    let all = output.status.success() && reports.len() == 3 && reports.iter().all(is_whole);
    ensure(all, text)
}

async fn no_etcd() -> Outcome {
    let output = Cluster::new().conform(&["store", "--endpoint", "http://127.0.0.1:1"])?;

    let error = crate::support::text(&output.stderr);
    let line = "kanon: http://127.0.0.1:1: tcp connect error\n";
    ensure(output.status.code() == Some(3) && error == line, error)
}

async fn counterexamples() -> Outcome {
    let cluster = Cluster::simulated(&[])?;
    let mut skipped = vec![];

    for (id, file) in stored()? {
        let output = cluster.conform(&["run", "--output", "json", "--walk", &file])?;
        let report: Value = serde_json::from_slice(&output.stdout)
            .map_err(|_| format!("{id}: {}", crate::support::text(&output.stderr)))?;
        match report["skips"][0]["why"].as_str() {
            Some(why) => skipped.push((id, why.to_owned())),
            None => ensure(report["passed"] == 1, format!("{id}: {report}"))?,
        }
    }

    let expected = SKIPPED.map(|(id, why)| (id.to_owned(), why.to_owned()));
    ensure(skipped == expected, format!("{skipped:?}"))
}

/// The stored counterexamples in the order of their ids, each with its file.
fn stored() -> Result<Vec<(String, String)>, Failed> {
    let folder =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../conformance/scenarios/counterexamples");
    let mut stored = vec![];
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        stored.push((id, path.to_string_lossy().into_owned()));
    }
    stored.sort();
    Ok(stored)
}

async fn trace() -> Outcome {
    let cluster = Cluster::new();
    let file = cluster.file("trace.ndjson");
    let path = file.to_string_lossy().into_owned();
    cluster.succeed(
        &[&["start", "--runtime", "simulated", "--port", "0", "--trace", &path], SHORT].concat(),
    )?;
    pods_move(&cluster).await?;
    write_beside(&Raw(cluster.client().await?)).await?;
    cluster.succeed(&["stop"])?;
    let text = std::fs::read_to_string(&file)?;

    let allowed = cluster.conform(&["validate", &path])?;
    let bind =
        text.lines().find(|line| line.contains("\"action\":\"bind\"")).ok_or("nothing is bound")?;
    std::fs::write(
        &file,
        text.replace(bind, &bind.replace("\"node\":\"node-", "\"node\":\"nowhere-")),
    )?;
    let refused = cluster.conform(&["validate", &path])?;
    std::fs::write(&file, &text[..text.len() - 10])?;
    let truncated = cluster.conform(&["validate", &path])?;

    for beside in ["resourcequotas/", "ipaddresses/", "poddisruptionbudgets/"] {
        let told = text.lines().zip(text.lines().skip(1)).any(|(one, next)| {
            next.contains(&format!("\"key\":\"{beside}"))
                && write_of(next).is_some()
                && write_of(one) == write_of(next)
        });
        ensure(told, format!("nothing tells of {beside} beside another object"))?;
    }

    let out = format!(
        "{}{}",
        crate::support::text(&allowed.stdout),
        crate::support::text(&allowed.stderr)
    );
    ensure(allowed.status.code() == Some(0), out)?;
    let out = crate::support::text(&refused.stdout);
    ensure(refused.status.code() == Some(1) && out.contains("POD-2"), out)?;
    ensure(truncated.status.code() == Some(3), crate::support::text(&truncated.stderr))
}

/// The request of a write in a trace and the revision that it got; none for what is no write.
fn write_of(line: &str) -> Option<(u64, u64)> {
    let event: Value = serde_json::from_str(line).ok()?;
    Some((event["req"].as_u64()?, event["rv"].as_u64()?))
}

/// Makes the API server write other objects together with those that are asked for: a quota with what it
/// counts, an address with its Service, a budget with the pod that it lets go.
async fn write_beside(raw: &Raw) -> Outcome {
    let namespace = "/api/v1/namespaces/default";
    let quota =
        json!({"metadata": {"name": "few"}, "spec": {"hard": {"pods": "9", "services": "9"}}});
    raw.post(&format!("{namespace}/resourcequotas"), &quota).await?;
    let budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";
    let selector = json!({"matchLabels": {"app": "web"}});
    let budget =
        json!({"metadata": {"name": "one"}, "spec": {"maxUnavailable": 1, "selector": selector}});
    raw.post(budgets, &budget).await?;
    eventually("the quota is counted and the budget allows one", || async {
        let quota = raw.get(&format!("{namespace}/resourcequotas/few")).await?;
        let budget = raw.get(&format!("{budgets}/one")).await?;
        let both =
            quota["status"]["used"]["pods"] == "2" && budget["status"]["disruptionsAllowed"] == 1;
        Ok(both.then_some(()))
    })
    .await?;

    let service = json!({"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}});
    raw.post(&format!("{namespace}/services"), &service).await?;
    raw.delete(&format!("{namespace}/services/web")).await?;
    let pods = raw.get(&format!("{namespace}/pods?labelSelector=app%3Dweb")).await?;
    let name = pods["items"][0]["metadata"]["name"].as_str().ok_or("there is a pod")?;
    let eviction =
        json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}});
    raw.post(&format!("{namespace}/pods/{name}/eviction"), &eviction).await?;
    eventually("the budget allows one again", || async {
        let budget = raw.get(&format!("{budgets}/one")).await?;
        let status = &budget["status"];
        Ok((status["disruptionsAllowed"] == 1 && status["currentHealthy"] == 2).then_some(()))
    })
    .await
}

async fn nowhere() -> Outcome {
    let cluster = Cluster::new();
    let config = "current-context: a\ncontexts: [{name: a, context: {cluster: a, user: a}}]\n\
                  clusters: [{name: a, cluster: {server: 'http://127.0.0.1:1'}}]\n\
                  users: [{name: a, user: {}}]\n";
    std::fs::write(cluster.kubeconfig(), config)?;

    let output = cluster.conform(&["run"])?;

    let line = crate::support::text(&output.stderr);
    std::fs::remove_file(cluster.kubeconfig())?;
    let is_one_line = line.lines().count() == 1 && line.contains("http://127.0.0.1:1");
    ensure(output.status.code() == Some(3) && is_one_line, line)
}

/// Replays a short walk, first without the cluster's certificate authority.
async fn blindly() -> Outcome {
    let cluster = Cluster::simulated(&[])?;
    let mut config: Value =
        serde_saphyr::from_str(&std::fs::read_to_string(cluster.kubeconfig())?)?;
    let (_, walk) = stored()?.pop().ok_or("no counterexample is stored")?;
    let mut run = |field: &str, value: Value| -> Result<_, Failed> {
        config["clusters"][0]["cluster"][field] = value;
        std::fs::write(cluster.kubeconfig(), config.to_string())?;
        cluster.conform(&["run", "--walk", &walk])
    };

    let strangers = run("certificate-authority-data", "".into())?;
    let anybody = run("insecure-skip-tls-verify", true.into())?;

    let told = crate::support::text(&strangers.stderr);
    ensure(strangers.status.code() == Some(3) && told.contains("UnknownIssuer"), told)?;
    ensure(anybody.status.success(), crate::support::text(&anybody.stderr))
}

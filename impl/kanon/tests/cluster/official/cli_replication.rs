//! kubectl with ReplicationControllers, as its official tests use it. These need kubectl.

use libtest_mimic::{Failed, Trial};

use super::cli::Kubectl;
use super::client::Api;
use super::replication_controllers::replication_controller;
use super::{Where, official};
use crate::kubectl::with_kubectl;
use crate::support::{Outcome, ensure, eventually};

pub(crate) fn trials() -> Vec<Trial> {
    with_kubectl(vec![
        official(
            "Kubectl client Kubectl describe should check if kubectl describe prints relevant information for \
             rc and pods",
            describe,
        ),
        official("Kubectl client Kubectl expose should create services for rc", expose),
        official("Kubectl client Kubectl patch should add annotations for pods in rc", annotate),
        official(
            "Kubectl client Update Demo should create and stop a replication controller",
            create_and_stop,
        ),
        official("Kubectl client Update Demo should scale a replication controller", scale),
    ])
}

/// Makes a ReplicationController `tried` and waits until so many of its pods run.
async fn make_pods(kubectl: &Kubectl, replicas: usize) -> Outcome {
    let (code, printed) =
        kubectl.with_file(&["create"], &replication_controller("tried", replicas))?;
    ensure(code == 0, printed)?;
    until_running(kubectl, replicas).await.map(drop)
}

/// Waits until so many pods of `tried` run, and no others are there. Their names.
async fn until_running(kubectl: &Kubectl, replicas: usize) -> Result<Vec<String>, Failed> {
    let template = "{{range .items}}{{.metadata.name}} {{.status.phase}}\n{{end}}";
    eventually(&format!("{replicas} pods run"), || async {
        let printed = kubectl.succeed(&[
            "get",
            "pods",
            "-l",
            "app=tried",
            "-o",
            "template",
            "--template",
            template,
        ])?;
        let running: Vec<String> = printed
            .lines()
            .filter_map(|line| line.strip_suffix(" Running"))
            .map(str::to_owned)
            .collect();
        Ok((running.len() == replicas && printed.lines().count() == replicas).then_some(running))
    })
    .await
}

/// Whether each of the words begins one line of what was printed, and what must follow is in that line.
fn tells(printed: &str, facts: &[(&str, &str)]) -> Outcome {
    for (word, value) in facts {
        let is_told =
            printed.lines().any(|line| line.trim().starts_with(word) && line.contains(value));
        ensure(is_told, format!("{word} {value} is not in {printed}"))?;
    }
    Ok(())
}

async fn describe(api: Api) -> Outcome {
    let kubectl = Kubectl::of(&api, Where::Anywhere)?;
    make_pods(&kubectl, 1).await?;
    kubectl.succeed(&["create", "service", "clusterip", "tried", "--tcp=6379:6379"])?;
    let pod = until_running(&kubectl, 1).await?.remove(0);
    let printed = kubectl.succeed(&["describe", "pod", &pod])?;
    let facts = [
        ("Name:", pod.as_str()),
        ("Namespace:", &api.namespace),
        ("Node:", ""),
        ("Labels:", "app=tried"),
        ("Status:", "Running"),
        ("IP:", ""),
        ("Image:", "busybox:1.35"),
        ("Controlled By:", "ReplicationController/tried"),
        ("State:", "Running"),
        ("QoS Class:", "BestEffort"),
    ];
    tells(&printed, &facts)?;
    let printed = kubectl.succeed(&["describe", "rc", "tried"])?;
    let facts = [
        ("Name:", "tried"),
        ("Namespace:", &api.namespace),
        ("Selector:", "app=tried"),
        ("Labels:", "app=tried"),
        ("Annotations:", ""),
        ("Replicas:", "1 current / 1 desired"),
        ("Pods Status:", "1 Running / 0 Waiting / 0 Succeeded / 0 Failed"),
        ("Pod Template:", ""),
        ("Image:", "busybox:1.35"),
        ("Events:", ""),
        ("Normal", "SuccessfulCreate"),
    ];
    tells(&printed, &facts)?;
    let printed = kubectl.succeed(&["describe", "service", "tried"])?;
    let facts = [
        ("Name:", "tried"),
        ("Namespace:", &api.namespace),
        ("Labels:", ""),
        ("Selector:", "app=tried"),
        ("Type:", "ClusterIP"),
        ("IP:", ""),
        ("Port:", "6379"),
        ("Endpoints:", ""),
        ("Session Affinity:", "None"),
    ];
    tells(&printed, &facts)?;
    let nodes = api.cluster_wide("v1", "nodes").list("").await?;
    let node = nodes[0]["metadata"]["name"].as_str().unwrap_or_default();
    let printed = kubectl.succeed(&["describe", "node", node])?;
    let facts = [
        ("Name:", node),
        ("Labels:", ""),
        ("Annotations:", ""),
        ("CreationTimestamp:", ""),
        ("Conditions:", ""),
        ("Type", "Status"),
        ("Addresses:", ""),
        ("Capacity:", ""),
        ("Kubelet Version:", ""),
        ("Kube-Proxy Version:", ""),
        ("Non-terminated Pods:", ""),
    ];
    tells(&printed, &facts)?;
    let printed = kubectl.succeed(&["describe", "namespace", &api.namespace])?;
    tells(
        &printed,
        &[("Name:", &api.namespace), ("Labels:", ""), ("Annotations:", ""), ("Status:", "Active")],
    )
}

async fn annotate(api: Api) -> Outcome {
    let kubectl = Kubectl::of(&api, Where::Anywhere)?;
    make_pods(&kubectl, 2).await?;
    for pod in until_running(&kubectl, 2).await? {
        kubectl.succeed(&[
            "patch",
            "pod",
            &pod,
            "-p",
            r#"{"metadata":{"annotations":{"x":"y"}}}"#,
        ])?;
        let read = api.all("v1", "pods").get(&pod).await?;
        ensure(read["metadata"]["annotations"]["x"] == "y", read)?;
    }
    Ok(())
}

async fn create_and_stop(api: Api) -> Outcome {
    let kubectl = Kubectl::of(&api, Where::Anywhere)?;
    make_pods(&kubectl, 2).await?;
    let controller = replication_controller("tried", 2);
    let (code, printed) =
        kubectl.with_file(&["delete", "--grace-period=0", "--force"], &controller)?;
    ensure(code == 0, printed)?;
    until_running(&kubectl, 0).await.map(drop)
}

async fn scale(api: Api) -> Outcome {
    let kubectl = Kubectl::of(&api, Where::Anywhere)?;
    make_pods(&kubectl, 2).await?;
    for replicas in [1, 2] {
        kubectl.succeed(&[
            "scale",
            "rc",
            "tried",
            &format!("--replicas={replicas}"),
            "--timeout=5m",
        ])?;
        until_running(&kubectl, replicas).await?;
    }
    Ok(())
}

/// A Service of a ReplicationController, and one of that Service, each at a port of its own.
async fn expose(api: Api) -> Outcome {
    let kubectl = Kubectl::of(&api, Where::Anywhere)?;
    make_pods(&kubectl, 1).await?;
    let target = "--target-port=6379";
    for (what, name, port) in [("rc/tried", "rm2", 1234_u64), ("service/rm2", "rm3", 2345)] {
        let (name_argument, port_argument) = (format!("--name={name}"), format!("--port={port}"));
        let printed = kubectl.succeed(&["expose", what, &name_argument, &port_argument, target])?;
        ensure(printed.contains("exposed"), printed)?;
        let service = api.all("v1", "services").get(name).await?;
        let ports = &service["spec"]["ports"];
        let is_right = ports[0]["port"] == port && ports[0]["targetPort"] == 6379;
        ensure(is_right && ports.as_array().is_some_and(|ports| ports.len() == 1), &service)?;
        let has_endpoint = |endpoints: &serde_json::Value| {
            let subset = &endpoints["subsets"][0];
            subset["addresses"][0]["ip"].is_string() && subset["ports"][0]["port"] == 6379
        };
        api.all("v1", "endpoints").until(name, "the pod is behind it", has_endpoint).await?;
    }
    Ok(())
}

//! Controller managers and schedulers in processes of their own, of which one at a time leads.

use std::net::{Ipv4Addr, TcpListener};

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use kube::api::PostParams;
use libtest_mimic::{Failed, Trial};
use serde_json::json;

use crate::support::{Cluster, Outcome, ensure, eventually, text, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("components_work_for_another_process_and_one_at_a_time", one_at_a_time),
        trial("a_cluster_that_was_killed_leads_again_at_once", leads_again),
        trial("a_controller_that_is_left_out_does_nothing", left_out),
        trial("components_that_cannot_be_are_refused", refused),
    ]
}

/// Components of an API server that another process runs.
pub(crate) fn components_of(cluster: &Cluster) -> Result<Cluster, Failed> {
    let components = Cluster::new();
    let kubeconfig = cluster.kubeconfig();
    let kubeconfig = kubeconfig.to_str().ok_or("the path is text")?;
    let parts = ["start", "--components", "controller-manager,scheduler", "--kubeconfig"];
    let said = components.succeed(&[&parts[..], &[kubeconfig]].concat())?;
    ensure(said.contains("They work for https://127.0.0.1:"), said)?;
    Ok(components)
}

async fn one_at_a_time() -> Outcome {
    let cluster = Cluster::simulated(&["--components", "api-server"])?;
    let client = cluster.client().await?;
    let deployments: Api<Deployment> = Api::default_namespaced(client.clone());
    let leases: Api<Lease> = Api::namespaced(client, "kube-system");
    ensure(leases.list(&Default::default()).await?.items.is_empty(), "somebody leads already")?;

    // The port of an API server is nothing to them; if this cannot take it, another has it.
    let _taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 6443));
    let first = components_of(&cluster)?;
    let leader = holder(&leases).await?.ok_or("nobody leads")?;
    let second = components_of(&cluster)?;
    deploy(&deployments, "a").await?;
    ensure(holder(&leases).await?.as_ref() == Some(&leader), "the second one leads")?;
    first.kill().await?;
    deploy(&deployments, "b").await?;

    let successor = holder(&leases).await?;
    ensure(successor.is_some_and(|name| name != leader), "the first one leads still")?;
    let lease = leases.get("kube-controller-manager").await?;
    let transitions = lease.spec.and_then(|spec| spec.lease_transitions);
    ensure(transitions == Some(1), format!("{transitions:?}"))?;
    second.succeed(&["stop"]).map(drop)
}

async fn holder(leases: &Api<Lease>) -> Result<Option<String>, Failed> {
    let lease = leases.get_opt("kube-controller-manager").await?;
    Ok(lease.and_then(|lease| lease.spec?.holder_identity))
}

/// Makes a Deployment, and waits until its Pod runs.
async fn deploy(deployments: &Api<Deployment>, name: &str) -> Outcome {
    let deployment = serde_json::from_value(json!({"metadata": {"name": name},
        "spec": {"selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "c", "image": "i"}]}}}}))?;
    deployments.create(&PostParams::default(), &deployment).await?;
    eventually("the Deployment is available", || async {
        let status = deployments.get(name).await?.status;
        Ok(status.filter(|status| status.available_replicas == Some(1)).map(drop))
    })
    .await
}

async fn leads_again() -> Outcome {
    let cluster = Cluster::simulated(&[])?;
    let leases: Api<Lease> = Api::namespaced(cluster.client().await?, "kube-system");
    let leader = eventually("somebody leads", || holder(&leases)).await?;
    cluster.kill().await?;
    cluster.succeed(&["start", "--runtime", "simulated", "--port", "0"])?;
    let client = cluster.client().await?;

    deploy(&Api::default_namespaced(client.clone()), "a").await?;

    let lease =
        Api::<Lease>::namespaced(client, "kube-system").get("kube-controller-manager").await?;
    let spec = lease.spec.ok_or("the Lease has no spec")?;
    ensure(spec.holder_identity == Some(leader), "another name leads")?;
    ensure(spec.lease_transitions == Some(0), "the lead has changed hands")
}

async fn left_out() -> Outcome {
    let cluster = Cluster::simulated(&["--controllers", "*,-deployment-controller"])?;
    let client = cluster.client().await?;
    let (deployments, sets) = (
        Api::<Deployment>::default_namespaced(client.clone()),
        Api::<k8s_openapi::api::apps::v1::ReplicaSet>::default_namespaced(client.clone()),
    );
    let create = PostParams::default();
    let template = json!({"metadata": {"labels": {"app": "a"}},
        "spec": {"containers": [{"name": "c", "image": "i"}]}});
    let spec = json!({"selector": {"matchLabels": {"app": "a"}}, "template": template});
    let metadata = json!({"name": "a"});
    let deployment = serde_json::from_value(json!({"metadata": metadata, "spec": spec}))?;
    deployments.create(&create, &deployment).await?;
    let set = serde_json::from_value(json!({"metadata": metadata, "spec": spec}))?;
    sets.create(&create, &set).await?;

    eventually("the ReplicaSet is seen to", || async {
        let status = sets.get("a").await?.status;
        Ok(status.filter(|status| status.available_replicas == Some(1)).map(drop))
    })
    .await?;
    let status = deployments.get("a").await?.status.unwrap_or_default();
    ensure(status.observed_generation.is_none(), "somebody has seen the Deployment")
}

async fn refused() -> Outcome {
    let cluster = Cluster::new();
    let missing = ["--components", "scheduler", "--kubeconfig", "/no/file"];
    for (arguments, code, why) in [
        (&["--components", "scheduler"][..], 2, "need the --kubeconfig of one"),
        (&["--kubeconfig", "f"][..], 2, "--components"),
        (&["--components", "api-server", "--kubeconfig", "f"][..], 2, "leave api-server out"),
        (&["--components", "kubelet"][..], 2, "possible values"),
        (&["--controllers", "jobs"][..], 2, "\"jobs\" is not in the list of known controllers"),
        (&["--feature-gates", "Shiny=true"][..], 2, "unrecognized feature gate: Shiny"),
        (&["--feature-gates", "SidecarContainers=false"][..], 2, "feature is locked to true"),
        (&missing[..], 3, "/no/file"),
    ] {
        let output = cluster.kanon(&[&["start"], arguments].concat());
        let said = text(&output.stderr);
        let is_so = output.status.code() == Some(code) && said.contains(why);
        ensure(is_so, format!("{arguments:?}: {} {said}", output.status))?;
    }
    Ok(())
}

//! What pods share of their machine, on real containers.

use k8s_openapi::api::core::v1::{ContainerStatus, Node, Pod};
use kube::Api;
use kube::api::{DeleteParams, LogParams};
use libtest_mimic::{Failed, Trial};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::containers::{create, embedded, with_containers};
use crate::support::{Cluster, Outcome, ensure, eventually, trial};

pub(crate) fn trials() -> Vec<Trial> {
    with_containers(vec![
        trial("containers_that_share_processes_see_each_others", share_processes),
        trial("containers_run_again_when_their_first_process_is_killed", revive_processes),
        trial("static_pods_run_and_follow_their_files", static_pods),
        trial("a_node_without_memory_says_so_and_lets_pods_go", evicts),
    ])
}

/// The first process is nobody's, and it reaps what the others leave behind.
async fn share_processes() -> Outcome {
    let cluster = embedded(&[])?;
    let leave = "(sh -c 'sleep 0.1; exit 3' &); exec sleep 54321";
    let look = "while sleep 0.2; do ps -o pid,stat,args; echo end; done";
    let container = |name: &str, script: &str| json!({"name": name, "image": "busybox:1.35", "command": ["sh", "-c", script]});
    let pod: Pod = serde_json::from_value(json!({
        "metadata": {"name": "p"},
        "spec": {"shareProcessNamespace": true, "terminationGracePeriodSeconds": 0,
            "containers": [container("seen", leave), container("sees", look)]},
    }))?;

    let pods = create(&cluster, &pod).await?;

    eventually("one sees the other's processes, and no dead ones", || async {
        let parameters = LogParams { container: Some("sees".to_owned()), ..LogParams::default() };
        let log = pods.logs("p", &parameters).await.unwrap_or_default();
        let last =
            log.trim_end().trim_end_matches("end").rsplit("end\n").next().unwrap_or_default();
        let processes: Vec<&str> = last.lines().map(str::trim).collect();
        let is_first = |process: &&&str| process.starts_with("1 ") && process.contains("__pause");
        let is_as_expected = processes.iter().any(|process| process.ends_with("sleep 54321"))
            && processes.iter().find(is_first).is_some()
            && !processes.iter().any(|process| process.contains(" Z"));
        if is_as_expected { Ok(Some(())) } else { Err(format!("it sees {last}").into()) }
    })
    .await
}

/// The process that reaps for the pods of a cluster.
fn pause_of(cluster: &Cluster) -> Result<Pid, Failed> {
    let data = cluster.data().display().to_string();
    for process in std::fs::read_dir("/proc")?.flatten() {
        let arguments = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        let arguments = String::from_utf8_lossy(&arguments);
        let pid = process.file_name().to_string_lossy().parse().map(Pid::from_raw);
        if let (true, Ok(pid)) = (arguments.contains("__pause") && arguments.contains(&data), pid) {
            return Ok(pid);
        }
    }
    Err("no process reaps".into())
}

async fn revive_processes() -> Outcome {
    let cluster = embedded(&[])?;
    let container =
        |name: &str| json!({"name": name, "image": "busybox:1.35", "command": ["sleep", "1000"]});
    let pod: Pod = serde_json::from_value(json!({
        "metadata": {"name": "p"},
        "spec": {"shareProcessNamespace": true, "terminationGracePeriodSeconds": 0,
            "containers": [container("one"), container("two")]},
    }))?;
    let pods = create(&cluster, &pod).await?;
    let ready_again = |restarts: i32| {
        let pods = pods.clone();
        async move {
            let status = pods.get("p").await?.status.and_then(|status| status.container_statuses);
            let statuses = status.unwrap_or_default();
            let again = |one: &ContainerStatus| one.ready && one.restart_count >= restarts;
            Ok((statuses.len() == 2 && statuses.iter().all(again)).then_some(()))
        }
    };
    eventually("both containers run", || ready_again(0)).await?;

    kill(pause_of(&cluster)?, Signal::SIGKILL)?;

    eventually("both containers run again", || ready_again(1)).await
}

/// The container of a static pod and the uid of its mirror, once it runs.
async fn mirrored(pods: &Api<Pod>) -> Result<(String, String), Failed> {
    eventually("the static pod runs", || async {
        let Some(pod) = pods.get_opt("web-node-1").await? else { return Ok(None) };
        let uid = pod.metadata.uid.unwrap_or_default();
        let statuses = pod.status.and_then(|status| status.container_statuses);
        let status = statuses.unwrap_or_default().into_iter().next();
        let runs =
            status.filter(|status| status.ready && pod.metadata.deletion_timestamp.is_none());
        Ok(runs.and_then(|status| Some((status.container_id?, uid))))
    })
    .await
}

async fn static_pods() -> Outcome {
    let folder = tempfile::tempdir()?;
    let file = |seconds: u32| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\nspec:\n  terminationGracePeriodSeconds: 0\n  \
             containers: [{{name: main, image: \"busybox:1.35\", command: [sleep, \"{seconds}\"]}}]\n"
        )
    };
    let path = folder.path().join("web.yaml");
    std::fs::write(&path, file(1000))?;
    let cluster = embedded(&["--pod-manifest-path", &folder.path().display().to_string()])?;
    let pods: Api<Pod> = Api::namespaced(cluster.client().await?, "default");

    let (container, mirror) = mirrored(&pods).await?;
    pods.delete("web-node-1", &DeleteParams::default()).await?;
    eventually("another mirror is there", || async {
        let pod = pods.get_opt("web-node-1").await?;
        Ok(pod.filter(|pod| pod.metadata.uid.as_ref() != Some(&mirror)))
    })
    .await?;
    let (same_container, other_mirror) = mirrored(&pods).await?;
    std::fs::write(&path, file(2000))?;
    let other_container = eventually("another container runs", || async {
        let (other, _) = mirrored(&pods).await?;
        Ok((other != same_container).then_some(other))
    })
    .await?;
    std::fs::remove_file(&path)?;

    ensure(container == same_container, "the deletion of its mirror has restarted it")?;
    ensure(mirror != other_mirror, "the mirror is the same")?;
    ensure(container != other_container, "another file runs the same container")?;
    eventually("no mirror is left", || async {
        Ok(pods.get_opt("web-node-1").await?.is_none().then_some(()))
    })
    .await
}

/// The threshold is met on any machine.
async fn evicts() -> Outcome {
    let cluster = embedded(&["--eviction-hard", "memory.available<100%"])?;
    let client = cluster.client().await?;
    let nodes: Api<Node> = Api::all(client.clone());
    eventually("the node is short of memory and tainted for it", || async {
        let node = nodes.get("node-1").await?;
        let conditions = node.status.and_then(|status| status.conditions).unwrap_or_default();
        let is_short =
            conditions.iter().any(|one| one.type_ == "MemoryPressure" && one.status == "True");
        let taints = node.spec.and_then(|spec| spec.taints).unwrap_or_default();
        let is_tainted = taints.iter().any(|one| one.key == "node.kubernetes.io/memory-pressure");
        Ok((is_short && is_tainted).then_some(()))
    })
    .await?;
    let pod = |name: &str, resources: serde_json::Value| -> Result<Pod, serde_json::Error> {
        serde_json::from_value(json!({
            "metadata": {"name": name},
            "spec": {"nodeName": "node-1", "containers": [{"name": "main", "image": "busybox:1.35",
                "command": ["sleep", "1000"], "resources": resources}]},
        }))
    };

    let pods = create(&cluster, &pod("refused", json!({}))?).await?;
    create(&cluster, &pod("evicted", json!({"requests": {"memory": "1Ki"}}))?).await?;

    for (name, why) in [
        ("refused", "Pod was rejected: The node had condition: [MemoryPressure]. "),
        ("evicted", "The node was low on resource: memory. Threshold quantity: "),
    ] {
        eventually("the pod has failed", || async {
            let status = pods.get(name).await?.status.unwrap_or_default();
            let said = status.message.unwrap_or_default();
            let is_evicted = status.reason.as_deref() == Some("Evicted") && said.starts_with(why);
            if is_evicted {
                Ok(Some(()))
            } else {
                Err(format!("{:?}: {said}", status.reason).into())
            }
        })
        .await?;
    }
    Ok(())
}

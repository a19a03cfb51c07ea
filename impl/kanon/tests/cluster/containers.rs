//! Real containers. These trials need root and a static `/bin/busybox`.

use std::path::Path;

use k8s_openapi::api::core::v1::{ContainerStateTerminated, Node, Pod};
use k8s_openapi::api::scheduling::v1::PriorityClass;
use kube::Api;
use kube::api::{DeleteParams, LogParams, PostParams};
use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use crate::moving::{SHORT, pods_move};
use crate::support::{Cluster, Outcome, ensure, eventually, trial};

pub(crate) fn trials() -> Vec<Trial> {
    with_containers(vec![
        trial("a_pod_runs_logs_and_ends_with_its_exit_code", runs),
        trial("a_container_beyond_its_memory_limit_is_oom_killed", oom),
        trial("kill_dash_nine_leaves_containers_running_and_they_are_adopted", adopted),
        trial("a_dead_nodes_real_pods_move_to_another_node", moves),
        trial("the_demo_pod_runs", demo),
        trial("a_pod_runs_where_others_have_made_room_for_it", preempts),
    ])
}

/// Whether containers can run here.
pub(crate) fn are_possible() -> bool {
    node::is_root() && Path::new("/bin/busybox").exists()
}

/// The trials, skipped where no container can run.
pub(crate) fn with_containers(trials: Vec<Trial>) -> Vec<Trial> {
    let skipped = |trial: Trial| trial.with_ignored_flag(true);
    if are_possible() { trials } else { trials.into_iter().map(skipped).collect() }
}

/// A cluster whose containers are real, with the image of busybox.
pub(crate) fn embedded(arguments: &[&str]) -> Result<Cluster, Failed> {
    let cluster = Cluster::new();
    let archive = cluster.file("busybox.tar").to_string_lossy().into_owned();
    let program = env!("CARGO_BIN_EXE_kanon");
    std::process::Command::new(program).args(["image", "busybox", &archive]).output()?;
    let arguments = [&["start", "--port", "0", "--load", &archive], arguments].concat();
    cluster.succeed(&arguments)?;
    Ok(cluster)
}

fn pod(name: &str, script: &str, resources: Value) -> Pod {
    serde_json::from_value(json!({
        "metadata": {"name": name},
        "spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [{
            "name": "c", "image": "busybox:1.35", "command": ["sh", "-c", script], "resources": resources}]}
    }))
    .expect("it is a Pod")
}

/// Creates a pod as soon as that is possible.
pub(crate) async fn create(cluster: &Cluster, pod: &Pod) -> Result<Api<Pod>, Failed> {
    let pods: Api<Pod> = Api::namespaced(cluster.client().await?, "default");
    eventually("the pod is accepted", || async {
        Ok(Some(pods.create(&PostParams::default(), pod).await?))
    })
    .await?;
    Ok(pods)
}

async fn terminated(pods: &Api<Pod>, name: &str) -> Result<ContainerStateTerminated, Failed> {
    eventually("the container ends", || async {
        let pod = pods.get(name).await?;
        let statuses = pod.status.and_then(|status| status.container_statuses).unwrap_or_default();
        Ok(statuses.into_iter().next().and_then(|status| status.state?.terminated))
    })
    .await
}

async fn runs() -> Outcome {
    let cluster = embedded(&[])?;

    let pods = create(&cluster, &pod("p", "echo hello; exit 7", json!({}))).await?;
    let ended = terminated(&pods, "p").await?;
    let log = pods.logs("p", &LogParams::default()).await?;

    ensure(ended.exit_code == 7 && log == "hello\n", format!("{ended:?} {log:?}"))
}

async fn oom() -> Outcome {
    let cluster = embedded(&[])?;

    let limits = json!({"limits": {"memory": "20Mi"}});
    let pods = create(&cluster, &pod("p", "tail /dev/zero", limits)).await?;
    let ended = terminated(&pods, "p").await?;

    ensure(ended.reason.as_deref() == Some("OOMKilled"), format!("{ended:?}"))
}

/// The victims let their room go when they have ended: the scheduler and the kubelet agree on when that is.
async fn preempts() -> Outcome {
    let cluster = embedded(&[])?;
    let client = cluster.client().await?;
    let class = json!({"metadata": {"name": "high"}, "value": 1000});
    let classes: Api<PriorityClass> = Api::all(client.clone());
    classes.create(&PostParams::default(), &serde_json::from_value(class)?).await?;
    let node = Api::<Node>::all(client).get("node-1").await?;
    let cpu = node.status.and_then(|status| status.allocatable?.remove("cpu"));
    let cpu: usize = cpu.ok_or("the node has no cpu")?.0.parse()?;
    let share = |percent: usize| json!({"requests": {"cpu": format!("{}m", cpu * percent * 10)}});
    let sleeps =
        |name: &str, percent| pod(name, "trap : TERM; while :; do sleep 1; done", share(percent));
    let pods = create(&cluster, &sleeps("low-0", 45)).await?;
    create(&cluster, &sleeps("low-1", 45)).await?;
    for victim in ["low-0", "low-1"] {
        eventually("the victims run", || is_running(&pods, victim)).await?;
    }

    let mut wanted = sleeps("high", 80);
    wanted.spec.as_mut().ok_or("it has a spec")?.priority_class_name = Some("high".to_owned());
    create(&cluster, &wanted).await?;

    eventually("it runs, or is refused", || async {
        let phase = pods.get("high").await?.status.and_then(|status| status.phase);
        Ok(phase.filter(|phase| phase != "Pending"))
    })
    .await
    .and_then(|phase| ensure(phase == "Running", phase))
}

async fn is_running(pods: &Api<Pod>, name: &str) -> Result<Option<()>, Failed> {
    let phase = pods.get(name).await?.status.and_then(|status| status.phase);
    Ok(phase.filter(|phase| phase == "Running").map(drop))
}

async fn container_id(pods: &Api<Pod>) -> Result<String, Failed> {
    eventually("the container runs", || async {
        let pod = pods.get("p").await?;
        let statuses = pod.status.and_then(|status| status.container_statuses).unwrap_or_default();
        let running = statuses.into_iter().find(|status| {
            status.ready && status.state.as_ref().is_some_and(|state| state.running.is_some())
        });
        Ok(running.and_then(|status| status.container_id))
    })
    .await
}

async fn adopted() -> Outcome {
    let cluster = embedded(&[])?;
    let script = "echo $$-$(cat /proc/sys/kernel/random/uuid); exec sleep 3600";
    let pods = create(&cluster, &pod("p", script, json!({}))).await?;
    let before = container_id(&pods).await?;
    // A container runs before it has said anything.
    let log = eventually("it says who it is", || async {
        let log = pods.logs("p", &LogParams::default()).await?;
        Ok(log.ends_with('\n').then_some(log))
    })
    .await?;

    cluster.kill().await?;
    cluster.succeed(&["start", "--port", "0"])?;

    let pods: Api<Pod> = Api::namespaced(cluster.client().await?, "default");
    let after = container_id(&pods).await?;
    let same = after == before && pods.logs("p", &LogParams::default()).await? == log;
    ensure(same, format!("{before} became {after}, or said something else than {log}"))?;
    pods.delete("p", &DeleteParams::default()).await?;
    eventually("the pod is gone", || async { Ok(pods.get_opt("p").await?.is_none().then_some(())) })
        .await
}

async fn moves() -> Outcome {
    let cluster = embedded(SHORT)?;
    pods_move(&cluster).await
}

async fn demo() -> Outcome {
    let cluster = embedded(&["--demo"])?;

    let pods: Api<Pod> = Api::namespaced(cluster.client().await?, "default");
    let phase = pods.get("hello").await?.status.and_then(|status| status.phase);

    ensure(phase.as_deref() == Some("Running"), format!("{phase:?}"))
}

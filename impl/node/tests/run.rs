//! The loop of a node against a pretended API server and a simulated runtime.

#[path = "run/api_server.rs"]
mod api_server;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use api_server::ApiServer;
use kubelet::{Capacity, Config};
use node::{NodeConfig, Simulated, TraceAction, TraceNote};
use serde_json::json;

#[tokio::test]
async fn a_bound_pod_runs_until_it_is_deleted() {
    let server = ApiServer::default();
    let notes: Arc<Mutex<Vec<TraceNote>>> = Arc::default();
    let node = start(&server, &notes);

    server.put_pod(json!({
        "metadata": {"name": "web", "namespace": "default", "uid": "u", "generation": 1},
        "spec": {"nodeName": "node-1", "containers": [{"name": "main", "image": "a"}]},
        "status": {"phase": "Pending"},
    }));
    let running = server
        .wait(|server| server.pod("web").is_some_and(|pod| pod["status"]["phase"] == "Running"));
    tokio::time::timeout(Duration::from_secs(10), running).await.unwrap();
    let mut pod = server.pod("web").unwrap();
    assert_eq!(pod["status"]["podIP"], "10.5.0.2");
    assert_eq!(server.get("nodes/node-1").unwrap()["metadata"]["name"], "node-1");
    pod["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    pod["metadata"]["deletionGracePeriodSeconds"] = json!(30);
    server.put_pod(pod);
    let gone = server.wait(|server| server.pod("web").is_none());
    tokio::time::timeout(Duration::from_secs(10), gone).await.unwrap();

    node.abort();
    let actions: Vec<TraceAction> = notes.lock().unwrap().iter().map(|note| note.action).collect();
    for action in [
        TraceAction::StartOrdered,
        TraceAction::Started,
        TraceAction::StopOrdered,
        TraceAction::Exited,
    ] {
        assert!(actions.contains(&action), "{action:?} in {actions:?}");
    }
}

#[tokio::test]
async fn a_node_renews_its_lease() {
    let server = ApiServer::default();
    let node = start(&server, &Arc::default());
    let lease = "leases/kube-node-lease/node-1";
    let exists = server.wait(|server| server.get(lease).is_some());
    tokio::time::timeout(Duration::from_secs(10), exists).await.unwrap();
    let first = server.get(lease).unwrap()["spec"]["renewTime"].clone();

    let renewed = server
        .wait(|server| server.get(lease).is_some_and(|lease| lease["spec"]["renewTime"] != first));

    tokio::time::timeout(Duration::from_secs(10), renewed).await.unwrap();
    node.abort();
}

fn start(server: &ApiServer, notes: &Arc<Mutex<Vec<TraceNote>>>) -> tokio::task::AbortHandle {
    let capacity = Capacity {
        cpu_milli: 2000,
        memory_bytes: 1 << 30,
        ephemeral_storage_bytes: 1 << 30,
        pods: 10,
    };
    let mut kubelet = Config::new("node-1", "192.0.2.1", capacity);
    kubelet.lease_renew_interval = Duration::from_millis(100);
    let notes = Arc::clone(notes);
    let trace: node::TraceSink =
        Arc::new(move |note| notes.lock().expect("no test panics with it").push(note));
    let config = NodeConfig { kubelet, static_pod_path: None, trace: Some(trace) };
    let runtime = Arc::new(Simulated::new("10.5.0.0/24").expect("it is a range"));
    let server = Arc::new(server.clone());
    tokio::spawn(node::run(config, server, runtime, std::future::pending())).abort_handle()
}

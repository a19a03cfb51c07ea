//! `kill -9`, torn tails, damage, a full disk: nothing acknowledged is lost, nothing broken is used.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{ObjectMeta, PostParams};
use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use crate::raw::Raw;
use crate::support::{Cluster, Outcome, client, ensure, eventually, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("kill_dash_nine_loses_nothing_acknowledged", kill),
        trial("kill_dash_nine_gives_no_address_and_no_port_twice", kill_with_services),
        trial("a_torn_tail_is_cut_and_the_cluster_starts", torn_tail),
        trial("a_corrupt_record_is_named_and_kept", corrupt),
        trial("a_full_disk_is_refused_and_loses_nothing", full_disk)
            .with_ignored_flag(!node::is_root()),
    ]
}

fn config_map(name: &str) -> ConfigMap {
    let metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
    ConfigMap { metadata, ..ConfigMap::default() }
}

const RESTART: &[&str] = &["start", "--runtime", "simulated", "--port", "0"];

async fn kill() -> Outcome {
    let cluster = Cluster::simulated(&[])?;
    let maps: Api<ConfigMap> = Api::namespaced(cluster.client().await?, "default");
    let mut acknowledged = vec![];
    for number in 0..50 {
        let name = format!("map-{number}");
        acknowledged.push(maps.create(&PostParams::default(), &config_map(&name)).await?);
    }

    cluster.kill().await?;
    cluster.succeed(RESTART)?;

    let maps: Api<ConfigMap> = Api::namespaced(cluster.client().await?, "default");
    for before in acknowledged {
        let after = maps.get(before.metadata.name.as_deref().unwrap_or_default()).await?;
        ensure(after.metadata == before.metadata, format!("{before:?} became {after:?}"))?;
    }
    Ok(())
}

const SERVICES: &str = "/api/v1/namespaces/default/services";
const ADDRESSES: &str = "/apis/networking.k8s.io/v1/ipaddresses";
/// An address that is given to no Service.
const LEFT_BEHIND: &str = "10.96.200.1";

fn service(name: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {"type": "NodePort", "ports": [{"port": 80}]}})
}

/// Creates one Service after the other until the server is gone; tells of those that are acknowledged.
fn create_until_the_end(kubeconfig: PathBuf, acknowledged: mpsc::Sender<Value>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let raw = Raw(client(&kubeconfig).await?);
        for number in 0.. {
            match raw.post(SERVICES, &service(&format!("service-{number}"))).await {
                Ok(service) => acknowledged.send(service)?,
                Err(_) => break,
            }
        }
        Ok(())
    })
}

/// What Services have of what there is only once: addresses and ports. Nothing is there twice.
fn given(services: &Value) -> Result<BTreeSet<String>, Failed> {
    let mut given = BTreeSet::new();
    for service in services["items"].as_array().into_iter().flatten() {
        let spec = &service["spec"];
        for one in [&spec["clusterIP"], &spec["ports"][0]["nodePort"]] {
            let is_new = one.is_null() || given.insert(one.to_string());
            ensure(is_new, format!("{one} is given twice"))?;
        }
    }
    Ok(given)
}

async fn kill_with_services() -> Outcome {
    let cluster = Cluster::simulated(&[])?;
    let raw = Raw(cluster.client().await?);
    let (sender, acknowledged) = mpsc::channel();
    let kubeconfig = cluster.kubeconfig();
    let creation = std::thread::spawn(move || create_until_the_end(kubeconfig, sender));
    let mut before: Vec<Value> = acknowledged.iter().take(20).collect();
    let managed = json!({"ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io"});
    let left_behind = json!({"metadata": {"name": LEFT_BEHIND, "labels": managed},
        "spec": {"parentRef": {"resource": "configmaps", "namespace": "default", "name": "a"}}});
    raw.post(ADDRESSES, &left_behind).await?;

    cluster.kill().await?;
    before.extend(acknowledged.iter());
    creation.join().map_err(|_| "the creation of Services panicked")??;
    cluster.succeed(RESTART)?;

    let raw = Raw(cluster.client().await?);
    for before in before {
        let name = before["metadata"]["name"].as_str().unwrap_or_default();
        let after = raw.get(&format!("{SERVICES}/{name}")).await?;
        ensure(after == before, format!("{before} became {after}"))?;
    }
    for number in 0..20 {
        raw.post(SERVICES, &service(&format!("later-{number}"))).await?;
    }
    let given = given(&raw.get("/api/v1/services").await?)?;
    eventually("what is left behind is free again", || async {
        let addresses = raw.get(ADDRESSES).await?;
        let items = addresses["items"].as_array().into_iter().flatten();
        let names: BTreeSet<String> =
            items.map(|address| address["metadata"]["name"].to_string()).collect();
        let ips = given.iter().filter(|one| one.contains('.')).cloned().collect();
        Ok((names == ips).then_some(()))
    })
    .await?;
    let mut asking = service("asking");
    asking["spec"]["clusterIP"] = json!(LEFT_BEHIND);
    raw.post(SERVICES, &asking).await?;
    Ok(())
}

async fn torn_tail() -> Outcome {
    let cluster = Cluster::simulated(&[])?;
    cluster.kill().await?;
    let wal = cluster.data().join("store").join("wal-0");
    let mut bytes = std::fs::read(&wal)?;
    bytes.extend_from_slice(b"KWL3\x01\x00\x00\x00torn");
    std::fs::write(&wal, bytes)?;

    cluster.succeed(RESTART)?;

    let maps: Api<ConfigMap> = Api::namespaced(cluster.client().await?, "default");
    maps.create(&PostParams::default(), &config_map("after")).await?;
    Ok(())
}

async fn corrupt() -> Outcome {
    let cluster = Cluster::simulated(&[])?;
    cluster.kill().await?;
    let wal = cluster.data().join("store").join("wal-0");
    let mut bytes = std::fs::read(&wal)?;
    bytes[30] ^= 1;
    std::fs::write(&wal, &bytes)?;

    let line = cluster.fail(RESTART)?;

    ensure(line.contains("corrupt") && line.contains("byte 0"), &line)?;
    ensure(std::fs::read(&wal)? == bytes, "the log was changed")
}

async fn full_disk() -> Outcome {
    let cluster = Cluster::new();
    std::fs::create_dir_all(cluster.data())?;
    let data = cluster.data().to_string_lossy().into_owned();
    let mounted =
        Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs", &data]).status()?;
    ensure(mounted.success(), "a small file system cannot be mounted")?;
    let result = fill(&cluster).await;
    cluster.succeed(&["stop"])?;
    Command::new("umount").arg(&data).status()?;
    result
}

async fn fill(cluster: &Cluster) -> Outcome {
    cluster.succeed(RESTART)?;
    let maps: Api<ConfigMap> = Api::namespaced(cluster.client().await?, "default");
    let mut large = config_map("");
    large.data = Some([("data".to_owned(), "x".repeat(100_000))].into());
    let mut stored = vec![];
    let refusal = loop {
        large.metadata.name = Some(format!("large-{}", stored.len()));
        match maps.create(&PostParams::default(), &large).await {
            Ok(created) => stored.push(created),
            Err(error) => break error,
        }
        ensure(stored.len() < 20, "the disk is never full")?;
    };
    ensure(refusal.to_string().contains("No space left"), &refusal)?;
    for before in stored {
        let after = maps.get(before.metadata.name.as_deref().unwrap_or_default()).await?;
        ensure(after == before, format!("{:?} has changed", before.metadata))?;
    }
    Ok(())
}

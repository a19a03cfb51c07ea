//! `kill -9`, torn tails, damage, a full disk: nothing acknowledged is lost, nothing broken is used.

use std::process::Command;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{ObjectMeta, PostParams};
use libtest_mimic::Trial;

use crate::support::{Cluster, Outcome, ensure, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("kill_dash_nine_loses_nothing_acknowledged", kill),
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

async fn torn_tail() -> Outcome {
    let cluster = Cluster::simulated(&[])?;
    cluster.kill().await?;
    let wal = cluster.data().join("store").join("wal-0");
    let mut bytes = std::fs::read(&wal)?;
    bytes.extend_from_slice(b"KWL2\xff\x00\x00\x00torn");
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

//! Fifty clients that mean no good, of fifteen kinds, and one that does: it is served all the while.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::Method;
use libtest_mimic::{Failed, Trial};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::runtime::Runtime;

use crate::support::{Cluster, Outcome, ensure, eventually, trial};
pub(crate) use connection::{Connection, Server};
use malice::{
    DRY_PODS, JSON, MALICE, Malice, Payloads, TRAVERSAL, deep_json, duplicate_keys, huge_selector,
    large_headers, many_containers, many_headers, patch_bomb, several_headers, spaces_and_options,
    yaml_bomb,
};

mod connection;
mod malice;
mod waiting;

const HOSTILE: usize = 50;
/// How often the one that means well writes, reads and deletes.
const ROUNDS: usize = 50;
/// What 99 of 100 of its requests are answered within: a deadline on two busy cores, no measurement.
const DEADLINE: Duration = Duration::from_secs(2);
/// How much the server may grow: each of the fifty may have a body of 3 MiB on its way, and copies of it.
const GROWTH_MAX_KIB: u64 = 512 * 1024;
/// How much of that it may keep when they have gone.
const KEPT_MAX_KIB: u64 = 128 * 1024;
const MAPS: &str = "/api/v1/namespaces/default/configmaps";
/// Where there is much to list.
const LARGE_MAPS: &str = "/api/v1/namespaces/kube-public/configmaps";
const LARGE: usize = 8;
const LARGE_BYTES: usize = 900_000;
/// Where there are many to delete.
const MANY_MAPS: &str = "/api/v1/namespaces/kube-node-lease/configmaps";
const MANY: usize = 100;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("who_means_well_is_served_while_fifty_do_not", served),
        trial("what_is_meant_to_harm_is_refused_with_a_status", refused),
        trial("who_finds_no_place_is_told_when_to_come_again", crowded_out),
    ]
    .into_iter()
    .chain(waiting::trials())
    .collect()
}

/// The server's resident memory.
pub(crate) fn resident_kib(cluster: &Cluster) -> Result<u64, Failed> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", cluster.pid()?))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.split_whitespace().next().unwrap_or_default().parse()?)
}

/// Clients on threads of their own; they go with this, whatever becomes of the trial.
struct Crowd(Option<Runtime>);

impl Drop for Crowd {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// What the clients of each kind were answered.
type Heard = Arc<Mutex<BTreeMap<Malice, BTreeSet<u16>>>>;

/// Fifty clients that mean harm.
fn hostile(server: &Server, heard: &Heard) -> Result<Crowd, Failed> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let payloads = Arc::new(Payloads::new(&server.host));
    for number in 0..HOSTILE {
        let (server, payloads, heard) = (server.clone(), Arc::clone(&payloads), Arc::clone(heard));
        let malice = MALICE[number % MALICE.len()];
        runtime.spawn(async move {
            loop {
                // Who is cut off has heard nothing.
                if let Ok(Some(code)) = server.harm(malice, &payloads).await {
                    let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                    heard.entry(malice).or_default().insert(code);
                }
            }
        });
    }
    Ok(Crowd(Some(runtime)))
}

/// What is heard in the end: each kind its one answer, always.
fn answers() -> BTreeMap<Malice, BTreeSet<u16>> {
    let answer = |malice: Malice| Some((malice, BTreeSet::from([malice.answer()?])));
    MALICE.into_iter().filter_map(answer).collect()
}

async fn served() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let server = Server::of(&cluster)?;
    let root = format!("{MAPS}/kube-root-ca.crt");
    eventually("the ConfigMap is there", || async {
        Ok((server.ask(Method::GET, &root, "", "").await?.0 == 200).then_some(()))
    })
    .await?;
    make_many(&server).await?;
    let before = resident_kib(&cluster)?;
    let heard = Heard::default();
    let hostile = hostile(&server, &heard)?;
    let took = rounds(&mut Connection::open(&server).await?).await?;
    let all = || heard.lock().unwrap_or_else(PoisonError::into_inner).clone();
    eventually("each of them is answered", || async {
        Ok((all().len() == answers().len()).then_some(()))
    })
    .await?;
    let grown = || Ok::<_, Failed>(resident_kib(&cluster)?.saturating_sub(before));
    let most = grown()?;

    drop(hostile);
    ensure(all() == answers(), format!("they heard {:?}", all()))?;
    let late = took[took.len() * 99 / 100];
    ensure(late < DEADLINE, format!("99 of 100 were answered within {late:?}"))?;
    ensure(most < GROWTH_MAX_KIB, format!("the server has grown by {most} KiB"))?;
    eventually("the memory is given back", || async {
        let kept = grown()?;
        ensure(kept < KEPT_MAX_KIB, format!("of {most} KiB the server has kept {kept} KiB"))?;
        Ok(Some(()))
    })
    .await
}

/// ConfigMaps that are large, and others that are many.
async fn make_many(server: &Server) -> Outcome {
    let mut connection = Connection::open(server).await?;
    for (path, count, bytes) in [(LARGE_MAPS, LARGE, LARGE_BYTES), (MANY_MAPS, MANY, 1)] {
        for number in 0..count {
            let map = json!({"metadata": {"name": format!("map-{number}")},
                "data": {"a": "x".repeat(bytes)}});
            let (code, answer) = connection.ask(Method::POST, path, JSON, map.to_string()).await?;
            ensure(code == 201, answer)?;
        }
    }
    Ok(())
}

/// What the one does that means well, and how long each answer took, the quickest first.
async fn rounds(connection: &mut Connection) -> Result<Vec<Duration>, Failed> {
    let mut took = vec![];
    for round in 0..ROUNDS {
        let name = format!("good-{round}");
        let object = json!({"metadata": {"name": name}, "data": {"a": "b"}}).to_string();
        let one = format!("{MAPS}/{name}");
        for (method, path, body, code) in [
            (Method::POST, MAPS, object.as_str(), 201),
            (Method::GET, &one, "", 200),
            (Method::DELETE, &one, "", 200),
        ] {
            let begun = Instant::now();
            let (got, answer) = connection.ask(method, path, JSON, body.to_owned()).await?;
            took.push(begun.elapsed());
            ensure(got == code, answer)?;
        }
    }
    took.sort();
    Ok(took)
}

async fn refused() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let server = Server::of(&cluster)?;
    let root = format!("{MAPS}/kube-root-ca.crt?dryRun=All");
    let patch = "application/json-patch+json";
    eventually("the ConfigMap is there", || async {
        Ok((server.ask(Method::GET, &root, "", "").await?.0 == 200).then_some(()))
    })
    .await?;

    for (what, answer, code) in [
        ("a huge body", server.ask(Method::POST, MAPS, JSON, vec![b' '; 4 << 20]).await?, 413),
        ("deep JSON", server.ask(Method::POST, MAPS, JSON, deep_json(100_000)).await?, 400),
        ("many levels", server.ask(Method::POST, MAPS, JSON, deep_json(1_000)).await?, 400),
        (
            "many containers",
            server.ask(Method::POST, DRY_PODS, JSON, many_containers()).await?,
            422,
        ),
        (
            "a YAML bomb",
            server.ask(Method::POST, MAPS, "application/yaml", yaml_bomb()).await?,
            400,
        ),
        ("a patch bomb", server.ask(Method::PATCH, &root, patch, patch_bomb()).await?, 422),
        (
            "too many operations",
            server
                .ask(
                    Method::PATCH,
                    &root,
                    patch,
                    json!(vec![
                        json!({"op": "test", "path": "/kind", "value": "ConfigMap"});
                        10_001
                    ])
                    .to_string(),
                )
                .await?,
            413,
        ),
    ] {
        let (got, status) = answer;
        ensure(got == code && status["kind"] == "Status", format!("{what}: {got} {status}"))?;
    }
    too_long(&server).await?;
    let twice = format!("{MAPS}?dryRun=All");
    let (code, map) = server.ask(Method::POST, &twice, JSON, duplicate_keys()).await?;
    ensure(code == 201 && map["data"] == json!({"a": "b"}), map)?;
    let (code, list) = server.ask(Method::DELETE, MAPS, JSON, spaces_and_options()).await?;
    ensure(code == 200 && list["kind"] == "ConfigMapList", list)?;
    let (code, list) = server.ask(Method::GET, &huge_selector(), "", "").await?;
    ensure(code == 200 && list["kind"] == "ConfigMapList", list)?;
    let (code, status) = server.ask(Method::GET, TRAVERSAL, "", "").await?;
    ensure(code == 404 && status["kind"] == "Status", status)
}

/// Headers that are too long are refused in Go's words. So is a path that Go would take: but not one of 60 KB.
async fn too_long(server: &Server) -> Outcome {
    let headers = server.raw(many_headers(&server.host).as_bytes()).await?;
    let refusal = "HTTP/1.1 431 Request Header Fields Too Large\r\n";
    ensure(headers.starts_with(refusal), headers)?;
    let several = server.raw(several_headers(&server.host).as_bytes()).await?;
    ensure(several.starts_with("HTTP/1.1 200 OK\r\n"), several)?;
    let mut sender = connection::http2(server).await?;
    let answer = sender.send_request(large_headers(&server.host)?).await?;
    ensure(answer.status() == 431, format!("{answer:?}"))?;
    for (bytes, status) in [(60_000, "HTTP/1.1 200 OK"), (1 << 16, "HTTP/1.1 414 URI Too Long")] {
        let path = format!("{MAPS}?{}", "x".repeat(bytes));
        let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", server.host);
        let answer = server.raw(request.as_bytes()).await?;
        ensure(answer.starts_with(status), answer)?;
    }
    Ok(())
}

/// How many may write at once. Source: `--max-mutating-requests-inflight`.
const WRITES_MAX: usize = 200;

/// Bodies that never come take all places of those who write. The cluster's administrator is let in all the same.
async fn crowded_out() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let server = Server::of(&cluster)?;
    let head = format!(
        "POST {MAPS} HTTP/1.1\r\nhost: {}\r\ncontent-type: {JSON}\r\ncontent-length: 9\r\n\r\n",
        server.host
    );
    let mut held = vec![];
    for _ in 0..WRITES_MAX {
        let mut stream = server.connect().await?;
        stream.write_all(head.as_bytes()).await?;
        held.push(stream);
    }

    let object = json!({"metadata": {"name": "late"}}).to_string();
    let request = format!(
        "POST {MAPS}?dryRun=All HTTP/1.1\r\nhost: {}\r\nimpersonate-user: jane\r\ncontent-type: {JSON}\r\n\
         content-length: {}\r\n\r\n{object}",
        server.host,
        object.len()
    );
    let refused = eventually("all places are taken", || async {
        let answer = server.raw(request.as_bytes()).await?;
        Ok(answer.starts_with("HTTP/1.1 429").then_some(answer))
    })
    .await?;
    ensure(refused.contains("\r\nretry-after: 1\r\n"), &refused)?;
    ensure(refused.contains("Too many requests, please try again later."), &refused)?;
    let (code, list) = server.ask(Method::GET, MAPS, "", "").await?;
    ensure(code == 200, list)?;
    let path = format!("{MAPS}?dryRun=All");
    let (code, let_in) = server.ask(Method::POST, &path, JSON, object.clone()).await?;
    ensure(code == 201, let_in)?;

    drop(held);
    eventually("there is a place again", || async {
        let answer = server.raw(request.as_bytes()).await?;
        Ok(answer.starts_with("HTTP/1.1 201").then_some(()))
    })
    .await
}

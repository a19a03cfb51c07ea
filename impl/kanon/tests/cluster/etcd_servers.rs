//! API servers over an etcd that is not theirs: `kanon store serve`, and Debian's, which these trials
//! need; without it they are reported as ignored, by name.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use futures_util::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::Api;
use kube::api::{DeleteParams, PostParams, WatchEvent, WatchParams};
use kube::error::Error;
use libtest_mimic::{Failed, Trial};
use serde_json::json;
use tempfile::TempDir;

use crate::support::{Cluster, Outcome, ensure, eventually, text, trial};

pub(crate) fn trials() -> Vec<Trial> {
    let found = Command::new("etcd").arg("--version").output().is_ok();
    vec![
        trial("two_api_servers_share_a_store_that_is_served", || async {
            shared(&mut Etcd::ours()?).await
        }),
        trial("two_api_servers_share_an_etcd", || async { shared(&mut Etcd::debians()?).await })
            .with_ignored_flag(!found),
        trial("an_etcd_that_is_away_is_named_and_comes_back", away).with_ignored_flag(!found),
        trial("an_etcd_that_cannot_be_is_refused_in_one_line", refused),
    ]
}

/// An etcd of one member. It ends with this.
struct Etcd {
    command: Command,
    process: Child,
    url: String,
    _folder: TempDir,
}

impl Etcd {
    fn ours() -> Result<Self, Failed> {
        let folder = tempfile::tempdir()?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_kanon"));
        command.args(["store", "serve", "--listen", "127.0.0.1:0", "--data-dir"]);
        command.arg(folder.path()).stdout(Stdio::piped());
        let mut process = command.spawn()?;
        let mut line = String::new();
        let stdout = process.stdout.as_mut().ok_or("its output is ours")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let url = line.trim_end().rsplit(' ').next().ok_or("it says nothing")?.to_owned();
        Ok(Self { command, process, url, _folder: folder })
    }

    fn debians() -> Result<Self, Failed> {
        let folder = tempfile::tempdir()?;
        let (url, peers) = (free_url()?, free_url()?);
        let mut command = Command::new("etcd");
        command
            .args(["--listen-client-urls", &url, "--advertise-client-urls", &url])
            .args(["--listen-peer-urls", &peers, "--initial-advertise-peer-urls", &peers])
            .args(["--initial-cluster", &format!("default={peers}"), "--data-dir"])
            .arg(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = command.spawn()?;
        Ok(Self { command, process, url, _folder: folder })
    }

    fn kill(&mut self) -> Outcome {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    fn start_again(&mut self) -> Outcome {
        self.process = self.command.spawn()?;
        Ok(())
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing else to do about it.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn free_url() -> Result<String, Failed> {
    Ok(format!("http://{}", TcpListener::bind("127.0.0.1:0")?.local_addr()?))
}

fn map(name: &str) -> ConfigMap {
    serde_json::from_value(json!({"metadata": {"name": name}})).expect("it is a ConfigMap")
}

fn pod(name: &str) -> Pod {
    let containers = json!([{"name": "c", "image": "i"}]);
    serde_json::from_value(json!({"metadata": {"name": name}, "spec": {"containers": containers}}))
        .expect("it is a Pod")
}

async fn is_running(pods: &Api<Pod>, name: &str) -> Outcome {
    eventually("the pod runs", || async {
        let phase = pods.get(name).await?.status.and_then(|status| status.phase);
        Ok((phase.as_deref() == Some("Running")).then_some(()))
    })
    .await
}

async fn shared(etcd: &mut Etcd) -> Outcome {
    let one = Cluster::simulated(&["--etcd-servers", &etcd.url])?;
    let other = Cluster::simulated(&["--etcd-servers", &etcd.url, "--api-server-only"])?;
    let maps =
        [one.client().await?, other.client().await?].map(Api::<ConfigMap>::default_namespaced);
    let (create, delete) = (PostParams::default(), DeleteParams::default());
    let pods: Api<Pod> = Api::default_namespaced(other.client().await?);
    let stale = maps[0].create(&create, &map("a")).await?;
    let start = stale.metadata.resource_version.clone().unwrap_or_default();
    let mut events = maps[1].watch(&WatchParams::default(), &start).await?.boxed();

    let mut read = maps[1].get("a").await?;
    read.data = Some([("by".to_owned(), "other".to_owned())].into());
    maps[1].replace("a", &create, &read).await?;
    let conflict = maps[0].replace("a", &create, &stale).await;
    ensure(matches!(conflict, Err(Error::Api(status)) if status.code == 409), "409 was due")?;
    for round in 0..20 {
        let (here, there) = (&maps[round % 2], &maps[(round + 1) % 2]);
        here.delete("a", &delete).await?;
        there.create(&create, &map("a")).await?;
    }
    let mut last = String::new();
    for due in ["MODIFIED"].into_iter().chain(["DELETED", "ADDED"].into_iter().cycle().take(40)) {
        let (kind, map) = match events.try_next().await?.ok_or("the watch ended")? {
            WatchEvent::Added(map) => ("ADDED", map),
            WatchEvent::Modified(map) => ("MODIFIED", map),
            WatchEvent::Deleted(map) => ("DELETED", map),
            WatchEvent::Bookmark(_) | WatchEvent::Error(_) => ("neither", map("")),
        };
        last = map.metadata.resource_version.unwrap_or_default();
        ensure(kind == due, format!("{kind} at {last} where {due} is due"))?;
    }
    ensure(
        maps[1].get("a").await?.metadata.resource_version == Some(last),
        "the last is the newest",
    )?;

    pods.create(&create, &pod("p")).await?;
    is_running(&pods, "p").await?;
    let walks = other.conform(&["run"])?;
    ensure(walks.status.success(), text(&walks.stdout))?;

    one.kill().await?;
    maps[1].create(&create, &map("b")).await?;
    one.succeed(&["start", "--runtime", "simulated", "--port", "0", "--etcd-servers", &etcd.url])?;
    let maps: Api<ConfigMap> = Api::default_namespaced(one.client().await?);
    ensure(maps.get("b").await?.metadata.name.as_deref() == Some("b"), "it is there")
}

async fn away() -> Outcome {
    let mut etcd = Etcd::debians()?;
    let cluster = Cluster::simulated(&["--nodes", "0", "--etcd-servers", &etcd.url])?;
    let client = cluster.client().await?;
    let ready = || http::Request::get("/readyz").body(vec![]);
    ensure(client.request_text(ready()?).await? == "ok", "it is ready")?;
    let maps: Api<ConfigMap> = Api::default_namespaced(client.clone());
    maps.create(&PostParams::default(), &map("a")).await?;

    etcd.kill()?;
    let unready = match client.request_text(ready()?).await {
        Err(Error::Api(status)) => status,
        answer => return Err(format!("{answer:?}").into()),
    };
    let told = "[-]etcd failed: reason withheld\n[+]shutdown ok\nreadyz check failed";
    ensure(unready.code == 500 && unready.message.contains(told), format!("{unready:?}"))?;
    let refusal = match maps.get("a").await {
        Err(Error::Api(status)) => status,
        answer => return Err(format!("{answer:?}").into()),
    };
    let named = refusal.message.starts_with(&format!("no member of etcd answers: {}", etcd.url));
    ensure(refusal.code == 503 && named, format!("{refusal:?}"))?;

    etcd.start_again()?;
    eventually("etcd is back", || async { Ok(maps.get("a").await.ok()) }).await?;
    maps.create(&PostParams::default(), &map("b")).await?;
    Ok(())
}

async fn refused() -> Outcome {
    let cluster = Cluster::new();
    let start = |flags: &[&str]| {
        let arguments = [&["start", "--runtime", "simulated", "--port", "0"], flags].concat();
        let output = cluster.kanon(&arguments);
        (output.status.code(), text(&output.stderr))
    };
    let line = |why: &str| (Some(2), format!("kanon: --etcd-servers: {why}\n"));

    let unlike = "\"nowhere\" is not the URL of an etcd member, as http://127.0.0.1:2379 is";
    ensure(start(&["--etcd-servers", "nowhere"]) == line(unlike), "no URL")?;
    let untrusted = "https://a:1 needs the certificate of the authority that its member trusts";
    ensure(
        start(&["--etcd-servers", "http://a:1,https://a:1"]) == line(untrusted),
        "no authority",
    )?;
    let (code, missing) = start(&["--etcd-servers", "https://a:1", "--etcd-cafile", "/nowhere"]);
    let expected = "kanon: /nowhere: No such file or directory (os error 2)\n";
    ensure(code == Some(3) && missing == expected, missing)?;
    let (code, alone) = start(&["--api-server-only"]);
    ensure(code == Some(2) && alone.contains("--etcd-servers"), alone)?;
    let url = free_url()?;
    let (code, nobody) = start(&["--etcd-servers", &url]);
    let expected =
        format!("kanon: --etcd-servers: no member of etcd answers: {url}: tcp connect error\n");
    ensure(code == Some(3) && nobody == expected, nobody)
}

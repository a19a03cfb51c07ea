//! Fifty clients that mean no good, of ten kinds, and one that does: it is served all the while.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::{Method, Request};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use libtest_mimic::{Failed, Trial};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;

use crate::support::{Cluster, Outcome, ensure, eventually, trial};
pub(crate) use connection::Server;

use connection::Connection;

mod connection;

const HOSTILE: usize = 50;
/// How often the one that means well writes, reads and deletes.
const ROUNDS: usize = 50;
/// What 99 of 100 of its requests are answered within: a deadline on two busy cores, no measurement.
const DEADLINE: Duration = Duration::from_secs(2);
/// How much the server may grow: each of the fifty may have a body of 3 MiB on its way, and copies of it.
const GROWTH_MAX_KIB: u64 = 512 * 1024;
const MAPS: &str = "/api/v1/namespaces/default/configmaps";

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("who_means_well_is_served_while_fifty_do_not", served),
        trial("what_is_meant_to_harm_is_refused_with_a_status", refused),
        trial("who_finds_no_place_is_told_when_to_come_again", crowded_out),
    ]
}

/// What a hostile client does, over and over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Malice {
    HugeBody,
    DeepJson,
    ManyHeaders,
    PatchBomb,
    YamlBomb,
    Traversal,
    HugeSelector,
    SlowHeaders,
    UnreadWatch,
    Resets,
}

const MALICE: [Malice; 10] = [
    Malice::HugeBody,
    Malice::DeepJson,
    Malice::ManyHeaders,
    Malice::PatchBomb,
    Malice::YamlBomb,
    Malice::Traversal,
    Malice::HugeSelector,
    Malice::SlowHeaders,
    Malice::UnreadWatch,
    Malice::Resets,
];

const JSON: &str = "application/json";

fn deep_json() -> String {
    format!(
        r#"{{"metadata": {{"name": "deep"}}, "data": {}{}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    )
}

/// Each operation doubles what there is.
fn patch_bomb() -> String {
    let double = json!({"op": "copy", "from": "/metadata/annotations", "path": "/metadata/annotations/more"});
    json!(vec![double; 9_000]).to_string()
}

/// Ten aliases of ten aliases, nine times.
fn yaml_bomb() -> String {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        text += &format!("a{level}: &a{level} [{aliases}]\n");
    }
    text + "metadata: {name: bomb}\n"
}

/// What hostile clients send, made once.
struct Payloads {
    huge: Bytes,
    deep: Bytes,
    patch: Bytes,
    yaml: Bytes,
    headers: String,
}

impl Payloads {
    fn new(host: &str) -> Self {
        Self {
            huge: vec![b' '; 4 * 1024 * 1024].into(),
            deep: deep_json().into(),
            patch: patch_bomb().into(),
            yaml: yaml_bomb().into(),
            headers: many_headers(host),
        }
    }
}

fn many_headers(host: &str) -> String {
    let headers: String = (0..10_000).map(|number| format!("x-{number}: y\r\n")).collect();
    format!("GET {MAPS} HTTP/1.1\r\nhost: {host}\r\n{headers}\r\n")
}

impl Malice {
    /// What the server says to it; nothing where it is not answered.
    fn answer(self) -> Option<u16> {
        match self {
            Self::HugeBody => Some(413),
            Self::DeepJson | Self::YamlBomb => Some(400),
            Self::ManyHeaders => Some(431),
            Self::PatchBomb => Some(422),
            Self::Traversal => Some(404),
            // Two thousand conditions are no harm.
            Self::HugeSelector => Some(200),
            Self::SlowHeaders | Self::UnreadWatch | Self::Resets => None,
        }
    }
}

/// A path that leads nowhere.
const TRAVERSAL: &str = "/api/v1/namespaces/../../../etc/passwd/%2e%2e/configmaps/..%2f..";

fn huge_selector() -> String {
    let selector = vec!["a%20in%20(b,c,d)"; 2_000].join(",");
    format!("{MAPS}?labelSelector={selector}")
}

impl Server {
    /// What it is answered, if it is.
    async fn harm(&self, malice: Malice, payloads: &Payloads) -> Result<Option<u16>, Failed> {
        let (method, path, content_type, body) = match malice {
            Malice::HugeBody => (Method::POST, MAPS.to_owned(), JSON, payloads.huge.clone()),
            Malice::DeepJson => (Method::POST, MAPS.to_owned(), JSON, payloads.deep.clone()),
            Malice::PatchBomb => {
                let path = format!("{MAPS}/kube-root-ca.crt?dryRun=All");
                (Method::PATCH, path, "application/json-patch+json", payloads.patch.clone())
            }
            Malice::YamlBomb => {
                (Method::POST, MAPS.to_owned(), "application/yaml", payloads.yaml.clone())
            }
            Malice::Traversal => (Method::GET, TRAVERSAL.to_owned(), "", Bytes::new()),
            Malice::HugeSelector => (Method::GET, huge_selector(), "", Bytes::new()),
            Malice::ManyHeaders => {
                let answer = self.raw(payloads.headers.as_bytes()).await?;
                let code = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
                return Ok(code);
            }
            Malice::SlowHeaders => return self.stall().await.map(|()| None),
            Malice::UnreadWatch => return self.watch_without_reading().await.map(|()| None),
            Malice::Resets => return self.reset_streams().await.map(|()| None),
        };
        Ok(Some(self.ask(method, &path, content_type, body).await?.0))
    }

    /// The beginning of headers, and nothing more, until the server has had enough.
    async fn stall(&self) -> Outcome {
        let mut stream = self.connect().await?;
        stream.write_all(b"GET /api HTTP/1.1\r\nx-slow: ").await?;
        stream.read_to_end(&mut vec![]).await?;
        Ok(())
    }

    async fn watch_without_reading(&self) -> Outcome {
        let mut stream = self.connect().await?;
        let request = format!("GET {MAPS}?watch=true HTTP/1.1\r\nhost: {}\r\n\r\n", self.host);
        stream.write_all(request.as_bytes()).await?;
        // It is open, and nobody reads, for as long as the others work.
        std::future::pending().await
    }

    /// Opens streams of HTTP/2 and resets each before it is answered.
    async fn reset_streams(&self) -> Outcome {
        let stream = TokioIo::new(self.connect().await?);
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await?;
        let connection = tokio::spawn(connection);
        for _ in 0..500 {
            let request = Request::get(format!("https://{}{MAPS}", self.host));
            let answer = sender.send_request(request.body(Full::<Bytes>::default())?);
            // It is sent, and dropped before it is answered.
            drop(tokio::time::timeout(Duration::from_micros(50), answer).await);
        }
        connection.abort();
        Ok(())
    }
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
    let before = resident_kib(&cluster)?;
    let heard = Heard::default();
    let hostile = hostile(&server, &heard)?;
    let took = rounds(&mut Connection::open(&server).await?).await?;
    let all = || heard.lock().unwrap_or_else(PoisonError::into_inner).clone();
    eventually("each of them is answered", || async {
        Ok((all().len() == answers().len()).then_some(()))
    })
    .await?;

    drop(hostile);
    ensure(all() == answers(), format!("they heard {:?}", all()))?;
    let late = took[took.len() * 99 / 100];
    ensure(late < DEADLINE, format!("99 of 100 were answered within {late:?}"))?;
    let grown = resident_kib(&cluster)?.saturating_sub(before);
    ensure(grown < GROWTH_MAX_KIB, format!("the server has grown by {grown} KiB"))
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
        ("deep JSON", server.ask(Method::POST, MAPS, JSON, deep_json()).await?, 400),
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
    let headers = server.raw(many_headers(&server.host).as_bytes()).await?;
    ensure(headers.starts_with("HTTP/1.1 431"), headers)?;
    let long =
        format!("GET {MAPS}?{} HTTP/1.1\r\nhost: {}\r\n\r\n", "x".repeat(1 << 16), server.host);
    let long = server.raw(long.as_bytes()).await?;
    ensure(long.starts_with("HTTP/1.1 414"), long)?;
    let (code, list) = server.ask(Method::GET, &huge_selector(), "", "").await?;
    ensure(code == 200 && list["kind"] == "ConfigMapList", list)?;
    let (code, status) = server.ask(Method::GET, TRAVERSAL, "", "").await?;
    ensure(code == 404 && status["kind"] == "Status", status)
}

/// How many may write at once. Source: `--max-mutating-requests-inflight`.
const WRITES_MAX: usize = 200;

/// Bodies that never come take all places of those who write.
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
        "POST {MAPS}?dryRun=All HTTP/1.1\r\nhost: {}\r\ncontent-type: {JSON}\r\ncontent-length: {}\r\n\r\n{object}",
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

    drop(held);
    eventually("there is a place again", || async {
        let path = format!("{MAPS}?dryRun=All");
        let (code, _) = server.ask(Method::POST, &path, JSON, object.clone()).await?;
        Ok((code == 201).then_some(()))
    })
    .await
}

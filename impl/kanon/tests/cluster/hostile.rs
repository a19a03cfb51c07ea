//! Fifty clients that mean no good, of ten kinds, and one that does: it is served all the while.

use std::sync::Arc;
use std::time::{Duration, Instant};

use conformance::suite::{Target, connector};
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use libtest_mimic::{Failed, Trial};
use rustls_pki_types::ServerName;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::support::{Cluster, Outcome, PATIENCE, ensure, trial};

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
    ]
}

/// The way to an API server.
#[derive(Clone)]
pub(crate) struct Server {
    host: String,
    port: u16,
    tls: TlsConnector,
}

impl Server {
    pub(crate) fn of(cluster: &Cluster) -> Result<Self, Failed> {
        let target = Target::read(Some(&cluster.kubeconfig()))?;
        let server: http::Uri = target.server.parse()?;
        let host = server.host().unwrap_or_default().to_owned();
        Ok(Self { host, port: server.port_u16().unwrap_or(443), tls: connector(&target)? })
    }

    pub(crate) async fn connect(&self) -> Result<TlsStream<TcpStream>, Failed> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        let name = ServerName::try_from(self.host.clone())?;
        Ok(self.tls.connect(name, stream).await?)
    }

    /// Sends bytes as they are; what comes back until the server closes, or is silent for a while.
    async fn raw(&self, bytes: &[u8]) -> Result<String, Failed> {
        let mut stream = self.connect().await?;
        // A server that has heard enough closes before all is sent.
        let _ = stream.write_all(bytes).await;
        let mut answer = vec![0; 64 * 1024];
        let read = tokio::time::timeout(PATIENCE, stream.read(&mut answer)).await?.unwrap_or(0);
        Ok(String::from_utf8_lossy(&answer[..read]).into_owned())
    }

    /// Asks on a connection of its own.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: impl Into<Bytes>,
    ) -> Result<(u16, Value), Failed> {
        Connection::open(self).await?.ask(method, path, content_type, body).await
    }
}

/// A connection that is kept.
struct Connection {
    host: String,
    sender: hyper::client::conn::http1::SendRequest<Full<Bytes>>,
}

impl Connection {
    async fn open(server: &Server) -> Result<Self, Failed> {
        let stream = TokioIo::new(server.connect().await?);
        let (sender, connection) = hyper::client::conn::http1::handshake(stream).await?;
        tokio::spawn(connection);
        Ok(Self { host: server.host.clone(), sender })
    }

    /// The code and the `Status` or object that answer a request.
    async fn ask(
        &mut self,
        method: Method,
        path: &str,
        content_type: &str,
        body: impl Into<Bytes>,
    ) -> Result<(u16, Value), Failed> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.host)
            .header("content-type", content_type)
            .body(Full::new(body.into()))?;
        let response = self.sender.send_request(request).await?;
        let code = response.status().as_u16();
        let bytes = response.into_body().collect().await?.to_bytes();
        Ok((code, serde_json::from_slice(&bytes).unwrap_or(Value::Null)))
    }
}

/// What a hostile client does, over and over.
#[derive(Clone, Copy, Debug)]
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

impl Server {
    async fn harm(&self, malice: Malice, payloads: &Payloads) -> Outcome {
        match malice {
            Malice::HugeBody => {
                self.ask(Method::POST, MAPS, JSON, payloads.huge.clone()).await.map(drop)
            }
            Malice::DeepJson => {
                self.ask(Method::POST, MAPS, JSON, payloads.deep.clone()).await.map(drop)
            }
            Malice::ManyHeaders => self.raw(payloads.headers.as_bytes()).await.map(drop),
            Malice::PatchBomb => {
                let path = format!("{MAPS}/kube-root-ca.crt?dryRun=All");
                self.ask(
                    Method::PATCH,
                    &path,
                    "application/json-patch+json",
                    payloads.patch.clone(),
                )
                .await
                .map(drop)
            }
            Malice::YamlBomb => self
                .ask(Method::POST, MAPS, "application/yaml", payloads.yaml.clone())
                .await
                .map(drop),
            Malice::Traversal => {
                let path = "/api/v1/namespaces/../../../etc/passwd/%2e%2e/configmaps/..%2f..";
                self.ask(Method::GET, path, "", "").await.map(drop)
            }
            Malice::HugeSelector => {
                let selector = vec!["a%20in%20(b,c,d)"; 2_000].join(",");
                self.ask(Method::GET, &format!("{MAPS}?labelSelector={selector}"), "", "")
                    .await
                    .map(drop)
            }
            Malice::SlowHeaders => self.stall().await,
            Malice::UnreadWatch => self.watch_without_reading().await,
            Malice::Resets => self.reset_streams().await,
        }
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

/// Fifty clients that mean harm.
fn hostile(server: &Server) -> Result<Crowd, Failed> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let payloads = Arc::new(Payloads::new(&server.host));
    for number in 0..HOSTILE {
        let (server, payloads) = (server.clone(), Arc::clone(&payloads));
        runtime.spawn(async move {
            loop {
                // What it meets is its own affair.
                drop(server.harm(MALICE[number % MALICE.len()], &payloads).await);
            }
        });
    }
    Ok(Crowd(Some(runtime)))
}

async fn served() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let server = Server::of(&cluster)?;
    let before = resident_kib(&cluster)?;
    let hostile = hostile(&server)?;
    let mut connection = Connection::open(&server).await?;
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

    drop(hostile);
    took.sort();
    let late = took[took.len() * 99 / 100];
    ensure(late < DEADLINE, format!("99 of 100 were answered within {late:?}"))?;
    let grown = resident_kib(&cluster)?.saturating_sub(before);
    ensure(grown < GROWTH_MAX_KIB, format!("the server has grown by {grown} KiB"))
}

async fn refused() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let server = Server::of(&cluster)?;
    let root = format!("{MAPS}/kube-root-ca.crt?dryRun=All");
    let patch = "application/json-patch+json";
    crate::support::eventually("the ConfigMap is there", || async {
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
    ensure(headers.starts_with("HTTP/1.1 431"), headers)
}

//! What clients do that mean harm, and what they are told.

use std::time::Duration;

use http::{Method, Request};
use http_body_util::Full;
use hyper::body::Bytes;
use libtest_mimic::Failed;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::connection::{Server, http2};
use super::{LARGE_MAPS, MANY_MAPS, MAPS};
use crate::support::Outcome;

/// What a hostile client does, over and over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Malice {
    HugeBody,
    DeepJson,
    ManyLevels,
    ManyHeaders,
    ManyHeadersInStream,
    PatchBomb,
    YamlBomb,
    Traversal,
    HugeSelector,
    DeletionOfMany,
    SlowHeaders,
    SlowBody,
    UnreadWatch,
    UnreadList,
    Resets,
}

pub(super) const MALICE: [Malice; 15] = [
    Malice::HugeBody,
    Malice::DeepJson,
    Malice::ManyLevels,
    Malice::ManyHeaders,
    Malice::ManyHeadersInStream,
    Malice::PatchBomb,
    Malice::YamlBomb,
    Malice::Traversal,
    Malice::HugeSelector,
    Malice::DeletionOfMany,
    Malice::SlowHeaders,
    Malice::SlowBody,
    Malice::UnreadWatch,
    Malice::UnreadList,
    Malice::Resets,
];

pub(super) const JSON: &str = "application/json";

/// Lists in lists.
pub(super) fn deep_json(levels: usize) -> String {
    let (open, close) = ("[".repeat(levels), "]".repeat(levels));
    format!(r#"{{"metadata": {{"name": "deep"}}, "data": {open}{close}}}"#)
}

/// One key, over and over.
pub(super) fn duplicate_keys() -> String {
    let data = vec![r#""a":"b""#; 100_000].join(",");
    format!(r#"{{"metadata": {{"name": "twice"}}, "data": {{{data}}}}}"#)
}

/// A pod of a hundred thousand containers, of which nothing is said.
pub(super) fn many_containers() -> String {
    json!({"metadata": {"name": "many"}, "spec": {"containers": vec![json!({}); 100_000]}})
        .to_string()
}

/// Each operation doubles what there is.
pub(super) fn patch_bomb() -> String {
    let double = json!({"op": "copy", "from": "/metadata/annotations", "path": "/metadata/annotations/more"});
    json!(vec![double; 9_000]).to_string()
}

/// Ten aliases of ten aliases, nine times.
pub(super) fn yaml_bomb() -> String {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        text += &format!("a{level}: &a{level} [{aliases}]\n");
    }
    text + "metadata: {name: bomb}\n"
}

/// Options of a deletion that deletes nothing, and 3 MiB of nothing before them.
pub(super) fn spaces_and_options() -> String {
    let options =
        json!({"kind": "DeleteOptions", "apiVersion": "v1", "dryRun": ["All"]}).to_string();
    " ".repeat((3 << 20) - options.len()) + &options
}

pub(super) fn many_headers(host: &str) -> String {
    headers(host, 10_000)
}

/// As many as some proxies add up, which are no harm.
pub(super) fn several_headers(host: &str) -> String {
    headers(host, 900)
}

fn headers(host: &str, count: usize) -> String {
    let headers: String = (0..count).map(|number| format!("x-{number}: y\r\n")).collect();
    format!("GET {MAPS} HTTP/1.1\r\nhost: {host}\r\n{headers}\r\n")
}

/// More than a MiB of headers, in HTTP/2.
pub(super) fn large_headers(host: &str) -> Result<Request<Full<Bytes>>, Failed> {
    let mut request = Request::get(format!("https://{host}{MAPS}"));
    for number in 0..2_000 {
        request = request.header(format!("x-{number}"), "y".repeat(600));
    }
    Ok(request.body(Full::default())?)
}

/// What hostile clients send, made once.
pub(super) struct Payloads {
    huge: Bytes,
    deep: Bytes,
    levels: Bytes,
    patch: Bytes,
    yaml: Bytes,
    spaces: Bytes,
    headers: String,
}

impl Payloads {
    pub(super) fn new(host: &str) -> Self {
        Self {
            huge: vec![b' '; 4 * 1024 * 1024].into(),
            deep: deep_json(100_000).into(),
            levels: deep_json(1_000).into(),
            patch: patch_bomb().into(),
            yaml: yaml_bomb().into(),
            spaces: spaces_and_options().into(),
            headers: many_headers(host),
        }
    }
}

impl Malice {
    /// What the server says to it; nothing where it is not answered.
    pub(super) fn answer(self) -> Option<u16> {
        match self {
            Self::HugeBody => Some(413),
            Self::DeepJson | Self::ManyLevels | Self::YamlBomb => Some(400),
            Self::ManyHeaders | Self::ManyHeadersInStream => Some(431),
            Self::PatchBomb => Some(422),
            Self::Traversal => Some(404),
            // Two thousand conditions are no harm, nor is what nobody says.
            Self::HugeSelector | Self::DeletionOfMany => Some(200),
            Self::SlowHeaders
            | Self::SlowBody
            | Self::UnreadWatch
            | Self::UnreadList
            | Self::Resets => None,
        }
    }
}

/// A path that leads nowhere.
pub(super) const TRAVERSAL: &str =
    "/api/v1/namespaces/../../../etc/passwd/%2e%2e/configmaps/..%2f..";

pub(super) fn huge_selector() -> String {
    let selector = vec!["a%20in%20(b,c,d)"; 2_000].join(",");
    format!("{MAPS}?labelSelector={selector}")
}

/// Pods that are not to be made after all.
pub(super) const DRY_PODS: &str = "/api/v1/namespaces/default/pods?dryRun=All";

impl Server {
    /// What it is answered, if it is.
    pub(super) async fn harm(
        &self,
        malice: Malice,
        payloads: &Payloads,
    ) -> Result<Option<u16>, Failed> {
        let post = |path: &str, body: &Bytes| (Method::POST, path.to_owned(), JSON, body.clone());
        let (method, path, content_type, body) = match malice {
            Malice::HugeBody => post(MAPS, &payloads.huge),
            Malice::DeepJson => post(MAPS, &payloads.deep),
            Malice::ManyLevels => post(MAPS, &payloads.levels),
            Malice::PatchBomb => {
                let path = format!("{MAPS}/kube-root-ca.crt?dryRun=All");
                (Method::PATCH, path, "application/json-patch+json", payloads.patch.clone())
            }
            Malice::YamlBomb => {
                (Method::POST, MAPS.to_owned(), "application/yaml", payloads.yaml.clone())
            }
            Malice::DeletionOfMany => {
                (Method::DELETE, MANY_MAPS.to_owned(), JSON, payloads.spaces.clone())
            }
            Malice::Traversal => (Method::GET, TRAVERSAL.to_owned(), "", Bytes::new()),
            Malice::HugeSelector => (Method::GET, huge_selector(), "", Bytes::new()),
            Malice::ManyHeaders => {
                let answer = self.raw(payloads.headers.as_bytes()).await?;
                let code = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
                return Ok(code);
            }
            Malice::ManyHeadersInStream => return self.send_large_headers().await.map(Some),
            Malice::SlowHeaders => return self.stall("GET /api HTTP/1.1\r\nx-slow: ").await,
            Malice::SlowBody => return self.stall(&slow_body(&self.host)).await,
            Malice::UnreadWatch => return self.ask_without_reading("?watch=true").await,
            Malice::UnreadList => return self.ask_without_reading("").await,
            Malice::Resets => return self.reset_streams().await.map(|()| None),
        };
        Ok(Some(self.ask(method, &path, content_type, body).await?.0))
    }

    /// The beginning of a request, and nothing more, until the server has had enough.
    async fn stall(&self, beginning: &str) -> Result<Option<u16>, Failed> {
        let mut stream = self.connect().await?;
        stream.write_all(beginning.as_bytes()).await?;
        stream.read_to_end(&mut vec![]).await?;
        Ok(None)
    }

    async fn ask_without_reading(&self, query: &str) -> Result<Option<u16>, Failed> {
        let mut stream = self.connect().await?;
        let request = format!("GET {LARGE_MAPS}{query} HTTP/1.1\r\nhost: {}\r\n\r\n", self.host);
        stream.write_all(request.as_bytes()).await?;
        // It is open, and nobody reads, for as long as the others work.
        std::future::pending().await
    }

    async fn send_large_headers(&self) -> Result<u16, Failed> {
        let mut sender = http2(self).await?;
        Ok(sender.send_request(large_headers(&self.host)?).await?.status().as_u16())
    }

    /// Opens streams of HTTP/2 and resets each before it is answered.
    async fn reset_streams(&self) -> Outcome {
        let mut sender = http2(self).await?;
        for _ in 0..500 {
            let request = Request::get(format!("https://{}{MAPS}", self.host));
            let answer = sender.send_request(request.body(Full::<Bytes>::default())?);
            // It is sent, and dropped before it is answered.
            drop(tokio::time::timeout(Duration::from_micros(50), answer).await);
        }
        Ok(())
    }
}

/// A request whose body begins.
fn slow_body(host: &str) -> String {
    format!(
        "POST {MAPS} HTTP/1.1\r\nhost: {host}\r\ncontent-type: {JSON}\r\ncontent-length: 9\r\n\r\n{{"
    )
}

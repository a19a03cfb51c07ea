//! The forms in which objects travel, as a client meets them at the socket: protobuf, gzip, tables of a watch, tags.

use std::io::Read;

use flate2::read::GzDecoder;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH,
};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use crate::hostile::Server;
use crate::support::{Cluster, Outcome, ensure, trial};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const JSON: &str = "application/json";
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
const PROTOBUF_WATCH: &str = "application/vnd.kubernetes.protobuf;stream=watch";
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// What a client asks for that begins with a list of what is there.
const STREAMED_LIST: &str = "watch=true&sendInitialEvents=true&allowWatchBookmarks=true&\
                             resourceVersionMatch=NotOlderThan";

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("protobuf_goes_in_and_out_and_comes_in_frames", protobuf),
        trial("only_large_answers_are_compressed_and_only_for_who_takes_them_so", compressed),
        trial("cbor_is_refused_in_the_words_of_upstream", cbor),
        trial("a_streamed_list_has_the_form_that_is_asked_for", streamed),
        trial("aggregated_discovery_is_not_sent_twice_and_the_other_one_is", discovered),
    ]
}

/// A server in whose namespace `default` there is nothing.
fn server() -> Result<(Cluster, Server), Failed> {
    let cluster = Cluster::simulated(&["--components", "api-server"])?;
    let server = Server::of(&cluster)?;
    Ok((cluster, server))
}

/// Asks on a connection of its own.
async fn send(
    server: &Server,
    (method, path): (&str, &str),
    headers: &[(HeaderName, &str)],
    body: impl Into<Bytes>,
) -> Result<Response<Incoming>, Failed> {
    let mut request = Request::builder().method(method).uri(path).header("host", "kanon");
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    let stream = TokioIo::new(server.connect().await?);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await?;
    tokio::spawn(connection);
    Ok(sender.send_request(request.body(Full::new(body.into()))?).await?)
}

async fn bytes(response: Response<Incoming>) -> Result<Bytes, Failed> {
    Ok(response.into_body().collect().await?.to_bytes())
}

fn header<'a>(response: &'a Response<Incoming>, name: &HeaderName) -> &'a str {
    response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

async fn create(server: &Server, name: &str, data: &str) -> Outcome {
    let map = json!({"metadata": {"name": name}, "data": {"a": data}}).to_string();
    let response = send(server, ("POST", MAPS), &[(CONTENT_TYPE, JSON)], map).await?;
    ensure(response.status() == 201, format!("{response:?}"))
}

/// A watch being read.
struct Watch {
    body: Incoming,
    read: Vec<u8>,
}

impl Watch {
    async fn open(server: &Server, query: &str, accept: &str) -> Result<Self, Failed> {
        let path = format!("{MAPS}?{query}");
        let response = send(server, ("GET", &path), &[(ACCEPT, accept)], "").await?;
        let content_type = header(&response, &CONTENT_TYPE);
        let expected = if accept == PROTOBUF_WATCH { accept } else { JSON };
        ensure(content_type == expected, format!("{accept} is answered with {content_type}"))?;
        Ok(Self { body: response.into_body(), read: vec![] })
    }

    /// The next bytes up to an end that can be found in those that are read.
    async fn next(&mut self, end: fn(&[u8]) -> Option<usize>) -> Result<Vec<u8>, Failed> {
        loop {
            if let Some(end) = end(&self.read) {
                return Ok(self.read.drain(..end).collect());
            }
            let frame = self.body.frame().await.ok_or("the watch has ended")??;
            self.read.extend(frame.into_data().unwrap_or_default());
        }
    }

    async fn event(&mut self) -> Result<Value, Failed> {
        let line = self.next(|read| Some(read.iter().position(|byte| *byte == b'\n')? + 1)).await?;
        Ok(serde_json::from_slice(&line)?)
    }

    /// An event without its length.
    async fn frame(&mut self) -> Result<Vec<u8>, Failed> {
        let mut frame = self.next(end_of_frame).await?;
        Ok(frame.split_off(4))
    }
}

fn end_of_frame(read: &[u8]) -> Option<usize> {
    let length = u32::from_be_bytes(read.get(..4)?.try_into().ok()?);
    let end = 4 + length as usize;
    (read.len() >= end).then_some(end)
}

async fn protobuf() -> Outcome {
    let (_cluster, server) = server()?;
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"},
        "data": {"a": "b"}});
    let headers = [(CONTENT_TYPE, PROTOBUF), (ACCEPT, PROTOBUF)];

    let body = api::protobuf::encode(&map)?;
    let created = send(&server, ("POST", MAPS), &headers, body).await?;

    let content_type = header(&created, &CONTENT_TYPE).to_owned();
    ensure((created.status().as_u16(), &*content_type) == (201, PROTOBUF), format!("{created:?}"))?;
    let object = api::protobuf::decode_any(&bytes(created).await?)?;
    ensure(object["data"] == map["data"], &object)?;
    let (_, read) = server.ask(http::Method::GET, &format!("{MAPS}/a"), "", "").await?;
    ensure(object == read, format!("{object} is not {read}"))?;
    let mut watch = Watch::open(&server, "watch=true", PROTOBUF_WATCH).await?;
    let frame = watch.frame().await?;
    ensure(frame.starts_with(b"\x0a\x05ADDED\x12"), format!("{:?}", frame.get(..8)))?;
    let at = frame.windows(4).position(|bytes| bytes == b"k8s\0").ok_or("an object is there")?;
    let told = api::protobuf::decode_any(&frame[at..])?;
    ensure(told == read, format!("{told} is not {read}"))
}

async fn compressed() -> Outcome {
    let (_cluster, server) = server()?;
    for name in ["a", "b"] {
        create(&server, name, &"x".repeat(100_000)).await?;
    }
    let one = format!("{MAPS}/a");

    for (path, accepted, expected) in [
        (MAPS, "gzip", "gzip"),
        (MAPS, "br, gzip;q=0.5", "gzip"),
        (MAPS, "br", ""),
        (MAPS, "", ""),
        (&one, "gzip", ""),
    ] {
        let response = send(&server, ("GET", path), &[(ACCEPT_ENCODING, accepted)], "").await?;
        let encoding = header(&response, &CONTENT_ENCODING).to_owned();
        ensure(encoding == expected, format!("{path} for {accepted:?} is {encoding:?}"))?;
        let mut body = bytes(response).await?.to_vec();
        if encoding == "gzip" {
            ensure(body.len() < 20_000, format!("{} bytes are not small", body.len()))?;
            let compressed = std::mem::take(&mut body);
            GzDecoder::new(&compressed[..]).read_to_end(&mut body)?;
        }
        let value: Value = serde_json::from_slice(&body)?;
        let map = if path == MAPS { &value["items"][1] } else { &value };
        ensure(map["data"]["a"].as_str().map(str::len) == Some(100_000), "it is another")?;
    }
    Ok(())
}

async fn cbor() -> Outcome {
    let (_cluster, server) = server()?;
    create(&server, "a", "b").await?;
    let (one, watch) = (format!("{MAPS}/a"), format!("{MAPS}?watch=true"));
    let known = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
    let streams = "application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch";
    let accepted = |types: &str| format!("only the following media types are accepted: {types}");
    let unknown = format!(
        "the body of the request was in an unknown format - accepted media types include: {known}"
    );

    for (request, headers, code, message) in [
        (("GET", MAPS), (ACCEPT, "application/cbor"), 406, accepted(known)),
        (("GET", &*watch), (ACCEPT, "application/cbor-seq"), 406, accepted(streams)),
        (("POST", MAPS), (CONTENT_TYPE, "application/cbor"), 415, unknown.clone()),
        (("PUT", &*one), (CONTENT_TYPE, "application/cbor"), 415, unknown.clone()),
        (("DELETE", &*one), (CONTENT_TYPE, "application/cbor"), 415, unknown),
        (
            ("PATCH", &*one),
            (CONTENT_TYPE, "application/apply-patch+cbor"),
            415,
            "415: Unsupported Media Type".to_owned(),
        ),
    ] {
        let response = send(&server, request, &[headers], "\u{1}").await?;
        let got = response.status().as_u16();
        let status: Value = serde_json::from_slice(&bytes(response).await?)?;
        let told = (got, &status["message"]) == (code, &json!(message));
        ensure(told && status["kind"] == "Status", format!("{request:?}: {status}"))?;
    }
    Ok(())
}

async fn streamed() -> Outcome {
    let (_cluster, server) = server()?;
    for name in ["a", "b"] {
        create(&server, name, "c").await?;
    }

    for kind in ["Table", "PartialObjectMetadata"] {
        let accept = format!("application/json;as={kind};v=v1;g=meta.k8s.io");
        let mut watch = Watch::open(&server, STREAMED_LIST, &accept).await?;
        let events = [watch.event().await?, watch.event().await?, watch.event().await?];

        let types = events.each_ref().map(|event| event["type"].as_str().unwrap_or_default());
        ensure(types == ["ADDED", "ADDED", "BOOKMARK"], format!("{types:?}"))?;
        let objects = events.each_ref().map(|event| &event["object"]);
        for object in objects {
            ensure(object["kind"] == kind && object.get("data").is_none(), object)?;
        }
        let names = match kind {
            "Table" => objects.map(|object| &object["rows"][0]["cells"][0]),
            _ => objects.map(|object| &object["metadata"]["name"]),
        };
        ensure(names == [&json!("a"), &json!("b"), &Value::Null], format!("{names:?}"))?;
        let columns = objects.map(|object| object["columnDefinitions"].is_array());
        ensure(columns == [kind == "Table", false, false], format!("{columns:?}"))?;
        let annotations = &objects[2]["metadata"]["annotations"];
        ensure(annotations["k8s.io/initial-events-end"] == "true", objects[2])?;
        create(&server, kind.to_lowercase().as_str(), "d").await?;
        let later = watch.event().await?;
        ensure(later["type"] == "ADDED" && later["object"]["kind"] == kind, later)?;
        let path = format!("{MAPS}/{}", kind.to_lowercase());
        server.ask(http::Method::DELETE, &path, "", "").await?;
    }
    Ok(())
}

async fn discovered() -> Outcome {
    let (_cluster, server) = server()?;

    for path in ["/api", "/apis"] {
        let first = send(&server, ("GET", path), &[(ACCEPT, AGGREGATED)], "").await?;
        let tag = header(&first, &ETAG).to_owned();
        let content_type = header(&first, &CONTENT_TYPE).to_owned();
        ensure(content_type == AGGREGATED && tag.len() == 130, format!("{first:?}"))?;
        let list: Value = serde_json::from_slice(&bytes(first).await?)?;
        ensure(list["kind"] == "APIGroupDiscoveryList", &list)?;
        for (known, code) in [(&*tag, 304), ("\"another\"", 200)] {
            let headers = [(ACCEPT, AGGREGATED), (IF_NONE_MATCH, known)];
            let again = send(&server, ("GET", path), &headers, "").await?;
            let found = (again.status().as_u16(), header(&again, &ETAG));
            ensure(found == (code, &*tag), format!("{path}: {found:?}"))?;
            let is_empty = bytes(again).await?.is_empty();
            ensure(is_empty == (code == 304), format!("{path} with {known}"))?;
        }
    }
    for (path, kind) in [
        ("/api", "APIVersions"),
        ("/apis", "APIGroupList"),
        ("/apis/apps", "APIGroup"),
        ("/apis/apps/v1", "APIResourceList"),
    ] {
        let legacy = send(&server, ("GET", path), &[(ACCEPT, JSON)], "").await?;
        ensure(header(&legacy, &ETAG).is_empty(), format!("{path} has a tag"))?;
        let told: Value = serde_json::from_slice(&bytes(legacy).await?)?;
        ensure(told["kind"] == kind, &told)?;
    }
    Ok(())
}

//! etcd's v3 API: messages that were right once, and bytes that never were.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use etcd::Etcd;
use etcd::grpc::{Options, serve};
use etcd_client::proto::{
    PbCompactionRequest, PbDeleteRequest, PbPutRequest, PbRangeRequest, PbTxnRequest,
};
use etcd_client::{Client, Compare, CompareOp, TxnOp};
use fuzz::{Mutator, runs};
use prost::Message;
use prost::bytes::{Buf, BufMut};
use tokio::net::TcpListener;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Endpoint;
use tonic::{Request, Status};

/// The methods that go on.
const STREAMS: [&str; 2] = ["/etcdserverpb.Watch/Watch", "/etcdserverpb.Lease/LeaseKeepAlive"];

/// How many streams are open at once.
const OPEN_MAX: usize = 50;

/// How long an answer may take at most.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server of a store in a folder that goes with it.
struct Server {
    address: String,
    _folder: tempfile::TempDir,
}

async fn server() -> Server {
    let folder = tempfile::tempdir().expect("there is room");
    let etcd = Etcd::open(folder.path()).expect("the folder is new");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it listens").to_string();
    tokio::spawn(serve(etcd, listener, Options::default(), std::future::pending()));
    Server { address, _folder: folder }
}

/// The server answers a sound request.
async fn assert_alive(server: &Server) {
    let mut client = Client::connect([&server.address], None).await.expect("it listens");
    client.put("alive", "yes", None).await.expect("it writes");
    let found = client.get("alive", None).await.expect("it reads");
    assert_eq!(found.count(), 1);
}

/// Bytes as they are, in the place of a message.
#[derive(Clone, Copy, Debug, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Raw
    }

    fn decoder(&mut self) -> Self {
        Raw
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, bytes: Vec<u8>, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put_slice(&bytes);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let length = from.remaining();
        Ok(Some(from.copy_to_bytes(length).to_vec()))
    }
}

/// Sound messages, with the method that takes each.
fn messages() -> Vec<(&'static str, Vec<u8>)> {
    let range = PbRangeRequest {
        key: b"k".to_vec(),
        range_end: b"l".to_vec(),
        limit: 3,
        ..PbRangeRequest::default()
    };
    let put = PbPutRequest {
        key: b"k1".to_vec(),
        value: vec![7; 40],
        lease: 0,
        prev_kv: true,
        ..PbPutRequest::default()
    };
    let delete = PbDeleteRequest { key: b"k".to_vec(), range_end: vec![0], prev_kv: true };
    let compact = PbCompactionRequest { revision: 1, physical: true };
    let txn = etcd_client::Txn::new()
        .when([Compare::version("k", CompareOp::Less, 3)])
        .and_then([TxnOp::put("k2", "v", None), TxnOp::get("k", None)])
        .or_else([TxnOp::delete("k", None)]);
    let txn: PbTxnRequest = txn.into();
    vec![
        ("/etcdserverpb.KV/Range", range.encode_to_vec()),
        ("/etcdserverpb.KV/Put", put.encode_to_vec()),
        ("/etcdserverpb.KV/DeleteRange", delete.encode_to_vec()),
        ("/etcdserverpb.KV/Compact", compact.encode_to_vec()),
        ("/etcdserverpb.KV/Txn", txn.encode_to_vec()),
        ("/etcdserverpb.Watch/Watch", vec![10, 5, 10, 1, b'k', 24, 1]),
        ("/etcdserverpb.Lease/LeaseGrant", vec![8, 60, 16, 7]),
        ("/etcdserverpb.Lease/LeaseKeepAlive", vec![8, 7]),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_was_right_once_harms_nobody() {
    let server = server().await;
    let endpoint = Endpoint::from_shared(format!("http://{}", server.address)).expect("a URL");
    let channel = endpoint.connect().await.expect("it listens");
    let mut client = tonic::client::Grpc::new(channel);
    let mut open = VecDeque::new();

    for run in 0..runs(2_000) {
        let mut mutator = Mutator::new(run);
        let all = messages();
        let (method, sound) = &all[mutator.below(all.len())];
        let bytes = mutator.mutated(sound);
        client.ready().await.expect("the connection is there");
        let path = PathAndQuery::from_static(method);
        if STREAMS.contains(method) {
            // The server keeps a stream open whose client has said all: so does this, some of them.
            let mut client = client.clone();
            open.push_back(tokio::spawn(async move {
                drop(client.unary(Request::new(bytes), path, Raw).await);
            }));
            open.drain(..open.len().saturating_sub(OPEN_MAX)).for_each(|oldest| oldest.abort());
            continue;
        }
        let answer = client.unary(Request::new(bytes), path, Raw);
        let ended = tokio::time::timeout(PATIENCE, answer).await;
        // Whether it is answered or refused is all the same here.
        assert!(ended.is_ok(), "run {run}: {method} hangs");
    }

    assert_alive(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_are_no_http_harm_nobody() {
    let server = server().await;
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64";

    for run in 0..runs(300) {
        let bytes = Mutator::new(run).mutated(preface);
        let address = server.address.clone();
        let sent = tokio::task::spawn_blocking(move || -> std::io::Result<()> {
            let mut stream = TcpStream::connect(address)?;
            stream.write_all(&bytes)?;
            stream.shutdown(std::net::Shutdown::Write)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.read_to_end(&mut vec![]).map(drop)
        });
        // The server may close the connection at any byte; it does not keep one that has ended.
        let kind = sent.await.expect("no thread panics").err().map(|error| error.kind());
        assert_ne!(kind, Some(ErrorKind::WouldBlock), "run {run}: the connection is kept");
    }

    assert_alive(&server).await;
}

//! etcd's v3 API: messages that were right once, and bytes that never were.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use etcd::Etcd;
use etcd::grpc::{Options, serve};
use etcd_client::proto::{
    PbCompactionRequest, PbDeleteRequest, PbMemberAddRequest, PbPutRequest, PbRangeRequest,
    PbTxnRequest,
};
use etcd_client::{Client, Compare, CompareOp, TxnOp};
use fuzz::{Mutator, runs};
use prost::Message;
use prost::bytes::{Buf, BufMut};
use tokio::net::TcpListener;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Endpoint;
use tonic::{Code, Request, Status};

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

/// Sound messages, with the method that takes each: of all services.
fn messages() -> Vec<(&'static str, Vec<u8>)> {
    [of_keys(), of_leases(), of_operators(), of_users()].concat()
}

fn of_keys() -> Vec<(&'static str, Vec<u8>)> {
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
        ("/etcdserverpb.KV/RangeStream", range.encode_to_vec()),
        ("/etcdserverpb.KV/Put", put.encode_to_vec()),
        ("/etcdserverpb.KV/DeleteRange", delete.encode_to_vec()),
        ("/etcdserverpb.KV/Compact", compact.encode_to_vec()),
        ("/etcdserverpb.KV/Txn", txn.encode_to_vec()),
        ("/etcdserverpb.Watch/Watch", vec![10, 5, 10, 1, b'k', 24, 1]),
    ]
}

fn of_leases() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("/etcdserverpb.Lease/LeaseGrant", vec![8, 60, 16, 7]),
        ("/etcdserverpb.Lease/LeaseKeepAlive", vec![8, 7]),
        ("/etcdserverpb.Lease/LeaseRevoke", vec![8, 7]),
        ("/etcdserverpb.Lease/LeaseTimeToLive", vec![8, 7, 16, 1]),
        ("/etcdserverpb.Lease/LeaseLeases", vec![]),
    ]
}

fn of_operators() -> Vec<(&'static str, Vec<u8>)> {
    let member = PbMemberAddRequest {
        peer_ur_ls: vec!["http://127.0.0.1:1".to_owned()],
        ..PbMemberAddRequest::default()
    };
    vec![
        ("/etcdserverpb.Maintenance/Alarm", vec![8, 2, 16, 7, 24, 1]),
        ("/etcdserverpb.Maintenance/Status", vec![]),
        ("/etcdserverpb.Maintenance/Defragment", vec![]),
        ("/etcdserverpb.Maintenance/Hash", vec![]),
        ("/etcdserverpb.Maintenance/HashKV", vec![8, 1]),
        ("/etcdserverpb.Maintenance/Snapshot", vec![]),
        ("/etcdserverpb.Maintenance/MoveLeader", vec![8, 7]),
        ("/etcdserverpb.Maintenance/Downgrade", vec![8, 1, 18, 3, b'3', b'.', b'4']),
        ("/etcdserverpb.Cluster/MemberAdd", member.encode_to_vec()),
        ("/etcdserverpb.Cluster/MemberRemove", vec![8, 7]),
        ("/etcdserverpb.Cluster/MemberUpdate", vec![8, 7, 18, 1, b'u']),
        ("/etcdserverpb.Cluster/MemberList", vec![8, 1]),
        ("/etcdserverpb.Cluster/MemberPromote", vec![8, 7]),
    ]
}

/// All of them begin with a name, or have nothing.
fn of_users() -> Vec<(&'static str, Vec<u8>)> {
    let methods = [
        "/etcdserverpb.Auth/AuthEnable",
        "/etcdserverpb.Auth/AuthDisable",
        "/etcdserverpb.Auth/AuthStatus",
        "/etcdserverpb.Auth/Authenticate",
        "/etcdserverpb.Auth/UserAdd",
        "/etcdserverpb.Auth/UserGet",
        "/etcdserverpb.Auth/UserList",
        "/etcdserverpb.Auth/UserDelete",
        "/etcdserverpb.Auth/UserChangePassword",
        "/etcdserverpb.Auth/UserGrantRole",
        "/etcdserverpb.Auth/UserRevokeRole",
        "/etcdserverpb.Auth/RoleAdd",
        "/etcdserverpb.Auth/RoleGet",
        "/etcdserverpb.Auth/RoleList",
        "/etcdserverpb.Auth/RoleDelete",
        "/etcdserverpb.Auth/RoleGrantPermission",
        "/etcdserverpb.Auth/RoleRevokePermission",
    ];
    methods.map(|method| (method, vec![10, 4, b'r', b'o', b'o', b't'])).to_vec()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_method_is_there_and_takes_its_message() {
    let server = server().await;
    let endpoint = Endpoint::from_shared(format!("http://{}", server.address)).expect("a URL");
    let mut client = tonic::client::Grpc::new(endpoint.connect().await.expect("it listens"));

    for (method, sound) in messages() {
        client.ready().await.expect("the connection is there");
        let path = PathAndQuery::from_static(method);
        let answer = client.server_streaming(Request::new(sound), path, Raw).await;

        let code = answer.err().map(|status| status.code());
        let unread = [Some(Code::Unimplemented), Some(Code::Internal)];
        assert!(!unread.contains(&code), "{method}: {code:?}");
    }
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

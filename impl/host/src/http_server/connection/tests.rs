//! Connections in memory, on a clock that stands still while anything happens.

use std::sync::{Arc, Weak};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper::client::conn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::*;
use crate::transport::{Body, BoxError};

const SECOND: Duration = Duration::from_secs(1);
const REQUEST: &[u8] = b"GET /small HTTP/1.1\r\nhost: a\r\n\r\n";

#[derive(Clone, Copy)]
enum Protocol {
    Http1,
    Http2,
}
use Protocol::{Http1, Http2};

/// The other end of a connection, and the task that serves it.
struct Served {
    client: DuplexStream,
    task: JoinHandle<()>,
    /// What `/large` is made of, as long as anybody has it.
    large: Weak<Vec<u8>>,
    _closes: watch::Sender<bool>,
}

/// Bytes that are counted.
struct Shared(Arc<Vec<u8>>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

fn full(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

/// Of what runs long: one piece, and then nothing for ever.
fn endless() -> Body {
    let parts = futures_util::stream::unfold(true, |is_first| async move {
        if !is_first {
            std::future::pending::<()>().await;
        }
        Some((Ok::<_, BoxError>(hyper::body::Frame::data(Bytes::from_static(b"a"))), false))
    });
    http_body_util::StreamBody::new(parts).boxed_unsync()
}

fn answer(path: &str, large: &Weak<Vec<u8>>) -> Answered {
    let until = Some(Instant::now() + 60 * SECOND);
    let large = || Bytes::from_owner(Shared(large.upgrade().expect("it is asked for once")));
    let (body, until) = match path {
        "/large" => (full(large()), until),
        "/endless" => (endless(), None),
        _ => (full(Bytes::from_static(b"small")), until),
    };
    Answered { response: Response::new(Pieces::of(body)), until }
}

fn serve(protocol: Protocol) -> Served {
    let (client, server) = tokio::io::duplex(1024);
    let (closes, closing) = watch::channel(false);
    let bytes = Arc::new(vec![0; 7 << 20]);
    let large = Arc::downgrade(&bytes);
    let kept = std::sync::Mutex::new(Some(bytes));
    let weak = large.clone();
    let handle = move |request: Request<Incoming>| {
        let answered = answer(request.uri().path(), &weak);
        if request.uri().path() == "/large" {
            kept.lock().unwrap().take();
        }
        std::future::ready(answered)
    };
    let closing = Closing::of(closing);
    let task = match protocol {
        Http1 => tokio::spawn(http1::serve(server, handle, closing)),
        Http2 => tokio::spawn(http2::serve(server, handle, closing)),
    };
    Served { client, task, large, _closes: closes }
}

/// After how many seconds the server lets go of a connection, from now on.
async fn seconds_until_it_ends(task: JoinHandle<()>) -> u64 {
    let begun = Instant::now();
    task.await.unwrap();
    begun.elapsed().as_secs()
}

async fn http2_client(client: DuplexStream) -> conn::http2::SendRequest<Empty<Bytes>> {
    let executor = TokioExecutor::new();
    let (sender, connection) =
        conn::http2::handshake(executor, TokioIo::new(client)).await.unwrap();
    tokio::spawn(connection);
    sender
}

fn get(path: &str) -> Request<Empty<Bytes>> {
    let uri = format!("https://a{path}");
    Request::builder().method(Method::GET).uri(uri).body(Empty::new()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_is_not_waited_for() {
    for (protocol, seconds) in [(Http1, 32), (Http2, 10)] {
        let served = serve(protocol);

        let took = seconds_until_it_ends(served.task).await;

        assert!((seconds..=seconds + 1).contains(&took), "{took} s");
    }
}

#[tokio::test(start_paused = true)]
async fn headers_that_do_not_end_are_not_waited_for() {
    let mut served = serve(Http1);
    tokio::time::sleep(31 * SECOND).await;
    served.client.write_all(&REQUEST[..9]).await.unwrap();

    let took = seconds_until_it_ends(served.task).await;

    assert!(took <= 2, "{took} s");
}

#[tokio::test(start_paused = true)]
async fn who_has_been_answered_may_be_silent_for_a_while() {
    let mut served = serve(Http1);
    served.client.write_all(REQUEST).await.unwrap();
    served.client.read_buf(&mut vec![]).await.unwrap();

    assert_eq!(seconds_until_it_ends(served.task).await, 90);
}

#[tokio::test(start_paused = true)]
async fn who_asks_again_in_time_is_answered_again() {
    let mut served = serve(Http1);
    for _ in 0..5 {
        served.client.write_all(REQUEST).await.unwrap();
        let mut answer = vec![0; 512];
        let bytes = served.client.read(&mut answer).await.unwrap();
        assert!(answer[..bytes].starts_with(b"HTTP/1.1 200"));
        tokio::time::sleep(89 * SECOND).await;
    }
    served.client.write_all(&REQUEST[..9]).await.unwrap();

    let took = seconds_until_it_ends(served.task).await;

    assert!((32..=33).contains(&took), "a request that has begun has to end: {took} s");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_reads_is_not_kept() {
    let mut served = serve(Http1);
    served.client.write_all(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();

    let took = seconds_until_it_ends(served.task).await;

    assert!((60..=61).contains(&took), "{took} s");
    assert_eq!(served.large.strong_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_runs_long_is_not_cut_off() {
    let mut served = serve(Http1);
    served.client.write_all(b"GET /endless HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();

    tokio::time::sleep(3600 * SECOND).await;

    assert!(!served.task.is_finished());
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_streams_ends_after_a_while() {
    let served = serve(Http2);
    let mut client = http2_client(served.client).await;
    tokio::time::sleep(89 * SECOND).await;
    let answer = client.send_request(get("/small")).await.unwrap();
    answer.into_body().collect().await.unwrap();

    assert_eq!(seconds_until_it_ends(served.task).await, 90);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_nobody_reads_is_reset_and_the_others_live_on() {
    let served = serve(Http2);
    let mut client = http2_client(served.client).await;
    let mut endless = client.send_request(get("/endless")).await.unwrap().into_body();
    endless.frame().await.unwrap().unwrap();
    let large = client.send_request(get("/large")).await.unwrap();

    tokio::time::sleep(59 * SECOND).await;
    assert_eq!(served.large.strong_count(), 1);
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(served.large.strong_count(), 0);

    assert!(large.into_body().collect().await.is_err());
    tokio::time::sleep(3600 * SECOND).await;
    let small = client.send_request(get("/small")).await.unwrap();
    assert_eq!(small.into_body().collect().await.unwrap().to_bytes(), "small");
}

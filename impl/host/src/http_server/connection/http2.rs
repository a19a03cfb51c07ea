//! HTTP/2: many requests at once, each in a stream of its own.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::http2::{Builder, Connection};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Answered, IDLE_PATIENCE, drive};
use crate::http_server::deadline::Deadline;
use crate::http_server::heard::Heard;
use crate::http_server::{Closing, HEADER_BYTES_MAX};

/// How long the first bytes may take. Source: `prefaceTimeout`.
const PREFACE_PATIENCE: Duration = Duration::from_secs(10);

/// How many streams a connection may have at once. Source: `MaxConcurrentStreams`.
const STREAMS_MAX: u32 = 100;

/// How much of a body may come before it is read. Source: `resourceBody99Percentile`.
const BODY_WINDOW_BYTES: u32 = 256 * 1024;

tokio::task_local! {
    /// Up to when this task may send its answer.
    static ANSWER: Deadline;
}

/// Serves a connection. As upstream it pings nobody: clients ping, and the transport tells who is gone.
pub(in crate::http_server) async fn serve<S, H, F>(stream: S, handle: H, closing: Closing)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    H: Fn(Request<Incoming>) -> F,
    F: Future<Output = Answered> + Send + 'static,
{
    let streams = Streams::default();
    let service = service_fn(|request| {
        let answer = handle(request);
        async move {
            let Answered { response, until } = answer.await;
            ANSWER.with(|deadline| deadline.set(until));
            Ok::<_, Infallible>(response)
        }
    });
    let heard = streams.clone();
    let stream = Heard { stream, tell: move || heard.heard() };
    let connection = builder(&streams).serve_connection(TokioIo::new(stream), service);
    drive(connection, Connection::graceful_shutdown, streams.deadline.clone(), closing).await;
}

fn builder(streams: &Streams) -> Builder<Streams> {
    let mut builder = Builder::new(streams.clone());
    builder
        .enable_connect_protocol()
        .max_header_list_size(HEADER_BYTES_MAX as u32)
        .max_concurrent_streams(STREAMS_MAX)
        .initial_stream_window_size(BODY_WINDOW_BYTES)
        .initial_connection_window_size(BODY_WINDOW_BYTES * STREAMS_MAX);
    builder
}

/// The streams of a connection.
#[derive(Clone)]
struct Streams {
    open: Arc<Mutex<Open>>,
    deadline: Deadline,
}

#[derive(Default)]
struct Open {
    /// Something has come.
    is_heard: bool,
    count: usize,
}

impl Default for Streams {
    fn default() -> Self {
        Self { open: Arc::default(), deadline: Deadline::within(PREFACE_PATIENCE) }
    }
}

impl Streams {
    fn heard(&self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::replace(&mut open.is_heard, true) {
            self.deadline.renew(IDLE_PATIENCE);
        }
    }

    fn begin(&self) -> Begun {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.count += 1;
        self.deadline.set(None);
        Begun(self.clone())
    }
}

/// A stream, until it is dropped.
struct Begun(Streams);

impl Drop for Begun {
    fn drop(&mut self) {
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.count -= 1;
        if open.count == 0 {
            self.0.deadline.renew(IDLE_PATIENCE);
        }
    }
}

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    /// Runs a stream until it ends, or the deadline of its answer has passed: then it is reset.
    fn execute(&self, stream: F) {
        let (begun, answer) = (self.begin(), Deadline::default());
        tokio::spawn(async move {
            tokio::select! {
                () = ANSWER.scope(answer.clone(), stream) => {}
                () = answer.passed() => {}
            }
            drop(begun);
        });
    }
}

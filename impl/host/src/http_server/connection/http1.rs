//! HTTP/1.1: one request after the other.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Request;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1::{Builder, UpgradeableConnection};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Answered, HEADERS_PATIENCE, IDLE_PATIENCE, drive};
use crate::http_server::deadline::Deadline;
use crate::http_server::heard::Heard;
use crate::http_server::pieces::{BrokenOff, Pieces};
use crate::http_server::{Closing, HEADER_BYTES_MAX, HEADERS_MAX};

/// Serves a connection, which may be upgraded.
pub(in crate::http_server) async fn serve<S, H, F>(stream: S, handle: H, closing: Closing)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    H: Fn(Request<Incoming>) -> F,
    F: Future<Output = Answered>,
{
    let turn = Turn::default();
    let service = service_fn(|request| {
        turn.asked();
        let (turn, answer) = (turn.clone(), handle(request));
        async move { Ok::<_, Infallible>(turn.answered(answer.await)) }
    });
    let heard = turn.clone();
    let stream = Heard { stream, tell: move || heard.heard() };
    let mut builder = Builder::new();
    builder.header_read_timeout(None).max_buf_size(HEADER_BYTES_MAX).max_headers(HEADERS_MAX);
    let connection = builder.serve_connection(TokioIo::new(stream), service).with_upgrades();
    let deadline = turn.deadline.clone();
    drive(connection, UpgradeableConnection::graceful_shutdown, deadline, closing).await;
}

/// Whose turn it is: the client's to ask, or the server's to answer.
#[derive(Clone)]
struct Turn {
    /// Nothing has come since the last answer.
    is_idle: Arc<AtomicBool>,
    deadline: Deadline,
}

impl Default for Turn {
    fn default() -> Self {
        Self { is_idle: Arc::default(), deadline: Deadline::within(HEADERS_PATIENCE) }
    }
}

impl Turn {
    /// What comes after a pause begins a request.
    fn heard(&self) {
        if self.is_idle.swap(false, Ordering::Relaxed) {
            self.deadline.renew(HEADERS_PATIENCE);
        }
    }

    fn asked(&self) {
        self.is_idle.store(false, Ordering::Relaxed);
        self.deadline.set(None);
    }

    fn answered(self, answered: Answered) -> http::Response<Taken> {
        self.deadline.set(answered.until);
        answered.response.map(|body| Taken { body, turn: self })
    }
}

/// The body of an answer. When it is gone, all of it was taken, and the client may ask again.
struct Taken {
    body: Pieces,
    turn: Turn,
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.turn.is_idle.store(true, Ordering::Relaxed);
        self.turn.deadline.renew(IDLE_PATIENCE);
    }
}

impl hyper::body::Body for Taken {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

//! A watch as an HTTP body: a line for each event, bookmarks in between, an end in time.
//!
//! The body is asked for its next part when the connection has room for it. A reader that does not read is owed the
//! events and costs no copies of them; what it is owed too long is compacted away, and it is told so.

use std::sync::Arc;
use std::time::Duration;

use apiserver::Watch;
use bytes::Bytes;
use etcd::Storage;
use futures_util::stream;
use http::header::CONTENT_TYPE;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use store::Store;
use tokio::sync::watch;
use tokio::time::{Instant, Interval};

use crate::http_server::Closing;
use crate::metrics::Streaming;
use crate::transport::{Body, BoxError};
use crate::watchers::{Registration, Watchers};
use crate::{clock, warning_header};

/// How often a quiet watch says that it is up to date; upstream's watch cache does so once a minute.
const BOOKMARK_PERIOD: Duration = Duration::from_secs(60);

/// About how many bytes are written at once.
const PART_BYTES: usize = 256 * 1024;

/// Starts a watch.
pub(crate) fn respond(
    (storage, watchers): (&Storage, &Arc<Watchers>),
    mut watch: Watch,
    (streaming, closing): (Streaming, Option<Closing>),
) -> http::Response<Body> {
    let content_type = http::HeaderValue::from_static(watch.content_type());
    let warnings = std::mem::take(&mut watch.warnings);
    let stream = Stream::new((storage.subscribe(), watchers), watch, (streaming, closing));
    let parts = stream::unfold(stream, |mut stream| async move {
        let part = stream.next().await?;
        Some((Ok::<_, BoxError>(Frame::data(part)), stream))
    });
    let mut response = http::Response::new(StreamBody::new(parts).boxed_unsync());
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    warning_header::add(response.headers_mut(), &warnings);
    response
}

/// What is told, until the reader goes away, the time is over, or the store has moved too far ahead. Who reads nothing
/// is not told of the end either: its connection ends with it.
struct Stream {
    registration: Registration,
    published: watch::Receiver<Store>,
    watch: Watch,
    end: Instant,
    bookmarks: Interval,
    closing: Option<Closing>,
    is_bookmark_due: bool,
    /// What there was when the time was over: it is told up to there.
    last: Option<Store>,
    is_expired: bool,
    /// Counts this watch as long as it is there, and what it tells.
    streaming: Streaming,
}

impl Stream {
    fn new(
        (published, watchers): (watch::Receiver<Store>, &Arc<Watchers>),
        watch: Watch,
        (streaming, closing): (Streaming, Option<Closing>),
    ) -> Self {
        let now = Instant::now();
        Self {
            registration: watchers.register((watch.prefix(), watch.node()), &published),
            published,
            end: now + Duration::from_secs(watch.timeout_seconds),
            bookmarks: tokio::time::interval_at(now + BOOKMARK_PERIOD, BOOKMARK_PERIOD),
            watch,
            closing,
            is_bookmark_due: false,
            last: None,
            is_expired: false,
            streaming,
        }
    }

    /// The next lines, once there are any; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        while !self.is_expired {
            self.look_at_the_time();
            let store = self.last.clone().unwrap_or_else(|| self.published.borrow().clone());
            match self.watch.lines(&store, clock::now(), PART_BYTES) {
                Ok(lines) if lines.is_empty() => {}
                Ok(lines) => return Some(self.tell(&lines)),
                Err(expired) => {
                    self.is_expired = true;
                    return Some(self.tell(&[expired]));
                }
            }
            drop(store);
            if std::mem::take(&mut self.is_bookmark_due) && self.watch.bookmarks {
                return Some(self.tell(&[self.watch.bookmark()]));
            }
            if self.last.is_some() || self.published.has_changed().is_err() {
                return None;
            }
            self.wait().await;
        }
        None
    }

    /// A reader who is always behind is told no more than there was at the end.
    fn look_at_the_time(&mut self) {
        let is_late = Instant::now() >= self.end;
        let closes = self.closing.as_ref().is_some_and(Closing::has_begun);
        if self.last.is_none() && (is_late || closes) {
            self.is_bookmark_due = is_late;
            self.last = Some(self.published.borrow().clone());
        }
    }

    /// Lines as they are written, and counted.
    fn tell(&self, lines: &[Vec<u8>]) -> Bytes {
        self.streaming.sends(lines);
        lines.concat().into()
    }

    /// Until there may be something to tell.
    async fn wait(&mut self) {
        let closed = async {
            match &mut self.closing {
                Some(closing) => closing.begun().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.registration.rung() => {}
            _ = self.bookmarks.tick(), if self.watch.bookmarks => self.is_bookmark_due = true,
            () = tokio::time::sleep_until(self.end) => {}
            () = closed => {}
        }
        // What is published is read after this: nothing comes between.
        self.watch.after = self.registration.missed_nothing_up_to().max(self.watch.after);
    }
}

#[cfg(test)]
mod tests;

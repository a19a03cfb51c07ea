//! A watch as an HTTP body: a line for each event, bookmarks in between, an end in time.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use apiserver::Watch;
use bytes::Bytes;
use etcd::Storage;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt;
use http_body_util::channel::Channel;
use http_body_util::channel::Sender;
use store::Store;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::http_server::Closing;
use crate::metrics::Streaming;
use crate::transport::{Body, BoxError};
use crate::watchers::{Registration, Watchers};
use crate::{clock, warning_header};

/// How often a quiet watch says that it is up to date; upstream's watch cache does so once a minute.
const BOOKMARK_PERIOD: Duration = Duration::from_secs(60);

/// How many answers wait for a slow reader before the watch waits for it.
const CHUNKS_MAX: usize = 16;

/// Starts a watch.
pub(crate) fn respond(
    (storage, watchers): (&Storage, &Arc<Watchers>),
    mut watch: Watch,
    (streaming, closing): (Streaming, Option<Closing>),
) -> http::Response<Body> {
    let content_type = http::HeaderValue::from_static(watch.content_type());
    let warnings = std::mem::take(&mut watch.warnings);
    let (sender, body) = Channel::<Bytes, BoxError>::new(CHUNKS_MAX);
    let published = storage.subscribe();
    let registration = watchers.register((watch.prefix(), watch.node()), &published);
    let sender = Lines { sender, streaming };
    tokio::spawn(stream((published, registration), watch, (sender, closing)));
    let mut response = http::Response::new(body.boxed_unsync());
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    warning_header::add(response.headers_mut(), &warnings);
    response
}

/// Sends until the reader goes away, the time is over, or the store has moved too far ahead.
async fn stream(
    (published, registration): (watch::Receiver<Store>, Registration),
    mut watch: Watch,
    (mut sender, mut closing): (Lines, Option<Closing>),
) {
    let closed = async {
        match &mut closing {
            Some(closing) => closing.begun().await,
            None => std::future::pending().await,
        }
    };
    let mut closed = pin!(closed);
    let end = Instant::now() + Duration::from_secs(watch.timeout_seconds);
    let initial = std::mem::take(&mut watch.initial);
    if !sender.send(initial).await {
        return;
    }
    let mut bookmark = tokio::time::interval_at(Instant::now() + BOOKMARK_PERIOD, BOOKMARK_PERIOD);
    let (mut is_bookmark_due, mut is_over) = (false, false);
    loop {
        let store = published.borrow().clone();
        let (lines, last) = match watch.lines(&store, clock::now()) {
            Ok(lines) => (lines, false),
            Err(expired) => (vec![expired], true),
        };
        if !sender.send(lines).await || last {
            return;
        }
        if is_bookmark_due && watch.bookmarks && !sender.send(vec![watch.bookmark()]).await {
            return;
        }
        if is_over || published.has_changed().is_err() {
            return;
        }
        is_bookmark_due = false;
        tokio::select! {
            () = registration.rung() => {}
            _ = bookmark.tick(), if watch.bookmarks => is_bookmark_due = true,
            () = tokio::time::sleep_until(end) => (is_bookmark_due, is_over) = (true, true),
            () = &mut closed => is_over = true,
        }
        // What is published is read after this: nothing comes between.
        watch.after = registration.missed_nothing_up_to().max(watch.after);
    }
}

/// Where lines go, and where they are counted until the stream ends.
struct Lines {
    sender: Sender<Bytes, BoxError>,
    streaming: Streaming,
}

impl Lines {
    /// Whether the reader is still there.
    async fn send(&mut self, lines: Vec<Vec<u8>>) -> bool {
        if lines.is_empty() {
            return true;
        }
        let is_there = self.sender.send_data(Bytes::from(lines.concat())).await.is_ok();
        if is_there {
            self.streaming.sends(&lines);
        }
        is_there
    }
}

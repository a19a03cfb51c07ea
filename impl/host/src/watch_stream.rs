//! A watch as an HTTP body: a line for each event, bookmarks in between, an end in time.

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

use crate::metrics::Watching;
use crate::transport::{Body, BoxError};
use crate::{clock, warning_header};

/// How often a quiet watch says that it is up to date; upstream's watch cache does so once a minute.
const BOOKMARK_PERIOD: Duration = Duration::from_secs(60);

/// How many answers wait for a slow reader before the watch waits for it.
const CHUNKS_MAX: usize = 16;

/// Starts a watch.
pub(crate) fn respond(
    storage: &Storage,
    mut watch: Watch,
    watching: Watching,
) -> http::Response<Body> {
    let content_type = http::HeaderValue::from_static(watch.content_type());
    let warnings = std::mem::take(&mut watch.warnings);
    let (sender, body) = Channel::<Bytes, BoxError>::new(CHUNKS_MAX);
    let streamed = stream(storage.subscribe(), watch, sender);
    tokio::spawn(async move {
        streamed.await;
        drop(watching);
    });
    let mut response = http::Response::new(body.boxed_unsync());
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    warning_header::add(response.headers_mut(), &warnings);
    response
}

/// Sends until the reader goes away, the time is over, or the store has moved too far ahead.
async fn stream(
    mut published: watch::Receiver<Store>,
    mut watch: Watch,
    mut sender: Sender<Bytes, BoxError>,
) {
    let end = Instant::now() + Duration::from_secs(watch.timeout_seconds);
    let initial = std::mem::take(&mut watch.initial);
    if !send(&mut sender, initial).await {
        return;
    }
    let mut bookmark = tokio::time::interval_at(Instant::now() + BOOKMARK_PERIOD, BOOKMARK_PERIOD);
    loop {
        let store = published.borrow_and_update().clone();
        let (lines, last) = match watch.lines(&store, clock::now()) {
            Ok(lines) => (lines, false),
            Err(expired) => (vec![expired], true),
        };
        if !send(&mut sender, lines).await || last {
            return;
        }
        tokio::select! {
            changed = published.changed() => if changed.is_err() { return },
            _ = bookmark.tick(), if watch.bookmarks => {
                if !send(&mut sender, vec![watch.bookmark()]).await { return }
            }
            () = tokio::time::sleep_until(end) => {
                if watch.bookmarks {
                    send(&mut sender, vec![watch.bookmark()]).await;
                }
                return;
            }
        }
    }
}

/// Whether the reader is still there.
async fn send(sender: &mut Sender<Bytes, BoxError>, lines: Vec<Vec<u8>>) -> bool {
    lines.is_empty() || sender.send_data(Bytes::from(lines.concat())).await.is_ok()
}

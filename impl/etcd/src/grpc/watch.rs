//! The Watch service: one task for each stream, which waits for whoever reads it.
//!
//! What is not read is not kept here: see [`backlog`](super::backlog).

use etcd_client::proto::{PbWatchRequest, PbWatchRequestUnion, PbWatchResponse, PbWatchService};
use store::{EventKind, Range, Revision, Store};
use tokio::sync::{mpsc, watch as signal};
use tokio::time::{Instant, Interval, interval_at};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::backlog::Watch;
use super::watches::Watches;
use super::{Member, errors, requests, until_stopped};

/// How many answers wait for a slow reader before the stream waits for it.
const ANSWERS_MAX: usize = 4;

type Answer = Result<PbWatchResponse, Status>;

#[tonic::async_trait]
impl PbWatchService for Member {
    type WatchStream = ReceiverStream<Answer>;

    async fn watch(
        &self,
        request: Request<Streaming<PbWatchRequest>>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let (answers, receiver) = mpsc::channel(ANSWERS_MAX);
        let interval = self.options.progress_notify_interval;
        let stream = Stream {
            watches: Watches::new(self.etcd.identity()),
            published: self.etcd.subscribe(),
            requests: Requests(Some(request.into_inner())),
            answers: answers.clone(),
            progress_requests: 0,
            tick: interval_at(Instant::now() + interval, interval),
        };
        let mut stopped = self.stopped.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = stream.run() => {}
                // A reader that is too slow for this notices that the connection is closed.
                () = until_stopped(&mut stopped) => drop(answers.try_send(Err(errors::stopped()))),
            }
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }
}

/// One stream of watches.
struct Stream {
    watches: Watches,
    published: signal::Receiver<Store>,
    requests: Requests,
    answers: mpsc::Sender<Answer>,
    /// How often somebody asked how far all watches are, and was not answered yet.
    progress_requests: usize,
    tick: Interval,
}

impl Stream {
    /// Runs until the reader or the store is gone: then there is nothing more to do.
    async fn run(mut self) -> Option<()> {
        loop {
            let store = self.published.borrow_and_update().clone();
            let told = self.watches.next(&store);
            let (revision, is_behind) = (store.revision(), self.watches.are_behind(&store));
            // Whoever waits for a slow reader holds no old store.
            drop(store);
            self.send(told).await?;
            match is_behind {
                true => self.obey_if_asked().await?,
                false => self.wait(revision).await?,
            }
        }
    }

    /// All watches have been told up to `revision`. Says so where that was asked, and waits for more.
    async fn wait(&mut self, revision: Revision) -> Option<()> {
        let asked = std::mem::take(&mut self.progress_requests);
        let progress = self.watches.progress(revision);
        self.send(vec![progress; asked]).await?;
        tokio::select! {
            request = self.requests.next() => self.obey(request).await,
            () = self.answers.closed() => None,
            changed = self.published.changed() => changed.ok(),
            _ = self.tick.tick() => {
                let quiet = self.watches.look_after(revision);
                self.send(quiet).await
            }
        }
    }

    /// Takes a request that has arrived, without waiting for one.
    async fn obey_if_asked(&mut self) -> Option<()> {
        tokio::select! {
            biased;
            request = self.requests.next() => self.obey(request).await,
            () = tokio::task::yield_now() => Some(()),
        }
    }

    async fn obey(&mut self, request: Result<PbWatchRequest, Status>) -> Option<()> {
        let request = match request {
            Ok(request) => request.request_union,
            Err(status) => {
                self.answers.send(Err(status)).await.ok()?;
                return None;
            }
        };
        let revision = self.published.borrow().revision();
        match request {
            Some(PbWatchRequestUnion::CreateRequest(create)) => {
                let start = requests::revision(create.start_revision).unwrap_or(revision.next());
                let watch = watched(&create.key, &create.range_end).map(|range| Watch {
                    range,
                    told: Revision(start.0 - 1),
                    unwanted: unwanted(&create.filters),
                    with_previous: create.prev_kv,
                    progress_notify: create.progress_notify,
                    fragment: create.fragment,
                    is_quiet: true,
                });
                let created = self.watches.create(create.watch_id, watch, revision);
                self.send(vec![created]).await
            }
            Some(PbWatchRequestUnion::CancelRequest(cancel)) => {
                let canceled = self.watches.cancel(cancel.watch_id, revision);
                self.send(canceled.into_iter().collect()).await
            }
            Some(PbWatchRequestUnion::ProgressRequest(_)) => {
                self.progress_requests += 1;
                Some(())
            }
            None => Some(()),
        }
    }

    async fn send(&self, answers: Vec<PbWatchResponse>) -> Option<()> {
        for answer in answers {
            self.answers.send(Ok(answer)).await.ok()?;
        }
        Some(())
    }
}

/// What a stream is asked. A client that asks nothing more still listens.
struct Requests(Option<Streaming<PbWatchRequest>>);

impl Requests {
    async fn next(&mut self) -> Result<PbWatchRequest, Status> {
        if let Some(requests) = &mut self.0 {
            match requests.message().await {
                Ok(Some(request)) => return Ok(request),
                Ok(None) => self.0 = None,
                Err(status) => return Err(status),
            }
        }
        std::future::pending().await
    }
}

/// The keys of a watch; nothing where there can be none. No key means the least that there is.
fn watched(key: &[u8], range_end: &[u8]) -> Option<Range> {
    let key = if key.is_empty() { &[0] } else { key };
    match requests::range(key, range_end) {
        Range::Between(start, end) if start >= end => None,
        range @ (Range::Key(_) | Range::Between(..) | Range::From(_)) => Some(range),
    }
}

/// What is filtered out. Source: `WatchCreateRequest.FilterType` in etcd's `rpc.proto`.
fn unwanted(filters: &[i32]) -> Vec<EventKind> {
    let kind = |filter: &i32| match filter {
        0 => Some(EventKind::Put),
        1 => Some(EventKind::Delete),
        _ => None,
    };
    filters.iter().filter_map(kind).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Etcd;

    /// Such a client may have said everything, so that nothing else tells that it has gone.
    #[tokio::test]
    async fn a_stream_ends_with_who_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let etcd = Etcd::open(folder.path()).unwrap();
        let (answers, receiver) = mpsc::channel(ANSWERS_MAX);
        let hour = Duration::from_secs(3600);
        let stream = Stream {
            watches: Watches::new(etcd.identity()),
            published: etcd.subscribe(),
            requests: Requests(None),
            answers,
            progress_requests: 0,
            tick: interval_at(Instant::now() + hour, hour),
        };
        let running = tokio::spawn(stream.run());

        drop(receiver);

        let ended = tokio::time::timeout(Duration::from_secs(30), running).await;
        assert_eq!(ended.expect("it ends").unwrap(), None);
    }
}

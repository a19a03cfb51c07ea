//! Ports of a pod, each connection to one of them over a pair of SPDY streams: its data, and what went wrong.
//!
//! Source: cri-streaming/pkg/streaming/portforward/httpstream.go, v1.36. Leaves out that an idle connection
//! ends after four hours.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::node_server::{ContainerRef, NodeServer};
use crate::spdy::{Broken, Connection, Outgoing, Stream};

/// The subprotocol.
pub(crate) const PROTOCOL: &str = "portforward.k8s.io";

/// How long a client may take to open the second stream of a pair.
const PATIENCE: Duration = Duration::from_secs(30);

/// How much is passed on at a time.
const COPIED_BYTES: usize = 32 * 1024;

/// A stream whose other half is not there yet.
struct Half {
    stream: Stream,
    since: Instant,
}

/// Serves a client until it goes. What it has forwarded ends with it.
pub(crate) async fn serve(
    io: impl AsyncRead + AsyncWrite + Send + 'static,
    server: Arc<dyn NodeServer>,
    pod: ContainerRef,
) {
    let mut connection = Connection::serve(io);
    let mut halves: BTreeMap<String, Half> = BTreeMap::new();
    let mut forwards = JoinSet::new();
    loop {
        let oldest = halves.values().map(|half| half.since).min();
        let deadline = oldest.map_or_else(|| Instant::now() + PATIENCE, |since| since + PATIENCE);
        tokio::select! {
            stream = connection.accept() => match stream {
                Some(stream) => {
                    if let Some(pair) = pair(&mut halves, stream).await {
                        forwards.spawn(forward(pair, Arc::clone(&server), pod.clone()));
                    }
                }
                None => return,
            },
            Some(_) = forwards.join_next() => {}
            () = tokio::time::sleep_until(deadline) => expire(&mut halves).await,
        }
    }
}

/// Gives up those that wait in vain.
async fn expire(halves: &mut BTreeMap<String, Half>) {
    let now = Instant::now();
    let late = |half: &Half| now.duration_since(half.since) >= PATIENCE;
    let late: Vec<String> =
        halves.iter().filter(|(_, half)| late(half)).map(|(request, _)| request.clone()).collect();
    for request in late {
        if let Some(Half { stream, .. }) = halves.remove(&request) {
            let why = format!("(request={request}) timed out waiting for streams");
            complain(&stream, why).await;
        }
    }
}

/// Says why on the stream for that.
async fn complain(stream: &Stream, why: String) {
    if stream.header("streamtype") == "error" {
        stream.outgoing.send(why.into()).await;
    }
    stream.outgoing.reset().await;
}

/// A connection to a port.
struct Pair {
    port: u16,
    data: Stream,
    error: Outgoing,
}

/// Takes a stream, and joins it with its other half, if that is there.
async fn pair(halves: &mut BTreeMap<String, Half>, stream: Stream) -> Option<Pair> {
    let port = stream.header("port").parse::<u16>().ok().filter(|port| *port > 0);
    let kind = stream.header("streamtype").to_owned();
    let (Some(port), "data" | "error") = (port, kind.as_str()) else {
        stream.outgoing.reset().await;
        return None;
    };
    stream.outgoing.reply().await;
    let request = request(&stream);
    match halves.remove(&request) {
        None => {
            halves.insert(request, Half { stream, since: Instant::now() });
            None
        }
        Some(other) if other.stream.header("streamtype") == kind => {
            let why = format!(
                "error processing stream for request {request}: {kind} stream already assigned"
            );
            complain(&stream, why).await;
            halves.insert(request, other);
            None
        }
        Some(Half { stream: other, .. }) => {
            let (data, error) = if kind == "data" { (stream, other) } else { (other, stream) };
            Some(Pair { port, data, error: error.outgoing })
        }
    }
}

/// What tells pairs apart. Clients that do not say open the stream of errors first, and the data's next.
fn request(stream: &Stream) -> String {
    match (stream.header("requestid"), stream.header("streamtype")) {
        ("", "data") => stream.outgoing.stream.saturating_sub(2).to_string(),
        ("", _) => stream.outgoing.stream.to_string(),
        (request, _) => request.to_owned(),
    }
}

async fn forward(pair: Pair, server: Arc<dyn NodeServer>, pod: ContainerRef) {
    let Pair { port, data: Stream { incoming, outgoing, .. }, error } = pair;
    let name = pod.pod.clone();
    match server.port_forward(pod, port).await {
        Ok(connection) => {
            let (read, write) = tokio::io::split(connection);
            tokio::select! {
                () = copy_out(read, &outgoing) => {}
                Broken = copy_in(incoming, write) => {}
            }
            outgoing.finish().await;
            error.finish().await;
        }
        Err(why) => {
            let why = format!("error forwarding port {port} to pod {name}, uid : {why}");
            error.send(why.into()).await;
            outgoing.reset().await;
            error.reset().await;
        }
    }
}

/// Passes on what the client sends, to its end. Comes back only when the client has broken it off.
async fn copy_in(
    mut incoming: mpsc::Receiver<Result<Bytes, Broken>>,
    mut to: impl AsyncWrite + Unpin,
) -> Broken {
    while let Some(bytes) = incoming.recv().await {
        let Ok(bytes) = bytes else { return Broken };
        // Who has closed its side may still have something to say.
        if to.write_all(&bytes).await.is_err() {
            break;
        }
    }
    let _closed = to.shutdown().await;
    std::future::pending().await
}

/// Passes on what the pod sends, to its end.
async fn copy_out(mut from: impl AsyncRead + Unpin, outgoing: &Outgoing) {
    let mut buffer = vec![0; COPIED_BYTES];
    while let Ok(bytes @ 1..) = from.read(&mut buffer).await {
        if !outgoing.send(Bytes::copy_from_slice(&buffer[..bytes])).await {
            return;
        }
    }
}

#[cfg(test)]
mod tests;

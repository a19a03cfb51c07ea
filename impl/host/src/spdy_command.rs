//! A command in a container over SPDY: a stream for each of its own, and one for the `Status` at the end.
//!
//! Source: cri-streaming/pkg/streaming/remotecommand/httpstream.go, v1.36, version 4 of the protocol.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::node_server::{ContainerRef, ExecOptions, ExecStreams, NodeServer};
use crate::remote_command::{self, MESSAGES_MAX};
use crate::spdy::{Broken, Connection, Outgoing, Stream};

/// The subprotocol.
pub(crate) const PROTOCOL: &str = "v4.channel.k8s.io";

/// How long a client may take to open its streams.
const PATIENCE: Duration = Duration::from_secs(30);

/// How much of a size of a terminal is waited for at the most.
const SIZE_BYTES_MAX: usize = 1024;

/// The streams that a client has opened.
#[derive(Default)]
struct Opened {
    error: Option<Stream>,
    stdin: Option<Stream>,
    stdout: Option<Stream>,
    stderr: Option<Stream>,
    resize: Option<Stream>,
}

/// Runs the command and closes the connection.
pub(crate) async fn serve(
    io: impl AsyncRead + AsyncWrite + Send + 'static,
    server: Arc<dyn NodeServer>,
    container: ContainerRef,
    options: ExecOptions,
) {
    let mut connection = Connection::serve(io);
    let opened = tokio::time::timeout(PATIENCE, opened(&mut connection, &options)).await;
    // A client that opens no streams has none to be told on.
    let Ok(Some(opened)) = opened else { return };
    let (stdout, stdout_writer) = writer(opened.stdout);
    let (stderr, stderr_writer) = writer(opened.stderr);
    let (resize_sender, resize) = mpsc::channel(MESSAGES_MAX);
    let (stdin_sender, stdin) = mpsc::channel(MESSAGES_MAX);
    let readers = [
        tokio::spawn(read_input(opened.stdin, stdin_sender)),
        tokio::spawn(read_sizes(opened.resize, resize_sender)),
    ];
    let streams = ExecStreams { stdin, resize, stdout, stderr };
    let status = remote_command::status(server.exec(container, options, streams).await);
    for writer in [stdout_writer, stderr_writer] {
        // All that was printed is sent before what came of it.
        let _ended = writer.await;
    }
    if let Some(error) = opened.error {
        error.outgoing.send(status.to_string().into()).await;
        error.outgoing.finish().await;
    }
    connection.close().await;
    readers.iter().for_each(JoinHandle::abort);
}

/// The streams, when all that the options ask for are there.
async fn opened(connection: &mut Connection, options: &ExecOptions) -> Option<Opened> {
    let wanted = [options.stdin, options.stdout, options.stderr, options.tty];
    let wanted = 1 + wanted.into_iter().filter(|wanted| *wanted).count();
    let mut opened = Opened::default();
    for _ in 0..wanted {
        let stream = connection.accept().await?;
        stream.outgoing.reply().await;
        let place = match stream.header("streamtype") {
            "error" => &mut opened.error,
            "stdin" => &mut opened.stdin,
            "stdout" => &mut opened.stdout,
            "stderr" => &mut opened.stderr,
            "resize" => &mut opened.resize,
            _ => return None,
        };
        *place = Some(stream);
    }
    Some(opened)
}

/// Sends what a command prints, to its end. Without a stream nobody listens.
fn writer(stream: Option<Stream>) -> (mpsc::Sender<Bytes>, JoinHandle<()>) {
    let (sender, mut printed) = mpsc::channel::<Bytes>(MESSAGES_MAX);
    let outgoing: Option<Outgoing> = stream.map(|stream| stream.outgoing);
    let task = tokio::spawn(async move {
        while let Some(bytes) = printed.recv().await {
            if let Some(outgoing) = &outgoing
                && !outgoing.send(bytes).await
            {
                return;
            }
        }
        if let Some(outgoing) = outgoing {
            outgoing.finish().await;
        }
    });
    (sender, task)
}

async fn read_input(stream: Option<Stream>, stdin: mpsc::Sender<Bytes>) {
    let Some(mut stream) = stream else { return };
    while let Some(Ok(bytes)) = stream.incoming.recv().await {
        if stdin.send(bytes).await.is_err() {
            return;
        }
    }
}

/// `{"Width":80,"Height":24}`, one after the other.
async fn read_sizes(stream: Option<Stream>, resize: mpsc::Sender<(u16, u16)>) {
    let Some(mut stream) = stream else { return };
    let mut text = vec![];
    while let Some(Ok::<Bytes, Broken>(bytes)) = stream.incoming.recv().await {
        text.extend_from_slice(&bytes);
        while let Some(end) = text.iter().position(|byte| *byte == b'}') {
            let size: Vec<u8> = text.drain(..=end).collect();
            if let Some(size) = remote_command::size(&size)
                && resize.send(size).await.is_err()
            {
                return;
            }
        }
        if text.len() > SIZE_BYTES_MAX {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spdy::tests::Client;

    #[tokio::test]
    async fn a_size_that_does_not_end_is_not_waited_for() {
        let (mut wire, io) = tokio::io::duplex(64 * 1024);
        let mut connection = Connection::serve(io);
        let mut client = Client::default();
        client.open(1, &[("streamtype", "resize")], false);
        client.data(1, br#"{"Width":80,"Height":24}"#, false);
        client.data(1, &[b' '; 2 * SIZE_BYTES_MAX], false);
        client.send(&mut wire).await;
        let stream = connection.accept().await;
        let (sender, mut sizes) = mpsc::channel(MESSAGES_MAX);

        let ended = tokio::time::timeout(PATIENCE, read_sizes(stream, sender)).await;

        assert!(ended.is_ok(), "the client is still there");
        assert_eq!(sizes.recv().await, Some((80, 24)));
        assert_eq!(sizes.recv().await, None);
    }
}

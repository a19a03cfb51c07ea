//! A command in a container over a WebSocket: channels in, channels out, a `Status` at the end.

use std::sync::Arc;

use api::Status;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::node_server::{ContainerRef, ExecOptions, ExecStreams, NodeServer};

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;
const RESIZE: u8 = 4;
const CLOSE: u8 = 255;

/// The first of the subprotocols, which says no more of a command that has succeeded.
pub(crate) const FIRST_PROTOCOL: &str = "channel.k8s.io";

/// How many messages wait for a slow reader.
pub(crate) const MESSAGES_MAX: usize = 64;

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// Runs the command and closes the connection.
pub(crate) async fn serve(
    socket: Socket,
    server: Arc<dyn NodeServer>,
    container: ContainerRef,
    (options, protocol): (ExecOptions, &str),
) {
    let (sink, stream) = socket.split();
    let (stdin_sender, stdin) = mpsc::channel(MESSAGES_MAX);
    let (resize_sender, resize) = mpsc::channel(MESSAGES_MAX);
    let (stdout, stdout_receiver) = mpsc::channel(MESSAGES_MAX);
    let (stderr, stderr_receiver) = mpsc::channel(MESSAGES_MAX);
    let reader = tokio::spawn(read(stream, stdin_sender, resize_sender));
    let writer = tokio::spawn(write(sink, stdout_receiver, stderr_receiver));
    let streams = ExecStreams { stdin, resize, stdout, stderr };
    let status = status(server.exec(container, options, streams).await);
    if let Ok(mut sink) = writer.await {
        let close = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        // The client may have hung up; the command has ended all the same.
        if let Some(last) = last_words(&status, protocol) {
            let message = [&[STATUS], last.as_bytes()].concat();
            drop(sink.send(Message::Binary(message.into())).await);
        }
        drop(sink.send(Message::Close(Some(close))).await);
    }
    reader.abort();
}

/// What a subprotocol says at the end. Source: `v1WriteStatusFunc` and `v4WriteStatusFunc` of
/// cri-streaming/pkg/streaming/remotecommand, v1.36.
fn last_words(status: &Value, protocol: &str) -> Option<String> {
    match protocol {
        "" | FIRST_PROTOCOL if status["status"] == "Success" => None,
        "" | FIRST_PROTOCOL => Some(status["message"].as_str().unwrap_or_default().to_owned()),
        _ => Some(status.to_string()),
    }
}

async fn read(
    mut stream: futures_util::stream::SplitStream<Socket>,
    stdin: mpsc::Sender<Bytes>,
    resize: mpsc::Sender<(u16, u16)>,
) {
    let mut stdin = Some(stdin);
    while let Some(Ok(message)) = stream.next().await {
        let Message::Binary(message) = message else { continue };
        match message.split_first() {
            Some((&STDIN, data)) => {
                if let Some(stdin) = &stdin
                    && stdin.send(Bytes::copy_from_slice(data)).await.is_err()
                {
                    return;
                }
            }
            Some((&RESIZE, data)) => {
                if let Some(size) = size(data)
                    && resize.send(size).await.is_err()
                {
                    return;
                }
            }
            Some((&CLOSE, [STDIN, ..])) => stdin = None,
            Some(_) | None => {}
        }
    }
}

/// `{"Width":80,"Height":24}`.
pub(crate) fn size(data: &[u8]) -> Option<(u16, u16)> {
    let size: Value = serde_json::from_slice(data).ok()?;
    let cells = |field: &str| u16::try_from(size[field].as_u64()?).ok();
    Some((cells("Width")?, cells("Height")?))
}

async fn write(
    mut sink: futures_util::stream::SplitSink<Socket, Message>,
    mut stdout: mpsc::Receiver<Bytes>,
    mut stderr: mpsc::Receiver<Bytes>,
) -> futures_util::stream::SplitSink<Socket, Message> {
    loop {
        let (channel, data) = tokio::select! {
            Some(data) = stdout.recv() => (STDOUT, data),
            Some(data) = stderr.recv() => (STDERR, data),
            else => return sink,
        };
        let message = [&[channel], data.as_ref()].concat();
        if sink.send(Message::Binary(message.into())).await.is_err() {
            return sink;
        }
    }
}

/// The `Status` that ends a command. Source: apimachinery's `remotecommand`, v1.36.
pub(crate) fn status(result: Result<i32, Status>) -> Value {
    match result {
        Ok(0) => json!({"metadata": {}, "status": "Success"}),
        Ok(code) => json!({"metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
            "message": format!("command terminated with non-zero exit code: exit status {code}"),
            "details": {"causes": [{"reason": "ExitCode", "message": code.to_string()}]}}),
        Err(status) => status.to_value(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_subprotocol_says_only_that_a_command_has_failed_and_in_words() {
        let (done, failed) = (status(Ok(0)), status(Ok(7)));
        let why = "command terminated with non-zero exit code: exit status 7".to_owned();

        for first in ["", FIRST_PROTOCOL] {
            assert_eq!(last_words(&done, first), None);
            assert_eq!(last_words(&failed, first), Some(why.clone()));
        }
        assert_eq!(last_words(&done, "v5.channel.k8s.io"), Some(done.to_string()));
    }
}

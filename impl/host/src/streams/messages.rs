//! A log in the messages of a WebSocket.
//!
//! Source: `messageCopy` of streaming/pkg/httpstream/wsstream/stream.go (v1.36).

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http_body_util::BodyExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use crate::transport::Body;

/// Sends a message without content and then what there is, to its end or until the client closes.
pub(super) async fn send<S: AsyncRead + AsyncWrite + Unpin>(
    socket: WebSocketStream<S>,
    body: Body,
) {
    let (mut sink, mut stream) = socket.split();
    let sending = async {
        copy(&mut sink, body).await;
        // The client may have hung up; there is nothing more to be sent all the same.
        drop(sink.close().await);
    };
    tokio::select! {
        () = sending => {}
        () = async { while let Some(Ok(_)) = stream.next().await {} } => {}
    }
}

async fn copy(sink: &mut (impl SinkExt<Message> + Unpin), mut body: Body) {
    let mut data = Bytes::new();
    loop {
        if sink.send(Message::Binary(data)).await.is_err() {
            return;
        }
        data = loop {
            let Some(Ok(frame)) = body.frame().await else { return };
            if let Ok(data) = frame.into_data() {
                break data;
            }
        };
    }
}

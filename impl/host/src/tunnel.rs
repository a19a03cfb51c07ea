//! A connection within a WebSocket: what is sent is one stream of bytes, however it is cut into messages.
//!
//! Source: apiserver/pkg/util/proxy/streamtunnel.go, v1.36.

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// How much waits for who reads it, in either direction.
const BUFFER_BYTES: usize = 64 * 1024;

/// How much goes into a message.
const MESSAGE_BYTES: usize = 32 * 1024;

/// The inner end of a tunnel. Its tasks end with either side.
pub(crate) fn open<S>(socket: WebSocketStream<S>) -> DuplexStream
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (inner, outer) = tokio::io::duplex(BUFFER_BYTES);
    let (mut read, mut write) = tokio::io::split(outer);
    let (mut sink, mut stream) = socket.split();
    tokio::spawn(async move {
        while let Some(Ok(message)) = stream.next().await {
            match message {
                Message::Binary(bytes) => {
                    if write.write_all(&bytes).await.is_err() {
                        return;
                    }
                }
                Message::Close(_) => break,
                Message::Text(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
        // One that is closed already is what was wanted.
        let _closed = write.shutdown().await;
    });
    tokio::spawn(async move {
        let mut buffer = vec![0; MESSAGE_BYTES];
        while let Ok(bytes @ 1..) = read.read(&mut buffer).await {
            let message = Message::Binary(buffer[..bytes].to_vec().into());
            if sink.send(message).await.is_err() {
                return;
            }
        }
        let close = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        // A client that has gone needs no goodbye.
        let _gone = sink.send(Message::Close(Some(close))).await;
    });
    inner
}

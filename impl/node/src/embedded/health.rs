//! Asks a container over gRPC how it is.
//!
//! Source: pkg/probe/grpc/grpc.go (v1.36) and `grpc.health.v1.Health` of the gRPC health checking protocol.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_TYPE, TE, USER_AGENT};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;

use super::fetch::ANSWER_MAX;
use super::probe::{USER_AGENT as AGENT, connect};

const CHECK: &str = "/grpc.health.v1.Health/Check";
/// `ServingStatus` by number.
const STATUSES: [&str; 4] = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];
const SERVING: i32 = 1;
/// `UNIMPLEMENTED`, as a `grpc-status`.
const UNIMPLEMENTED: &str = "12";
/// One byte that says that nothing is compressed, and the length of what follows.
const FRAME_HEADER: usize = 5;

/// Whether a service is served, or why not.
pub(super) async fn check(host: &str, port: u16, service: String) -> Result<String, String> {
    let address = format!("{host}:{port}");
    let stream = connect(host, port).await;
    let stream = stream
        .map_err(|why| format!("error: failed to connect service at \"{address}\": {why}"))?;
    let failed = |why: String| format!("error: health rpc probe failed: {why}");
    let (headers, body) =
        call(&address, stream, service).await.map_err(|error| failed(error.to_string()))?;
    let text = |name: &str| {
        headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    match text("grpc-status").as_str() {
        "0" => {}
        UNIMPLEMENTED => {
            let message = text("grpc-message");
            return Err(format!(
                "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): {message}"
            ));
        }
        code => return Err(failed(format!("code = {code} desc = {}", text("grpc-message")))),
    }
    match status(body).map_err(failed)? {
        SERVING => Ok("service healthy".to_owned()),
        status => {
            let known = usize::try_from(status).ok().and_then(|status| STATUSES.get(status));
            let name = known.map_or_else(|| status.to_string(), |name| (*name).to_owned());
            Err(format!("service unhealthy (responded with \"{name}\")"))
        }
    }
}

/// The headers and trailers of the answer, and its body.
async fn call(
    address: &str,
    stream: tokio::net::TcpStream,
    service: String,
) -> Result<(HeaderMap, Bytes), Box<dyn std::error::Error + Send + Sync>> {
    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
    // It ends when nobody can send any more; what goes wrong the answer says.
    tokio::spawn(async move { drop(connection.await) });
    let request = http::Request::post(format!("http://{address}{CHECK}"))
        .header(CONTENT_TYPE, "application/grpc")
        .header(TE, "trailers")
        .header(USER_AGENT, AGENT)
        .body(Full::new(frame(&service)))?;
    let (head, body) = sender.send_request(request).await?.into_parts();
    let collected = Limited::new(body, ANSWER_MAX).collect().await?;
    let mut headers = head.headers;
    headers.extend(collected.trailers().cloned().unwrap_or_default());
    Ok((headers, collected.to_bytes()))
}

/// `HealthCheckRequest`: its only field is a text, as that of `StringValue` is.
fn frame(service: &String) -> Bytes {
    let length = service.encoded_len();
    let mut frame = BytesMut::with_capacity(FRAME_HEADER + length);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(length).expect("the name of a service is short"));
    frame.put_slice(&service.encode_to_vec());
    frame.freeze()
}

/// `HealthCheckResponse`: its only field is a number, as that of `Int32Value` is.
fn status(mut body: Bytes) -> Result<i32, String> {
    if body.len() < FRAME_HEADER || body.get_u8() != 0 {
        return Err("the answer holds no message".to_owned());
    }
    let length = usize::try_from(body.get_u32()).unwrap_or(usize::MAX);
    if length != body.len() {
        return Err("the answer holds half a message".to_owned());
    }
    i32::decode(body).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;

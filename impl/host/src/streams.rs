//! Logs, commands and ports: what a kubelet serves, over HTTP, WebSocket and SPDY.
//!
//! Source: the subprotocols `channel.k8s.io`, `v4.channel.k8s.io` and `v5.channel.k8s.io` of apimachinery's
//! `remotecommand` and streaming/pkg/httpstream/wsstream/conn.go (v1.36): the first byte of a message is its
//! channel. Leaves out those in base64.

use std::sync::Arc;

use api::Status;
use apiserver::NodeCall;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::api_server::respond as respond_plainly;
use crate::metrics::Streaming;
use crate::node_server::{ContainerRef, ExecOptions, LogOptions, NodeServer};
use crate::transport::Body;
use crate::{port_forward, remote_command, spdy_command, tunnel};
use agreement::{Agreed, agree, is_spdy, is_web_socket};

mod agreement;
mod messages;

const PROTOCOLS: &[&str] =
    &["v5.channel.k8s.io", "v4.channel.k8s.io", remote_command::FIRST_PROTOCOL, ""];

/// Of logs. Source: streaming/pkg/httpstream/wsstream/stream.go, v1.36.
const LOG_PROTOCOLS: &[&str] = &["binary.k8s.io", ""];

/// SPDY within a WebSocket. Source: cri-streaming/pkg/streaming/portforward/constants.go, v1.36.
const TUNNEL: &str = "SPDY/3.1+portforward.k8s.io";

/// Passes a request on to a kubelet.
pub(crate) async fn respond(
    server: Result<Arc<dyn NodeServer>, Status>,
    call: NodeCall,
    parts: &mut Parts,
    streaming: Streaming,
) -> http::Response<Body> {
    let result = match server {
        Ok(server) if call.subresource == "log" => logs(&*server, &call, parts, streaming).await,
        Ok(server) => upgrade(server, &call, parts, streaming),
        Err(status) => Err(status),
    };
    result.unwrap_or_else(|status| respond_plainly(status.into()))
}

async fn logs(
    server: &dyn NodeServer,
    call: &NodeCall,
    parts: &mut Parts,
    streaming: Streaming,
) -> Result<http::Response<Body>, Status> {
    let body = server.logs(container(call), log_options(call)?).await?;
    // It is open for as long as its body is.
    let body = body.map_frame(move |frame| {
        let _open = &streaming;
        frame
    });
    let body = body.boxed_unsync();
    if is_web_socket(parts) {
        let Agreed { answer, upgrade, .. } = agree(parts, LOG_PROTOCOLS)?;
        tokio::spawn(async move {
            // A client that goes away during the handshake has nobody to be told.
            let Ok(upgraded) = upgrade.await else { return };
            let io = TokioIo::new(upgraded);
            let socket = WebSocketStream::from_raw_socket(io, Role::Server, None).await;
            messages::send(socket, body).await;
        });
        return Ok(answer);
    }
    let mut response = http::Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    Ok(response)
}

fn container(call: &NodeCall) -> ContainerRef {
    ContainerRef {
        namespace: call.namespace.clone(),
        pod: call.pod.clone(),
        container: call.container.clone(),
    }
}

fn log_options(call: &NodeCall) -> Result<LogOptions, Status> {
    let since_time = parameter(call, "sinceTime").map(str::to_owned);
    Ok(LogOptions {
        follow: flag(call, "follow"),
        previous: flag(call, "previous"),
        timestamps: flag(call, "timestamps"),
        since_seconds: number(call, "sinceSeconds")?,
        since_time,
        tail_lines: number(call, "tailLines")?,
        limit_bytes: number(call, "limitBytes")?,
    })
}

fn parameter<'a>(call: &'a NodeCall, name: &str) -> Option<&'a str> {
    call.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

fn flag(call: &NodeCall, name: &str) -> bool {
    parameter(call, name).is_some_and(|value| !matches!(value, "false" | "0"))
}

fn number<T: std::str::FromStr>(call: &NodeCall, name: &str) -> Result<Option<T>, Status> {
    let invalid = |text: &str| {
        Status::bad_request(format!(
            "{name}: Invalid value: \"{text}\": must be a non-negative integer"
        ))
    };
    parameter(call, name).map(|text| text.parse().map_err(|_| invalid(text))).transpose()
}

/// Answers that the connection becomes a stream, and serves it.
fn upgrade(
    server: Arc<dyn NodeServer>,
    call: &NodeCall,
    parts: &mut Parts,
    streaming: Streaming,
) -> Result<http::Response<Body>, Status> {
    let container = container(call);
    let options = match call.subresource.as_str() {
        "portforward" => None,
        _ => Some(exec_options(call)?),
    };
    let offered = match (&options, is_spdy(parts)) {
        (None, false) => &[TUNNEL][..],
        (None, true) => &[port_forward::PROTOCOL],
        (Some(_), false) => PROTOCOLS,
        (Some(_), true) => &[spdy_command::PROTOCOL],
    };
    let Agreed { answer, upgrade, is_spdy, protocol } = agree(parts, offered)?;
    tokio::spawn(async move {
        let _streaming = streaming;
        // A client that goes away during the handshake has nobody to be told.
        let Ok(upgraded) = upgrade.await else { return };
        let io = TokioIo::new(upgraded);
        match (options, is_spdy) {
            (Some(options), true) => spdy_command::serve(io, server, container, options).await,
            (None, true) => port_forward::serve(io, server, container).await,
            (options, false) => {
                let socket = WebSocketStream::from_raw_socket(io, Role::Server, None).await;
                match options {
                    Some(options) => {
                        let told = (options, protocol);
                        remote_command::serve(socket, server, container, told).await;
                    }
                    None => port_forward::serve(tunnel::open(socket), server, container).await,
                }
            }
        }
    });
    Ok(answer)
}

fn exec_options(call: &NodeCall) -> Result<ExecOptions, Status> {
    let command: Vec<String> = call
        .query
        .iter()
        .filter(|(key, _)| key == "command")
        .map(|(_, value)| value.clone())
        .collect();
    if command.is_empty() && call.subresource == "exec" {
        return Err(Status::bad_request("you must specify at least 1 command for the container"));
    }
    let tty = flag(call, "tty");
    Ok(ExecOptions {
        command,
        tty,
        stdin: flag(call, "stdin"),
        stdout: flag(call, "stdout"),
        stderr: flag(call, "stderr") && !tty,
    })
}

//! Logs and commands: what a kubelet serves, over HTTP and WebSocket.
//!
//! Source: the subprotocols `v4.channel.k8s.io` and `v5.channel.k8s.io` of apimachinery's `remotecommand`
//! (v1.36): the first byte of a message is its channel.

use std::sync::Arc;

use api::{Reason, Status};
use apiserver::NodeCall;
use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_TYPE, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    UPGRADE,
};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::upgrade::OnUpgrade;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::api_server::respond as respond_plainly;
use crate::node_server::{ContainerRef, ExecOptions, LogOptions, NodeServer};
use crate::remote_command;
use crate::transport::{Body, BoxError};

const PROTOCOLS: &[&str] = &["v5.channel.k8s.io", "v4.channel.k8s.io"];

/// Passes a request on to a kubelet.
pub(crate) async fn respond(
    server: Result<Arc<dyn NodeServer>, Status>,
    call: NodeCall,
    parts: &mut Parts,
) -> http::Response<Body> {
    let result = match server {
        Ok(server) if call.subresource == "log" => logs(&*server, &call).await,
        Ok(server) => exec(server, &call, parts),
        Err(status) => Err(status),
    };
    result.unwrap_or_else(|status| respond_plainly(status.into()))
}

async fn logs(server: &dyn NodeServer, call: &NodeCall) -> Result<http::Response<Body>, Status> {
    let body = server.logs(container(call), log_options(call)?).await?;
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

fn exec(
    server: Arc<dyn NodeServer>,
    call: &NodeCall,
    parts: &mut Parts,
) -> Result<http::Response<Body>, Status> {
    let options = exec_options(call)?;
    let header = |name: &http::HeaderName| {
        parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    };
    if !header(&UPGRADE).eq_ignore_ascii_case("websocket") {
        return Err(Status::bad_request("Upgrade request required"));
    }
    let asked = header(&SEC_WEBSOCKET_PROTOCOL).split(',').map(str::trim);
    let protocol =
        asked.into_iter().find_map(|asked| PROTOCOLS.iter().find(|known| **known == asked));
    let Some(protocol) = protocol else {
        return Err(Status::new(
            Reason::BadRequest,
            format!("unable to upgrade: the supported subprotocols are {}", PROTOCOLS.join(", ")),
        ));
    };
    let accept = derive_accept_key(header(&SEC_WEBSOCKET_KEY).as_bytes());
    let Some(upgrade) = parts.extensions.remove::<OnUpgrade>() else {
        return Err(Status::bad_request("this connection cannot be upgraded"));
    };
    tokio::spawn(remote_command::serve(upgrade, server, container(call), options));
    Ok(switching_protocols(protocol, &accept))
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

fn switching_protocols(protocol: &'static str, accept: &str) -> http::Response<Body> {
    let empty = Empty::<Bytes>::new().map_err(|never| -> BoxError { match never {} });
    let mut response = http::Response::new(empty.boxed_unsync());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
    if let Ok(accept) = HeaderValue::from_str(accept) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    response
}

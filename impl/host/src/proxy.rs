//! Passes a request on to what runs in a pod, behind a service or on a node, and its answer back.
//!
//! Source: apimachinery/pkg/util/proxy/upgradeaware.go and transport.go, v1.36. Leaves out bodies of requests
//! beyond what the API server reads.

use std::net::SocketAddr;

use api::{Reason, Status};
use apiserver::{ProxyCall, impersonation};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, HOST, LOCATION};
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use crate::api_server::respond as respond_plainly;
use crate::transport::{Body, BoxError};
use links::Links;

mod connect;
mod headers;
mod links;
mod page;
#[cfg(test)]
mod tests;

/// Who has sent a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Passes a request on.
pub(crate) async fn respond(call: &ProxyCall, parts: &mut Parts, body: Bytes) -> Response<Body> {
    let result = if headers::is_upgrade(&parts.headers) {
        upgrade(call, parts, body).await
    } else {
        pass(call, parts, body).await
    };
    result.unwrap_or_else(|status| respond_plainly(status.into()))
}

async fn pass(call: &ProxyCall, parts: &Parts, body: Bytes) -> Result<Response<Body>, Status> {
    if call.path.is_empty() && [Method::GET, Method::HEAD].contains(&parts.method) {
        return with_slash(parts);
    }
    let links = Links::of(call, parts);
    let mut request = request(call, parts, body)?;
    headers::without_hops(request.headers_mut());
    headers::forwarded(request.headers_mut(), parts, &links);
    let response = send(call, request).await.map_err(unreachable)?;
    let (mut answer, body) = response.into_parts();
    headers::without_hops(&mut answer.headers);
    headers::without_cross_origin(&mut answer.headers);
    answer.headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache, private"));
    links.move_location(&mut answer.headers);
    if parts.method != Method::HEAD && page::is_one(&answer.headers) {
        let page = body.collect().await.map_err(unreachable)?.to_bytes();
        let page = page::rewrite(&answer.headers, page, &links);
        answer.headers.remove(CONTENT_LENGTH);
        return Ok(Response::from_parts(answer, full(page)));
    }
    let body = body.map_err(|error| -> BoxError { error.into() }).boxed_unsync();
    Ok(Response::from_parts(answer, body))
}

/// Links of a page are relative to a path that ends with a slash.
fn with_slash(parts: &Parts) -> Result<Response<Body>, Status> {
    let query = parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let response = Response::builder()
        .status(StatusCode::MOVED_PERMANENTLY)
        .header(CACHE_CONTROL, "no-cache, private")
        .header(LOCATION, format!("{}/{query}", parts.uri.path()));
    response.body(full(Bytes::new())).map_err(Status::internal)
}

/// Passes on the request for a stream, and then what goes through it in either direction.
async fn upgrade(
    call: &ProxyCall,
    parts: &mut Parts,
    body: Bytes,
) -> Result<Response<Body>, Status> {
    let mut request = request(call, parts, body)?;
    headers::add_forwarded_for(request.headers_mut(), parts);
    let response = send(call, request).await;
    let mut response =
        response.map_err(|error| failed(format!("error dialing backend: {error}")))?;
    let status = response.status();
    if status != StatusCode::SWITCHING_PROTOCOLS {
        if status.as_u16() < 400 {
            let why = format!("invalid upgrade response: status code {}", status.as_u16());
            return Err(failed(why));
        }
        let body =
            |body: Incoming| body.map_err(|error| -> BoxError { error.into() }).boxed_unsync();
        return Ok(response.map(body));
    }
    let client = parts.extensions.remove::<OnUpgrade>();
    let client = client.ok_or_else(|| Status::bad_request("this connection cannot be upgraded"))?;
    let backend = hyper::upgrade::on(&mut response);
    tokio::spawn(async move {
        if let (Ok(client), Ok(backend)) = tokio::join!(client, backend) {
            let (mut client, mut backend) = (TokioIo::new(client), TokioIo::new(backend));
            // Who hangs up ends the stream; nobody is left to be told.
            drop(tokio::io::copy_bidirectional(&mut client, &mut backend).await);
        }
    });
    Ok(response.map(|_| full(Bytes::new())))
}

fn request(
    call: &ProxyCall,
    parts: &Parts,
    body: Bytes,
) -> Result<http::Request<Full<Bytes>>, Status> {
    let path = if call.path.is_empty() { "/" } else { &call.path };
    let uri = match parts.uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let request = http::Request::builder().method(&parts.method).uri(uri).body(Full::new(body));
    let mut request = request.map_err(Status::internal)?;
    *request.headers_mut() = parts.headers.clone();
    let headers = request.headers_mut();
    // Who may use the API server, and as whom, is not for others to know.
    headers.remove(http::header::AUTHORIZATION);
    impersonation::without(headers);
    headers.remove(CONTENT_LENGTH);
    if let Some(authority) = parts.uri.authority().map(|authority| authority.as_str())
        && let Ok(host) = HeaderValue::from_str(authority)
    {
        headers.insert(HOST, host);
    }
    Ok(request)
}

async fn send(
    call: &ProxyCall,
    request: http::Request<Full<Bytes>>,
) -> Result<Response<Incoming>, BoxError> {
    let stream = connect::connect(call).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection.with_upgrades());
    Ok(sender.send_request(request).await?)
}

/// What upstream says without a reason.
fn failed(why: String) -> Status {
    Status::new(Reason::Unknown, why)
}

fn unreachable(error: impl std::fmt::Display) -> Status {
    let message = format!("error trying to reach service: {error}");
    Status::new(Reason::ServiceUnavailable, message)
}

fn full(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| -> BoxError { match never {} }).boxed_unsync()
}

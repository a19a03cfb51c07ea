//! Requests through the proxy to a server on this machine, as a client of HTTP/1.1 sends them.

use std::sync::Arc;

use http_body_util::BodyExt;
use hyper::service::service_fn;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::TcpListener;

use super::*;
use crate::tls;

const PREFIX: &str = "/api/v1/namespaces/a/pods/p/proxy";

/// A server that reads the head of one request, says something, and then says back what it hears.
async fn server(says: &'static str) -> (u16, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let port = listener.local_addr().expect("it listens").port();
    let heard = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("somebody connects");
        let mut head = vec![];
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.expect("a head has an end"));
        }
        stream.write_all(says.as_bytes()).await.expect("it is heard");
        let (mut read, mut write) = stream.split();
        tokio::io::copy(&mut read, &mut write).await.expect("it goes to the end");
        String::from_utf8(head).expect("it is text").to_lowercase()
    });
    (port, heard)
}

/// A client of an API server that passes everything on to a port.
fn client(port: u16, is_tls: bool) -> DuplexStream {
    let (client, ours) = tokio::io::duplex(1 << 16);
    let call = Arc::new(move |uri: &http::Uri| {
        let path = uri.path().strip_prefix(PREFIX).unwrap_or_default().to_owned();
        let (host, prefix) = ("127.0.0.1".to_owned(), PREFIX.to_owned());
        ProxyCall { is_tls, host, port, path, prefix }
    });
    let service = service_fn(move |request: http::Request<Incoming>| {
        let call = call(request.uri());
        async move {
            let (mut parts, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok::<_, hyper::Error>(respond(&call, &mut parts, body).await)
        }
    });
    let builder = hyper::server::conn::http1::Builder::new();
    tokio::spawn(builder.serve_connection(TokioIo::new(ours), service).with_upgrades());
    client
}

/// What comes back for a request, to the end of the connection.
async fn answer(port: u16, request: &str, more: &str) -> String {
    let mut client = client(port, false);
    let request = format!("{request}\r\nHost: api\r\n{more}\r\n");
    client.write_all(request.as_bytes()).await.expect("the proxy reads");
    let mut answer = vec![];
    client.read_to_end(&mut answer).await.expect("the proxy writes");
    String::from_utf8(answer).expect("it is text")
}

#[tokio::test]
async fn a_request_and_its_answer_go_through_without_what_is_between_neighbours() {
    let says = "HTTP/1.1 201 Made\r\nContent-Length: 2\r\nKeep-Alive: x\r\nX-Own: 1\r\n\
        Access-Control-Allow-Origin: *\r\nConnection: close\r\n\r\nhi";
    let (port, heard) = server(says).await;

    let more = "Authorization: Bearer secret\r\nImpersonate-User: secret\r\nX-Mine: 2\r\n\
        Connection: close\r\n";
    let answer = answer(port, &format!("GET {PREFIX}/a%20b?c=d HTTP/1.1"), more).await;

    let heard = heard.await.unwrap();
    assert!(heard.starts_with("get /a%20b?c=d http/1.1\r\n"), "{heard}");
    for line in ["host: api\r\n", "x-mine: 2\r\n", &format!("x-forwarded-uri: {PREFIX}/a%20b\r\n")]
    {
        assert!(heard.contains(line), "{line} is not in {heard}");
    }
    assert!(!heard.contains("secret") && !heard.contains("connection: close"), "{heard}");
    assert!(answer.starts_with("HTTP/1.1 201 ") && answer.ends_with("\r\n\r\nhi"), "{answer}");
    assert!(answer.contains("x-own: 1\r\n"), "{answer}");
    assert!(answer.contains("cache-control: no-cache, private\r\n"), "{answer}");
    assert!(!answer.contains("keep-alive: x") && !answer.contains("access-control"), "{answer}");
}

#[tokio::test]
async fn a_stream_goes_through_in_both_directions() {
    let says = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
    let (port, heard) = server(says).await;
    let mut client = client(port, false);

    let upgrade = "Host: api\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
    let request = format!("GET {PREFIX}/stream?a=b HTTP/1.1\r\n{upgrade}ping");
    client.write_all(request.as_bytes()).await.unwrap();
    client.shutdown().await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();

    let heard = heard.await.unwrap();
    assert!(heard.starts_with("get /stream?a=b http/1.1\r\n"), "{heard}");
    assert!(heard.contains("upgrade: echo\r\n"), "{heard}");
    assert!(answer.starts_with("HTTP/1.1 101 ") && answer.ends_with("\r\n\r\nping"), "{answer}");
}

#[tokio::test]
async fn a_stream_that_is_refused_is_answered_as_it_was() {
    let refusal = "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno";
    let (refusing, _) = server(refusal).await;
    let (ignoring, _) = server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    let request = format!("GET {PREFIX}/ HTTP/1.1");
    let more = "Connection: close, Upgrade\r\nUpgrade: echo\r\n";

    let refused = answer(refusing, &request, more).await;
    let ignored = answer(ignoring, &request, more).await;

    assert!(refused.starts_with("HTTP/1.1 403 ") && refused.ends_with("no"), "{refused}");
    assert!(ignored.starts_with("HTTP/1.1 500 "), "{ignored}");
    assert!(ignored.contains("invalid upgrade response: status code 200"), "{ignored}");
}

#[tokio::test]
async fn a_page_is_moved_to_where_links_lead_through_the_proxy() {
    let says = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\
        Connection: close\r\n\r\n<a href='/x'>";
    let (port, _) = server(says).await;
    let close = "Connection: close\r\n";

    let moved = answer(port, &format!("GET {PREFIX}?a=b HTTP/1.1"), close).await;
    let page = answer(port, &format!("GET {PREFIX}/ HTTP/1.1"), close).await;

    assert!(moved.starts_with("HTTP/1.1 301 "), "{moved}");
    assert!(moved.contains(&format!("location: {PREFIX}/?a=b\r\n")), "{moved}");
    assert!(page.ends_with(&format!("\r\n\r\n<a href='{PREFIX}/x'>")), "{page}");
}

#[tokio::test]
async fn an_address_that_does_not_answer_is_said_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);

    let request = format!("GET {PREFIX}/ HTTP/1.1");
    let refused = answer(port, &request, "Connection: close\r\n").await;

    assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    let dial = format!("dial tcp 127.0.0.1:{port}: connect: connection refused");
    assert!(refused.contains(&format!("error trying to reach service: {dial}")), "{refused}");
}

#[tokio::test]
async fn a_server_without_tls_is_no_server_with_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let plain = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        stream.read_u8().await
    });

    let mut client = client(plain, true);
    let request = format!("GET {PREFIX}/ HTTP/1.1\r\nHost: api\r\nConnection: close\r\n\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    let mut refused = String::new();
    client.read_to_string(&mut refused).await.unwrap();

    let why = "error trying to reach service: tls: first record does not look like a TLS handshake";
    assert!(refused.contains(why), "{refused}");
}

#[tokio::test]
async fn a_certificate_that_nobody_has_signed_is_good_enough() {
    let identity = tls::Authority::create().unwrap().server(&["other"], &[]).unwrap();
    let authority = tls::Authority::create().unwrap().identity().certificate;
    let clients = tls::Clients::of(&authority).unwrap();
    let config = tls::server_config(&clients, &identity).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = acceptor.accept(stream).await.unwrap();
        stream.read_u8().await.unwrap();
        let says = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecure";
        stream.write_all(says).await.unwrap();
        stream.read_u8().await
    });

    let mut client = client(port, true);
    let request = format!("GET {PREFIX}/ HTTP/1.1\r\nHost: api\r\nConnection: close\r\n\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();

    assert!(answer.ends_with("\r\n\r\nsecure"), "{answer}");
}

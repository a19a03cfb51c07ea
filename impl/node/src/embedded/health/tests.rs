//! What is made of the answers of servers, which are real ones.

use std::convert::Infallible;
use std::net::Ipv4Addr;

use http::{Request, Response};
use http_body_util::StreamBody;
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http2 as server;
use hyper::service::service_fn;
use tokio::net::TcpListener;

use super::*;

/// What a server answers: a message, and the status at the end.
#[derive(Clone, Copy)]
struct Answer {
    message: &'static [u8],
    status: &'static str,
    why: &'static str,
}

const HEALTHY: Answer = Answer { message: &[0, 0, 0, 0, 2, 8, 1], status: "0", why: "" };

/// What a probe makes of a server that answers so, and what it was asked.
async fn checked(answer: Answer, service: &str) -> (Result<String, String>, String) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (told, mut asked) = tokio::sync::mpsc::unbounded_channel();
    let serving = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let respond = service_fn(move |request: Request<Incoming>| {
            let told = told.clone();
            async move {
                let (path, kind) =
                    (request.uri().path().to_owned(), request.headers()[CONTENT_TYPE].clone());
                let body = request.into_body().collect().await.unwrap().to_bytes();
                told.send(format!("{path} {kind:?} {body:?}")).unwrap();
                Ok::<_, Infallible>(response(answer))
            }
        });
        let serving = server::Builder::new(TokioExecutor::new());
        // The probe ends the connection when it has its answer.
        let _ended = serving.serve_connection(TokioIo::new(stream), respond).await;
    });
    let found = check("127.0.0.1", port, service.to_owned()).await;
    serving.await.unwrap();
    (found, asked.recv().await.unwrap_or_default())
}

fn response(
    answer: Answer,
) -> Response<StreamBody<impl futures_util::Stream<Item = Result<Frame<Bytes>, Infallible>>>> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", answer.status.parse().unwrap());
    trailers.insert("grpc-message", answer.why.parse().unwrap());
    let data = Frame::data(Bytes::from_static(answer.message));
    let frames = [Ok(data), Ok(Frame::trailers(trailers))];
    Response::new(StreamBody::new(futures_util::stream::iter(frames)))
}

#[tokio::test]
async fn a_server_is_asked_for_a_service_and_healthy_if_it_serves_it() {
    let (found, asked) = checked(HEALTHY, "web").await;

    assert_eq!(found, Ok("service healthy".to_owned()));
    let body = r#"b"\0\0\0\0\x05\n\x03web""#;
    assert_eq!(asked, format!("/grpc.health.v1.Health/Check \"application/grpc\" {body}"));
}

#[tokio::test]
async fn whoever_does_not_serve_is_not_healthy() {
    let table = [
        (&[0, 0, 0, 0, 2, 8, 2][..], "0", "service unhealthy (responded with \"NOT_SERVING\")"),
        (&[0, 0, 0, 0, 0], "0", "service unhealthy (responded with \"UNKNOWN\")"),
        (&[0, 0, 0, 0, 2, 8, 9], "0", "service unhealthy (responded with \"9\")"),
        (
            &[0, 0, 0, 0, 9, 8, 1],
            "0",
            "error: health rpc probe failed: the answer holds half a message",
        ),
        (&[], "0", "error: health rpc probe failed: the answer holds no message"),
        (&[], "5", "error: health rpc probe failed: code = 5 desc = no"),
        (
            &[],
            "12",
            "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): no",
        ),
    ];
    for (message, status, expected) in table {
        let (found, _) = checked(Answer { message, status, why: "no" }, "").await;

        assert_eq!(found, Err(expected.to_owned()));
    }
}

#[tokio::test]
async fn nobody_at_the_port_and_one_who_speaks_no_grpc_are_not_healthy() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let silent = async {
        drop(listener.accept().await.unwrap());
    };

    let ((), ended) = tokio::join!(silent, check("127.0.0.1", port, String::new()));
    drop(listener);
    let closed = check("127.0.0.1", port, String::new()).await;

    assert!(ended.unwrap_err().starts_with("error: health rpc probe failed: "));
    let why = format!(
        "error: failed to connect service at \"127.0.0.1:{port}\": dial tcp 127.0.0.1:{port}: connect: \
         connection refused"
    );
    assert_eq!(closed, Err(why));
}

//! A server of `grpc.health.v1.Health` for containers: this program again, with the libraries that it needs.

use std::convert::Infallible;
use std::net::Ipv4Addr;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use libtest_mimic::Failed;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The argument that makes this program such a server.
const ARGUMENT: &str = "serve-health";
/// Where it listens.
pub(crate) const PORT: u16 = 5000;

/// Whether the program is to be the server.
pub(crate) fn is_wanted() -> bool {
    std::env::args().nth(1).as_deref() == Some(ARGUMENT)
}

/// The server as a container of that name, and the volumes that it mounts.
pub(crate) fn container(name: &str) -> Result<(Value, Value), Failed> {
    let program = std::env::current_exe()?;
    let folder = program.parent().ok_or("a program is in a folder")?;
    let file = program.file_name().ok_or("a program has a name")?.to_string_lossy().into_owned();
    let places = [
        ("program", folder.display().to_string(), "/program"),
        ("lib", "/lib".to_owned(), "/lib"),
        ("lib64", "/lib64".to_owned(), "/lib64"),
    ];
    let volume =
        |(name, path, _): &(&str, String, &str)| json!({"name": name, "hostPath": {"path": path}});
    let mount = |(name, _, place): &(&str, String, &str)| json!({"name": name, "mountPath": place, "readOnly": true});
    let volumes: Vec<Value> = places.iter().map(volume).collect();
    let mounts: Vec<Value> = places.iter().map(mount).collect();
    let command = [format!("/program/{file}"), ARGUMENT.to_owned()];
    let container =
        json!({"name": name, "image": "busybox:1.35", "command": command, "volumeMounts": mounts});
    Ok((container, json!(volumes)))
}

/// Says for ever that it serves, and prints whenever it was asked.
pub(crate) fn run() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT)).await?;
        loop {
            let (stream, _) = listener.accept().await?;
            let connection = http2::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service_fn(answer));
            // Who calls ends the connection as it likes.
            tokio::spawn(async move { drop(connection.await) });
        }
    })
}

/// The message that the service is served, and a trailer that all is well.
async fn answer(
    request: Request<Incoming>,
) -> Result<Response<impl hyper::body::Body<Data = Bytes, Error = Infallible>>, Infallible> {
    println!("asked {}", request.uri().path());
    let message = Full::new(Bytes::from_static(&[0, 0, 0, 0, 2, 8, 1]));
    let trailers = HeaderMap::from_iter([(
        http::HeaderName::from_static("grpc-status"),
        HeaderValue::from_static("0"),
    )]);
    Ok(Response::new(message.with_trailers(std::future::ready(Some(Ok(trailers))))))
}

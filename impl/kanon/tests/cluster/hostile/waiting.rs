//! Clients for whom the server would wait in vain.

use http::Method;
use libtest_mimic::{Failed, Trial};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::malice::JSON;
use super::{LARGE, LARGE_BYTES, LARGE_MAPS, MAPS, Server, make_many, resident_kib};
use crate::support::{Cluster, Outcome, PATIENCE, ensure, eventually, trial};

/// How many ask for a list and do not read it.
const UNREAD: usize = 5;
/// How much the server may keep for them when their time is over.
const KEPT_MAX_KIB: u64 = 64 * 1024;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial("who_says_nothing_after_the_handshake_is_not_waited_for", silent),
        trial("a_list_that_nobody_reads_is_not_kept", unread),
        trial("a_request_takes_no_longer_than_it_asks", late),
    ]
}

async fn silent() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let server = Server::of(&cluster)?;
    let (http1, http2) = (server.connect().await?, server.connect_for_http2().await?);

    let (http1, http2) = tokio::join!(end_of(http1), end_of(http2));

    http1.and(http2)
}

/// A connection ends, in one way or the other.
async fn end_of(mut stream: TlsStream<TcpStream>) -> Outcome {
    drop(tokio::time::timeout(PATIENCE, stream.read_to_end(&mut vec![])).await?);
    Ok(())
}

async fn unread() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let server = Server::of(&cluster)?;
    make_many(&server).await?;
    let before = resident_kib(&cluster)?;
    let mut lists = vec![];
    for _ in 0..UNREAD {
        lists.push(open_list(&server).await?);
    }

    for list in &lists {
        eventually("the server lets go of it", || async { Ok((!is_held(list)?).then_some(())) })
            .await?;
    }

    let kept = resident_kib(&cluster)?.saturating_sub(before);
    ensure(kept < KEPT_MAX_KIB, format!("the server has kept {kept} KiB"))?;
    for mut list in lists {
        let mut rest = vec![];
        // It is cut off.
        drop(tokio::time::timeout(PATIENCE, list.read_to_end(&mut rest)).await?);
        ensure(rest.len() < LARGE * LARGE_BYTES, "all of it has come")?;
    }
    Ok(())
}

/// A connection on which a list is answered, and no more is read than that it is.
async fn open_list(server: &Server) -> Result<TlsStream<TcpStream>, Failed> {
    let mut stream = server.connect_with_little_room().await?;
    let request = format!("GET {LARGE_MAPS}?timeout=20s HTTP/1.1\r\nhost: kanon\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut status = [0; 15];
    stream.read_exact(&mut status).await?;
    ensure(&status == b"HTTP/1.1 200 OK", String::from_utf8_lossy(&status))?;
    Ok(stream)
}

/// Whether a process still has the other end of a connection, which Linux tells.
fn is_held(stream: &TlsStream<TcpStream>) -> Result<bool, Failed> {
    let (here, there) = (stream.get_ref().0.local_addr()?, stream.get_ref().0.peer_addr()?);
    let ends = [there, here].map(|end| format!(":{:04X}", end.port()));
    let connections = std::fs::read_to_string("/proc/net/tcp")?;
    Ok(connections.lines().any(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let is_it =
            fields.len() > 9 && fields[1].ends_with(&ends[0]) && fields[2].ends_with(&ends[1]);
        is_it && fields[9] != "0"
    }))
}

async fn late() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let server = Server::of(&cluster)?;
    let object = json!({"metadata": {"name": "late"}}).to_string();
    let path = format!("{MAPS}?timeout=1ns");

    let (code, status) = server.ask(Method::POST, &path, JSON, object).await?;

    let message = "Timeout: request did not complete within the allotted timeout";
    let is_told = status["reason"] == "Timeout" && status["message"] == message;
    ensure(code == 504 && is_told, status)?;
    let (code, found) = server.ask(Method::GET, &format!("{MAPS}/late"), "", "").await?;
    ensure(code == 404, found)?;
    let (code, list) = server.ask(Method::GET, &format!("{MAPS}?timeout=0s"), "", "").await?;
    ensure(code == 200, list)?;
    slow_body_and_watch(&server).await?;
    let request = http::Request::get("/metrics").body(vec![])?;
    let metrics = cluster.client().await?.request_text(request).await?;
    let mut turned_away = metrics.lines().filter(|line| line.contains("terminations_total{"));
    let is_counted = |line: &str| line.contains("code=\"504\"") && line.ends_with("} 2");
    ensure(turned_away.any(is_counted), "both writes are counted")
}

/// A body has no longer than its request, and a watch has as long as it likes.
async fn slow_body_and_watch(server: &Server) -> Outcome {
    let host = &server.host;
    let slow =
        format!("POST {MAPS}?timeout=1s HTTP/1.1\r\nhost: {host}\r\ncontent-length: 9\r\n\r\n{{");
    let answer = server.raw(slow.as_bytes()).await?;
    ensure(answer.starts_with("HTTP/1.1 504 Gateway Timeout\r\n"), answer)?;
    let watch = format!("GET {MAPS}?watch=1&timeout=1ns HTTP/1.1\r\nhost: {host}\r\n\r\n");
    let answer = server.raw(watch.as_bytes()).await?;
    ensure(answer.starts_with("HTTP/1.1 200 OK\r\n"), answer)
}

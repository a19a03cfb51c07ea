//! Watches that nobody reads, while what they watch changes: the server keeps no copies for them.

use http::Method;
use libtest_mimic::{Failed, Trial};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::hostile::{Server, resident_kib};
use crate::support::{Cluster, Outcome, ensure, trial};

const WATCHES: usize = 50;
const WRITES: usize = 60;
/// The size of the object that is written over and over.
const OBJECT_BYTES: usize = 1_000_000;
/// How much the server may grow: what is written stays in the store until it is compacted, and each connection takes
/// a part of what it has not sent, and what fits into the buffers of its transport.
const GROWTH_MAX_KIB: u64 = 256 * 1024;
const MAPS: &str = "/api/v1/namespaces/default/configmaps";

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial("watches_that_nobody_reads_cost_no_copies", unread)]
}

async fn unread() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let server = Server::of(&cluster)?;
    let map = |number: usize| {
        let data = json!({"number": number.to_string(), "rest": "x".repeat(OBJECT_BYTES)});
        json!({"metadata": {"name": "large"}, "data": data}).to_string()
    };
    server.ask(Method::POST, MAPS, "application/json", map(0)).await?;
    let mut watches = vec![];
    for _ in 0..WATCHES {
        watches.push(open_watch(&server).await?);
    }
    let before = resident_kib(&cluster)?;

    for number in 1..=WRITES {
        let path = format!("{MAPS}/large");
        let (code, _) = server.ask(Method::PUT, &path, "application/json", map(number)).await?;
        ensure(code == 200, format!("write {number} was answered with {code}"))?;
    }

    let grown = resident_kib(&cluster)?.saturating_sub(before);
    ensure(grown < GROWTH_MAX_KIB, format!("the server has grown by {grown} KiB"))?;
    let watch = watches.pop().ok_or("there are watches")?;
    read_to_the_last(watch).await
}

/// Who begins to read after all hears of everything, in order.
async fn read_to_the_last(watch: TlsStream<TcpStream>) -> Outcome {
    let mut lines = BufReader::new(watch).lines();
    for number in 0..=WRITES {
        let told = format!("\"number\":\"{number}\"");
        loop {
            let line = lines.next_line().await?.ok_or(format!("it ended before event {number}"))?;
            // The others are the head of the answer, and the sizes of its chunks.
            if line.starts_with('{') {
                ensure(line.contains(&told), format!("event {number}: {}", excerpt(&line)))?;
                break;
            }
        }
    }
    Ok(())
}

fn excerpt(line: &str) -> String {
    line.chars().take(300).collect()
}

/// A connection on which a watch is answered, and no more is read than that it is.
async fn open_watch(server: &Server) -> Result<TlsStream<TcpStream>, Failed> {
    let mut stream = server.connect().await?;
    let query = "watch=true&fieldSelector=metadata.name%3Dlarge";
    let request = format!("GET {MAPS}?{query} HTTP/1.1\r\nhost: kanon\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut status = [0; 15];
    stream.read_exact(&mut status).await?;
    ensure(&status == b"HTTP/1.1 200 OK", String::from_utf8_lossy(&status))?;
    Ok(stream)
}

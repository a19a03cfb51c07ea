//! Puts over the network: to a store of ours, and to any etcd.

use std::fmt;
use std::time::Duration;

use etcd::Etcd;
use etcd::grpc::{Options, serve};
use etcd_client::Client;
use serde::Serialize;
use serde_json::Value;
use tokio::net::TcpListener;

use super::super::machine;
use super::{Puts, WRITERS, key, timed, value};
use crate::failure::{Failure, While};

/// Puts to an etcd somewhere.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Remote {
    version: &'static str,
    machine: Value,
    endpoint: String,
    server_version: String,
    value_bytes: usize,
    puts: Vec<Puts>,
}

/// Measures an etcd by its URL. It is left with ten thousand keys.
pub(super) fn measure(
    endpoint: &str,
    value_bytes: usize,
    time: Duration,
) -> Result<Remote, Failure> {
    as_client(measure_from(endpoint, value_bytes, time))
}

/// Does what a client does on one thread: what its threads would take from each other would be the server's.
fn as_client<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.while_doing("starting a client")?.block_on(work)
}

async fn measure_from(
    endpoint: &str,
    value_bytes: usize,
    time: Duration,
) -> Result<Remote, Failure> {
    let mut client = Client::connect([endpoint], None).await.while_doing(endpoint)?;
    let server_version = client.status().await.while_doing(endpoint)?.version().to_owned();
    Ok(Remote {
        version: env!("CARGO_PKG_VERSION"),
        machine: machine(),
        endpoint: endpoint.to_owned(),
        server_version,
        value_bytes,
        puts: puts(&client, value_bytes, time).await?,
    })
}

/// Serves a store on loopback and measures that.
pub(super) async fn through_grpc(
    etcd: &Etcd,
    value_bytes: usize,
    time: Duration,
) -> Result<Vec<Puts>, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await.while_doing("listening")?;
    let address = listener.local_addr().while_doing("listening")?.to_string();
    let served = serve(etcd.clone(), listener, Options::default(), std::future::pending());
    let served = tokio::spawn(served);
    let client = tokio::task::spawn_blocking(move || {
        as_client(async {
            let client = Client::connect([&address], None).await.while_doing("connecting")?;
            puts(&client, value_bytes, time).await
        })
    });
    let measured = client.await.while_doing("a client")?;
    served.abort();
    measured
}

async fn puts(client: &Client, value_bytes: usize, time: Duration) -> Result<Vec<Puts>, Failure> {
    let mut all = vec![];
    for writers in WRITERS {
        let measured = timed(writers, time, |number, count| {
            let mut client = client.kv_client();
            let value = value(value_bytes, count).to_vec();
            async move { client.put(key(number).to_vec(), value, None).await.map(drop) }
        });
        all.push(measured.await?);
    }
    Ok(all)
}

impl fmt::Display for Remote {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |field: &str| self.machine[field].as_str().unwrap_or_default().to_owned();
        let (cpu, kernel, cores) = (text("cpu"), text("kernel"), &self.machine["cores"]);
        writeln!(formatter, "kanon {} on {cpu} ({cores} cores, Linux {kernel})", self.version)?;
        write!(
            formatter,
            "etcd {} at {}; values of {} bytes; durable puts:",
            self.server_version, self.endpoint, self.value_bytes
        )?;
        self.puts.iter().try_for_each(|puts| write!(formatter, "\n{puts}"))
    }
}

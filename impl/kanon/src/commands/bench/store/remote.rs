//! Puts, ranges and watches over the network: of a store of ours, and of any etcd.

use std::fmt;
use std::time::{Duration, Instant};

use etcd::Etcd;
use etcd::grpc::{Options, serve};
use etcd_client::{Client, GetOptions, WatchOptions, WatchStream};
use serde::Serialize;
use serde_json::Value;
use tokio::net::TcpListener;

use super::super::machine;
use super::{Puts, RANGE_KEYS, WATCHES, WRITERS, key, timed, value};
use crate::failure::{Failure, While};

/// What an etcd somewhere does.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Remote {
    version: &'static str,
    machine: Value,
    endpoint: String,
    server_version: String,
    value_bytes: usize,
    #[serde(flatten)]
    measured: Measured,
}

/// What a client measures.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Measured {
    puts: Vec<Puts>,
    ranges_per_second: f64,
    range_keys: usize,
    watches: usize,
    watched_events_per_second: f64,
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
        measured: measure_as(&client, value_bytes, time).await?,
    })
}

/// Serves a store on loopback and measures that.
pub(super) async fn through_grpc(
    etcd: &Etcd,
    value_bytes: usize,
    time: Duration,
) -> Result<Measured, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await.while_doing("listening")?;
    let address = listener.local_addr().while_doing("listening")?.to_string();
    let served = serve(etcd.clone(), listener, Options::default(), std::future::pending());
    let served = tokio::spawn(served);
    let client = tokio::task::spawn_blocking(move || {
        as_client(async {
            let client = Client::connect([&address], None).await.while_doing("connecting")?;
            measure_as(&client, value_bytes, time).await
        })
    });
    let measured = client.await.while_doing("a client")?;
    served.abort();
    measured
}

async fn measure_as(
    client: &Client,
    value_bytes: usize,
    time: Duration,
) -> Result<Measured, Failure> {
    let mut all = vec![];
    for writers in WRITERS {
        all.push(puts(client, writers, value_bytes, time).await?);
    }
    let (ranges_per_second, range_keys) = ranges(client, time).await?;
    Ok(Measured {
        puts: all,
        ranges_per_second,
        range_keys,
        watches: WATCHES,
        watched_events_per_second: watched(client, value_bytes, time).await?,
    })
}

async fn puts(
    client: &Client,
    writers: usize,
    value_bytes: usize,
    time: Duration,
) -> Result<Puts, Failure> {
    timed(writers, time, |number, count| {
        let mut client = client.kv_client();
        let value = value(value_bytes, count).to_vec();
        async move { client.put(key(number).to_vec(), value, None).await.map(drop) }
    })
    .await
}

/// How many ranges are read in a second, one after the other, and how many keys each has.
async fn ranges(client: &Client, time: Duration) -> Result<(f64, usize), Failure> {
    let (begun, mut count, mut keys) = (Instant::now(), 0_u64, 0);
    let mut client = client.kv_client();
    while begun.elapsed() < time {
        let range = GetOptions::new().with_range(key(RANGE_KEYS).to_vec());
        let got = client.get(key(0).to_vec(), Some(range)).await.while_doing("reading")?;
        keys = got.kvs().len();
        count += 1;
    }
    Ok((count as f64 / begun.elapsed().as_secs_f64(), keys))
}

/// How many events watches hear in a second while sixteen tasks write.
async fn watched(client: &Client, value_bytes: usize, time: Duration) -> Result<f64, Failure> {
    let mut streams = vec![];
    for _ in 0..WATCHES {
        let all = WatchOptions::new().with_prefix();
        let stream = client.watch_client().watch("/registry/bench/", Some(all)).await;
        streams.push(stream.while_doing("watching")?);
    }
    let begun = Instant::now();
    let heard = futures_util::future::join_all(streams.iter_mut().map(|stream| hear(stream, time)));
    let (heard, written) = tokio::join!(heard, puts(client, WRITERS[1], value_bytes, time));
    written?;
    let heard: usize = heard.into_iter().sum::<Result<_, _>>()?;
    Ok(heard as f64 / begun.elapsed().as_secs_f64())
}

/// How many events a watch hears in this time.
async fn hear(stream: &mut WatchStream, time: Duration) -> Result<usize, Failure> {
    let mut heard = 0;
    let end = tokio::time::sleep(time);
    tokio::pin!(end);
    loop {
        tokio::select! {
            () = &mut end => return Ok(heard),
            message = stream.message() => {
                heard += message.while_doing("watching")?.map_or(0, |message| message.events().len());
            }
        }
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |field: &str| self.machine[field].as_str().unwrap_or_default().to_owned();
        let (cpu, kernel, cores) = (text("cpu"), text("kernel"), &self.machine["cores"]);
        writeln!(formatter, "kanon {} on {cpu} ({cores} cores, Linux {kernel})", self.version)?;
        writeln!(
            formatter,
            "etcd {} at {}; values of {} bytes; durable puts:",
            self.server_version, self.endpoint, self.value_bytes
        )?;
        self.measured.fmt(formatter)
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.puts.iter().try_for_each(|puts| writeln!(formatter, "{puts}"))?;
        let Self { ranges_per_second, range_keys, watched_events_per_second, watches, .. } = self;
        writeln!(formatter, "{ranges_per_second:.0} ranges of {range_keys} keys/s")?;
        write!(formatter, "{watched_events_per_second:.0} events/s to {watches} watches")
    }
}

//! What is tried.

use std::time::Duration;

use etcd::remote::Options;
use etcd::{CommitError, Etcd, Remote, grpc};
use libtest_mimic::Failed;
use store::{Bytes, Operation, Put, Range, Revision, Transaction};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::certificates::Certificates;
use crate::load::Load;
use crate::members::{Members, PATIENCE};

/// How many writes must be acknowledged between two faults.
const WRITES: usize = 300;

const ALL: &[usize] = &[0, 1, 2];

fn key(name: &str) -> Bytes {
    name.as_bytes().into()
}

/// Our own server of etcd's API.
struct Server {
    address: String,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Result<(), tonic::transport::Error>>,
}

impl Server {
    async fn start(etcd: &Etcd, address: &str) -> Result<Self, Failed> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?.to_string();
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async { drop(stopped.await) };
        let served = grpc::serve(etcd.clone(), listener, grpc::Options::default(), stopped);
        Ok(Self { address, stop, served: tokio::spawn(served) })
    }

    fn options(&self) -> Options {
        Options { endpoints: vec![format!("http://{}", self.address)], tls: None }
    }

    async fn stop(self) -> Result<(), Failed> {
        drop(self.stop);
        Ok(self.served.await??)
    }
}

fn ensure(holds: bool, otherwise: &str) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(otherwise.into()) }
}

pub(crate) async fn ours() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let etcd = Etcd::open(folder.path())?;
    let server = Server::start(&etcd, "127.0.0.1:0").await?;
    follow_and_write(&server.options()).await?;
    server.stop().await
}

pub(crate) async fn three_members() -> Result<(), Failed> {
    let members = Members::start().await?;
    follow_and_write(&members.options(ALL)).await
}

/// Two who share an etcd: each sees what the other writes, and only one of two that write at once wins.
async fn follow_and_write(options: &Options) -> Result<(), Failed> {
    let (one, other) = (Remote::open(options).await?, Remote::open(options).await?);
    let create = Transaction::create(key("a"), key("1"));
    let first = one.commit(create.clone(), Box::new(|_| {})).await?;
    ensure(first.succeeded, "the first to create a key does")?;
    ensure(!other.commit(create, Box::new(|_| {})).await?.succeeded, "the second does not")?;
    let seen = other.newest().await?.get(b"a").cloned();
    ensure(
        seen.is_some_and(|found| found.create_revision == first.revision && *found.value == *b"1"),
        "the other sees what was created",
    )?;
    let twice = Transaction::of(vec![
        Operation::Put(Put::new(key("b"), key("2"))),
        Operation::Delete(Range::Key(key("a"))),
    ]);
    let twice = other.commit(twice, Box::new(|_| {})).await?;
    let store = one.newest().await?;
    let events: Vec<_> = store.events_after(first.revision)?.collect();
    ensure(
        events.len() == 2 && events.iter().all(|event| event.now.mod_revision == twice.revision),
        "two writes of a transaction are one revision",
    )?;
    ensure(
        store.len() == 1 && store.iter().eq(Remote::open(options).await?.snapshot().iter()),
        "what is followed is what is there",
    )
}

pub(crate) async fn certificates() -> Result<(), Failed> {
    let members = Members::start_with_tls().await?;
    let options = members.options(ALL);
    follow_and_write(&options).await?;
    let mut nobody = options.clone();
    nobody.tls.as_mut().ok_or("TLS is on")?.identity = None;
    let mut stranger = options;
    let authority = &mut stranger.tls.as_mut().ok_or("TLS is on")?.authority;
    *authority = Certificates::issue()?.authority;
    let refused = tokio::join!(Remote::open(&nobody), Remote::open(&stranger));
    for refused in [refused.0, refused.1] {
        println!("{refused:?}");
        ensure(matches!(refused, Err(CommitError::Unreachable(_))), "who is not known is refused")?;
    }
    Ok(())
}

pub(crate) async fn another_cluster() -> Result<(), Failed> {
    let (mut members, others) = (Members::start().await?, Members::start().await?);
    let endpoints = vec![members.url(0), others.url(0)];
    let remote = Remote::open(&Options { endpoints, tls: None }).await?;
    let mut stranger = others.client(0).await?;
    members.kill(0)?;

    // While only the other cluster answers, nothing is written to it, and nothing of it is taken over.
    let why = loop {
        let create = Transaction::create(key("a"), key("1"));
        stranger.put("c", "2", None).await?;
        match remote.commit(create, Box::new(|_| {})).await {
            Err(CommitError::Unknown(_)) => {}
            Err(error) => break error,
            Ok(_) => return Err("it was written to another cluster".into()),
        }
    };
    ensure(matches!(why, CommitError::Unreachable(_)), &why.to_string())?;
    ensure(remote.snapshot().is_empty(), "keys of another cluster are here")?;
    ensure(stranger.get("a", None).await?.kvs().is_empty(), "the other cluster has our key")?;
    members.spawn(0)?;
    members.leader().await?;
    follow_and_write(&members.options(&[0])).await?;
    let seen = remote.newest().await?;
    ensure(
        seen.get(b"b").is_some_and(|found| *found.value == *b"2") && seen.len() == 1,
        "ours is back",
    )
}

pub(crate) async fn compaction() -> Result<(), Failed> {
    let members = Members::start().await?;
    let options = members.options(ALL);
    let (one, other) = (Remote::open(&options).await?, Remote::open(&options).await?);
    let mut client = members.client(0).await?;
    let period = Duration::from_millis(50);
    let turns =
        [one.clone(), other.clone()].map(|remote| tokio::spawn(remote.compact_every(period)));
    for remote in [&one, &other] {
        let mut published = remote.subscribe();
        let forgotten = published.wait_for(|store| store.compacted() > Revision(3));
        timeout(PATIENCE, forgotten).await.map_err(|_| "nothing is forgotten")??;
    }
    turns.iter().for_each(|turn| turn.abort());
    let compacted = client.get("compact_rev_key", None).await?;
    let turn = compacted.kvs().first().ok_or("no turn was taken")?;
    let revision: i64 = turn.value_str()?.parse()?;
    let past = etcd_client::GetOptions::new().with_revision(1);
    ensure(revision > 2, "some revision was compacted")?;
    ensure(client.get("compact_rev_key", Some(past)).await.is_err(), "etcd has forgotten it too")
}

pub(crate) async fn killed_leaders() -> Result<(), Failed> {
    let mut members = Members::start().await?;
    let one = Remote::open(&members.options(&[0, 1, 2])).await?;
    let other = Remote::open(&members.options(&[1, 2, 0])).await?;
    let load = Load::start(&one, &other);
    load.goes_on(WRITES).await?;
    for _ in 0..3 {
        let leader = members.leader().await?;
        members.kill(leader)?;
        load.goes_on(WRITES).await?;
        members.spawn(leader)?;
        load.goes_on(WRITES).await?;
    }
    load.finish().await
}

pub(crate) async fn cut_off() -> Result<(), Failed> {
    let members = Members::start_apart().await?;
    let network = members.network.as_ref().ok_or("there is a network")?;
    let one = Remote::open(&members.options(&[0, 1, 2])).await?;
    let other = Remote::open(&members.options(&[1, 2, 0])).await?;
    let load = Load::start(&one, &other);
    load.goes_on(WRITES).await?;
    let leader = members.leader().await?;
    for number in [leader, (leader + 1) % 3, 0] {
        network.cut(number)?;
        load.goes_on(WRITES).await?;
        network.heal(number)?;
        load.goes_on(WRITES).await?;
    }
    load.finish().await
}

pub(crate) async fn compacted_meanwhile() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let etcd = Etcd::open(folder.path())?;
    let server = Server::start(&etcd, "127.0.0.1:0").await?;
    let address = server.address.clone();
    let remote = Remote::open(&server.options()).await?;
    let watched = remote.snapshot().revision();

    server.stop().await?;
    for value in ["1", "2"] {
        etcd.commit(Transaction::of(vec![Operation::Put(Put::new(key("a"), key(value)))])).await?;
    }
    etcd.compact(etcd.snapshot().revision()).await?;
    let server = Server::start(&etcd, &address).await?;

    let mut published = remote.subscribe();
    let caught_up = published.wait_for(|store| store.get(b"a").is_some());
    let store = timeout(PATIENCE, caught_up).await.map_err(|_| "it stays behind")??.clone();
    ensure(store.events_after(watched).is_err(), "whoever watched is told that history is gone")?;
    ensure(store.iter().eq(etcd.snapshot().iter()), "all that is there is known")?;
    server.stop().await
}

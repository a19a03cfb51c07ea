//! From ours to etcd and back, by snapshots: what is read there is what was written here.

use std::collections::BTreeMap;
use std::path::Path;

use etcd::grpc::Options;
use etcd::tools::restore;
use etcd_client::{
    Client, CompactionOptions, DeleteOptions, Error, GetOptions, LeaseGrantOptions, LeaseStatus,
    LeaseTimeToLiveOptions, ResponseHeader, Txn, TxnOp, WatchOptions,
};
use futures_util::future::join_all;
use libtest_mimic::{Failed, Trial};
use store::Revision;
use tempfile::TempDir;

use crate::real::Real;
use crate::script::{Random, Step};
use crate::support::{Server, next};
use crate::tool::{Etcdctl, Outcome, ensure, trial};

/// How many requests make a store, before the revision to which it is compacted and behind.
const STEPS: usize = 100;

/// The key that is written last.
const LAST: &str = "last";

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("etcd_starts_with_a_snapshot_of_ours", to_etcd),
        trial("etcd_goes_on_with_a_large_snapshot_of_ours", large_to_etcd),
        trial("a_store_starts_with_a_snapshot_of_etcd", from_etcd),
    ]
}

/// Makes a store of random requests, among them transactions, leases and compactions.
async fn fill(client: &mut Client, seed: u64) -> Outcome {
    let mut random = Random::new(seed);
    for _ in 0..STEPS {
        Step::draw(&mut random).send(client).await;
    }
    // Of the revision to which it is compacted etcd forgets removals, and what was before.
    client.put("k/0", "1", None).await?;
    client.put("k/0", "2", None).await?;
    let compacted = revision(client).await?;
    for _ in 0..STEPS {
        Step::draw(&mut random).send(client).await;
    }
    client.compact(compacted, Some(CompactionOptions::new().with_physical())).await?;
    client.lease_grant(700, Some(LeaseGrantOptions::new().with_id(-7))).await?;
    client.put(LAST, "", None).await?;
    Ok(())
}

async fn revision(client: &mut Client) -> Result<i64, Error> {
    let got = client.get(LAST, None).await?;
    Ok(got.header().map_or(0, ResponseHeader::revision))
}

/// All that clients are told, by what they ask for.
async fn seen(client: &mut Client) -> Result<BTreeMap<String, String>, Failed> {
    let mut seen = BTreeMap::new();
    for at in 1..=revision(client).await? + 1 {
        let options = GetOptions::new().with_all_keys().with_revision(at);
        let got = client.get("", Some(options)).await;
        let got = got.map(|got| format!("{:?}", got.kvs())).map_err(|error| error.to_string());
        seen.insert(format!("get at {at}"), format!("{got:?}"));
    }
    // etcd lets those wait that begin in the past; so all of them do at once.
    let watches = (1..=revision(client).await?).map(|from| watched(client.clone(), from));
    for (from, watched) in (1..).zip(join_all(watches).await) {
        seen.insert(format!("watch from {from}"), watched?);
    }
    for id in client.leases().await?.leases().iter().map(LeaseStatus::id) {
        let options = LeaseTimeToLiveOptions::new().with_keys();
        let told = client.lease_time_to_live(id, Some(options)).await?;
        let mut keys = told.keys().to_vec();
        keys.sort_unstable();
        seen.insert(format!("lease {id}"), format!("{} {keys:?}", told.granted_ttl()));
    }
    Ok(seen)
}

/// What happened from a revision on.
async fn watched(mut client: Client, from: i64) -> Result<String, Failed> {
    let options = WatchOptions::new().with_all_keys().with_start_revision(from);
    let mut stream = client.watch("", Some(options)).await?;
    let mut events = vec![];
    loop {
        let answer = next(&mut stream).await;
        if answer.canceled() {
            return Ok(answer.cancel_reason().to_owned());
        }
        for event in answer.events() {
            events.push(format!("{:?} {:?}", event.event_type(), event.kv()));
            if event.kv().is_some_and(|kv| kv.key() == LAST.as_bytes()) {
                return Ok(events.join("\n"));
            }
        }
    }
}

fn ensure_same(here: &BTreeMap<String, String>, there: &BTreeMap<String, String>) -> Outcome {
    let asked = here.keys().chain(there.keys());
    let differs = asked.into_iter().find(|asked| here.get(*asked) != there.get(*asked));
    ensure(differs.is_none(), || {
        let asked = differs.map_or("", |asked| asked);
        format!("{asked}:\n  ours: {:?}\n  etcd: {:?}", here.get(asked), there.get(asked))
    })
}

/// What clients of a store of ours are told, after it has become one of etcd's.
async fn to_etcd(etcdctl: Etcdctl) -> Outcome {
    let mut ours = etcdctl.server.client().await;
    fill(&mut ours, 1).await?;
    let folder = tempfile::tempdir()?;
    let file = save(&etcdctl, folder.path()).await?;
    ensure_status(&etcdctl, &file).await?;

    let mut real = start(&etcdctl, &file, folder).await?;

    let mut theirs = real.client().await?;
    ensure_same(&seen(&mut ours).await?, &seen(&mut theirs).await?)?;
    for client in [&mut ours, &mut theirs] {
        let before = revision(client).await?;
        client.delete("k/", Some(DeleteOptions::new().with_prefix())).await?;
        client.compact(before, Some(CompactionOptions::new().with_physical())).await?;
        client.put(LAST, "more", None).await?;
    }
    ensure_same(&seen(&mut ours).await?, &seen(&mut theirs).await?)?;
    let mut again = real.restart().await?;
    ensure_same(&seen(&mut ours).await?, &seen(&mut again).await?)
}

/// Of thousands of writes, some of which need several pages; then most of it goes.
async fn large_to_etcd(etcdctl: Etcdctl) -> Outcome {
    let mut ours = etcdctl.server.client().await;
    for number in 0..120 {
        let long = "long".repeat(if number % 10 == 0 { 2_500 } else { 5 });
        let put = |key| TxnOp::put(format!("k/{number}/{key}"), long.as_str(), None);
        ours.txn(Txn::new().and_then((0..120).map(put).collect::<Vec<_>>())).await?;
    }
    ours.put(LAST, "", None).await?;
    let folder = tempfile::tempdir()?;
    let file = save(&etcdctl, folder.path()).await?;
    ensure_status(&etcdctl, &file).await?;

    let real = start(&etcdctl, &file, folder).await?;

    let mut clients = [ours, real.client().await?];
    ensure_same_hash(&mut clients).await?;
    for client in &mut clients {
        client.delete("k/", Some(DeleteOptions::new().with_range("k/90"))).await?;
        client.put(LAST, "more", None).await?;
    }
    ensure_same_hash(&mut clients).await?;
    let mut left = vec![];
    for client in &mut clients {
        let compacted = revision(client).await?;
        client.compact(compacted, Some(CompactionOptions::new().with_physical())).await?;
        client.defragment().await?;
        let got = client.get("", Some(GetOptions::new().with_all_keys())).await?;
        left.push(got.kvs().iter().map(|kv| format!("{kv:?}")).collect::<Vec<_>>());
    }
    ensure(left[0] == left[1] && left[0].len() > 1000, || format!("{} keys", left[0].len()))
}

async fn ensure_same_hash(clients: &mut [Client; 2]) -> Outcome {
    let [ours, theirs] = clients;
    let (hash, expected) = (ours.hash_kv(0).await?.hash(), theirs.hash_kv(0).await?.hash());
    ensure(hash == expected, || format!("{hash:08x}, etcd has {expected:08x}"))
}

/// An etcd that begins with a snapshot.
async fn start(etcdctl: &Etcdctl, file: &str, folder: TempDir) -> Result<Real, Failed> {
    let data = folder.path().join("data");
    let data = data.to_string_lossy();
    etcdctl.succeed(&["snapshot", "restore", file, "--data-dir", &data]).await?;
    Ok(Real::start_in(folder).await?)
}

async fn save(etcdctl: &Etcdctl, folder: &Path) -> Result<String, Failed> {
    let file = folder.join("snapshot").to_string_lossy().into_owned();
    etcdctl.succeed(&["snapshot", "save", &file]).await?;
    Ok(file)
}

/// etcdctl finds the database sound, with each write that is remembered, each lease, and what is noted beside.
async fn ensure_status(etcdctl: &Etcdctl, file: &str) -> Outcome {
    let store = etcdctl.server.etcd.snapshot();
    let then = store.at(store.compacted()).map_err(|error| error.to_string())?;
    let older = then.iter().filter(|found| found.mod_revision < store.oldest()).count();
    let events = store.events_after(Revision(store.oldest().0 - 1));
    let events = events.map_err(|error| error.to_string())?.count();
    let compaction = if store.compacted() > Revision(0) { 2 } else { 0 };
    let beside = ["consistent_index", "term", "confState"].len() + compaction;
    let keys = older + events + store.leases().count() + beside;
    let size = std::fs::metadata(file)?.len() - 32;
    let (revision, arguments) = (store.revision(), ["snapshot", "status", file, "-w", "json"]);
    let status = format!("\"revision\":{revision},\"totalKey\":{keys},\"totalSize\":{size}");
    etcdctl.mentions(&arguments, &status).await
}

/// What clients of an etcd are told, after it has become a store of ours.
async fn from_etcd(mut etcdctl: Etcdctl) -> Outcome {
    let real = Real::start().await?;
    let mut theirs = real.client().await?;
    fill(&mut theirs, 2).await?;
    etcdctl.endpoint = real.url.clone();
    let folder = tempfile::tempdir()?;
    let file = std::fs::read(save(&etcdctl, folder.path()).await?)?;

    let store = tempfile::tempdir()?;
    restore(store.path(), &file)?;
    let mut server = Server::start_in(store, Options::default()).await;

    for _ in 0..2 {
        let (here, there) = (&mut server.client().await, &mut theirs);
        ensure_same(&seen(here).await?, &seen(there).await?)?;
        for client in [here, there] {
            client.put("k/1", "more", None).await?;
            client.put(LAST, "more", None).await?;
        }
        server = server.restart().await;
    }
    Ok(())
}

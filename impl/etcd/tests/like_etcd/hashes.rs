//! The same writes to a store of ours and to Debian's etcd, and the hashes of all revisions side by side.

use etcd_client::{Client, CompactionOptions, Error};
use libtest_mimic::{Failed, Trial};

use crate::real::Real;
use crate::script::{Random, Step};
use crate::support::Server;

/// How many requests each half of a trial sends.
const STEPS: usize = 150;

type Clients = [Client; 2];

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |name: &str, is_compacted| {
        Trial::test(name, move || (1..=3).try_for_each(|seed| compare(seed, is_compacted)))
    };
    vec![
        trial("a_store_hashes_like_etcd", false),
        trial("a_compacted_store_hashes_like_etcd", true),
    ]
}

fn compare(seed: u64, is_compacted: bool) -> Result<(), Failed> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let (ours, real) = (Server::start().await, Real::start().await?);
        let mut clients = [ours.client().await, real.client().await?];
        let mut random = Random::new(seed);
        // Which write of a transaction came first is forgotten with its compaction.
        let middle = write(&mut random, &mut clients, !is_compacted).await?;
        let compacted = if is_compacted { compact(middle / 2, &mut clients).await? } else { 0 };
        let last = write(&mut random, &mut clients, true).await?;
        for revision in compacted + 1..=last + 1 {
            same(revision, &mut clients)
                .await
                .map_err(|differs| format!("seed {seed}, {differs}"))?;
        }
        Ok(())
    })
}

/// Sends requests that compact nothing, with transactions or without. The last revision.
async fn write(
    random: &mut Random,
    clients: &mut Clients,
    with_transactions: bool,
) -> Result<i64, Error> {
    for _ in 0..STEPS {
        let step = Step::draw(random);
        let is_transaction = matches!(step, Step::Txn(_));
        if matches!(step, Step::Compact(_)) || (is_transaction && !with_transactions) {
            continue;
        }
        for client in &mut *clients {
            step.send(client).await;
        }
    }
    let put = clients[1].put("k/0", "", None).await?;
    clients[0].put("k/0", "", None).await?;
    Ok(put.header().map_or(0, |header| header.revision()))
}

async fn compact(revision: i64, clients: &mut Clients) -> Result<i64, Error> {
    for client in clients {
        client.compact(revision, Some(CompactionOptions::new().with_physical())).await?;
    }
    Ok(revision)
}

async fn same(revision: i64, [ours, theirs]: &mut Clients) -> Result<(), String> {
    let (hash, expected) = (hash(ours, revision).await, hash(theirs, revision).await);
    match hash == expected {
        true => Ok(()),
        false => Err(format!("revision {revision}: ours {hash}, etcd {expected}")),
    }
}

async fn hash(client: &mut Client, revision: i64) -> String {
    match client.hash_kv(revision).await {
        Ok(answer) => format!("{:08x} {}", answer.hash(), answer.compact_version()),
        Err(error) => error.to_string(),
    }
}

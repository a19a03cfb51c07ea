//! What goes on: watch, elect, lock.

use libtest_mimic::Trial;

use crate::tool::{Etcdctl, Outcome, Running, ensure, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("etcdctl_watches", watch),
        trial("etcdctl_is_told_that_a_watch_begins_too_early", compacted),
        trial("etcdctl_elects", elect),
        trial("etcdctl_locks", lock),
    ]
}

async fn reads(running: &mut Running, expected: &[&str]) -> Outcome {
    for expected in expected {
        let line = running.line().await?;
        ensure(line == *expected, || format!("{line:?} came, not {expected:?}"))?;
    }
    Ok(())
}

async fn watch(etcdctl: Etcdctl) -> Outcome {
    etcdctl.prints(&["put", "a/1", "old"], "OK").await?;
    let mut from_beginning = etcdctl.spawn(&["watch", "a/", "--prefix", "--rev", "2"])?;
    let mut with_previous = etcdctl.spawn(&["watch", "a/1", "--prev-kv", "--rev", "3"])?;

    reads(&mut from_beginning, &["PUT", "a/1", "old"]).await?;
    etcdctl.prints(&["put", "a/1", "new"], "OK").await?;
    etcdctl.prints(&["put", "b", "1"], "OK").await?;
    etcdctl.prints(&["del", "a/1"], "1").await?;

    reads(&mut from_beginning, &["PUT", "a/1", "new", "DELETE", "a/1", ""]).await?;
    reads(&mut with_previous, &["PUT", "a/1", "old", "a/1", "new"]).await?;
    reads(&mut with_previous, &["DELETE", "a/1", "new", "a/1", ""]).await
}

async fn compacted(etcdctl: Etcdctl) -> Outcome {
    for value in ["1", "2", "3"] {
        etcdctl.prints(&["put", "a", value], "OK").await?;
    }
    etcdctl.prints(&["compaction", "4"], "compacted revision 4").await?;

    etcdctl
        .fails(
            &["watch", "a", "--rev", "2"],
            "watch was canceled (etcdserver: mvcc: required revision has been compacted)",
        )
        .await
}

async fn elect(etcdctl: Etcdctl) -> Outcome {
    let mut leader = etcdctl.spawn(&["elect", "trial", "first"])?;
    let key = leader.line().await?;
    reads(&mut leader, &["first"]).await?;
    let mut observer = etcdctl.spawn(&["elect", "--listen", "trial"])?;
    reads(&mut observer, &[&key, "first"]).await?;

    let mut follower = etcdctl.spawn(&["elect", "trial", "second"])?;
    let lease = key.strip_prefix("trial/").ok_or_else(|| key.clone())?;
    etcdctl.succeed(&["lease", "revoke", lease]).await?;

    let key = follower.line().await?;
    reads(&mut follower, &["second"]).await?;
    reads(&mut observer, &[&key, "second"]).await
}

async fn lock(etcdctl: Etcdctl) -> Outcome {
    etcdctl.prints(&["lock", "trial", "echo", "held"], "held").await?;
    let mut holder = etcdctl.spawn(&["lock", "trial"])?;
    let key = holder.line().await?;
    let mut waiting = etcdctl.spawn(&["lock", "trial"])?;

    etcdctl.mentions(&["get", "trial", "--prefix", "--keys-only"], &key).await?;
    etcdctl.prints(&["del", &key], "1").await?;

    let next = waiting.line().await?;
    ensure(next.starts_with("trial/") && next != key, || next)
}

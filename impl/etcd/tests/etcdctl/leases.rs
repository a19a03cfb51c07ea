//! Leases: grant, keep-alive, timetolive, list, revoke.

use libtest_mimic::{Failed, Trial};

use crate::tool::{Etcdctl, Outcome, ensure, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("etcdctl_grants_leases_and_revokes_them", leases),
        trial("etcdctl_sees_a_lease_end", ending),
    ]
}

async fn grant(etcdctl: &Etcdctl, seconds: &str) -> Result<String, Failed> {
    let granted = etcdctl.succeed(&["lease", "grant", seconds]).await?;
    let lease = granted.split(' ').nth(1).ok_or_else(|| granted.clone())?;
    Ok(lease.to_owned())
}

async fn leases(etcdctl: Etcdctl) -> Outcome {
    let lease = grant(&etcdctl, "600").await?;
    etcdctl.prints(&["put", "a", "1", "--lease", &lease], "OK").await?;

    let kept = format!("lease {lease} keepalived with TTL(600)");
    etcdctl.prints(&["lease", "keep-alive", "--once", &lease], &kept).await?;
    let told = etcdctl.succeed(&["lease", "timetolive", &lease, "--keys"]).await?;
    ensure(told.starts_with(&format!("lease {lease} granted with TTL(600s), remaining(")), || {
        told.clone()
    })?;
    ensure(told.trim_end().ends_with("attached keys([a])"), || told)?;
    etcdctl.prints(&["lease", "list"], &format!("found 1 leases\n{lease}")).await?;
    etcdctl.prints(&["lease", "revoke", &lease], &format!("lease {lease} revoked")).await?;
    etcdctl.prints(&["get", "a"], "").await?;
    etcdctl.prints(&["lease", "list"], "found 0 leases").await?;
    let not_found = "etcdserver: requested lease not found";
    etcdctl.fails(&["lease", "revoke", &lease], not_found).await?;
    etcdctl.fails(&["lease", "keep-alive", "--once", &lease], not_found).await?;
    let expired = format!("lease {lease} already expired");
    etcdctl.prints(&["lease", "timetolive", &lease], &expired).await?;
    etcdctl.fails(&["lease", "grant", "9000000001"], "etcdserver: too large lease TTL").await
}

async fn ending(etcdctl: Etcdctl) -> Outcome {
    let lease = grant(&etcdctl, "3").await?;
    etcdctl.prints(&["put", "a", "1", "--lease", &lease], "OK").await?;
    let mut watch = etcdctl.spawn(&["watch", "a", "--rev", "3"])?;

    ensure(watch.line().await? == "DELETE", || "the key stays".to_owned())?;
    etcdctl.prints(&["get", "a"], "").await
}

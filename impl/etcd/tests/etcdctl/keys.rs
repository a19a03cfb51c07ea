//! Keys: put, get, del, txn, compaction.

use libtest_mimic::Trial;

use crate::tool::{Etcdctl, Outcome, ensure, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("etcdctl_puts_and_gets", put_and_get),
        trial("etcdctl_gets_ranges", ranges),
        trial("etcdctl_gets_in_every_order", orders),
        trial("etcdctl_deletes", delete),
        trial("etcdctl_makes_transactions", transactions),
        trial("etcdctl_compacts", compaction),
        trial("etcdctl_prints_json", json),
    ]
}

async fn fill(etcdctl: &Etcdctl, pairs: &[(&str, &str)]) -> Outcome {
    for (key, value) in pairs {
        etcdctl.prints(&["put", key, value], "OK").await?;
    }
    Ok(())
}

async fn put_and_get(etcdctl: Etcdctl) -> Outcome {
    etcdctl.prints(&["put", "a", "1"], "OK").await?;
    etcdctl.prints(&["put", "a", "2", "--prev-kv"], "OK\na\n1").await?;
    etcdctl.prints(&["get", "a"], "a\n2").await?;
    etcdctl.prints(&["get", "a", "--print-value-only"], "2").await?;
    etcdctl.prints(&["get", "a", "--rev", "2"], "a\n1").await?;
    etcdctl.prints(&["get", "a", "--consistency", "s"], "a\n2").await?;
    etcdctl.prints(&["get", "missing"], "").await?;
    etcdctl.prints(&["put", "a", "--ignore-value"], "OK").await?;
    etcdctl.prints(&["put", "a", "3", "--ignore-lease"], "OK").await?;
    etcdctl.fails(&["put", "b", "--ignore-value"], "etcdserver: key not found").await?;
    etcdctl.fails(&["put", "", "1"], "etcdserver: key is not provided").await?;
    etcdctl.fails(&["put", "a", "1", "--lease", "7"], "etcdserver: requested lease not found").await
}

async fn ranges(etcdctl: Etcdctl) -> Outcome {
    fill(&etcdctl, &[("a", "1"), ("a/b", "2"), ("b", "3")]).await?;

    etcdctl.prints(&["get", "a", "--prefix"], "a\n1\na/b\n2").await?;
    etcdctl.prints(&["get", "a/b", "--from-key"], "a/b\n2\nb\n3").await?;
    etcdctl.prints(&["get", "a", "b"], "a\n1\na/b\n2").await?;
    etcdctl.prints(&["get", "b", "a"], "").await?;
    etcdctl.prints(&["get", "", "--prefix", "--keys-only"], "a\n\na/b\n\nb").await?;
    etcdctl.prints(&["get", "", "--from-key", "--limit", "2"], "a\n1\na/b\n2").await?;
    etcdctl
        .mentions(&["get", "", "--prefix", "--limit", "2", "-w", "fields"], "\"More\" : true")
        .await?;
    etcdctl
        .mentions(&["get", "", "--prefix", "--limit", "2", "-w", "fields"], "\"Count\" : 3")
        .await
}

async fn orders(etcdctl: Etcdctl) -> Outcome {
    fill(&etcdctl, &[("b", "2"), ("a", "3"), ("c", "1"), ("a", "3")]).await?;
    let sorted = async |by: &str, order: &str, expected: &str| {
        let arguments =
            ["get", "", "--prefix", "--print-value-only", "--sort-by", by, "--order", order];
        etcdctl.prints(&arguments, expected).await
    };

    sorted("KEY", "DESCEND", "1\n2\n3").await?;
    sorted("CREATE", "ASCEND", "2\n3\n1").await?;
    sorted("MODIFY", "DESCEND", "3\n1\n2").await?;
    sorted("VERSION", "DESCEND", "3\n2\n1").await?;
    sorted("VALUE", "ASCEND", "1\n2\n3").await?;
    etcdctl.prints(&["get", "", "--prefix", "--sort-by", "VALUE"], "c\n1\nb\n2\na\n3").await
}

async fn delete(etcdctl: Etcdctl) -> Outcome {
    fill(&etcdctl, &[("a/1", "1"), ("a/2", "2"), ("b", "3"), ("c", "4")]).await?;

    etcdctl.prints(&["del", "a/", "--prefix", "--prev-kv"], "2\na/1\n1\na/2\n2").await?;
    etcdctl.prints(&["del", "a/1"], "0").await?;
    etcdctl.prints(&["del", "c", "b"], "0").await?;
    etcdctl.prints(&["del", "b", "--from-key"], "2").await
}

const CREATE: &str =
    "create(\"a\") = \"0\"\n\nput a 1\nget a\n\nput a 2\ndel b\nget \"\" --prefix --keys-only\n\n";

async fn transactions(etcdctl: Etcdctl) -> Outcome {
    fill(&etcdctl, &[("b", "1")]).await?;
    let created = etcdctl.succeed_with(&["txn", "-i"], CREATE).await?;
    let updated = etcdctl.succeed_with(&["txn", "-i"], CREATE).await?;

    ensure(created.ends_with("SUCCESS\n\nOK\n\na\n1\n"), || created)?;
    ensure(updated.ends_with("FAILURE\n\nOK\n\n1\n\na\n\n"), || updated)?;
    let compares = "mod(\"a\") > \"3\"\nver(\"a\") < \"3\"\nval(\"a\") = \"2\"\n\nput c 1\n\n\n";
    let compared = etcdctl.succeed_with(&["txn", "-i"], compares).await?;
    ensure(compared.ends_with("SUCCESS\n\nOK\n"), || compared)
}

async fn compaction(etcdctl: Etcdctl) -> Outcome {
    fill(&etcdctl, &[("a", "1"), ("a", "2"), ("a", "3")]).await?;

    etcdctl.prints(&["compaction", "3"], "compacted revision 3").await?;
    etcdctl.prints(&["compaction", "4", "--physical"], "compacted revision 4").await?;
    let compacted = "etcdserver: mvcc: required revision has been compacted";
    etcdctl.fails(&["compaction", "4"], compacted).await?;
    etcdctl.fails(&["get", "a", "--rev", "3"], compacted).await?;
    let future = "etcdserver: mvcc: required revision is a future revision";
    etcdctl.fails(&["compaction", "9"], future).await?;
    etcdctl.fails(&["get", "a", "--rev", "9"], future).await
}

async fn json(etcdctl: Etcdctl) -> Outcome {
    let identity = etcdctl.server.etcd.identity();
    let header = |revision| {
        let (cluster, member) = (identity.cluster, identity.member);
        format!(
            r#""header":{{"cluster_id":{cluster},"member_id":{member},"revision":{revision},"raft_term":2}}"#
        )
    };

    etcdctl.prints(&["put", "a", "1", "-w", "json"], &format!("{{{}}}", header(2))).await?;
    let kv = r#"[{"key":"YQ==","create_revision":2,"mod_revision":2,"version":1,"value":"MQ=="}]"#;
    let got = format!("{{{},\"kvs\":{kv},\"count\":1}}", header(2));
    etcdctl.prints(&["get", "a", "-w", "json"], &got).await?;
    let deleted = format!("{{{},\"deleted\":1,\"prev_kvs\":{kv}}}", header(3));
    etcdctl.prints(&["del", "a", "--prev-kv", "-w", "json"], &deleted).await
}

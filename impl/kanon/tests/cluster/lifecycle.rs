//! Start, status, stop, delete, and what they leave behind.

use std::net::TcpListener;
use std::process::Command;

use libtest_mimic::Trial;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::hostile::Server;
use crate::support::{Cluster, Outcome, ensure, eventually, text, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("start_tells_its_steps_and_what_to_type_next", steps),
        trial("a_second_start_is_harmless", second_start),
        trial("delete_puts_the_old_context_back", context_is_put_back),
        trial("who_closes_is_not_ready_and_answers_what_is_under_way", closing),
        trial("stop_keeps_the_data_and_delete_removes_it", stop_and_delete),
        trial("a_port_in_use_is_one_line_and_leaves_nothing_running", port_in_use),
        trial("a_profile_that_is_no_dns_label_is_a_usage_error", bad_profile),
        trial("an_unreadable_kubeconfig_is_one_line", bad_kubeconfig),
        trial("an_unreadable_image_is_one_line", bad_image),
    ]
}

async fn steps() -> Outcome {
    let cluster = Cluster::new();

    let out = cluster.succeed(&["start", "--runtime", "simulated", "--port", "0"])?;

    ensure(out.contains(" ms  API server ready at https://127.0.0.1:"), &out)?;
    ensure(out.contains(" ms  1 node Ready"), &out)?;
    ensure(out.lines().last().is_some_and(|line| line.contains("kubectl get nodes")), &out)
}

async fn second_start() -> Outcome {
    let cluster = Cluster::simulated(&[])?;
    let pid = cluster.pid()?;

    let out = cluster.succeed(&["start", "--runtime", "simulated", "--port", "0"])?;

    ensure(out.contains("runs already") && cluster.pid()? == pid, out)
}

async fn context_is_put_back() -> Outcome {
    let cluster = Cluster::new();
    let before = "apiVersion: v1\nkind: Config\ncurrent-context: mine\nclusters: []\nusers: []\n\
                  contexts:\n- name: mine\n  context: {cluster: a, user: b}\n";
    std::fs::write(cluster.kubeconfig(), before)?;

    cluster.succeed(&["start", "--runtime", "simulated", "--port", "0"])?;
    let during = std::fs::read_to_string(cluster.kubeconfig())?;
    cluster.succeed(&["start", "--runtime", "simulated", "--port", "0"])?;
    cluster.succeed(&["delete"])?;
    let after = std::fs::read_to_string(cluster.kubeconfig())?;

    ensure(during.contains("current-context: trial"), &during)?;
    ensure(after.contains("current-context: mine") && !after.contains("trial"), after)
}

/// A request that is under way when the server begins to close.
async fn closing() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let server = Server::of(&cluster)?;
    let mut stream = server.connect().await?;
    let head = "GET /readyz?verbose HTTP/1.1\r\nhost: kanon\r\ncontent-length: 1\r\n\
                expect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    let mut begun = vec![0; 25];
    stream.read_exact(&mut begun).await?;
    ensure(begun == b"HTTP/1.1 100 Continue\r\n\r\n", text(&begun))?;

    Command::new("kill").args(["-TERM", &cluster.pid()?]).status()?;
    eventually("nobody is let in", || async { Ok(server.connect().await.is_err().then_some(())) })
        .await?;
    stream.write_all(b"x").await?;
    let mut answer = vec![];
    stream.read_to_end(&mut answer).await?;
    cluster.ended().await?;

    let answer = text(&answer);
    ensure(answer.starts_with("HTTP/1.1 500 Internal Server Error\r\n"), &answer)?;
    let told = "[+]etcd ok\n[-]shutdown failed: reason withheld\nreadyz check failed\n";
    ensure(answer.ends_with(told), answer)
}

async fn stop_and_delete() -> Outcome {
    let cluster = Cluster::simulated(&[])?;

    cluster.succeed(&["stop"])?;
    let kept = cluster.data().join("store").join("wal-0").exists();
    let status = cluster.kanon(&["status"]).status.code();
    cluster.succeed(&["stop"])?;
    cluster.succeed(&["delete"])?;

    ensure(kept && status == Some(1), format!("kept: {kept}, status: {status:?}"))?;
    ensure(!cluster.data().exists(), "the data is still there")
}

async fn port_in_use() -> Outcome {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let port = taken.local_addr()?.port().to_string();
    let cluster = Cluster::new();

    let line = cluster.fail(&["start", "--runtime", "simulated", "--port", &port])?;

    ensure(line.contains(&port) && line.contains("in use"), &line)?;
    ensure(cluster.kanon(&["status"]).status.code() == Some(1), "it runs")?;
    ensure(!cluster.kubeconfig().exists(), "the kubeconfig was touched")
}

async fn bad_profile() -> Outcome {
    let program = env!("CARGO_BIN_EXE_kanon");

    let output = std::process::Command::new(program).args(["status", "-p", "No_Label"]).output()?;

    ensure(output.status.code() == Some(2), format!("{output:?}"))
}

async fn bad_kubeconfig() -> Outcome {
    let cluster = Cluster::new();
    std::fs::write(cluster.kubeconfig(), "{not yaml")?;

    let line = cluster.fail(&["start", "--runtime", "simulated", "--port", "0"])?;

    let kept = std::fs::read_to_string(cluster.kubeconfig())?;
    std::fs::remove_file(cluster.kubeconfig())?;
    ensure(line.contains("kubeconfig") && kept == "{not yaml", format!("{line}: {kept}"))
}

async fn bad_image() -> Outcome {
    let cluster = Cluster::new();
    let file = cluster.file("image.tar");
    std::fs::write(&file, "no image")?;

    let line = cluster.fail(&["image", "load", &file.to_string_lossy()])?;

    ensure(line.contains("image.tar"), line)
}

//! Ports of a pod forwarded by kubectl of several versions: those up to 1.30 speak SPDY, later ones SPDY
//! within a WebSocket. These trials need root, a static `/bin/busybox` and kubectl.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{ChildStdout, Stdio};

use libtest_mimic::{Failed, Trial};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::containers::with_containers;
use crate::kubectl::Kubectl;
use crate::kubectl_versions::of_version;
use crate::proxies::{PAGE, Running, serving};
use crate::support::{Cluster, Outcome, ensure, eventually, text};

const VERSIONS: [&str; 7] = ["1.27", "1.28", "1.29", "1.30", "1.31", "1.32", "1.33"];

pub(crate) fn trials() -> Vec<Trial> {
    let forwards = VERSIONS.map(|version| of_version(version, "forwards_ports", forwards));
    // Later ones run commands over a WebSocket, as the other trials do.
    let old = ["1.27", "1.28", "1.29"];
    let commands = old.map(|version| of_version(version, "runs_commands", commands));
    with_containers(forwards.into_iter().chain(commands).collect())
}

/// A kubectl that forwards a port of the pod, and where.
struct Forward {
    kubectl: Running,
    address: String,
    /// It says each connection; when nobody hears that, it ends.
    _stdout: BufReader<ChildStdout>,
}

impl Forward {
    fn of(cluster: &Cluster, program: &PathBuf, port: &str) -> Result<Self, Failed> {
        let mut command = Kubectl(cluster).command(program);
        let ports = format!("0:{port}");
        let command = command.args(["port-forward", "pod/web", "--address=127.0.0.1", &ports]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let mut kubectl = Running(child);
        let mut line = String::new();
        let stdout = kubectl.0.stdout.take().ok_or("kubectl says where it listens")?;
        let mut stdout = BufReader::new(stdout);
        stdout.read_line(&mut line)?;
        let address = line.split(' ').nth(2).ok_or(format!("it says {line}"))?.to_owned();
        Ok(Self { kubectl, address, _stdout: stdout })
    }

    /// A connection over which a request has been sent.
    async fn asked(&self) -> Result<TcpStream, Failed> {
        let mut stream = TcpStream::connect(&self.address).await?;
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await?;
        Ok(stream)
    }
}

async fn answer(mut stream: TcpStream) -> Result<String, Failed> {
    let mut answer = vec![];
    stream.read_to_end(&mut answer).await?;
    Ok(text(&answer))
}

async fn forwards(program: PathBuf) -> Outcome {
    let cluster = serving()?;
    let forward = Forward::of(&cluster, &program, "8080")?;

    // One that says nothing, and one that hangs up, are in nobody's way.
    let silent = TcpStream::connect(&forward.address).await?;
    drop(forward.asked().await?);
    let (first, second) = (forward.asked().await?, forward.asked().await?);
    for stream in [second, first] {
        let page = answer(stream).await?;
        ensure(page.starts_with("HTTP/1.") && page.contains(PAGE), page)?;
    }
    drop(silent);
    let page = answer(forward.asked().await?).await?;
    ensure(page.contains(PAGE), page)?;

    let mut nobody = Forward::of(&cluster, &program, "81")?;
    let nothing = answer(nobody.asked().await?).await.unwrap_or_default();
    ensure(nothing.is_empty(), nothing)?;
    let stderr = nobody.kubectl.0.stderr.take().ok_or("kubectl says what went wrong")?;
    let mut why = String::new();
    BufReader::new(stderr).read_line(&mut why)?;
    let expected = "error forwarding port 81 to pod web, uid : failed to execute portforward";
    ensure(why.contains(expected) && why.contains("127.0.0.1:81: connect: connection refused"), why)
}

async fn commands(program: PathBuf) -> Outcome {
    let cluster = serving()?;
    let run = |arguments: &[&str], input: &[u8]| -> Result<(i32, String, String), Failed> {
        let mut command = Kubectl(&cluster).command(&program);
        let command = command.arg("exec").args(arguments).stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let mut stdin = child.stdin.take().ok_or("kubectl reads")?;
        stdin.write_all(input)?;
        drop(stdin);
        let output = child.wait_with_output()?;
        let code = output.status.code().unwrap_or(-1);
        Ok((code, text(&output.stdout), text(&output.stderr)))
    };

    let (code, out, err) =
        run(&["-i", "web", "--", "sh", "-c", "cat; echo why >&2; exit 7"], b"said\n")?;
    ensure(
        code == 7 && out == "said\n" && err.starts_with("why\n"),
        format!("{code} {out} {err}"),
    )?;
    let much = vec![b'x'; 1 << 20];
    let (code, out, err) = run(&["-i", "web", "--", "wc", "-c"], &much)?;
    ensure(code == 0 && out.trim() == much.len().to_string(), format!("{code} {out} {err}"))?;
    let (code, out, err) = run(&["web", "--", "nope"], b"")?;
    ensure(code != 0 && out.is_empty() && !err.is_empty(), format!("{code} {out} {err}"))?;
    eventually("the pod is still served", || async {
        let (code, out, _) = run(&["web", "--", "echo", "there"], b"")?;
        Ok((code == 0 && out == "there\n").then_some(()))
    })
    .await
}

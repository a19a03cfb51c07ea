//! `kanon store serve`, run as a user runs it.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use etcd_client::Client;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kanon"));
    command.args(["store", "serve", "--data-dir"]).arg(folder);
    command
}

/// A server that is ready, and where it is.
fn start(folder: &Path) -> (Child, String) {
    let anywhere = ["--listen", "127.0.0.1:0"];
    let mut child =
        command(folder).args(anywhere).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut line = String::new();
    let stdout = child.stdout.as_mut().expect("its output is ours");
    BufReader::new(stdout).read_line(&mut line).expect("it says something");
    let url = line.trim_end().rsplit(' ').next().expect("a line has a last word");
    assert!(url.starts_with("http://127.0.0.1:"), "{line:?}");
    (child, url.to_owned())
}

/// Stops a server. Whether it ends well, and what it has said besides the first line.
fn stop(mut child: Child, signal: Signal) -> (bool, String) {
    let pid = Pid::from_raw(child.id().cast_signed());
    kill(pid, signal).expect("it can be told to stop");
    let status = child.wait().expect("it ends");
    let mut rest = String::new();
    let stdout = child.stdout.as_mut().expect("its output is ours");
    stdout.read_to_string(&mut rest).expect("text");
    (status.success(), rest)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn it_keeps_what_it_took_and_stops_when_told_to_though_somebody_watches() {
    let folder = tempfile::tempdir().unwrap();
    let (child, url) = start(folder.path());
    let mut client = Client::connect([&url], None).await.unwrap();
    client.put("a", "1", None).await.unwrap();
    let mut watch = client.watch("a", None).await.unwrap();
    assert!(watch.message().await.unwrap().unwrap().created());

    assert_eq!(stop(child, Signal::SIGTERM), (true, String::new()));

    assert!(watch.message().await.is_err());
    let (child, url) = start(folder.path());
    let mut client = Client::connect([&url], None).await.unwrap();
    assert_eq!(client.get("a", None).await.unwrap().kvs()[0].value(), b"1");
    assert_eq!(stop(child, Signal::SIGINT), (true, String::new()));
}

fn run(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let Output { status, stderr, .. } =
        command(folder).args(arguments).output().expect("it starts");
    (status.code(), String::from_utf8_lossy(&stderr).into_owned())
}

#[test]
fn what_cannot_be_served_is_told_in_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let (child, url) = start(folder.path());
    let address = url.trim_start_matches("http://");
    let other = tempfile::tempdir().unwrap();
    let cannot = |folder: &Path, arguments: &[&str], why: &str| {
        let (code, message) = run(folder, arguments);
        assert_eq!((code, message.lines().count()), (Some(3), 1), "{message}");
        assert!(message.contains(why), "{message}");
    };

    cannot(folder.path(), &["--listen", "127.0.0.1:0"], "is in use by another process");
    cannot(other.path(), &["--listen", address], address);
    cannot(other.path(), &["--cert-file", "/missing", "--key-file", "/missing"], "/missing");
    let garbage = other.path().join("garbage");
    std::fs::write(&garbage, "garbage").unwrap();
    let garbage = garbage.to_string_lossy();
    cannot(other.path(), &["--cert-file", &garbage, "--key-file", &garbage], "");

    assert!(stop(child, Signal::SIGTERM).0);
}

#[test]
fn flags_that_make_no_sense_are_usage_errors() {
    let folder = tempfile::tempdir().unwrap();

    for arguments in [
        &["--cert-file", "a"][..],
        &["--trusted-ca-file", "a"],
        &["--client-cert-auth", "--cert-file", "a", "--key-file", "b"],
        &["--watch-progress-notify-interval", "0"],
    ] {
        assert_eq!(run(folder.path(), arguments).0, Some(2), "{arguments:?}");
    }
}

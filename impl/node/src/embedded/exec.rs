//! Runs commands in containers, and attaches to what runs in them.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use host::node_server::ExecStreams;
use kubelet::runtime::{ContainerId, Exit};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use super::Embedded;
use crate::{Error, shim};

/// How long output may still come after a command has ended.
const DRAIN: Duration = Duration::from_secs(2);

static PROCESS_NUMBER: AtomicU64 = AtomicU64::new(0);

impl Embedded {
    /// Runs a command in a container until it ends; returns its exit code.
    pub(super) async fn exec_in(
        &self,
        id: &ContainerId,
        process: (Vec<String>, bool),
        streams: ExecStreams,
    ) -> Result<i32, Error> {
        let directory = self.0.paths.container(id);
        let file = write_process(&directory, &process.0, process.1)?;
        let child = spawn(&directory, &file);
        let code = match child {
            Ok(child) => run(child, process.1, streams).await,
            Err(error) => Err(error),
        };
        // It goes with the container's directory otherwise.
        let _left = std::fs::remove_file(file);
        code
    }

    /// Joins a container's streams until it ends; returns its exit code.
    pub(super) async fn attach_to(
        &self,
        id: &ContainerId,
        streams: ExecStreams,
    ) -> Result<i32, Error> {
        let directory = self.0.paths.container(id);
        let opened = File::open(&directory).map_err(Error::file(&directory))?;
        // A socket's address is short, the directory's path may be long.
        let address = format!("/proc/self/fd/{}/{}", opened.as_raw_fd(), shim::ATTACH_SOCKET);
        let socket =
            UnixStream::connect(&address).await.map_err(Error::file(Path::new(&address)))?;
        let (mut output, input) = socket.into_split();
        let typing = tokio::spawn(send_frames(input, streams.stdin, streams.resize));
        read_frames(&mut output, &streams.stdout, &streams.stderr).await;
        typing.abort();
        let exit: Option<Exit> = shim::read(&directory.join("exit.json")).ok();
        Ok(exit.map_or(0, |exit| exit.exit_code))
    }
}

/// The container's own process with another command: same user, environment, directory and rights.
fn write_process(directory: &Path, command: &[String], tty: bool) -> Result<PathBuf, Error> {
    let path = directory.join("config.json");
    let mut configuration: Value = shim::read(&path).map_err(Error::file(&path))?;
    let mut process = configuration["process"].take();
    process["args"] = json!(command);
    process["terminal"] = json!(tty);
    if tty && let Some(environment) = process["env"].as_array_mut() {
        let has_term =
            environment.iter().any(|one| one.as_str().is_some_and(|one| one.starts_with("TERM=")));
        if !has_term {
            environment.push(json!("TERM=xterm"));
        }
    }
    let number = PROCESS_NUMBER.fetch_add(1, Ordering::Relaxed);
    let file = directory.join(format!("process-{}-{number}.json", std::process::id()));
    shim::write(&file, &process).map_err(Error::file(&file))?;
    Ok(file)
}

fn spawn(directory: &Path, process: &Path) -> Result<Child, Error> {
    Command::new("/proc/self/exe")
        .args([Path::new(shim::EXEC), directory, process])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| Error::Program { program: "kanon", message: error.to_string() })
}

async fn run(mut child: Child, tty: bool, streams: ExecStreams) -> Result<i32, Error> {
    let (Some(stdin), Some(stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(Error::Program { program: "kanon", message: "no pipes".to_owned() });
    };
    let typing = if tty {
        tokio::spawn(send_frames(stdin, streams.stdin, streams.resize))
    } else {
        tokio::spawn(send_bytes(stdin, streams.stdin))
    };
    // With a terminal only the helper itself writes to standard error: why nothing could be run.
    let errors = if tty { streams.stdout.clone() } else { streams.stderr };
    let printing = tokio::spawn(receive(stdout, streams.stdout));
    let complaining = tokio::spawn(receive(stderr, errors));
    let status = child
        .wait()
        .await
        .map_err(|error| Error::Program { program: "kanon", message: error.to_string() })?;
    // A child that the command left behind may hold the streams open for ever.
    let _left_behind = tokio::time::timeout(DRAIN, async {
        let _ended = printing.await;
        let _ended = complaining.await;
    })
    .await;
    typing.abort();
    Ok(status.code().unwrap_or(255))
}

async fn receive(mut from: impl AsyncRead + Unpin, to: mpsc::Sender<Bytes>) {
    let mut buffer = vec![0; 32 * 1024];
    while let Ok(length) = from.read(&mut buffer).await {
        if length == 0 || to.send(Bytes::copy_from_slice(&buffer[..length])).await.is_err() {
            return;
        }
    }
}

async fn send_bytes(mut to: impl AsyncWrite + Unpin, mut from: mpsc::Receiver<Bytes>) {
    while let Some(bytes) = from.recv().await {
        if to.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

async fn send_frames(
    mut to: impl AsyncWrite + Unpin,
    mut typed: mpsc::Receiver<Bytes>,
    mut sizes: mpsc::Receiver<(u16, u16)>,
) {
    let mut open = true;
    loop {
        let frame = tokio::select! {
            bytes = typed.recv(), if open => match bytes {
                Some(bytes) if bytes.is_empty() => continue,
                Some(bytes) => shim::frame(0, &bytes),
                None => {
                    open = false;
                    shim::frame(0, &[])
                }
            },
            size = sizes.recv() => match size {
                Some((columns, rows)) => {
                    let [a, b] = columns.to_be_bytes();
                    let [c, d] = rows.to_be_bytes();
                    shim::frame(4, &[a, b, c, d])
                }
                None if open => match typed.recv().await {
                    Some(bytes) => shim::frame(0, &bytes),
                    None => {
                        open = false;
                        shim::frame(0, &[])
                    }
                },
                None => return std::future::pending().await,
            },
        };
        if to.write_all(&frame).await.is_err() {
            return;
        }
    }
}

async fn read_frames(
    from: &mut (impl AsyncRead + Unpin),
    stdout: &mpsc::Sender<Bytes>,
    stderr: &mpsc::Sender<Bytes>,
) {
    loop {
        let (Ok(stream), Ok(length)) = (from.read_u8().await, from.read_u32().await) else {
            return;
        };
        let mut bytes = vec![0; length as usize];
        if from.read_exact(&mut bytes).await.is_err() {
            return;
        }
        let to = if stream == 2 { stderr } else { stdout };
        if to.send(Bytes::from(bytes)).await.is_err() {
            return;
        }
    }
}

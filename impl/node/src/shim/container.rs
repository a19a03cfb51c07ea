//! Runs one container from start to exit.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use api::Timestamp;
use kubelet::runtime::Exit;
use libcontainer::container::Container;
use libcontainer::container::builder::ContainerBuilder;
use libcontainer::syscall::syscall::SyscallType;
use nix::fcntl::{Flock, OFlag};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, pipe2};

use super::attach::{Attached, Input};
use super::console::{self, ConsoleSocket};
use super::files::{self, Answer, Config, Started};
use super::log::Log;
use super::signals;
use crate::error::reason;
use crate::{cgroup, process};

/// Starts the container in `directory`, tells the parent, and stays until it has ended.
pub(super) fn main(directory: &Path) -> i32 {
    let (mut shim, started) = match start(directory) {
        Ok(started) => started,
        Err(message) => {
            answer(&Answer::Failed(message));
            return 1;
        }
    };
    answer(&Answer::Started(started));
    let code = shim.run();
    shim.end(directory, code);
    0
}

/// Prints the answer and closes standard output, which is all the parent waits for.
fn answer(answer: &Answer) {
    let line = serde_json::to_string(answer).expect("an answer is JSON");
    // A parent that has gone reads `started.json` when it comes back.
    let _gone = writeln!(io::stdout(), "{line}");
    let null = File::options().write(true).open("/dev/null");
    if let Ok(null) = null {
        let _unchanged = nix::unistd::dup2_stdout(&null);
    }
}

fn start(directory: &Path) -> Result<(Shim, Started), String> {
    let text = |error: io::Error| error.to_string();
    let config: Config = files::read(&directory.join("shim.json")).map_err(text)?;
    let lock = files::lock(directory).map_err(text)?.ok_or("another shim runs this container")?;
    // A shim outlives the terminal that its parent was started from; a leader of a session already does.
    let _leader = nix::unistd::setsid();
    std::env::set_current_dir(directory).map_err(text)?;
    nix::sys::prctl::set_child_subreaper(true).map_err(|error| error.to_string())?;
    let attached = Attached::listen().map_err(text)?;
    let log = Log::open(&config.log).map_err(text)?;
    let (mut container, streams) = signals::with_default_pipe(|| create(directory, &config))?;
    let signals = SigSet::from_iter([Signal::SIGCHLD]);
    signals.thread_block().map_err(|error| error.to_string())?;
    let signals = SignalFd::with_flags(&signals, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)
        .map_err(|error| error.to_string())?;
    container.start().map_err(reason)?;
    let pid = container.pid().ok_or("the container has no process")?.as_raw();
    let shim = i32::try_from(std::process::id()).map_err(|error| error.to_string())?;
    let shim_start = process::start_time(shim).map_err(text)?;
    let started = Started { shim, shim_start, pid, started_at: Timestamp::now() };
    files::write(&directory.join("started.json"), &started).map_err(text)?;
    let shim = Shim {
        _lock: lock,
        config,
        container,
        pid: Pid::from_raw(pid),
        streams,
        signals,
        attached,
        log,
    };
    Ok((shim, started))
}

fn create(directory: &Path, config: &Config) -> Result<(Container, Streams), String> {
    let text = |error: io::Error| error.to_string();
    let builder = ContainerBuilder::new(config.name.clone(), SyscallType::default())
        .with_root_path(directory.join("libcontainer"))
        .map_err(reason)?;
    if config.tty {
        let console = ConsoleSocket::listen(directory).map_err(text)?;
        let container = builder
            .with_console_socket(Some(console.path()))
            .as_init(directory)
            .with_systemd(false)
            .build()
            .map_err(reason)?;
        let terminal = File::from(console.receive().map_err(text)?);
        return Ok((container, Streams::Terminal(Some(terminal))));
    }
    let pipe = || pipe2(OFlag::O_CLOEXEC).map_err(|error| error.to_string());
    let (stdout, stdout_inside) = pipe()?;
    let (stderr, stderr_inside) = pipe()?;
    let (stdin_inside, stdin) = standard_input(config.stdin)?;
    let container = builder
        .with_stdin(stdin_inside)
        .with_stdout(stdout_inside)
        .with_stderr(stderr_inside)
        .as_init(directory)
        .with_systemd(false)
        .build()
        .map_err(reason)?;
    let output = [stdout, stderr].map(|pipe| Some(File::from(pipe)));
    Ok((container, Streams::Pipes { stdin, output }))
}

fn standard_input(open: bool) -> Result<(OwnedFd, Option<File>), String> {
    if open {
        let (inside, outside) = pipe2(OFlag::O_CLOEXEC).map_err(|error| error.to_string())?;
        return Ok((inside, Some(File::from(outside))));
    }
    let null = File::open("/dev/null").map_err(|error| error.to_string())?;
    Ok((OwnedFd::from(null), None))
}

/// The shim's ends of the container's streams. One that has ended is gone.
enum Streams {
    Terminal(Option<File>),
    Pipes { stdin: Option<File>, output: [Option<File>; 2] },
}

impl Streams {
    fn descriptors(&self) -> [Option<BorrowedFd<'_>>; 2] {
        match self {
            Self::Terminal(terminal) => [terminal.as_ref().map(AsFd::as_fd), None],
            Self::Pipes { output: [stdout, stderr], .. } => {
                [stdout, stderr].map(|stream| stream.as_ref().map(AsFd::as_fd))
            }
        }
    }

    fn stream(&mut self, index: usize) -> Option<&mut Option<File>> {
        match self {
            Self::Terminal(terminal) => (index == 0).then_some(terminal),
            Self::Pipes { output, .. } => output.get_mut(index),
        }
    }

    /// What came next from a stream; its end closes it.
    fn read(&mut self, index: usize) -> Vec<u8> {
        let Some(slot) = self.stream(index) else {
            return vec![];
        };
        let mut bytes = vec![0; 32 * 1024];
        let length = slot.as_mut().map_or(0, |stream| stream.read(&mut bytes).unwrap_or(0));
        if length == 0 {
            *slot = None;
        }
        bytes.truncate(length);
        bytes
    }

    fn has_ended(&self) -> bool {
        self.descriptors().iter().all(Option::is_none)
    }

    fn input(&mut self, input: Input) {
        match (self, input) {
            (Self::Terminal(Some(terminal)), Input::Stdin(bytes)) => {
                let _gone = terminal.write_all(&bytes);
            }
            (Self::Terminal(Some(terminal)), Input::Resize(columns, rows)) => {
                console::resize(terminal, columns, rows);
            }
            (Self::Pipes { stdin, .. }, Input::Stdin(bytes)) if bytes.is_empty() => *stdin = None,
            (Self::Pipes { stdin: Some(stdin), .. }, Input::Stdin(bytes)) => {
                let _gone = stdin.write_all(&bytes);
            }
            (Self::Terminal(None), _) | (Self::Pipes { .. }, _) => {}
        }
    }
}

/// A running container with its shim.
struct Shim {
    _lock: Flock<File>,
    config: Config,
    container: Container,
    pid: Pid,
    streams: Streams,
    signals: SignalFd,
    attached: Attached,
    log: Log,
}

/// How long a stream may stay open after the container's first process has ended.
const DRAIN_MILLISECONDS: u16 = 2000;

impl Shim {
    /// Copies and reaps until the container has ended and its streams are empty; returns the exit code.
    fn run(&mut self) -> i32 {
        let mut code = self.reap();
        while code.is_none() || !self.streams.has_ended() {
            let timeout = code.map_or(PollTimeout::NONE, |_| PollTimeout::from(DRAIN_MILLISECONDS));
            let ready = self.wait(timeout);
            if ready.is_empty() && code.is_some() {
                break;
            }
            for stream in ready {
                self.copy(stream);
            }
            for input in self.attached.receive() {
                self.streams.input(input);
            }
            while let Ok(Some(_)) = self.signals.read_signal() {}
            code = code.or_else(|| self.reap());
        }
        code.unwrap_or(255)
    }

    /// Waits until something happens; returns the streams that can be read, or `[usize::MAX]` when it was
    /// something else.
    fn wait(&self, timeout: PollTimeout) -> Vec<usize> {
        let streams = self.streams.descriptors();
        let mut sources: Vec<usize> = vec![];
        let mut polled: Vec<PollFd<'_>> = vec![];
        for (index, descriptor) in streams.iter().enumerate() {
            if let Some(descriptor) = descriptor {
                sources.push(index);
                polled.push(PollFd::new(*descriptor, PollFlags::POLLIN));
            }
        }
        let others = self.attached.descriptors();
        for descriptor in others.into_iter().chain([self.signals.as_fd()]) {
            sources.push(usize::MAX);
            polled.push(PollFd::new(descriptor, PollFlags::POLLIN));
        }
        if poll(&mut polled, timeout).is_err() {
            return vec![usize::MAX];
        }
        let ready = polled.iter().map(|one| one.revents().is_some_and(|events| !events.is_empty()));
        sources
            .into_iter()
            .zip(ready)
            .filter_map(|(source, ready)| ready.then_some(source))
            .collect()
    }

    fn copy(&mut self, stream: usize) {
        if stream == usize::MAX {
            return;
        }
        let bytes = self.streams.read(stream);
        if bytes.is_empty() {
            return;
        }
        // A full disk loses the log, not the container.
        let _lost = self.log.write(stream, &bytes);
        self.attached.broadcast(if stream == 0 { 1 } else { 2 }, &bytes);
    }

    /// Reaps every ended child; returns the container's exit code when it is among them.
    fn reap(&self) -> Option<i32> {
        let mut code = None;
        loop {
            match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, exit_code)) if pid == self.pid => code = Some(exit_code),
                Ok(WaitStatus::Signaled(pid, signal, _)) if pid == self.pid => {
                    code = Some(128 + signal as i32);
                }
                Ok(WaitStatus::StillAlive) | Err(_) => return code,
                Ok(_) => {}
            }
        }
    }

    fn end(mut self, directory: &Path, exit_code: i32) {
        // What it has left in a PID namespace that is not its own.
        cgroup::kill(&self.config.cgroup);
        let _lost = self.log.finish();
        let oom_killed = cgroup::oom_kills(&self.config.cgroup) > 0;
        let exit =
            Exit { exit_code, oom_killed, finished_at: Timestamp::now(), message: String::new() };
        // Nobody is left to tell when the disk is full; the runtime sees a shim that died.
        let _lost = files::write(&directory.join("exit.json"), &exit);
        let _left = self.container.delete(true);
    }
}

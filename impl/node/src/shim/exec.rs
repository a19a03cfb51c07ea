//! Runs one command in a running container, on the streams that the helper inherited.
//!
//! With a terminal, standard input carries frames (see `attach`): what is typed and the terminal's sizes.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, FromRawFd};
use std::path::Path;

use libcontainer::container::builder::ContainerBuilder;
use libcontainer::syscall::syscall::SyscallType;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

use super::attach::{Frames, Input};
use super::console::{self, ConsoleSocket};
use super::files::{self, Config};
use super::signals;
use crate::error::reason;

/// The exit code of a command that could not be started. Source: what shells and runc return.
const CANNOT_EXECUTE: i32 = 126;

/// Runs the OCI process in the file `process` in the container of `directory`; returns its exit code.
pub(super) fn main(directory: &Path, process: &Path) -> i32 {
    match run(directory, process) {
        Ok(code) => code,
        Err(message) => {
            let _gone = writeln!(std::io::stderr(), "{message}");
            CANNOT_EXECUTE
        }
    }
}

fn run(directory: &Path, process: &Path) -> Result<i32, String> {
    let config: Config =
        files::read(&directory.join("shim.json")).map_err(|error| error.to_string())?;
    let terminal = files::read::<oci_spec::runtime::Process>(process)
        .map_err(|error| error.to_string())?
        .terminal()
        .unwrap_or(false);
    std::env::set_current_dir(directory).map_err(|error| error.to_string())?;
    nix::sys::prctl::set_child_subreaper(true).map_err(|error| error.to_string())?;
    let builder = ContainerBuilder::new(config.name, SyscallType::default())
        .with_root_path(directory.join("libcontainer"))
        .map_err(reason)?;
    if !terminal {
        let tenant = builder.as_tenant().with_process(Some(process)).with_detach(true);
        let pid = signals::with_default_pipe(|| tenant.build()).map_err(reason)?;
        release_streams();
        return Ok(wait(pid.as_raw()));
    }
    let console = ConsoleSocket::listen(directory).map_err(|error| error.to_string())?;
    let tenant = builder
        .with_console_socket(Some(console.path()))
        .as_tenant()
        .with_process(Some(process))
        .with_detach(true);
    let pid = signals::with_default_pipe(|| tenant.build()).map_err(reason)?;
    let terminal = console.receive().map_err(|error| error.to_string())?;
    relay(&mut File::from(terminal));
    Ok(wait(pid.as_raw()))
}

/// Lets go of the streams that the command has now: their end must be its end.
fn release_streams() {
    if let Ok(null) = File::options().read(true).write(true).open("/dev/null") {
        let _unchanged = nix::unistd::dup2_stdin(&null);
        let _unchanged = nix::unistd::dup2_stdout(&null);
        let _unchanged = nix::unistd::dup2_stderr(&null);
    }
}

fn wait(pid: i32) -> i32 {
    loop {
        match waitpid(Pid::from_raw(pid), None) {
            Ok(WaitStatus::Exited(_, code)) => return code,
            Ok(WaitStatus::Signaled(_, signal, _)) => return 128 + signal as i32,
            Err(nix::errno::Errno::EINTR) | Ok(_) => {}
            Err(_) => return 255,
        }
    }
}

/// Copies between the terminal and the inherited streams until the terminal closes.
fn relay(terminal: &mut File) {
    let mut input = Some(inherited(0));
    let mut output = inherited(1);
    let mut frames = Frames::default();
    loop {
        let [printed, typed] = readable([Some(terminal), input.as_ref()]);
        if printed && !copy(terminal, &mut output) {
            return;
        }
        if typed && !input.as_mut().is_some_and(|input| type_in(input, &mut frames, terminal)) {
            input = None;
        }
    }
}

fn readable(files: [Option<&File>; 2]) -> [bool; 2] {
    let mut polled: Vec<PollFd<'_>> =
        files.iter().flatten().map(|file| PollFd::new(file.as_fd(), PollFlags::POLLIN)).collect();
    if poll(&mut polled, PollTimeout::NONE).is_err() {
        return [false; 2];
    }
    let mut events =
        polled.iter().map(|one| one.revents().is_some_and(|events| !events.is_empty()));
    files.map(|file| file.is_some() && events.next().unwrap_or(false))
}

/// Copies what is there; false at the end of either side.
fn copy(from: &mut File, to: &mut File) -> bool {
    let mut bytes = [0; 4096];
    match from.read(&mut bytes) {
        Ok(0) | Err(_) => false,
        Ok(length) => to.write_all(&bytes[..length]).is_ok(),
    }
}

/// Types what the client typed; false when the client has gone.
fn type_in(input: &mut File, frames: &mut Frames, terminal: &mut File) -> bool {
    let mut bytes = [0; 4096];
    let received = match input.read(&mut bytes) {
        Ok(0) | Err(_) => return false,
        Ok(length) => frames.push(&bytes[..length]),
    };
    let Some(received) = received else {
        return false;
    };
    for one in received {
        match one {
            // A terminal has no end of input; a person types it.
            Input::Stdin(typed) if typed.is_empty() => {}
            Input::Stdin(typed) => {
                let _closed = terminal.write_all(&typed);
            }
            Input::Resize(columns, rows) => console::resize(terminal, columns, rows),
        }
    }
    true
}

#[expect(unsafe_code, reason = "inherited descriptors have no owner yet")]
fn inherited(descriptor: i32) -> File {
    // SAFETY: the parent left this descriptor open for us, and nothing else in this process uses it.
    unsafe { File::from_raw_fd(descriptor) }
}

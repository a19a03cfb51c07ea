//! Watches, stops and removes containers.

use std::fs;
use std::time::Duration;

use api::Timestamp;
use kubelet::runtime::{ContainerId, Exit, RuntimeEvent};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::Embedded;
use crate::shim::{self, Started};
use crate::{cgroup, process};

/// `container.json`: what is known of a container after a restart of the kubelet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ContainerRecord {
    pub(super) image: String,
    pub(super) image_id: String,
    pub(super) stop_signal: String,
    /// Whether the end of the log counts as its last words.
    #[serde(default)]
    pub(super) message_from_log: bool,
}

/// The exit code of a container whose end nobody saw. Source: the kubelet's `ContainerStatusUnknown`.
const EXIT_UNKNOWN: i32 = 137;

impl Embedded {
    /// Reports a running container's end when it comes.
    pub(super) fn watch(&self, id: ContainerId, started: Started) {
        let this = self.clone();
        tokio::spawn(async move {
            // After a restart of the machine the number may be another process's.
            if process::is_running(started.shim, started.shim_start) {
                process::ended(started.shim).await;
            }
            let finishing = this.clone();
            this.in_background(move |_| Some(finishing.exited(id)));
        });
    }

    /// What is left of a container whose shim has ended. A shim that was killed takes its container
    /// with it here, so that nothing runs that nobody watches.
    fn exited(&self, id: ContainerId) -> RuntimeEvent {
        let exit = self.exit(&id).unwrap_or_else(|| {
            self.kill_orphan(&id);
            let exit = unknown();
            // The next adoption concludes the same.
            let _again = shim::write(&self.0.paths.container(&id).join("exit.json"), &exit);
            exit
        });
        self.unmount_rootfs(&id);
        self.state().kills.remove(&id);
        RuntimeEvent::ContainerExited { id, exit }
    }

    fn kill_orphan(&self, id: &ContainerId) {
        let config: Option<shim::Config> =
            shim::read(&self.0.paths.container(id).join("shim.json")).ok();
        if let Some(config) = config {
            cgroup::kill(&config.cgroup);
        }
    }

    pub(super) fn started(&self, id: &ContainerId) -> Option<Started> {
        shim::read(&self.0.paths.container(id).join("started.json")).ok()
    }

    /// The container's first process, if it runs.
    pub(super) fn running(&self, id: &ContainerId) -> Option<Started> {
        self.started(id).filter(|started| process::is_running(started.shim, started.shim_start))
    }

    pub(super) fn stop_container(&self, id: ContainerId, grace_period_seconds: i64) {
        let Some(started) = self.running(&id) else {
            self.report_end(id);
            return;
        };
        let grace = Duration::from_secs(grace_period_seconds.max(0).unsigned_abs());
        let when = Instant::now() + grace;
        let asked_before = {
            let mut state = self.state();
            match state.kills.get(&id) {
                Some(earlier) if *earlier <= when => return,
                earlier => {
                    let asked_before = earlier.is_some();
                    state.kills.insert(id.clone(), when);
                    asked_before
                }
            }
        };
        if !asked_before && !grace.is_zero() {
            signal(started.pid, self.stop_signal(&id));
        }
        let this = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep_until(when).await;
            let due = this.state().kills.get(&id) == Some(&when);
            if due && this.running(&id).is_some() {
                signal(started.pid, Signal::SIGKILL);
            }
        });
    }

    fn report_end(&self, id: ContainerId) {
        let exit = self.exit(&id).unwrap_or_else(unknown);
        self.report(RuntimeEvent::ContainerExited { id, exit });
    }

    fn stop_signal(&self, id: &ContainerId) -> Signal {
        let record: Option<ContainerRecord> =
            shim::read(&self.0.paths.container(id).join("container.json")).ok();
        let name = record.map(|record| record.stop_signal).unwrap_or_default();
        let full = if name.starts_with("SIG") { name } else { format!("SIG{name}") };
        full.parse().unwrap_or(Signal::SIGTERM)
    }

    pub(super) fn remove_container(&self, id: &ContainerId) {
        let directory = self.0.paths.container(id);
        if !directory.exists() {
            return;
        }
        self.unmount_rootfs(id);
        let config: Option<shim::Config> = shim::read(&directory.join("shim.json")).ok();
        if let Some(config) = config {
            cgroup::remove(&config.cgroup);
            // A log that is gone already was removed with its pod.
            let _gone = fs::remove_file(config.log);
        }
        // What cannot be removed now goes with the pod's directory.
        let _left = fs::remove_dir_all(&directory);
    }
}

/// The end that nobody saw.
fn unknown() -> Exit {
    Exit {
        exit_code: EXIT_UNKNOWN,
        oom_killed: false,
        finished_at: Timestamp::now(),
        message: String::new(),
    }
}

fn signal(pid: i32, signal: Signal) {
    // A process that has ended meanwhile needs no signal.
    let _ended = kill(Pid::from_raw(pid), signal);
}

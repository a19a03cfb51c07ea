//! Starts containers: root file system, configuration, shim.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use kubelet::runtime::{ContainerId, ContainerSpec, Processes, RuntimeEvent};
use nix::mount::{MsFlags, mount};

use super::Embedded;
use super::container::ContainerRecord;
use crate::bundle::{self, Surroundings};
use crate::image::Image;
use crate::shim::{self, Answer, Config, Started};
use crate::{Error, user};

impl Embedded {
    pub(super) fn start_container(&self, spec: ContainerSpec) {
        let this = self.clone();
        tokio::spawn(async move {
            let id = spec.id.clone();
            let starting = this.clone();
            let started = tokio::task::spawn_blocking(move || starting.try_start(&spec)).await;
            match started.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic())) {
                Ok(started) => {
                    let started_at = started.started_at;
                    this.report(RuntimeEvent::ContainerStarted { id: id.clone(), started_at });
                    this.watch(id, started);
                }
                Err(error) => {
                    this.unmount_rootfs(&id);
                    this.report(RuntimeEvent::ContainerFailed { id, message: error.to_string() });
                }
            }
        });
    }

    fn try_start(&self, spec: &ContainerSpec) -> Result<Started, Error> {
        let directory = self.0.paths.container(&spec.id);
        self.remove_container(&spec.id);
        fs::create_dir_all(&directory).map_err(Error::file(&directory))?;
        let image = self.0.images.image(&spec.image_id)?;
        let record = ContainerRecord {
            image: spec.image.clone(),
            image_id: spec.image_id.clone(),
            stop_signal: image.defaults.stop_signal.clone(),
            message_from_log: spec.termination_message.from_log,
        };
        write(&directory.join("container.json"), &record)?;
        self.revive_pause(&spec.id.pod_uid)?;
        let rootfs = mount_rootfs(&directory, &image)?;
        self.write_bundle(spec, &image, &directory, &rootfs)?;
        spawn(&directory)
    }

    fn write_bundle(
        &self,
        spec: &ContainerSpec,
        image: &Image,
        directory: &Path,
        rootfs: &Path,
    ) -> Result<(), Error> {
        if bundle::arguments(spec, &image.defaults).is_empty() {
            return Err(Error::Container("no command specified".to_owned()));
        }
        let user = user::resolve(&spec.security, &image.defaults.user, rootfs)
            .map_err(Error::Container)?;
        let cgroup =
            format!("{}/{}.{}", self.pod_cgroup(&spec.id.pod_uid), spec.id.name, spec.id.attempt);
        self.write_hosts(&spec.id.pod_uid, &spec.hosts)?;
        let around = Surroundings {
            rootfs,
            namespaces: &self.0.paths.namespaces(&spec.id.pod_uid),
            joined: self.joined(spec)?,
            cgroup: &cgroup,
            binds: self.binds(spec)?.into_iter().chain(self.message_bind(spec)?).collect(),
            user,
            hostname: self.pod_record(&spec.id.pod_uid)?.hostname,
        };
        let configuration = bundle::configuration(spec, &image.defaults, &around);
        write(&directory.join("config.json"), &configuration)?;
        let config = Config {
            name: format!("{}.{}", spec.id.name, spec.id.attempt),
            log: self.0.paths.log(&spec.pod, &spec.id),
            cgroup,
            tty: spec.tty,
            stdin: spec.stdin,
        };
        write(&directory.join("shim.json"), &config)
    }

    /// The PID namespace of the container whose processes this one is to see.
    fn joined(&self, spec: &ContainerSpec) -> Result<Option<String>, Error> {
        let Processes::Target(target) = &spec.processes else { return Ok(None) };
        let started = self.running(target);
        let pid = started.map(|started| started.pid).ok_or_else(|| {
            Error::Container(format!("target container \"{}\" is not running", target.name))
        })?;
        Ok(Some(format!("/proc/{pid}/ns/pid")))
    }

    pub(super) fn unmount_rootfs(&self, id: &ContainerId) {
        crate::sandbox::unmount(&self.0.paths.container(id).join("rootfs"));
    }
}

fn write(path: &Path, value: &impl serde::Serialize) -> Result<(), Error> {
    shim::write(path, value).map_err(Error::file(path))
}

/// Lays a fresh writable layer over the image's.
fn mount_rootfs(directory: &Path, image: &Image) -> Result<std::path::PathBuf, Error> {
    let [rootfs, upper, work] = ["rootfs", "upper", "work"].map(|name| directory.join(name));
    for path in [&rootfs, &upper, &work] {
        fs::create_dir_all(path).map_err(Error::file(path))?;
    }
    let lower: Vec<String> =
        image.layers.iter().rev().map(|layer| layer.display().to_string()).collect();
    if lower.is_empty() {
        return Err(Error::Image {
            image: image.id.clone(),
            reason: "it has no layers".to_owned(),
        });
    }
    let options = format!(
        "lowerdir={},upperdir={},workdir={}",
        lower.join(":"),
        upper.display(),
        work.display()
    );
    mount(Some("overlay"), &rootfs, Some("overlay"), MsFlags::empty(), Some(options.as_str()))
        .map_err(Error::system("mounting a container's root file system"))?;
    Ok(rootfs)
}

/// Starts a shim and waits for its one line.
fn spawn(directory: &Path) -> Result<Started, Error> {
    let errors = directory.join("shim.err");
    let stderr = File::create(&errors).map_err(Error::file(&errors))?;
    let failed =
        |error: std::io::Error| Error::Program { program: "kanon", message: error.to_string() };
    let mut child = Command::new("/proc/self/exe")
        .args([Path::new(shim::CONTAINER), directory])
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(stderr)
        .spawn()
        .map_err(failed)?;
    let mut line = String::new();
    if let Some(stdout) = child.stdout.take() {
        BufReader::new(stdout).read_line(&mut line).map_err(failed)?;
    }
    match serde_json::from_str(&line) {
        Ok(Answer::Started(started)) => Ok(started),
        Ok(Answer::Failed(message)) => {
            child.wait().map_err(failed)?;
            Err(Error::Container(message))
        }
        Err(_) => {
            child.wait().map_err(failed)?;
            let message = fs::read_to_string(&errors).unwrap_or_default();
            Err(Error::Container(format!("the shim said nothing: {}", message.trim())))
        }
    }
}

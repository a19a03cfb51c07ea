//! Volumes: directories of the pod, files with known content, paths and folders of the node.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kubelet::runtime::{ContainerSpec, File, Mount, MountSource, RuntimeEvent};
use nix::mount::{MsFlags, mount};

use super::{Embedded, files};
use crate::{Error, sandbox};

/// Which of the pod's own files go where in each container.
const ETC: [(&str, &str); 3] =
    [("hosts", "/etc/hosts"), ("hostname", "/etc/hostname"), ("resolv.conf", "/etc/resolv.conf")];

impl Embedded {
    /// What is bound into a container, made if needed: source, place, read-only.
    pub(super) fn binds(&self, spec: &ContainerSpec) -> Result<Vec<(String, String, bool)>, Error> {
        let mut binds = vec![];
        let etc = self.0.paths.pod(&spec.id.pod_uid).join("etc");
        for (name, place) in ETC {
            if !spec.mounts.iter().any(|mount| mount.path == place) {
                binds.push((etc.join(name).display().to_string(), place.to_owned(), false));
            }
        }
        for mount in &spec.mounts {
            let source = self.source(&spec.id.pod_uid, mount)?;
            binds.push((source.display().to_string(), mount.path.clone(), mount.read_only));
        }
        Ok(binds)
    }

    fn source(&self, pod_uid: &str, mount: &Mount) -> Result<PathBuf, Error> {
        let base = match &mount.source {
            MountSource::EmptyDir { volume, memory } => {
                let path = self.0.paths.volume(pod_uid, volume);
                make_empty(&path, *memory)?;
                path
            }
            MountSource::HostPath { path, create_directory } => {
                let path = PathBuf::from(path);
                if *create_directory {
                    fs::create_dir_all(&path).map_err(Error::file(&path))?;
                }
                path
            }
            MountSource::Local { path, create_directory } => {
                let path = PathBuf::from(path);
                if *create_directory {
                    make_empty(&path, false)?;
                } else if !path.exists() {
                    let why = format!("path \"{}\" does not exist", path.display());
                    return Err(Error::Container(why));
                }
                path
            }
            MountSource::Files { volume, files } => {
                let path = self.0.paths.volume(pod_uid, volume);
                let shown = files::show(&path, files)?;
                // A part of a volume stays as it was when it was mounted.
                if mount.sub_path.is_empty() { path } else { shown }
            }
        };
        let path = below(&base, &mount.sub_path)?;
        if !mount.sub_path.is_empty() && !path.exists() {
            fs::create_dir_all(&path).map_err(Error::file(&path))?;
        }
        Ok(path)
    }

    /// Shows other files in a volume that is mounted; says so when it cannot.
    pub(super) fn update_volume(
        &self,
        pod_uid: String,
        volume: String,
        files: &BTreeMap<String, File>,
    ) -> Option<RuntimeEvent> {
        let path = self.0.paths.volume(&pod_uid, &volume);
        let failed =
            |why: Error| RuntimeEvent::VolumeFailed { pod_uid, volume, message: why.to_string() };
        files::show(&path, files).map_err(failed).err()
    }

    pub(super) fn unmount_volumes(&self, pod_uid: &str) {
        let directory = self.0.paths.pod(pod_uid).join("volumes");
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            sandbox::unmount(&entry.path());
        }
    }
}

/// Held while files of a pod are made or written: the containers of a pod are started beside each other.
pub(super) fn alone() -> MutexGuard<'static, ()> {
    static WRITING: Mutex<()> = Mutex::new(());
    WRITING.lock().unwrap_or_else(PoisonError::into_inner)
}

fn make_empty(path: &Path, memory: bool) -> Result<(), Error> {
    let _alone = alone();
    if path.exists() {
        return Ok(());
    }
    fs::create_dir_all(path).map_err(Error::file(path))?;
    if memory {
        mount(Some("tmpfs"), path, Some("tmpfs"), MsFlags::empty(), None::<&str>)
            .map_err(Error::system("mounting a volume in memory"))?;
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o777)).map_err(Error::file(path))
}

/// A path below a volume; one that climbs or follows a link out is refused.
pub(super) fn below(base: &Path, path: &str) -> Result<PathBuf, Error> {
    if path.is_empty() {
        return Ok(base.to_owned());
    }
    let mut below = base.to_owned();
    for part in Path::new(path).components() {
        match part {
            Component::Normal(name) => below.push(name),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                return Err(Error::Container(format!("{path} leads out of its volume")));
            }
        }
        if below.is_symlink() {
            return Err(Error::Container(format!("{path} follows a link out of its volume")));
        }
    }
    Ok(below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_that_another_container_has_begun_to_make_is_whole_before_it_is_mounted() {
        let folder = tempfile::tempdir().unwrap();
        for round in 0..200 {
            let volume = folder.path().join(round.to_string());
            let make = || {
                make_empty(&volume, false).unwrap();
                fs::metadata(&volume).unwrap().permissions().mode() & 0o777
            };

            let modes: Vec<u32> = std::thread::scope(|scope| {
                [(), (), (), ()].map(|()| scope.spawn(make)).map(|one| one.join().unwrap()).into()
            });

            assert_eq!(modes, [0o777; 4]);
        }
    }
}

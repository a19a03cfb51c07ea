//! The user's kubeconfig: the cluster's context goes in under kubectl's own lock, and out again.
//!
//! Source: client-go's `clientcmd`, v1.36: `FILE.lock`, created exclusively, guards a change.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use host::tls::Identity;
use serde_json::{Value, json};

use crate::failure::{Failure, While};
use crate::profile::{Profile, home, write_private};

/// How long another writer may hold the lock.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// What a client needs to reach a cluster.
pub(crate) struct Access<'a> {
    pub(crate) server: &'a str,
    pub(crate) authority_pem: &'a str,
    pub(crate) admin: &'a Identity,
}

/// The file that kubectl changes: the first of `$KUBECONFIG`, else `~/.kube/config`.
pub(crate) fn path() -> Result<PathBuf, Failure> {
    let listed = std::env::var_os("KUBECONFIG").unwrap_or_default();
    match std::env::split_paths(&listed).find(|path| !path.as_os_str().is_empty()) {
        Some(path) => Ok(path),
        None => Ok(home()?.join(".kube").join("config")),
    }
}

/// Whether the user's kubeconfig can be read, before anything depends on it.
pub(crate) fn check() -> Result<(), Failure> {
    read(&path()?).map(drop)
}

/// A kubeconfig with only this cluster.
pub(crate) fn alone(name: &str, access: &Access<'_>) -> Value {
    let mut config = empty();
    put(&mut config, name, access);
    config
}

/// Puts the cluster into the user's kubeconfig and makes it the current context.
pub(crate) fn merge(profile: &Profile, access: &Access<'_>) -> Result<(), Failure> {
    let path = path()?;
    change(&path, |config| {
        let current = config["current-context"].as_str().unwrap_or_default().to_owned();
        if current != profile.name {
            // What `delete` puts back; a second start must not overwrite it with ourselves.
            write_private(&profile.path("previous-context"), current.as_bytes())?;
        }
        put(config, &profile.name, access);
        Ok(())
    })
}

/// Takes the cluster out of the user's kubeconfig and puts the context back that was there before.
pub(crate) fn remove(profile: &Profile) -> Result<(), Failure> {
    let path = path()?;
    if !path.exists() {
        return Ok(());
    }
    let previous = std::fs::read_to_string(profile.path("previous-context")).unwrap_or_default();
    change(&path, |config| {
        for list in ["clusters", "contexts", "users"] {
            if let Some(entries) = config[list].as_array_mut() {
                entries.retain(|entry| entry["name"] != profile.name.as_str());
            }
        }
        if config["current-context"] == profile.name.as_str() {
            let exists = config["contexts"]
                .as_array()
                .is_some_and(|contexts| contexts.iter().any(|context| context["name"] == previous));
            config["current-context"] = json!(if exists { &previous } else { "" });
        }
        Ok(())
    })
}

fn put(config: &mut Value, name: &str, access: &Access<'_>) {
    let encode = |text: &str| STANDARD.encode(text);
    let cluster = json!({"server": access.server,
        "certificate-authority-data": encode(access.authority_pem)});
    let user = json!({"client-certificate-data": encode(&access.admin.certificate),
        "client-key-data": encode(&access.admin.key)});
    set(config, "clusters", json!({"name": name, "cluster": cluster}));
    set(config, "contexts", json!({"name": name, "context": {"cluster": name, "user": name}}));
    set(config, "users", json!({"name": name, "user": user}));
    config["current-context"] = json!(name);
}

fn set(config: &mut Value, list: &str, entry: Value) {
    if !config[list].is_array() {
        config[list] = json!([]);
    }
    if let Some(entries) = config[list].as_array_mut() {
        entries.retain(|other| other["name"] != entry["name"]);
        entries.push(entry);
    }
}

fn empty() -> Value {
    json!({"apiVersion": "v1", "kind": "Config", "preferences": {}, "clusters": [], "contexts": [],
        "users": [], "current-context": ""})
}

fn change(path: &Path, edit: impl FnOnce(&mut Value) -> io::Result<()>) -> Result<(), Failure> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).while_doing(folder.display())?;
    }
    let _lock = Lock::take(path)?;
    let mut config = read(path)?;
    edit(&mut config).while_doing(path.display())?;
    let text = serde_saphyr::to_string(&config).while_doing(path.display())?;
    write_private(path, text.as_bytes()).while_doing(path.display())
}

/// Reads a kubeconfig; an absent or empty one is empty.
fn read(path: &Path) -> Result<Value, Failure> {
    match std::fs::read_to_string(path) {
        Ok(text) if text.trim().is_empty() => Ok(empty()),
        Ok(text) => serde_saphyr::from_str(&text)
            .while_doing(format!("the kubeconfig {} cannot be read", path.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(empty()),
        Err(error) => Err(error).while_doing(path.display()),
    }
}

/// kubectl's lock: a file that only one can create.
struct Lock(PathBuf);

impl Lock {
    fn take(path: &Path) -> Result<Self, Failure> {
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let lock = PathBuf::from(name);
        let begun = Instant::now();
        loop {
            match OpenOptions::new().write(true).create_new(true).open(&lock) {
                Ok(_) => return Ok(Self(lock)),
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(error).while_doing(lock.display());
                }
                Err(_) if begun.elapsed() > LOCK_PATIENCE => {
                    return Err(Failure::cannot(format!(
                        "{} exists: another program is changing the kubeconfig; remove it if none is",
                        lock.display()
                    )));
                }
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A lock that cannot be removed is reported by whoever meets it next.
        drop(std::fs::remove_file(&self.0));
    }
}

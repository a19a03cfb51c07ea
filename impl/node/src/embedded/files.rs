//! Files of a volume, replaced all at once: whoever reads them sees all of the old or all of the new.
//!
//! They are in a directory of their own; `..data` is a link to it and the names that containers see are links
//! through that, so that one rename shows all of another directory.
//! Source: pkg/volume/util/atomic_writer.go (v1.36).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use api::Timestamp;
use kubelet::runtime::File;

use super::volume::{alone, below};
use crate::Error;

/// The link to the files that are shown.
const DATA: &str = "..data";

/// Names of directories and links are used once.
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// Shows these files in a volume, where it does not show them already. Returns the directory that they are in.
pub(super) fn show(volume: &Path, files: &BTreeMap<String, File>) -> Result<PathBuf, Error> {
    let _alone = alone();
    fs::create_dir_all(volume).map_err(Error::file(volume))?;
    let before = fs::read_link(volume.join(DATA)).ok();
    // Another container may be about to mount them.
    if let Some(directory) = before.as_ref().map(|before| volume.join(before))
        && holds(&directory, files)
    {
        return Ok(directory);
    }
    let name = fresh_name();
    let directory = volume.join(&name);
    write(&directory, files)?;
    link(volume, Path::new(&name), DATA)?;
    let names: BTreeSet<&str> = files.keys().map(|path| first_part(path)).collect();
    for name in &names {
        link(volume, &Path::new(DATA).join(name), name)?;
    }
    remove_others(volume, &names)?;
    if let Some(before) = before {
        let before = volume.join(before);
        fs::remove_dir_all(&before).map_err(Error::file(&before))?;
    }
    Ok(directory)
}

fn fresh_name() -> String {
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("..{}.{number}", Timestamp::now().as_nanosecond())
}

/// Whether a directory holds these files and no others.
fn holds(directory: &Path, files: &BTreeMap<String, File>) -> bool {
    let is_there = |(name, file): (&String, &File)| {
        let path = directory.join(name);
        let Ok(metadata) = fs::symlink_metadata(&path) else { return false };
        metadata.is_file()
            && metadata.mode() & 0o7777 == file.mode
            && file.owner.is_none_or(|owner| owner == metadata.uid())
            && file.group.is_none_or(|group| group == metadata.gid())
            && fs::read(&path).is_ok_and(|content| content == file.content)
    };
    count(directory) == Some(files.len()) && files.iter().all(is_there)
}

/// How many files are below a directory that can be read.
fn count(directory: &Path) -> Option<usize> {
    let mut files = 0;
    for entry in fs::read_dir(directory).ok()? {
        let entry = entry.ok()?;
        files += if entry.file_type().ok()?.is_dir() { count(&entry.path())? } else { 1 };
    }
    Some(files)
}

fn write(directory: &Path, files: &BTreeMap<String, File>) -> Result<(), Error> {
    fs::create_dir_all(directory).map_err(Error::file(directory))?;
    for (name, file) in files {
        let path = below(directory, name)?;
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(Error::file(parent))?;
        }
        fs::write(&path, &file.content).map_err(Error::file(&path))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(file.mode))
            .map_err(Error::file(&path))?;
        if file.owner.is_some() || file.group.is_some() {
            chown(&path, file.owner, file.group).map_err(Error::file(&path))?;
        }
    }
    Ok(())
}

/// Makes a link in a volume, in place of what has its name.
fn link(volume: &Path, target: &Path, name: &str) -> Result<(), Error> {
    let (made, place) = (volume.join(fresh_name()), volume.join(name));
    if fs::read_link(&place).is_ok_and(|found| found == target) {
        return Ok(());
    }
    symlink(target, &made).map_err(Error::file(&made))?;
    fs::rename(&made, &place).map_err(Error::file(&place))
}

/// `a` of `a/b/c`.
fn first_part(path: &str) -> &str {
    path.split('/').find(|part| !matches!(*part, "" | ".")).unwrap_or_default()
}

/// Removes the links to files that are not shown any more.
fn remove_others(volume: &Path, names: &BTreeSet<&str>) -> Result<(), Error> {
    for entry in fs::read_dir(volume).map_err(Error::file(volume))?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_symlink() && !name.starts_with("..") && !names.contains(name.as_str()) {
            fs::remove_file(entry.path()).map_err(Error::file(&entry.path()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(files: &[(&str, &str)]) -> BTreeMap<String, File> {
        let file = |content: &str| File {
            content: content.as_bytes().to_vec(),
            mode: 0o640,
            owner: None,
            group: None,
        };
        files.iter().map(|(path, content)| ((*path).to_owned(), file(content))).collect()
    }

    /// What is seen in a volume by its names, and how many directories of files there are.
    fn seen(volume: &Path) -> (Vec<String>, usize) {
        let entries = fs::read_dir(volume).unwrap().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let (hidden, mut names): (Vec<_>, Vec<_>) = names.partition(|name| name.starts_with(".."));
        names.sort();
        (names, hidden.len() - 1)
    }

    #[test]
    fn files_are_seen_below_their_names_and_replaced_together() {
        let volume = tempfile::tempdir().unwrap();
        let volume = volume.path();
        let read = |name: &str| fs::read_to_string(volume.join(name)).ok();

        show(volume, &files(&[("a", "1"), ("b/c/d", "1"), ("b/e", "1")])).unwrap();
        let first = (read("a"), read("b/c/d"), seen(volume));
        show(volume, &files(&[("b/c/d", "2"), ("f", "2")])).unwrap();

        let one = Some("1".to_owned());
        assert_eq!(first, (one.clone(), one, (vec!["a".to_owned(), "b".to_owned()], 1)));
        assert_eq!((read("a"), read("b/e"), read("b/c/d")), (None, None, Some("2".to_owned())));
        assert_eq!(seen(volume), (vec!["b".to_owned(), "f".to_owned()], 1));
        let mode = fs::metadata(volume.join("f")).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o640);
    }

    #[test]
    fn what_is_shown_already_stays_where_it_is() {
        let volume = tempfile::tempdir().unwrap();
        let shows = |wanted: &[(&str, &str)]| show(volume.path(), &files(wanted)).unwrap();

        let first = shows(&[("a", "1"), ("b/c", "1")]);

        assert_eq!(shows(&[("a", "1"), ("b/c", "1")]), first);
        let changed =
            [vec![("a", "2"), ("b/c", "1")], vec![("a", "1")], vec![("a", "1"), ("b/d", "1")]];
        let mut before = first;
        for wanted in changed {
            let now = shows(&wanted);
            assert_ne!(now, before, "{wanted:?}");
            before = now;
        }
    }

    #[test]
    fn containers_that_start_beside_each_other_show_the_same_volume() {
        let volume = tempfile::tempdir().unwrap();
        for round in 0..50 {
            let content = round.to_string();
            let wanted = files(&[("a", &content), ("b/c", &content)]);

            let shown: Vec<PathBuf> = std::thread::scope(|scope| {
                let start = || scope.spawn(|| show(volume.path(), &wanted).unwrap());
                let containers = [start(), start(), start(), start()];
                containers.map(|container| container.join().unwrap()).into()
            });

            assert!(
                shown.iter().all(|directory| *directory == shown[0] && holds(directory, &wanted))
            );
        }
    }

    #[test]
    fn a_path_out_of_the_volume_is_refused() {
        let volume = tempfile::tempdir().unwrap();

        assert!(show(volume.path(), &files(&[("../a", "1")])).is_err());
    }
}

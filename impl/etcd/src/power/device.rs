//! A disk, as the calls of a recording leave it, and as the power may leave it when it fails.
//!
//! What was synced is there. Of what was not, each change of a folder, each length and each sector of each write may be
//! there or not, whatever is of the others. A rename is one change.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::recorded::{self as calls, Call, FileId, Recorder, SECTOR_BYTES};

/// What a path leads to; a folder has no number.
type Node = Option<FileId>;

/// A disk while it is written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Device {
    /// What processes see.
    now: Held,
    durable: Held,
    pending: Vec<Change>,
}

/// What a disk holds.
#[derive(Clone, Debug, Default)]
struct Held {
    entries: BTreeMap<PathBuf, Node>,
    files: BTreeMap<FileId, Content>,
}

/// What a file holds: zeros behind the bytes, up to its length. Bytes behind that are not to be seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Content {
    bytes: Vec<u8>,
    length: usize,
}

#[derive(Clone, Debug)]
enum Change {
    Add(PathBuf, Node),
    Rename(PathBuf, PathBuf, Node),
    Remove(PathBuf),
    Length(FileId, usize),
    Write(FileId, usize, Vec<u8>),
}

/// Which of the changes that were not synced are there.
#[derive(Clone, Debug)]
pub(crate) enum Kept {
    Nothing,
    All,
    /// Files are as long as they would be, and hold zeros.
    AllButBytes,
    Only(usize),
    AllBut(usize),
    /// As these say, in turns: a change is there if its number is 0, not if it is 1, else those sectors of it whose bit
    /// is set.
    Some(Vec<u8>),
}

/// What is left on a disk. A folder holds nothing itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Left(BTreeMap<PathBuf, Option<Content>>);

impl Device {
    /// Does what was done.
    pub(crate) fn perform(&mut self, call: &Call) {
        match call {
            Call::MakeFolder(path) => self.change(Change::Add(path.clone(), None)),
            Call::Create(path, file) => self.change(Change::Add(path.clone(), Some(*file))),
            Call::Write { file, offset, bytes } => self.write(*file, *offset, &bytes.0),
            Call::SetLength(file, length) => self.change(Change::Length(*file, size(*length))),
            Call::Rename(from, to) => {
                let node = self.now.entries[from];
                self.change(Change::Rename(from.clone(), to.clone(), node));
            }
            Call::Remove(path) => self.change(Change::Remove(path.clone())),
            Call::Sync(file) => self.sync(|change| change.file() == Some(*file)),
            Call::SyncFolder(folder) => self.sync(|change| change.folder() == Some(folder)),
            Call::Note(_) => {}
        }
    }

    /// How many changes were not synced.
    pub(crate) fn pending(&self) -> usize {
        self.pending.len()
    }

    /// What is left when the power fails.
    pub(crate) fn left(&self, kept: &Kept) -> Left {
        let mut held = self.durable.clone();
        for (index, change) in self.pending.iter().enumerate() {
            held.apply(change, |sector| kept.keeps(index, change, sector));
        }
        held.seen()
    }

    fn write(&mut self, file: FileId, offset: u64, bytes: &[u8]) {
        let end = size(offset) + bytes.len();
        if self.now.files.get(&file).is_none_or(|content| content.length < end) {
            self.change(Change::Length(file, end));
        }
        self.change(Change::Write(file, size(offset), bytes.to_vec()));
    }

    fn change(&mut self, change: Change) {
        self.now.apply(&change, |_| true);
        self.pending.push(change);
    }

    fn sync(&mut self, synced: impl Fn(&Change) -> bool) {
        for change in self.pending.extract_if(.., |change| synced(change)) {
            self.durable.apply(&change, |_| true);
        }
    }
}

impl Change {
    /// The file whose sync makes it durable.
    fn file(&self) -> Option<FileId> {
        match self {
            Change::Length(file, _) | Change::Write(file, ..) => Some(*file),
            Change::Add(..) | Change::Rename(..) | Change::Remove(_) => None,
        }
    }

    /// The folder whose sync makes it durable.
    fn folder(&self) -> Option<&Path> {
        match self {
            Change::Add(path, _) | Change::Rename(path, ..) | Change::Remove(path) => path.parent(),
            Change::Length(..) | Change::Write(..) => None,
        }
    }
}

impl Held {
    fn apply(&mut self, change: &Change, keeps: impl Fn(usize) -> bool) {
        if !matches!(change, Change::Write(..)) && !keeps(0) {
            return;
        }
        match change {
            Change::Write(file, offset, bytes) => {
                self.files.entry(*file).or_default().write(*offset, bytes, keeps);
            }
            Change::Add(path, node) => drop(self.entries.insert(path.clone(), *node)),
            Change::Rename(from, to, node) => {
                self.entries.remove(from);
                self.entries.insert(to.clone(), *node);
            }
            Change::Remove(path) => drop(self.entries.remove(path)),
            Change::Length(file, length) => {
                self.files.entry(*file).or_default().set_length(*length)
            }
        }
    }

    /// What can be reached from the top.
    fn seen(&self) -> Left {
        let mut seen = BTreeMap::new();
        for (path, node) in &self.entries {
            let above = path.parent().unwrap_or(Path::new(""));
            if above == Path::new("") || seen.contains_key(above) {
                let content = |file| self.files.get(&file).cloned().unwrap_or_default().visible();
                seen.insert(path.clone(), node.map(content));
            }
        }
        Left(seen)
    }
}

impl Content {
    fn write(&mut self, offset: usize, bytes: &[u8], keeps: impl Fn(usize) -> bool) {
        self.bytes.resize(self.bytes.len().max(offset + bytes.len()), 0);
        let (mut offset, mut rest) = (offset, bytes);
        while !rest.is_empty() {
            let sector = size(SECTOR_BYTES);
            let (written, after) = rest.split_at(rest.len().min(sector - offset % sector));
            if keeps(offset / sector) {
                self.bytes[offset..offset + written.len()].copy_from_slice(written);
            }
            (offset, rest) = (offset + written.len(), after);
        }
    }

    fn set_length(&mut self, length: usize) {
        self.bytes.truncate(length);
        self.length = length;
    }

    fn visible(mut self) -> Self {
        self.bytes.truncate(self.length);
        let end = self.bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        self.bytes.truncate(end);
        self
    }
}

impl Kept {
    /// Each way to lose few changes or many.
    pub(crate) fn few(pending: usize) -> impl Iterator<Item = Self> {
        let each = (0..pending).flat_map(|index| [Self::Only(index), Self::AllBut(index)]);
        [Self::Nothing, Self::All, Self::AllButBytes].into_iter().chain(each)
    }

    fn keeps(&self, index: usize, change: &Change, sector: usize) -> bool {
        match self {
            Kept::Nothing => false,
            Kept::All => true,
            Kept::AllButBytes => !matches!(change, Change::Write(..)),
            Kept::Only(kept) => index == *kept,
            Kept::AllBut(lost) => index != *lost,
            Kept::Some(choices) => match choices.get(index % choices.len().max(1)) {
                None | Some(0) => true,
                Some(1) => false,
                Some(bits) => bits >> (sector % 8) & 1 == 1,
            },
        }
    }
}

impl Left {
    /// Puts it into a watched folder, where it is durable.
    pub(crate) fn lay_out(&self, recorder: &Recorder) {
        for (path, content) in &self.0 {
            let path = recorder.path().join(path);
            match content {
                None => calls::make_folder(&path).expect("it is new"),
                Some(Content { bytes, length }) => {
                    let mut file = calls::open(&path).expect("its folder is there");
                    calls::write(&mut file, bytes).expect("there is room");
                    calls::set_length(&file, *length as u64).expect("it is open");
                    calls::sync_all(&file).expect("it is open");
                }
            }
            calls::sync_folder(path.parent().expect("it is in a folder")).expect("it is there");
        }
    }

    /// What a folder holds.
    pub(crate) fn of(folder: &Path) -> Self {
        let mut left = BTreeMap::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(above) = folders.pop() {
            for entry in std::fs::read_dir(above).expect("it is there") {
                let path = entry.expect("it can be read").path();
                let bytes = (!path.is_dir()).then(|| std::fs::read(&path).expect("it is there"));
                let content = bytes.map(|bytes| Content { length: bytes.len(), bytes }.visible());
                folders.extend(content.is_none().then(|| path.clone()));
                let name = path.strip_prefix(folder).expect("it is within").to_owned();
                left.insert(name, content);
            }
        }
        Self(left)
    }
}

fn size(bytes: u64) -> usize {
    usize::try_from(bytes).expect("files of tests are small")
}

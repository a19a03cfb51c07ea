//! What a container says of its end.
//!
//! Source: `getTerminationMessage` of `pkg/kubelet/kuberuntime/kuberuntime_container.go` (v1.36).

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use kubelet::runtime::{ContainerId, ContainerSpec, Exit};

use super::Embedded;
use super::container::ContainerRecord;
use super::log::Record;
use crate::Error;
use crate::shim;

/// The most of a message that is told.
const MESSAGE_MAX: u64 = 4096;
/// The most of a log that stands for a message: bytes and lines.
const LOG_MAX: (usize, usize) = (2048, 80);
/// Enough of a log's file for that, with what stands before each line.
const TAIL: u64 = 16 * 1024;

impl Embedded {
    /// Makes the file for a container's last words: source, place, read-only.
    pub(super) fn message_bind(
        &self,
        spec: &ContainerSpec,
    ) -> Result<Option<(String, String, bool)>, Error> {
        if spec.termination_message.path.is_empty() {
            return Ok(None);
        }
        let path = self.0.paths.container(&spec.id).join("termination-log");
        File::create(&path).map_err(Error::file(&path))?;
        // Whoever the container runs as may write.
        let everybody = fs::Permissions::from_mode(0o666);
        fs::set_permissions(&path, everybody).map_err(Error::file(&path))?;
        Ok(Some((path.display().to_string(), spec.termination_message.path.clone(), false)))
    }

    /// How a container has ended, with its last words; none if it has not, or if nobody saw it end.
    pub(super) fn exit(&self, id: &ContainerId) -> Option<Exit> {
        let directory = self.0.paths.container(id);
        let mut exit: Exit = shim::read(&directory.join("exit.json")).ok()?;
        exit.message = beginning(&directory.join("termination-log"));
        let record: Option<ContainerRecord> = shim::read(&directory.join("container.json")).ok();
        let from_log = record.is_some_and(|record| record.message_from_log);
        if exit.message.is_empty() && from_log && exit.exit_code != 0 {
            let config: Option<shim::Config> = shim::read(&directory.join("shim.json")).ok();
            exit.message = config.map(|config| end_of_log(&config.log)).unwrap_or_default();
        }
        Some(exit)
    }
}

/// A file that is not there says nothing.
fn beginning(path: &Path) -> String {
    let mut bytes = vec![];
    let read = File::open(path).and_then(|file| file.take(MESSAGE_MAX).read_to_end(&mut bytes));
    read.map(|_| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

fn end_of_log(path: &Path) -> String {
    let mut bytes = vec![];
    let read = File::open(path).and_then(|mut file| {
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
        file.read_to_end(&mut bytes)
    });
    if read.is_err() {
        return String::new();
    }
    let records = bytes.split_inclusive(|byte| *byte == b'\n').filter_map(Record::parse);
    let lines: Vec<String> = records.map(|record| record.line()).collect();
    let mut text = lines[lines.len().saturating_sub(LOG_MAX.1)..].concat();
    let mut start = text.len().saturating_sub(LOG_MAX.0);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text.split_off(start)
}

//! Writes a container's output in CRI's log format: time, stream, `F` or `P`, the line.
//!
//! Source: the kubelet's CRI logging design (`2016-10-06T00:17:09.669794202Z stdout F line`).

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use api::Timestamp;

/// A line longer than this is written in parts; containerd's default.
const LINE_MAX: usize = 16 * 1024;

/// An open log file with what is still missing its line end, for standard output and error.
pub(super) struct Log {
    file: File,
    rest: [Vec<u8>; 2],
}

const STREAMS: [&str; 2] = ["stdout", "stderr"];

impl Log {
    /// Appends to a log, made if there is none.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)?;
        }
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self { file, rest: [Vec::new(), Vec::new()] })
    }

    /// Writes what came from stream 0 (standard output) or 1 (standard error).
    pub(super) fn write(&mut self, stream: usize, bytes: &[u8]) -> io::Result<()> {
        let mut buffer = std::mem::take(&mut self.rest[stream]);
        buffer.extend_from_slice(bytes);
        let mut lines = Vec::new();
        let mut start = 0;
        while let Some(length) = next_line(&buffer[start..]) {
            let line = &buffer[start..start + length];
            start += length;
            record(&mut lines, stream, line);
        }
        self.rest[stream] = buffer.split_off(start);
        self.file.write_all(&lines)
    }

    /// Writes what had no line end.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        for stream in 0..STREAMS.len() {
            let rest = std::mem::take(&mut self.rest[stream]);
            if !rest.is_empty() {
                let mut lines = Vec::new();
                record(&mut lines, stream, &rest);
                self.file.write_all(&lines)?;
            }
        }
        Ok(())
    }
}

/// The length of the next line or part, with its line end.
fn next_line(bytes: &[u8]) -> Option<usize> {
    let window = &bytes[..bytes.len().min(LINE_MAX)];
    match window.iter().position(|byte| *byte == b'\n') {
        Some(end) => Some(end + 1),
        None => (window.len() == LINE_MAX).then_some(LINE_MAX),
    }
}

fn record(lines: &mut Vec<u8>, stream: usize, line: &[u8]) {
    let (tag, text) = match line.strip_suffix(b"\n") {
        Some(text) => ("F", text),
        None => ("P", line),
    };
    let head = format!("{:.9} {} {tag} ", Timestamp::now(), STREAMS[stream]);
    lines.extend_from_slice(head.as_bytes());
    lines.extend_from_slice(text);
    lines.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_in_two_writes_is_one_record() {
        let written = log_of(&[b"hel", b"lo\nwor"]);

        let texts: Vec<&str> =
            written.lines().map(|line| line.split_once(' ').unwrap().1).collect();
        assert_eq!(texts, ["stdout F hello", "stdout P wor"]);
    }

    #[test]
    fn a_long_line_is_written_in_parts() {
        let written = log_of(&[&[b'a'; LINE_MAX + 1], b"\n"]);

        let tags: Vec<char> = written
            .lines()
            .map(|line| line.split(' ').nth(2).unwrap().chars().next().unwrap())
            .collect();
        assert_eq!(tags, ['P', 'F']);
    }

    fn log_of(writes: &[&[u8]]) -> String {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let mut log = Log::open(&path).unwrap();
        for bytes in writes {
            log.write(0, bytes).unwrap();
        }
        log.finish().unwrap();
        std::fs::read_to_string(path).unwrap()
    }
}

//! Reads containers' logs back.

use std::path::PathBuf;
use std::time::Duration;

use api::Timestamp;
use bytes::Bytes;
use host::node_server::LogOptions;
use host::transport::BoxError;
use http_body_util::channel::Sender;
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt, AsyncSeekExt, BufReader};

/// How often a followed log is looked at.
const FOLLOW_INTERVAL: Duration = Duration::from_millis(100);

/// One record of a log in CRI's format.
pub(super) struct Record<'a> {
    time: &'a str,
    text: &'a [u8],
    complete: bool,
}

impl<'a> Record<'a> {
    pub(super) fn parse(line: &'a [u8]) -> Option<Self> {
        let line = line.strip_suffix(b"\n")?;
        let mut fields = line.splitn(4, |byte| *byte == b' ');
        let time = std::str::from_utf8(fields.next()?).ok()?;
        let _stream = fields.next()?;
        let complete = fields.next()?.starts_with(b"F");
        Some(Self { time, text: fields.next()?, complete })
    }

    /// What was printed, its end of line with it.
    pub(super) fn line(&self) -> String {
        let end = if self.complete { "\n" } else { "" };
        format!("{}{end}", String::from_utf8_lossy(self.text))
    }
}

/// What of a log is wanted.
pub(super) struct Wanted {
    /// The file.
    pub(super) path: PathBuf,
    /// The query.
    pub(super) options: LogOptions,
    /// Nothing older than this.
    pub(super) since: Option<Timestamp>,
}

/// Sends a log's text; follows it as long as `running` says that more may come.
pub(super) async fn send(
    wanted: Wanted,
    running: impl Fn() -> bool + Send,
    mut to: Sender<Bytes, BoxError>,
) {
    let result = copy(&wanted, running, &mut to).await;
    if let Err(error) = result {
        to.abort(error.into());
    }
}

async fn copy(
    wanted: &Wanted,
    running: impl Fn() -> bool + Send,
    to: &mut Sender<Bytes, BoxError>,
) -> std::io::Result<()> {
    let skipped = match wanted.options.tail_lines {
        Some(lines) => tail(&wanted.path, lines).await?,
        None => 0,
    };
    let mut file = BufReader::new(File::open(&wanted.path).await?);
    file.seek(std::io::SeekFrom::Start(skipped)).await?;
    let mut limit = wanted.options.limit_bytes.unwrap_or(u64::MAX);
    let mut line = vec![];
    let mut at_line_start = true;
    loop {
        let more = running();
        while file.read_until(b'\n', &mut line).await? > 0 && line.ends_with(b"\n") {
            let text = text(wanted, &line, &mut at_line_start);
            let length = usize::try_from(limit).unwrap_or(usize::MAX).min(text.len());
            limit -= length as u64;
            let gone = length > 0 && to.send_data(Bytes::from(text).slice(..length)).await.is_err();
            if gone || limit == 0 {
                return Ok(());
            }
            line.clear();
        }
        if !wanted.options.follow || !more {
            return Ok(());
        }
        tokio::time::sleep(FOLLOW_INTERVAL).await;
    }
}

/// The text of one record as the client wants it.
fn text(wanted: &Wanted, line: &[u8], at_line_start: &mut bool) -> Vec<u8> {
    let Some(record) = Record::parse(line) else {
        return vec![];
    };
    let time: Option<Timestamp> = record.time.parse().ok();
    if let (Some(since), Some(time)) = (wanted.since, time)
        && time < since
    {
        return vec![];
    }
    let mut text = vec![];
    if wanted.options.timestamps && *at_line_start {
        text.extend_from_slice(record.time.as_bytes());
        text.push(b' ');
    }
    text.extend_from_slice(record.text);
    if record.complete {
        text.push(b'\n');
    }
    *at_line_start = record.complete;
    text
}

/// Where the last lines begin.
async fn tail(path: &PathBuf, lines: u64) -> std::io::Result<u64> {
    let mut file = BufReader::new(File::open(path).await?);
    let mut starts = std::collections::VecDeque::new();
    let (mut position, mut begins, mut line) = (0_u64, true, vec![]);
    while file.read_until(b'\n', &mut line).await? > 0 {
        if begins {
            starts.push_back(position);
        }
        if starts.len() as u64 > lines {
            starts.pop_front();
        }
        begins = Record::parse(&line).is_none_or(|record| record.complete);
        position += line.len() as u64;
        line.clear();
    }
    Ok(if lines == 0 { position } else { starts.front().copied().unwrap_or(position) })
}

//! Reads traces, and refuses what `specs/trace.md` does not describe.

mod vocabulary;

use std::io::BufRead;

use api::trace::{CONTROLLER_UID, Event, Header, VERSION};

pub use vocabulary::{Action, Delivery, Verb};

/// Why a trace cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct ReadError {
    /// The line, counted from 1.
    pub line: u64,
    /// What is wrong with it.
    pub why: String,
}

/// Reads the events of a trace one after the other. After an error it reads no further.
pub struct Reader<R> {
    input: R,
    line: u64,
    uids: u64,
    ended: bool,
}

impl<R: BufRead> Reader<R> {
    /// Reads the header.
    pub fn new(input: R) -> Result<Self, ReadError> {
        let mut reader = Self { input, line: 0, uids: 0, ended: false };
        let line = reader.next_line()?;
        let line = line.ok_or_else(|| reader.error("the trace is empty: its header is missing"))?;
        let header: Header = serde_json::from_str(&line)
            .map_err(|error| reader.error(format!("this is no header of a trace: {error}")))?;
        if header.trace != "kanon" {
            return Err(
                reader.error(format!("this is a trace of {:?}, not of kanon", header.trace))
            );
        }
        if header.version != VERSION {
            let version = header.version;
            let why = format!("version {version} is not known; this reads version {VERSION}");
            return Err(reader.error(why));
        }
        Ok(reader)
    }

    fn next_event(&mut self) -> Result<Option<Event>, ReadError> {
        let Some(line) = self.next_line()? else { return Ok(None) };
        let event: Event = serde_json::from_str(&line)
            .map_err(|error| self.error(format!("this is no event: {error}")))?;
        self.check(&event)?;
        Ok(Some(event))
    }

    fn check(&mut self, event: &Event) -> Result<(), ReadError> {
        let due = self.line - 1;
        if event.seq != due {
            return Err(self.error(format!("seq is {}, but {due} is next", event.seq)));
        }
        if event.actor.is_empty() {
            return Err(self.error("an event has an actor"));
        }
        if Action::parse(&event.action).is_none() {
            return Err(self.error(format!("the action {:?} is not known", event.action)));
        }
        let controller = event.delta[CONTROLLER_UID].as_u64().unwrap_or(0);
        for uid in [event.uid, controller] {
            if uid > self.uids + 1 {
                let due = self.uids + 1;
                return Err(self.error(format!("uid is {uid}, but {due} is the next new one")));
            }
            self.uids = self.uids.max(uid);
        }
        Ok(())
    }

    /// The next line without its end; nothing at the end of the trace.
    fn next_line(&mut self) -> Result<Option<String>, ReadError> {
        let mut bytes = vec![];
        self.line += 1;
        let read = self.input.read_until(b'\n', &mut bytes);
        read.map_err(|error| self.error(format!("it cannot be read: {error}")))?;
        match bytes.pop() {
            None => Ok(None),
            Some(b'\n') => {
                let line = String::from_utf8(bytes).map_err(|_| self.error("it is not UTF-8"))?;
                Ok(Some(line))
            }
            Some(_) => Err(self.error("the last line has no end: the trace was cut off")),
        }
    }

    fn error(&self, why: impl Into<String>) -> ReadError {
        ReadError { line: self.line, why: why.into() }
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Event, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.next_event().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

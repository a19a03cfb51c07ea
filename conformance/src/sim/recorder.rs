//! Writes the trace of a run, has each line checked against the model, and remembers the first objection.

use std::io::Write;

use api::trace::{Event, Numbering, Origin};
use apiserver::trace::Told;

use crate::refine::Validator;
use crate::sim::outcome::Summary;

/// The trace so far and what it adds up to.
pub(crate) struct Recorder<'a> {
    out: Option<&'a mut dyn Write>,
    numbering: Numbering,
    validator: Validator,
    hash: u64,
    /// What was counted; the world fills in the rest at the end.
    pub(crate) summary: Summary,
    /// The `seq` of the last line.
    pub(crate) seq: u64,
    /// The first thing that must not happen.
    pub(crate) objection: Option<String>,
}

impl<'a> Recorder<'a> {
    /// Begins a trace.
    pub(crate) fn new(out: &'a mut dyn Write) -> Self {
        let mut recorder = Self { out: Some(out), ..Recorder::unread() };
        recorder.line(&Numbering::header());
        recorder
    }

    /// One whose trace nobody reads.
    pub(crate) fn unread() -> Recorder<'static> {
        Recorder {
            out: None,
            numbering: Numbering::default(),
            validator: Validator::new(),
            hash: 0xcbf2_9ce4_8422_2325,
            summary: Summary::default(),
            seq: 0,
            objection: None,
        }
    }

    /// Another that goes on from here, and writes to nobody.
    pub(crate) fn fork(&self) -> Recorder<'static> {
        Recorder {
            out: None,
            numbering: self.numbering.clone(),
            validator: self.validator.clone(),
            hash: self.hash,
            summary: self.summary.clone(),
            seq: self.seq,
            objection: self.objection.clone(),
        }
    }

    /// Why the model does not follow any more, if it does not.
    pub(crate) fn beyond(&self) -> Option<&str> {
        self.validator.beyond()
    }

    /// Numbers a request that may write.
    pub(crate) fn request(&mut self) -> u64 {
        self.numbering.request()
    }

    /// Writes an event about an object with this uid (empty for none).
    pub(crate) fn write(&mut self, event: Event, uid: &str) {
        let event = self.numbering.number(event, uid);
        self.seq = event.seq;
        self.count(&event);
        let line = serde_json::to_string(&event).expect("an event is JSON");
        self.line(&line);
        if self.objection.is_some() {
            return;
        }
        if let Err(refusal) = self.validator.accept(&event) {
            self.object(&format!("{refusal}"));
        }
    }

    /// Writes what the API server tells.
    pub(crate) fn told(&mut self, told: Told) {
        self.write(told.event, &told.uid);
    }

    /// Writes that an actor heard of a revision, or acted on it.
    pub(crate) fn heard(&mut self, origin: &Origin, action: &str, key: String, uid: &str, rv: u64) {
        self.write(Event { rv, ..origin.event(action, key) }, uid);
    }

    /// Says that something must not happen. Only the first counts.
    pub(crate) fn object(&mut self, why: &str) {
        self.objection.get_or_insert_with(|| why.to_owned());
    }

    /// The hash of the trace so far.
    pub(crate) fn hash(&self) -> String {
        format!("{:016x}", self.hash)
    }

    fn line(&mut self, line: &str) {
        self.summary.trace_lines += 1;
        for byte in line.bytes().chain([b'\n']) {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        let written = self.out.as_mut().map_or(Ok(()), |out| writeln!(out, "{line}"));
        if let Err(error) = written {
            self.object(&format!("the trace cannot be written: {error}"));
        }
    }

    fn count(&mut self, event: &Event) {
        let is_pod = event.key.starts_with("pods/");
        let counter = match event.action.as_str() {
            "create" if is_pod && event.outcome == "ok" => &mut self.summary.pods_created,
            "bind" if event.outcome == "ok" => &mut self.summary.pods_bound,
            "delete" if is_pod && event.outcome == "ok" => &mut self.summary.pods_deleted,
            "container-started" => &mut self.summary.containers_started,
            "crashed" | "node-died" => &mut self.summary.crashes,
            _ => return,
        };
        *counter += 1;
    }
}

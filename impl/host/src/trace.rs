//! Writes the trace of a run: every write in the order of revisions, every delivery, what nodes do.
//!
//! `specs/trace.md` describes the format.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use api::resources;
use api::trace::{Event, Numbering, Origin};
use apiserver::trace::{Told, committed, refused, written};
use apiserver::{Call, Commit, Decision};
use etcd::{Farewell, Witness};
use serde_json::Value;

/// A trace that is being written, or none. Clones write to the same one.
#[derive(Clone, Default)]
pub struct Trace {
    writer: Option<Arc<Mutex<Writer>>>,
}

struct Writer {
    out: Box<dyn Write + Send>,
    numbering: Numbering,
}

impl Trace {
    /// No trace.
    pub fn off() -> Self {
        Self::default()
    }

    /// A trace into a new file.
    pub fn to_file(path: &Path) -> io::Result<Self> {
        let mut out: Box<dyn Write + Send> = Box::new(File::create(path)?);
        writeln!(out, "{}", Numbering::header())?;
        let writer = Writer { out, numbering: Numbering::default() };
        Ok(Self { writer: Some(Arc::new(Mutex::new(writer))) })
    }

    fn with<T: Default>(&self, act: impl FnOnce(&mut Writer) -> T) -> T {
        self.writer.as_ref().map_or_else(T::default, |writer| {
            act(&mut writer.lock().unwrap_or_else(PoisonError::into_inner))
        })
    }

    /// Numbers a request that may write.
    pub(crate) fn request(&self, call: &Call) -> u64 {
        if call.method == http::Method::GET {
            return 0;
        }
        self.with(|writer| writer.numbering.request())
    }

    /// A request was answered without a write.
    pub(crate) fn answered(&self, request: u64, call: &Call, origin: &Origin, decision: &Decision) {
        if let (Decision::Respond(response), Some(_)) = (decision, &self.writer)
            && let Some(told) = refused(origin, request, call, response)
        {
            self.with(|writer| writer.write(told.event, &told.uid));
        }
    }

    /// What tells of a write once it is durable; called in the order of revisions.
    pub(crate) fn witness(&self, request: u64, origin: &Origin, commit: &Commit) -> Witness {
        if self.writer.is_none() {
            return Box::new(|_| {});
        }
        self.telling(committed(origin, request, commit))
    }

    /// What tells of Events that end with their lease, as of deletions by etcd.
    pub(crate) fn farewell(&self) -> Farewell {
        let (trace, origin) = (self.clone(), Origin::new("etcd", 0));
        Arc::new(move |found| {
            if trace.writer.is_none() || found.is_empty() {
                return Box::new(|_| {});
            }
            let request = trace.with(|writer| writer.numbering.request());
            let told = found.iter().map(|found| {
                let object = apiserver::object::decode(found);
                written(&origin, request, (&resources::EVENTS, "delete"), &object)
            });
            trace.telling(told.collect())
        })
    }

    fn telling(&self, told: Vec<Told>) -> Witness {
        let trace = self.clone();
        Box::new(move |revision| {
            trace.with(|writer| {
                for Told { event, uid } in told {
                    writer.write(Event { rv: revision.0, ..event }, &uid);
                }
            });
        })
    }

    /// A component heard of a change: `added`, `modified`, `deleted`, `listed`, `bookmark`, `expired`.
    pub fn delivered(&self, origin: &Origin, action: &str, key: String, uid: &str, revision: u64) {
        self.with(|writer| {
            writer.write(Event { rv: revision, ..origin.event(action, key) }, uid);
        });
    }

    /// A component did something that is no request: started, ran a container.
    pub fn acted(&self, origin: &Origin, action: &str, key: String, uid: &str, delta: Value) {
        self.with(|writer| writer.write(Event { delta, ..origin.event(action, key) }, uid));
    }
}

impl Writer {
    fn write(&mut self, event: Event, uid: &str) {
        let event = self.numbering.number(event, uid);
        let line = serde_json::to_string(&event).expect("an event is JSON");
        if let Err(error) = writeln!(self.out, "{line}") {
            eprintln!("kanon: the trace cannot be written: {error}");
            self.out = Box::new(io::sink());
        }
    }
}

//! What a scenario knows of what goes on: the Events that components would have sent, what they wrote, and
//! which names the API server has generated.

use std::collections::BTreeMap;

use api::object::text;
use api::trace::Origin;
use api::{Request, Verb, resources};
use apiserver::{Call, Context};
use serde_json::Value;

use crate::sim::scenario::table::aligned;

/// Letters of a generated name after the first, which counts: `4x7k`.
const LATER_LETTERS: u64 = 21 + 27 * (18 + 27 * (24 + 27 * 7));
/// How many letters there are.
const LETTERS: u64 = 27;

/// What was heard since somebody asked.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    events: Vec<Said>,
    /// All Events there were, by the name of their object: a repeat only says how often.
    known: BTreeMap<String, Said>,
    writes: BTreeMap<(String, String), usize>,
    /// How many names were generated from each prefix.
    names: BTreeMap<String, u64>,
    /// How many had been when a request got its name: one that is decided again keeps it.
    given: BTreeMap<u64, u64>,
    /// How many objects the scenario has asked for.
    created: u64,
}

/// An Event.
#[derive(Clone, Debug)]
struct Said {
    /// `lastTimestamp`.
    when: String,
    event_type: String,
    reason: String,
    /// `pod/web`.
    object: String,
    message: String,
    count: u64,
}

impl Said {
    /// Whether it differs only in its last word, as `Created pod: web-b4x7k` does.
    fn is_alike(&self, other: &Self) -> bool {
        let parts = |said: &Self| {
            let all_but_last = said.message.rsplit_once(' ').map(|(words, _)| words.to_owned());
            (said.when.clone(), said.object.clone(), said.reason.clone(), all_but_last)
        };
        parts(self) == parts(other)
    }

    /// Whether it is the same Event, at another time.
    fn repeats(&self, other: &Self) -> bool {
        (&self.object, &self.reason, &self.message)
            == (&other.object, &other.reason, &other.message)
    }

    fn new(event: &Value) -> Self {
        let field = |path: &[&str]| text(event, path).to_owned();
        let kind = field(&["involvedObject", "kind"]).to_lowercase();
        Self {
            when: field(&["lastTimestamp"]),
            event_type: field(&["type"]),
            reason: field(&["reason"]),
            object: format!("{kind}/{}", text(event, &["involvedObject", "name"])),
            message: field(&["message"]),
            count: 1,
        }
    }

    fn cells(&self) -> Vec<String> {
        let often = if self.count > 1 { format!(" (x{})", self.count) } else { String::new() };
        let message = format!("{}{often}", self.message.trim_end().replace('\n', " "));
        vec![self.event_type.clone(), self.reason.clone(), self.object.clone(), message]
    }
}

impl Heard {
    /// A component has said something. An Event is a write, too.
    pub(crate) fn said(&mut self, origin: &Origin, events: Vec<Request>) {
        for event in events {
            self.wrote(origin, &event);
            let Some(body) = &event.body else { continue };
            if event.verb == Verb::Create {
                let said = Said::new(body);
                self.known.insert(text(body, &["metadata", "name"]).to_owned(), said.clone());
                self.events.push(said);
            } else if let Some(known) = self.known.get_mut(&event.key.name) {
                known.count = body["count"].as_u64().unwrap_or(known.count);
                known.when = text(body, &["lastTimestamp"]).to_owned();
                self.events.retain(|earlier| !known.repeats(earlier));
                if let Some(message) = body["message"].as_str() {
                    message.clone_into(&mut known.message);
                }
                self.events.push(known.clone());
            }
        }
    }

    /// A component has written something. That a node lives is not worth telling.
    pub(crate) fn wrote(&mut self, origin: &Origin, request: &Request) {
        let is_heartbeat =
            request.resource == &resources::NODES && origin.actor.starts_with("kubelet/");
        if request.resource == &resources::LEASES || is_heartbeat {
            return;
        }
        let verb = match request.verb {
            Verb::Create => "create",
            Verb::Update => "update",
            Verb::MergePatch | Verb::StrategicMergePatch | Verb::Apply => "patch",
            Verb::Delete => "delete",
            Verb::Get | Verb::List => "get",
        };
        let mut what = format!("{verb} {}", request.resource.qualified());
        if !request.subresource.is_empty() {
            what = format!("{what}/{}", request.subresource);
        }
        *self.writes.entry((origin.actor.clone(), what)).or_default() += 1;
    }

    /// Gives generated names an order. `request` is the request's number in the trace.
    pub(crate) fn name(&mut self, request: u64, call: &Call, context: &mut Context) {
        let body: Value = serde_json::from_slice(&call.body).unwrap_or(Value::Null);
        let prefix = text(&body, &["metadata", "generateName"]);
        if call.method == "POST" && !prefix.is_empty() {
            let next = self.names.entry(prefix.to_owned()).or_default();
            let count = *self.given.entry(request).or_insert(*next);
            *next = (*next).max(count + 1);
            context.random = count % LETTERS + LETTERS * (LATER_LETTERS + count / LETTERS);
        }
    }

    /// The uid of the next object that the scenario asks for.
    pub(super) fn next_uid(&mut self) -> String {
        self.created += 1;
        format!("00000000-0000-4000-8000-{:012}", self.created)
    }

    /// Forgets what was said.
    pub(super) fn forget_events(&mut self) {
        self.events.clear();
    }

    /// Forgets what was written.
    pub(super) fn forget_writes(&mut self) {
        self.writes.clear();
    }

    /// Takes what was said, and matches: each object's in the order in which it was said, and what differs
    /// only in its last word in the order of the alphabet.
    pub(super) fn take_events(
        &mut self,
        about: Option<&str>,
        (event_type, reason): (Option<&str>, Option<&str>),
    ) -> String {
        let is_wanted = |said: &Said| {
            about.is_none_or(|about| said.object == about)
                && event_type.is_none_or(|wanted| said.event_type == wanted)
                && reason.is_none_or(|wanted| said.reason == wanted)
        };
        let (mut events, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.events).into_iter().partition(is_wanted);
        self.events = others;
        events.sort_by(|left, right| (&left.when, &left.object).cmp(&(&right.when, &right.object)));
        for alike in events.chunk_by_mut(Said::is_alike) {
            alike.sort_by(|left, right| left.message.cmp(&right.message));
        }
        if events.is_empty() {
            return "No events found.".to_owned();
        }
        let head = ["TYPE", "REASON", "OBJECT", "MESSAGE"].map(str::to_owned).to_vec();
        aligned(&std::iter::once(head).chain(events.iter().map(Said::cells)).collect::<Vec<_>>())
    }

    /// What was written, by whom.
    pub(super) fn writes(&self, actor: Option<&str>) -> String {
        let writes =
            self.writes.iter().filter(|((by, _), _)| actor.is_none_or(|actor| by == actor));
        let row = |((by, what), count): (&(String, String), &usize)| {
            vec![count.to_string(), by.clone(), what.clone()]
        };
        let rows: Vec<Vec<String>> = writes.map(row).collect();
        if rows.is_empty() { "no writes".to_owned() } else { aligned(&rows) }
    }
}

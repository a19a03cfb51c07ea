//! Requests that say all that the suite has to know: any verb, of any resource that a server has.

use std::collections::BTreeMap;

use http::Method;
use model::request::{CURRENT, OUTDATED, Request, Verb};
use model::slice::Outcome;
use model::walks::WalkStep;
use serde_json::{Value, json};

use super::bodies::{contains, merge, version, without_version};
use super::connection::Answer;
use super::kubeconfig::CannotRun;
use super::objects;
use super::pods::gone_or_marked;
use super::replay::{Compared, JSON, MERGE, Replay, STRATEGIC};
use super::resources::{Resources, split};

/// How often a request that names the current resourceVersion is made again when others are faster.
const ATTEMPTS_MAX: usize = 10;

/// A finalizer of the suite: it holds what the cluster's own garbage collector would let go.
const HELD: &str = "kanon.invalid/held";

/// What the suite knows of the objects that it has made.
#[derive(Default)]
pub(super) struct Made {
    resources: Resources,
    /// The uids that each resource and name has had, in order.
    pub(super) uids: BTreeMap<(String, String), Vec<String>>,
    /// The resourceVersion of each write, in order.
    pub(super) writes: Vec<String>,
    /// The paths of objects that finalizers hold.
    held: Vec<String>,
}

impl Made {
    /// Nothing yet, of these resources.
    pub(super) fn of(resources: Resources) -> Self {
        Self { resources, ..Self::default() }
    }

    /// The uid of an object that had the name of this one before it.
    pub(super) fn uid_before(&self, uid: &str) -> String {
        let earlier = self.uids.values().find_map(|uids| {
            let place = uids.iter().position(|known| known == uid)?;
            uids.get(place.checked_sub(1)?)
        });
        earlier.cloned().unwrap_or_else(|| "gone".to_owned())
    }
}

/// What there is of an object before a request, and after it.
struct Around<'a> {
    options: &'a Value,
    before: Answer,
    after: Answer,
}

impl Replay<'_> {
    /// Makes what is there at the start.
    pub(super) async fn make(&mut self, request: &Request) -> Result<(), CannotRun> {
        let path = self.path(request);
        let read = self.get(&path).await?;
        let answer = self.ask(request, &path, &read).await?;
        if !answer.is_granted() {
            return Err(CannotRun(format!("{path}: {}", answer.summary())));
        }
        self.note(request, &path, &answer);
        Ok(())
    }

    /// Sends a request of the model and compares its answer and what it has changed.
    pub(super) async fn requested(
        &mut self,
        step: &WalkStep,
        request: &Request,
    ) -> Result<Compared, CannotRun> {
        self.requests += 1;
        let path = self.path(request);
        let (collection, _) = split(&request.resource);
        let object = format!("{}/{}", self.collection(collection), self.real_name(request));
        if request.verb == Verb::List {
            return self.list(step, request).await;
        }
        self.hold(request, &object).await?;
        let read = self.get(&object).await?;
        if version(&request.body) == Some(OUTDATED) && read.is_granted() {
            self.change(&object).await?;
            if collection == "pods" {
                self.expect("MODIFIED", &request.name);
            }
        }
        let before = self.get(&object).await?;
        let answer = self.ask_unless_outrun(request, &path, &object, read).await?;
        let after = self.get(&object).await?;
        if answer.is_granted() {
            self.note(request, &path, &answer);
        }
        let is_changed = before.is_granted() != after.is_granted()
            || before.resource_version() != after.resource_version();
        if is_changed && collection == "pods" {
            self.expect(kind_of_event(&before, &after), &request.name);
        }
        let around = Around { options: &request.body, before, after };
        Ok(self.compared(step, request, &answer, &around))
    }

    /// Asks; where it names the current resourceVersion, again as long as others are faster.
    async fn ask_unless_outrun(
        &mut self,
        request: &Request,
        path: &str,
        object: &str,
        read: Answer,
    ) -> Result<Answer, CannotRun> {
        let mut answer = self.ask(request, path, &read).await?;
        for _ in 1..ATTEMPTS_MAX {
            if answer.code != 409 || version(&request.body) != Some(CURRENT) {
                break;
            }
            let read = self.get(object).await?;
            answer = self.ask(request, path, &read).await?;
        }
        Ok(answer)
    }

    /// Lets go of what finalizers hold, so that the namespace can end.
    pub(super) async fn let_go(&self) -> Result<(), CannotRun> {
        for path in &self.made.held {
            self.send(Method::PATCH, path, MERGE, &json!({"metadata": {"finalizers": null}}))
                .await?;
        }
        Ok(())
    }

    fn compared(
        &self,
        step: &WalkStep,
        request: &Request,
        answer: &Answer,
        around: &Around<'_>,
    ) -> Compared {
        let differs = |expected: &str| Err((expected.to_owned(), answer.summary()));
        let is_deletion = request.verb == Verb::Delete || request.resource == "pods/eviction";
        let changes = around.before.resource_version() != around.after.resource_version();
        match step.outcome {
            Outcome::Committed | Outcome::Done if !answer.is_granted() => differs("it is granted"),
            Outcome::Committed if is_deletion && !changes => differs("the object is deleted"),
            Outcome::Refused if is_deletion && answer.is_granted() && !changes => Ok(()),
            Outcome::Refused if !is_refusal(request, answer, &around.before) => {
                differs(&format!("it is refused with {}", refusal(request)))
            }
            Outcome::Committed if is_deletion && request.resource.starts_with("pods") => {
                gone_or_marked(&around.before, around.options, &around.after)
            }
            Outcome::Committed if request.resource == "pods/binding" => {
                let node = self.filled(&request.body, &around.before);
                contains(&json!({"spec": {"nodeName": node["target"]["name"]}}), &around.after.body)
            }
            Outcome::Committed if !is_deletion => {
                contains(&without_version(self.filled(&request.body, &around.before)), &answer.body)
            }
            Outcome::Committed | Outcome::Refused | Outcome::Done => Ok(()),
        }
    }

    /// Sends a request with the uids that it names, and the resourceVersion of the object that was read.
    async fn ask(
        &mut self,
        request: &Request,
        path: &str,
        read: &Answer,
    ) -> Result<Answer, CannotRun> {
        let body = self.filled(&request.body, read);
        match request.verb {
            Verb::Create => {
                let mut whole = self.least(request);
                merge(&mut whole, &body);
                self.send(Method::POST, path, JSON, &whole).await
            }
            Verb::Update => {
                let read = self.get(path).await?;
                let mut whole = if read.is_granted() { read.body } else { self.least(request) };
                whole["metadata"]["resourceVersion"] = Value::Null;
                merge(&mut whole, &body);
                self.send(Method::PUT, path, JSON, &whole).await
            }
            Verb::Patch => self.send(Method::PATCH, path, STRATEGIC, &body).await,
            Verb::Delete => self.send(Method::DELETE, path, JSON, &body).await,
            Verb::List => self.get(path).await,
        }
    }

    /// The least that an API server takes for the object of a request.
    fn least(&mut self, request: &Request) -> Value {
        let name = self.real_name(request);
        let (collection, subresource) = split(&request.resource);
        match (subresource, self.made.resources.get(collection)) {
            (Some(subresource), _) => objects::least_of_subresource(subresource, &name),
            (None, Some(resource)) => {
                let mut least = objects::least(collection, &name);
                least["apiVersion"] = json!(resource.api_version);
                least["kind"] = json!(resource.kind);
                least
            }
            (None, None) => objects::least(collection, &name),
        }
    }

    /// A list is as new as it was asked to be.
    async fn list(&mut self, step: &WalkStep, request: &Request) -> Result<Compared, CannotRun> {
        let asked = self.write_named(&request.body["resourceVersion"]);
        let matching = request.body["resourceVersionMatch"].as_str();
        let mut path = format!("{}?resourceVersion={asked}", self.path(request));
        if let Some(matching) = matching {
            path += &format!("&resourceVersionMatch={matching}");
        }
        let answer = self.get(&path).await?;
        if !answer.is_granted() {
            return Ok(super::replay::granted_as(step, &answer));
        }
        let asked = if asked.is_empty() { 0 } else { number(&asked)? };
        let got = answer.resource_version();
        let agrees = got.parse::<u64>().is_ok_and(|got| match matching {
            Some("Exact") => got == asked,
            Some(_) | None => got >= asked && got > 0,
        });
        let expected = || (format!("the list's resourceVersion fits {asked}"), got.to_owned());
        Ok(if agrees { Ok(()) } else { Err(expected()) })
    }

    /// What waits for the garbage collector waits for the suite too, or the cluster's own collector
    /// would be faster than the model's.
    async fn hold(&mut self, request: &Request, object: &str) -> Result<(), CannotRun> {
        let waits =
            matches!(request.body["propagationPolicy"].as_str(), Some("Foreground" | "Orphan"));
        if request.verb == Verb::Delete && waits {
            let finalizer = json!({"metadata": {"finalizers": [HELD]}});
            self.send(Method::PATCH, object, MERGE, &finalizer).await?;
            self.made.held.push(object.to_owned());
            self.is_shared(&request.name);
        }
        Ok(())
    }

    fn note(&mut self, request: &Request, path: &str, answer: &Answer) {
        let version = match answer.resource_version() {
            "" => self.made.writes.last().cloned().unwrap_or_default(),
            version => version.to_owned(),
        };
        self.made.writes.push(version);
        let (collection, subresource) = split(&request.resource);
        if request.verb != Verb::Create || subresource.is_some() {
            return;
        }
        let key = (collection.to_owned(), request.name.clone());
        // Whoever names an object that has no uid is to be refused, not let through.
        let uid = answer.body["metadata"]["uid"].as_str().unwrap_or("gone");
        self.made.uids.entry(key).or_default().push(uid.to_owned());
        if answer.body["metadata"]["finalizers"].is_array() {
            self.made.held.push(format!("{path}/{}", request.name));
        }
    }

    fn path(&mut self, request: &Request) -> String {
        let (collection, subresource) = split(&request.resource);
        let path = self.collection(collection);
        match (request.verb, subresource) {
            (Verb::Create, None) | (Verb::List, _) => path,
            (_, None) => format!("{path}/{}", self.real_name(request)),
            (_, Some(of)) => format!("{path}/{}/{of}", self.real_name(request)),
        }
    }

    fn collection(&self, resource: &str) -> String {
        let found = self.made.resources.get(resource);
        found.expect("resources are found before a walk begins").collection(&self.namespace)
    }

    /// Nodes and namespaces have no namespace: theirs are real names of the suite.
    fn real_name(&mut self, request: &Request) -> String {
        match split(&request.resource).0 {
            "nodes" => self.node(&request.name),
            "namespaces" => self.namespace.clone(),
            _ => request.name.clone(),
        }
    }
}

/// A resourceVersion that the suite itself has written down.
fn number(version: &str) -> Result<u64, CannotRun> {
    version.parse().map_err(|_| CannotRun(format!("{version:?} is no resourceVersion of the walk")))
}

fn kind_of_event(before: &Answer, after: &Answer) -> &'static str {
    match (before.is_granted(), after.is_granted()) {
        (false, _) => "ADDED",
        (true, true) => "MODIFIED",
        (true, false) => "DELETED",
    }
}

/// Whether it is refused as the model has it; with 404 only where the object is not there.
fn is_refusal(request: &Request, answer: &Answer, before: &Answer) -> bool {
    (answer.code == 404 && !before.is_granted()) || answer.code == request.refusal.unwrap_or(409)
}

fn refusal(request: &Request) -> String {
    format!("404 NotFound if it is not there, or {}", request.refusal.unwrap_or(409))
}

//! GET of one object and of lists: revisions, chunks, selectors.
//!
//! Source: Kubernetes API concepts, "Resource versions" and "Retrieving large results sets in chunks".

use api::object::text;
use api::selector::{FieldRequirement, FieldSelector, Selector};
use api::{Reason, Status};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use memchr::memmem::Finder;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Bytes, KeyValue, Range, Revision, Store};

use crate::call::{Call, Context, Response};
use crate::negotiate::{self, Format};
use crate::object::{self, Prefix};
use crate::route::Objects;
use crate::{keys, strategy};

/// GET of one object.
pub(crate) fn get(
    store: &Store,
    call: &Call,
    target: &Objects,
    context: &Context,
) -> Result<Response, Status> {
    let format = negotiate::format(call, target)?;
    not_too_new(store, call)?;
    let found = find(store, target)?;
    let object = object::decode(found);
    Ok(format.one(200, target.resource, &object, context.now))
}

/// The stored object that a path names.
pub(crate) fn find<'a>(
    store: &'a Store,
    target: &Objects,
) -> Result<&'a std::sync::Arc<KeyValue>, Status> {
    let name = target.name()?;
    store
        .get(&keys::key(target.resource, target.namespace.as_deref(), name))
        .ok_or_else(|| Status::not_found(target.resource, name))
}

/// Which objects of a range are wanted.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    /// By labels.
    pub(crate) labels: Selector,
    /// By fields.
    pub(crate) fields: FieldSelector,
    /// Texts without which a stored object cannot be wanted, as they stand in JSON.
    texts: Vec<Finder<'static>>,
}

impl Selection {
    /// What the query of a list or watch selects. A name in the path selects by `metadata.name`.
    pub(crate) fn of(call: &Call, target: &Objects) -> Result<Self, Status> {
        let unable = |parameter: &str, why: String| {
            Status::bad_request(format!("unable to parse {parameter}: {why}"))
        };
        let labels = Selector::parse(call.parameter("labelSelector"))
            .map_err(|why| unable("labelSelector", why))?;
        let mut text = call.parameter("fieldSelector").to_owned();
        if let Some(name) = &target.name {
            text = format!("metadata.name={name}{}{text}", if text.is_empty() { "" } else { "," });
        }
        let fields = FieldSelector::parse(&text).map_err(|why| unable("fieldSelector", why))?;
        let unknown = fields
            .requirements()
            .iter()
            .find(|requirement| !strategy::is_selectable(target.resource, &requirement.field));
        match unknown {
            Some(requirement) => {
                let field = &requirement.field;
                Err(Status::bad_request(format!("field label not supported: {field}")))
            }
            None => {
                let texts = fields.requirements().iter().filter_map(needed_text).collect();
                Ok(Self { labels, fields, texts })
            }
        }
    }

    /// The node that an object must name to be wanted, `spec.nodeName`.
    pub(crate) fn node(&self) -> Option<&str> {
        self.required("spec.nodeName")
    }

    /// The keys among which all wanted objects are: of one that is asked for by its name, only its own.
    pub(crate) fn range(&self, target: &Objects) -> Range {
        let name = self.required("metadata.name");
        keys::range_of_name(target.resource, target.namespace.as_deref(), name)
    }

    /// What a field must be.
    fn required(&self, field: &str) -> Option<&str> {
        let mut requirements = self.fields.requirements().iter();
        let required = requirements.find(|one| one.equals && one.field == field);
        required.map(|requirement| requirement.value.as_str())
    }

    /// Whether nothing is left out.
    pub(crate) fn is_everything(&self) -> bool {
        self.labels.is_everything() && self.fields.requirements().is_empty()
    }

    /// Whether a stored object is wanted. Only what the selection asks about is read.
    pub(crate) fn selects(&self, target: &Objects, found: &KeyValue) -> bool {
        if self.is_everything() {
            true
        } else if self.texts.iter().any(|text| text.find(&found.value).is_none()) {
            false
        } else if self.fields.is_everything() {
            self.labels.matches(&object::labels(found))
        } else {
            self.matches(target, &object::decode(found))
        }
    }

    /// Whether an object is wanted.
    pub(crate) fn matches(&self, target: &Objects, object: &Value) -> bool {
        self.labels.matches_value(&object["metadata"]["labels"])
            && (self.fields.requirements().is_empty()
                || self.fields.matches(&strategy::selectable_fields(target.resource, object)))
    }
}

/// Fields that stand in an object as they are compared: a kubelet asks for the pods of its node, and most are not.
const VERBATIM: [&str; 2] = ["metadata.name", "spec.nodeName"];

/// The text that an object must hold to be what a requirement asks for, where that can be said.
fn needed_text(requirement: &FieldRequirement) -> Option<Finder<'static>> {
    let FieldRequirement { field, value, .. } = requirement;
    let is_said = requirement.equals && !value.is_empty() && VERBATIM.contains(&field.as_str());
    let quoted = is_said.then(|| Value::from(value.as_str()).to_string())?;
    Some(Finder::new(quoted.as_bytes()).into_owned())
}

/// Where a list goes on: opaque to clients.
#[derive(Debug, Serialize, Deserialize)]
struct Continue {
    /// Of the list; 0 for what is there when it is asked for, whatever there was before.
    revision: u64,
    start: String,
}

/// GET of a list.
pub(crate) fn list(
    store: &Store,
    call: &Call,
    target: &Objects,
    context: &Context,
) -> Result<Response, Status> {
    let format = negotiate::format(call, target)?;
    let selection = Selection::of(call, target)?;
    let page = Page::read(store, call, target, &selection)?;
    let body = match format {
        Format::Object => page.copy(target),
        Format::Version(_) | Format::Metadata | Format::Table(_) => {
            let objects: Vec<Value> =
                page.found.iter().map(|found| object::decode(found)).collect();
            let list = format.list(target.resource, page.metadata(), &objects, context.now);
            list.to_string().into_bytes()
        }
    };
    Ok(Response::bytes(200, "application/json", body))
}

/// The objects that match, all of them, now.
pub(crate) fn matching(store: &Store, call: &Call, target: &Objects) -> Result<Vec<Value>, Status> {
    let selection = Selection::of(call, target)?;
    let range = keys::range(target.resource, target.namespace.as_deref());
    let objects = store.range(&range).map(|found| object::decode(found));
    Ok(objects.filter(|object| selection.matches(target, object)).collect())
}

/// One chunk of a list.
struct Page {
    revision: Revision,
    found: Vec<std::sync::Arc<KeyValue>>,
    next: String,
    remaining: Option<usize>,
}

impl Page {
    fn read(
        store: &Store,
        call: &Call,
        target: &Objects,
        selection: &Selection,
    ) -> Result<Self, Status> {
        let limit = limit(call)?;
        let (past, range) = snapshot(store, call, selection.range(target))?;
        let mut rest = past.range(&range);
        let mut found = vec![];
        let mut next = None;
        for candidate in rest.by_ref() {
            if found.len() == limit {
                next = Some(candidate.key.clone());
                break;
            }
            if selection.selects(target, candidate) {
                found.push(std::sync::Arc::clone(candidate));
            }
        }
        let remaining =
            (next.is_some() && selection.is_everything()).then(|| rest.count().saturating_add(1));
        let next = next.map_or_else(String::new, |key| token(past.revision(), &key));
        Ok(Self { revision: past.revision(), found, next, remaining })
    }

    fn metadata(&self) -> Value {
        let mut metadata = json!({"resourceVersion": self.revision.to_string()});
        if !self.next.is_empty() {
            metadata["continue"] = json!(self.next);
        }
        if let Some(remaining) = self.remaining {
            metadata["remainingItemCount"] = json!(remaining);
        }
        metadata
    }

    fn copy(&self, target: &Objects) -> Vec<u8> {
        let resource = target.resource;
        let head = format!(
            "{{\"kind\":\"{}List\",\"apiVersion\":\"{}\",\"metadata\":{},\"items\":[",
            resource.kind,
            resource.api_version(),
            self.metadata()
        );
        let prefix = Prefix::of(resource);
        let mut body = head.into_bytes();
        for (index, found) in self.found.iter().enumerate() {
            if index > 0 {
                body.push(b',');
            }
            prefix.copy(found, found.mod_revision, true, &mut body);
        }
        body.extend_from_slice(b"]}\n");
        body
    }
}

fn limit(call: &Call) -> Result<usize, Status> {
    match call.parameter("limit") {
        "" | "0" => Ok(usize::MAX),
        text => text.parse().map_err(|_| {
            Status::bad_request(format!("strconv.ParseInt: parsing \"{text}\": invalid syntax"))
        }),
    }
}

/// The store to read, and where in the range to begin.
fn snapshot(store: &Store, call: &Call, range: Range) -> Result<(Store, Range), Status> {
    match call.parameter("continue") {
        "" => Ok((at_resource_version(store, call)?, range)),
        text => {
            let token = read_token(text)?;
            let start = Bytes::from(token.start.as_bytes());
            if !range.contains(&start) {
                return Err(Status::bad_request(
                    "continue key is not valid: it is not of this list",
                ));
            }
            let past = match token.revision {
                0 => store.clone(),
                revision => store.at(Revision(revision)).map_err(|_| expired_list(&token.start))?,
            };
            Ok((past, range.from(start)))
        }
    }
}

fn at_resource_version(store: &Store, call: &Call) -> Result<Store, Status> {
    let asked = resource_version(call)?;
    match (call.parameter("resourceVersionMatch"), asked) {
        ("", None) => Ok(store.clone()),
        ("" | "NotOlderThan", Some(_)) => {
            not_too_new(store, call)?;
            Ok(store.clone())
        }
        ("Exact", Some(revision)) if revision.0 > 0 => {
            not_too_new(store, call)?;
            store.at(revision).map_err(|expired| too_old(expired.asked, expired.compacted))
        }
        ("Exact", Some(_)) => Err(invalid_match(
            "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
        )),
        ("NotOlderThan" | "Exact", None) => Err(invalid_match(
            "resourceVersionMatch is forbidden unless resourceVersion is provided",
        )),
        (other, _) => Err(Status::bad_request(format!(
            "resourceVersionMatch: Unsupported value: \"{other}\": supported values: \"Exact\", \"NotOlderThan\""
        ))),
    }
}

fn invalid_match(why: &str) -> Status {
    Status::bad_request(format!("resourceVersionMatch: Forbidden: {why}"))
}

/// The `resourceVersion` of the query, `None` when it is not given.
pub(crate) fn resource_version(call: &Call) -> Result<Option<Revision>, Status> {
    match call.parameter("resourceVersion") {
        "" => Ok(None),
        text => text.parse().map(|number| Some(Revision(number))).map_err(|_| {
            Status::bad_request(format!("resourceVersion: Invalid value: \"{text}\": strconv.ParseUint: parsing \"{text}\": invalid syntax"))
        }),
    }
}

/// A revision that the store has not reached yet is refused, to be tried again.
pub(crate) fn not_too_new(store: &Store, call: &Call) -> Result<(), Status> {
    let current = store.revision();
    match resource_version(call)? {
        Some(asked) if asked > current => {
            let message = format!("Too large resource version: {asked}, current: {current}");
            let mut status = Status::new(Reason::Timeout, message);
            status.retry_after_seconds = 1;
            status.causes.push(api::status::Cause {
                reason: "ResourceVersionTooLarge",
                field: String::new(),
                message: "Too large resource version".to_owned(),
            });
            Err(status)
        }
        Some(_) | None => Ok(()),
    }
}

/// 410 for a revision that has been compacted away.
pub(crate) fn too_old(asked: Revision, oldest: Revision) -> Status {
    Status::expired(format!("too old resource version: {asked} ({oldest})"))
}

/// 410 for a page of a list that is too old, with a token for the rest as it is now.
/// Source: apiserver/pkg/storage/etcd3/errors.go, v1.36.
fn expired_list(start: &str) -> Status {
    let mut status = Status::expired(
        "The provided continue parameter is too old to display a consistent list result. You can start a new \
         list without the continue parameter, or use the continue token in this response to retrieve the \
         remainder of the results. Continuing with the provided token results in an inconsistent list - \
         objects that were created, modified, or deleted between the time the first chunk was returned and \
         now may show up in the list.",
    );
    status.continue_token = token(Revision(0), start.as_bytes());
    status
}

fn token(revision: Revision, start: &[u8]) -> String {
    let start = String::from_utf8_lossy(start).into_owned();
    let token = Continue { revision: revision.0, start };
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&token).expect("a token is JSON"))
}

fn read_token(text: &str) -> Result<Continue, Status> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok();
    bytes
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .ok_or_else(|| Status::bad_request("continue key is not valid: it cannot be decoded"))
}

/// The uid of an object, for preconditions and messages.
pub(crate) fn uid(object: &Value) -> &str {
    text(object, &["metadata", "uid"])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Client;

    const MAPS: &str = "/api/v1/namespaces/default/configmaps";

    fn client(maps: usize) -> Client {
        let mut client = Client::new();
        client.created("/api/v1/namespaces", &json!({"metadata": {"name": "default"}}));
        for number in 0..maps {
            let labels = json!({"odd": (number % 2 == 1).to_string()});
            let map = json!({"metadata": {"name": format!("map-{number}"), "labels": labels}});
            client.created(MAPS, &map);
        }
        client
    }

    /// What is answered to a list with this query.
    fn listed(client: &Client, query: &[(&str, &str)]) -> Value {
        let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut call = Call::of_tests(http::Method::GET, MAPS, &Value::Null);
        call.body.clear();
        call.query = query.collect();
        let decision = crate::decide(&client.store, &call, &client.context);
        let crate::Decision::Respond(response) = decision else { panic!("no answer") };
        serde_json::from_slice(&response.body).unwrap()
    }

    #[test]
    fn fields_select_what_they_name_and_not_what_only_mentions_it() {
        let mut client = client(3);
        let mention =
            json!({"metadata": {"name": "other"}, "data": {"a": "map-1", "b": "\"map-1\""}});
        client.created(MAPS, &mention);
        let by = |field: &str| listed(&client, &[("fieldSelector", field)]);

        assert_eq!(names(&by("metadata.name=map-1")), ["map-1"]);
        assert_eq!(names(&by("metadata.name!=map-1")), ["map-0", "map-2", "other"]);
        assert_eq!(names(&by("metadata.name=a\"b")), [""; 0]);
    }

    #[test]
    fn an_object_that_is_asked_for_by_its_name_is_looked_for_at_its_key() {
        let client = client(0);
        let range = |path: &str, fields: &str| {
            let mut call = Call::of_tests(http::Method::GET, path, &Value::Null);
            call.body.clear();
            let query = [("watch", "1"), ("fieldSelector", fields)];
            call.query = query.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
            let decision = crate::decide(&client.store, &call, &client.context);
            let crate::Decision::Watch(watch) = decision else { panic!("not watched") };
            String::from_utf8_lossy(watch.prefix()).into_owned()
        };
        let all = MAPS.replace("/namespaces/default", "");

        assert_eq!(range(MAPS, "metadata.name=a"), "/registry/configmaps/default/a");
        assert_eq!(range(MAPS, "metadata.name!=a"), "/registry/configmaps/default/");
        assert_eq!(range(&all, "metadata.name=a"), "/registry/configmaps/");
        assert_eq!(range("/api/v1/nodes", "metadata.name=a"), "/registry/minions/a");
    }

    fn names(list: &Value) -> Vec<&str> {
        let items = list["items"].as_array().unwrap().iter();
        items.map(|item| item["metadata"]["name"].as_str().unwrap()).collect()
    }

    /// Conformance: Servers with support for API chunking should support continue listing from the last key if the original version has been compacted away, though the list is inconsistent [Slow]
    #[test]
    fn a_list_whose_revision_is_compacted_away_goes_on_with_what_there_is() {
        let mut client = client(5);
        let first = listed(&client, &[("limit", "2")]);
        let token = first["metadata"]["continue"].as_str().unwrap();
        client.created(MAPS, &json!({"metadata": {"name": "map-9"}}));
        client.store.compact(client.store.revision()).unwrap();

        let expired = listed(&client, &[("limit", "2"), ("continue", token)]);
        let token = expired["metadata"]["continue"].as_str().unwrap();
        let second = listed(&client, &[("limit", "2"), ("continue", token)]);
        let token = second["metadata"]["continue"].as_str().unwrap();
        let third = listed(&client, &[("limit", "2"), ("continue", token)]);

        assert_eq!((&expired["code"], &expired["reason"]), (&json!(410), &json!("Expired")));
        assert_eq!(names(&first), ["map-0", "map-1"]);
        assert_eq!(names(&second), ["map-2", "map-3"]);
        assert_eq!(second["metadata"]["remainingItemCount"], 2);
        assert_eq!(names(&third), ["map-4", "map-9"]);
        assert_eq!(third["metadata"].get("continue"), None);
        let revision = &second["metadata"]["resourceVersion"];
        assert_eq!(revision, &third["metadata"]["resourceVersion"]);
    }

    #[test]
    fn labels_select_what_is_listed() {
        let client = client(5);

        assert_eq!(names(&listed(&client, &[("labelSelector", "odd=true")])), ["map-1", "map-3"]);
        assert_eq!(names(&listed(&client, &[("labelSelector", "!odd")])), [""; 0]);
    }
}

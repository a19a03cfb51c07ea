//! GET of one object and of lists: revisions, chunks, selectors.
//!
//! Source: Kubernetes API concepts, "Resource versions" and "Retrieving large results sets in chunks".

mod continue_token;
mod selection;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod versions;

pub(crate) use selection::Selection;

use api::object::text;
use api::{Reason, Status};
use serde_json::{Value, json};
use store::{KeyValue, Range, Revision, Store};

use crate::call::{Call, Context, Response};
use crate::keys;
use crate::negotiate::{self, Format};
use crate::object::{self, Prefix};
use crate::options::list::ListOptions;
use crate::options::revision;
use crate::route::Objects;
use continue_token::ContinueToken;

/// GET of one object.
pub(crate) fn get(
    store: &Store,
    call: &Call,
    target: &Objects,
    context: &Context,
) -> Result<Response, Status> {
    let format = negotiate::format(call, target)?;
    if call.flag("export") {
        let message = "the export parameter, deprecated since v1.14, is no longer supported";
        return Err(Status::bad_request(message));
    }
    not_too_new(store, of_newer(call.parameter("resourceVersion"))?)?;
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

/// GET of a list.
pub(crate) fn list(
    store: &Store,
    call: &Call,
    target: &Objects,
    context: &Context,
) -> Result<Response, Status> {
    let format = negotiate::format(call, target)?;
    let options = ListOptions::of(call)?;
    let selection = Selection::of(&options, target)?;
    let page = Page::read(store, &options, (&selection, target))?;
    let body = match format {
        Format::Object => page.copy(target),
        Format::Version(_) | Format::Metadata(_) | Format::Table(..) => {
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
    let selection = Selection::of(&ListOptions::of(call)?, target)?;
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
        options: &ListOptions<'_>,
        (selection, target): (&Selection, &Objects),
    ) -> Result<Self, Status> {
        let limit = usize::try_from(options.limit).ok().filter(|limit| *limit > 0);
        let range = selection.range(target);
        let prefix = range.start().to_vec();
        let (past, range) = snapshot(store, options, range)?;
        let mut rest = past.range(&range);
        let (mut found, mut is_cut) = (vec![], false);
        for candidate in rest.by_ref() {
            is_cut = limit == Some(found.len());
            if is_cut {
                break;
            }
            if selection.selects(target, candidate) {
                found.push(std::sync::Arc::clone(candidate));
            }
        }
        // It goes on as long as there is anything, wanted or not, as upstream has it.
        let remaining = (is_cut && selection.is_everything()).then(|| rest.count() + 1);
        let last = found.last().filter(|_| is_cut);
        let next = last.map(|last| ContinueToken::behind(&last.key, &prefix, past.revision()));
        let next = next.map_or_else(String::new, |token| token.write());
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

/// The store to read, and where in the range to begin. What is listed by its name has no chunks.
fn snapshot(
    store: &Store,
    options: &ListOptions<'_>,
    range: Range,
) -> Result<(Store, Range), Status> {
    let has_pages = !matches!(range, Range::Key(_));
    if options.continue_token.is_empty() || !has_pages {
        return Ok((at_resource_version(store, options, has_pages)?, range));
    }
    let token = ContinueToken::read(options.continue_token)?;
    if !matches!(options.resource_version, "" | "0") {
        let message = "specifying resource version is not allowed when using continue";
        return Err(Status::bad_request(message));
    }
    let start = token.key(range.start());
    let past = match token.revision {
        None => store.clone(),
        Some(revision) if revision > store.revision() => {
            return Err(too_large(revision, store.revision()));
        }
        Some(revision) => store.at(revision).map_err(|_| expired_list(token))?,
    };
    Ok((past, range.from(start)))
}

fn at_resource_version(
    store: &Store,
    options: &ListOptions<'_>,
    has_pages: bool,
) -> Result<Store, Status> {
    let asked = revision(options.resource_version)
        .map_err(|why| Status::bad_request(format!("invalid resource version: {why}")))?;
    match asked {
        Some(revision) if options.is_exact(revision, has_pages) => {
            let current = store.revision();
            if revision > current {
                return Err(too_large(revision, current));
            }
            store.at(revision).map_err(|_| {
                Status::expired("The resourceVersion for the provided list is too old.")
            })
        }
        asked => not_too_new(store, asked).map(|()| store.clone()),
    }
}

/// The revision that a read or a watch names. What is none is nobody's fault to upstream, which answers 500.
pub(crate) fn of_newer(text: &str) -> Result<Option<Revision>, Status> {
    revision(text).map_err(|why| Status::new(Reason::Unknown, why))
}

/// A revision that the store has not reached yet is refused, to be tried again.
pub(crate) fn not_too_new(store: &Store, asked: Option<Revision>) -> Result<(), Status> {
    let current = store.revision();
    match asked.filter(|asked| *asked > current) {
        Some(asked) => Err(Status { retry_after_seconds: 1, ..too_large(asked, current) }),
        None => Ok(()),
    }
}

/// 504 for a revision that does not exist yet.
fn too_large(asked: Revision, current: Revision) -> Status {
    let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
    let causes = vec![api::status::Cause {
        reason: "ResourceVersionTooLarge",
        field: String::new(),
        message: "Too large resource version".to_owned(),
    }];
    Status { causes, ..Status::new(Reason::Timeout, message) }
}

/// 410 for a revision that has been compacted away.
pub(crate) fn too_old(asked: Revision, oldest: Revision) -> Status {
    Status::expired(format!("too old resource version: {asked} ({oldest})"))
}

/// 410 for a page of a list that is too old, with a token for the rest as it is now.
/// Source: apiserver/pkg/storage/etcd3/errors.go, v1.36.
fn expired_list(token: ContinueToken) -> Status {
    let mut status = Status::expired(
        "The provided continue parameter is too old to display a consistent list result. You can start a new \
         list without the continue parameter, or use the continue token in this response to retrieve the \
         remainder of the results. Continuing with the provided token results in an inconsistent list - \
         objects that were created, modified, or deleted between the time the first chunk was returned and \
         now may show up in the list.",
    );
    status.continue_token = token.in_newest().write();
    status
}

/// The uid of an object, for preconditions and messages.
pub(crate) fn uid(object: &Value) -> &str {
    text(object, &["metadata", "uid"])
}

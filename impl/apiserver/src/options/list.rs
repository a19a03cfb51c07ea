//! `ListOptions`: what a list, a watch or the deletion of a collection is asked with.
//!
//! Source: apimachinery/pkg/apis/meta/internalversion/validation/validation.go and defaults.go, v1.36.

use api::Status;
use api::selector::{FieldSelector, Selector};
use api::status::Cause;
use serde_json::json;
use store::Revision;

use crate::call::Call;
use crate::options;

const EXACT: &str = "Exact";
const NOT_OLDER_THAN: &str = "NotOlderThan";

/// The options, as far as they can be understood without knowing of what the list is.
#[derive(Clone, Debug)]
pub(crate) struct ListOptions<'a> {
    /// By labels.
    pub(crate) labels: Selector,
    /// By fields, in the words of the version that is asked for.
    pub(crate) fields: FieldSelector,
    /// Whether events are wanted, not a list.
    is_watch: bool,
    /// Whether a watch wants to hear that nothing happened.
    pub(crate) allow_watch_bookmarks: bool,
    /// As it is written; empty for the newest.
    pub(crate) resource_version: &'a str,
    /// What the version means.
    pub(crate) resource_version_match: &'a str,
    /// How long a watch lasts; 0 says nothing.
    pub(crate) timeout_seconds: i64,
    /// How many objects are wanted at most; all, unless it is above 0.
    pub(crate) limit: i64,
    /// Where a list goes on; empty at its beginning.
    pub(crate) continue_token: &'a str,
    /// Whether a watch begins with what is there.
    pub(crate) send_initial_events: Option<bool>,
}

impl<'a> ListOptions<'a> {
    /// Reads them. A 400 for what cannot be read, a 422 for what may not stand beside each other.
    pub(crate) fn of(call: &'a Call) -> Result<Self, Status> {
        let timeout_seconds = options::integer(call, "timeoutSeconds")?.unwrap_or(0);
        let limit = options::integer(call, "limit")?.unwrap_or(0);
        let mut options = Self {
            labels: Selector::parse(call.parameter("labelSelector"))
                .map_err(Status::bad_request)?,
            fields: FieldSelector::parse(call.parameter("fieldSelector"))
                .map_err(Status::bad_request)?,
            is_watch: call.flag("watch"),
            allow_watch_bookmarks: call.flag("allowWatchBookmarks"),
            resource_version: call.parameter("resourceVersion"),
            resource_version_match: call.parameter("resourceVersionMatch"),
            timeout_seconds,
            limit,
            continue_token: call.parameter("continue"),
            send_initial_events: options::flag(call, "sendInitialEvents"),
        };
        options.apply_defaults();
        let causes = if options.is_watch { options.watch_causes() } else { options.list_causes() };
        match causes.is_empty() {
            true => Ok(options),
            false => Err(Status::invalid_options("ListOptions", causes)),
        }
    }

    /// Whether the version must be that of the list. Source: `ValidateListOptions` of
    /// apiserver/pkg/storage/interfaces.go, v1.36: a page of a list that names a version is of that version. What is
    /// listed by its name has no pages.
    pub(crate) fn is_exact(&self, asked: Revision, has_pages: bool) -> bool {
        match self.resource_version_match {
            EXACT => true,
            NOT_OLDER_THAN => false,
            _ => has_pages && self.limit > 0 && asked > Revision(0),
        }
    }

    /// A watch that names no version has always begun with what is there.
    fn apply_defaults(&mut self) {
        let says_nothing =
            self.send_initial_events.is_none() && self.resource_version_match.is_empty();
        if self.is_watch && says_nothing && matches!(self.resource_version, "" | "0") {
            self.send_initial_events = Some(true);
            self.resource_version_match = NOT_OLDER_THAN;
        }
    }

    fn list_causes(&self) -> Vec<Cause> {
        let mut causes = vec![];
        let asked = self.resource_version_match;
        if !asked.is_empty() {
            let supported = [EXACT, NOT_OLDER_THAN, ""];
            causes.extend(forbidden_match(
                self.resource_version.is_empty(),
                "resourceVersionMatch is forbidden unless resourceVersion is provided",
            ));
            causes.extend(self.continued_match());
            causes.extend(unsupported_match(asked, &supported));
            causes.extend(forbidden_match(
                asked == EXACT && self.resource_version == "0",
                "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
            ));
        }
        if self.send_initial_events.is_some() {
            let rule = "sendInitialEvents is forbidden for list";
            causes.push(Cause::forbidden("sendInitialEvents", rule));
        }
        causes
    }

    fn watch_causes(&self) -> Vec<Cause> {
        let mut causes = vec![];
        let asked = self.resource_version_match;
        causes.extend(forbidden_match(
            self.send_initial_events.is_some() && asked != NOT_OLDER_THAN,
            "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        ));
        if !asked.is_empty() {
            causes.extend(forbidden_match(
                self.send_initial_events.is_none(),
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
            ));
            causes.extend(unsupported_match(asked, &[NOT_OLDER_THAN]));
            causes.extend(self.continued_match());
        }
        causes
    }

    /// What goes on has its version already.
    fn continued_match(&self) -> Option<Cause> {
        let rule = "resourceVersionMatch is forbidden when continue is provided";
        forbidden_match(!self.continue_token.is_empty(), rule)
    }
}

fn forbidden_match(is_broken: bool, rule: &str) -> Option<Cause> {
    is_broken.then(|| Cause::forbidden("resourceVersionMatch", rule))
}

fn unsupported_match(asked: &str, supported: &[&str]) -> Option<Cause> {
    let is_known = supported.contains(&asked);
    (!is_known).then(|| Cause::not_supported("resourceVersionMatch", &json!(asked), supported))
}

#[cfg(test)]
mod tests;

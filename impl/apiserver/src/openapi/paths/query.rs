//! Which query parameters an operation takes.

pub(super) const WRITE: &[&str] = &["dryRun", "fieldManager", "fieldValidation"];
pub(super) const PATCH: &[&str] = &["dryRun", "fieldManager", "fieldValidation", "force"];
const IGNORE_READ_ERROR: &str = "ignoreStoreReadErrorWithClusterBreakingPotential";
pub(super) const DELETE: &[&str] =
    &["dryRun", IGNORE_READ_ERROR, "gracePeriodSeconds", "orphanDependents", "propagationPolicy"];
/// Those of a deletion and those of a list, but for watches.
pub(super) const DELETE_COLLECTION: &[&str] = &[
    "continue",
    "dryRun",
    "fieldSelector",
    "gracePeriodSeconds",
    IGNORE_READ_ERROR,
    "labelSelector",
    "limit",
    "orphanDependents",
    "propagationPolicy",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "shardSelector",
    "timeoutSeconds",
];
pub(super) const LOG: &[&str] = &[
    "container",
    "follow",
    "insecureSkipTLSVerifyBackend",
    "limitBytes",
    "previous",
    "sinceSeconds",
    "stream",
    "tailLines",
    "timestamps",
];
pub(super) const LIST: &[&str] = &[
    "allowWatchBookmarks",
    "continue",
    "fieldSelector",
    "labelSelector",
    "limit",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "shardSelector",
    "timeoutSeconds",
    "watch",
];

/// What a stream is opened with; nothing where no stream is.
pub(super) fn streamed(name: &str) -> Option<&'static [&'static str]> {
    match name {
        "attach" => Some(&["container", "stderr", "stdin", "stdout", "tty"]),
        "exec" => Some(&["command", "container", "stderr", "stdin", "stdout", "tty"]),
        "portforward" => Some(&["ports"]),
        "proxy" => Some(&["path"]),
        _ => None,
    }
}

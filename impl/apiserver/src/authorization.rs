//! Who may do what.
//!
//! Thin for now: whoever shows a certificate that the cluster's authority has signed may do everything,
//! others only what upstream's `system:public-info-viewer` allows. Roles come with RBAC.

use api::{Reason, Status};
use http::Method;

use crate::call::{Call, User};

const PUBLIC: &[&str] = &["/healthz", "/livez", "/readyz", "/version"];

/// Whether somebody may do something with objects, or with a path that is none of objects.
pub(crate) fn allows(user: &User, verb: &str, path: Option<&str>) -> bool {
    let is_public = path.is_some_and(|path| PUBLIC.contains(&path.trim_end_matches('/')));
    !user.is_anonymous() || (verb == "get" && is_public)
}

/// Refuses what the caller may not do.
pub fn authorize(call: &Call) -> Result<(), Status> {
    authorize_request(&call.user, &call.method, &call.path)
}

/// The same, before the body has been read.
pub fn authorize_request(user: &User, method: &Method, path: &str) -> Result<(), Status> {
    let verb = method.as_str().to_lowercase();
    if allows(user, &verb, Some(path)) {
        return Ok(());
    }
    let message = format!("forbidden: User \"{}\" cannot {verb} path \"{path}\"", user.name);
    Err(Status::new(Reason::Forbidden, message))
}

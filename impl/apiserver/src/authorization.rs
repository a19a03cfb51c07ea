//! Who may do what.
//!
//! Thin for now: whoever shows a certificate that the cluster's authority has signed may do everything,
//! others only what upstream's `system:public-info-viewer` allows. Roles come with RBAC.

use api::{Reason, Status};

use crate::call::{Call, User};

const PUBLIC: &[&str] = &["/healthz", "/livez", "/readyz", "/version"];

/// Whether somebody may do something with objects, or with a path that is none of objects.
pub(crate) fn allows(user: &User, verb: &str, path: Option<&str>) -> bool {
    let is_public = path.is_some_and(|path| PUBLIC.contains(&path.trim_end_matches('/')));
    !user.is_anonymous() || (verb == "get" && is_public)
}

/// Refuses what the caller may not do.
pub fn authorize(call: &Call) -> Result<(), Status> {
    if allows(&call.user, &call.method.as_str().to_lowercase(), Some(&call.path)) {
        return Ok(());
    }
    let verb = call.method.as_str().to_lowercase();
    let message =
        format!("forbidden: User \"{}\" cannot {verb} path \"{}\"", call.user.name, call.path);
    Err(Status::new(Reason::Forbidden, message))
}

//! Who may do what.
//!
//! Thin for now: whoever shows a certificate that the cluster's authority has signed may do everything,
//! others only what upstream's `system:public-info-viewer` allows. Roles come with RBAC.

use api::{Reason, Status};
use http::Method;

use crate::call::Call;

const PUBLIC: &[&str] = &["/healthz", "/livez", "/readyz", "/version"];

/// Refuses what the caller may not do.
pub(crate) fn authorize(call: &Call) -> Result<(), Status> {
    let path = call.path.trim_end_matches('/');
    if !call.user.is_anonymous() || (call.method == Method::GET && PUBLIC.contains(&path)) {
        return Ok(());
    }
    let verb = call.method.as_str().to_lowercase();
    let message =
        format!("forbidden: User \"{}\" cannot {verb} path \"{}\"", call.user.name, call.path);
    Err(Status::new(Reason::Forbidden, message))
}

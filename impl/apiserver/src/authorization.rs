//! Who may do what.
//!
//! Thin for now: whoever shows a certificate that the cluster's authority has signed may do everything,
//! others only what upstream's `system:public-info-viewer` allows. Roles come with RBAC.

use api::{Reason, Status};

use crate::call::{Call, User};
use crate::request_info::RequestInfo;

const PUBLIC: &[&str] = &["/healthz", "/livez", "/readyz", "/version"];

/// Whether somebody may do something with objects, or with a path that is none of objects.
pub(crate) fn allows(user: &User, verb: &str, path: Option<&str>) -> bool {
    let is_public = path.is_some_and(|path| PUBLIC.contains(&path.trim_end_matches('/')));
    !user.is_anonymous() || (verb == "get" && is_public)
}

/// Refuses what the caller may not do.
pub fn authorize(call: &Call) -> Result<(), Status> {
    authorize_request(&call.user, &call.info())
}

/// The same, before the body has been read.
///
/// Source: apiserver/pkg/endpoints/handlers/responsewriters/errors.go, v1.36.
pub fn authorize_request(user: &User, info: &RequestInfo) -> Result<(), Status> {
    let path = (!info.is_resource_request).then_some(info.path.as_str());
    if allows(user, &info.verb, path) {
        return Ok(());
    }
    let RequestInfo { verb, api_group, namespace, resource, subresource, name, .. } = info;
    let who = format!("User \"{}\" cannot {verb}", user.name);
    if let Some(path) = path {
        return Err(Status::new(Reason::Forbidden, format!("forbidden: {who} path \"{path}\"")));
    }
    let dotted = if api_group.is_empty() { String::new() } else { format!(".{api_group}") };
    let quoted = if name.is_empty() { String::new() } else { format!(" \"{name}\"") };
    let whole = if subresource.is_empty() { String::new() } else { format!("/{subresource}") };
    let scope = match namespace.as_str() {
        "" => "at the cluster scope".to_owned(),
        namespace => format!("in the namespace \"{namespace}\""),
    };
    let what = format!("resource \"{resource}{whole}\" in API group \"{api_group}\" {scope}");
    let message = format!("{resource}{dotted}{quoted} is forbidden: {who} {what}");
    Err(Status {
        name: name.clone(),
        group: api_group.clone(),
        kind: resource.clone(),
        ..Status::new(Reason::Forbidden, message)
    })
}

#[cfg(test)]
mod tests {
    use http::Method;
    use serde_json::json;

    use super::*;
    use crate::testing::form;

    fn refused(method: &str, uri: &str) -> Status {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let method: Method = method.parse().unwrap();
        let info = RequestInfo::of(&method, path, &form(query));
        authorize_request(&User::anonymous(), &info).unwrap_err()
    }

    #[test]
    fn who_may_not_hears_of_what() {
        let cluster = "at the cluster scope";
        let namespace = "in the namespace \"n\"";
        let table = [
            (
                "GET",
                "/api/v1/nodes/a",
                "nodes \"a\"",
                "get resource \"nodes\" in API group \"\"",
                cluster,
            ),
            (
                "GET",
                "/api/v1/pods?watch=1",
                "pods",
                "watch resource \"pods\" in API group \"\"",
                cluster,
            ),
            (
                "DELETE",
                "/api/v1/namespaces/n/pods",
                "pods",
                "deletecollection resource \"pods\" in API group \"\"",
                namespace,
            ),
            (
                "GET",
                "/apis/apps/v1/namespaces/n/deployments/d/scale",
                "deployments.apps \"d\"",
                "get resource \"deployments/scale\" in API group \"apps\"",
                namespace,
            ),
            (
                "POST",
                "/api/v1/namespaces/n/pods/p/exec",
                "pods \"p\"",
                "create resource \"pods/exec\" in API group \"\"",
                namespace,
            ),
            (
                "GET",
                "/api/v1/nopes/x",
                "nopes \"x\"",
                "get resource \"nopes\" in API group \"\"",
                cluster,
            ),
        ];
        for (method, uri, about, what, scope) in table {
            let who = "User \"system:anonymous\" cannot";
            let expected = format!("{about} is forbidden: {who} {what} {scope}");
            assert_eq!(refused(method, uri).message, expected, "{method} {uri}");
        }
        let scale = refused("GET", "/apis/apps/v1/namespaces/n/deployments/d/scale").to_value();
        assert_eq!(scale["details"], json!({"name": "d", "group": "apps", "kind": "deployments"}));
        let path = refused("POST", "/apis/apps/v1");
        let expected = "forbidden: User \"system:anonymous\" cannot post path \"/apis/apps/v1\"";
        assert_eq!((path.message.as_str(), &path.to_value()["details"]), (expected, &json!({})));
    }
}

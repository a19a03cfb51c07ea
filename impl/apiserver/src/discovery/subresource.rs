//! The subresources of a resource, as discovery tells them.

use api::ApiResource;

/// A subresource: what it takes or answers, and what can be done with it.
pub(super) struct Subresource {
    pub(super) name: &'static str,
    /// Empty, like the version, where they are those of the resource.
    pub(super) group: &'static str,
    pub(super) version: &'static str,
    pub(super) kind: &'static str,
    pub(super) verbs: &'static [&'static str],
}

impl Subresource {
    /// All of a resource, by name.
    pub(super) fn all_of(resource: &'static ApiResource) -> impl Iterator<Item = Self> {
        resource.subresources.iter().map(move |name| Self::of(resource, name))
    }

    fn of(resource: &'static ApiResource, name: &'static str) -> Self {
        let (group, version, kind) = match name {
            "binding" => ("", "", "Binding"),
            "eviction" => ("policy", "v1", "Eviction"),
            "exec" => ("", "", "PodExecOptions"),
            "attach" => ("", "", "PodAttachOptions"),
            "portforward" => ("", "", "PodPortForwardOptions"),
            "proxy" => ("", "", proxy_options(resource)),
            "token" => ("authentication.k8s.io", "v1", "TokenRequest"),
            "scale" => ("autoscaling", "v1", "Scale"),
            _ => ("", "", resource.kind),
        };
        let verbs: &[&str] = match name {
            "binding" | "eviction" | "token" => &["create"],
            "log" => &["get"],
            "exec" | "attach" | "portforward" => &["create", "get"],
            "proxy" => &["create", "delete", "get", "patch", "update"],
            "finalize" => &["update"],
            _ => &["get", "patch", "update"],
        };
        Self { name, group, version, kind, verbs }
    }
}

/// The kind of the options of a proxy.
pub(crate) fn proxy_options(resource: &ApiResource) -> &'static str {
    match resource.kind {
        "Pod" => "PodProxyOptions",
        "Service" => "ServiceProxyOptions",
        _ => "NodeProxyOptions",
    }
}

//! Projected volumes, and the same source in several volumes.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::downward::{field, limits, resource};
use super::{CAT, MAPPED, MODE, Printing, map, projected, secret, shows, somebody};

pub(super) fn projections() -> Vec<Trial> {
    let of_map = |more: Value| {
        let mut source = json!({"name": "map"});
        for (field, value) in more.as_object().into_iter().flatten() {
            source[field] = value.clone();
        }
        json!({"configMap": source})
    };
    vec![
        shows(
            "Projected configMap should be consumable from pods in volume [NodeConformance]",
            move || {
                Printing::of(CAT, "value-1")
                    .using("configmaps", map())
                    .with(projected(of_map(json!({}))))
            },
        ),
        shows(
            "Projected configMap should be consumable from pods in volume as non-root [NodeConformance]",
            move || {
                Printing::of(CAT, "value-1")
                    .using("configmaps", map())
                    .with(projected(of_map(json!({}))))
                    .with_security(json!({"runAsUser": 1000}))
            },
        ),
        shows(
            "Projected configMap should be consumable from pods in volume with mappings [NodeConformance]",
            move || {
                let items = json!({"items": [{"key": "data-1", "path": "path/to/data"}]});
                Printing::of(MAPPED, "value-1\n644")
                    .using("configmaps", map())
                    .with(projected(of_map(items)))
            },
        ),
        shows(
            "Projected configMap should be consumable from pods in volume with mappings and Item mode set \
             [LinuxOnly] [NodeConformance]",
            move || {
                let items =
                    json!({"items": [{"key": "data-1", "path": "path/to/data", "mode": 0o400}]});
                Printing::of(MAPPED, "value-1\n400")
                    .using("configmaps", map())
                    .with(projected(of_map(items)))
            },
        ),
        shows(
            "Projected secret should be consumable from pods in volume [NodeConformance]",
            || {
                Printing::of(CAT, "value-1")
                    .using("secrets", secret())
                    .with(projected(json!({"secret": {"name": "secret"}})))
            },
        ),
        shows(
            "Projected secret should be consumable from pods in volume with defaultMode set [LinuxOnly] \
             [NodeConformance]",
            || {
                let sources = json!([{"secret": {"name": "secret"}}]);
                Printing::of(MODE, "value-1\n400")
                    .using("secrets", secret())
                    .with(json!({"projected": {"defaultMode": 0o400, "sources": sources}}))
            },
        ),
        shows(
            "Projected combined should project all components that make up the projection API [Projection] \
             [NodeConformance]",
            || {
                let name = json!([{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]);
                let sources = json!([{"secret": {"name": "secret", "items": [{"key": "data-1", "path": "s"}]}},
                    {"configMap": {"name": "map", "items": [{"key": "data-2", "path": "m"}]}},
                    {"downwardAPI": {"items": name}}]);
                Printing::of(
                    "cat /v/s; echo; cat /v/m; echo; cat /v/name",
                    "value-1\nvalue-2\ntried",
                )
                .using("secrets", secret())
                .using("configmaps", map())
                .with(json!({"projected": {"sources": sources}}))
            },
        ),
    ]
}

/// The same source in two volumes of a pod.
fn twice(plural: &'static str, object: Value, source: &Value) -> Printing {
    let volume = |name: &str| {
        let mut volume = source.clone();
        volume["name"] = name.into();
        volume
    };
    let mounts = json!([{"name": "v", "mountPath": "/v"}, {"name": "w", "mountPath": "/w"}]);
    let mut printing = Printing::of("cat /v/data-1; echo; cat /w/data-1", "value-1\nvalue-1")
        .using(plural, object)
        .container("volumeMounts", mounts);
    printing.volumes = json!([volume("v"), volume("w")]);
    printing
}

pub(super) fn several_volumes() -> Vec<Trial> {
    let items = |mode: Option<u32>| match mode {
        Some(mode) => json!([{"key": "data-1", "path": "path/to/data", "mode": mode}]),
        None => json!([{"key": "data-1", "path": "path/to/data"}]),
    };
    let own_name = || json!({"fieldRef": {"fieldPath": "metadata.name"}});
    vec![
        shows(
            "ConfigMap should be consumable in multiple volumes in the same pod [NodeConformance]",
            || twice("configmaps", map(), &json!({"configMap": {"name": "map"}})),
        ),
        shows(
            "Secrets should be consumable in multiple volumes in a pod [NodeConformance]",
            || twice("secrets", secret(), &json!({"secret": {"secretName": "secret"}})),
        ),
        shows(
            "Projected configMap should be consumable in multiple volumes in the same pod [NodeConformance]",
            || twice("configmaps", map(), &projected(json!({"configMap": {"name": "map"}}))),
        ),
        shows(
            "Projected secret should be consumable in multiple volumes in a pod [NodeConformance]",
            || twice("secrets", secret(), &projected(json!({"secret": {"name": "secret"}}))),
        ),
        shows(
            "Projected configMap should be consumable from pods in volume with defaultMode set [LinuxOnly] \
             [NodeConformance]",
            || {
                let sources = json!([{"configMap": {"name": "map"}}]);
                Printing::of(MODE, "value-1\n400")
                    .using("configmaps", map())
                    .with(json!({"projected": {"defaultMode": 0o400, "sources": sources}}))
            },
        ),
        shows(
            "Projected configMap should be consumable from pods in volume with mappings as non-root \
             [NodeConformance]",
            move || {
                Printing::of(MAPPED, "value-1\n644")
                    .using("configmaps", map())
                    .with(projected(json!({"configMap": {"name": "map", "items": items(None)}})))
                    .with_security(json!({"runAsUser": 1000}))
            },
        ),
        shows(
            "Projected secret should be consumable from pods in volume with mappings [NodeConformance]",
            move || {
                Printing::of(MAPPED, "value-1\n644")
                    .using("secrets", secret())
                    .with(projected(json!({"secret": {"name": "secret", "items": items(None)}})))
            },
        ),
        shows(
            "Projected secret should be consumable from pods in volume with mappings and Item Mode set \
             [LinuxOnly] [NodeConformance]",
            move || {
                Printing::of(MAPPED, "value-1\n400").using("secrets", secret()).with(projected(
                    json!({"secret": {"name": "secret", "items": items(Some(0o400))}}),
                ))
            },
        ),
        shows(
            "Projected secret should be consumable from pods in volume as non-root with defaultMode and \
             fsGroup set [LinuxOnly] [NodeConformance]",
            || {
                let sources = json!([{"secret": {"name": "secret"}}]);
                Printing::of(MODE, "value-1\n440")
                    .using("secrets", secret())
                    .with(json!({"projected": {"defaultMode": 0o440, "sources": sources}}))
                    .with_security(somebody())
            },
        ),
        shows(
            "Projected downwardAPI should set mode on item file [LinuxOnly] [NodeConformance]",
            move || {
                Printing::of(MODE, "tried\n400").with(projected(field(&own_name(), Some(0o400))))
            },
        ),
        shows(
            "Projected downwardAPI should set DefaultMode on files [LinuxOnly] [NodeConformance]",
            move || {
                let sources = json!([field(&own_name(), None)]);
                Printing::of(MODE, "tried\n400")
                    .with(json!({"projected": {"defaultMode": 0o400, "sources": sources}}))
            },
        ),
        shows(
            "Projected downwardAPI should provide container's cpu request [NodeConformance]",
            || {
                Printing::of(CAT, "250")
                    .with(projected(field(&resource("requests.cpu"), None)))
                    .container("resources", limits())
            },
        ),
        shows(
            "Projected downwardAPI should provide container's memory limit [NodeConformance]",
            || {
                Printing::of(CAT, "64")
                    .with(projected(field(&resource("limits.memory"), None)))
                    .container("resources", limits())
            },
        ),
    ]
}

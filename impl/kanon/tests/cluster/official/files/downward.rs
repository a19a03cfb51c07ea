//! What a pod is told of itself in files.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::{CAT, MODE, Printing, projected, shows};

/// The volume of one field or resource, at `data-1`.
pub(super) fn field(of: &Value, mode: Option<u32>) -> Value {
    let mut item = of.clone();
    item["path"] = "data-1".into();
    if let Some(mode) = mode {
        item["mode"] = mode.into();
    }
    json!({"downwardAPI": {"items": [item]}})
}

pub(super) fn resource(name: &str) -> Value {
    let divisor = if name.contains("memory") { "1Mi" } else { "1m" };
    json!({"resourceFieldRef": {"containerName": "c", "resource": name, "divisor": divisor}})
}

pub(super) fn limits() -> Value {
    json!({"requests": {"cpu": "250m", "memory": "32Mi"}, "limits": {"cpu": "1250m", "memory": "64Mi"}})
}

pub(super) fn downward() -> Vec<Trial> {
    let name = || json!({"fieldRef": {"fieldPath": "metadata.name"}});
    let amount = |expected: &str, of: &str| {
        Printing::of(CAT, expected)
            .with(field(&resource(of), None))
            .container("resources", limits())
    };
    vec![
        shows("Downward API volume should provide podname only [NodeConformance]", move || {
            Printing::of(CAT, "tried").with(field(&name(), None))
        }),
        shows(
            "Downward API volume should set mode on item file [LinuxOnly] [NodeConformance]",
            move || Printing::of(MODE, "tried\n400").with(field(&name(), Some(0o400))),
        ),
        shows(
            "Downward API volume should set DefaultMode on files [LinuxOnly] [NodeConformance]",
            move || {
                let mut volume = field(&name(), None);
                volume["downwardAPI"]["defaultMode"] = 0o400.into();
                Printing::of(MODE, "tried\n400").with(volume)
            },
        ),
        shows(
            "Downward API volume should provide container's cpu limit [NodeConformance]",
            move || amount("1250", "limits.cpu"),
        ),
        shows(
            "Downward API volume should provide container's cpu request [NodeConformance]",
            move || amount("250", "requests.cpu"),
        ),
        shows(
            "Downward API volume should provide container's memory limit [NodeConformance]",
            move || amount("64", "limits.memory"),
        ),
        shows(
            "Downward API volume should provide container's memory request [NodeConformance]",
            move || amount("32", "requests.memory"),
        ),
        shows("Projected downwardAPI should provide podname only [NodeConformance]", move || {
            Printing::of(CAT, "tried").with(projected(field(&name(), None)))
        }),
        shows(
            "Projected downwardAPI should provide container's cpu limit [NodeConformance]",
            || {
                Printing::of(CAT, "1250")
                    .with(projected(field(&resource("limits.cpu"), None)))
                    .container("resources", limits())
            },
        ),
        shows(
            "Projected downwardAPI should provide container's memory request [NodeConformance]",
            || {
                Printing::of(CAT, "32")
                    .with(projected(field(&resource("requests.memory"), None)))
                    .container("resources", limits())
            },
        ),
    ]
}

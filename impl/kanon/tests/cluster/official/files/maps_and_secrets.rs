//! ConfigMaps and Secrets as volumes.

use libtest_mimic::Trial;
use serde_json::json;

use super::{CAT, MAPPED, MODE, Printing, map, secret, shows, somebody};

pub(super) fn config_maps() -> Vec<Trial> {
    let mapped = || json!([{"key": "data-1", "path": "path/to/data"}]);
    let mapped_with_mode = || json!([{"key": "data-1", "path": "path/to/data", "mode": 0o400}]);
    vec![
        shows("ConfigMap should be consumable from pods in volume [NodeConformance]", || {
            Printing::of(CAT, "value-1")
                .using("configmaps", map())
                .with(json!({"configMap": {"name": "map"}}))
        }),
        shows(
            "ConfigMap should be consumable from pods in volume as non-root [NodeConformance]",
            || {
                Printing::of(CAT, "value-1")
                    .using("configmaps", map())
                    .with(json!({"configMap": {"name": "map"}}))
                    .with_security(json!({"runAsUser": 1000}))
            },
        ),
        shows(
            "ConfigMap should be consumable from pods in volume with defaultMode set [LinuxOnly] \
             [NodeConformance]",
            || {
                Printing::of(MODE, "value-1\n400")
                    .using("configmaps", map())
                    .with(json!({"configMap": {"name": "map", "defaultMode": 0o400}}))
            },
        ),
        shows(
            "ConfigMap should be consumable from pods in volume with mappings [NodeConformance]",
            move || {
                Printing::of(MAPPED, "value-1\n644")
                    .using("configmaps", map())
                    .with(json!({"configMap": {"name": "map", "items": mapped()}}))
            },
        ),
        shows(
            "ConfigMap should be consumable from pods in volume with mappings as non-root [NodeConformance]",
            move || {
                Printing::of(MAPPED, "value-1\n644")
                    .using("configmaps", map())
                    .with(json!({"configMap": {"name": "map", "items": mapped()}}))
                    .with_security(json!({"runAsUser": 1000}))
            },
        ),
        shows(
            "ConfigMap should be consumable from pods in volume with mappings and Item mode set [LinuxOnly] \
             [NodeConformance]",
            move || {
                Printing::of(MAPPED, "value-1\n400")
                    .using("configmaps", map())
                    .with(json!({"configMap": {"name": "map", "items": mapped_with_mode()}}))
            },
        ),
        shows("ConfigMap binary data should be reflected in volume [NodeConformance]", || {
            Printing::of(
                "cat /v/data-1; echo; od -An -tx1 /v/bytes | tr -d ' '",
                "value-1\ndeaddead",
            )
            .using("configmaps", map())
            .with(json!({"configMap": {"name": "map"}}))
        }),
    ]
}

pub(super) fn secrets() -> Vec<Trial> {
    vec![
        shows("Secrets should be consumable from pods in volume [NodeConformance]", || {
            Printing::of(CAT, "value-1")
                .using("secrets", secret())
                .with(json!({"secret": {"secretName": "secret"}}))
        }),
        shows(
            "Secrets should be consumable from pods in volume with defaultMode set [LinuxOnly] \
             [NodeConformance]",
            || {
                Printing::of(MODE, "value-1\n400")
                    .using("secrets", secret())
                    .with(json!({"secret": {"secretName": "secret", "defaultMode": 0o400}}))
            },
        ),
        shows(
            "Secrets should be consumable from pods in volume as non-root with defaultMode and fsGroup set \
             [LinuxOnly] [NodeConformance]",
            || {
                Printing::of(MODE, "value-1\n440")
                    .using("secrets", secret())
                    .with(json!({"secret": {"secretName": "secret", "defaultMode": 0o440}}))
                    .with_security(somebody())
            },
        ),
        shows(
            "Secrets should be consumable from pods in volume with mappings [NodeConformance]",
            || {
                let items = json!([{"key": "data-1", "path": "path/to/data"}]);
                Printing::of(MAPPED, "value-1\n644")
                    .using("secrets", secret())
                    .with(json!({"secret": {"secretName": "secret", "items": items}}))
            },
        ),
        shows(
            "Secrets should be consumable from pods in volume with mappings and Item Mode set [LinuxOnly] \
             [NodeConformance]",
            || {
                let items = json!([{"key": "data-1", "path": "path/to/data", "mode": 0o400}]);
                Printing::of(MAPPED, "value-1\n400")
                    .using("secrets", secret())
                    .with(json!({"secret": {"secretName": "secret", "items": items}}))
            },
        ),
    ]
}

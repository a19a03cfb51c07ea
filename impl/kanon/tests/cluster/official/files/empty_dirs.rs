//! emptyDir, on disk and in memory.

use libtest_mimic::Trial;
use serde_json::json;

use super::{Printing, shows};

/// A file of a mode in an emptyDir, on disk or in memory, by root or somebody else.
fn mode_in(memory: bool, is_root: bool, mode: &'static str) -> Printing {
    let script: &'static str = match mode {
        "644" => "echo hello > /v/f && chmod 644 /v/f && stat -c %a /v/f && cat /v/f",
        "666" => "echo hello > /v/f && chmod 666 /v/f && stat -c %a /v/f && cat /v/f",
        _ => "echo hello > /v/f && chmod 777 /v/f && stat -c %a /v/f && cat /v/f",
    };
    let medium = if memory { "Memory" } else { "" };
    let user = if is_root { json!({}) } else { json!({"runAsUser": 1001}) };
    Printing::of(script, format!("{mode}\nhello"))
        .with(json!({"emptyDir": {"medium": medium}}))
        .with_security(user)
}

pub(super) fn empty_dirs() -> Vec<Trial> {
    vec![
        shows(
            "EmptyDir volumes should support (root,0644,default) [LinuxOnly] [NodeConformance]",
            || mode_in(false, true, "644"),
        ),
        shows(
            "EmptyDir volumes should support (root,0666,default) [LinuxOnly] [NodeConformance]",
            || mode_in(false, true, "666"),
        ),
        shows(
            "EmptyDir volumes should support (root,0777,default) [LinuxOnly] [NodeConformance]",
            || mode_in(false, true, "777"),
        ),
        shows(
            "EmptyDir volumes should support (non-root,0644,default) [LinuxOnly] [NodeConformance]",
            || mode_in(false, false, "644"),
        ),
        shows(
            "EmptyDir volumes should support (non-root,0666,default) [LinuxOnly] [NodeConformance]",
            || mode_in(false, false, "666"),
        ),
        shows(
            "EmptyDir volumes should support (non-root,0777,default) [LinuxOnly] [NodeConformance]",
            || mode_in(false, false, "777"),
        ),
        shows(
            "EmptyDir volumes should support (root,0644,tmpfs) [LinuxOnly] [NodeConformance]",
            || mode_in(true, true, "644"),
        ),
        shows(
            "EmptyDir volumes should support (root,0666,tmpfs) [LinuxOnly] [NodeConformance]",
            || mode_in(true, true, "666"),
        ),
        shows(
            "EmptyDir volumes should support (root,0777,tmpfs) [LinuxOnly] [NodeConformance]",
            || mode_in(true, true, "777"),
        ),
        shows(
            "EmptyDir volumes should support (non-root,0644,tmpfs) [LinuxOnly] [NodeConformance]",
            || mode_in(true, false, "644"),
        ),
        shows(
            "EmptyDir volumes should support (non-root,0666,tmpfs) [LinuxOnly] [NodeConformance]",
            || mode_in(true, false, "666"),
        ),
        shows(
            "EmptyDir volumes should support (non-root,0777,tmpfs) [LinuxOnly] [NodeConformance]",
            || mode_in(true, false, "777"),
        ),
        shows(
            "EmptyDir volumes volume on default medium should have the correct mode [LinuxOnly] \
             [NodeConformance]",
            || Printing::of("stat -c %a /v", "777").with(json!({"emptyDir": {}})),
        ),
        shows(
            "EmptyDir volumes volume on tmpfs should have the correct mode [LinuxOnly] [NodeConformance]",
            || {
                let script = "stat -c %a /v; grep -o 'tmpfs /v ' /proc/mounts | head -1";
                Printing::of(script, "777\ntmpfs /v")
                    .with(json!({"emptyDir": {"medium": "Memory"}}))
            },
        ),
    ]
}

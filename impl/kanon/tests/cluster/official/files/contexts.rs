//! Who a container runs as, and what it prints.

use libtest_mimic::Trial;
use serde_json::json;

use super::{Printing, shows};

pub(super) fn contexts() -> Vec<Trial> {
    vec![
        shows(
            "Security Context When creating a container with runAsUser should run the container with uid 65534 \
             [LinuxOnly] [NodeConformance]",
            || {
                Printing::of("id -u", "65534")
                    .container("securityContext", json!({"runAsUser": 65534}))
            },
        ),
        shows(
            "Security Context When creating a pod with readOnlyRootFilesystem should run the container with \
             writable rootfs when readOnlyRootFilesystem=false [NodeConformance]",
            || {
                let context = json!({"readOnlyRootFilesystem": false});
                Printing::of("touch /checkfile && echo done", "done")
                    .container("securityContext", context)
            },
        ),
        shows(
            "Kubelet when scheduling a read only busybox container should not write to root filesystem \
             [LinuxOnly] [NodeConformance]",
            || {
                let context = json!({"readOnlyRootFilesystem": true});
                Printing::of("touch /checkfile 2> /dev/null || echo refused", "refused")
                    .container("securityContext", context)
            },
        ),
        shows(
            "Security Context When creating a pod with privileged should run the container as unprivileged \
             when false [LinuxOnly] [NodeConformance]",
            || {
                Printing::of(
                    "ip link add dummy0 type dummy 2>&1 | grep -o 'not permitted'",
                    "not permitted",
                )
                .container("securityContext", json!({"privileged": false}))
            },
        ),
        shows(
            "Security Context when creating containers with AllowPrivilegeEscalation should not allow privilege \
             escalation when false [LinuxOnly] [NodeConformance]",
            || {
                let context = json!({"runAsUser": 1000, "allowPrivilegeEscalation": false});
                Printing::of("id -u; grep NoNewPrivs /proc/self/status", "1000\nNoNewPrivs:\t1")
                    .container("securityContext", context)
            },
        ),
        shows(
            "Security Context should support container.SecurityContext.RunAsUser And \
             container.SecurityContext.RunAsGroup [LinuxOnly]",
            || {
                let context = json!({"runAsUser": 1001, "runAsGroup": 2002});
                Printing::of("id -u; id -g", "1001\n2002").container("securityContext", context)
            },
        ),
        shows(
            "Security Context should support pod.Spec.SecurityContext.RunAsUser And \
             pod.Spec.SecurityContext.RunAsGroup [LinuxOnly]",
            || {
                Printing::of("id -u; id -g", "1001\n2002")
                    .with_security(json!({"runAsUser": 1001, "runAsGroup": 2002}))
            },
        ),
        shows(
            "Kubelet when scheduling a busybox command in a pod should print the output to logs \
             [NodeConformance]",
            || Printing::of("echo 'Hello World'", "Hello World"),
        ),
    ]
}

//! Tests of what pod specs break.

use super::*;

#[test]
fn a_spec_says_what_it_breaks() {
    let table = [
        (json!({}), ""),
        (json!({"containers": []}), "s.containers: Required value"),
        (
            json!({"restartPolicy": "Sometimes"}),
            "s.restartPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", \"OnFailure\", \"Never\"",
        ),
        (
            json!({"dnsPolicy": "x"}),
            "s.dnsPolicy: Unsupported value: \"x\": supported values: \"ClusterFirstWithHostNet\", \"ClusterFirst\", \"Default\", \"None\"",
        ),
        (json!({"hostname": "a.b"}), "s.hostname: Invalid value: \"a.b\": must not contain dots"),
        (
            json!({"activeDeadlineSeconds": 0}),
            "s.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive",
        ),
        (
            json!({"schedulingGates": [{"name": "a"}, {"name": "a"}]}),
            "s.schedulingGates[1]: Duplicate value: \"a\"",
        ),
    ];
    for (change, expected) in table {
        let mut spec = json!({"restartPolicy": "Always", "dnsPolicy": "Default", "containers": [{
            "name": "c", "image": "a", "imagePullPolicy": "Always", "terminationMessagePolicy": "File",
        }]});
        spec.as_object_mut().unwrap().extend(change.as_object().cloned().unwrap());
        let messages: Vec<String> =
            validate("s", Draft { spec: &spec, old: &Value::Null, is_pod: true })
                .iter()
                .map(ToString::to_string)
                .collect();
        assert_eq!(messages.join("\n"), expected, "{change}");
    }
}

#[test]
fn names_and_numbers_are_looked_at_in_upstreams_order() {
    let spec = json!({"priorityClassName": "A", "subdomain": "A", "hostname": "A",
        "activeDeadlineSeconds": 0, "nodeName": "A", "runtimeClassName": "A", "serviceAccountName": "A"});

    let causes = name_causes("s", Draft { spec: &spec, old: &Value::Null, is_pod: true });

    let fields: Vec<&str> = causes.iter().map(|cause| cause.field.as_str()).collect();
    let expected = [
        "s.serviceAccountName",
        "s.nodeName",
        "s.activeDeadlineSeconds",
        "s.hostname",
        "s.subdomain",
        "s.priorityClassName",
        "s.runtimeClassName",
    ];
    assert_eq!(fields, expected);
}

#[test]
fn variables_that_stand_in_a_file_are_in_an_empty_dir_of_the_pod() {
    let file = |volume: &str| {
        let file = json!({"volumeName": volume, "path": "a", "key": "k"});
        json!({"name": "V", "valueFrom": {"fileKeyRef": file}})
    };
    let container = json!({"env": [file("here"), file("gone"), file("host")]});
    let spec = json!({"initContainers": [container], "volumes": [
        {"name": "here", "emptyDir": {}}, {"name": "host", "hostPath": {"path": "/"}}]});

    let causes: Vec<String> =
        file_volume_causes("s", &spec).iter().map(ToString::to_string).collect();

    let field =
        |index: usize| format!("s.initContainers[0].env[{index}].valueFrom.fileKeyRef.volumeName");
    let missing = format!("{}: Not found: \"gone\"", field(1));
    let other = format!(
        "{}: Invalid value: \"host\": referenced volume must be of type emptyDir",
        field(2)
    );
    assert_eq!(causes, [missing, other]);
}

#[test]
fn every_part_of_a_spec_is_looked_at() {
    let context = json!({"runAsUser": -1});
    let of_pod = json!({
        "runAsUser": -1, "sysctls": [{"name": ""}], "seccompProfile": {}, "appArmorProfile": {},
        "windowsOptions": {"runAsUserName": "", "hostProcess": true},
    });
    let container = json!({
        "name": "c", "image": "a", "imagePullPolicy": "Always", "terminationMessagePolicy": "File",
        "lifecycle": {"preStop": {"sleep": {"seconds": -1}}}, "restartPolicy": "Sometimes",
        "volumeMounts": [{"name": "v", "mountPath": "/v"}], "volumeDevices": [{"name": "v", "devicePath": "/d"}],
        "resources": {"claims": [{"name": "x"}], "limits": {"cpu": "1", "hugepages-2Mi": "1Mi"}},
        "resizePolicy": [{"resourceName": "gpu", "restartPolicy": "NotRequired"}],
        "ports": [{"containerPort": 80, "protocol": "TCP"}], "securityContext": context,
    });
    let init = json!({
        "name": "i", "image": "a", "imagePullPolicy": "Always", "terminationMessagePolicy": "File",
        "restartPolicy": "Sometimes", "securityContext": {"windowsOptions": {"hostProcess": false}},
        "resizePolicy": [{"resourceName": "cpu", "restartPolicy": "RestartContainer"}],
    });
    let spec = json!({
        "volumes": [{"name": "n", "nfs": {"server": "a", "path": "a"}}], "resourceClaims": [{"name": "d"}],
        "containers": [container], "initContainers": [init], "resources": {"claims": []},
        "hostNetwork": true, "hostUsers": false, "restartPolicy": "Always", "dnsPolicy": "None",
        "securityContext": of_pod, "readinessGates": [{"conditionType": ""}],
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {}}},
        "topologySpreadConstraints": [{"topologyKey": "a", "whenUnsatisfiable": "DoNotSchedule"}],
        "hostnameOverride": "a", "hostAliases": [{"ip": "a"}], "overhead": {"hugepages-2Mi": "2Mi"},
        "os": {"name": "plan9"}, "terminationGracePeriodSeconds": 30,
    });

    let causes = validate("s", Draft { spec: &spec, old: &Value::Null, is_pod: true });

    let mut fields: Vec<&str> = causes.iter().map(|cause| cause.field.as_str()).collect();
    fields.dedup();
    let expected = [
        "s.volumes[0].nfs.path",
        "s.resourceClaims[0]",
        "s.containers[0].volumeMounts[0].name",
        "s.containers[0].volumeDevices[0].name",
        "s.containers[0].resources.limits[hugepages-2Mi]",
        "s.containers[0].resources.claims[0]",
        "s.containers[0].resizePolicy",
        "s.containers[0].securityContext.runAsUser",
        "s.containers[0].lifecycle.preStop.sleep",
        "s.containers[0].restartPolicy",
        "s.initContainers[0].restartPolicy",
        "s.initContainers[0].resizePolicy[0].restartPolicy",
        "s.resources.claims",
        "s.containers[0].ports[0].hostPort",
        "s.securityContext.runAsUser",
        "s.securityContext.sysctls[0].name",
        "s.securityContext.seccompProfile.type",
        "s.securityContext.windowsOptions.runAsUserName",
        "s.securityContext.appArmorProfile.type",
        "s.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms",
        "s.dnsConfig",
        "s.readinessGates[0].conditionType",
        "s.topologySpreadConstraints[0].maxSkew",
        "s.initContainers[0].securityContext.windowsOptions.hostProcess",
        "s",
        "s.hostNetwork",
        "s.containers[0].volumeDevices",
        "s.hostnameOverride",
        "s.hostAliases[0].ip",
        "s.overhead",
        "s.os",
    ];
    assert_eq!(fields, expected);
}

#[test]
fn the_annotations_of_a_template_are_looked_at() {
    let key = "controller.kubernetes.io/pod-deletion-cost";
    let template = json!({"metadata": {"annotations": {key: "much"}}, "spec": {}});

    let causes = validate_template("t", &template, &Value::Null);

    assert_eq!(
        causes[0].to_string(),
        format!("t.annotations[{key}]: Invalid value: \"much\": must be a 32bit integer")
    );
}

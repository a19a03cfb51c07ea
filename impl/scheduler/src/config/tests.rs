//! What is refused, and how; what a file means.
//!
//! Texts are those that the functions of upstream which are named in `validation.rs` and `decode.rs` write (v1.36).

use serde_json::json;

use super::*;

fn read(rest: &str) -> Result<KubeSchedulerConfiguration, String> {
    let text = format!("apiVersion: {API_VERSION}\nkind: {KIND}\n{rest}");
    KubeSchedulerConfiguration::read(text.as_bytes()).map_err(|error| error.to_string())
}

fn check(table: &[(&str, &str)]) {
    for (rest, expected) in table {
        assert_eq!(read(rest).unwrap_err(), *expected, "{rest}");
    }
}

#[test]
fn a_file_that_says_nothing_means_the_defaults() {
    let read = read("").unwrap();

    assert_eq!(read, KubeSchedulerConfiguration::of_defaults());
    assert_eq!(read.profiles.len(), 1);
    assert_eq!(read.profiles[0].name(), "default-scheduler");
    let fit: NodeResourcesFitArgs = read.profiles[0].args();
    assert_eq!(fit.scoring_strategy.unwrap().r#type, "LeastAllocated");
    assert_eq!(read.profiles[0].args::<VolumeBindingArgs>().bind_timeout_seconds, 600);
}

#[test]
fn json_is_read_as_yaml_is() {
    let text = json!({"apiVersion": API_VERSION, "kind": KIND, "parallelism": 3, "profiles": null});

    let read = KubeSchedulerConfiguration::read(text.to_string().as_bytes()).unwrap();

    assert_eq!(read.parallelism, 3);
    assert_eq!(read.profiles.len(), 1);
}

/// Source: TestMergePlugins in apis/config/v1/default_plugins_test.go (v1.36).
#[test]
fn a_default_plugin_keeps_its_place_when_it_is_told_anew() {
    let read = read(
        "profiles: [{plugins: {multiPoint: {enabled: [{name: ImageLocality, weight: 9}, {name: Foo}], \
         disabled: [{name: NodeName}]}}}]",
    );

    let enabled = read.unwrap().profiles[0].plugins.multi_point.enabled.clone();
    let names: Vec<&str> = enabled.iter().map(|plugin| plugin.name.as_str()).collect();
    assert!(!names.contains(&"NodeName"));
    assert_eq!(names.iter().position(|name| *name == "ImageLocality"), Some(16));
    assert_eq!(enabled[16].weight, 9);
    assert_eq!(names.last(), Some(&"Foo"));
    assert_eq!(names.iter().filter(|name| **name == "ImageLocality").count(), 1);
}

#[test]
fn what_is_no_configuration_is_refused() {
    let refusal =
        |text: &str| KubeSchedulerConfiguration::read(text.as_bytes()).unwrap_err().to_string();
    let scheme = "in scheme \"k8s.io/kubernetes/pkg/scheduler/apis/config/scheme/scheme.go:29\"";

    assert_eq!(refusal("a: b"), "Object 'Kind' is missing in 'a: b'");
    assert_eq!(refusal("kind: X"), "Object 'apiVersion' is missing in 'kind: X'");
    assert_eq!(
        refusal("kind: KubeSchedulerConfiguration\napiVersion: componentconfig/v1alpha1"),
        format!(
            "no kind \"KubeSchedulerConfiguration\" is registered for version \
             \"componentconfig/v1alpha1\" {scheme}"
        )
    );
    assert_eq!(
        refusal(&format!("kind: NodeAffinityArgs\napiVersion: {API_VERSION}")),
        format!("couldn't decode as {KIND}, got {API_VERSION}, Kind=NodeAffinityArgs: ")
    );
    assert!(refusal("{").starts_with("couldn't get version/kind; json parse error: "));
    assert!(refusal("a: [").starts_with("error converting YAML to JSON: yaml: "));
}

/// Source: TestCodecsDecodePluginConfig in apis/config/scheme/scheme_test.go (v1.36).
#[test]
fn unknown_fields_are_refused_wherever_they_stand() {
    check(&[
        ("foo: bar", "strict decoding error: unknown field \"foo\""),
        (
            "profiles: [{plugins: {filters: {}}}]",
            "strict decoding error: unknown field \"profiles[0].plugins.filters\"",
        ),
        (
            "parallelism: 1\nparallelism: 2",
            "strict decoding error: yaml: unmarshal errors:\n  line 4: key \"parallelism\" already \
             set in map",
        ),
        (
            "profiles: [{pluginConfig: [{name: NodeResourcesFit, args: {scoringStrategy: \
             {resources: [{Name: cpu, Weight: 1}]}}}]}]",
            "strict decoding error: decoding .profiles[0].pluginConfig[0]: strict decoding error: \
             decoding args for plugin NodeResourcesFit: strict decoding error: unknown field \
             \"scoringStrategy.resources[0].Name\", unknown field \
             \"scoringStrategy.resources[0].Weight\"",
        ),
        (
            "profiles: [{pluginConfig: [{name: DefaultPreemption, args: {kind: InterPodAffinityArgs}}]}]",
            "decoding .profiles[0].pluginConfig[0]: args for plugin DefaultPreemption were not of type \
             DefaultPreemptionArgs.kubescheduler.config.k8s.io, got \
             InterPodAffinityArgs.kubescheduler.config.k8s.io",
        ),
        ("parallelism: x", "parallelism: invalid type: string \"x\", expected i32"),
        (
            "profiles: [{plugins: {score: {enabled: [{name: a, weight: 3000000000}]}}}]",
            "profiles[0].plugins.score.enabled[0].weight: invalid value: integer `3000000000`, expected i32",
        ),
    ]);
    assert!(read("profiles: [{pluginConfig: [{name: Mine, args: {foo: bar}}]}]").is_ok());
    assert!(read("profiles: [{pluginConfig: [{name: NodeAffinity}]}]").is_ok());
}

/// Source: TestValidateKubeSchedulerConfigurationV1 in apis/config/validation/validation_test.go (v1.36).
#[test]
fn broken_rules_are_told_in_upstreams_words() {
    let sort = |name: &str| format!("plugins: {{queueSort: {{enabled: [{{name: {name}}}]}}}}");
    let sorts = format!(
        "profiles: [{{schedulerName: a, {}}}, {{schedulerName: b, {}}}]",
        sort("PrioritySort"),
        sort("CustomSort")
    );
    check(&[
        (
            "parallelism: 0",
            "parallelism: Invalid value: 0: should be an integer value greater than zero",
        ),
        (
            "percentageOfNodesToScore: 101",
            "percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100]",
        ),
        (
            "podInitialBackoffSeconds: 0",
            "podInitialBackoffSeconds: Invalid value: 0: must be greater than 0",
        ),
        (
            "podMaxBackoffSeconds: 0",
            "podMaxBackoffSeconds: Invalid value: 0: must be greater than or equal to \
             PodInitialBackoffSeconds",
        ),
        (
            "leaderElection: {leaseDuration: 5s, resourceLock: configmaps}",
            "[leaderElection.leaseDuration: Invalid value: \"10s\": must be greater than `RenewDeadline`, \
             leaderElection.resourceLock: Invalid value: \"configmaps\": resourceLock value must be \
             \"leases\"]",
        ),
        (
            "profiles: [{schedulerName: a}, {schedulerName: a, percentageOfNodesToScore: -1}]",
            "[profiles[1].percentageOfNodesToScore: Invalid value: -1: not in valid range [0-100], \
             profiles[1].schedulerName: Duplicate value: {}]",
        ),
        ("profiles: [{schedulerName: a}, {}]", "profiles[1].schedulerName: Required value"),
        (
            &sorts,
            "profiles[1].plugins.queueSort: Invalid value: \
             {\"Disabled\":null,\"Enabled\":[{\"Name\":\"CustomSort\",\"Weight\":0}]}: must be the same \
             for all profiles",
        ),
        (
            "profiles: [{plugins: {score: {enabled: [{name: EBSLimits}]}}}]",
            "profiles[0].plugins.score.enabled[0]: Invalid value: \"EBSLimits\": was invalid in version \
             \"kubescheduler.config.k8s.io/v1\" (KubeSchedulerConfiguration is version \
             \"kubescheduler.config.k8s.io/v1\")",
        ),
        (
            "profiles: [{pluginConfig: [{name: config}, {name: config}]}]",
            "profiles[0].pluginConfig[1]: Duplicate value: \"config\"",
        ),
    ]);
}

#[test]
fn extenders_must_keep_rules() {
    check(&[
        (
            "extenders: [{prioritizeVerb: p, weight: -1}]",
            "extenders[0].weight: Invalid value: -1: must have a positive weight applied to it",
        ),
        (
            "extenders: [{bindVerb: a}, {bindVerb: b}]",
            "extenders: Invalid value: \"found 2 extenders implementing bind\": only one extender can \
             implement bind",
        ),
        (
            "extenders: [{managedResources: [{name: example.com/a}, {name: example.com/a}]}]",
            "extenders[0].managedResources[1].name: Invalid value: \"example.com/a\": duplicate extender \
             managed resource name",
        ),
        (
            "extenders: [{managedResources: [{name: cpu}]}]",
            "extenders[0].managedResources[0].name: Invalid value: \"cpu\": is an invalid extended \
             resource name",
        ),
        (
            "extenders: [{httpTimeout: 5}]",
            "extenders[0].httpTimeout: invalid type: integer `5`, expected a string",
        ),
    ]);
}

/// Source: apis/config/validation/validation_pluginargs_test.go (v1.36).
#[test]
fn arguments_of_plugins_must_keep_rules() {
    for (plugin, args, expected) in [
        (
            "DefaultPreemption",
            "{minCandidateNodesPercentage: 200}",
            ".minCandidateNodesPercentage: Invalid value: 200: not in valid range [0, 100]",
        ),
        (
            "InterPodAffinity",
            "{hardPodAffinityWeight: 101}",
            ".hardPodAffinityWeight: Invalid value: 101: not in valid range [0, 100]",
        ),
        (
            "PodTopologySpread",
            "{defaultConstraints: [{maxSkew: 1, topologyKey: a, whenUnsatisfiable: DoNotSchedule}]}",
            ".defaultingType: Invalid value: \"System\": when .defaultConstraints are not empty",
        ),
        (
            "NodeResourcesBalancedAllocation",
            "{resources: [{name: cpu, weight: 2}]}",
            ".resources[0].weight: Invalid value: 2: must be 1",
        ),
        (
            "VolumeBinding",
            "{bindTimeoutSeconds: -10}",
            ".bindTimeoutSeconds: Invalid value: -10: invalid BindTimeoutSeconds, should not be a negative \
             value",
        ),
        (
            "VolumeBinding",
            "{shape: [{utilization: 0, score: 5}]}",
            ".shape: Invalid value: [{\"Score\":5,\"Utilization\":0}]: unexpected field `shape`, remove it or \
             turn on the feature gate StorageCapacityScoring",
        ),
        (
            "NodeAffinity",
            "{addedAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: \
             [{matchExpressions: [{key: a, operator: In}]}]}}}",
            ".addedAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].\
             matchExpressions[0].values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty",
        ),
        (
            "DynamicResources",
            "{bindingTimeout: 10ms}",
            ".bindingTimeout: Invalid value: \"10ms\": must be at least 1 second",
        ),
    ] {
        let rest = format!("profiles: [{{pluginConfig: [{{name: {plugin}, args: {args}}}]}}]");
        let refusal = read(&rest).unwrap_err();
        let expected = format!("profiles[0].pluginConfig[0].args{expected}");
        assert_eq!(refusal, expected, "{rest}");
    }
}

#[test]
fn default_constraints_must_keep_rules() {
    let constraint = "{maxSkew: 0, topologyKey: a, whenUnsatisfiable: Never}";
    let args =
        format!("{{defaultingType: List, defaultConstraints: [{constraint}, {constraint}]}}");

    let refusal =
        read(&format!("profiles: [{{pluginConfig: [{{name: PodTopologySpread, args: {args}}}]}}]"));

    let path = "profiles[0].pluginConfig[0].args.defaultConstraints";
    let of = |index: usize| {
        format!(
            "{path}[{index}].maxSkew: Invalid value: 0: not in valid range (0, inf), \
             {path}[{index}].whenUnsatisfiable: Unsupported value: \"Never\": supported values: \
             \"DoNotSchedule\", \"ScheduleAnyway\""
        )
    };
    let twice = format!("{path}[1]: Duplicate value: \"{{a, Never}}\"");
    assert_eq!(refusal.unwrap_err(), format!("[{}, {}, {twice}]", of(0), of(1)));
}

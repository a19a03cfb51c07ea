//! The table holds what upstream's types say.

use serde_json::json;

use super::*;
use crate::kind::resources;

const VERSION: &str = "io.k8s.apimachinery.pkg.version.Info";

#[test]
fn every_resource_has_a_definition_and_a_list() {
    for resource in resources::ALL {
        let list = format!("{}List", resource.kind);

        assert!(Schema::of(resource).is_some(), "{}", resource.kind);
        assert!(Schema::of_kind(&resource.api_version(), &list).is_some(), "{list}");
    }
}

#[test]
fn bodies_that_are_only_sent_have_definitions() {
    let bodies = [
        ("v1", "Binding"),
        ("v1", "Status"),
        ("autoscaling/v1", "Scale"),
        ("policy/v1", "Eviction"),
        ("apps/v1", "DeleteOptions"),
    ];

    for (api_version, kind) in bodies {
        assert!(Schema::of_kind(api_version, kind).is_some(), "{kind}");
    }
}

#[test]
fn every_field_but_the_type_meta_has_a_protobuf_number() {
    // That of a server is told in JSON alone.
    let has_message = |definition: &&Definition| definition.name != VERSION;
    for definition in Schema::get().definitions().iter().filter(has_message) {
        let fields = definition.fields.iter().filter(|(_, field)| field.number.is_empty());
        let without: Vec<_> = fields.map(|(name, _)| name.as_str()).collect();
        let type_meta: &[&str] =
            if definition.kinds.is_empty() { &[] } else { &["apiVersion", "kind"] };

        assert_eq!(without, type_meta, "{}", definition.name);
    }
}

#[test]
fn containers_are_keyed_by_name() {
    let containers = field("PodSpec", "containers");

    assert_eq!(containers.list_type, Some(ListType::Map { keys: vec!["name".to_owned()] }));
    assert_eq!(containers.merge_key.as_deref(), Some("name"));
    assert!(containers.patch_strategy.merge);
    assert!(containers.required);
    assert_eq!(containers.number, [2]);
}

#[test]
fn ports_are_keyed_by_number_and_protocol_but_merge_by_number() {
    let ports = field("Container", "ports");

    let keys = vec!["containerPort".to_owned(), "protocol".to_owned()];
    assert_eq!(ports.list_type, Some(ListType::Map { keys }));
    assert_eq!(ports.merge_key.as_deref(), Some("containerPort"));
}

#[test]
fn finalizers_are_a_set_that_merges() {
    let metadata = Schema::named("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta").unwrap();
    let finalizers = &metadata.fields["finalizers"];

    assert_eq!(finalizers.list_type, Some(ListType::Set));
    assert!(finalizers.patch_strategy.merge);
    assert_eq!(finalizers.value, Type::List(Box::new(Type::String)));
}

#[test]
fn volumes_retain_keys() {
    let volumes = field("PodSpec", "volumes");

    assert!(volumes.patch_strategy.retain_keys);
    assert!(volumes.patch_strategy.merge);
}

#[test]
fn fields_of_embedded_messages_have_two_numbers() {
    assert_eq!(field("Volume", "emptyDir").number, [2, 2]);
    assert_eq!(field("Volume", "name").number, [1]);
    assert_eq!(field("ConfigMapKeySelector", "name").number, [1, 1]);
}

#[test]
fn metadata_is_not_required() {
    assert!(!field("Pod", "metadata").required);
}

#[test]
fn zero_of_a_field_held_by_value_is_left_out() {
    assert!(!field("ContainerPort", "hostPort").keeps(&json!(0)));
    assert!(field("ContainerPort", "containerPort").keeps(&json!(0)));
    assert!(field("PodSpec", "activeDeadlineSeconds").keeps(&json!(0)));
    assert!(!field("PodSpec", "nodeName").keeps(&json!("")));
    assert!(!field("Container", "args").keeps(&json!([])));
    assert!(field("Container", "resources").keeps(&json!({})));
}

#[test]
fn descriptions_are_those_of_the_definition_and_its_fields() {
    let descriptions = Schema::descriptions();
    let pod = &descriptions["io.k8s.api.core.v1.Pod"];

    assert!(pod[""].contains("collection of containers"));
    assert!(pod["spec"].contains("desired behavior"));
}

#[test]
fn go_name_is_version_and_type() {
    assert_eq!(definition("PodSpec").go_name(), "v1.PodSpec");
}

fn definition(name: &str) -> &'static Definition {
    Schema::named(&format!("io.k8s.api.core.v1.{name}")).unwrap()
}

fn field(of: &str, name: &str) -> &'static Field {
    &definition(of).fields[name]
}

//! Laws of ownership that hold for all objects and all writes.

use proptest::prelude::*;

use super::*;

/// What a manager may say of a ConfigMap: some keys of its data, labels and finalizers.
fn any_config_map() -> BoxedStrategy<Value> {
    let keys = || proptest::sample::select(vec!["a", "b", "c"]);
    let entries = || proptest::collection::btree_map(keys(), "[xy]", 0..4);
    let finalizers = proptest::sample::subsequence(vec!["x/1", "x/2", "x/3"], 0..4);
    let config = (entries(), entries(), finalizers).prop_map(|(data, labels, finalizers)| {
        let mut config = json!({"metadata": {"name": "m"}});
        if !data.is_empty() {
            config["data"] = json!(data);
        }
        if !labels.is_empty() {
            config["metadata"]["labels"] = json!(labels);
        }
        if !finalizers.is_empty() {
            config["metadata"]["finalizers"] = json!(finalizers);
        }
        config
    });
    config.boxed()
}

/// A Deployment: a list with one key, within it one with two keys and one that is atomic.
fn any_deployment() -> BoxedStrategy<Value> {
    let containers = proptest::sample::subsequence(vec!["a", "b", "c"], 0..4);
    let containers = containers.prop_flat_map(|names| {
        names.into_iter().map(container).collect::<Vec<BoxedStrategy<Value>>>()
    });
    let config = (containers, proptest::option::of(1..4)).prop_map(|(containers, replicas)| {
        let mut config = json!({"metadata": {"name": "m"}});
        if !containers.is_empty() {
            config["spec"]["template"]["spec"]["containers"] = json!(containers);
        }
        if let Some(replicas) = replicas {
            config["spec"]["replicas"] = json!(replicas);
        }
        config
    });
    config.boxed()
}

fn container(name: &'static str) -> BoxedStrategy<Value> {
    let keys = vec![(80, "TCP"), (80, "UDP"), (81, "TCP")];
    let keys = proptest::sample::subsequence(keys, 0..3);
    let names = proptest::collection::vec(proptest::option::of("[xy]"), 3);
    let ports = (keys, names).prop_map(|(keys, names)| -> Vec<Value> {
        keys.into_iter().zip(names).map(|(key, name)| port(key, name)).collect()
    });
    let args = proptest::collection::vec("[xy]", 0..3);
    let container = (proptest::option::of("[ij]"), args, ports);
    let container = container.prop_map(move |(image, args, ports)| {
        let mut container = json!({"name": name});
        if let Some(image) = image {
            container["image"] = json!(image);
        }
        if !args.is_empty() {
            container["args"] = json!(args);
        }
        if !ports.is_empty() {
            container["ports"] = json!(ports);
        }
        container
    });
    container.boxed()
}

fn port((number, protocol): (i64, &str), name: Option<String>) -> Value {
    let mut port = json!({"containerPort": number, "protocol": protocol});
    if let Some(name) = name {
        port["name"] = json!(name);
    }
    port
}

/// An object that two managers have applied to and one has updated.
fn written(
    nothing: fn() -> Written,
    config: fn() -> BoxedStrategy<Value>,
) -> BoxedStrategy<Written> {
    let written = (config(), config(), config()).prop_map(move |(first, second, update)| {
        let mut object = nothing();
        object.force("a", &first);
        object.update("u", &update);
        object.force("b", &second);
        object
    });
    written.boxed()
}

/// Such an object of one kind or the other, and what somebody may apply to it.
fn case() -> impl Strategy<Value = (Written, Value)> {
    prop_oneof![
        (written(Written::config_map, any_config_map), any_config_map()),
        (written(Written::deployment, any_deployment), any_deployment()),
    ]
}

/// Every leaf of an object that somebody may own, as paths of `FieldsV1`.
fn leaves(fields: &Value, path: &str, found: &mut Vec<String>) {
    for (name, below) in fields.as_object().into_iter().flatten().filter(|(name, _)| *name != ".") {
        let path = format!("{path}/{name}");
        if below.as_object().is_none_or(|below| below.keys().all(|name| name == ".")) {
            found.push(path);
        } else {
            leaves(below, &path, found);
        }
    }
}

fn leaves_of(map: &Written, manager: &str) -> Vec<String> {
    let mut found = vec![];
    leaves(&map.owned(manager), "", &mut found);
    found
}

/// The leaves of an object, as far as what is generated makes any.
fn leaves_in(object: &Value) -> Vec<String> {
    if object.get("spec").is_some() {
        return leaves_in_deployment(object);
    }
    let metadata = &object["metadata"];
    let keys = |value: &Value, prefix: &str| -> Vec<String> {
        let keys = value.as_object().into_iter().flatten();
        keys.map(|(key, _)| format!("{prefix}/f:{key}")).collect()
    };
    let finalizers = metadata["finalizers"].as_array().into_iter().flatten();
    let finalizers = finalizers.map(|name| format!("/f:metadata/f:finalizers/v:{name}"));
    let labels = keys(&metadata["labels"], "/f:metadata/f:labels");
    keys(&object["data"], "/f:data").into_iter().chain(labels).chain(finalizers).collect()
}

fn leaves_in_deployment(deployment: &Value) -> Vec<String> {
    let fields = |item: &Value, path: &str| -> Vec<String> {
        let fields = item.as_object().into_iter().flatten().filter(|(field, _)| *field != "ports");
        fields.map(|(field, _)| format!("{path}/f:{field}")).collect()
    };
    let mut found = vec![];
    if deployment["spec"].get("replicas").is_some() {
        found.push("/f:spec/f:replicas".to_owned());
    }
    let containers = deployment["spec"]["template"]["spec"]["containers"].as_array();
    for container in containers.into_iter().flatten() {
        let key = json!({"name": container["name"]});
        let path = format!("/f:spec/f:template/f:spec/f:containers/k:{key}");
        found.extend(fields(container, &path));
        for port in container["ports"].as_array().into_iter().flatten() {
            let key = json!({"containerPort": port["containerPort"], "protocol": port["protocol"]});
            found.extend(fields(port, &format!("{path}/f:ports/k:{key}")));
        }
    }
    found
}

/// Whether a leaf is more than a list or map, or a key of an item, which may stay with what others own of the item;
/// and nothing that Go always writes.
fn says_something(path: &str) -> bool {
    let keys = ["}/f:name", "/f:containerPort", "/f:protocol"];
    let is_key = keys.iter().any(|key| path.ends_with(key)) && !is_name_of_port(path);
    let lists = ["f:labels", "f:data", "f:finalizers", "f:containers", "f:ports"];
    let is_list = lists.iter().any(|list| path.ends_with(list));
    !is_key && !is_list && !path.ends_with("/f:resources")
}

fn is_name_of_port(path: &str) -> bool {
    path.contains("/f:ports/") && path.ends_with("/f:name")
}

proptest! {
    #[test]
    fn applying_twice_is_applying_once((mut map, config) in case()) {
        map.force("a", &config);
        let once = map.clone();

        prop_assert_eq!(map.apply("a", &config), Ok(()));

        prop_assert_eq!(map, once);
    }

    #[test]
    fn a_manager_owns_exactly_what_it_applied((mut map, config) in case()) {
        map.force("a", &config);

        let (mut owned, mut said) = (leaves_of(&map, "a"), leaves_in(&config));
        owned.sort();
        said.sort();
        prop_assert_eq!(owned, said);
    }

    #[test]
    fn what_nobody_owns_goes_and_what_somebody_owns_stays((mut map, config) in case()) {
        map.force("a", &config);

        let mut owned: Vec<String> = ["a", "b", "u"].iter().flat_map(|name| leaves_of(&map, name)).collect();
        owned.retain(|path| says_something(path));
        owned.sort();
        owned.dedup();
        let mut there = leaves_in(&map.object);
        there.retain(|path| says_something(path));
        there.sort();
        prop_assert_eq!(owned, there);
    }

    #[test]
    fn applying_what_one_owns_never_conflicts((mut map, config) in case()) {
        map.force("a", &config);
        let mine = map.owned("a");
        map.update("u", &json!({"metadata": {"annotations": {"z": "1"}}}));

        prop_assert_eq!(map.apply("a", &config), Ok(()));

        prop_assert_eq!(map.owned("a"), mine);
    }

    #[test]
    fn sets_of_fields_obey_the_laws_of_sets((left, _) in case(), (right, _) in case()) {
        let set = |map: &Written| {
            map.managed.entries.iter().fold(FieldSet::default(), |all, entry| all.union(&entry.fields))
        };
        let (left, right) = (set(&left), set(&right));

        let both = left.intersection(&right);
        prop_assert_eq!(left.difference(&right).union(&both), left.clone());
        prop_assert_eq!(&both, &right.intersection(&left));
        prop_assert_eq!(left.union(&right), right.union(&left));
        prop_assert!(left.difference(&left).is_empty());
        prop_assert_eq!(FieldSet::from_value(&left.to_value()), Ok(left));
    }
}

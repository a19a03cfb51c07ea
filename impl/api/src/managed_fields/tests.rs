//! Who owns what after writes.

use serde_json::{Value, json};

use super::*;
use crate::object::{at, text};

mod laws;

/// An object that several managers write.
#[derive(Clone, Debug, PartialEq)]
struct Written {
    object: Value,
    managed: ManagedFields,
}

impl Written {
    fn nothing(api_version: &str, kind: &str) -> Self {
        let object = json!({"apiVersion": api_version, "kind": kind});
        Self { object, managed: ManagedFields::default() }
    }

    fn config_map() -> Self {
        Self::nothing("v1", "ConfigMap")
    }

    fn deployment() -> Self {
        Self::nothing("apps/v1", "Deployment")
    }

    /// The object with the fields of `change`, by whatever is no apply.
    fn update(&mut self, manager: &str, change: &Value) {
        let mut new = self.object.clone();
        json_patch::merge(&mut new, change);
        let managed = std::mem::take(&mut self.managed);
        self.managed = self.with_manager(|fields| {
            fields.update(self.object.clone(), new.clone(), managed, manager)
        });
        self.object = new;
    }

    fn apply(&mut self, manager: &str, config: &Value) -> Result<(), ApplyError> {
        self.apply_with(manager, config, false)
    }

    fn force(&mut self, manager: &str, config: &Value) {
        self.apply_with(manager, config, true).expect("it is of its type");
    }

    fn apply_with(&mut self, manager: &str, config: &Value, force: bool) -> Result<(), ApplyError> {
        let mut config = config.clone();
        for field in ["apiVersion", "kind"] {
            config[field] = self.object[field].clone();
        }
        let application = Application { config: &config, manager, force };
        let applied = self
            .with_manager(|fields| fields.apply(&self.object, self.managed.clone(), application))?;
        self.managed = applied.managed;
        if let Some(object) = applied.object {
            self.object = object;
        }
        Ok(())
    }

    fn with_manager<T>(&self, run: impl FnOnce(&FieldManager<'_>) -> T) -> T {
        run(&FieldManager {
            api_version: self.object["apiVersion"].as_str().unwrap_or_default(),
            subresource: "",
            reset_fields: &FieldSet::of(&[&["status"]]),
            now: "2026-01-01T00:00:00Z",
            convert: &|object, api_version| {
                (object["apiVersion"] == api_version).then(|| object.clone())
            },
        })
    }

    /// The fields of a manager, as `FieldsV1`.
    fn owned(&self, manager: &str) -> Value {
        let entries = self.managed.entries.iter();
        let found = entries.clone().find(|entry| entry.manager.name == manager);
        found.map_or(Value::Null, |entry| entry.fields.to_value())
    }

    fn data(&self) -> Value {
        self.object.get("data").cloned().unwrap_or(Value::Null)
    }

    /// Names and images of the containers.
    fn containers(&self) -> Vec<(&str, &str)> {
        let containers = at(&self.object, &["spec", "template", "spec", "containers"]);
        let containers = containers.and_then(Value::as_array).into_iter().flatten();
        containers
            .map(|container| (text(container, &["name"]), text(container, &["image"])))
            .collect()
    }
}

fn conflicts(refused: Result<(), ApplyError>) -> String {
    match refused {
        Err(ApplyError::Conflicts(conflicts)) => conflict_status(&conflicts).message,
        other => panic!("no conflicts: {other:?}"),
    }
}

fn deployment(containers: Value) -> Value {
    json!({"spec": {"template": {"spec": {"containers": containers}}}})
}

#[test]
fn whoever_creates_an_object_owns_what_it_says_and_what_go_always_writes() {
    let mut deployment = Written::deployment();

    deployment.update(
        "kubectl",
        &json!({"metadata": {"name": "d", "labels": {"a": "b"}},
        "spec": {"replicas": 1, "template": {"spec": {"containers": [{"name": "c", "image": "i",
        "ports": [{"containerPort": 80}]}]}}}, "status": {"replicas": 3}}),
    );

    let container = json!({".": {}, "f:image": {}, "f:name": {}, "f:resources": {}, "f:ports": {
        ".": {}, "k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}}}});
    let expected = json!({
        "f:metadata": {"f:labels": {".": {}, "f:a": {}}},
        "f:spec": {"f:replicas": {}, "f:template": {"f:spec": {"f:containers": {
            "k:{\"name\":\"c\"}": container}}}},
    });
    assert_eq!(deployment.owned("kubectl"), expected);
}

#[test]
fn an_update_takes_the_fields_that_it_changes_and_no_others() {
    let mut map = Written::config_map();
    map.update("a", &json!({"data": {"x": "1", "y": "1"}}));

    map.update("b", &json!({"data": {"x": "2", "y": "1"}}));

    assert_eq!(map.owned("a"), json!({"f:data": {".": {}, "f:y": {}}}));
    assert_eq!(map.owned("b"), json!({"f:data": {"f:x": {}}}));
}

#[test]
fn what_an_update_takes_out_nobody_owns() {
    let mut map = Written::config_map();
    map.update("a", &json!({"data": {"x": "1"}}));

    map.update("b", &json!({"data": null}));

    assert!(map.managed.is_empty());
}

#[test]
fn an_update_without_effect_changes_no_time() {
    let mut map = Written::config_map();
    map.update("a", &json!({"data": {"x": "1"}}));
    map.managed.entries[0].time = Some("2025-01-01T00:00:00Z".to_owned());
    let before = map.clone();

    map.update("a", &json!({"data": {"x": "1"}}));

    assert_eq!(map, before);
}

#[test]
fn the_oldest_of_many_updates_are_joined() {
    let mut map = Written::config_map();

    for number in 0..13 {
        map.update(&format!("m{number:02}"), &json!({"data": {format!("k{number:02}"): "1"}}));
    }

    assert_eq!(map.managed.entries.len(), 10);
    let ancient = map.owned("ancient-changes");
    let expected = json!({"f:data": {".": {}, "f:k00": {}, "f:k01": {}, "f:k02": {}, "f:k03": {}}});
    assert_eq!(ancient, expected);
}

#[test]
fn managers_that_apply_own_what_they_say_together() {
    let mut map = Written::config_map();
    map.apply("a", &json!({"data": {"x": "1", "y": "1"}})).unwrap();

    map.apply("b", &json!({"data": {"x": "1", "z": "1"}})).unwrap();

    assert_eq!(map.owned("a"), json!({"f:data": {"f:x": {}, "f:y": {}}}));
    assert_eq!(map.owned("b"), json!({"f:data": {"f:x": {}, "f:z": {}}}));
    assert_eq!(map.data(), json!({"x": "1", "y": "1", "z": "1"}));
}

#[test]
fn a_field_that_its_only_manager_gives_up_goes() {
    let mut map = Written::config_map();
    map.apply("a", &json!({"data": {"x": "1", "y": "1"}})).unwrap();
    map.apply("b", &json!({"data": {"x": "1"}})).unwrap();

    map.apply("a", &json!({"metadata": {"name": "m"}})).unwrap();

    assert_eq!(map.data(), json!({"x": "1"}), "b still says x");
    assert_eq!(map.owned("a"), Value::Null);
}

#[test]
fn another_value_for_what_others_own_is_a_conflict() {
    let mut map = Written::config_map();
    map.update("kubectl-edit", &json!({"data": {"x": "1"}, "metadata": {"labels": {"l": "1"}}}));
    map.apply("a", &json!({"data": {"y": "1"}})).unwrap();
    let before = map.clone();

    let one = conflicts(map.apply("b", &json!({"data": {"y": "2"}})));
    let many = conflicts(
        map.apply("b", &json!({"data": {"x": "2", "y": "2"}, "metadata": {"labels": {"l": "2"}}})),
    );

    assert_eq!(one, "Apply failed with 1 conflict: conflict with \"a\": .data.y");
    let expected = "Apply failed with 3 conflicts: conflicts with \"a\":\n- .data.y\n\
        conflicts with \"kubectl-edit\" using v1:\n- .data.x\n- .metadata.labels.l";
    assert_eq!(many, expected);
    assert_eq!(map, before);
}

#[test]
fn force_takes_fields_from_those_who_own_them() {
    let mut map = Written::config_map();
    map.update("kubectl-edit", &json!({"data": {"x": "1", "y": "1"}}));

    map.force("a", &json!({"data": {"x": "2"}}));

    assert_eq!(map.data(), json!({"x": "2", "y": "1"}));
    assert_eq!(map.owned("kubectl-edit"), json!({"f:data": {".": {}, "f:y": {}}}));
}

#[test]
fn who_owns_no_field_of_an_old_object_is_before_the_first_apply() {
    let mut map = Written::config_map();
    map.object["data"] = json!({"x": "1"});

    let refused = conflicts(map.apply("a", &json!({"data": {"x": "2"}})));

    assert!(refused.contains("\"before-first-apply\" using v1: .data.x"), "{refused}");
}

#[test]
fn elements_of_a_keyed_list_merge_by_their_keys() {
    let mut written = Written::deployment();
    written
        .apply("a", &deployment(json!([{"name": "a", "image": "1"}, {"name": "b", "image": "1"}])))
        .unwrap();

    written.apply("b", &deployment(json!([{"name": "c", "image": "1"}, {"name": "b"}]))).unwrap();
    assert_eq!(written.containers(), [("a", "1"), ("c", "1"), ("b", "1")]);

    written.apply("a", &deployment(json!([{"name": "d", "image": "1"}]))).unwrap();
    assert_eq!(
        written.containers(),
        [("c", "1"), ("b", ""), ("d", "1")],
        "b is said, its image not"
    );
}

#[test]
fn what_is_applied_gives_the_order_and_what_others_say_stays_before_what_it_stood_before() {
    let names = |names: &[&str]| {
        deployment(names.iter().map(|name| json!({"name": name, "image": name})).collect())
    };
    let table: [(&[&str], &[&str], &[&str]); 4] = [
        (&["a", "b"], &["b", "a"], &["b", "a"]),
        (&["a", "x", "b"], &["b", "a"], &["x", "b", "a"]),
        (&["a", "x"], &["b", "a"], &["b", "a", "x"]),
        (&["x", "y"], &["b"], &["x", "y", "b"]),
    ];
    for (live, applied, expected) in table {
        let mut written = Written::deployment();
        written.update("u", &names(live));

        written.apply("a", &names(applied)).unwrap();

        let found: Vec<&str> = written.containers().iter().map(|(name, _)| *name).collect();
        assert_eq!(found, expected, "{live:?} {applied:?}");
    }
}

#[test]
fn what_nobody_ever_owned_stays_where_somebody_else_holds_what_it_is_in() {
    let mut written = Written::deployment();
    written.apply("a", &deployment(json!([{"name": "c", "image": "i"}]))).unwrap();
    written.object["spec"]["template"]["spec"]["containers"][0]["tty"] = json!(true);
    written.apply("b", &deployment(json!([{"name": "c", "stdin": true}]))).unwrap();

    written.apply("a", &json!({"metadata": {"name": "d"}})).unwrap();

    let container = &written.object["spec"]["template"]["spec"]["containers"][0];
    assert_eq!((&container["stdin"], &container["tty"]), (&json!(true), &json!(true)));
    assert_eq!(container.get("image"), None);
}

#[test]
fn an_atomic_element_of_a_keyed_list_is_owned_as_a_whole() {
    let secrets = |list: Value| json!({"spec": {"template": {"spec": {"imagePullSecrets": list}}}});
    let mut written = Written::deployment();

    written.apply("a", &secrets(json!([{"name": "x"}]))).unwrap();
    written.apply("b", &secrets(json!([{"name": "y"}]))).unwrap();

    let owned = json!({"f:spec": {"f:template": {"f:spec": {"f:imagePullSecrets": {
        "k:{\"name\":\"x\"}": {}}}}}});
    assert_eq!(written.owned("a"), owned);
}

#[test]
fn an_element_that_stands_there_twice_cannot_be_applied() {
    let twice = deployment(json!([{"name": "a"}, {"name": "a"}]));

    let refused = Written::deployment().apply("a", &twice);

    let why = ".spec.template.spec.containers: duplicate entries for key [name=\"a\"]";
    assert_eq!(refused, Err(ApplyError::Type(why.to_owned())));
}

#[test]
fn elements_of_a_set_belong_to_those_who_say_them() {
    let finalizers = |list: Value| json!({"metadata": {"finalizers": list}});
    let mut map = Written::config_map();
    map.apply("a", &finalizers(json!(["x/1", "x/2"]))).unwrap();
    map.apply("b", &finalizers(json!(["x/3", "x/1"]))).unwrap();

    map.apply("a", &finalizers(json!(["x/4"]))).unwrap();

    assert_eq!(map.object["metadata"]["finalizers"], json!(["x/3", "x/1", "x/4"]));
    assert_eq!(map.owned("a"), json!({"f:metadata": {"f:finalizers": {"v:\"x/4\"": {}}}}));
}

#[test]
fn an_atomic_map_has_one_value() {
    let selector =
        |labels: Value| json!({"spec": {"template": {"spec": {"nodeSelector": labels}}}});
    let mut written = Written::deployment();
    written.apply("a", &selector(json!({"x": "1"}))).unwrap();

    let refused = conflicts(written.apply("b", &selector(json!({"y": "1"}))));

    assert!(refused.ends_with("\"a\": .spec.template.spec.nodeSelector"), "{refused}");
}

#[test]
fn kubectl_may_take_what_it_applied_from_the_clients_side() {
    let mut map = Written::config_map();
    let applied = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"x": "1"}});
    let annotation = "kubectl.kubernetes.io/last-applied-configuration";
    map.update(
        "kubectl-client-side-apply",
        &json!({"data": {"x": "1"},
        "metadata": {"annotations": {annotation: applied.to_string()}}}),
    );
    map.update("kubectl-edit", &json!({"data": {"y": "1"}}));
    let mut edited = map.clone();
    edited.update("kubectl-edit", &json!({"data": {"x": "9"}}));

    conflicts(edited.apply("kubectl", &json!({"data": {"x": "2"}})));
    conflicts(map.clone().apply("other", &json!({"data": {"x": "2"}})));
    let refused = conflicts(map.apply("kubectl", &json!({"data": {"x": "2", "y": "2"}})));
    assert_eq!(
        refused,
        "Apply failed with 1 conflict: conflict with \"kubectl-edit\" using v1: .data.y"
    );
    map.apply("kubectl", &json!({"data": {"x": "2"}})).unwrap();

    assert_eq!(map.data(), json!({"x": "2", "y": "1"}));
}

#[test]
fn entries_are_read_as_they_were_written_and_nonsense_is_not_read() {
    let mut map = Written::config_map();
    map.update("b", &json!({"data": {"x": "1"}}));
    map.apply("a", &json!({"data": {"y": "1"}})).unwrap();

    let value = map.managed.to_value();

    assert_eq!((&value[0]["manager"], &value[0]["operation"]), (&json!("a"), &json!("Apply")));
    assert_eq!(ManagedFields::read(&value).unwrap().to_value(), value);
    for (field, nonsense) in
        [("operation", "Replace"), ("apiVersion", ""), ("fieldsType", "FieldsV2")]
    {
        let mut value = value.clone();
        value[0][field] = json!(nonsense);
        assert_eq!(ManagedFields::read(&value), None, "{field}");
    }
}

#[test]
fn the_last_of_several_entries_of_one_manager_counts() {
    let mut map = Written::config_map();
    map.update("a", &json!({"data": {"x": "1"}}));
    let one = map.managed.to_value();
    let mut other = one[0].clone();
    other["fieldsV1"] = json!({"f:data": {"f:y": {}}});

    let read = ManagedFields::read(&json!([other, one[0]]));

    assert_eq!(read, Some(map.managed));
}

#[test]
fn fields_of_another_groups_version_are_forgotten() {
    let mut map = Written::config_map();
    map.update("a", &json!({"data": {"x": "1"}}));
    map.managed.entries[0].api_version = "other/v1".to_owned();

    map.update("b", &json!({"data": {"y": "1"}}));

    assert_eq!(map.owned("a"), Value::Null);
}

#[test]
fn what_was_applied_in_another_groups_version_is_not_given_up() {
    let mut map = Written::config_map();
    map.apply("a", &json!({"data": {"x": "1"}})).unwrap();
    map.managed.entries[0].api_version = "other/v1".to_owned();

    map.apply("a", &json!({"data": {"y": "1"}})).unwrap();

    assert_eq!(map.data(), json!({"x": "1", "y": "1"}));
}

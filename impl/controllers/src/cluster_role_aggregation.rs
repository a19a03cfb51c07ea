//! The ClusterRole aggregation controller: roles that have the rules of all roles with some labels.
//!
//! Source: pkg/controller/clusterroleaggregation/clusterroleaggregation_controller.go (v1.36).

use api::selector::Selector;
use api::{Key, Request, Timestamp, resources};
use client::{Change, Outcome, View};
use k8s_openapi::api::rbac::v1::{AggregationRule, ClusterRole, PolicyRule};
use serde_json::{Value, json};

use crate::ownership::labels;
use crate::{Controller, Plan};

/// Who applies the rules.
const NAME: &str = "clusterrole-aggregation-controller";

/// Keeps the rules of aggregated ClusterRoles.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClusterRoleAggregationController;

impl Controller for ClusterRoleAggregationController {
    fn name(&self) -> &'static str {
        NAME
    }

    fn workers(&self) -> usize {
        5
    }

    fn observe(&mut self, view: &View, change: &Change) -> Vec<Key> {
        if change.resource() != &resources::CLUSTER_ROLES {
            return vec![];
        }
        let roles = view.cluster_roles.iter();
        let aggregated = roles.filter(|role| role.aggregation_rule.is_some());
        aggregated.map(|role| Key::of(&role.metadata)).collect()
    }

    fn reconcile(&mut self, view: &View, key: &Key, _now: Timestamp) -> Plan {
        let Some(role) = view.cluster_roles.get(key) else { return Plan::default() };
        let Some(rules) = role.aggregation_rule.as_ref().and_then(|of| aggregate(view, key, of))
        else {
            return Plan::default();
        };
        let found = role.rules.iter().flatten().map(without_empty).collect::<Vec<_>>();
        if found == rules {
            return Plan::default();
        }
        let request = Request::apply(&resources::CLUSTER_ROLES, key.clone(), (NAME, body(&rules)));
        Plan { requests: vec![request], look_again: None }.observed_at(view.revision)
    }

    fn completed(&mut self, _key: &Key, _request: &Request, _outcome: &Outcome) {}
}

/// What is applied: rules, or nothing where there are none.
fn body(rules: &[PolicyRule]) -> Value {
    if rules.is_empty() { json!({}) } else { json!({"rules": rules}) }
}

/// The rules of all other roles that a selector matches, each once; `None` where a selector is not one.
fn aggregate(view: &View, own: &Key, rule: &AggregationRule) -> Option<Vec<PolicyRule>> {
    let mut rules = vec![];
    for selector in rule.cluster_role_selectors.iter().flatten() {
        let selector = Selector::from_label_selector(selector).ok()?;
        let roles = view.cluster_roles.iter();
        let others = roles.filter(|role| role.metadata.name.as_deref() != Some(&own.name));
        for role in others.filter(|role| selector.matches(labels(&role.metadata))) {
            add_rules(&mut rules, role);
        }
    }
    Some(rules)
}

fn add_rules(rules: &mut Vec<PolicyRule>, role: &ClusterRole) {
    for rule in role.rules.iter().flatten().map(without_empty) {
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
}

/// The same rule, without lists that say nothing.
fn without_empty(rule: &PolicyRule) -> PolicyRule {
    let some = |list: &Option<Vec<String>>| list.clone().filter(|list| !list.is_empty());
    PolicyRule {
        api_groups: some(&rule.api_groups),
        non_resource_urls: some(&rule.non_resource_urls),
        resource_names: some(&rule.resource_names),
        resources: some(&rule.resources),
        verbs: rule.verbs.clone(),
    }
}

#[cfg(test)]
mod tests {
    use api::Verb;

    use super::*;
    use crate::testing::{World, at, requests};

    const ROLES: &api::ApiResource = &resources::CLUSTER_ROLES;

    fn role(name: &str, labels: Value, verbs: &[&str]) -> Value {
        let rules: Vec<Value> = verbs.iter().map(|verb| rule(verb)).collect();
        json!({"metadata": {"name": name, "labels": labels}, "rules": rules})
    }

    fn rule(verb: &str) -> Value {
        json!({"apiGroups": [""], "resources": ["pods"], "verbs": [verb]})
    }

    fn aggregated(rules: Value) -> Value {
        let selectors = json!([{"matchLabels": {"to": "all"}}, {"matchLabels": {"also": "all"}}]);
        json!({"metadata": {"name": "all", "labels": {"to": "all"}}, "rules": rules,
            "aggregationRule": {"clusterRoleSelectors": selectors}})
    }

    /// What is applied to the role `all`, which has these rules.
    fn applied(rules: Value) -> Option<Value> {
        let mut world = World::new(ClusterRoleAggregationController);
        world.put(ROLES, role("b", json!({"to": "all"}), &["get", "list"]));
        world.put(ROLES, role("a", json!({"to": "all"}), &["list", "watch"]));
        world.put(ROLES, role("0", json!({"also": "all"}), &["watch", "delete"]));
        world.put(ROLES, role("other", json!({}), &["patch"]));
        let due = world.put(ROLES, aggregated(rules));
        let plan = world.reconcile(&due[0], at(10));
        requests(&plan, Verb::Apply, ROLES).first().map(|request| {
            let body = request.body.clone().unwrap();
            assert_eq!(
                (body["metadata"]["name"].clone(), request.field_manager),
                (json!("all"), NAME)
            );
            body["rules"].clone()
        })
    }

    fn wanted() -> Value {
        json!(["list", "watch", "get", "delete"].map(rule))
    }

    #[test]
    fn a_role_gets_the_rules_of_all_that_its_selectors_match_each_once() {
        assert_eq!(applied(json!([rule("patch")])), Some(wanted()));
    }

    #[test]
    fn a_role_that_has_its_rules_is_left_alone() {
        let mut same = wanted();
        same[0]["nonResourceURLs"] = json!([]);

        assert_eq!(applied(same), None);
    }

    #[test]
    fn a_change_of_any_role_makes_the_aggregated_ones_due() {
        let mut world = World::new(ClusterRoleAggregationController);
        world.put(ROLES, aggregated(Value::Null));

        let put = world.put(ROLES, role("a", json!({}), &["get"]));
        let removed = world.remove(ROLES, &Key::cluster("a"));

        assert_eq!(put, [Key::cluster("all")]);
        assert_eq!(removed, [Key::cluster("all")]);
    }

    #[test]
    fn a_role_without_others_loses_what_was_applied() {
        let mut world = World::new(ClusterRoleAggregationController);
        let due = world.put(ROLES, aggregated(json!([rule("get")])));

        let plan = world.reconcile(&due[0], at(10));

        let body = plan.requests[0].body.clone().unwrap();
        assert_eq!(body.get("rules"), None);
        assert_eq!(body["kind"], "ClusterRole");
    }

    #[test]
    fn a_selector_that_is_none_changes_nothing() {
        let mut world = World::new(ClusterRoleAggregationController);
        let mut role = aggregated(json!([rule("get")]));
        let selector = json!({"matchExpressions": [{"key": "a", "operator": "Near"}]});
        role["aggregationRule"]["clusterRoleSelectors"] = json!([selector]);
        let due = world.put(ROLES, role);

        assert_eq!(world.reconcile(&due[0], at(10)), Plan::default());
    }
}
